package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/registry"
)

// told collects what an import reports.
type told struct {
	report  *registry.Report
	New     []domain.Difference
	Changed []domain.Difference
	Gone    []domain.Difference
	Refused []registry.Refusal
	refused int
}

func (t *told) difference(d domain.Difference) error {
	switch d.Kind {
	case domain.DifferenceNew:
		t.New = append(t.New, d)
	case domain.DifferenceChanged:
		t.Changed = append(t.Changed, d)
	case domain.DifferenceGone:
		t.Gone = append(t.Gone, d)
	}
	return nil
}

// refuse counts a refusal and reports whether it is one of the first.
func (t *told) refuse(f registry.Refusal, show int) bool {
	t.refused++
	if t.refused > show {
		return false
	}
	t.Refused = append(t.Refused, f)
	return true
}

// tell prints the outcome, as text or JSON, and returns the error that sets the
// exit code.
func (r *importRun) tell(o *domain.ImportOrder, c domain.ImportCounts, err error) error {
	var tooMany *domain.TooManyGone
	var strict *registry.StrictError
	stopped := errors.As(err, &tooMany)
	switch {
	case errors.As(err, &strict):
		stopped = true
		err = stopError{fmt.Errorf("nothing was imported: %w", strict)}
	case stopped:
		err = stopError{fmt.Errorf("nothing was imported: %w.\nIf that is right, say --accept-gone; if the file is only a part of its source, say --part", tooMany)}
	case err != nil:
		err = fmt.Errorf("nothing was imported: %w", err)
	}
	if r.json {
		return errors.Join(r.tellJSON(o, c, stopped, err), err)
	}
	if err != nil && !stopped {
		return err
	}
	if more := r.told.refused - len(r.told.Refused); more > 0 {
		fmt.Fprintf(r.stdout, "and %d more refused lines; --refused FILE lists all of them\n", more)
	}
	r.tellDifferences(c)
	if err != nil {
		return err
	}
	if r.dryRun {
		fmt.Fprint(r.stdout, "dry run, nothing was stored: ")
	}
	fmt.Fprintf(r.stdout, "%d new, %d changed, %d unchanged, %d refused", c.New, c.Changed, c.Unchanged, c.Refused)
	if c.Gone > 0 {
		fmt.Fprintf(r.stdout, ", %d gone", c.Gone)
	}
	fmt.Fprintln(r.stdout)
	return nil
}

func (r *importRun) tellDifferences(c domain.ImportCounts) {
	for _, kind := range []struct {
		name  string
		count int
		list  []domain.Difference
	}{{"new", c.New, r.told.New}, {"changed", c.Changed, r.told.Changed}, {"gone", c.Gone, r.told.Gone}} {
		if len(kind.list) == 0 {
			continue
		}
		fmt.Fprintf(r.stdout, "%s:\n", kind.name)
		for _, d := range kind.list {
			fmt.Fprintf(r.stdout, "  %s %s, %s", d.Profile, d.Number, d.Name)
			if d.Line > 0 {
				fmt.Fprintf(r.stdout, " (line %d)", d.Line)
			}
			for n, f := range d.Changes {
				fmt.Fprintf(r.stdout, "%s %s %q → %q", map[bool]string{true: ":", false: ","}[n == 0], f.Field, f.Old, f.New)
			}
			fmt.Fprintln(r.stdout)
		}
		if more := kind.count - len(kind.list); more > 0 {
			fmt.Fprintf(r.stdout, "  and %d more\n", more)
		}
	}
}

// outcome is what --json prints.
type outcome struct {
	State  string `json:"state"` // done, dry run, stopped, failed
	Import string `json:"import,omitempty"`
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"`
	Source string `json:"source,omitempty"`
	domain.ImportCounts
	*registry.Report
	First firstOf `json:"first"`
	Error string  `json:"error,omitempty"`
}

// firstOf are the first of each kind.
type firstOf struct {
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

func (r *importRun) tellJSON(o *domain.ImportOrder, c domain.ImportCounts, stopped bool, err error) error {
	out := outcome{State: "done", Import: o.ID, File: o.File, SHA256: o.SHA256, Source: o.Source, ImportCounts: c, Report: r.told.report}
	switch {
	case stopped:
		out.State, out.Error = "stopped", err.Error()
	case err != nil:
		out.State, out.Error = "failed", err.Error()
	case r.dryRun:
		out.State, out.Import = "dry run", ""
	}
	all := func(list []domain.Difference) []difference {
		out := []difference{}
		for _, d := range list {
			out = append(out, difference{d.Line, d.Profile, d.Number, d.Name, d.Changes})
		}
		return out
	}
	out.First = firstOf{all(r.told.New), all(r.told.Changed), all(r.told.Gone), append([]registry.Refusal{}, r.told.Refused...)}
	return json.NewEncoder(r.stdout).Encode(out)
}

// stopError ends the program with exitStopped.
type stopError struct{ error }

// refusedList writes refused lines to a file, if one is named.
type refusedList struct {
	file *os.File
	csv  *registry.Refused
}

func newRefusedList(name string) (*refusedList, error) {
	if name == "" {
		return &refusedList{}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	w, err := registry.NewRefused(f)
	return &refusedList{f, w}, err
}

func (l *refusedList) add(f registry.Refusal) error {
	if l.csv == nil {
		return nil
	}
	return l.csv.Add(f)
}

func (l *refusedList) close() error {
	if l.csv == nil {
		return nil
	}
	return errors.Join(l.csv.Close(), l.file.Close())
}

// progress prints how far an import is: on a terminal on one line that changes,
// elsewhere on a new line every few seconds.
type progress struct {
	out      io.Writer
	done     func() float64
	terminal bool
	began    time.Time
	told     time.Time
	shown    bool
}

func newProgress(out io.Writer, done func() float64) *progress {
	p := &progress{out: out, done: done, began: time.Now(), told: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) at(phase domain.ImportPhase, lines int) {
	every := 5 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(p.told) < every {
		return
	}
	p.told = now
	text := string(phase)
	if lines > 0 {
		text += fmt.Sprintf(" %d lines", lines)
	}
	if spent := now.Sub(p.began); phase == domain.PhaseReading {
		text += fmt.Sprintf(", %.0f a second", float64(lines)/spent.Seconds())
		if done := p.done(); done > 0 {
			left := time.Duration(float64(spent) * (1 - done) / done)
			text += fmt.Sprintf(", %.0f %%, about %s left to read", 100*done, left.Round(time.Second))
		}
	}
	if !p.terminal {
		fmt.Fprintln(p.out, text)
		return
	}
	p.shown = true
	fmt.Fprint(p.out, "\r"+text+strings.Repeat(" ", max(0, 70-len(text))))
}

// clear removes the progress from the terminal's line.
func (p *progress) clear() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", 78)+"\r")
	}
}
