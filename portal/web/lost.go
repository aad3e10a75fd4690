package web

import (
	"encoding/base64"
	"errors"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/secret"
)

// answerLost is how long a code can be sent again after its answer was lost.
const answerLost = 10 * time.Minute

// Keys of the values of a row of LeftRow.
const (
	leftAbout = "about"
	leftProof = "proof"
	leftUntil = "until"
)

// leftID returns the id of the row of LeftRow for a session id. It differs from
// every session id, because these contain no colon.
func leftID(id string) string { return "left:" + id }

// LeftRow returns the row that a browser needs that does not receive the answer to a code,
// because the network was lost or the student pressed twice: the right code has renewed the
// session, and the browser has the old cookie. With the same cookie, form and code
// TakeLeft enters the session once more. old is the session id before it was renewed,
// about that of the form's token, and until the end of the session.
func (s *Site) LeftRow(old, about, code string, values map[string]string, until time.Time) (domain.SessionRow, error) {
	all := map[string]string{
		leftAbout: about, leftUntil: until.Format(time.RFC3339),
		leftProof: base64.RawURLEncoding.EncodeToString(s.leftMAC(old, code)),
	}
	for k, v := range values {
		all[k] = v
	}
	box, err := s.sessions.seal(leftID(old), all)
	return domain.SessionRow{ID: leftID(old), Data: box, Expires: s.config.Now().Add(answerLost)}, err
}

func (s *Site) leftMAC(old, code string) []byte {
	return s.config.Keys.MAC(secret.UseForm.Of(s.sessions.site), old, "code", code)
}

// TakeLeft begins a new session with the values of a row of LeftRow, and reports whether it
// did. The row is taken before the codes are compared: of any number of
// presses one compares, and a wrong code ends the matter.
func (s *Site) TakeLeft(c *gin.Context, form Form, code string) (bool, error) {
	session, err := s.Session(c)
	if err != nil || session.IsNew {
		return false, err
	}
	old := session.ID
	values, _, _, err := s.sessions.read(c.Request.Context(), leftID(old))
	if errors.Is(err, domain.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	token, err := base64.RawURLEncoding.DecodeString(form[TokenField])
	if err != nil || !s.config.Keys.Verify(secret.UseForm.Of(s.sessions.site), token, old, values[leftAbout]) {
		return false, nil
	}
	proof, err := base64.RawURLEncoding.DecodeString(values[leftProof])
	if err != nil {
		return false, err
	}
	until, err := time.Parse(time.RFC3339, values[leftUntil])
	if err != nil {
		return false, err
	}
	for _, key := range []string{leftAbout, leftProof, leftUntil} {
		delete(values, key)
	}
	renewal, err := s.renewal(c, leftID(old), values, until.Sub(s.config.Now()))
	if err != nil {
		return false, err
	}
	err = renewal.Save()
	switch {
	case errors.Is(err, domain.ErrNotFound): // another press took it
		return false, nil
	case err != nil:
		return false, err
	case !s.config.Keys.Verify(secret.UseForm.Of(s.sessions.site), proof, old, "code", code):
		return false, s.EndSession(c)
	}
	return true, nil
}
