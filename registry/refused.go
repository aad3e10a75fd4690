package registry

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// Refused writes refused lines as CSV, for whoever mends them in a
// spreadsheet.
type Refused struct{ out *csv.Writer }

// NewRefused writes the header.
func NewRefused(w io.Writer) (*Refused, error) {
	r := &Refused{csv.NewWriter(w)}
	return r, r.out.Write([]string{"line", "column", "reason"})
}

// Add writes one line.
func (r *Refused) Add(f Refusal) error {
	return r.out.Write([]string{strconv.Itoa(f.Line), cell(f.Column), cell(f.Reason)})
}

// Close writes what is left.
func (r *Refused) Close() error {
	r.out.Flush()
	return r.out.Error()
}

// cell makes a value safe to open: a spreadsheet takes what begins with one of
// these for a formula (OWASP, CSV Injection), and an apostrophe before it for
// text.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}
