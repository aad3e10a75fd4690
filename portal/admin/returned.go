package admin

import (
	"net/http"
	"strings"
	"time"

	"entree/internal/overview"
	"entree/portal/web"
)

// ReturnedPage is the data of templates/admin/returned.html, GET
// /admin/retours.
// Filters: fournisseur, code.
type ReturnedPage struct {
	Refusals  []overview.MailRefusals
	Marks     []overview.WrongMarks
	Providers []Option
	Codes     []Option
	MayClear  bool
	Reason    string
}

// refusalsFor is how long the page shows a refusal, counted from its last
// occurrence.
const refusalsFor = 30 * 24 * time.Hour

var clearFields = []web.Field{
	{Name: "fournisseur", Max: 253, Optional: true}, {Name: "code", Max: 16, Optional: true}, {Name: "regle", Max: 64, Optional: true},
	{Name: "motif", Max: 1500, Prose: true, Optional: true}, {Name: "confirme", Max: 3, Optional: true},
}

// returnedURL returns the address of the page of returned mails, or an empty
// string if the operator may not open it.
func (a *Console) returnedURL(v *visit) string {
	if v.may(http.MethodGet, pathReturned) {
		return pathReturned
	}
	return ""
}

func (a *Console) returned(v *visit) error {
	page, err := a.returnedPage(v, v.Query("fournisseur"), v.Query("code"))
	if err != nil {
		return err
	}
	return v.show("returned", page)
}

// returnedPage reads the refusals and the marks of one provider and one status.
// An empty provider or code selects all.
func (a *Console) returnedPage(v *visit, provider, code string) (ReturnedPage, error) {
	ctx := v.Request.Context()
	page := ReturnedPage{MayClear: v.may(http.MethodPost, pathClear)}
	var err error
	if page.Refusals, err = a.Figures.Refusals(ctx, a.Now().Add(-refusalsFor)); err != nil {
		return page, err
	}
	marks, err := a.Figures.WrongMarks(ctx)
	if err != nil {
		return page, err
	}
	add := func(options []Option, value, chosen string) []Option {
		for _, o := range options {
			if o.Value == value {
				return options
			}
		}
		return append(options, Option{value, value, value == chosen})
	}
	for _, m := range marks {
		page.Providers, page.Codes = add(page.Providers, m.Provider, provider), add(page.Codes, m.Status, code)
		if (provider == "" || m.Provider == provider) && (code == "" || m.Status == code) {
			page.Marks = append(page.Marks, m)
		}
	}
	return page, nil
}

// clearWrong removes the marks of one provider, status and rule.
func (a *Console) clearWrong(v *visit, form web.Form) error {
	if strings.TrimSpace(form["motif"]) == "" {
		page, err := a.returnedPage(v, form["fournisseur"], form["code"])
		if err != nil {
			return err
		}
		return v.again("returned", page, wrong("motif", "console.returned.why.missing"))
	}
	if form["confirme"] == "" {
		return v.ask(ConfirmPage{Act: "console.act.retours.lever", Args: []any{"Provider", form["fournisseur"], "Code", form["code"], "Rule", form["regle"], "Reason", form["motif"]}}, form)
	}
	m := overview.WrongMarks{Provider: form["fournisseur"], Status: form["code"], Rule: form["regle"]}
	entry := v.entry("address.cleared", "", map[string]string{"provider": m.Provider, "status": m.Status, "rule": m.Rule, "reason": form["motif"]})
	count, err := a.Figures.ClearWrong(v.Request.Context(), m, form["motif"], entry)
	if err != nil {
		return err
	}
	return v.done(pathReturned, "console.returned.done", "Count", count)
}

func returnedSamples() []any {
	at := time.Unix(0, 0)
	return []any{
		ReturnedPage{},
		ReturnedPage{
			Refusals:  []overview.MailRefusals{{Provider: "Orange", Reason: "policy", Since: at, Last: at, Count: 312, Words: "550 5.7.1"}},
			Marks:     []overview.WrongMarks{{Provider: "Gmail", Status: "5.1.1", Rule: "no-user", Count: 3, Since: at, Last: at}},
			Providers: []Option{{"Gmail", "Gmail", true}}, Codes: []Option{{"5.1.1", "5.1.1", false}}, MayClear: true,
		},
	}
}
