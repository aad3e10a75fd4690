package registry

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/clean"
	"entree/internal/domain"
	"entree/internal/registry/charset"
	"entree/internal/registry/sheet"
)

// longest is the longest cell taken, in bytes.
const longest = 4096

// look is how many lines are looked at to find the header and what the columns
// hold.
const look = 50

// reader reads the people of one table.
type reader struct {
	table   Table
	mapping Mapping
	report  *Report
	parts   []*part
	*part           // the one that is read
	current row     // the line that is read
	broken  *broken // the first cell of the line that cannot be taken
	numbers numbers
	filled  []bool // fields that a line filled
	young   string // see tooYoung
	lengths lengths
	births  births
	quiet   bool // set while known reads the cells of a refused line again: no finding is counted twice
	foreign int  // line of a further header with other columns; 0: none
	stored  func(profile, number string) (domain.Address, error)
}

// broken is a cell that refuses its line.
type broken struct {
	field  field
	reason string
}

// part is one sheet, or the whole of a table without sheets.
type part struct {
	layout
	name    string
	base    int // added to the numbers of its lines
	next    func() ([]string, int, error)
	close   func() error
	waiting []row // read to find the header, not returned yet
	end     error // what came after them
}

// sheetLines is the distance between the line numbers of two sheets that are
// read one after the other; no sheet has more lines.
const sheetLines = 1 << 21

// row is one line.
type row struct {
	record []string
	line   int
	fault  *BadLine
}

// newReader finds the header and the columns of a table.
func newReader(t Table, m Mapping) (*reader, error) {
	in := &reader{table: t, mapping: m, report: &Report{}}
	*in.report = t.Report
	in.report.Findings = slices.Clone(t.Report.Findings)
	var err error
	if t.Sheets == nil {
		p := &part{next: t.Next}
		err = p.peek(m, t)
		in.parts = []*part{p}
	} else {
		err = in.sheets()
	}
	if err != nil {
		return in, errors.Join(err, in.close())
	}
	for _, p := range in.parts {
		if err := m.assign(&p.layout); err != nil {
			return in, errors.Join(err, in.close())
		}
		in.hiddenColumns(p)
		p.waiting = append(aboveHeader(p.waiting[:p.skip], p.line), p.waiting[p.skip:]...)
		in.report.Findings = append(in.report.Findings, p.doubts...)
	}
	in.part = in.parts[0]
	in.filled = make([]bool, len(table))
	in.describe()
	return in, nil
}

// ready returns an error if a column that is needed is missing.
func (in *reader) ready() error {
	for _, p := range in.parts {
		if err := p.missing(in.mapping); err != nil {
			if p.name != "" {
				err = fmt.Errorf("sheet %q: %w", p.name, err)
				if len(in.table.Sheets) > 1 {
					err = fmt.Errorf("%w; the sheets of the file are %s: name yours with --sheet", err, sheetNames(in.table.Sheets))
				}
				return err
			}
			return err
		}
	}
	return nil
}

// peek reads the first lines and finds the header.
func (p *part) peek(m Mapping, t Table) error {
	for len(p.waiting) < look && p.end == nil {
		record, line, err := p.next()
		var bad *BadLine
		if err != nil && !errors.As(err, &bad) {
			p.end = err
		} else if bad != nil || !empty(record) {
			p.waiting = append(p.waiting, row{slices.Clone(record), line, bad})
		}
	}
	if p.end != nil && !errors.Is(p.end, io.EOF) {
		return p.end
	}
	var err error
	p.layout, err = m.header(t.Headers, p.waiting)
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	p.dates = dateReader{now: now(), serial: t.Serial, from1904: t.From1904}
	return err
}

// sheets opens the sheets that are named, or the one with the best header.
func (in *reader) sheets() error {
	m, all := in.mapping, in.table.Sheets
	use := make([]bool, len(all))
	for _, name := range m.Sheets {
		found := false
		for i, s := range all {
			if simple(s.Name) == simple(name) || name == "*" && !s.Hidden && s.Rows > 0 {
				use[i], found = true, true
			}
		}
		if !found {
			return fmt.Errorf("there is no sheet %q: the file has %s", name, sheetNames(all))
		}
	}
	defer func() {
		for i, s := range all {
			in.report.Sheets = append(in.report.Sheets, SheetUse{Name: s.Name, Rows: s.Rows, Read: use[i], Hidden: s.Hidden})
			if !use[i] && s.Rows > 0 && !s.Hidden && len(m.Sheets) == 0 && len(in.parts) > 0 {
				in.report.Findings = append(in.report.Findings, Finding{Kind: FindSheet, Value: s.Name, Count: s.Rows})
			}
		}
	}()
	best, most := -1, -1
	var chosen *part
	for i, s := range all {
		if len(m.Sheets) > 0 && !use[i] || s.Rows == 0 {
			continue
		}
		p, err := s.open(m, in.table)
		if err != nil {
			return err
		}
		if len(m.Sheets) == 0 && s.Hidden {
			if m.found(p.headers) >= headerFields {
				in.report.Findings = append(in.report.Findings, Finding{Kind: FindSheet, Value: s.Name, Count: s.Rows})
			}
			if err := p.close(); err != nil {
				return err
			}
			continue
		}
		if len(m.Sheets) > 0 {
			p.base = i * sheetLines
			in.parts = append(in.parts, p)
			continue
		}
		found := m.found(p.headers)
		if len(p.samples) == 0 { // a model without people
			found = 0
		}
		if found <= most {
			if err := p.close(); err != nil {
				return err
			}
			continue
		}
		if chosen != nil {
			if err := chosen.close(); err != nil {
				return err
			}
		}
		chosen, best, most = p, i, found
	}
	if best >= 0 {
		use[best] = true
		in.parts = []*part{chosen}
	}
	if len(in.parts) == 1 {
		in.parts[0].base = 0
	}
	if len(in.parts) == 0 {
		return fmt.Errorf("the file is empty: no visible sheet holds anything; the file has %s", sheetNames(all))
	}
	return nil
}

func (s Sheet) open(m Mapping, t Table) (*part, error) {
	next, closeRows, err := s.Open()
	if err != nil {
		return nil, err
	}
	p := &part{name: s.Name, next: next, close: closeRows}
	if err := p.peek(m, t); err != nil {
		return nil, errors.Join(err, closeRows())
	}
	return p, nil
}

func sheetNames(all []Sheet) string {
	var out []string
	for _, s := range all {
		out = append(out, fmt.Sprintf("%q", s.Name)+map[bool]string{true: " (hidden)"}[s.Hidden])
	}
	return strings.Join(out, ", ")
}

// close lets go of the sheets.
func (in *reader) close() error {
	var errs []error
	for _, p := range in.parts {
		if p.close != nil {
			errs = append(errs, p.close())
			p.close = nil
		}
	}
	return errors.Join(errs...)
}

// describe writes the columns into the report.
func (in *reader) describe() {
	p := in.parts[0]
	in.report.Header = p.line
	in.report.Columns = make([]ColumnUse, len(p.headers))
	for c, h := range p.headers {
		in.report.Columns[c] = ColumnUse{N: c + 1, Header: h}
	}
	for f, n := range table {
		if c := p.columns[f]; c >= 0 {
			in.report.Columns[c].Field, in.report.Columns[c].Why = n.key, p.why[f]
			in.report.Columns[c].Example = in.example(field(f), c)
		}
		for _, c := range p.others[f] {
			in.report.Columns[c].Field, in.report.Columns[c].Why = n.key, WhyFallback
		}
	}
}

// example returns the first value of a column as it stands and as it is read.
func (in *reader) example(f field, c int) *Example {
	for _, s := range in.samples {
		if s.fault != nil || c >= len(s.record) || tidy(s.record[c]) == "" {
			continue
		}
		first, _, _ := strings.Cut(s.record[c], Several)
		raw := tidy(first)
		read := raw
		switch f {
		case fieldBirthDate:
			if d, err := in.dates.read(raw); err == nil {
				read = d
			}
		case fieldNumber:
			read, _ = wholeNumber(raw)
		case fieldEmail:
			if a, err := domain.ParseAddress(anyAddress(raw)); err == nil {
				read = string(a)
			}
		default:
			read, _ = charset.Repair(raw)
		}
		e := &Example{Line: s.line, Text: cut(raw)}
		if read != raw {
			e.Read = cut(read)
		}
		return e
	}
	return nil
}

func empty(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// place returns where a line stands: its number in its sheet, and the sheet or
// the entry if the number does not say enough.
func (in *reader) place(line int) (int, string) {
	switch {
	case in.table.Place != nil:
		return line, in.table.Place(line)
	case len(in.parts) > 1 && line > 0:
		for _, p := range in.parts {
			if p.base == line/sheetLines*sheetLines {
				return line % sheetLines, p.name
			}
		}
	}
	return line, ""
}

func (in *reader) refusal(line int, column, reason string) *Refusal {
	n, where := in.place(line)
	return &Refusal{Line: n, Where: where, Column: column, Reason: reason}
}

// row returns the next line that is not empty.
func (in *reader) row() (row, error) {
	for {
		var r row
		switch {
		case len(in.waiting) > 0:
			r, in.waiting = in.waiting[0], in.waiting[1:]
		case in.end == nil:
			r.record, r.line, in.end = in.part.next()
			if errors.As(in.end, &r.fault) {
				in.end = nil
			}
			if in.end != nil {
				continue
			}
		case errors.Is(in.end, io.EOF) && in.part != in.parts[len(in.parts)-1]:
			in.part, in.foreign = in.parts[slices.Index(in.parts, in.part)+1], 0
			continue
		default:
			return row{}, in.end
		}
		if r.fault != nil || !empty(r.record) {
			r.line += in.base
			return r, nil
		}
	}
}

// person returns the next person, or why the line is refused.
func (in *reader) person() (domain.Person, int, *Refusal, error) {
	r, err := in.row()
	if err != nil {
		return domain.Person{}, 0, nil, err
	}
	in.current = r
	record, line := r.record, r.line
	if in.foreign > 0 && r.fault == nil {
		n, _ := in.place(in.foreign)
		return in.known(record), line, in.refusal(line, "", fmt.Sprintf("it stands below another header, in line %d, whose columns are not those of the first: put that table into a file or a sheet of its own", n)), nil
	}
	for len(record) < len(in.headers) {
		record = append(record, "") // spreadsheets shorten lines
	}
	if r.fault != nil {
		return in.known(record), line, in.refusal(line, "", r.fault.Reason), nil
	}
	if reason := in.furtherHeader(record, line); reason != "" {
		return domain.Person{}, line, in.refusal(line, "", reason), nil
	}
	if len(record) > len(in.headers) {
		if in.table.Sheets != nil { // a spreadsheet shifts no cells: a remark beside the table
			for c := len(in.headers); c < len(record); c++ {
				if v := tidy(record[c]); v != "" {
					in.note(Finding{Kind: FindUnused, Value: strconv.Itoa(c + 1)}, v, "")
				}
			}
			record = record[:len(in.headers)]
		}
	}
	if len(record) > len(in.headers) {
		if !empty(record[len(in.headers):]) {
			return domain.Person{}, line, in.refusal(line, "", fmt.Sprintf("%d columns, the header has %d", len(record), len(in.headers))), nil
		}
		record = record[:len(in.headers)]
	}
	in.fills(record)
	for i, v := range record {
		switch {
		case len(v) > longest && !in.spare(i):
			return in.known(record), line, in.refusal(line, in.headers[i], "longer than 4096 bytes: a quote is lost"), nil
		case !utf8.ValidString(v) || strings.ContainsRune(v, 0) || !in.spare(i) && strings.ContainsRune(v, utf8.RuneError):
			return in.known(record), line, in.refusal(line, in.headers[i], "not text in the encoding of the rest"), nil
		}
	}
	p, f := in.read(record)
	return p, line, f, nil
}

// spare reports whether a column is left out.
func (in *reader) spare(c int) bool {
	for f := range in.columns {
		if in.columns[f] == c || slices.Contains(in.others[f], c) {
			return false
		}
	}
	return true
}

// Several separates the values of a column that has several, as attributes of a
// directory do. The first one counts; of addresses, the one that is stored
// already.
const Several = "\x1f"

// value returns a field of a line as clean text.
func (in *reader) value(record []string, f field) string {
	c := in.columns[f]
	if c < 0 {
		return ""
	}
	others := in.others[f]
	if f == fieldGivenName || f == fieldFamilyName {
		for i := 0; i < len(others) && isNoName(record[c]); i++ { // "-", "NC": the other column may have a name
			if !isNoName(record[others[i]]) {
				c = others[i]
			}
		}
	}
	v := in.text(record[c], f, c)
	for i := 0; v == "" && i < len(others); i++ {
		v = in.text(record[others[i]], f, others[i])
	}
	return v
}

// fills remembers which columns of a source with named columns hold something.
func (in *reader) fills(record []string) {
	if in.table.Headers == nil {
		return
	}
	for f, c := range in.columns {
		in.filled[f] = in.filled[f] || c >= 0 && record[c] != ""
	}
}

// text cleans one cell.
func (in *reader) text(cell string, f field, column int) string {
	if at := strings.Index(cell, Several); at >= 0 {
		cell = cell[:at]
	}
	v := tidy(cell)
	if v == "" {
		return ""
	}
	if isError(v) && in.broken == nil {
		in.broken = &broken{f, fmt.Sprintf("an error of a spreadsheet, %s, is no value", v)}
		if v == sheet.NoValue {
			in.broken.reason = "a formula without a result: open the file in a spreadsheet program and save it again"
		}
		return v
	}
	key := Finding{Field: table[f].key, Column: in.headers[column]}
	if (f == fieldNumber || f == fieldLogin || f == fieldCohort) && (v[0] < '0' || v[0] > '9') && nothing.MatchString(v) {
		key.Kind = FindNothing
		in.note(key, v, "")
		return ""
	}
	if !clean.IsPrintableASCII(v) {
		if out, yes := charset.Repair(v); yes {
			key.Kind = FindRepaired
			in.note(key, v, out)
			v = out
		}
	}
	out, err := cleaned(f, v)
	if err != nil {
		if in.broken == nil {
			in.broken = &broken{f, table[f].refused + err.Error()}
		}
		return v
	}
	if out != v && !strings.EqualFold(out, v) {
		key.Kind = FindCleaned
		in.note(key, v, out)
	}
	return out
}

// nothing matches what programs and people write into a cell that has no value.
// Names are not compared with it: there are people called Null.
var nothing = regexp.MustCompile(`(?i)^(?:null|\(null\)|<null>|\\n|nan|nil|none|undefined|n/?[ac]|n\.[acd]\.|#|inconnue?|unknown|n[ée]ant|aucune?|vide|[-–—_.?*]+)$`)

// note adds a finding about the current line.
func (in *reader) note(f Finding, text, read string) {
	if in.quiet {
		return
	}
	line, where := in.place(in.current.line)
	in.report.add(f, Example{Line: line, Where: where, Text: cut(text), Read: cut(read)})
}

func (in *reader) columnOf(f field) string {
	if in.columns[f] < 0 {
		return ""
	}
	return in.headers[in.columns[f]]
}

// numbers finds numbers that differ in capitals only. Numbers without letters
// take no memory.
type numbers struct {
	seed maphash.Seed
	seen map[uint64]seenNumber
}

type seenNumber struct {
	exact uint64
	line  int
}

// maxNumbers bounds the memory.
const maxNumbers = 1 << 20

// other returns the line of an earlier number that differs in capitals only.
func (n *numbers) other(profile, number string, line int) int {
	if !strings.ContainsFunc(number, func(r rune) bool { return r > '9' && r != '_' }) {
		return 0
	}
	if n.seen == nil {
		n.seed, n.seen = maphash.MakeSeed(), map[uint64]seenNumber{}
	}
	exact := maphash.String(n.seed, profile+"\x00"+number)
	folded := maphash.String(n.seed, profile+"\x00"+strings.ToUpper(number))
	if s, ok := n.seen[folded]; ok {
		if s.exact != exact {
			return s.line
		}
		return 0
	}
	if len(n.seen) < maxNumbers {
		n.seen[folded] = seenNumber{exact, line}
	}
	return 0
}

// email returns the address of a line: the stored one if it is among several.
func (in *reader) email(record []string, p domain.Person) (domain.Address, error) {
	cell := record[in.columns[fieldEmail]]
	if !strings.Contains(cell, Several) {
		v := in.value(record, fieldEmail)
		if in.broken != nil {
			return "", nil // refused by the caller
		}
		return domain.ParseAddress(anyAddress(v))
	}
	var all []domain.Address
	var first error
	for v := range strings.SplitSeq(cell, Several) {
		a, err := domain.ParseAddress(anyAddress(tidy(v)))
		if err == nil {
			all = append(all, a)
		} else if first == nil {
			first = err
		}
	}
	switch {
	case len(all) == 0:
		return "", first
	case in.stored != nil && len(all) > 1:
		before, err := in.stored(p.Profile, p.Number)
		if err != nil {
			return "", err
		}
		if slices.Contains(all, before) {
			return before, nil
		}
	}
	for _, a := range all {
		if _, host, _ := strings.Cut(string(a), "@"); !in.mapping.isOwn(host) {
			return a, nil
		}
	}
	return all[0], nil
}
