package sheet

import (
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// xlsx is an open XLSX.
type xlsx struct {
	book    *Book
	parts   *parts
	files   []string // of the sheets
	strings *shared
	formats []numberFormat // by the index of a cell's style
}

// relation is a part that another one names.
type relation struct{ id, kind, target string }

// openXLSX reads everything but the sheets.
func (b *Book) openXLSX(a *parts) error {
	b.Kind = "XLSX"
	x := &xlsx{book: b, parts: a}
	b.format = x
	main := "xl/workbook.xml"
	if top, err := a.relations(""); err == nil {
		for _, r := range top {
			if strings.HasSuffix(r.kind, "/officeDocument") {
				main = r.target
			}
		}
	}
	related, err := a.relations(main)
	if err != nil {
		return err
	}
	if err := x.workbook(main, related); err != nil {
		return err
	}
	for _, r := range related {
		switch {
		case strings.HasSuffix(r.kind, "/sharedStrings") && a.files[clean(r.target)] != nil:
			t, err := a.tokens(r.target, maxSheet)
			if err != nil {
				return err
			}
			x.strings, err = newShared(b.dir, t)
			if err := errors.Join(err, t.close()); err != nil {
				return single(err)
			}
		case strings.HasSuffix(r.kind, "/styles") && a.files[clean(r.target)] != nil:
			if err := x.styles(r.target); err != nil {
				return err
			}
		}
	}
	for i, file := range x.files {
		rows, err := a.countRows(file)
		if err != nil {
			return err
		}
		b.Sheets[i].Rows = rows
	}
	return nil
}

// single keeps the first of joined errors, so that a message is one line.
func single(err error) error {
	for _, known := range []error{ErrTooLarge, ErrUnreadable} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// relations returns the parts that a part names; "" is the package itself.
func (a *parts) relations(of string) ([]relation, error) {
	dir, base := path.Split(of)
	t, err := a.tokens(path.Join(dir, "_rels", base+".rels"), maxPart)
	if err != nil {
		return nil, err
	}
	var out []relation
	err = t.each(func(e xml.StartElement) error {
		if e.Name.Local != "Relationship" {
			return nil
		}
		if len(out) == 10*maxSheets {
			return ErrTooLarge
		}
		target := strings.ReplaceAll(attr(e, "Target"), `\`, "/")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", dir, target)
		}
		out = append(out, relation{strings.Clone(attr(e, "Id")), attr(e, "Type"), strings.TrimPrefix(target, "/")})
		return nil
	})
	return out, single(errors.Join(err, t.close()))
}

// workbook reads the names of the sheets.
func (x *xlsx) workbook(name string, related []relation) error {
	t, err := x.parts.tokens(name, maxPart)
	if err != nil {
		return err
	}
	err = t.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			v := attr(e, "date1904")
			x.book.From1904 = v == "1" || v == "true"
		case "sheet":
			if len(x.files) == maxSheets {
				return ErrTooLarge
			}
			id, state := "", attr(e, "state")
			for _, a := range e.Attr {
				if a.Name.Local == "id" {
					id = a.Value
				}
			}
			for _, r := range related {
				if r.id == id && strings.HasSuffix(r.kind, "/worksheet") {
					x.files = append(x.files, r.target)
					x.book.Sheets = append(x.book.Sheets, Info{Name: attr(e, "name"), Hidden: state == "hidden" || state == "veryHidden"})
				}
			}
		}
		return nil
	})
	if err = single(errors.Join(err, t.close())); err == nil && len(x.files) == 0 {
		err = ErrUnreadable
	}
	return err
}

// styles reads which styles are dates or zeros.
func (x *xlsx) styles(name string) error {
	t, err := x.parts.tokens(name, maxPart)
	if err != nil {
		return err
	}
	const most = 1 << 16 // as many styles as Excel allows
	codes := map[int]string{}
	inCells := false
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			return t.close()
		}
		if err != nil {
			return single(errors.Join(err, t.close()))
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "numFmt":
				if id, err := strconv.Atoi(attr(e, "numFmtId")); err == nil && len(codes) < 1000 {
					code := attr(e, "formatCode")
					codes[id] = code[:min(len(code), 300)]
				}
			case "cellXfs":
				inCells = true
			case "xf":
				if inCells && len(x.formats) < most {
					id, _ := strconv.Atoi(attr(e, "numFmtId")) // a missing id is 0, the format General
					x.formats = append(x.formats, formatOf(id, codes[id]))
				}
			}
		case xml.EndElement:
			if e.Name.Local == "cellXfs" {
				inCells = false
			}
		}
	}
}

var (
	rangeRef = regexp.MustCompile(`^\$?([A-Z]{1,3})\$?([0-9]{1,7}):\$?([A-Z]{1,3})\$?([0-9]{1,7})$`)
	refAttr  = regexp.MustCompile(`\sref\s*=\s*["']([^"']*)["']`)
)

// countRows returns the number of rows that have cells. It looks at the tags
// only.
func (a *parts) countRows(file string) (int, error) {
	rows, filled := 0, false
	err := a.scan(file, func(tag string, _ []byte) bool {
		switch tag {
		case "row":
			filled = false
		case "c":
			if !filled {
				rows++
			}
			filled = true
		}
		return true
	})
	return rows, err
}

// rows opens a sheet. The merged ranges are behind the rows in the file and
// are read first.
func (x *xlsx) rows(sheet int) (*Rows, error) {
	merged, err := x.parts.merges(x.files[sheet])
	if err != nil {
		return nil, err
	}
	t, err := x.parts.tokens(x.files[sheet], maxSheet)
	if err != nil {
		return nil, err
	}
	out := &Rows{Close: t.close}
	r := &xlsxRows{xlsx: x, tokens: t, out: out}
	out.Next = func() ([]string, error) {
		for {
			record, err := r.row()
			if err != nil {
				return nil, single(err)
			}
			out.Line = r.line
			if record = merged.fill(record, r.line); !empty(record) {
				if r.hidden {
					out.Hidden++
				}
				return record, nil
			}
		}
	}
	return out, nil
}

func empty(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return cell != "" })
}

// xlsxRows reads the rows of a sheet.
type xlsxRows struct {
	*xlsx
	tokens *tokens
	out    *Rows
	line   int
	hidden bool // the row is hidden
	record []string
}

// row reads one row, also an empty one.
func (r *xlsxRows) row() ([]string, error) {
	for {
		token, err := r.tokens.next()
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if ok && start.Name.Local == "col" && isTrue(attr(start, "hidden")) {
			first, _ := strconv.Atoi(attr(start, "min")) // without a number the range is empty
			last, _ := strconv.Atoi(attr(start, "max"))
			r.out.hideColumns(first-1, last-1)
		}
		if !ok || start.Name.Local != "row" {
			continue
		}
		r.line++
		if n, err := strconv.Atoi(attr(start, "r")); err == nil && n > 0 {
			r.line = n
		}
		if r.line > maxRows {
			return nil, ErrTooLarge
		}
		r.hidden = isTrue(attr(start, "hidden"))
		return r.cells()
	}
}

// isTrue reads an attribute that is 1 or 0, true or false.
func isTrue(value string) bool { return value == "1" || value == "true" }

// hideColumns records a range of hidden columns. The number of ranges is bounded.
func (r *Rows) hideColumns(first, last int) {
	if first >= 0 && last >= first && len(r.HiddenColumns) < maxColumns {
		r.HiddenColumns = append(r.HiddenColumns, [2]int{first, last})
	}
}

// cells reads the cells up to the end of the row.
func (r *xlsxRows) cells() ([]string, error) {
	r.record = r.record[:0]
	column := -1
	for {
		token, err := r.tokens.next()
		if errors.Is(err, io.EOF) {
			return nil, ErrUnreadable
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			column++
			if at := columnOf(attr(e, "r")); at >= 0 {
				column = at
			}
			if column >= maxColumns {
				return nil, ErrTooLarge
			}
			value, err := r.cell(e)
			if err != nil {
				return nil, err
			}
			if value == "" {
				continue
			}
			for len(r.record) <= column {
				r.record = append(r.record, "")
			}
			r.record[column] = value
		case xml.EndElement:
			if e.Name.Local == "row" {
				return r.record, nil
			}
		}
	}
}

// columnOf returns the column of a reference such as B12, -1 if there is none.
func columnOf(ref string) int {
	at := 0
	for i := 0; i < len(ref) && i < 4; i++ {
		c := ref[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			return at - 1
		}
		at = 26*at + int(c-'A') + 1
	}
	return at - 1
}

// cell reads one cell up to its end.
func (r *xlsxRows) cell(start xml.StartElement) (string, error) {
	kind := attr(start, "t")
	var value, inline strings.Builder
	var into *strings.Builder
	phonetic, formula, hasValue := false, false, false
	for {
		token, err := r.tokens.next()
		if errors.Is(err, io.EOF) {
			return "", ErrUnreadable
		}
		if err != nil {
			return "", err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				into, hasValue = &value, true
			case "f":
				formula = true
			case "rPh":
				phonetic = true
			case "t":
				if !phonetic {
					into = &inline
				}
			}
		case xml.CharData:
			if into != nil && into.Len() < maxText {
				into.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "v", "t":
				into = nil
			case "rPh":
				phonetic = false
			case "c":
				if formula && !hasValue {
					return NoValue, nil
				}
				return r.value(kind, attr(start, "s"), value.String(), inline.String())
			}
		}
	}
}

// value returns the text of a cell by its type.
func (r *xlsxRows) value(kind, style, value, inline string) (string, error) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			return "", nil //nolint:nilerr // a cell without a value
		}
		return r.strings.at(i)
	case "inlineStr":
		return unescape(inline), nil
	case "str", "e", "d":
		return unescape(value), nil
	case "b":
		return map[string]string{"1": "true", "0": "false"}[strings.TrimSpace(value)], nil
	}
	if value == "" {
		return unescape(inline), nil
	}
	var f numberFormat
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(r.formats) {
		f = r.formats[i]
	}
	return f.apply(value, r.book.From1904), nil
}

func (x *xlsx) close() error { return x.strings.close() }

// merge is a range of which the first cell stands for those below it.
type merge struct {
	column, top, bottom int
	value               string
}

// merges are the merged ranges of a sheet by their first rows.
type merges struct {
	waiting []merge
	active  []merge
}

const maxMerges = 200_000

// merges reads the merged ranges of a sheet that reach over several rows.
func (a *parts) merges(file string) (*merges, error) {
	out := &merges{}
	err := a.scan(file, func(tag string, raw []byte) bool {
		if tag != "mergeCell" {
			return true
		}
		if ref := refAttr.FindSubmatch(raw); ref != nil {
			if m := rangeRef.FindStringSubmatch(string(ref[1])); m != nil {
				top, _ := strconv.Atoi(m[2])
				bottom, _ := strconv.Atoi(m[4])
				if bottom > top {
					out.waiting = append(out.waiting, merge{column: columnOf(m[1]), top: top, bottom: bottom})
				}
			}
		}
		return len(out.waiting) < maxMerges
	})
	slices.SortFunc(out.waiting, func(a, b merge) int { return cmp.Compare(a.top, b.top) })
	return out, err
}

// fill copies the value of the first cell of a merged range to the others.
func (m *merges) fill(record []string, line int) []string {
	for len(m.waiting) > 0 && m.waiting[0].top <= line {
		g := m.waiting[0]
		m.waiting = m.waiting[1:]
		if g.top == line && g.column < len(record) {
			g.value = record[g.column]
		}
		if g.value != "" {
			m.active = append(m.active, g)
		}
	}
	if len(m.active) == 0 {
		return record
	}
	m.active = slices.DeleteFunc(m.active, func(g merge) bool { return g.bottom < line })
	if empty(record) {
		return record // below the table
	}
	for _, g := range m.active {
		for len(record) <= g.column {
			record = append(record, "")
		}
		record[g.column] = g.value
	}
	return record
}
