package registry

import (
	"io"
	"strconv"

	"entree/internal/spreadsheet"
)

// Refused writes refused lines as CSV, for whoever mends them in a
// spreadsheet.
type Refused struct{ out *spreadsheet.Writer }

// NewRefused writes the header.
func NewRefused(w io.Writer) (*Refused, error) {
	out, err := spreadsheet.NewWriter(w, "line", "column", "reason")
	return &Refused{out}, err
}

// Add writes one line.
func (r *Refused) Add(f Refusal) error {
	return r.out.Write(strconv.Itoa(f.Line), f.Column, f.Reason)
}

// Close writes what is left.
func (r *Refused) Close() error { return r.out.Close() }
