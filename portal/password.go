package portal

import (
	"errors"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/portal/web"
)

// PasswordPage is drawn by templates/password.html, GET and POST /activation/mot-de-passe
// fields: identifiant (readonly, autocomplete username), mot-de-passe, confirmation
type PasswordPage struct {
	Login   string
	Rules   PasswordRules
	Phrases []Phrase
	Broken  map[string]bool // rules that the last try broke, by Finding.Rule
}

// PasswordRules are shown, and ticked by the browser while typing.
type PasswordRules struct {
	Length, Upper, Lower, Digit, Special int // 0: not asked for
	Example                              string
	Personal                             []string // folded fragments of the person's own data, for the browser's tick
}

// A password may have 256 characters; what is longer than any of them in bytes
// is cut off before it costs anything. identifiant is there for password
// managers and is not read.
var passwordFields = []web.Field{
	{Name: "identifiant", Max: 256, Optional: true}, {Name: "mot-de-passe", Max: 8192}, {Name: "confirmation", Max: 8192},
}

var (
	sampleRules     = PasswordRules{Length: 16, Upper: 1, Lower: 1, Digit: 1, Special: 1, Example: "LesTicketsDeBusForr1CielBleu", Personal: []string{"martin"}}
	samplePhrases   = []Phrase{{Text: "LesTicketsDeBusForr1CielBleu", Words: []string{"tickets", "ciel"}, Bits: 66, Strength: "environ 3 siècles"}}
	passwordSamples = []any{PasswordPage{}, PasswordPage{Login: "o22502142", Rules: sampleRules, Phrases: samplePhrases, Broken: map[string]bool{"length": true}}}
)

func (p *Portal) showPassword(v *visit) error { return p.drawPassword(v, nil) }

func (p *Portal) drawPassword(v *visit, r *domain.Refusal) error {
	person, err := p.Service.Behind(v.Request.Context(), v.journey)
	if err != nil {
		return err
	}
	phrases, err := p.suggest(v, person)
	if err != nil {
		return err
	}
	page := PasswordPage{Login: person.Login, Rules: p.rules(v, person), Phrases: phrases, Broken: map[string]bool{}}
	if r != nil {
		for _, f := range r.Findings {
			page.Broken[f.Rule] = true
		}
	}
	return v.show("password", page, r, "mot-de-passe")
}

// rules gives the rules, with the person's own data where the page ticks them.
func (p *Portal) rules(v *visit, person domain.Person) PasswordRules {
	r := p.Service.Rules(v.journey)
	rules := PasswordRules{
		Length: r.Length, Upper: r.Upper, Lower: r.Lower, Digit: r.Digits, Special: r.Special, Example: p.Example,
	}
	if person.ID != "" {
		rules.Personal = p.Service.Fragments(person)
	}
	return rules
}

// firstMark in the address makes the page say that the first password counts.
const firstMark = "premier"

// choose hands the password over and lets go of it: no page, log or session
// ever holds it.
func (p *Portal) choose(v *visit, form web.Form) error {
	password, confirmation := secret.New(form["mot-de-passe"]), secret.New(form["confirmation"])
	clear(form)
	v.Request.Form, v.Request.PostForm = nil, nil
	err := p.Service.ChoosePassword(v.Request.Context(), &v.journey, password, confirmation)
	var r *domain.Refusal
	if errors.As(err, &r) && r.Reason == domain.ReasonStep {
		// No answer came to the first sending, and a second one may hold another
		// password: the page says which one counts (I3).
		if err := v.read(v.journey.ID); err != nil {
			return err
		}
		to := v.path()
		if v.step == domain.StepWaiting || v.step == domain.StepDone {
			to += "?" + firstMark
		}
		return web.SeeOther(to)
	}
	return v.outcome(err, func(r *domain.Refusal) error { return p.drawPassword(v, r) })
}

// tellFirst says, where it was asked for, that the first password counts.
func (v *visit) tellFirst() {
	if v.Request.URL.Query().Has(firstMark) {
		v.notice = "password.first"
	}
}
