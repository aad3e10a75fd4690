package portal

import (
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"

	"entree/portal/web"
	"entree/sso"
)

// EntPage, templates/ent.html, GET /ent: the stand-in of the digital workspace.
type EntPage struct {
	Name   string
	Claims []Claim
}

// Claim is one attribute that a relying party gets.
type Claim struct{ Name, Label, Value string }

func (p *Portal) ent(c *gin.Context) error {
	session, err := p.site.Session(c)
	if err != nil {
		return err
	}
	subject := web.SessionValue(session, keySubject)
	if subject == "" {
		return web.SeeOther(pathLogin)
	}
	var claims []sso.Claim
	if err := json.Unmarshal([]byte(web.SessionValue(session, keyClaims)), &claims); err != nil {
		return fmt.Errorf("claims of the session: %w", err)
	}
	page := EntPage{Name: web.SessionValue(session, keyName)}
	for _, one := range claims {
		page.Claims = append(page.Claims, Claim{Name: one.Name, Label: one.Name, Value: one.Value})
	}
	view := p.site.View(c, "ent.title")
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "ent", view.With(page), nil, "")
}
