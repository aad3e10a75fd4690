package web

import (
	"encoding/base64"
	"net/http"

	"github.com/gin-gonic/gin"

	"entree/internal/secret"
)

// Token returns the value of a form's hidden field: a MAC over the session id
// and about, which is the journey's id or empty if there is no journey. A
// visitor without a session receives one; it exists in the cookie only.
//
// The session id changes when a journey begins and when the code is proven. A
// page of an earlier journey in another tab therefore has a token that is no
// longer valid: its form is refused and does not change the later journey.
func (s *Site) Token(c *gin.Context, about string) (string, error) {
	session, err := s.Session(c)
	if err != nil {
		return "", err
	}
	if session.IsNew {
		if session.ID, err = s.sessions.newID(); err != nil {
			return "", err
		}
		if err := session.Save(c.Request, c.Writer); err != nil {
			return "", err
		}
		session.IsNew = false
	}
	return base64.RawURLEncoding.EncodeToString(s.config.Keys.MAC(secret.UseForm.Of(s.sessions.site), session.ID, about)), nil
}

// CheckToken returns an error page if a form was not made for this session and
// this about, or if the browser sends no cookie. goOn is the address of the
// visitor's current step, to which the error page links.
func (s *Site) CheckToken(c *gin.Context, form Form, about, goOn string) error {
	session, err := s.Session(c)
	if err != nil {
		return err
	}
	if len(c.Request.CookiesNamed(session.Name())) == 0 {
		// Every page with a form sets the cookie, so the browser does not store
		// cookies.
		return &Error{Status: http.StatusConflict, Key: "cookies", GoOn: goOn, Label: "error.try_again"}
	}
	sum, err := base64.RawURLEncoding.DecodeString(form[TokenField])
	if err != nil || session.IsNew || !s.config.Keys.Verify(secret.UseForm.Of(s.sessions.site), sum, session.ID, about) {
		return &Error{Status: http.StatusConflict, Key: "stale", GoOn: goOn, Label: "error.go_on"}
	}
	return nil
}
