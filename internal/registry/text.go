package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"entree/internal/registry/charset"
)

const (
	sampleLines  = 20       // lines that decide the separator
	longestCell  = 64 << 10 // bytes of a quoted cell with line breaks
	longestLines = 100      // lines of such a cell
)

// BadLine is returned by a table for a line that cannot be divided into cells.
// The lines behind it can be read.
type BadLine struct{ Reason string }

func (e *BadLine) Error() string { return e.Reason }

// errQuote and errEndless say what is wrong with the quotes of a line.
var (
	errQuote   = &BadLine{"a quote stands within a cell: put the cell in quotes and double the quotes within"}
	errEndless = &BadLine{"a quote is opened and not closed"}
)

// textTable divides the lines of a text into cells.
type textTable struct {
	lines     *charset.Lines
	separator byte
	waiting   []string // lines that were read ahead
	line      int      // of the last line
	end       error
	wrapped   bool // each line is one cell in quotes
	width     int  // columns of the widest line so far
	record    []string
}

// openText opens a text of which the encoding is known.
func openText(r io.Reader, e charset.Evidence) (Table, error) {
	t := &textTable{lines: charset.NewLines(r, e)}
	size := 0
	for len(t.waiting) < sampleLines && size < 256<<10 && t.end == nil {
		line, err := t.lines.Next()
		if err != nil {
			t.end = err
			break
		}
		size += len(line)
		t.waiting = append(t.waiting, line)
	}
	if t.end != nil && !errors.Is(t.end, io.EOF) {
		return Table{}, t.end
	}
	if err := foreign([]byte(strings.Join(t.waiting, "\n"))); err != nil {
		return Table{}, err
	}
	inner, wrapped := unwrapped(t.waiting)
	t.separator, t.wrapped = separator(inner), wrapped
	if m := sepLine.FindStringSubmatch(firstOf(t.waiting)); m != nil {
		t.separator, t.waiting, t.line = m[1][0], t.waiting[1:], 1
	}
	report := Report{Format: "CSV", Encoding: encodingName(e), Separator: string(t.separator), Decoded: e.Examples}
	var examples []Example
	for _, w := range e.Examples {
		examples = append(examples, Example{Text: cut(w)})
	}
	switch {
	case e.Mixed:
		report.Findings = append(report.Findings, Finding{Kind: FindMixed, Value: strings.Join(append([]string{e.Name}, e.Others...), ", "), Count: e.Foreign, Examples: examples})
	case e.Others != nil:
		report.Findings = append(report.Findings, Finding{Kind: FindMixed, Value: strings.Join(e.Others, ", "), Count: e.OtherLines, Examples: examples})
	}
	if e.Doubtful {
		report.Findings = append(report.Findings, Finding{Kind: FindEncoding, Column: e.Name, Value: e.Second, Examples: examples})
	}
	return Table{Next: t.next, Unended: t.lines.Unended, Report: report, Close: func() error { return nil }}, nil
}

func firstOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// sepLine is how Excel names the separator of a CSV.
var sepLine = regexp.MustCompile(`^"?sep=([;,\t|])"?$`)

func encodingName(e charset.Evidence) string {
	switch {
	case e.Mixed:
		return strings.Join(append([]string{charset.UTF8, e.Name}, e.Others...), " and ")
	case e.Others != nil:
		return strings.Join(append([]string{e.Name}, e.Others...), " and ")
	case e.Mark:
		return e.Name + " with a byte order mark"
	}
	return e.Name
}

// foreign names a file that is text but no table.
func foreign(head []byte) error {
	head = bytes.TrimLeft(head, "\ufeff \t\r\n")
	small := bytes.ToLower(head[:min(len(head), 4096)])
	is := func(what string) error {
		return fmt.Errorf("this is %s, whatever its name says: open it in a spreadsheet program and save it as XLSX or as CSV", what)
	}
	has := func(s string) bool { return bytes.Contains(small, []byte(s)) }
	switch {
	case bytes.HasPrefix(small, []byte("<")):
		switch {
		case has("urn:schemas-microsoft-com:office:spreadsheet") && !has("<html"), has(`progid="excel.sheet"`):
			return is("an XML spreadsheet of 2003")
		case has("<html"), has("<!doctype html"), has("<table"), has("<meta"), has("<body"), has("<head"), has("<style"), has("<div"), has("<tr"):
			return is("an HTML page")
		case has("office:document"):
			return is("a flat OpenDocument file (FODS)")
		}
		return is("an XML file")
	case jsonStart.Match(small):
		return errors.New("this is JSON: export the people as XLSX or as CSV")
	case bytes.HasPrefix(small, []byte("%pdf")):
		return errors.New("this is a PDF: export the people as XLSX or as CSV")
	case bytes.HasPrefix(small, []byte(`{\rtf`)):
		return errors.New("this is a text document (RTF): export the people as XLSX or as CSV")
	case bytes.HasPrefix(small, []byte("mime-version:")):
		return is("an HTML page (MHTML)")
	case bytes.HasPrefix(small, []byte("id;pwxl")), bytes.HasPrefix(small, []byte("id;pscalc")), bytes.HasPrefix(small, []byte("id;pcalc")):
		return is("a spreadsheet of an old kind (SYLK)")
	}
	return nil
}

var jsonStart = regexp.MustCompile(`^(\{\s*("|\})|\[\s*(\{|\[|"[^"]*"\s*[,\]]))`)

// separator counts the separators outside quotes, line by line: the lines of a
// table have as many as its header, a title above it has none.
func separator(lines []string) byte {
	best, most := byte(';'), 0
	for _, s := range []byte(";,\t|") {
		agree := map[int]int{}
		for _, line := range lines {
			quoted, count := false, 0
			for i := range len(line) {
				switch {
				case line[i] == '"':
					quoted = !quoted
				case line[i] == s && !quoted:
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

// read returns the next line of the text.
func (t *textTable) read() (string, error) {
	if len(t.waiting) > 0 {
		line := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.line++
		return line, nil
	}
	if t.end != nil {
		return "", t.end
	}
	line, err := t.lines.Next()
	if err != nil {
		t.end = err
		return "", err
	}
	t.line++
	return line, nil
}

// back returns lines to be read again.
func (t *textTable) back(lines []string) {
	t.waiting = append(append([]string(nil), lines...), t.waiting...)
	t.line -= len(lines)
}

// next returns the next line of the table. A cell in quotes may hold line
// breaks, unless the lines behind look like lines of the table: then the quote
// was lost.
func (t *textTable) next() ([]string, int, error) {
	text, err := t.read()
	if err != nil {
		return nil, 0, err
	}
	line := t.line
	if t.wrapped {
		text = unwrap(text)
	}
	if strings.IndexByte(text, '"') < 0 {
		t.record = divide(t.record[:0], text, t.separator)
		t.width = max(t.width, len(t.record))
		return t.record, line, nil
	}
	var more []string
	size := len(text)
	whole := text
	for {
		var open bool
		t.record, open, err = unquote(t.record[:0], whole, t.separator)
		if err == nil && !open {
			t.width = max(t.width, len(t.record))
			return t.record, line, nil
		}
		if err != nil {
			break
		}
		err = errEndless
		follows, readErr := t.read()
		if readErr != nil {
			if !errors.Is(readErr, io.EOF) {
				return nil, 0, readErr
			}
			break
		}
		more = append(more, follows)
		size += len(follows) + 1
		if len(more) > longestLines || size > longestCell || t.width > 2 && strings.Count(follows, string(t.separator)) >= t.width-1 {
			break
		}
		whole += "\n" + follows
	}
	t.back(more)
	t.record = divide(t.record[:0], text, t.separator)
	return t.record, line, err
}

// unwrapped returns the lines of a text of which each line is one cell in quotes,
// as a spreadsheet saves a CSV with another separator than its own. Other texts
// are returned as they are, with false.
func unwrapped(lines []string) ([]string, bool) {
	out := make([]string, len(lines))
	for i, line := range lines {
		if out[i] = unwrap(line); out[i] == line && strings.Trim(line, " \t") != "" {
			return lines, false
		}
	}
	if len(out) < 2 || !separated.MatchString(out[0]) {
		return lines, false
	}
	return out, true
}

var separated = regexp.MustCompile(`[^;,\t|][;,\t|][^;,\t|]`)

// unwrap returns the text of a line that is one cell in quotes, or the line.
func unwrap(line string) string {
	rest, quoted := strings.CutPrefix(strings.TrimPrefix(line, "\ufeff"), `"`)
	if !quoted {
		return line
	}
	cell, rest, closed := quoted1(rest)
	if !closed || strings.Trim(rest, " ;,\t") != "" {
		return line
	}
	return cell
}

// divide divides a line without quotes.
func divide(into []string, text string, separator byte) []string {
	for {
		at := strings.IndexByte(text, separator)
		if at < 0 {
			return append(into, text)
		}
		into = append(into, text[:at])
		text = text[at+1:]
	}
}

// unquote divides a line with quotes. open reports that its last cell is not
// closed. Spaces before and behind a cell in quotes are allowed.
func unquote(into []string, text string, separator byte) (_ []string, open bool, err error) {
	for {
		start := 0
		for start < len(text) && text[start] == ' ' {
			start++
		}
		if start == len(text) || text[start] != '"' {
			cell, rest, found := strings.Cut(text, string(separator))
			if strings.IndexByte(cell, '"') >= 0 && !strings.HasPrefix(cell, `="`) {
				return into, false, errQuote
			}
			into = append(into, cell)
			if !found {
				return into, false, nil
			}
			text = rest
			continue
		}
		cell, rest, closed := quoted1(text[start+1:])
		if !closed {
			return append(into, cell), true, nil
		}
		into = append(into, cell)
		rest = strings.TrimLeft(rest, " ")
		switch {
		case rest == "":
			return into, false, nil
		case rest[0] != separator:
			return into, false, errQuote
		}
		text = rest[1:]
	}
}

// quoted1 returns a cell up to its closing quote and what is behind it.
func quoted1(text string) (cell, rest string, closed bool) {
	var doubled []string
	for {
		at := strings.IndexByte(text, '"')
		switch {
		case at < 0:
			return text, "", false
		case at+1 < len(text) && text[at+1] == '"':
			doubled = append(doubled, text[:at+1])
			text = text[at+2:]
			continue
		case doubled == nil:
			return text[:at], text[at+1:], true
		}
		return strings.Join(doubled, "") + text[:at], text[at+1:], true
	}
}
