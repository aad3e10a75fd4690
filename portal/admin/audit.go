package admin

import (
	"html"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/spreadsheet"
	"entree/portal/web"
)

// AuditPage is the data of templates/admin/audit.html, GET /admin/audit.
// Filters: operateur, acte, personne, du, au.
type AuditPage struct {
	List    List
	Acts    []Pick
	Entries []AuditRow
	Head    audit.Head // last entry of the chain, for the operator to note outside the portal
	BadDate bool
}

// AuditRow is one entry.
type AuditRow struct {
	audit.Link
	Said    template.HTML // words for the act, or the act itself if it has none
	What    string        // the details, with words for their names
	WhomURL string
}

// Shown returns the details of the entry without hashes, which only programs
// compare.
func (r AuditRow) Shown() map[string]string {
	e := r.Entry
	if e.Act == audit.ActSealed || e.Act == audit.ActCut {
		e.What = maps.Clone(e.What)
		for _, name := range []string{"from", "to", "sha256", "hash"} {
			delete(e.What, name)
		}
	}
	return e.What
}

// details returns the details of an entry in one line.
func details(view web.View, what map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(what)) {
		key := "console.detail." + name
		word := html.UnescapeString(string(view.T(key)))
		if word == key {
			word = name
		}
		out = append(out, word+": "+what[name])
	}
	return strings.Join(out, "; ")
}

// whomURL returns the address of the page about which an entry is, or an empty
// string if the operator may not open it or the page does not exist.
func whomURL(v *visit, e audit.Entry) string {
	if e.Whom == "" {
		return ""
	}
	kind, _, _ := strings.Cut(e.Act, ".")
	path := map[string]string{"person": pathPeople, "claim": pathPeople, "evidence": pathPeople, "import": pathImports, "campaign": pathCampaigns + "/suivi"}[kind]
	if path == "" || !v.may(http.MethodGet, path+"/:id") {
		return ""
	}
	return path + "/" + url.PathEscape(e.Whom)
}

var auditFilters = []string{"operateur", "acte", "personne", "du", "au"}

func (a *Console) audit(v *visit) error {
	page := AuditPage{List: v.list(auditFilters, []string{"-le"})}
	q, ok := a.auditQuery(page.List)
	page.BadDate = !ok
	q.ByPeople = q.Act == "" // the entries of the system, mostly seals, would hide those of operators
	q.OldestFirst, q.Skip, q.Limit = !page.List.Desc, page.List.Skip(), page.List.Per+1
	ctx := v.Request.Context()
	view := a.site.View(v.Context, "")
	err := a.Record.Audit(ctx, q, func(l audit.Link) error {
		row := AuditRow{Link: l, Said: did(view, l.Act)}
		row.WhomURL = whomURL(v, l.Entry)
		row.What = details(view, row.Shown())
		page.Entries = append(page.Entries, row)
		return nil
	})
	if err != nil {
		return err
	}
	if page.List.More = len(page.Entries) > page.List.Per; page.List.More {
		page.Entries = page.Entries[:page.List.Per]
	}
	page.List.Count = len(page.Entries)
	acts, err := a.Record.AuditActs(ctx)
	if err != nil {
		return err
	}
	for _, act := range slices.Sorted(maps.Keys(acts)) {
		page.Acts = append(page.Acts, Pick{act, string(did(view, act)), act == page.List.Filter("acte")})
	}
	if page.Head, err = a.Record.AuditHead(ctx); err != nil {
		return err
	}
	return v.show("audit", page)
}

// did returns the words for an act, or the act itself if it has none.
func did(view web.View, act string) template.HTML {
	key := "console.did." + act
	if said := view.T(key); string(said) != key {
		return said
	}
	return template.HTML(template.HTMLEscapeString(act))
}

// auditQuery reads the filters. It returns false if a date filter is not a
// valid date.
func (a *Console) auditQuery(l List) (audit.Query, bool) {
	q := audit.Query{Operator: l.Filter("operateur"), Act: l.Filter("acte"), Whom: l.Filter("personne")}
	ok := true
	day := func(name string, days int) time.Time {
		text := l.Filter(name)
		if text == "" {
			return time.Time{}
		}
		at, err := time.ParseInLocation(time.DateOnly, text, a.Zone)
		if err != nil {
			ok = false
			return time.Time{}
		}
		return at.AddDate(0, 0, days)
	}
	q.Since, q.Until = day("du", 0), day("au", 1)
	return q, ok
}

// auditExport writes the filtered entries, oldest first, as csv or jsonl. The
// export is recorded in the audit before the first line is sent.
func (a *Console) auditExport(v *visit) error {
	format := v.Param("format")
	if format != "csv" && format != "jsonl" {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	list := v.list(auditFilters, []string{"-le"})
	q, ok := a.auditQuery(list)
	if !ok {
		return web.Malformed("a day that is none")
	}
	q.OldestFirst = true
	if err := v.note("audit.exported", "", map[string]string{"format": format, "filters": list.Query()}); err != nil {
		return err
	}
	const name = "journal"
	if format == "jsonl" {
		v.attach(name, format, "application/jsonl; charset=utf-8")
		return v.sent(name, a.Record.Audit(v.Request.Context(), q, func(l audit.Link) error { return audit.WriteJSON(v.Writer, l) }))
	}
	return v.csv(name, audit.Header, func(sheet *spreadsheet.Writer) error {
		return a.Record.Audit(v.Request.Context(), q, func(l audit.Link) error { return sheet.Write(audit.Cells(l)...) })
	})
}

func auditSamples() []any {
	at := time.Unix(0, 0)
	link := audit.Link{Seq: 1, Entry: audit.Entry{At: at, By: audit.Operator{Name: "Ada", Role: "admin"}, Act: "person.held", Whom: "p", From: "192.0.2.7/32", What: map[string]string{"reason": "…"}}}
	erased := link
	erased.Erased = true
	return []any{
		AuditPage{List: List{Total: -1}, BadDate: true},
		AuditPage{List: List{Total: -1, Count: 2, Page: 2, Per: 2, More: true}, Acts: []Pick{{"person.held", "person.held", true}}, Entries: []AuditRow{{link, "…", "motif: …", "/admin/personnes/p"}, {erased, "…", "", ""}}, Head: audit.Head{Seq: 1, Hash: audit.Origin}},
	}
}
