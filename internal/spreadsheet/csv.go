// Package spreadsheet writes CSV of which a spreadsheet program takes every cell
// as text.
package spreadsheet

import (
	"encoding/csv"
	"io"
	"regexp"
)

// Writer writes lines of cells. None of them becomes a formula.
type Writer struct{ out *csv.Writer }

// NewWriter writes the header of a file for programs, with commas (RFC 4180).
func NewWriter(w io.Writer, header ...string) (*Writer, error) {
	s := &Writer{csv.NewWriter(w)}
	return s, s.out.Write(header)
}

// NewSheet writes the header of a file that is opened by a double click. It
// begins with a byte order mark, since Excel reads a file without one in another
// encoding. The separator depends on the language of the reader: ';' if decimals
// have a comma, ',' otherwise.
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

// Close writes the lines that are buffered.
func (s *Writer) Close() error {
	s.out.Flush()
	return s.out.Error()
}

// formula is a character with which a formula begins, at the start of a cell or
// after a character that a program with other settings takes for a separator: a
// French Excel opens a file with commas as one with semicolons. Quotes in between
// are dropped by such a program.
var formula = regexp.MustCompile(`(^|[;,\t\r\n|]["\s]*)([=+\-@\t\r\n＝＋－＠])`)

// cell puts an apostrophe before each text that a spreadsheet would compute as a
// formula (OWASP, CSV Injection).
func cell(s string) string { return formula.ReplaceAllString(s, "$1'$2") }
