package portal

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"entree/internal/domain"
	"entree/portal/web"
)

// sampleTime is the time in the sample data.
var sampleTime = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

// samples returns sample data for each page, by the name of its template: empty
// data and full data, so that both branches of a template are drawn when the
// program starts.
func (p *Portal) samples() map[string][]any {
	profiles := []ProfileChoice{{Key: "etudiant", Name: "Étudiant", ActivateURL: "/activation?profil=etudiant", LoginURL: "/connexion"}}
	all := map[string][]any{
		"welcome":      {WelcomePage{}, WelcomePage{profiles}},
		"request":      {RequestPage{Action: pathRequest}, RequestPage{Action: pathRequest, Profiles: profiles, Selected: "etudiant", Minutes: 6, Address: "a@exemple.fr", Ongoing: "/activation/charte"}},
		"long":         {LongPage{}, LongPage{Ongoing: "/activation/charte"}},
		"desk":         {DeskPage{}, DeskPage{Ongoing: "/activation/charte", Minutes: 15}},
		"ent":          {EntPage{}, EntPage{Name: "Jeanne Martin", Demo: true, Claims: []Claim{{Name: "sub", Label: "sub", Value: "1"}}}},
		"other":        {OtherPage{}, OtherPage{Activated: "o22502142", Open: "o22502143", Name: "Paul Martin", GoOn: "/connexion?autre"}},
		"renewal":      {RenewalPage{}, RenewalPage{CharterPage: charterSample, GivenName: "Jeanne", Owes: true, GoOn: "/ent"}},
		"reading":      {ReadingPage{}, ReadingPage{charterSample}},
		"account":      accountSamples,
		"factor":       factorSamples,
		"secondfactor": secondFactorSamples,
		"contact":      contactSamples,
		"lost":         {ClaimPage{}, claimSample},
		"object":       objectSamples,
		"takeback":     takeBackSamples,
		"phone":        phoneSamples,
		"second":       secondSamples,
		"stopfactor":   stopFactorSamples,
		"freeze":       {FreezePage{}, FreezePage{Done: true}},
		"error":        errorSamples(),
	}
	for _, pages := range p.flows {
		for _, page := range pages {
			all[page.name] = page.samples
		}
	}
	return all
}

// errorSamples returns an error page for each key and each link that a handler
// can answer with.
func errorSamples() (pages []any) {
	for _, key := range []string{
		"forbidden", "not_found", "method", "too_many", "busy", "internal", "ended", "stale", "cookies", "host", "sessions", "factors", "sso", "sso_denied", "sso_stale", "sso_level",
		"too_large", "malformed",
	} {
		pages = append(pages, errorPage(&web.Error{Status: http.StatusInternalServerError, Key: key}, ""))
	}
	for _, label := range []string{"error.go_on", "error.restart", "error.try_again"} {
		pages = append(pages, errorPage(&web.Error{Status: http.StatusConflict, Key: "busy", Label: label}, template.HTML("dans 4 minutes")))
	}
	return pages
}

// samplePurpose alternates the words of the flows that have a page over the page's
// samples.
func (p *Portal) samplePurpose(name string, i int) domain.Purpose {
	var having []domain.Purpose
	for _, f := range domain.Flows() {
		if slices.ContainsFunc(p.flows[f.Purpose], func(page flowPage) bool { return page.name == name }) {
			having = append(having, f.Purpose)
		}
	}
	if len(having) == 0 { // the pages on which a flow begins
		having = []domain.Purpose{domain.PurposeActivate, domain.PurposeRecover}
	}
	return having[i%len(having)]
}

// DrawSamples draws each page of the students and of the console with sample data, in
// each language, and calls each with it. The name is that of the template, with the
// sample's number and language.
func (p *Portal) DrawSamples(each func(name string, page []byte) error) error {
	for name, pages := range p.samples() {
		for i, data := range pages {
			for _, lang := range []domain.Lang{domain.French, domain.English} {
				title := name + ".title"
				if e, ok := data.(ErrorPage); ok {
					title = "error." + e.Key + ".title"
				}
				view := p.site.Sample(lang, title).With(data)
				dress(&view, p.samplePurpose(name, i))
				if i > 0 {
					view.Step, view.Token, view.SessionEnds, view.Reference = 1, "jeton", view.Now.Add(time.Hour), "7K3F-9Q2M-0XVB"
					view.Errors = []web.FieldError{{Field: "adresse", Message: "…"}}
				}
				drawn, err := p.site.Draw(name, view)
				if err != nil {
					return fmt.Errorf("portal: %w", err)
				}
				if err := each(fmt.Sprintf("%s-%d-%s", name, i+1, lang), drawn); err != nil {
					return err
				}
			}
		}
	}
	if p.Console != nil {
		return p.Console.DrawSamples(each)
	}
	return nil
}
