package portal

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"entree/internal/loopback"
	"entree/internal/sso"
	"entree/portal/web"
)

// EntPage is drawn by templates/ent.html, GET /ent: the stand-in of the digital workspace.
type EntPage struct {
	Name   string
	Demo   bool // the portal listens on loopback: the page shows an example of an ENT
	Claims []Claim
}

// Claim is one attribute that a relying party receives.
type Claim struct{ Name, Label, Value string }

// knownClaims lists the claims that have a translated name, in the order of the page.
// Other claims follow under their technical names.
var knownClaims = []string{
	"name", "given_name", "family_name", "preferred_username", "email", "supannEtuId", "supannEmpId", "eduPersonPrimaryAffiliation",
	"eduPersonAffiliation", "eduPersonPrincipalName", "entreeProfile", "entreeCharterVersion", "locale", "email_verified", "sub",
}

func place(claim string) int {
	if i := slices.Index(knownClaims, claim); i >= 0 {
		return i
	}
	return len(knownClaims)
}

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
	view := p.site.View(c, "ent.title")
	page := EntPage{Name: web.SessionValue(session, keyName), Demo: isDemo(p.site.URL("/"))}
	slices.SortStableFunc(claims, func(a, b sso.Claim) int { return place(a.Name) - place(b.Name) })
	for _, one := range claims {
		label := one.Name
		if slices.Contains(knownClaims, one.Name) {
			label = html.UnescapeString(string(view.T("claim." + one.Name)))
		}
		page.Claims = append(page.Claims, Claim{Name: one.Name, Label: label, Value: one.Value})
	}
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "ent", view.With(page), nil, "")
}

// isDemo reports whether the portal's address is one of this machine. On a real
// installation without sso.ent_url the page must not look like a workspace.
func isDemo(base string) bool {
	u, err := url.Parse(base)
	return err == nil && loopback.IsHost(u.Hostname())
}
