package registry

import (
	"io"
	"strconv"

	"entree/internal/spreadsheet"
)

// Refused writes refused lines as CSV, to be corrected in a spreadsheet.
type Refused struct{ out *spreadsheet.Writer }

// NewRefused writes the header.
func NewRefused(w io.Writer) (*Refused, error) {
	out, err := spreadsheet.NewWriter(w, "line", "where", "column", "value", "reason")
	return &Refused{out}, err
}

// Add writes one line.
func (r *Refused) Add(f Refusal) error {
	return r.out.Write(strconv.Itoa(f.Line), f.Where, f.Column, f.Value, f.Reason)
}

// Close writes the lines that are buffered.
func (r *Refused) Close() error { return r.out.Close() }
