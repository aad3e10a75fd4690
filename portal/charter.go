package portal

import (
	"html/template"

	"entree/internal/domain"
	"entree/portal/web"
)

// CharterPage is drawn by templates/charter.html, GET and POST /activation/charte
// fields: charte (checkbox "oui"), empreinte (hidden, the hash shown)
type CharterPage struct {
	Title    string
	Version  string
	SHA256   string
	Body     template.HTML
	Contents []Heading // second-level headings, in order
	Minutes  int       // to read it
}

// Heading is an entry of a charter's table of contents.
type Heading struct{ ID, Text string }

var charterFields = []web.Field{{Name: "charte", Max: 8, Optional: true}, {Name: "empreinte", Max: 64}}

var charterSamples = []any{CharterPage{}, charterSample}

var charterSample = CharterPage{
	Title: "Charte", Version: "2026-09", SHA256: domain.HashCharter(""), Body: "<h2 id=article-1>Objet</h2>",
	Contents: []Heading{{ID: "article-1", Text: "Objet"}}, Minutes: 4,
}

func (p *Portal) showCharter(v *visit) error { return p.drawCharter(v, nil) }

func (p *Portal) drawCharter(v *visit, r *domain.Refusal) error {
	charter, err := p.Service.CharterFor(v.journey, p.site.Lang(v.Context))
	if err != nil {
		return err
	}
	page, err := p.charterPage(charter)
	if err != nil {
		return err
	}
	return v.show("charter", page, r, "charte")
}

// accept stores the acceptance of the text whose hash the page showed. If the charter
// was replaced meanwhile, the page shows the new one instead.
func (p *Portal) accept(v *visit, form web.Form) error {
	again := func(r *domain.Refusal) error { return p.drawCharter(v, r) }
	if form["charte"] != "oui" {
		return again(&domain.Refusal{Reason: domain.ReasonCharterUnticked})
	}
	return v.outcome(p.Service.Accept(v.Request.Context(), &v.journey, form["empreinte"], p.site.Lang(v.Context)), again)
}
