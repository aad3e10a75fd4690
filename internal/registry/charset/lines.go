package charset

import (
	"bufio"
	"bytes"
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
	rest     []byte // lines that were read with the last one, as they end with a carriage return alone
	line     int
	unended  bool
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
// one. A file may mix the ends of lines: CR LF, LF and CR.
func (l *Lines) Next() (string, error) {
	if l.rest == nil {
		raw, err := l.read()
		if err != nil {
			return "", err
		}
		l.rest = raw
	}
	raw, rest, more := bytes.Cut(l.rest, []byte{'\r'})
	if l.rest = nil; more {
		l.rest = rest
	}
	l.line++
	return l.text(raw), nil
}

// Unended reports whether the last line that Next returned stands at the end of the
// file without an end of its own.
func (l *Lines) Unended() bool { return l.unended }

// read returns the bytes up to the next end of a line. They are valid until the
// next call.
func (l *Lines) read() ([]byte, error) {
	end := byte('\n')
	if l.evidence.CR {
		end = '\r'
	}
	raw, err := l.in.ReadSlice(end)
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], raw...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(l.long) > MaxLine {
				return nil, fmt.Errorf("line %d is longer than 1 MB: this is no table of people", l.line+1)
			}
			raw, err = l.in.ReadSlice(end)
			l.long = append(l.long, raw...)
		}
		raw = l.long
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(raw) == 0) {
		return nil, err
	}
	if n := len(raw); n > 0 && raw[n-1] == end {
		raw = raw[:n-1]
	} else {
		l.unended = raw[n-1] != '\r' && raw[n-1] != 0 && raw[n-1] != 0x1a // n is not 0
	}
	return bytes.TrimRight(raw, "\r"), nil
}

// padding is what old programs fill the last block of a file with: NUL, and the
// end of a file in DOS.
const padding = "\x00\x1a"

// text decodes a line.
func (l *Lines) text(raw []byte) string {
	var text string
	raw = bytes.Trim(raw, padding)
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
	return text
}
