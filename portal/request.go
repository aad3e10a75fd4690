package portal

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
)

// RequestPage is drawn by templates/request.html, GET and POST /activation
// fields: profil (radio), adresse (email)
type RequestPage struct {
	Action   string // path that the form is sent to
	Profiles []ProfileChoice
	Selected string
	Address  string // as typed, kept on an error
	Ongoing  string // address of the step of a journey under way; empty: none
	Minutes  int    // of the whole activation; 0: unknown
	Long     bool   // the address has its mails of the day: a long code goes on
}

var requestFields = []web.Field{{Name: "profil", Max: 64, Optional: true}, {Name: "adresse", Max: 1024}}

// lostMark in the address makes the page say that this browser has no activation under
// way: the session was lost while the student read the mail, or has ended.
const lostMark = "perdue"

func (p *Portal) showRequest(c *gin.Context) error {
	selected := c.Query("profil")
	if _, ok := p.profile(selected); !ok {
		selected = ""
	}
	return p.drawRequest(c, domain.PurposeActivate, RequestPage{Selected: selected}, nil)
}

func (p *Portal) drawRequest(c *gin.Context, purpose domain.Purpose, page RequestPage, r *domain.Refusal) error {
	view, ongoing, err := p.firstPage(c, wordsOf(purpose)+"request.title")
	if err != nil {
		return err
	}
	dress(&view, purpose)
	page.Action = firstPath(purpose)
	page.Profiles, page.Ongoing, page.Minutes = p.profiles(view.Lang), ongoing, p.minutes(page.Selected, view.Lang)
	if _, lost := c.GetQuery(lostMark); lost && ongoing == "" && c.Request.Method != http.MethodPost {
		view.Notice = view.T(wordsOf(purpose) + "request.lost")
	}
	if page.Selected != "" {
		view.Query = url.Values{"profil": {page.Selected}}
	}
	return p.answer(c, "request", view.With(page), r, "adresse")
}

// request begins a journey. It answers the same for every address, known or unknown:
// a journey, a new session, and the page for the code.
func (p *Portal) request(c *gin.Context) error { return p.ask(c, domain.PurposeActivate) }

func (p *Portal) ask(c *gin.Context, purpose domain.Purpose) error {
	form, _, err := p.firstForm(c, firstPath(purpose), requestFields)
	if err != nil {
		return err
	}
	page := RequestPage{Address: form["adresse"]}
	if _, ok := p.profile(form["profil"]); ok {
		page.Selected = form["profil"]
	}
	var session *web.Renewal
	err = p.evenly(c, func() error {
		_, err := p.Service.Request(c.Request.Context(), activation.Request{
			Purpose: purpose, Profile: form["profil"], Address: form["adresse"], Lang: p.site.Lang(c), Client: p.site.ClientKey(c),
			Session: func(j domain.Journey) (rows []domain.SessionRow, err error) {
				if session, err = p.prepareSession(c, j); err == nil {
					rows = append(rows, session.Row)
				}
				return rows, err
			},
		})
		return err
	})
	if r, refused := refusal(err); refused {
		page.Long = r.Reason == domain.ReasonMailsSpent
		return p.drawRequest(c, purpose, page, r)
	}
	if err != nil {
		return err
	}
	if err := session.Done(); err != nil {
		return err
	}
	return web.SeeOther(pathCode)
}

// besidesCharter is the time of an activation without the charter, in minutes: the
// mail with the code, the advice and the password.
const besidesCharter = 4

// minutes returns the time of an activation with the charter in force, or with the
// longest charter if no profile is selected. It returns 0 if no charter can be read.
func (p *Portal) minutes(selected string, lang domain.Lang) int {
	longest := 0
	for _, profile := range p.Profiles {
		if selected != "" && profile.Key != selected {
			continue
		}
		charter, err := p.Service.CharterOf(domain.Person{Profile: profile.Key}, lang)
		if err != nil {
			continue // the charter's page reports it
		}
		if page, err := p.charterPage(charter); err == nil {
			longest = max(longest, page.Minutes)
		}
	}
	if longest == 0 {
		return 0
	}
	return longest + besidesCharter
}

// profile returns the configured profile with a key. ok is false if there is none.
func (p *Portal) profile(key string) (profile domain.Profile, ok bool) {
	i := slices.IndexFunc(p.Profiles, func(f domain.Profile) bool { return f.Key == key })
	if i < 0 {
		return profile, false
	}
	return p.Profiles[i], true
}

// prepareSession returns a session with a new id that contains the journey's id, until the
// journey expires.
func (p *Portal) prepareSession(c *gin.Context, j domain.Journey) (*web.Renewal, error) {
	return p.site.PrepareRenewal(c, map[string]string{keyJourney: string(j.ID)}, j.ExpiresAt.Sub(p.Now()))
}

// firstPage returns the view of a page from which a journey can begin, and the path of
// the session's current journey; empty means none.
func (p *Portal) firstPage(c *gin.Context, title string) (view web.View, ongoing string, err error) {
	j, ongoing, err := p.ongoing(c)
	if err != nil {
		return view, "", err
	}
	view = p.site.View(c, title)
	dress(&view, domain.PurposeActivate)
	view.Step = 1
	view.Token, err = p.site.Token(c, string(j.ID))
	return view, ongoing, err
}

// firstForm reads the form of such a page. A form of an outdated page is answered with
// a link to the journey's current page, or else to the form's own page. about is the
// session's journey, or empty.
func (p *Portal) firstForm(c *gin.Context, page string, fields []web.Field) (form web.Form, about domain.JourneyID, err error) {
	if form, err = web.ReadForm(c, fields...); err != nil {
		return nil, "", err
	}
	j, ongoing, err := p.ongoing(c)
	if err != nil {
		return nil, "", err
	}
	return form, j.ID, p.site.CheckToken(c, form, string(j.ID), cmp.Or(ongoing, page))
}

// ongoing returns the session's journey and the path of its page. Without a journey
// both are zero; of a journey that has ended it returns the id only.
func (p *Portal) ongoing(c *gin.Context) (j domain.Journey, at string, err error) {
	session, err := p.site.Session(c)
	if err != nil {
		return j, "", err
	}
	id := domain.JourneyID(web.SessionValue(session, keyJourney))
	if id == "" {
		return j, "", nil
	}
	j, step, err := p.journeyOf(c, session)
	if errors.Is(err, domain.ErrNotFound) || errors.Is(err, activation.ErrExpired) || step == domain.StepEnded {
		return domain.Journey{ID: id}, "", nil
	}
	if err != nil {
		return j, "", err
	}
	return j, p.pageOf(j, step).path, nil
}
