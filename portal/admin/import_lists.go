package admin

import (
	"errors"
	"html"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/registry/intake"
	"entree/portal/web"
)

// listed are the kinds of differences whose lists a trial stores. Refused lines
// are stored separately.
var listed = []domain.DifferenceKind{domain.DifferenceNew, domain.DifferenceChanged, domain.DifferenceGone}

// ListURL returns the address of the file with all entries of a kind.
func (p ImportPage) ListURL(kind domain.DifferenceKind) string {
	id := p.File.ID
	if p.Record != nil {
		id = p.Record.ID
	}
	return pathImports + "/" + id + "/liste/" + string(kind)
}

// Cut reports whether a trial found more entries of the shown kind than a page
// shows.
func (p ImportPage) Cut() bool { return p.Of(p.Shown) > intake.Show }

// Of returns the number of entries of a kind that a trial found.
func (p ImportPage) Of(kind domain.DifferenceKind) int {
	for _, t := range p.Tabs() {
		if t.Kind == kind {
			return t.Count
		}
	}
	return 0
}

// importList sends all entries of one kind that a trial found, or all refused
// lines of an import, as a CSV file.
func (a *Console) importList(v *visit) error {
	id, kind := v.Param("id"), domain.DifferenceKind(v.Param("kind"))
	page, err := a.importData(v.Request.Context(), id)
	if err != nil {
		return err
	}
	if page.Progress != nil {
		return web.SeeOther(pathImports + "/" + id)
	}
	known := page.File.Trial != nil && slices.Contains(listed, kind)
	if kind == kindRefused {
		known = a.Intake.KnowsRefused(id)
	}
	if !known {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found", GoOn: pathImports + "/" + id, Label: "console.import.title"}
	}
	if err := v.note("import.exported", id, map[string]string{"kind": string(kind)}); err != nil {
		return err
	}
	v.Header("Content-Disposition", `attachment; filename="import-`+string(kind)+`.csv"`)
	v.Header("Content-Type", "text/csv; charset=utf-8")
	return v.sent("import "+id, a.writeList(v, id, kind))
}

func (a *Console) writeList(v *visit, id string, kind domain.DifferenceKind) error {
	view := a.site.View(v.Context, "")
	words := func(keys ...string) (out []string) {
		for _, key := range keys {
			out = append(out, plain(view.T(key)))
		}
		return out
	}
	if kind == kindRefused {
		sheet, err := v.sheet(words("console.import.line", "console.import.column", "console.import.value", "console.import.why")...)
		if err != nil {
			return err
		}
		err = a.Intake.Refused(id, func(r registry.Refusal) error {
			return sheet.Write(strconv.Itoa(r.Line), r.Column, r.Value, plain(reason(view, r.Reason)))
		})
		return errors.Join(err, sheet.Close())
	}
	sheet, err := v.sheet(words("console.import.line", "console.import.field.profile", "console.import.field.number", "console.import.person",
		"console.import.list.field", "console.import.list.before", "console.import.list.after")...)
	if err != nil {
		return err
	}
	err = a.Intake.Changes(id, func(d domain.Difference) error {
		if d.Kind != kind {
			return nil
		}
		line := ""
		if d.Line > 0 {
			line = strconv.Itoa(d.Line)
		}
		if len(d.Changes) == 0 {
			return sheet.Write(line, d.Profile, d.Number, d.Name, "", "", "")
		}
		for _, c := range d.Changes {
			if err := sheet.Write(line, d.Profile, d.Number, d.Name, plain(view.T("console.import.field."+c.Field)), c.Old, c.New); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, sheet.Close())
}

// plain returns a translated message as plain text.
func plain(words template.HTML) string { return html.UnescapeString(string(words)) }
