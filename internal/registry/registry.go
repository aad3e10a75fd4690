// Package registry imports people from outside: from a CSV, XLSX or ODS file of
// the enrolment office, or from another source of lines and columns.
//
//	file ── format, encoding ── Table ── header, columns ── Person ── Intake
//	                                          │
//	                                          ├─ Report: what was read how, what is left out or doubtful
//	                                          └─ Refusal: line, column, reason
//
// A file is read as a stream. A fault of one line refuses that line and no
// other. A fault of the file stops the import, and nothing of it is stored.
// The report is complete before anything is stored.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"entree/internal/domain"
)

// Sink stores the people of an import, all of them or none.
type Sink interface {
	Import(ctx context.Context, o *domain.ImportOrder, fill func(domain.Intake) error) (domain.ImportCounts, error)
}

// StoredAddresses is a sink that knows the stored address of a person. It is asked about
// people with several addresses: the stored one stays while it is among them.
type StoredAddresses interface {
	// StoredEmail returns an empty address if there is no such person.
	StoredEmail(ctx context.Context, profile, number string) (domain.Address, error)
}

// Table is the lines of a source.
type Table struct {
	// Next returns a line and its number; the first one is 1. It returns io.EOF
	// after the last line, a *BadLine for a line that has no cells, and another
	// error if the source cannot be read any further. The record is valid until
	// the next call.
	Next func() (record []string, line int, err error)
	// Headers are the columns' names if the source has them apart from its lines.
	// Nil: the header is one of the first lines. Each of these columns must be
	// filled by some line.
	Headers []string
	// Sheets are the tables of a spreadsheet; Next is nil then.
	Sheets []Sheet
	// HiddenColumn reports whether a column of a sheet is hidden; may be nil. The first
	// column is 0.
	HiddenColumn func(sheet string, column int) bool
	Serial       bool // numbers in a column of dates are day numbers
	From1904     bool // they count from 1904
	// Place returns a name of a line that says more than its number; may be nil.
	Place func(line int) string
	// Unended reports, after the last line, whether it had no end and so may be cut off; may
	// be nil.
	Unended func() bool
	// Done returns how much was read, from 0 to 1.
	Done func() float64
	// SHA256 returns the hash of the whole source; may be nil.
	SHA256 func() string
	// Close releases the table.
	Close func() error
	// Report is what is known of the source before its lines are read. Findings
	// that are known only after the last line are returned by Late, which may be
	// nil.
	Report Report
	Late   func() []Finding
}

// Sheet is one table of a spreadsheet.
type Sheet struct {
	Name   string
	Hidden bool
	Rows   int // that hold something
	Open   func() (next func() ([]string, int, error), closeRows func() error, err error)
}

// Refusal is a line that is not imported.
type Refusal struct {
	Line   int    `json:"line"`             // of the file or the sheet; the first one is 1
	Where  string `json:"where,omitempty"`  // the sheet or the entry's DN
	Column string `json:"column,omitempty"` // the file's own header; empty if the whole line is meant
	Value  string `json:"value,omitempty"`  // the cell, shortened
	Reason string `json:"reason"`           // in English, with what is wanted
}

func (r Refusal) String() string {
	place := fmt.Sprintf("line %d", r.Line)
	if r.Where != "" {
		place = r.Where + ", " + place
	}
	if r.Column == "" {
		return fmt.Sprintf("%s: %s", place, r.Reason)
	}
	return fmt.Sprintf("%s, column %q: %s", place, r.Column, r.Reason)
}

// Observer receives what an import says while it runs. Its functions may be nil.
type Observer struct {
	// Refused is called with each line that is not imported.
	Refused func(Refusal) error
	// Report is called once, after the last line and before anything is stored.
	// An error stops the import.
	Report func(*Report) error
}

// Import reads a table into the sink. It calls o.Told for each difference to the
// stored people, and told.Refused for each line that it refuses. If it returns an
// error, nothing is stored.
func Import(ctx context.Context, sink Sink, t Table, m Mapping, o *domain.ImportOrder, told Observer) (domain.ImportCounts, error) {
	if told.Refused == nil {
		told.Refused = func(Refusal) error { return nil }
	}
	if told.Report == nil {
		told.Report = func(*Report) error { return nil }
	}
	in, err := newReader(t, m)
	if err == nil {
		if err = in.ready(); err != nil {
			in.report.finish()
			err = errors.Join(err, told.Report(in.report), in.close()) // for its columns
		}
	}
	if err != nil {
		return domain.ImportCounts{}, err
	}
	if k, ok := sink.(StoredAddresses); ok {
		in.stored = func(profile, number string) (domain.Address, error) { return k.StoredEmail(ctx, profile, number) }
	}
	order := *o
	order.Cases = m.Cases
	order.Told = func(d domain.Difference) error {
		switch d.Kind {
		case domain.DifferenceTwice:
			first, _ := in.place(d.First)
			return told.Refused(*in.refusal(d.Line, in.parts[0].headerOf(fieldNumber), fmt.Sprintf("this number came before in the file, at line %d", first)))
		case domain.DifferenceTaken:
			return told.Refused(*in.refusal(d.Line, "", "the identifier or university address is somebody else's"))
		}
		if o.Told == nil {
			return nil
		}
		d.Line, _ = in.place(d.Line)
		return o.Told(d)
	}
	counts, err := sink.Import(ctx, &order, func(to domain.Intake) error {
		if err := in.fill(ctx, to, told); err != nil {
			return err
		}
		if t.SHA256 != nil {
			order.SHA256 = t.SHA256()
		}
		if err := in.unfilled(); err != nil {
			return err
		}
		if t.Late != nil {
			for _, f := range t.Late() {
				if f.Kind != FindHidden || in.reads(f.Value) {
					in.report.Findings = append(in.report.Findings, f)
				}
			}
		}
		in.wholeColumns()
		if err := in.repeats(to); err != nil {
			return err
		}
		in.report.finish()
		return told.Report(in.report)
	})
	o.ID, o.SHA256 = order.ID, order.SHA256
	return counts, errors.Join(err, in.close())
}

// repeats adds the findings about people who have the values of others, which are no
// reason to refuse them: siblings share an address.
func (in *reader) repeats(to domain.Intake) error {
	c, ok := to.(domain.Comparer)
	if !ok {
		return nil
	}
	find := func(kind string, f field) func(domain.Repeated) error {
		return func(r domain.Repeated) error {
			line, where := in.place(r.Line)
			e := Example{Line: line, Where: where, Text: r.First}
			if r.Last != r.First {
				e.Text += ", " + r.Last
			}
			value := ""
			if r.IsFamily {
				value = Family
			}
			in.report.addMany(Finding{Kind: kind, Field: table[f].key, Column: in.columnOf(f), Value: value}, e, r.People)
			return nil
		}
	}
	return c.Repeats(find(FindShared, fieldEmail), find(FindZeros, fieldNumber))
}

// fill reads every line into the store.
func (in *reader) fill(ctx context.Context, to domain.Intake, told Observer) error {
	for {
		person, line, fault, err := in.person()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case fault != nil:
			if err := told.Refused(*fault); err != nil {
				return err
			}
			err = to.Refuse(person.Profile, person.Number)
		default:
			err = to.Put(line, person)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// unfilled returns an error if no line of a source with named columns fills one
// of them: more likely a misspelt name than a value that every person lacks.
func (in *reader) unfilled() error {
	if in.table.Headers == nil {
		return nil
	}
	var empty []string
	for f, n := range table {
		if in.columns[f] >= 0 && !in.filled[f] {
			empty = append(empty, fmt.Sprintf("%s (%s)", in.headers[in.columns[f]], n.key))
		}
	}
	if len(empty) == 0 {
		return nil
	}
	return fmt.Errorf("no entry has a value for %s: check the names under columns, the filter, and whether bind_dn may read them", strings.Join(empty, ", "))
}

// reads reports whether a sheet is one of those that are read.
func (in *reader) reads(sheet string) bool {
	return slices.ContainsFunc(in.parts, func(p *part) bool { return p.name == sheet })
}

func (p *part) headerOf(f field) string {
	if p.columns[f] < 0 {
		return ""
	}
	return p.headers[p.columns[f]]
}
