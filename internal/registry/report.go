package registry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The kinds of findings: what an import would lose, change or doubt without
// refusing a line.
const (
	FindUnused       = "column.unused"       // a column that is left out
	FindRejected     = "column.rejected"     // the header says a field, the values do not, or another column was better
	FindMissing      = "column.missing"      // a column that was named is not there, or an optional one that a profile needs
	FindGuessed      = "column.guessed"      // a column is recognised by its values alone
	FindTwoMails     = "column.two_mails"    // two columns with addresses
	FindMonthFirst   = "column.month_first"  // dates are read as 12/31/2004
	FindCounts       = "column.counts"       // the numbers count the lines
	FindHiddenColumn = "column.hidden"       // a column that the sheet hides is read
	FindYoung        = "column.young"        // most people would be children
	FindSwapped      = "column.swapped"      // given names in capitals and family names not
	FindLooks        = "column.looks"        // the values look like those of another field
	FindOneValue     = "column.one_value"    // one date of birth or one address for many people
	FindYearFirst    = "column.year_first"   // dates are read as 04-12-31
	FindDayMiddle    = "column.day_middle"   // dates are read as 2004-31-12
	FindConverted    = "column.converted"    // some dates may have day and month swapped by a spreadsheet
	FindDateOrder    = "column.date_order"   // the values do not show whether the day or the month is first
	FindEncoding     = "encoding.doubtful"   // another code page is as plausible
	FindMixed        = "encoding.mixed"      // lines in UTF-8 and lines that are not
	FindSheet        = "sheet.unread"        // a sheet that holds something is not read
	FindHidden       = "rows.hidden"         // rows that the spreadsheet hides are read
	FindRepaired     = "value.repaired"      // text that was encoded as UTF-8 twice is read as it was before
	FindCleaned      = "value.cleaned"       // invisible characters were removed
	FindDamaged      = "value.damaged"       // a value looks damaged and is taken as it is
	FindRounded      = "value.read"          // a number or a date was read from another form
	FindNothing      = "value.nothing"       // a word for nothing is read as an empty cell
	FindLength       = "value.length"        // a number differs in length from nearly all others
	FindState        = "value.state"         // a word of the state column that is not known is read as ready
	FindNoMobile     = "value.no_mobile"     // a telephone number that is left out: it cannot receive an SMS
	FindNotReady     = "people.not_ready"    // cannot activate: the state column says so
	FindHeld         = "people.held"         // cannot activate: stopped
	FindLacking      = "people.lacking"      // lack what their profile asks for
	FindRealm        = "people.realm"        // refused by a rule of the realm, which is the value
	FindNobody       = "people.none"         // the table has a header and no line below it
	FindShared       = "people.shared"       // several people have one personal address
	FindZeros        = "people.zeros"        // numbers that differ by zeros before them only
	FindOwnDomain    = "people.own_domain"   // their address is the university's own
	FindUnreadable   = "source.unreferenced" // a directory led to other servers
)

// The examples of a finding and the findings of a report that are kept.
const (
	maxExamples     = 5
	maxFindingKinds = 2000
)

// Example is one value that a finding is about.
type Example struct {
	Line  int    `json:"line,omitempty"`
	Where string `json:"where,omitempty"` // sheet or entry
	Text  string `json:"text"`            // as it is in the source
	Read  string `json:"read,omitempty"`  // as it was read, if that differs
}

func (e Example) String() string {
	out := strconv.Quote(e.Text)
	if e.Read != "" {
		out += " read as " + strconv.Quote(e.Read)
	}
	switch {
	case e.Where != "":
		out += " (" + e.Where + ")"
	case e.Line > 0:
		out += fmt.Sprintf(" (line %d)", e.Line)
	}
	return out
}

// Family is the value of a FindShared whose people have one family name and differ in
// their given names.
const Family = "family"

// IsUsual reports whether a finding is a fact that files have without any fault, so that
// no strict import stops at it.
func (f Finding) IsUsual() bool { return f.Kind == FindShared && f.Value == Family }

// Finding is something of a source that its reader should know before the
// people are stored.
type Finding struct {
	Kind    string `json:"kind"`
	Field   string `json:"field,omitempty"`
	Column  string `json:"column,omitempty"` // the header
	Profile string `json:"profile,omitempty"`
	// Value depends on the kind: another header, the number of a column, a sheet, an
	// encoding, Family, what values look like, how many people were counted, a rule of the
	// realm or the names of servers.
	Value    string    `json:"value,omitempty"`
	Count    int       `json:"count,omitempty"`
	Examples []Example `json:"examples,omitempty"`
	Message  string    `json:"message"` // in English
}

// sentence returns the finding in English.
func (f Finding) sentence() string {
	out := ""
	switch f.Kind {
	case FindUnused:
		out = fmt.Sprintf("column %s %q is left out: its header is not known", f.Value, f.Column)
	case FindRejected:
		if out = fmt.Sprintf("column %q, which could hold %s, is left out: it is empty", f.Column, f.Field); len(f.Examples) == 0 {
			break
		}
		out = fmt.Sprintf("column %q is left out: its header could mean %s, but its values do not confirm it or another column is better", f.Column, f.Field)
	case FindMissing:
		out = fmt.Sprintf("no column for %s", f.Field)
		if f.Column != "" {
			out = fmt.Sprintf("the column %q that was named for %s is not in the file", f.Column, f.Field)
		}
		if f.Profile != "" {
			out += fmt.Sprintf(", which the profile %s asks for: these people cannot activate", f.Profile)
		}
	case FindGuessed:
		out = fmt.Sprintf("column %q is taken for %s by its values: its header is not known", f.Column, f.Field)
	case FindTwoMails:
		out = fmt.Sprintf("two columns hold addresses: %q is taken as the personal one, %q is not", f.Column, f.Value)
	case FindMonthFirst:
		out = fmt.Sprintf("the dates of column %q are read with the month first", f.Column)
	case FindYearFirst:
		out = fmt.Sprintf("the dates of column %q are read as year, month and day", f.Column)
	case FindDayMiddle:
		out = fmt.Sprintf("the dates of column %q are read as year, day and month", f.Column)
	case FindConverted:
		out = fmt.Sprintf("column %q has dates of the spreadsheet and dates as text: those up to the 12th of a month may have day and month swapped", f.Column)
	case FindDateOrder:
		out = fmt.Sprintf("the dates of column %q do not show one order of day and month: they are read with the day first", f.Column)
	case FindCounts:
		out = fmt.Sprintf("the values of column %q count the lines: they may not be the numbers of people", f.Column)
	case FindSwapped:
		out = fmt.Sprintf("given names and family names may be in each other's column: those of %q are in capitals, those of %q are not", f.Column, f.Value)
	case FindHiddenColumn:
		out = fmt.Sprintf("column %q is hidden in the sheet %q and is read as %s", f.Column, f.Value, f.Field)
	case FindYoung:
		out = fmt.Sprintf("%d of %s people would be younger than %d by column %q: check the years, which a spreadsheet shifts by four if it counts the days from 1904", f.Count, f.Value, youngestMost, f.Column)
	case FindLooks:
		out = fmt.Sprintf("the values of column %q, which is taken for %s, look like %s", f.Column, f.Field, f.Value)
	case FindOneValue:
		out = fmt.Sprintf("%d of the first people have the same value in column %q", f.Count, f.Column)
	case FindEncoding:
		out = fmt.Sprintf("the encoding is not certain: read as %s", f.Column)
		if f.Value != "" {
			out += ", but " + f.Value + " is nearly as plausible"
		}
	case FindMixed:
		out = fmt.Sprintf("the file mixes encodings: %d lines are not in the encoding of the others and are read as %s", f.Count, f.Value)
	case FindSheet:
		out = fmt.Sprintf("the sheet %q is not read: it has %d rows", f.Value, f.Count)
	case FindHidden:
		out = fmt.Sprintf("%d rows of the sheet %q are hidden, by a filter or by hand: they are read", f.Count, f.Value)
	case FindRepaired:
		out = fmt.Sprintf("%d values of column %q were encoded as UTF-8 twice and are read as they were before", f.Count, f.Column)
	case FindCleaned:
		out = fmt.Sprintf("%d values of column %q held invisible characters or HTML entities and are read without them", f.Count, f.Column)
	case FindDamaged:
		out = fmt.Sprintf("%d values of column %q look damaged", f.Count, f.Column)
	case FindRounded:
		out = fmt.Sprintf("%d values of column %q were written in another form", f.Count, f.Column)
	case FindNothing:
		out = fmt.Sprintf("%d values of column %q are a word for nothing and are read as empty", f.Count, f.Column)
	case FindLength:
		out = fmt.Sprintf("%d numbers of column %q differ in length from nearly all others: a digit may be missing or too many", f.Count, f.Column)
	case FindState:
		out = fmt.Sprintf("%d people have a word in column %q that is not known and is read as ready", f.Count, f.Column)
	case FindNoMobile:
		out = fmt.Sprintf("%d values of column %q are no mobile numbers and are left out", f.Count, f.Column)
	case FindNotReady:
		out = fmt.Sprintf("%d people cannot activate: column %q does not say that they are ready", f.Count, f.Column)
	case FindHeld:
		out = fmt.Sprintf("%d people cannot activate: column %q says that they are held", f.Count, f.Column)
	case FindLacking:
		out = fmt.Sprintf("%d people of the profile %s have no %s, which the profile asks for: they cannot activate", f.Count, f.Profile, f.Field)
	case FindRealm:
		out = fmt.Sprintf("%d people are refused by the realm's rule %q on %s", f.Count, f.Value, f.Field)
	case FindNobody:
		out = "the file has a header and no people below it"
	case FindShared:
		if f.Value == Family {
			out = fmt.Sprintf("%d people share their address of column %q with people of the same family name, as siblings do", f.Count, f.Column)
			break
		}
		out = fmt.Sprintf("%d people share their address of column %q with others of the file", f.Count, f.Column)
	case FindZeros:
		out = fmt.Sprintf("%d people have a number of column %q that differs from another one by zeros before it only: they may be the same people", f.Count, f.Column)
	case FindOwnDomain:
		out = fmt.Sprintf("%d addresses of column %q are, or look like, the university's own: codes go to mailboxes that may not be open yet", f.Count, f.Column)
	case FindUnreadable:
		out = fmt.Sprintf("the directory names %d other servers, which are not read: %s", f.Count, f.Value)
	}
	for i, e := range f.Examples {
		out += map[bool]string{true: ": ", false: ", "}[i == 0] + e.String()
	}
	return out
}

// ColumnUse is what became of a column.
type ColumnUse struct {
	N       int      `json:"n"` // the first one is 1
	Header  string   `json:"header"`
	Field   string   `json:"field,omitempty"` // empty: left out
	Why     string   `json:"why,omitempty"`
	Example *Example `json:"example,omitempty"`
}

// SheetUse is what became of a sheet.
type SheetUse struct {
	Name   string `json:"name"`
	Rows   int    `json:"rows"`
	Read   bool   `json:"read"`
	Hidden bool   `json:"hidden,omitempty"`
}

// People counts the people of the lines that were not refused by the reader.
type People struct {
	Read     int `json:"read"`
	Ready    int `json:"ready"`
	NotReady int `json:"not_ready"`
	Held     int `json:"held"`
}

// Sample is a person as they were read.
type Sample struct {
	Line              int    `json:"line"`
	Profile           string `json:"profile"`
	Number            string `json:"number"`
	GivenName         string `json:"given_name"`
	FamilyName        string `json:"family_name"`
	BirthDate         string `json:"birth_date,omitempty"`
	Email             string `json:"email"`
	Cohort            string `json:"cohort,omitempty"`
	Readiness         string `json:"readiness"`
	Login             string `json:"login,omitempty"`
	UniversityAddress string `json:"university_address,omitempty"`
}

func (s Sample) String() string {
	out := fmt.Sprintf("line %d is %s %s, %s %s", s.Line, s.Profile, s.Number, s.GivenName, s.FamilyName)
	if s.BirthDate != "" {
		out += ", born " + s.BirthDate
	}
	out += ", " + s.Email
	for _, v := range []string{s.Cohort, s.Login, s.UniversityAddress} {
		if v != "" {
			out += ", " + v
		}
	}
	return out + ", " + s.Readiness
}

// maxSamples is how many people a report shows.
const maxSamples = 3

// Report is what a source was found to be.
type Report struct {
	Format    string      `json:"format,omitempty"` // CSV, XLSX, ODS, LDAP
	Encoding  string      `json:"encoding,omitempty"`
	Separator string      `json:"separator,omitempty"`
	Header    int         `json:"header_line,omitempty"`
	Sheets    []SheetUse  `json:"sheets,omitempty"`
	Columns   []ColumnUse `json:"columns"`
	Decoded   []string    `json:"decoded,omitempty"` // examples of words that look different in another encoding
	People    People      `json:"people"`
	Sample    []Sample    `json:"sample,omitempty"` // the first people as they were read
	Findings  []Finding   `json:"findings"`
}

// add counts a finding and keeps its first examples.
func (r *Report) add(f Finding, e Example) { r.addMany(f, e, 1) }

// addMany is add for a finding about several people.
func (r *Report) addMany(f Finding, e Example, people int) {
	at := slices.IndexFunc(r.Findings, func(o Finding) bool {
		return o.Kind == f.Kind && o.Field == f.Field && o.Column == f.Column && o.Profile == f.Profile && o.Value == f.Value
	})
	if at < 0 {
		if len(r.Findings) >= maxFindingKinds {
			return
		}
		at = len(r.Findings)
		r.Findings = append(r.Findings, f)
	}
	o := &r.Findings[at]
	o.Count += people
	if len(o.Examples) < maxExamples && !slices.ContainsFunc(o.Examples, func(x Example) bool { return x.Text == e.Text && x.Read == e.Read }) {
		o.Examples = append(o.Examples, e)
	}
}

// finish writes the sentences.
func (r *Report) finish() {
	if r.Findings == nil {
		r.Findings = []Finding{} // not null in JSON
	}
	for i := range r.Findings {
		r.Findings[i].Message = r.Findings[i].sentence()
	}
}

// Lines returns the report for people to read, one fact a line.
func (r *Report) Lines() []string {
	var out []string
	first := r.Format
	if r.Encoding != "" {
		first += " in " + r.Encoding
	}
	if len(r.Decoded) > 0 {
		first += fmt.Sprintf(" (such as %q)", r.Decoded[0])
	}
	if r.Separator != "" {
		first += fmt.Sprintf(", columns separated by %q", r.Separator)
	}
	if r.Header > 0 {
		first += fmt.Sprintf(", header in line %d", r.Header)
	}
	out = append(out, "read as "+first)
	for _, s := range r.Sheets {
		line := fmt.Sprintf("sheet %q, %d rows: ", s.Name, s.Rows) + map[bool]string{true: "read", false: "not read"}[s.Read]
		if s.Hidden {
			line += ", hidden"
		}
		out = append(out, line)
	}
	why := map[string]string{WhyNamed: "as named", WhyHeader: "by its header", WhyContent: "by its values", WhyBoth: "by its header and values", WhyFallback: "by its header, where the better column is empty"}
	var left []string
	for _, c := range r.Columns {
		if c.Field == "" {
			left = append(left, fmt.Sprintf("%q", c.Header))
			continue
		}
		line := fmt.Sprintf("%s: column %d %q, %s", c.Field, c.N, c.Header, why[c.Why])
		if c.Example != nil {
			line += ", such as " + c.Example.String()
		}
		out = append(out, line)
	}
	if len(left) > 0 {
		out = append(out, "left out: "+strings.Join(left, ", "))
	}
	for _, p := range r.Sample {
		out = append(out, p.String())
	}
	out = append(out, fmt.Sprintf("people: %d ready, %d not ready, %d held", r.People.Ready, r.People.NotReady, r.People.Held))
	for _, f := range r.Findings {
		out = append(out, "warning: "+f.Message)
	}
	return out
}

// StrictError stops an import in which everything must be as expected.
type StrictError struct{ Findings []Finding }

func (e *StrictError) Error() string {
	var out []string
	for i, f := range e.Findings {
		if i == 5 {
			out = append(out, fmt.Sprintf("and %d more", len(e.Findings)-i))
			break
		}
		out = append(out, f.Message)
	}
	return "strict: " + strings.Join(out, "; ")
}
