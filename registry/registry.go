// Package registry brings people in from outside: from the enrolment's CSV
// file.
//
//	bytes ── UTF-8 or Windows-1252 ── ; or , ── columns by name ── Person ── put
//	                                                │
//	                                                └─ refused: line, column, reason
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

	"entree/activation"
)

// Sink takes people in, all of them or none: the store.
type Sink interface {
	Import(ctx context.Context, dryRun bool, fill func(put func(activation.Person) (activation.ImportOutcome, error)) error) error
}

// Refusal is a line that was not taken.
type Refusal struct {
	Line   int    // of the file, the first one is 1
	Column string // the file's own header; empty where the whole line is meant
	Reason string // in English, with what is wanted
}

func (r Refusal) String() string {
	if r.Column == "" {
		return fmt.Sprintf("line %d: %s", r.Line, r.Reason)
	}
	return fmt.Sprintf("line %d, column %q: %s", r.Line, r.Column, r.Reason)
}

// Report counts the lines of a file.
type Report struct{ New, Changed, Unchanged, Refused int }

// Import reads a CSV file into the sink. refused is told of each line that is
// not taken. On an error nothing was stored.
func Import(ctx context.Context, sink Sink, r io.Reader, m Mapping, dryRun bool, refused func(Refusal)) (Report, error) {
	var report Report
	err := sink.Import(ctx, dryRun, func(put func(activation.Person) (activation.ImportOutcome, error)) error {
		refuse := func(f Refusal) {
			report.Refused++
			refused(f)
		}
		in, err := open(r, m)
		if err != nil {
			return err
		}
		for {
			person, line, fault, err := in.next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if fault != nil {
				refuse(*fault)
				continue
			}
			outcome, err := put(person)
			if err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			switch outcome {
			case activation.ImportNew:
				report.New++
			case activation.ImportChanged:
				report.Changed++
			case activation.ImportUnchanged:
				report.Unchanged++
			case activation.ImportTwice:
				refuse(Refusal{line, in.header(fieldNumber), "this number came before in the file"})
			case activation.ImportTaken:
				refuse(Refusal{line, "", "the identifier or university address is somebody else's"})
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	})
	return report, err
}

// ID gives the registry's key of a person: the same at each import.
func ID(profile, number string) activation.PersonID {
	sum := sha256.Sum256([]byte(profile + "\x00" + number))
	return activation.PersonID(hex.EncodeToString(sum[:16]))
}
