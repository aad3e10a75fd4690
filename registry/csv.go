package registry

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"entree/activation"
)

// longest is the longest field taken, in bytes. A lost quote makes one field of
// a whole file: that is found here, not in memory.
const longest = 4096

// peek is how much of a file is looked at to tell its encoding and separator.
const peek = 64 << 10

// reader gives the people of one CSV file.
type reader struct {
	csv     *csv.Reader
	mapping Mapping
	columns [fields]int // of each field; -1: none
	headers []string
}

// open reads the header. The encoding is UTF-8, with or without its mark, where
// the beginning of the file is valid UTF-8, else Windows-1252, which Excel
// writes in France. The separator is the one of ; , and tab that the header
// holds most of.
func open(r io.Reader, m Mapping) (*reader, error) {
	buffered := bufio.NewReaderSize(r, peek)
	head, err := buffered.Peek(peek)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := looksLikeText(head); err != nil {
		return nil, err
	}
	var text io.Reader = buffered
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = buffered.Discard(3) // it was just seen
		head = head[3:]
	case !validStart(head):
		text = transform.NewReader(buffered, charmap.Windows1252.NewDecoder())
	}
	in := &reader{csv: csv.NewReader(&bounded{r: text}), mapping: m}
	in.csv.Comma = separator(head)
	in.csv.ReuseRecord = true
	in.csv.TrimLeadingSpace = in.csv.Comma != '\t' // a tab would count as such a space
	header, err := in.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, fault(err)
	}
	for _, h := range header {
		in.headers = append(in.headers, strings.TrimSpace(h))
	}
	in.columns, err = m.columns(in.headers)
	return in, err
}

// looksLikeText refuses what was given by mistake.
func looksLikeText(head []byte) error {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return errors.New("this is a spreadsheet or an archive, not a CSV file: save it as CSV first")
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return errors.New("this file is in UTF-16: save it as CSV in UTF-8")
	case bytes.IndexByte(head, 0) >= 0:
		return errors.New("this is not a text file")
	}
	return nil
}

// validStart tells whether a beginning is UTF-8, but for a character that the
// end of the look cuts in two.
func validStart(head []byte) bool {
	for cut := 0; cut < utf8.UTFMax && cut <= len(head); cut++ {
		if utf8.Valid(head[:len(head)-cut]) {
			return cut == 0 || len(head) == peek
		}
	}
	return false
}

func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := ';', 0
	for _, s := range ";,\t" {
		if n := bytes.Count(line, []byte(string(s))); n > most {
			best, most = s, n
		}
	}
	return best
}

// bounded ends a read whose quotes do not end.
type bounded struct{ r io.Reader }

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if bytes.IndexByte(p[:n], 0) >= 0 {
		return 0, errors.New("this is not a text file")
	}
	return n, err
}

// fault says in words what encoding/csv found.
func fault(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	return fmt.Errorf("line %d: the quotes do not match: the file is broken from here on, and nothing of it was imported", parse.StartLine)
}

// next gives the next person, or why the line is refused.
func (in *reader) next() (activation.Person, int, *Refusal, error) {
	record, err := in.csv.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) && errors.Is(parse.Err, csv.ErrFieldCount) {
		return activation.Person{}, parse.Line, &Refusal{parse.Line, "", fmt.Sprintf("%d columns, the header has %d", len(record), len(in.headers))}, nil
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			err = fault(err)
		}
		return activation.Person{}, 0, nil, err
	}
	line, _ := in.csv.FieldPos(0)
	for i, v := range record {
		switch {
		case len(v) > longest:
			return activation.Person{}, line, &Refusal{line, in.headers[i], "longer than 4096 bytes: a quote is lost"}, nil
		case !utf8.ValidString(v):
			return activation.Person{}, line, &Refusal{line, in.headers[i], "not in the encoding of the rest of the file"}, nil
		}
	}
	p, f := in.person(record, line)
	return p, line, f, nil
}

// value gives a field in NFC, without white space around it and within it made
// single.
func (in *reader) value(record []string, f field) string {
	if in.columns[f] < 0 {
		return ""
	}
	return strings.Join(strings.Fields(norm.NFC.String(record[in.columns[f]])), " ")
}

func (in *reader) header(f field) string {
	if in.columns[f] < 0 {
		return ""
	}
	return in.headers[in.columns[f]]
}
