package admin

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"slices"
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
	Chosen  []helpdesk.Chosen // empty: a cohort is chosen on the page
	Able    bool              // any of them gets a sheet
	Cohorts []string
	Cohort  string
	Days    string
	Most    int
}

var handoutFields = []web.Field{
	{Name: "qui", Max: 200, Many: helpdesk.PageSize, Optional: true}, {Name: "promotion", Max: 1000, Optional: true}, {Name: "jours", Max: 10},
}

// sheetsURL returns the address of the page for chosen people. picks are values of the
// list's checkboxes.
func sheetsURL(picks []string) string {
	q := url.Values{}
	for _, pick := range picks {
		q.Add("qui", string(picked(pick).Person))
	}
	return pathSheets + "?" + q.Encode()
}

// picked returns the person and the version that a value of a checkbox names.
func picked(pick string) helpdesk.Seen {
	id, version, _ := strings.Cut(pick, " ")
	return helpdesk.Seen{Person: domain.PersonID(id), Version: version}
}

// sheetDays is the lifetime of the codes that the form proposes.
const sheetDays = 7

func (a *Console) sheets(v *visit) error {
	page, err := a.sheetsPage(v, v.Request.URL.Query()["qui"], "", strconv.Itoa(sheetDays))
	if err != nil {
		return err
	}
	return v.show("sheets", page)
}

// sheetsPage returns the page for chosen people, or for a cohort if chosen is empty.
func (a *Console) sheetsPage(v *visit, chosen []string, cohort, days string) (page SheetsPage, err error) {
	page = SheetsPage{Cohort: cohort, Days: days, Most: helpdesk.MostSheets}
	var ids []domain.PersonID
	for _, pick := range chosen[:min(len(chosen), helpdesk.PageSize)] {
		ids = append(ids, picked(pick).Person)
	}
	if page.Chosen, err = a.Desk.Chosen(v.Request.Context(), ids); err != nil || len(page.Chosen) > 0 {
		page.Able = slices.ContainsFunc(page.Chosen, func(c helpdesk.Chosen) bool { return c.Able })
		return page, err
	}
	page.Cohorts, err = a.Directory.Cohorts(v.Request.Context())
	return page, err
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
	order := helpdesk.SheetOrder{Cohort: form["promotion"], Days: days}
	for _, pick := range form.All("qui") {
		order.Chosen = append(order.Chosen, picked(pick))
	}
	sheets, err := a.Desk.Sheets(v.Request.Context(), v.entry("", "", nil), order)
	var r *helpdesk.Refusal
	if errors.As(err, &r) {
		page, err := a.sheetsPage(v, form.All("qui"), form["promotion"], form["jours"])
		if err != nil {
			return err
		}
		f := sheetFaults[r.Reason]
		if len(order.Chosen) > 0 {
			if r.Reason == helpdesk.NobodyThere {
				f.key = "console.sheets.nobody.chosen"
			}
			if f.field == "promotion" {
				f.field = ""
			}
		}
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
	chosen := []helpdesk.Chosen{{Person: domain.Person{GivenName: "Jeanne", FamilyName: "d’Arc", Number: "1"}, Able: true}, {Person: domain.Person{FamilyName: "Roy"}}}
	return []any{SheetsPage{Most: helpdesk.MostSheets}, SheetsPage{Chosen: chosen[1:], Days: "7", Most: helpdesk.MostSheets}, SheetsPage{Chosen: chosen, Able: true, Days: "7", Most: helpdesk.MostSheets}, SheetsPage{Cohorts: []string{"L1", "L2"}, Cohort: "L1", Days: strconv.Itoa(int(domain.LongestSheet.Hours() / 24)), Most: helpdesk.MostSheets}}
}
