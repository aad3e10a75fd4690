package outcome

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"entree/internal/domain"
	"entree/internal/registry"
)

// Import is the outcome of one import: its report, and the first lines of each
// kind of difference.
type Import struct {
	Show   int // maximum number of refused lines to keep
	Report *registry.Report

	created, changed, gone []domain.Difference
	refused                []registry.Refusal
	refusals               int
}

// Difference keeps a difference that the import found.
func (o *Import) Difference(d domain.Difference) error {
	switch d.Kind {
	case domain.DifferenceNew:
		o.created = append(o.created, d)
	case domain.DifferenceChanged:
		o.changed = append(o.changed, d)
	case domain.DifferenceGone:
		o.gone = append(o.gone, d)
	}
	return nil
}

// Refuse counts a refused line and reports whether it is one of the first.
func (o *Import) Refuse(f registry.Refusal) (isFirst bool) {
	o.refusals++
	if o.refusals > o.Show {
		return false
	}
	o.refused = append(o.refused, f)
	return true
}

// IsStopped reports whether err means that the import was stopped before
// anything was stored: too many people would be gone, or a strict import has
// findings.
func IsStopped(err error) bool {
	var tooMany *domain.TooManyGone
	var strict *registry.StrictError
	return errors.As(err, &tooMany) || errors.As(err, &strict)
}

// WriteText prints the differences and, unless the import was stopped, the
// counts. Refused lines are printed while the import runs.
func (o *Import) WriteText(out io.Writer, order *domain.ImportOrder, c domain.ImportCounts, isStopped bool) {
	if more := o.refusals - len(o.refused); more > 0 {
		fmt.Fprintf(out, "and %d more refused lines; --refused FILE lists all of them\n", more)
	}
	for _, kind := range []struct {
		name  string
		count int
		list  []domain.Difference
	}{{"new", c.New, o.created}, {"changed", c.Changed, o.changed}, {"gone", c.Gone, o.gone}} {
		writeDifferences(out, kind.name, kind.count, kind.list)
	}
	if isStopped {
		return
	}
	if order.DryRun {
		fmt.Fprint(out, "dry run, nothing was stored: ")
	}
	fmt.Fprintf(out, "%d new, %d changed, %d unchanged, %d refused", c.New, c.Changed, c.Unchanged, c.Refused)
	if c.Gone > 0 {
		fmt.Fprintf(out, ", %d gone", c.Gone)
	}
	fmt.Fprintln(out)
}

func writeDifferences(out io.Writer, name string, count int, list []domain.Difference) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "%s:\n", name)
	for _, d := range list {
		fmt.Fprintf(out, "  %s %s, %s", d.Profile, d.Number, d.Name)
		if d.Line > 0 {
			fmt.Fprintf(out, " (line %d)", d.Line)
		}
		for n, f := range d.Changes {
			fmt.Fprintf(out, "%s %s %q → %q", map[bool]string{true: ":", false: ","}[n == 0], f.Field, f.Old, f.New)
		}
		fmt.Fprintln(out)
	}
	if more := count - len(list); more > 0 {
		fmt.Fprintf(out, "  and %d more\n", more)
	}
}

// Document is the JSON form of an outcome.
type Document struct {
	State  string `json:"state"` // done, dry run, stopped, failed
	Import string `json:"import,omitempty"`
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"`
	Source string `json:"source,omitempty"`
	domain.ImportCounts
	*registry.Report
	First first  `json:"first"`
	Error string `json:"error,omitempty"`
}

// first holds the first lines of each kind.
type first struct {
	New     []difference       `json:"new"`
	Changed []difference       `json:"changed"`
	Gone    []difference       `json:"gone"`
	Refused []registry.Refusal `json:"refused"`
}

type difference struct {
	Line    int                  `json:"line,omitempty"`
	Profile string               `json:"profile"`
	Number  string               `json:"number"`
	Name    string               `json:"name"`
	Changes []domain.FieldChange `json:"changes,omitempty"`
}

// WriteJSON prints the outcome as one JSON object. A non-nil err is the reason
// why nothing was stored.
func (o *Import) WriteJSON(out io.Writer, order *domain.ImportOrder, c domain.ImportCounts, err error) error {
	d := Document{State: "done", Import: order.ID, File: order.File, SHA256: order.SHA256, Source: order.Source, ImportCounts: c, Report: o.Report}
	switch {
	case IsStopped(err):
		d.State, d.Error = "stopped", err.Error()
	case err != nil:
		d.State, d.Error = "failed", err.Error()
	case order.DryRun:
		d.State, d.Import = "dry run", ""
	}
	all := func(list []domain.Difference) []difference {
		out := []difference{}
		for _, d := range list {
			out = append(out, difference{d.Line, d.Profile, d.Number, d.Name, d.Changes})
		}
		return out
	}
	d.First = first{all(o.created), all(o.changed), all(o.gone), append([]registry.Refusal{}, o.refused...)}
	return json.NewEncoder(out).Encode(d)
}
