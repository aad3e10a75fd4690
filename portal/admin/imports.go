package admin

import (
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/registry/intake"
	"entree/portal/web"
)

const (
	pathImports = "/admin/imports"
	// maxUpload is the maximum size of an uploaded file in bytes. A file about
	// a million people is smaller.
	maxUpload = 256 << 20
)

// Imports reads the history of imports.
type Imports interface {
	Imports(ctx context.Context, from, n int) ([]domain.ImportRecord, int, error)
	ImportRecord(ctx context.Context, id string) (domain.ImportRecord, error)
}

// ImportsPage is the data of templates/admin/imports.html, GET /admin/imports.
type ImportsPage struct {
	List    List
	Imports []domain.ImportRecord
	Most    int // maximum size of a file in megabytes
}

// ImportPage is the data of templates/admin/import.html, GET
// /admin/imports/:id. It shows an uploaded file before and during its import,
// or the record of a finished import.
type ImportPage struct {
	File     intake.File
	Progress *intake.Progress
	Record   *domain.ImportRecord
	Fields   []string
	Profiles []domain.Profile
	Names    map[string]string     // names of the profiles in the page's language, by key
	Shown    domain.DifferenceKind // kind of the differences that are shown
	List     List
	Changes  []domain.Difference
	Refused  []registry.Refusal
	MayList  bool // the operator may download the complete lists
	Mend     bool // the refused lines of the finished import are still stored
}

// Chosen reports whether a field is assigned to a column. Columns are numbered
// from 1.
func (p ImportPage) Chosen(field string, column int) bool {
	if p.File.Choice.Columns != nil {
		return slices.Contains(strings.Split(p.File.Choice.Columns[field], ","), "#"+strconv.Itoa(column))
	}
	return p.File.Columns[column-1].Field == field
}

// Column returns the name of the form field that assigns a field to a column.
func (p ImportPage) Column(i int) string { return "colonne" + strconv.Itoa(i+1) }

// Nth converts the index of a column to its number, which starts from 1.
func (p ImportPage) Nth(i int) int { return i + 1 }

// Count returns the number of people that the import writes.
func (p ImportPage) Count() int {
	c := p.File.Trial.Counts
	return c.New + c.Changed + c.Gone
}

// Percent returns the share of the file that has been read, 0 to 100.
func (p ImportPage) Percent() int { return int(100 * p.Progress.Done) }

// Tabs returns the kinds of differences with their counts.
func (p ImportPage) Tabs() []Tab {
	c := p.File.Trial.Counts
	return []Tab{
		{domain.DifferenceNew, c.New, p.Shown == domain.DifferenceNew}, {domain.DifferenceChanged, c.Changed, p.Shown == domain.DifferenceChanged},
		{domain.DifferenceGone, c.Gone, p.Shown == domain.DifferenceGone}, {kindRefused, c.Refused, p.Shown == kindRefused},
	}
}

// Tab is one kind of differences.
type Tab struct {
	Kind    domain.DifferenceKind
	Count   int
	Current bool
}

const kindRefused domain.DifferenceKind = "refused"

// importColumns is the maximum number of columns that can be assigned in the
// form. It equals the maximum number of columns that the registry reads.
const importColumns = 1000

func importFields() []web.Field {
	fields := []web.Field{{Name: "profil", Max: 100, Optional: true}, {Name: "source", Max: 64, Prose: true, Optional: true}, {Name: "partie", Max: 3, Optional: true}}
	for i := range importColumns {
		fields = append(fields, web.Field{Name: "colonne" + strconv.Itoa(i+1), Max: 40, Optional: true})
	}
	return fields
}

// importSheets is the maximum number of sheets to choose from.
const importSheets = 100

func sheetFields() []web.Field {
	var fields []web.Field
	for i := range importSheets {
		fields = append(fields, web.Field{Name: "feuille" + strconv.Itoa(i+1), Max: 3, Optional: true})
	}
	return fields
}

// chooseSheets reads the file again with the chosen sheets.
func (a *Console) chooseSheets(v *visit, form web.Form) error {
	id := v.Param("id")
	page, err := a.importData(v.Request.Context(), id)
	if err != nil {
		return err
	}
	var sheets []string
	for i, s := range page.File.Report.Sheets {
		if form[page.Sheet(i)] != "" {
			sheets = append(sheets, s.Name)
		}
	}
	if page.Record == nil && page.Progress == nil {
		if err := a.Intake.Choose(id, sheets); err != nil && !errors.Is(err, intake.ErrBusy) {
			a.site.Log(v.Context).Warn("the chosen sheets cannot be read", "import", id, "error", err)
		}
	}
	return web.SeeOther(pathImports + "/" + id)
}

func (a *Console) importTable() {
	if a.Intake == nil {
		return
	}
	a.get(pathImports, a.imports, readers...)
	a.upload(pathImports, maxUpload, a.receive, admins...)
	a.get(pathImports+"/:id", a.importPage, readers...)
	a.stream(pathImports+"/:id/direct", a.importLive, readers...)
	a.download(pathImports+"/:id/liste/:kind", a.importList, admins...).stepUp()
	a.post(pathImports+"/:id/essayer", a.tryImport, importFields(), admins...)
	a.post(pathImports+"/:id/feuilles", a.chooseSheets, sheetFields(), admins...)
	a.post(pathImports+"/:id/importer", a.beginImport, nil, admins...).stepUp()
	a.post(pathImports+"/:id/importer-malgre-tout", a.beginAnyway, nil, admins...).stepUp()
	a.post(pathImports+"/:id/jeter", a.discardImport, nil, admins...)
}

func (a *Console) imports(v *visit) error {
	l := v.list(nil, []string{"-at"})
	page, err := a.importsPage(v, l)
	if err != nil {
		return err
	}
	return v.show("imports", page)
}

func (a *Console) importsPage(v *visit, l List) (ImportsPage, error) {
	all, total, err := a.Imports.Imports(v.Request.Context(), l.Skip(), l.Per)
	l.Count, l.Total = len(all), total
	return ImportsPage{List: l, Imports: all, Most: maxUpload >> 20}, err
}

// receive stores an uploaded file and shows the fields that its columns
// probably contain.
func (a *Console) receive(v *visit, file *multipart.Part) error {
	name := web.UploadName(file)
	f, err := a.Intake.Receive(name, v.by.Name, file)
	var tooLarge *http.MaxBytesError
	key := ""
	switch {
	case name == "":
		key = "console.imports.no_file"
	case errors.As(err, &tooLarge):
		return err
	case err != nil:
		key = "console.imports.unreadable"
	}
	if key != "" {
		if err == nil {
			err = errors.Join(errors.New(name), a.Intake.Discard(f.ID))
		}
		page, pageErr := a.importsPage(v, v.list(nil, []string{"-at"}))
		if pageErr != nil {
			return pageErr
		}
		return v.again("imports", page, wrong("fichier", key, "Reason", string(reason(v.view("imports"), err.Error()))))
	}
	return web.SeeOther(pathImports + "/" + f.ID)
}

func (a *Console) importPage(v *visit) error {
	page, err := a.importData(v.Request.Context(), v.Param("id"))
	if err != nil {
		return err
	}
	page.Names = a.profileNames(a.site.Lang(v.Context))
	page.List = v.list([]string{"voir"}, []string{"line"})
	page.MayList = v.may(http.MethodGet, pathImports+"/:id/liste/:kind")
	page.Mend = page.MayList && page.Record != nil && a.Intake.KnowsRefused(page.Record.ID)
	page.show(domain.DifferenceKind(page.List.Filter("voir")))
	return v.show("import", page)
}

// importData returns the page of an uploaded file, or of the record of its
// import. It returns the error page "not found" if there is neither.
func (a *Console) importData(ctx context.Context, id string) (ImportPage, error) {
	page := ImportPage{Fields: registry.Fields(), Profiles: a.Profiles}
	var err error
	page.File, page.Progress, err = a.Intake.File(id)
	if errors.Is(err, intake.ErrNoFile) {
		record, err := a.Imports.ImportRecord(ctx, id)
		if errors.Is(err, domain.ErrNotFound) {
			return page, &web.Error{Status: http.StatusNotFound, Key: "not_found", GoOn: pathImports, Label: "console.import.back"}
		}
		page.Record = &record
		return page, err
	}
	return page, err
}

// show selects the kind of differences to show. The default is the refused
// lines if there are any, because the operator must correct them.
func (p *ImportPage) show(kind domain.DifferenceKind) {
	if p.File.Trial == nil {
		return
	}
	tabs := p.Tabs()
	if !slices.ContainsFunc(tabs, func(t Tab) bool { return t.Kind == kind }) {
		kind = domain.DifferenceNew
		if p.File.Trial.Counts.Refused > 0 {
			kind = kindRefused
		}
	}
	p.Shown = kind
	if kind == kindRefused {
		p.Refused = part(&p.List, p.File.Trial.Refused)
		return
	}
	var all []domain.Difference
	for _, d := range p.File.Trial.Changes {
		if d.Kind == kind {
			all = append(all, d)
		}
	}
	p.Changes = part(&p.List, all)
}

// part returns one page of a list that is completely in memory, and sets the
// counts of l.
func part[T any](l *List, all []T) []T {
	l.Total = len(all)
	from := min(l.Skip(), len(all))
	here := all[from:min(from+l.Per, len(all))]
	l.Count = len(here)
	return here
}

// importLive sends the progress of a trial or an import as server-sent events.
func (a *Console) importLive(v *visit) error {
	id := v.Param("id")
	return v.live("import", "progress", time.Second, func(ctx context.Context) (any, error) {
		return a.importData(ctx, id)
	})
}

func (a *Console) tryImport(v *visit, form web.Form) error {
	id := v.Param("id")
	page, err := a.importData(v.Request.Context(), id)
	if err != nil {
		return err
	}
	if page.Record != nil {
		return web.SeeOther(pathImports + "/" + id)
	}
	choice := intake.Choice{Columns: map[string]string{}, Profile: form["profil"], Source: strings.TrimSpace(form["source"]), Part: form["partie"] != "", Sheets: page.File.Choice.Sheets}
	var faults []fault
	asProposed := true
	for i := range page.File.Columns {
		field := form["colonne"+strconv.Itoa(i+1)]
		asProposed = asProposed && field == page.File.Columns[i].Field
		if !slices.Contains(page.Fields, field) {
			continue
		}
		own := "#" + strconv.Itoa(i+1)
		switch before := choice.Columns[field]; {
		case before == "":
			choice.Columns[field] = own
		case page.File.Columns[i].Second:
			choice.Columns[field] = before + "," + own // its values are used where those of the first column are empty
		case page.File.Columns[first(before)].Second:
			choice.Columns[field] = own + "," + before
		default:
			faults = append(faults, wrong(page.Column(i), "console.import.twice", "Field", string(v.view("import").T("console.import.field."+field))))
		}
	}
	if len(faults) > 0 {
		page.File.Choice = choice
		return v.again("import", page, faults...)
	}
	for _, field := range page.Fields {
		if choice.Columns[field] == "" {
			choice.Columns[field] = "" // no column, even if a header matches the field
		}
	}
	if asProposed {
		choice.Columns = nil // so that the result is the same as on the command line
	}
	if err := a.Intake.Try(id, choice); err != nil && !errors.Is(err, intake.ErrBusy) {
		return err
	}
	return web.SeeOther(pathImports + "/" + id)
}

// first returns the index of the first column in a text such as "#3,#7".
func first(columns string) int {
	one, _, _ := strings.Cut(strings.TrimPrefix(columns, "#"), ",")
	n, err := strconv.Atoi(one)
	if err != nil {
		return 0
	}
	return n - 1
}

func (a *Console) beginImport(v *visit, _ web.Form) error { return a.startImport(v, false) }

func (a *Console) beginAnyway(v *visit, _ web.Form) error { return a.startImport(v, true) }

func (a *Console) startImport(v *visit, gone bool) error {
	id := v.Param("id")
	page, err := a.importData(v.Request.Context(), id)
	if err != nil {
		return err
	}
	if page.Record == nil {
		what := map[string]string{"file": page.File.Name, "gone": strconv.FormatBool(gone)}
		if t := page.File.Trial; t != nil {
			what["new"], what["changed"], what["missing"] = strconv.Itoa(t.Counts.New), strconv.Itoa(t.Counts.Changed), strconv.Itoa(t.Counts.Gone)
		}
		if err := a.Intake.Begin(id, gone, v.entry("import.begun", id, what)); err != nil && !errors.Is(err, intake.ErrBusy) {
			return err
		}
	}
	return web.SeeOther(pathImports + "/" + id)
}

func (a *Console) discardImport(v *visit, _ web.Form) error {
	_, progress, err := a.Intake.File(v.Param("id"))
	if err == nil && progress == nil {
		err = a.Intake.Discard(v.Param("id"))
	}
	if err != nil && !errors.Is(err, intake.ErrNoFile) {
		return err
	}
	return v.done(pathImports, "console.imports.discarded")
}
