package admin

import (
	"html"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"

	"entree/internal/registry"
	"entree/portal/web"
)

// reasons maps the registry's reasons to message keys by their beginning; the
// first entry that matches is used. The registry writes its reasons in English,
// for logs and the command line.
var reasons = []struct{ begins, key string }{
	{"not a number: a spreadsheet rounded", "console.import.reason.rounded"},
	{"not a number: a spreadsheet made a date", "console.import.reason.number_date"},
	{"not a name that can be divided", "console.import.reason.full_name"},
	{"an address of the university", "console.import.reason.own_domain"},
	{"not a date without doubt", "console.import.reason.doubtful_date"},
	{"not a date: a year alone", "console.import.reason.year"},
	{"an error of a spreadsheet", "console.import.reason.error_value"},
	{"a formula without a result", "console.import.reason.formula"},
	{"a quote stands within a cell", "console.import.reason.quote"},
	{"a quote is opened", "console.import.reason.endless"},
	{"this is an HTML page", "console.import.reason.html"},
	{"this is an XML", "console.import.reason.xml"},
	{"this is a flat OpenDocument", "console.import.reason.xml"},
	{"this is JSON", "console.import.reason.json"},
	{"this spreadsheet has a password", "console.import.reason.password"},
	{"this spreadsheet is too large", "console.import.reason.large"},
	{"there is no sheet", "console.import.reason.sheet"},
	{"the file is empty: no visible sheet", "console.import.reason.empty_file"},
	{"this is a spreadsheet of an old kind (SYLK)", "console.import.reason.xml"},
	{"this is a PDF", "console.import.reason.other"},
	{"this is a text document", "console.import.reason.other"},
	{"this is a Word", "console.import.reason.other"},
	{"this is a presentation", "console.import.reason.other"},
	{"this is a document of", "console.import.reason.other"},
	{"this is a binary Excel", "console.import.reason.other"},
	{"this is an archive", "console.import.reason.other"},
	{"it stands above the header", "console.import.reason.above"},
	{"it stands below another header", "console.import.reason.below"},
	{"the header again", "console.import.reason.again"},
	{"the header of another table", "console.import.reason.other_table"},
	{"not a login", "console.import.reason.login"},
	{"not a state", "console.import.reason.state"},
	{"empty", "console.import.reason.empty"},
	{"not a number", "console.import.reason.number"},
	{"not a name", "console.import.reason.name"},
	{"unknown profile", "console.import.reason.profile"},
	{"not a date", "console.import.reason.date"},
	{"more than one address", "console.import.reason.several"},
	{"not an address", "console.import.reason.address"},
	{"this number came before", "console.import.reason.twice"},
	{"the identifier or university address", "console.import.reason.taken"},
	{"longer than", "console.import.reason.long"},
	{"not text in the encoding", "console.import.reason.encoding"},
	{"the file is empty", "console.import.reason.empty_file"},
	{"this is a spreadsheet of an old kind", "console.import.reason.old"},
	{"this is a spreadsheet or an archive", "console.import.reason.archive"},
	{"this is not a text file", "console.import.reason.binary"},
	{"no column for profile", "console.import.reason.no_profile"},
	{"another import is under way", "console.import.reason.running"},
}

// reason returns the words for a reason of the registry. It returns the reason
// itself if it has none.
func reason(v web.View, text string) template.HTML {
	if strings.HasPrefix(text, "this number came before") && strings.HasSuffix(text, "other capitals") {
		return v.T("console.import.reason.capitals")
	}
	if strings.HasPrefix(text, "line ") && strings.Contains(text, " is longer than 1 MB") {
		return v.T("console.import.reason.long_line")
	}
	if strings.HasPrefix(text, "the file has ") && strings.Contains(text, " columns: want") {
		return v.T("console.import.reason.wide")
	}
	if rest, found := strings.CutPrefix(text, "sheet \""); found {
		if _, after, found := strings.Cut(rest, "\": "); found {
			text = after
		}
	}
	if !strings.HasPrefix(text, "no column for profile") && strings.HasPrefix(text, "no column for") {
		return v.T("console.import.reason.no_column", "Fields", strings.Join(lacking(v, text), ", "))
	}
	if rule, found := strings.CutPrefix(text, "the realm refuses it: "); found {
		_, rule, _ = strings.Cut(rule, ": ")
		rule, detail, _ := strings.Cut(rule, " (")
		return v.T("console.import.reason.realm", "Rule", ruleWords(v, rule, strings.TrimSuffix(detail, ")")))
	}
	for _, r := range reasons {
		if strings.HasPrefix(text, r.begins) {
			return v.T(r.key)
		}
	}
	if strings.Contains(text, "columns, the header has") {
		return v.T("console.import.reason.columns")
	}
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // it was just escaped
}

var lackingField = regexp.MustCompile(`\b([a-z_]+) \("`)

// lacking returns the names of the fields that have no column.
func lacking(v web.View, text string) []string {
	text, _, _ = strings.Cut(text, "; the file has")
	var out []string
	for _, m := range lackingField.FindAllStringSubmatch(text, -1) {
		out = append(out, html.UnescapeString(string(v.T("console.import.field."+m[1]))))
	}
	return out
}

// Value returns the value of a field as the pages show it: dates in the format of
// the language, and a dash for an empty value.
func (p ImportPage) Value(v web.View, field, value string) string {
	if value == "" {
		return "–"
	}
	if day, err := time.Parse(time.DateOnly, value); err == nil && field == "birth_date" {
		return v.Day(day)
	}
	return value
}

// Says returns the words for a reason of the registry.
func (p ImportPage) Says(v web.View, text string) template.HTML { return reason(v, text) }

// Report returns the report on the file: of the whole file after a trial, of
// its beginning before.
func (p ImportPage) Report() *registry.Report {
	if p.File.Trial != nil && p.File.Trial.Report != nil {
		return p.File.Trial.Report
	}
	return &p.File.Report
}

// Finds returns the words for a finding of the registry.
func (p ImportPage) Finds(v web.View, f registry.Finding) template.HTML {
	var value any = f.Value
	kind := f.Kind
	switch {
	case kind == registry.FindRealm:
		value = ruleWords(v, f.Value, "")
	case kind == registry.FindLooks && looks[f.Value] != "":
		value = v.T(looks[f.Value])
	case f.IsUsual():
		kind = "people.family"
	case kind == registry.FindRejected && len(f.Examples) == 0:
		kind = "column.empty"
	}
	return v.T("console.import.find."+kind, "Column", f.Column, "Field", fieldWords(v, f.Field), "Value", value, "Count", f.Count, "Profile", f.Profile)
}

// looks maps what the values of a column look like to message keys.
var looks = map[string]string{
	"national student numbers (INE)": "console.import.looks.national",
	"social security numbers":        "console.import.looks.social",
	"telephone numbers":              "console.import.looks.telephone",
	"dates of birth":                 "console.import.looks.births",
	"personal addresses":             "console.import.looks.addresses",
}

// Left returns the headers of the columns that are not read.
func (p ImportPage) Left() string {
	var out []string
	for _, c := range p.Report().Columns {
		if c.Field == "" && c.Header != "" {
			out = append(out, c.Header)
		}
	}
	return strings.Join(out, " · ")
}

// Why returns the words that explain why a column was assigned to its field. It
// returns an empty string if the column is not read.
func (p ImportPage) Why(v web.View, column int) template.HTML {
	columns := p.Report().Columns
	if column >= len(columns) || columns[column].Why == "" {
		return ""
	}
	return v.T("console.import.why." + columns[column].Why)
}

// Sheet returns the name of the form field of a sheet.
func (p ImportPage) Sheet(i int) string { return "feuille" + strconv.Itoa(i+1) }
