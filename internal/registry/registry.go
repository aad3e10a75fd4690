// Package registry brings people in from outside: from the enrolment's CSV or
// XLSX file, or from whatever else gives lines and columns.
//
//	file ── what it is ── Table ── its header ── columns ── Person ── Intake
//	                                                 │
//	                                                 └─ refused: line, column, reason
//
// A file is read as a stream. What is wrong with one line refuses that line
// and no other; what is wrong with the file stops the import, and nothing of
// it is kept.
package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"entree/internal/domain"
)

// Sink takes people in, all of them or none: the store.
type Sink interface {
	Import(ctx context.Context, o *domain.ImportOrder, fill func(domain.Intake) error) (domain.ImportCounts, error)
}

// Table is the lines of a source, as they stand there.
type Table struct {
	// Next gives a line and where it stands; the first one is 1. io.EOF after
	// the last one; any other error ends the import. The record is good until
	// the next call.
	Next func() (record []string, line int, err error)
	// Headers are the columns' names where the source has them apart from its
	// lines; nil: the header is one of the first lines.
	Headers []string
	// Padded says that what lacks at the end of a line is empty cells.
	Padded bool
	// Date turns a cell into a date where the source keeps dates as numbers;
	// may be nil.
	Date func(cell string) string
	// Done tells how much was read, from 0 to 1.
	Done func() float64
	// SHA256 is the hash of the whole source, once it was read to its end; may
	// be nil.
	SHA256 func() string
	// Close lets go of what the table holds.
	Close func() error
}

// Refusal is a line that was not taken.
type Refusal struct {
	Line   int    `json:"line"`             // of the file, the first one is 1
	Column string `json:"column,omitempty"` // the file's own header; empty where the whole line is meant
	Reason string `json:"reason"`           // in English, with what is wanted
}

func (r Refusal) String() string {
	if r.Column == "" {
		return fmt.Sprintf("line %d: %s", r.Line, r.Reason)
	}
	return fmt.Sprintf("line %d, column %q: %s", r.Line, r.Column, r.Reason)
}

// Import reads a table into the sink. refused is told of each line that is
// not taken; other differences go to the order's own Told. On an error nothing
// was stored.
func Import(ctx context.Context, sink Sink, t Table, m Mapping, o *domain.ImportOrder, refused func(Refusal) error) (domain.ImportCounts, error) {
	in, err := newReader(t, m)
	if err != nil {
		return domain.ImportCounts{}, err
	}
	order := *o
	order.Told = func(d domain.Difference) error {
		switch d.Kind {
		case domain.DifferenceTwice:
			return refused(Refusal{d.Line, in.header(fieldNumber), fmt.Sprintf("this number came before in the file, at line %d", d.First)})
		case domain.DifferenceTaken:
			return refused(Refusal{d.Line, "", "the identifier or university address is somebody else's"})
		}
		if o.Told == nil {
			return nil
		}
		return o.Told(d)
	}
	counts, err := sink.Import(ctx, &order, func(to domain.Intake) error {
		for {
			person, line, fault, err := in.next()
			switch {
			case errors.Is(err, io.EOF):
				if t.SHA256 != nil {
					order.SHA256 = t.SHA256()
				}
				return nil
			case err != nil:
				return err
			case fault != nil:
				if err := refused(*fault); err != nil {
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
	})
	o.ID, o.SHA256 = order.ID, order.SHA256
	return counts, err
}

// ID gives the registry's key of a person: the same at each import.
func ID(profile, number string) domain.PersonID {
	sum := sha256.Sum256([]byte(profile + "\x00" + number))
	return domain.PersonID(hex.EncodeToString(sum[:16]))
}
