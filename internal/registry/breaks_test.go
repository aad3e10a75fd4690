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

// A list has more than one header: the same again on each printed page, or that of
// another table below, whose lines are never read with the columns of the first.
func TestT6_FurtherHeaders(t *testing.T) {
	const head = "Matricule;Nom;Prénom;Né(e) le;Mail\n"
	const first = "3001;Hamel;Iris;04/11/2006;iris@example.org\n"
	for name, c := range map[string]struct {
		text    string
		people  []string
		refused int
		reason  string
	}{
		"the same again":      {head + first + head + "3002;Kerr;Paul;21/05/2005;paul@example.org\n", []string{"3001 Iris Hamel", "3002 Paul Kerr"}, 1, "the header again"},
		"names in this order": {head + first + "Matricule;Prénom;Nom;Né(e) le;Mail\n3002;Paul;Kerr;21/05/2005;paul@example.org\n3003;Lou;Mace;22/05/2005;lou@example.org\n", []string{"3001 Iris Hamel"}, 3, "another table"},
		"fewer columns":       {head + first + ";;;;\nAgents;;;;\nMail;Prénom;Matricule\npaul@example.org;Paul;3002\n", []string{"3001 Iris Hamel"}, 3, "another table"},
		"more columns":        {head + first + "Matricule;Nom;Prénom;Né(e) le;Mail;Login\n3002;Kerr;Paul;21/05/2005;paul@example.org;pkerr\n", []string{"3001 Iris Hamel"}, 2, "another table"},
		"people like headers": {head + first + "3002;Nom;Prénom;21/05/2005;paul@example.org\n", []string{"3001 Iris Hamel", "3002 Prénom Nom"}, 0, ""},
	} {
		o := imported(t, []byte(c.text))
		var got []string
		for _, p := range o.people {
			got = append(got, p.Number+" "+p.GivenName+" "+p.FamilyName)
		}
		if o.err != nil || !slices.Equal(got, c.people) || len(o.refused) != c.refused || c.reason != "" && !strings.Contains(strings.Join(o.refused, "\n"), c.reason) {
			t.Errorf("%s: %q %q %v", name, got, o.refused, o.err)
		}
	}
}

func TestT12_LinesThatEndInSeveralWays(t *testing.T) {
	const head = "Matricule;Nom;Prénom;Mail;A;B;C;D"
	line := func(n int) string { return fmt.Sprintf("30%02d;Hamel;Iris;i%d@example.org", n, n) }
	// Shortened lines would fit into the columns of one line.
	o := imported(t, []byte(head+"\n"+line(1)+"\r"+line(2)+"\n"+line(3)+"\r\n"+line(4)+"\r\r\n"+line(5)+"\r"))
	if o.err != nil || len(o.people) != 5 || len(o.refused) > 0 || o.people[1].Number != "3002" {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	// NUL and the end of a DOS file fill the last block; within a line they refuse it.
	o = imported(t, []byte(head+"\r\n"+line(1)+"\r\n"+strings.Replace(line(2), "Iris", "I\x00ris", 1)+"\r\n"+line(3)+"\r\n\x1a"+strings.Repeat("\x00", 90)))
	if o.err != nil || len(o.people) != 2 || len(o.refused) != 1 || !strings.HasPrefix(o.refused[0], "line 3") {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

func TestT3_FlagsAreNoNames(t *testing.T) {
	for _, headers := range []string{"SPRIDEN_LAST_NAME;GOREMAL_PREFERRED_IND", "Preferred;Surname", "Usuel (O/N);Nom de famille", "NAME;LAST_NAME"} {
		left, right := "Ortiz", "Y"
		if !strings.HasPrefix(headers, "SPRIDEN") {
			left, right = "O", "Ortiz"
		}
		if strings.HasPrefix(headers, "NAME") {
			left = "\"Ortiz, Nina\""
		}
		o := imported(t, []byte("SPRIDEN_ID;First name;Email;"+headers+"\n4001;Nina;n@example.org;"+left+";"+right+"\n"))
		if p := one(t, headers, o); p.FamilyName != "Ortiz" {
			t.Errorf("%s: %q", headers, p.FamilyName)
		}
	}
	p := one(t, "numbers of two kinds", imported(t, []byte("NO_INDIVIDU;NO_ETUDIANT;Nom;Prénom;Mail\n77;4001;Ortiz;Nina;n@example.org\n")))
	if p.Number != "4001" {
		t.Errorf("%+v", p)
	}
	// A telephone number is no number of a student.
	if o := imported(t, []byte("Numéro;Nom;Prénom;Mail\n0611223344;Ortiz;Nina;n@example.org\n0755667788;Vidal;Max;m@example.org\n")); o.err == nil {
		t.Errorf("%+v", o.people)
	}
}

// A word that is not known leaves a column of states its meaning.
func TestT1_StatesWithWordsThatAreNotKnown(t *testing.T) {
	const R, N, H = domain.Ready, domain.NotReady, domain.Held
	for _, c := range []struct {
		header string
		words  [3]string
		want   [3]domain.Readiness
		kind   string
	}{
		{"Statut", [3]string{"Actif", "Atcif", "Actif"}, [3]domain.Readiness{R, N, R}, registry.FindNotReady},
		{"Inscription", [3]string{"Validée", "En attente de la CVEC", "Annulée"}, [3]domain.Readiness{R, N, H}, registry.FindHeld},
		{"Situation", [3]string{"Première année", "Démissionnaire", "Césure"}, [3]domain.Readiness{R, H, R}, registry.FindState},
		{"État inscription", [3]string{"IA définitive", "IA provisoire", "IA annulée"}, [3]domain.Readiness{R, N, H}, registry.FindHeld},
		{"Abandon", [3]string{"", "12/10/2026", "néant"}, [3]domain.Readiness{R, N, R}, registry.FindNotReady},
		{"Annulation", [3]string{"", "Départ à l'étranger", ""}, [3]domain.Readiness{R, N, R}, registry.FindNotReady},
		{"Fermé", [3]string{"non", "oui", "non"}, [3]domain.Readiness{R, H, R}, registry.FindHeld},
		{"Inscrit en 2024", [3]string{"oui", "non", "oui"}, [3]domain.Readiness{R, R, R}, registry.FindRejected},
		{"Inscrit en 2025;Inscrit en 2026", [3]string{"non;oui", "oui;non", "oui;oui"}, [3]domain.Readiness{R, N, R}, registry.FindNotReady},
	} {
		file := "Matricule;Nom;Prénom;Mail;" + c.header + "\n"
		for i, word := range c.words {
			file += fmt.Sprintf("50%d;Blum;Eva;e%d@example.org;%s\n", i, i, word)
		}
		o := imported(t, []byte(file))
		if o.err != nil || len(o.people) != 3 || !o.has(c.kind) {
			t.Errorf("%s: %+v %q %v %+v", c.header, o.people, o.refused, o.err, o.report)
			continue
		}
		for i, want := range c.want {
			if got := o.people[i].Readiness; got != want {
				t.Errorf("%s %q: %s, want %s", c.header, c.words[i], got, want)
			}
		}
	}
}

// The order of day, month and year is shown by the column, announced by its header or
// told as a doubt.
func TestT8_FurtherOrdersOfDates(t *testing.T) {
	for _, c := range []struct {
		header string
		values []string
		want   []string // empty: refused
		kind   string   // empty: no finding
	}{
		{"Date de naissance", []string{"2006-25-11", "2005-04-02"}, []string{"2006-11-25", "2005-02-04"}, registry.FindDayMiddle},
		{"Date de naissance (AAAA/JJ/MM)", []string{"2006/05/11"}, []string{"2006-11-05"}, registry.FindDayMiddle},
		{"Né(e) le (AA/MM/JJ)", []string{"06/05/11"}, []string{"2006-05-11"}, registry.FindYearFirst},
		{"Date de naissance", []string{"98-02-11", "06-05-27"}, []string{"1998-02-11", "2006-05-27"}, registry.FindYearFirst},
		{"Date de naissance", []string{"06-05-11"}, []string{"2011-05-06"}, registry.FindDateOrder},
		{"Date de naissance", []string{"25/11/17"}, []string{""}, ""}, // no child is a student
		{"Date de naissance", []string{"2006-05-11", "2005-04-02", "25/11/2006", "30/06/2005"}, []string{"2006-05-11", "2005-04-02", "2006-11-25", "2005-06-30"}, registry.FindConverted},
		{"Date de naissance", []string{"2006-05-25", "2005-04-02", "25/11/2006", "30/06/2005"}, []string{"2006-05-25", "2005-04-02", "2006-11-25", "2005-06-30"}, ""},
		{"Date de naissance", []string{"2006-11-24T20:00:00Z"}, []string{""}, ""},
		{"Date de naissance", []string{"2006-11-24T13:00:00Z"}, []string{""}, ""},
		{"Date de naissance", []string{"24/11/2006 11:00 PM"}, []string{""}, ""},
		{"Date de naissance", []string{"2006-11-25T12:00:00Z"}, []string{"2006-11-25"}, ""},
		{"Date de naissance", []string{"25. Dezember 2006", "2 de enero de 2006", "3 giugno 2006", "4 augustus 2006", "5 outubro 2006"}, []string{"2006-12-25", "2006-01-02", "2006-06-03", "2006-08-04", "2006-10-05"}, ""},
	} {
		file := "Matricule;Nom;Prénom;Mail;" + c.header + "\n"
		var want []string
		for i, v := range c.values {
			file += fmt.Sprintf("60%d;Blum;Eva;e%d@example.org;%s\n", i, i, v)
			if c.want[i] != "" {
				want = append(want, c.want[i])
			}
		}
		o := imported(t, []byte(file))
		var got []string
		for _, p := range o.people {
			got = append(got, p.BirthDate)
		}
		if o.err != nil || !slices.Equal(got, want) || c.kind != "" && !o.has(c.kind) || c.kind == "" && len(o.report.Findings) > 0 {
			t.Errorf("%s %q: %q %q %+v %v", c.header, c.values, got, o.refused, o.report.Findings, o.err)
		}
	}
}

// A value that looks damaged is told with its line.
func TestT5_SignsOfDamage(t *testing.T) {
	for _, c := range []struct{ family, given, mail string }{
		{"?lise", "Eva", "e@example.org"}, {"B&eacutegin", "Eva", "e@example.org"}, {"BL…M", "Eva", "e@example.org"}, {"N«el", "Eva", "e@example.org"}, {"Pi`ere", "Eva", "e@example.org"},
		{"Blum / Weil", "Eva", "e@example.org"}, {"Blum", "Eva (Mme)", "e@example.org"}, {"M BLUM", "Eva", "e@example.org"}, {"Melle BLUM", "Eva", "e@example.org"},
		{"Blуm", "Eva", "e@example.org"}, {"Ïåòðîâà", "Eva", "e@example.org"}, {"Doðan", "Eva", "e@example.org"}, {"Blum", "N/C", "e@example.org"},
		{"Blum", "Eva", "e@gmial.com"}, {"Blum", "Eva", "e@hotmail.con"}, {"Blum", "Eva", "e@outlok.fr"}, {"Blum", "Eva", "e@orange.f"}, {"Blum", "Eva", "e@ahotmail.fr"},
		{"Blum", "Eva", "aucun@aucun.fr"}, {"Blum", "Eva", "test@example.org"}, {"Blum", "Eva", "noreply@example.org"}, {"Blum", "Eva", "éva@example.org"},
	} {
		o := imported(t, []byte("Matricule;Nom;Prénom;Né(e) le;Mail\n7001;"+c.family+";"+c.given+";25/11/2006;"+c.mail+"\n"))
		if p := one(t, fmt.Sprint(c), o); p.Number == "" || !o.has(registry.FindDamaged) {
			t.Errorf("%v: %+v", c, o.report.Findings)
		}
	}
	for _, c := range []struct{ family, given, mail string }{
		{"d’Ornano-Ünsal", "Jean Sébastien", "e@mail.com"}, {"Puigdevall i Col·lell", "J.", "e@ymail.com"}, {"Nguyễn", "Thị Hồng", "e@yahoo.gr"}, {"Петрова", "Анна", "e@hotmail.gr"}, {"김", "민준", "e@free.fr"}, {"Maxime", "Prune", "e@gmx.at"}, {"Mrozek", "Drissa", "prune@live.be"},
	} {
		o := imported(t, []byte("Matricule;Nom;Prénom;Né(e) le;Mail\n7001;"+c.family+";"+c.given+";25/11/2006;"+c.mail+"\n"))
		if one(t, fmt.Sprint(c), o); o.has(registry.FindDamaged) {
			t.Errorf("%v: %+v", c, o.report.Findings)
		}
	}
	o := imported(t, list("Matricule;Nom;Prénom;Né(e) le;Mail", "800%;Blum;Eva;0%/11/2006;p%@example.org", 4))
	if o.has(registry.FindOneValue) {
		t.Errorf("%+v", o.report.Findings)
	}
	o = imported(t, append(list("Matricule;Nom;Prénom;Né(e) le;Mail", "800%;Blum;Eva;0%/11/2006;p%@example.org", 4), list("", "900%;Blum;Eva;0%/12/2006;secretariat@example.org", 4)[1:]...))
	if !o.has(registry.FindOneValue) {
		t.Errorf("an address of four people: %+v", o.report.Findings)
	}
}

func TestT2_TheSecondPersonalAddress(t *testing.T) {
	o := imported(t, []byte("Matricule;Nom;Prénom;Mail perso;Mail perso 2\n1;Blum;Eva;e@example.org;f@example.org\n2;Weil;Ugo;;u@example.org\n"))
	if o.err != nil || len(o.people) != 2 || o.people[0].Email != "e@example.org" || o.people[1].Email != "u@example.org" {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	// Any other column does not fill an empty personal address.
	o = imported(t, []byte("Matricule;Nom;Prénom;Mail perso;Mail\n1;Blum;Eva;e@example.org;f@example.org\n2;Weil;Ugo;;u@example.org\n"))
	if o.err != nil || len(o.people) != 1 || len(o.refused) != 1 {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

func TestT7_NumbersThatASpreadsheetCut(t *testing.T) {
	o := imported(t, []byte("Matricule;Nom;Prénom;Mail\n12345678901234500;Blum;Eva;e@example.org\n12345678901234567;Weil;Ugo;u@example.org\n"))
	if o.err != nil || len(o.people) != 1 || o.people[0].GivenName != "Ugo" || len(o.refused) != 1 || !strings.Contains(o.refused[0], "rounded") {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	cell := func(value, shown string) string {
		return `<table:table-cell office:value-type="float" office:value="` + value + `"><text:p>` + shown + `</text:p></table:table-cell>`
	}
	text := func(words ...string) (out string) {
		for _, w := range words {
			out += `<table:table-cell office:value-type="string"><text:p>` + w + `</text:p></table:table-cell>`
		}
		return out
	}
	for shown, want := range map[string]string{"UX000731": "UX000731", "000731": "000731", "731": "731", "731 €": "731", "ABCDEF731": "731", "A-0731": "A-0731"} {
		o := imported(t, archive(t, part{name: "content.xml", before: odsHead + `<table:table-row>` + text("Matricule", "Nom", "Prénom", "Mail") + `</table:table-row><table:table-row>` + cell("731", shown) + text("Blum", "Eva", "e@example.org") + `</table:table-row>`, after: odsEnd}))
		if p := one(t, shown, o); p.Number != want {
			t.Errorf("%s: %q, want %q", shown, p.Number, want)
		}
	}
}

// A remark beside the table refuses no person, and a model without people is not the
// list.
func TestT6_RemarksAndModels(t *testing.T) {
	header := []any{"Matricule", "Nom", "Prénom", "Mail"}
	raw := book(t, func(f *excelize.File, sheet string) {
		_, err := f.NewSheet("Liste")
		must(t, err, f.SetSheetRow(sheet, "A1", &header), f.SetSheetRow("Liste", "A1", &header))
		must(t, f.SetSheetRow("Liste", "A2", &[]any{731, "Blum", "Eva", "e@example.org", nil, "à rappeler"}), f.SetSheetRow("Liste", "A3", &[]any{732, "Weil", "Ugo", "u@example.org"}))
	})
	o := imported(t, raw)
	if o.err != nil || len(o.people) != 2 || len(o.refused) > 0 || !o.has(registry.FindUnused) {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

// The values of a column may all be those of another field.
func TestT3_ColumnsThatLookLikeAnotherField(t *testing.T) {
	for name, c := range map[string]struct {
		header       string
		first, other string
		isTold       bool
	}{
		"national numbers":       {"Numéro étudiant", "071122334AB", "0722334455C", true},
		"social security":        {"N° étudiant", "2061145123456", "105097512345622", true},
		"telephones":             {"Numéro étudiant", "0611223344", "0755667788", true},
		"dates":                  {"Matricule", "20061125", "20050204", true},
		"numbers with the year":  {"Matricule", "20221125", "20220204", false},
		"usual numbers":          {"Matricule", "22501234", "22501235", false},
		"university mail":        {"Matricule;Mail universitaire", "1001;e.blum@gmail.com", "1002;u.weil@univ-x.example", true},
		"university mail, usual": {"Matricule;Mail universitaire", "1001;e.blum@univ-x.example", "1002;u.weil@univ-x.example", false},
	} {
		o := imported(t, []byte("Nom;Prénom;Mail perso;Né(e) le;"+c.header+"\nBlum;Eva;e@example.org;01/02/2006;"+c.first+"\nWeil;Ugo;u@example.org;02/02/2006;"+c.other+"\n"))
		if o.err != nil || len(o.people) != 2 || o.has(registry.FindLooks) != c.isTold {
			t.Errorf("%s: %+v %q %v", name, o.report, o.refused, o.err)
		}
	}
	// A letter in the place of a digit.
	o := imported(t, []byte("Matricule;Nom;Prénom;Né(e) le;Mail\n22501234;Blum;Eva;01/02/2006;e@example.org\n22501235;Weil;Ugo;02/02/2006;u@example.org\n225O1236;Kerr;Lou;03/02/2006;l@example.org\n"))
	if o.err != nil || len(o.people) != 3 || !o.has(registry.FindDamaged) {
		t.Errorf("%+v %v", o.report, o.err)
	}
}

// People who stand above the header are refused, and not lost.
func TestT6_PeopleAboveTheHeader(t *testing.T) {
	o := imported(t, []byte("Contact : scolarite@univ-x.example;;;;\n1001;Blum;Eva;01/02/2006;e@example.org\n\nMatricule;Nom;Prénom;Né(e) le;Mail\n1002;Weil;Ugo;02/02/2006;u@example.org\n"))
	if o.err != nil || len(o.people) != 1 || len(o.refused) != 1 || !strings.Contains(o.refused[0], "line 2: it stands above the header, which is in line 4") {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

// Two files in one, of which one lost its zeros.
func TestT7_HalfOfTheNumbersLostTheirZeros(t *testing.T) {
	o := imported(t, append(list("Matricule;Nom;Prénom;Né(e) le;Mail", "0045012%;Blum;Eva;0%/11/2006;p%@example.org", 3), list("", "45013%;Weil;Ugo;0%/12/2005;u%@example.org", 4)[1:]...))
	if o.err != nil || len(o.people) != 7 || !o.has(registry.FindDamaged) {
		t.Errorf("%+v %q %v", o.report.Findings, o.refused, o.err)
	}
	o = imported(t, append(list("Matricule;Nom;Prénom;Né(e) le;Mail", "045012%;Blum;Eva;0%/11/2006;p%@example.org", 3), list("", "245013%5;Weil;Ugo;0%/12/2005;u%@example.org", 4)[1:]...))
	if o.has(registry.FindDamaged) {
		t.Errorf("longer numbers: %+v", o.report.Findings)
	}
}
