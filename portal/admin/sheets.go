package admin

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"entree/internal/domain"
	"entree/internal/handout"
	"entree/internal/helpdesk"
	"entree/portal/web"
)

const pathSheets = "/admin/fiches"

// SheetsPage is the data of templates/admin/sheets.html, GET and POST /admin/fiches.
// The answer to the form is a PDF with a help desk code for each person: the codes are
// shown once and are not stored.
type SheetsPage struct {
	Cohorts []string
	Cohort  string
	Days    string
	Most    int
}

var handoutFields = []web.Field{{Name: "promotion", Max: 1000}, {Name: "jours", Max: 10}}

// sheetDays is the lifetime of the codes that the form proposes.
const sheetDays = 7

func (a *Console) sheets(v *visit) error {
	page, err := a.sheetsPage(v, "", strconv.Itoa(sheetDays))
	if err != nil {
		return err
	}
	return v.show("sheets", page)
}

func (a *Console) sheetsPage(v *visit, cohort, days string) (SheetsPage, error) {
	cohorts, err := a.Directory.Cohorts(v.Request.Context())
	return SheetsPage{Cohorts: cohorts, Cohort: cohort, Days: days, Most: helpdesk.MostSheets}, err
}

// sheetFaults maps the reasons of a refusal to the field and message of the page.
var sheetFaults = map[helpdesk.Reason]fault{
	helpdesk.NobodyThere:   {field: "promotion", key: "console.sheets.nobody"},
	helpdesk.TooManySheets: {field: "promotion", key: "console.sheets.too_many"},
	helpdesk.LifeBad:       {field: "jours", key: "console.sheets.life"},
	helpdesk.TooMany:       {field: "promotion", key: "console.sheets.wait"},
}

// printSheets issues the codes and answers with the PDF.
func (a *Console) printSheets(v *visit, form web.Form) error {
	days, err := strconv.Atoi(strings.TrimSpace(form["jours"]))
	if err != nil {
		days = 0
	}
	sheets, err := a.Desk.Sheets(v.Request.Context(), v.entry("", "", nil), helpdesk.SheetOrder{Cohort: form["promotion"], Days: days})
	var r *helpdesk.Refusal
	if errors.As(err, &r) {
		page, err := a.sheetsPage(v, form["promotion"], form["jours"])
		if err != nil {
			return err
		}
		f := sheetFaults[r.Reason]
		return v.again("sheets", page, wrong(f.field, f.key, "Most", helpdesk.MostSheets))
	}
	if err != nil {
		return err
	}
	view := v.view("sheets")
	say := func(key string, args ...any) string { return plain(view.T(key, args...)) }
	words := handout.Words{
		Institution: view.Institution.Name, Title: say("console.sheets.pdf.title"), Lead: say("console.sheets.pdf.lead"), Number: say("console.sheets.pdf.number"), Code: say("console.sheets.pdf.code"),
		Where: say("console.sheets.pdf.where"), Address: a.site.URL("/activation/guichet"), Until: say("console.sheets.pdf.until", "Date", view.Written(sheets[0].Until)),
		Handed: say("console.sheets.pdf.handed", "By", v.by.Name), Card: say("console.sheets.pdf.card"), Whole: say("console.sheets.pdf.whole"),
	}
	charters := map[string]handout.Charter{}
	var out []handout.Sheet
	for _, s := range sheets {
		c, known := charters[s.Person.Profile]
		if !known {
			c.Title, c.Text = a.Desk.CharterText(s.Person.Profile)
			charters[s.Person.Profile] = c
		}
		name := strings.TrimSpace(s.Person.GivenName + " " + s.Person.FamilyName)
		out = append(out, handout.Sheet{Name: name, Number: s.Person.Number, Code: s.Code.Reveal(), Charter: c})
	}
	var pdf bytes.Buffer
	if err := handout.Write(&pdf, words, out); err != nil {
		return err
	}
	v.Header("Content-Disposition", `attachment; filename="fiches.pdf"`)
	v.Header("Cache-Control", "no-store")
	v.Data(http.StatusOK, "application/pdf", pdf.Bytes())
	return nil
}

func sheetsSamples() []any {
	return []any{SheetsPage{Most: helpdesk.MostSheets}, SheetsPage{Cohorts: []string{"L1", "L2"}, Cohort: "L1", Days: strconv.Itoa(int(domain.LongestSheet.Hours() / 24)), Most: helpdesk.MostSheets}}
}
