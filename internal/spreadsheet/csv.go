// Package spreadsheet writes CSV that a spreadsheet opens as what it is: text.
package spreadsheet

import (
	"encoding/csv"
	"io"
	"strings"
)

// Writer writes lines of cells. None of them becomes a formula.
type Writer struct{ out *csv.Writer }

// NewWriter writes the header, for programs: commas, as RFC 4180 has it.
func NewWriter(w io.Writer, header ...string) (*Writer, error) {
	s := &Writer{csv.NewWriter(w)}
	return s, s.out.Write(header)
}

// NewSheet writes the header, for people who open the file by a double click.
// Excel takes a file without a mark for another encoding, and divides it at the
// separator that is usual where a number has a comma, or a point, before its
// decimals: ';' and ','.
func NewSheet(w io.Writer, separator rune, header ...string) (*Writer, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	s := &Writer{csv.NewWriter(w)}
	s.out.Comma = separator
	return s, s.out.Write(header)
}

// Write writes one line.
func (s *Writer) Write(cells ...string) error {
	for i, c := range cells {
		cells[i] = cell(c)
	}
	return s.out.Write(cells)
}

// Close writes what is left.
func (s *Writer) Close() error {
	s.out.Flush()
	return s.out.Error()
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
