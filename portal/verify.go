package portal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
)

// VerifyPage is drawn by templates/verify.html, GET and POST /activation/verification
// fields: naissance (text, day month year in three inputs naissance-jour, naissance-mois, naissance-annee), numero
type VerifyPage struct {
	AsksBirthDate, AsksNumber bool
	Several                   bool // the address belongs to several people
	Staff                     bool // a staff number rather than a student number
	Day, Month, Year, Number  string
	TriesLeft                 int
}

// verifyFields are all optional: the page holds only the fields of the profile's
// proof.
var verifyFields = []web.Field{
	{Name: "naissance-jour", Max: 16, Optional: true}, {Name: "naissance-mois", Max: 16, Optional: true},
	{Name: "naissance-annee", Max: 16, Optional: true}, {Name: "numero", Max: 64, Optional: true},
}

var verifySamples = []any{VerifyPage{}, VerifyPage{
	AsksBirthDate: true, AsksNumber: true, Several: true, Staff: true,
	Day: "17", Month: "3", Year: "2004", Number: "22502142", TriesLeft: 2,
}}

func (p *Portal) showVerify(v *visit) error { return p.drawVerify(v, nil, nil) }

func (p *Portal) drawVerify(v *visit, form web.Form, r *domain.Refusal) error {
	page := VerifyPage{
		Several: len(v.journey.Candidates) > 1,
		Staff:   p.isStaff(v.journey.Profile),
		Day:     form["naissance-jour"], Month: form["naissance-mois"], Year: form["naissance-annee"],
		Number: form["numero"],
	}
	var err error
	if page.TriesLeft, err = p.Service.ProofsLeft(v.Request.Context(), v.journey); err != nil {
		return err
	}
	page.AsksBirthDate, page.AsksNumber = p.Service.RequiredProofs(v.journey)
	field := "numero"
	if page.AsksBirthDate && (r == nil || r.Reason != domain.ReasonProofMissing || birthDate(form) == "") {
		field = "naissance-jour"
	}
	return v.show("verify", page, r, field)
}

func (p *Portal) verify(v *visit, form web.Form) error {
	again := func(r *domain.Refusal) error { return p.drawVerify(v, form, r) }
	answers := activation.Answers{BirthDate: birthDate(form), Number: strings.TrimSpace(form["numero"])}
	asksBirthDate, asksNumber := p.Service.RequiredProofs(v.journey)
	if asksBirthDate && answers.BirthDate == "" || asksNumber && answers.Number == "" {
		// The typed date is no date, so it costs no try.
		return again(&domain.Refusal{Reason: domain.ReasonProofMissing})
	}
	return v.outcome(p.Service.Verify(v.Request.Context(), &v.journey, answers), again)
}

// birthDate returns the typed date in ISO 8601, or an empty string if it is no date.
func birthDate(form web.Form) string {
	var n [3]int
	for i, name := range []string{"naissance-annee", "naissance-mois", "naissance-jour"} {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(form[name])); err != nil {
			return ""
		}
	}
	s := fmt.Sprintf("%04d-%02d-%02d", n[0], n[1], n[2])
	if _, err := time.Parse(time.DateOnly, s); err != nil || n[0] < 1900 {
		return ""
	}
	return s
}

func (p *Portal) isStaff(profile string) bool {
	known, ok := p.profile(profile)
	return ok && known.Affiliation != "student" && known.Affiliation != "alum"
}
