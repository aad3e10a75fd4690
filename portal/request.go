package portal

import (
	"errors"
	"slices"

	"github.com/gin-gonic/gin"

	"entree/activation"
	"entree/portal/web"
)

// RequestPage is drawn by templates/request.html, GET and POST /activation
// fields: profil (radio), adresse (email)
type RequestPage struct {
	Profiles []ProfileChoice
	Selected string
	Address  string // as typed, kept on an error
	Ongoing  string // address of the step of a journey under way; empty: none
}

var requestFields = []web.Field{{Name: "profil", Max: 64, Optional: true}, {Name: "adresse", Max: 1024}}

func (p *Portal) showRequest(c *gin.Context) error {
	selected := c.Query("profil")
	if !p.hasProfile(selected) {
		selected = ""
	}
	return p.drawRequest(c, RequestPage{Selected: selected}, nil)
}

func (p *Portal) drawRequest(c *gin.Context, page RequestPage, r *activation.Refusal) error {
	id, ongoing, err := p.ongoing(c)
	if err != nil {
		return err
	}
	view := p.site.View(c, "request.title")
	view.Step = 1
	if view.Token, err = p.site.Token(c, id); err != nil {
		return err
	}
	page.Profiles, page.Ongoing = p.profiles(view.Lang), ongoing
	return p.answer(c, "request", view.With(page), r, "adresse")
}

// request begins a journey. It answers the same for every address, known or
// not: a journey, a new session, and the page for the code.
func (p *Portal) request(c *gin.Context) error {
	form, err := web.ReadForm(c, requestFields...)
	if err != nil {
		return err
	}
	about, ongoing, err := p.ongoing(c)
	if err != nil {
		return err
	}
	if ongoing == "" {
		ongoing = pathRequest
	}
	if err := p.site.CheckToken(c, form, about, ongoing); err != nil {
		return err
	}
	j, err := p.Service.Request(c.Request.Context(), activation.Request{
		Profile: form["profil"], Address: form["adresse"], Lang: p.site.Lang(c), Client: p.site.ClientKey(c),
	})
	var r *activation.Refusal
	if errors.As(err, &r) {
		page := RequestPage{Address: form["adresse"]}
		if p.hasProfile(form["profil"]) {
			page.Selected = form["profil"]
		}
		return p.drawRequest(c, page, r)
	}
	if err != nil {
		return err
	}
	if err := p.keepJourney(c, j); err != nil {
		return err
	}
	return web.SeeOther(pathCode)
}

func (p *Portal) hasProfile(key string) bool {
	return slices.ContainsFunc(p.Profiles, func(profile activation.Profile) bool { return profile.Key == key })
}

// keepJourney ties a journey to a session with a new id, for as long as the
// journey lives.
func (p *Portal) keepJourney(c *gin.Context, j activation.Journey) error {
	return p.site.RenewSession(c, map[string]string{keyJourney: string(j.ID)}, j.ExpiresAt.Sub(p.Now()))
}

// ongoing gives the id of the session's journey and the page where it stands;
// both empty where there is none, the page alone where it is over.
func (p *Portal) ongoing(c *gin.Context) (id, at string, err error) {
	session, err := p.site.Session(c)
	if err != nil {
		return "", "", err
	}
	id = web.SessionValue(session, keyJourney)
	if id == "" {
		return "", "", nil
	}
	_, step, err := p.Service.Journey(c.Request.Context(), activation.JourneyID(id))
	if errors.Is(err, activation.ErrNotFound) || errors.Is(err, activation.ErrExpired) || step == activation.StepEnded {
		return id, "", nil
	}
	return id, stepPath[step], err
}
