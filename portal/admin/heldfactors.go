package admin

import (
	"net/http"
	"net/url"
	"time"

	"entree/internal/campaign"
	"entree/internal/overview"
	"entree/internal/spreadsheet"
)

const pathHeld = "/admin/facteurs"

// FactorsPage is the data of templates/admin/factors.html, GET /admin/facteurs.
// Filters: profil, promotion, avant (a date).
type FactorsPage struct {
	List     List
	Profiles []Option
	Cohorts  []string
	Counts   []FactorRow // of the chosen profile
	All      overview.FactorCount
	Rows     []WithoutRow
	Exports  bool // the operator may download the list
	// WriteURL leads to a new campaign to these people. It is empty if the operator may not
	// write to them, and with a date: a campaign has no such filter.
	WriteURL string
}

// FactorRow is the figures of a cohort.
type FactorRow struct {
	overview.FactorCount
	Profile string // its name
}

// WithoutRow is a person without a factor.
type WithoutRow struct {
	overview.Without
	URL string
}

// heldTable adds the routes of the page of second factors.
func (a *Console) heldTable() {
	a.get(pathHeld, a.held, everybody...)
	a.download(pathHeld+"/export", a.heldExport, readers...).stepUp()
}

// withoutQuery reads the filters of the list. An invalid date is no filter.
func (a *Console) withoutQuery(l List) overview.WithoutQuery {
	q := overview.WithoutQuery{Profile: l.Filter("profil"), Cohort: l.Filter("promotion")}
	q.Before, _ = time.ParseInLocation(time.DateOnly, l.Filter("avant"), a.zone())
	return q
}

func (a *Console) heldList(v *visit) List {
	return v.list([]string{"profil", "promotion", "avant"}, []string{"activation"})
}

func (a *Console) held(v *visit) error {
	ctx := v.Request.Context()
	page := FactorsPage{List: a.heldList(v), Exports: v.may(http.MethodGet, pathHeld+"/export")}
	q := a.withoutQuery(page.List)
	lang := a.site.Lang(v.Context)
	page.Profiles = a.profiles(lang, q.Profile)
	var err error
	if page.Cohorts, err = a.Directory.Cohorts(ctx); err != nil {
		return err
	}
	counts, err := a.Figures.FactorCounts(ctx)
	if err != nil {
		return err
	}
	names := a.profileNames(lang)
	for _, c := range counts {
		if q.Profile != "" && c.Profile != q.Profile || q.Cohort != "" && c.Cohort != q.Cohort {
			continue
		}
		page.Counts = append(page.Counts, FactorRow{c, or(names[c.Profile], c.Profile)})
		page.All.Accounts += c.Accounts
		page.All.Passkeys += c.Passkeys
		page.All.Seconds += c.Seconds
		page.All.Declined += c.Declined
		page.All.Without += c.Without
	}
	q.Skip, q.Limit = page.List.Skip(), page.List.Per+1
	if err := a.Figures.WithoutFactor(ctx, q, func(w overview.Without) error {
		page.Rows = append(page.Rows, WithoutRow{w, personURL(w.ID)})
		return nil
	}); err != nil {
		return err
	}
	if page.List.More = len(page.Rows) > page.List.Per; page.List.More {
		page.Rows = page.Rows[:page.List.Per]
	}
	page.List.Count = len(page.Rows)
	if a.Campaigns != nil && q.Before.IsZero() && v.may(http.MethodGet, pathCampaigns+"/nouvelle") {
		page.WriteURL = pathCampaigns + "/nouvelle?" + url.Values{"genre": {string(campaign.Factor)}, "profil": {q.Profile}, "cohorte": {q.Cohort}}.Encode()
	}
	return v.show("factors", page)
}

// heldExport writes the people of the list, all pages, as CSV.
func (a *Console) heldExport(v *visit) error {
	list := a.heldList(v)
	if err := v.note("factors.exported", "", map[string]string{"filters": list.Query()}); err != nil {
		return err
	}
	written := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	header := []string{"profile", "number", "given_name", "family_name", "cohort", "login", "activated_at", "first_login_at", "declined_at"}
	return v.csv("sans-second-facteur", header, func(sheet *spreadsheet.Writer) error {
		return a.Figures.WithoutFactor(v.Request.Context(), a.withoutQuery(list), func(w overview.Without) error {
			return sheet.Write(w.Profile, w.Number, w.GivenName, w.FamilyName, w.Cohort, w.Login, written(w.ActivatedAt), written(w.FirstLoginAt), written(w.DeclinedAt))
		})
	})
}

func factorsSamples() []any {
	at := time.Unix(0, 0)
	c := overview.FactorCount{Profile: "etudiant", Cohort: "L1", Accounts: 9, Passkeys: 2, Seconds: 3, Declined: 1, Without: 4}
	w := overview.Without{ID: "p1", Profile: "etudiant", Number: "1", GivenName: "Jeanne", FamilyName: "Martin", Cohort: "L1", Login: "o1", ActivatedAt: at, FirstLoginAt: at, DeclinedAt: at}
	never := w
	never.FirstLoginAt, never.DeclinedAt = time.Time{}, time.Time{}
	return []any{FactorsPage{}, FactorsPage{
		Profiles: []Option{{"etudiant", "Étudiant", true}}, Cohorts: []string{"L1"}, Counts: []FactorRow{{c, "Étudiant"}}, All: c,
		Rows: []WithoutRow{{w, root}, {never, root}}, Exports: true, WriteURL: root,
	}}
}
