package portal

import (
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
)

// pathClaim is the page of a person who cannot reach the address of the registry.
const (
	pathClaim      = "/adresse-perdue"
	pathClaimFiled = pathClaim + "/demande"
)

// ClaimPage is drawn by templates/lost.html, GET and POST /adresse-perdue
// fields: profil (radio), numero, prenom, nom, naissance-jour, naissance-mois, naissance-annee, adresse
type ClaimPage struct {
	Profiles                      []ProfileChoice
	Selected                      string
	Number, GivenName, FamilyName string
	Day, Month, Year              string
	Address                       string
}

var claimFields = []web.Field{
	{Name: "profil", Max: 64, Optional: true}, {Name: "numero", Max: 64}, {Name: "prenom", Max: 400}, {Name: "nom", Max: 400},
	{Name: "naissance-jour", Max: 16, Optional: true}, {Name: "naissance-mois", Max: 16, Optional: true}, {Name: "naissance-annee", Max: 16, Optional: true},
	{Name: "adresse", Max: 1024},
}

// ClaimFiledPage is drawn by templates/claimfiled.html, GET /adresse-perdue/demande. It
// says the same for every claim.
type ClaimFiledPage struct {
	Reference, Address string
	Days               int    // in which the old address can object
	Card, CardURL      string // how to show an identity card; both empty: none is asked for
}

// ObjectPage is drawn by templates/object.html, GET and POST
// /adresse-perdue/pas-moi/:droit, the address in the notice of an accepted claim. The
// GET changes nothing, since mail scanners open it.
type ObjectPage struct {
	State string // open, done or late
	Opens time.Time
}

var (
	claimSample = ClaimPage{
		Profiles: []ProfileChoice{{Key: "etudiant", Name: "Étudiant"}}, Selected: "etudiant", Number: "22502142", GivenName: "Jeanne", FamilyName: "Martin",
		Day: "17", Month: "3", Year: "2004", Address: "j@exemple.fr",
	}
	claimFiledSamples = []any{ClaimFiledPage{Days: 1}, ClaimFiledPage{"7K3F-9Q2M", "j@exemple.fr", 3, "Déposez une copie de votre carte.", "https://example.org/carte"}}
	objectSamples     = []any{ObjectPage{State: changeOpen, Opens: sampleTime}, ObjectPage{State: changeDone}, ObjectPage{State: changeLate}}
)

// claimAt maps a refusal of a claim to its form field; others belong to the address.
var claimAt = map[domain.Reason]string{
	domain.ReasonClaimNumber: "numero", domain.ReasonClaimGivenName: "prenom", domain.ReasonClaimFamilyName: "nom", domain.ReasonClaimBirth: "naissance-jour",
}

// claimed is the table of the pages of the flow [domain.PurposeClaim].
func (p *Portal) claimed() []flowPage {
	pages := p.changeOfAddress()
	for i := range pages {
		if pages[i].step == domain.StepDone {
			pages[i] = flowPage{step: domain.StepDone, path: pathClaimFiled, show: p.claimFiled, name: "claimfiled", samples: claimFiledSamples}
		}
	}
	return pages
}

func (p *Portal) showClaim(c *gin.Context) error { return p.drawClaim(c, ClaimPage{}, nil) }

func (p *Portal) drawClaim(c *gin.Context, page ClaimPage, r *domain.Refusal) error {
	view, _, err := p.firstPage(c, "lost.title")
	if err != nil {
		return err
	}
	view.Step = 0
	page.Profiles = p.profiles(view.Lang)
	field := "adresse"
	if r != nil && claimAt[r.Reason] != "" {
		field = claimAt[r.Reason]
	}
	return p.answer(c, "lost", view.With(page), r, field)
}

// askClaim begins a claim. It answers the same for every person, known or unknown.
func (p *Portal) askClaim(c *gin.Context) error {
	form, _, err := p.firstForm(c, pathClaim, claimFields)
	if err != nil {
		return err
	}
	var j domain.Journey
	err = p.evenly(c, func() error {
		j, err = p.Service.AskClaim(c.Request.Context(), activation.ClaimRequest{
			Profile: form["profil"], Number: form["numero"], GivenName: form["prenom"], FamilyName: form["nom"], BirthDate: birthDate(form),
			Address: form["adresse"], Lang: p.site.Lang(c), Client: p.site.ClientKey(c),
		})
		return err
	})
	if r, refused := refusal(err); refused {
		page := ClaimPage{
			Number: form["numero"], GivenName: form["prenom"], FamilyName: form["nom"], Day: form["naissance-jour"], Month: form["naissance-mois"], Year: form["naissance-annee"],
			Address: form["adresse"],
		}
		if _, ok := p.profile(form["profil"]); ok {
			page.Selected = form["profil"]
		}
		return p.drawClaim(c, page, r)
	}
	if err != nil {
		return err
	}
	session, err := p.prepareSession(c, j)
	if err != nil {
		return err
	}
	if err := session.Save(); err != nil {
		return err
	}
	return web.SeeOther(pathCode)
}

func (p *Portal) claimFiled(v *visit) error {
	view := p.site.View(v.Context, "claimfiled.title")
	rules := p.ClaimRules
	return p.answer(v.Context, "claimfiled", view.With(ClaimFiledPage{
		Reference: v.journey.Reference, Address: v.journey.Address.Display(), Days: int(rules.ObjectionTime().Hours() / 24), Card: rules.Card[view.Lang], CardURL: rules.CardURL,
	}), nil, "")
}

func (p *Portal) showObject(c *gin.Context) error {
	claim, open, err := p.Service.NoticedClaim(c.Request.Context(), c.Param("droit"))
	if err != nil {
		return noSuchNotice(err)
	}
	return p.drawObject(c, claim, open)
}

func (p *Portal) drawObject(c *gin.Context, claim domain.Claim, open bool) error {
	page, title := ObjectPage{State: changeLate, Opens: claim.OpensAt}, "object.late.title"
	switch {
	case open:
		page.State, title = changeOpen, "object.title"
	case claim.State == domain.ClaimObjected:
		page.State, title = changeDone, "object.done.title"
	}
	return p.drawNotice(c, objectPath(c), "object", title, page)
}

// object ends the accepted claim that the notice was about. A second press shows the
// same page.
func (p *Portal) object(c *gin.Context) error {
	if _, _, err := p.firstForm(c, objectPath(c), nil); err != nil {
		return err
	}
	claim, err := p.Service.Object(c.Request.Context(), c.Param("droit"))
	if err != nil {
		return noSuchNotice(err)
	}
	return p.drawObject(c, claim, false)
}

func objectPath(c *gin.Context) string { return activation.ObjectPath + c.Param("droit") }

// claimRoutes registers the pages of claims besides those of the flow.
func (p *Portal) claimRoutes() {
	p.site.Get(pathClaim, p.showClaim)
	p.site.Post(pathClaim, p.askClaim)
	p.site.Get(activation.ObjectPath+":droit", p.showObject)
	p.site.Post(activation.ObjectPath+":droit", p.object)
}
