package admin

import (
	"html/template"
	"strings"

	"entree/portal/web"
)

// reasons are the words for what the registry says, by how it begins. The
// registry speaks English, for logs and the command line.
var reasons = []struct{ begins, key string }{
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
	{"this spreadsheet holds more", "console.import.reason.large"},
	{"the sheets of this spreadsheet", "console.import.reason.large"},
	{"this is not a text file", "console.import.reason.binary"},
	{"no column for profile", "console.import.reason.no_profile"},
	{"no column for", "console.import.reason.no_column"},
	{"another import is under way", "console.import.reason.running"},
}

// reason gives the words for a reason; what has none stays as it is.
func reason(v web.View, text string) template.HTML {
	for _, r := range reasons {
		if strings.HasPrefix(text, r.begins) {
			return v.T(r.key)
		}
	}
	if strings.Contains(text, "quote") {
		return v.T("console.import.reason.quotes")
	}
	if strings.Contains(text, "columns, the header has") {
		return v.T("console.import.reason.columns")
	}
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // it was just escaped
}

// Says gives the words for a reason of the registry.
func (p ImportPage) Says(v web.View, text string) template.HTML { return reason(v, text) }
