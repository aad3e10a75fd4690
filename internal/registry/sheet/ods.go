package sheet

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ods is an open ODS. All of its sheets are in one part.
type ods struct {
	book  *Book
	parts *parts
}

// openODS reads the names of the sheets.
func (b *Book) openODS(a *parts) error {
	b.Kind = "ODS"
	o := &ods{b, a}
	b.format = o
	if err := a.plain(); err != nil {
		return err
	}
	t, err := a.tokens("content.xml", maxSheet)
	if err != nil {
		return err
	}
	hidden := map[string]bool{} // styles of tables
	style, filled, isSheet := "", false, false
	err = t.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "text", "presentation", "drawing":
			if e.Name.Space == "office" && !isSheet {
				return other("a document of LibreOffice that is no spreadsheet")
			}
		case "spreadsheet":
			isSheet = true
		case "style":
			style = attr(e, "name")
		case "table-properties":
			if attr(e, "display") == "false" && len(hidden) < maxSheets {
				hidden[style] = true
			}
		case "table":
			if e.Name.Space != "table" {
				return nil
			}
			if len(b.Sheets) == maxSheets {
				return ErrTooLarge
			}
			b.Sheets = append(b.Sheets, Info{Name: attr(e, "name"), Hidden: hidden[attr(e, "style-name")]})
		case "table-row":
			filled = false
		case "p":
			if n := len(b.Sheets); n > 0 && !filled {
				b.Sheets[n-1].Rows++
				filled = true
			}
		}
		return nil
	})
	if err = errors.Join(err, t.close()); errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnreadable) {
		return single(err)
	}
	if err == nil && !isSheet {
		err = ErrUnreadable
	}
	return err
}

// plain returns an error if the content has a password.
func (a *parts) plain() error {
	t, err := a.tokens("META-INF/manifest.xml", maxPart)
	if err != nil {
		return nil //nolint:nilerr // a file without a manifest is not encrypted
	}
	err = t.each(func(e xml.StartElement) error {
		if e.Name.Local == "encryption-data" {
			return errors.New("this spreadsheet has a password: save it without one")
		}
		return nil
	})
	return errors.Join(err, t.close())
}

// rows opens a sheet.
func (o *ods) rows(sheet int) (*Rows, error) {
	t, err := o.parts.tokens("content.xml", maxSheet)
	if err != nil {
		return nil, err
	}
	for n := -1; n < sheet; {
		token, err := t.next()
		if err != nil {
			return nil, errors.Join(ErrUnreadable, t.close())
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "table" && e.Name.Space == "table" {
			n++
		}
	}
	out := &Rows{Close: t.close}
	r := &odsRows{tokens: t, out: out}
	out.Next = func() ([]string, error) {
		for r.pending == 0 {
			n, err := r.row()
			if err != nil {
				return nil, single(err)
			}
			if empty(r.record) {
				r.line += n
				continue
			}
			if r.pending = n; r.hidden {
				out.Hidden += n
			}
		}
		r.pending--
		if r.line++; r.line > maxRows {
			return nil, ErrTooLarge
		}
		out.Line = r.line
		return slices.Clone(r.record), nil
	}
	return out, nil
}

// odsRows reads the rows of a sheet.
type odsRows struct {
	tokens  *tokens
	out     *Rows
	columns int // that were declared before the rows
	record  []string
	line    int // of the last row that was returned or skipped
	pending int // how often the record is still to be returned
	hidden  bool
	spans   []span
}

// span is a cell that is merged with the cells below it, which have its value.
type span struct {
	column, rows int
	value        string
}

// row reads the next row and returns how often it is repeated. At the end of
// the sheet it returns io.EOF.
func (r *odsRows) row() (int, error) {
	for {
		token, err := r.tokens.next()
		if errors.Is(err, io.EOF) {
			return 0, ErrUnreadable
		}
		if err != nil {
			return 0, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			visibility := attr(e, "visibility")
			isHidden := visibility == "collapse" || visibility == "filter"
			if e.Name.Local == "table-column" {
				n := times(e, "number-columns-repeated", maxColumns)
				if isHidden {
					r.out.hideColumns(r.columns, r.columns+n-1)
				}
				r.columns += n
			}
			if e.Name.Local != "table-row" {
				continue
			}
			n := times(e, "number-rows-repeated", maxRows)
			r.hidden = isHidden
			return n, r.cells(n)
		case xml.EndElement:
			if e.Name.Local == "table" && e.Name.Space == "table" {
				return 0, io.EOF
			}
		}
	}
}

func times(e xml.StartElement, name string, most int) int {
	n, err := strconv.Atoi(attr(e, name))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, most)
}

// cells reads the cells up to the end of a row that is repeated n times.
func (r *odsRows) cells(repeated int) error {
	r.record = r.record[:0]
	column := 0
	for {
		token, err := r.tokens.next()
		if errors.Is(err, io.EOF) {
			return ErrUnreadable
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local != "table-cell" && e.Name.Local != "covered-table-cell" {
				continue
			}
			n := times(e, "number-columns-repeated", maxColumns)
			value, err := r.cell(e)
			if err != nil {
				return err
			}
			if rows := times(e, "number-rows-spanned", maxRows); rows > 1 && value != "" && len(r.spans) < maxMerges {
				r.spans = append(r.spans, span{column, rows, value})
			}
			if value != "" {
				if column+n > maxColumns || n > 1000 {
					return ErrTooLarge
				}
				for len(r.record) < column {
					r.record = append(r.record, "")
				}
				for range n {
					r.record = append(r.record, value)
				}
			}
			column = min(column+n, maxColumns)
		case xml.EndElement:
			if e.Name.Local == "table-row" {
				r.fill(repeated)
				return nil
			}
		}
	}
}

// fill copies the value of the first cell of a span to the others.
func (r *odsRows) fill(repeated int) {
	none := empty(r.record)
	for i := range r.spans {
		s := &r.spans[i]
		s.rows -= repeated
		if none {
			continue
		}
		for len(r.record) <= s.column {
			r.record = append(r.record, "")
		}
		if r.record[s.column] == "" {
			r.record[s.column] = s.value
		}
	}
	r.spans = slices.DeleteFunc(r.spans, func(s span) bool { return s.rows < 1 })
}

// cell reads one cell up to its end. The text that the cell shows is the value,
// but for numbers and dates, which the file has in one form for all languages.
func (r *odsRows) cell(start xml.StartElement) (string, error) {
	var text strings.Builder
	depth, paragraphs, note := 1, 0, 0
	for depth > 0 {
		token, err := r.tokens.next()
		if errors.Is(err, io.EOF) {
			return "", ErrUnreadable
		}
		if err != nil {
			return "", err
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			switch e.Name.Local {
			case "annotation":
				note = depth
			case "p":
				if paragraphs++; paragraphs > 1 && note == 0 {
					text.WriteByte(' ')
				}
			case "s":
				if note == 0 {
					text.WriteString(strings.Repeat(" ", times(e, "c", 100)))
				}
			case "tab", "line-break":
				text.WriteByte(' ')
			}
		case xml.CharData:
			if paragraphs > 0 && note == 0 && text.Len() < maxText {
				text.Write(e)
			}
		case xml.EndElement:
			if depth == note {
				note, paragraphs = 0, 0
			}
			depth--
		}
	}
	return odsValue(start, text.String()), nil
}

// padded matches what a number format puts before a number: E000, 00, A-.
var padded = regexp.MustCompile(`^(?:[A-Za-z]{1,4}[-_]?)?0*$`)

func odsValue(e xml.StartElement, text string) string {
	kind, value := "", ""
	for _, a := range e.Attr {
		switch {
		case a.Name.Local == "value-type" && a.Name.Space == "calcext" && a.Value == "error":
			return strings.TrimSpace(text)
		case a.Name.Local == "value-type" && a.Name.Space == "office":
			kind = a.Value
		case a.Name.Local == "value":
			value = a.Value
		}
	}
	switch kind {
	case "date":
		return strings.TrimSuffix(attr(e, "date-value"), "T00:00:00")
	case "boolean":
		return attr(e, "boolean-value")
	case "float", "percentage", "currency":
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return text
		}
		plain := number(n, value)
		if shown := strings.TrimSpace(text); len(shown) > len(plain) && strings.HasSuffix(shown, plain) && padded.MatchString(shown[:len(shown)-len(plain)]) {
			return shown // the zeros of a number format, and the letters before them
		}
		return plain
	}
	if v := attr(e, "string-value"); v != "" && text == "" {
		return v
	}
	return text
}

func (o *ods) close() error { return nil }
