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
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// openCSV reads text. The encoding is UTF-16 with its mark, UTF-8, with or
// without one, where the beginning of the file is valid UTF-8, else
// Windows-1252, which Excel writes in France. The separator is the one of ; ,
// and tab that most of the first lines agree on.
func openCSV(r *bufio.Reader, head []byte) (Table, error) {
	var text io.Reader = r
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		text = transform.NewReader(r, utf16.NewDecoder())
		decoded, _, _ := transform.Bytes(utf16.NewDecoder(), head[:len(head)&^1]) // to look at only
		head = decoded
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = r.Discard(3) // it was just seen
		head = head[3:]
	case !validStart(head):
		text = transform.NewReader(r, charmap.Windows1252.NewDecoder())
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return Table{}, errors.New("this is not a text file")
	}
	plain := &textOnly{r: text}
	in := csv.NewReader(plain)
	in.Comma = separator(head)
	in.ReuseRecord = true
	in.FieldsPerRecord = -1                // a title above the header has fewer
	in.TrimLeadingSpace = in.Comma != '\t' // a tab would count as such a space
	last := 0
	next := func() ([]string, int, error) {
		plain.since = 0
		record, err := in.Read()
		if errors.Is(err, errEndless) {
			return nil, 0, fmt.Errorf("after line %d: %w", last, err)
		}
		if err != nil {
			return nil, 0, fault(err)
		}
		last, _ = in.FieldPos(0)
		return record, last, nil
	}
	return Table{Next: next, Close: func() error { return nil }}, nil
}

// validStart tells whether a beginning is UTF-8, but for a character that the
// end of the look cuts in two.
func validStart(head []byte) bool {
	for cut := 0; cut < utf8.UTFMax && cut <= len(head); cut++ {
		if utf8.Valid(head[:len(head)-cut]) {
			return cut == 0 || len(head) >= peek-3
		}
	}
	return false
}

// separator counts the separators outside quotes, line by line: the lines of a
// table have as many as its header, a title above it has none.
func separator(head []byte) rune {
	best, most := ';', 0
	for _, s := range ";,\t" {
		agree := map[int]int{}
		for n, line := range strings.Split(string(head), "\n") {
			if n == 20 {
				break
			}
			quoted, count := false, 0
			for _, r := range line {
				switch {
				case r == '"':
					quoted = !quoted
				case r == s && !quoted:
					count++
				}
			}
			if count > 0 {
				agree[count] += count
			}
		}
		for _, n := range agree {
			if n > most {
				best, most = s, n
			}
		}
	}
	return best
}

// longestLine is how many bytes are read for one line before a quote counts as
// lost: it would make one field of the rest of the file, in memory.
const longestLine = 1 << 20

var errEndless = errors.New("a quote does not end: the file is broken from here on, and nothing of it was imported")

// textOnly ends a read in what is no text or has no end.
type textOnly struct {
	r     io.Reader
	since int // bytes since the last line
}

func (t *textOnly) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if t.since += n; t.since > longestLine {
		return 0, errEndless
	}
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
