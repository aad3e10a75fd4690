package portal

import (
	"net/url"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// WelcomePage is drawn by templates/welcome.html, GET /
type WelcomePage struct{ Profiles []ProfileChoice }

// ProfileChoice is one profile on the welcome page and in the form.
type ProfileChoice struct {
	Key         string
	Name        string // in the page's language
	ActivateURL string // /activation?profil=etudiant
	LoginURL    string // into the ENT
}

func (p *Portal) welcome(c *gin.Context) error {
	if p.site.TakeSealed(c, changeCookie, new(bool)) { // back from the provider's logout
		return web.SeeOther(pathLogin)
	}
	view := p.site.View(c, "welcome.title")
	return p.answer(c, "welcome", view.With(WelcomePage{p.profiles(view.Lang)}), nil, "")
}

func (p *Portal) profiles(lang domain.Lang) []ProfileChoice {
	choices := make([]ProfileChoice, len(p.Profiles))
	for i, profile := range p.Profiles {
		name := profile.Names[lang]
		if name == "" {
			name = profile.Names[domain.French]
		}
		choices[i] = ProfileChoice{
			Key: profile.Key, Name: name,
			ActivateURL: pathRequest + "?profil=" + url.QueryEscape(profile.Key),
			LoginURL:    pathLogin,
		}
	}
	return choices
}
