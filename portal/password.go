package portal

import (
	"errors"
	"html"
	"net/http"
	"strings"

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

// PasswordRules are the rules on the page; its script ticks them while the student
// types.
type PasswordRules struct {
	Length, Upper, Lower, Digit, Special int // 0: not asked for
	Example                              string
	Personal                             string // folded fragments of the person's own data, with spaces between them, for the browser's tick
}

// The limits are in bytes, above the longest password that the policy allows, so that
// an oversized value is refused before it is hashed. identifiant is a field for
// password managers; the handler does not read it.
var passwordFields = []web.Field{
	{Name: "identifiant", Max: 256, Optional: true}, {Name: "mot-de-passe", Max: 8192}, {Name: "confirmation", Max: 8192},
}

var (
	sampleRules     = PasswordRules{Length: 16, Upper: 1, Lower: 1, Digit: 1, Special: 1, Example: "LesTicketsDeBusForr1CielBleu", Personal: "martin"}
	samplePhrases   = []Phrase{{Text: "LesTicketsDeBusForr1CielBleu", Scene: scene("tickets", "ciel"), Strength: "environ 3 siècles"}}
	passwordSamples = []any{PasswordPage{}, PasswordPage{Login: "o22502142", Rules: sampleRules, Phrases: samplePhrases, Broken: map[string]bool{"length": true}}}
)

func (p *Portal) showPassword(v *visit) error { return p.drawPassword(v, nil) }

func (p *Portal) drawPassword(v *visit, r *domain.Refusal) error {
	person, err := p.Service.PersonOf(v.Request.Context(), v.journey)
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

// rules returns the rules in force, and the personal fragments if person is known.
func (p *Portal) rules(v *visit, person domain.Person) PasswordRules {
	r := p.Service.Rules(v.journey)
	rules := PasswordRules{
		Length: r.Length, Upper: r.Upper, Lower: r.Lower, Digit: r.Digits, Special: r.Special, Example: p.Example,
	}
	if person.ID != "" {
		rules.Personal = strings.Join(p.Service.Fragments(person), " ")
	}
	return rules
}

var judgeFields = []web.Field{{Name: "mot-de-passe", Max: 8192}}

// judging returns judge for a journey at the choice of a password.
func (p *Portal) judging(v *visit) func(*visit, web.Form) error {
	if v.step == domain.StepPassword {
		return p.judge
	}
	return nil
}

// Judgement is the answer to the page's script: what the server would say to a
// password that breaks no rule which the script knows (V10).
type Judgement struct {
	Said     []string `json:"said"`
	Personal bool     `json:"personal"` // the rule on personal data is broken
}

// judge says which rules a password breaks. It keeps nothing.
func (p *Portal) judge(v *visit, form web.Form) error {
	password := secret.New(form["mot-de-passe"])
	clear(form)
	v.Request.Form, v.Request.PostForm = nil, nil
	findings, err := p.Service.Judge(v.Request.Context(), v.journey, password)
	if err != nil {
		return err
	}
	view := p.site.View(v.Context, "")
	answer := Judgement{Said: []string{}}
	for _, sentence := range wordsOfFindings(view, findings) {
		answer.Said = append(answer.Said, html.UnescapeString(string(sentence)))
	}
	for _, f := range findings {
		answer.Personal = answer.Personal || f.Rule == "personal"
	}
	v.JSON(http.StatusOK, answer)
	return nil
}

// firstMark in the address makes the page say that the first password counts.
const firstMark = "premier"

// choose passes the password to the service and clears the form: no page, log or
// session holds it.
func (p *Portal) choose(v *visit, form web.Form) error {
	password, confirmation := secret.New(form["mot-de-passe"]), secret.New(form["confirmation"])
	clear(form)
	v.Request.Form, v.Request.PostForm = nil, nil
	err := p.Service.ChoosePassword(v.Request.Context(), &v.journey, password, confirmation)
	var r *domain.Refusal
	if errors.As(err, &r) && r.Reason == domain.ReasonStep {
		// The answer to the first request was lost, and this one may hold another
		// password: the page says that the first one counts (I3).
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

// tellFirst adds the notice that the first password counts, if the address asks for
// it.
func (v *visit) tellFirst() {
	if v.Request.URL.Query().Has(firstMark) {
		v.notice = "password.first"
	}
}
