package portal

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"time"

	"entree/internal/domain"
	"entree/portal/web"
)

// samples gives each page data with everything in it and data with nothing, so
// that both branches of a template are drawn once when the program starts.
func samples() map[string][]any {
	at := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	profiles := []ProfileChoice{{Key: "etudiant", Name: "Étudiant", ActivateURL: "/activation?profil=etudiant", LoginURL: "/connexion"}}
	rules := PasswordRules{Length: 16, Upper: 1, Lower: 1, Digit: 1, Special: 1, Example: "LesTicketsDeBusForr1CielBleu", Personal: []string{"martin"}}
	phrases := []Phrase{{Text: "LesTicketsDeBusForr1CielBleu", Words: []string{"tickets", "ciel"}, Bits: 66, Strength: "environ 3 siècles"}}
	return map[string][]any{
		"welcome": {WelcomePage{}, WelcomePage{profiles}},
		"request": {RequestPage{}, RequestPage{Profiles: profiles, Selected: "etudiant", Address: "a@exemple.fr", Ongoing: "/activation/charte"}},
		"code": {CodePage{}, CodePage{
			Address: "a@exemple.fr", Minutes: 10, ResendIn: 60, ResendAt: at, TriesLeft: 2, Blocked: true, RetryAt: at,
		}},
		"desk": {DeskPage{}, DeskPage{Ongoing: "/activation/charte", Minutes: 15}},
		"verify": {VerifyPage{}, VerifyPage{
			AsksBirthDate: true, AsksNumber: true, Several: true, Staff: true,
			Day: "17", Month: "3", Year: "2004", Number: "22502142", TriesLeft: 2,
		}},
		"charter":  {CharterPage{}, charterSample()},
		"guide":    {GuidePage{}, GuidePage{Phrases: phrases, Rules: rules, Example: rules.Example}},
		"password": {PasswordPage{}, PasswordPage{Login: "o22502142", Rules: rules, Phrases: phrases, Broken: map[string]bool{"length": true}}},
		"success": {SuccessPage{}, SuccessPage{
			GivenName: "Jeanne", Login: "o22502142", Address: "jeanne.martin@etu.exemple.fr", EntURL: "/connexion",
			Links: []NextLink{{Text: "Déposez vos pièces jointes", Help: "Pour finaliser votre inscription", URL: "https://exemple.fr/"}},
		}},
		"waiting": {WaitingPage{}, WaitingPage{GivenName: "Jeanne", Email: "j•••@exemple.fr", Refresh: 5, Reference: "7K3F-9Q2M"}},
		"parked":  {ParkedPage{}, ParkedPage{Reference: "7K3F-9Q2M"}},
		"ended":   {EndedPage{}, EndedPage{RetryAt: at, Wait: "dans 10 minutes"}},
		"ent":     {EntPage{}, EntPage{Name: "Jeanne Martin", Claims: []Claim{{Name: "sub", Label: "sub", Value: "1"}}}},
		"renewal": {RenewalPage{}, RenewalPage{CharterPage: charterSample(), GivenName: "Jeanne", Owes: true, GoOn: "/ent"}},
		"reading": {ReadingPage{}, ReadingPage{charterSample()}},
		"error":   errorSamples(),
	}
}

func charterSample() CharterPage {
	return CharterPage{
		Title: "Charte", Version: "2026-09", SHA256: domain.HashCharter(""), Body: "<h2 id=article-1>Objet</h2>",
		Contents: []Heading{{ID: "article-1", Text: "Objet"}}, Minutes: 4,
	}
}

// errorSamples has a page for each key and each link that a handler can end
// with.
func errorSamples() (pages []any) {
	for _, key := range []string{
		"forbidden", "not_found", "method", "too_many", "busy", "internal", "ended", "stale", "host", "sso", "sso_denied", "sso_stale",
		"too_large", "malformed",
	} {
		pages = append(pages, errorPage(&web.Error{Status: http.StatusInternalServerError, Key: key}, ""))
	}
	for _, label := range []string{"error.go_on", "error.restart", "error.try_again"} {
		pages = append(pages, errorPage(&web.Error{Status: http.StatusConflict, Key: "busy", Label: label}, template.HTML("dans 4 minutes")))
	}
	return pages
}

func pageNames() []string { return slices.Sorted(maps.Keys(samples())) }

func (p *Portal) trySamples() error {
	for name, pages := range samples() {
		for i, data := range pages {
			for _, lang := range []domain.Lang{domain.French, domain.English} {
				title := name + ".title"
				if e, ok := data.(ErrorPage); ok {
					title = "error." + e.Key + ".title"
				}
				view := p.site.Sample(lang, title).With(data)
				if i > 0 {
					view.Step, view.Token, view.SessionEnds, view.Reference = 1, "jeton", time.Unix(0, 0), "7K3F-9Q2M-0XVB"
					view.Errors = []web.FieldError{{Field: "adresse", Message: "…"}}
				}
				if err := p.site.Try(name, view); err != nil {
					return fmt.Errorf("portal: %w", err)
				}
			}
		}
	}
	return nil
}
