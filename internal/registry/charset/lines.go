package charset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Lines reads the lines of a text as UTF-8.
type Lines struct {
	evidence Evidence
	page     *page
	in       *bufio.Reader
	long     []byte
	line     int
}

// NewLines returns the lines of r, which must be at the beginning of the file
// that the evidence is of.
func NewLines(r io.Reader, e Evidence) *Lines {
	l := &Lines{evidence: e, page: pageOf(e.Name)}
	switch e.Name {
	case UTF16LE:
		r = transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case UTF16BE:
		r = transform.NewReader(r, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	}
	l.in = bufio.NewReaderSize(r, 64<<10)
	return l
}

// Next returns the next line without its end. It returns io.EOF after the last
// one.
func (l *Lines) Next() (string, error) {
	end := byte('\n')
	if l.evidence.CR {
		end = '\r'
	}
	raw, err := l.in.ReadSlice(end)
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], raw...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(l.long) > MaxLine {
				return "", fmt.Errorf("line %d is longer than 1 MB: this is no table of people", l.line+1)
			}
			raw, err = l.in.ReadSlice(end)
			l.long = append(l.long, raw...)
		}
		raw = l.long
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(raw) == 0) {
		return "", err
	}
	if n := len(raw); n > 0 && raw[n-1] == end {
		raw = raw[:n-1]
	}
	if n := len(raw); n > 0 && !l.evidence.CR && raw[n-1] == '\r' {
		raw = raw[:n-1]
	}
	l.line++
	var text string
	switch {
	case l.page == nil || l.evidence.Mixed && utf8.Valid(raw) || isASCII(raw):
		text = string(raw)
	case l.evidence.Others == nil:
		text = l.page.decode(raw, l.evidence.Mixed)
	default:
		text = l.page.of(raw, l.evidence.Mixed).decode(raw, l.evidence.Mixed)
	}
	if l.line == 1 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	return text, nil
}
