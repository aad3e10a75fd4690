package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"entree/internal/domain"
	"entree/internal/registry"
)

// students returns lines of people whose numbers are written by format.
func students(format string, from, n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, format+";Roy;Anne;0%d/03/2007;p%d@example.org\n", from+i, i%9+1, from+i)
	}
	return out.String()
}

// A number that is shorter or longer than nearly all others is told; numbers that grow
// are not.
func TestT7_NumbersOfAnotherLength(t *testing.T) {
	const header = "N° étudiant;Nom;Prénom;Né le;Mail\n"
	const cut = "Nom;Prénom;Né le;Mail;N° étudiant\nRoy;Anne;01/03/2007;p1@example.org;71234561\nRoy;Bo;02/03/2007;p2@example.org;71234562\nRoy;Cyd;03/03/2007;p3@example.org;71234"
	for name, c := range map[string]struct {
		file, example string // empty: no finding
		count         int
	}{
		"digits are missing":            {header + students("712%05d", 0, 30) + students("712%03d", 999, 1), "712999", 1},
		"a digit too many":              {header + students("712%06d", 999, 1) + students("712%05d", 0, 30), "712000999", 1},
		"two of three thousand":         {header + students("712%05d", 0, 3000) + students("712%04d", 8000, 2), "7128000", 2},
		"two of many":                   {header + students("712%05d", 0, 1500) + students("712%04d", 8000, 2), "", 0},
		"four of five thousand":         {header + students("712%05d", 0, 5000) + students("712%04d", 8000, 4), "", 0},
		"few numbers":                   {header + students("712%05d", 0, 9) + students("712%04d", 9999, 1), "", 0},
		"an older series":               {header + students("225%05d", 0, 3000) + students("980%04d", 1, 1), "", 0},
		"staff of long ago":             {header + students("%d", 1200, 1) + students("%d", 10000, 3000), "", 0},
		"two lengths are as frequent":   {header + students("712%05d", 0, 30) + students("712%04d", 9900, 30), "", 0},
		"numbers that grow":             {header + students("%d", 980, 40), "", 0},
		"one that grew":                 {header + students("%d", 70, 31), "", 0},
		"one before they grew":          {header + students("%d", 999, 31), "", 0},
		"numbers of two lengths":        {header + students("712%05d", 0, 30) + students("712%04d", 9900, 2), "", 0},
		"numbers with letters":          {header + students("E71%05d", 0, 30) + students("E71%d", 1, 1), "", 0},
		"the last line is cut off":      {cut, "71234", 1},
		"it is not cut off":             {cut + "\n", "", 0},
		"it is cut off behind a number": {cut + ";", "", 0},
		"the last number is as long":    {cut + "563", "", 0},
		"the last number is the least":  {"Nom;Prénom;Né le;Mail;N° étudiant\nRoy;Anne;01/03/2007;p1@example.org;1001\nRoy;Bo;02/03/2007;p2@example.org;1000\nRoy;Cyd;03/03/2007;p3@example.org;999", "", 0},
	} {
		o := imported(t, []byte(c.file))
		var found *registry.Finding
		for i, f := range o.report.Findings {
			if f.Kind == registry.FindLength {
				found = &o.report.Findings[i]
			}
		}
		switch {
		case o.err != nil || len(o.refused) > 0:
			t.Errorf("%s: %q %v", name, o.refused, o.err)
		case (found == nil) != (c.example == ""):
			t.Errorf("%s: %+v", name, o.report.Findings)
		case found != nil && (found.Profile != "etudiant" || found.Count != c.count || found.Examples[0].Text != c.example):
			t.Errorf("%s: %+v", name, *found)
		}
	}
}

// A value that only fills the cell of the number is told.
func TestT7_NumbersThatFillTheCell(t *testing.T) {
	for _, number := range []string{"-71234", "71234-", "0", "00000", "x", "ABC"} {
		o := imported(t, []byte("Numéro étudiant;Nom;Prénom;Mail\n"+number+";Roy;Anne;a@example.org\n71235;Roy;Bo;b@example.org\n71236;Roy;Cyd;c@example.org\n"))
		if o.err != nil || len(o.people) != 3 || !o.has(registry.FindDamaged) {
			t.Errorf("%s: %+v %v %+v", number, o.refused, o.err, o.report.Findings)
		}
	}
}

// A word for nothing is told once, with its own words.
func TestT7_AWordForNothingIsToldOnce(t *testing.T) {
	o := imported(t, []byte("Numéro étudiant;Nom;Prénom;Né le;Mail\nn/a;Roy;Anne;17/03/2007;a@example.org\n71235;Roy;Bo;18/03/2007;b@example.org\n"))
	if len(o.people) != 1 || len(o.refused) != 1 || len(o.report.Findings) != 1 || o.report.Findings[0].Kind != registry.FindNothing || o.report.Findings[0].Count != 1 {
		t.Errorf("%+v %+v", o.refused, o.report.Findings)
	}
}

// The dates of a whole file show a calendar that is four years off, and one date a slip.
func TestT8_DatesOfBirthThatAreTooYoung(t *testing.T) {
	lines := func(days ...string) []byte {
		out := "Numéro étudiant;Nom;Prénom;Né le;Mail\n"
		for i, day := range days {
			out += fmt.Sprintf("7123%d;Roy;Anne;%s;p%d@example.org\n", i, day, i)
		}
		return []byte(out)
	}
	now := day
	year := func(age int) string { return fmt.Sprintf("01/01/%d", now.Year()-age) }
	for name, c := range map[string]struct {
		file []byte
		kind string
	}{
		"students":             {lines(year(19), year(20), year(18), year(35)), ""},
		"some are young":       {lines(year(19), year(16), year(18), year(16)), ""},
		"most are children":    {lines(year(15), year(16), year(14), year(19)), registry.FindYoung},
		"one child":            {lines(year(19), year(11), year(18), year(20)), registry.FindDamaged},
		"two are not a column": {lines(year(12), year(12)), ""},
	} {
		o := imported(t, c.file)
		if o.err != nil || len(o.refused) > 0 || c.kind == "" && len(o.report.Findings) > 0 || c.kind != "" && !o.has(c.kind) {
			t.Errorf("%s: %q %v %+v", name, o.refused, o.err, o.report.Findings)
		}
	}
}

// Doubts about the whole source count all of its sheets: their columns differ.
func TestT6_DoubtsOverSeveralSheets(t *testing.T) {
	raw := book(t, func(f *excelize.File, sheet string) {
		must(t, f.SetSheetRow(sheet, "A1", &[]any{"Nom", "Prénom", "Né le", "Mail perso", "N° étudiant"}))
		for i := range 21 {
			must(t, f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+2), &[]any{"Roy", "Anne", fmt.Sprintf("%02d/03/%d", i+1, day.Year()-15), fmt.Sprintf("p%d@example.org", i), fmt.Sprint(71234000 + i)}))
		}
		_, err := f.NewSheet("L2")
		must(t, err, f.SetSheetRow("L2", "A1", &[]any{"N° étudiant", "Nom", "Prénom", "Mail perso"}))
		for i, number := range []string{"0712345", "0712346", "0712347", "712348"} {
			must(t, f.SetSheetRow("L2", fmt.Sprintf("A%d", i+2), &[]any{number, "Roy", "Bo", fmt.Sprintf("q%d@example.org", i)}))
		}
	})
	o := imported(t, raw, func(m *registry.Mapping) { m.Sheets = []string{"*"} })
	var told []string
	for _, f := range o.report.Findings {
		told = append(told, f.Kind+" "+f.Column)
		if f.Kind == registry.FindYoung && (f.Count != 21 || f.Examples[0].Where != "Sheet1" || f.Examples[0].Line != 2) {
			t.Errorf("%+v", f)
		}
	}
	if o.err != nil || len(o.people) != 25 || !slices.Contains(told, "column.young Né le") || !slices.Contains(told, "value.damaged N° étudiant") || slices.Contains(told, "value.length N° étudiant") {
		t.Errorf("%q %v %q", told, o.err, o.refused)
	}
}

// Domains that a large provider does not have are slips.
func TestT14_DomainsThatAProviderDoesNotHave(t *testing.T) {
	for _, address := range []string{"a@gmail.fr", "a@gmail.co", "a@icloud.fr", "a@hotmail.co", "a@yahoo.co"} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Né le;Mail perso\n71;Roy;Anne;17/03/2007;"+address+"\n"))
		if o.err != nil || len(o.people) != 1 || !o.has(registry.FindDamaged) {
			t.Errorf("%s: %v %+v", address, o.err, o.report.Findings)
		}
	}
	for _, address := range []string{"a@gmail.com", "a@icloud.com", "a@hotmail.co.uk", "a@yahoo.co.jp", "a@outlook.fr", "a@orange.com"} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Né le;Mail perso\n71;Roy;Anne;17/03/2007;"+address+"\n"))
		if o.err != nil || len(o.people) != 1 || len(o.report.Findings) > 0 {
			t.Errorf("%s: %v %+v", address, o.err, o.report.Findings)
		}
	}
}

// A column that the sheet hides is read, and told if it holds a field.
func TestT6_HiddenColumns(t *testing.T) {
	rows := [][]any{{"Numéro", "Nom", "Prénom", "Mail perso", "Statut", "Remarque"}, {"71", "Roy", "Anne", "a@example.org", "inscrite", "x"}, {"72", "Roy", "Bo", "b@example.org", "annulé", "y"}}
	xlsx := book(t, func(f *excelize.File, sheet string) {
		for i, row := range rows {
			must(t, f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row))
		}
		must(t, f.SetColVisible(sheet, "E:F", false))
	})
	var content strings.Builder
	content.WriteString(odsHead + `<table:table-column table:number-columns-repeated="4"/><table:table-column table:number-columns-repeated="2" table:visibility="collapse"/>`)
	for _, row := range rows {
		content.WriteString(`<table:table-row>`)
		for _, v := range row {
			content.WriteString(`<table:table-cell><text:p>` + v.(string) + `</text:p></table:table-cell>`)
		}
		content.WriteString(`</table:table-row>`)
	}
	for name, raw := range map[string][]byte{"XLSX": xlsx, "ODS": archive(t, part{name: "content.xml", before: content.String(), after: odsEnd})} {
		o := imported(t, raw)
		var hidden []string
		for _, f := range o.report.Findings {
			if f.Kind == registry.FindHiddenColumn {
				hidden = append(hidden, f.Column+" "+f.Field)
			}
		}
		if o.err != nil || len(o.people) != 2 || strings.Join(hidden, ", ") != "Statut ready" {
			t.Errorf("%s: %q %+v %v", name, hidden, o.people, o.err)
		}
		for _, change := range []func(*registry.Mapping){
			func(m *registry.Mapping) { m.Columns = map[string]string{"ready": "Statut"} }, func(m *registry.Mapping) { m.Ignore = []string{"statut"} },
		} {
			if o := imported(t, raw, change); o.err != nil || len(o.people) != 2 || o.people[1].Readiness != domain.Held || o.has(registry.FindHiddenColumn) {
				t.Errorf("%s: %+v %v %+v", name, o.people, o.err, o.report.Findings)
			}
		}
	}
}

// A file that has a header and no people says so.
func TestT12_AHeaderWithoutPeople(t *testing.T) {
	const header = "Numéro étudiant;Nom;Prénom;Né le;Mail\n"
	for file, isEmpty := range map[string]bool{header: true, header + ";;;;\n\n": true, header + "x y;Roy;Anne;17/03/2007;a@example.org\n": false, header + "71234;Roy;Anne;17/03/2007;a@example.org\n": false} {
		if o := imported(t, []byte(file)); o.err != nil || o.has(registry.FindNobody) != isEmpty {
			t.Errorf("%q: %v %+v", file, o.err, o.report.Findings)
		}
	}
}
