package registry_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"

	"entree/internal/domain"
	"entree/internal/registry"
)

// outcome is what an import of a file gives.
type outcome struct {
	people  []domain.Person
	refused []string
	report  *registry.Report
	err     error
}

func (o *outcome) Import(_ context.Context, _ *domain.ImportOrder, fill func(domain.Intake) error) (domain.ImportCounts, error) {
	return domain.ImportCounts{}, fill(o)
}

func (o *outcome) Put(_ int, p domain.Person) error {
	p.ID = ""
	o.people = append(o.people, p)
	return nil
}

func (o *outcome) Refuse(string, string) error { return nil }

// has reports whether there is a finding of a kind.
func (o *outcome) has(kind string) bool {
	return o.report != nil && slices.ContainsFunc(o.report.Findings, func(f registry.Finding) bool { return f.Kind == kind && f.Message != "" })
}

var day = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

// imported imports a file whose people are all students.
func imported(t *testing.T, raw []byte, change ...func(*registry.Mapping)) *outcome {
	t.Helper()
	m := registry.Mapping{
		Profile: "etudiant", Profiles: []string{"etudiant", "personnel"}, Ready: []string{"oui", "prêt"}, Held: []string{"bloqué"},
		Aliases: map[string][]string{"etudiant": {"Étudiant"}, "personnel": {"Agent"}}, Needs: map[string][]string{"etudiant": {"birth_date"}},
		Now: func() time.Time { return day },
	}
	for _, c := range change {
		c(&m)
	}
	o := &outcome{}
	table, err := registry.Open(bytes.NewReader(raw))
	if err != nil {
		o.err = err
		return o
	}
	defer table.Close()
	_, o.err = registry.Import(t.Context(), o, table, m, &domain.ImportOrder{}, registry.Observer{
		Refused: func(r registry.Refusal) error { o.refused = append(o.refused, r.String()); return nil },
		Report:  func(r *registry.Report) error { o.report = r; return nil },
	})
	return o
}

// one returns the only person of a file.
func one(t *testing.T, name string, o *outcome) domain.Person {
	t.Helper()
	if o.err != nil || len(o.people) != 1 || len(o.refused) > 0 {
		t.Errorf("%s: %d people, %q, %v", name, len(o.people), o.refused, o.err)
		return domain.Person{}
	}
	return o.people[0]
}

func TestT1_AStateIsTakenOnlyIfItsValuesConfirmIt(t *testing.T) {
	for values, want := range map[string]domain.Readiness{
		"Inscrit en L2": domain.Ready, "Boursier": domain.Ready, "": domain.Ready, "A": domain.Ready,
		"oui": domain.Ready, "non": domain.NotReady, "bloqué": domain.Held, "Actif": domain.Ready, "suspendu": domain.Held,
	} {
		for _, header := range []string{"Statut", "Etat", "État", "Situation"} {
			o := imported(t, []byte("Numéro;Nom;Prénom;Mail;"+header+"\n71;Roy;Anne;anne@example.org;"+values+"\n"))
			if p := one(t, header+" "+values, o); p.Readiness != want {
				t.Errorf("%s %q: %s, want %s", header, values, p.Readiness, want)
			}
			if unread := o.has(registry.FindRejected); unread != (want == domain.Ready && values != "oui" && values != "Actif") {
				t.Errorf("%s %q: told that it is left out: %v", header, values, unread)
			}
			if count := o.report.People; count.Ready+count.NotReady+count.Held != 1 || (want == domain.NotReady) != o.has(registry.FindNotReady) || (want == domain.Held) != o.has(registry.FindHeld) {
				t.Errorf("%s %q: %+v %+v", header, values, count, o.report.Findings)
			}
		}
	}
	// A column that can mean nothing else is taken, and says whom it stops.
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Prêt\n71;Roy;Anne;anne@example.org;Étudiante\n"))
	if p := one(t, "Prêt", o); p.Readiness != domain.NotReady || !o.has(registry.FindNotReady) {
		t.Errorf("%+v %+v", p, o.report.Findings)
	}
}

func TestT2_TheAddressIsThePersonalOne(t *testing.T) {
	const home, univ = "lea.roy@gmail.com", "lea.roy@etu.univ-x.example"
	for header, line := range map[string]string{
		"Mail;Adresse mail personnelle": univ + ";" + home, "Courriel perso;Courriel": home + ";" + univ, "EMAIL;PERSONAL_EMAIL": univ + ";" + home,
		"Mail;Autre": univ + ";" + home, "Mail;Mail": univ + ";" + home, "Mel universitaire;Mel": univ + ";" + home, "Adresse institutionnelle;Contact": univ + ";" + home, "Email;Email secondaire": univ + ";" + home,
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;"+header+"\n71;Roy;Léa;"+line+"\n"))
		if p := one(t, header, o); p.Email != home {
			t.Errorf("%s: %s", header, p.Email)
		}
		if p := o.people[0]; p.UniversityAddress != univ && !o.has(registry.FindTwoMails) {
			t.Errorf("%s: the other column is lost in silence: %+v", header, o.report.Findings)
		}
	}
}

func TestT2_TheUniversitysAddressIsNeverTakenInSilence(t *testing.T) {
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail\n71;Roy;Léa;lea.roy@etu.univ-x.example\n"))
	if p := one(t, "one column", o); p.Email != "lea.roy@etu.univ-x.example" || !o.has(registry.FindOwnDomain) {
		t.Errorf("%+v %+v", p, o.report.Findings)
	}
	o = imported(t, []byte("Numéro;Nom;Prénom;Mail\n71;Roy;Léa;lea.roy@gmail.com\n"))
	if one(t, "a personal one", o); o.has(registry.FindOwnDomain) {
		t.Errorf("%+v", o.report.Findings)
	}
}

func TestT3_TheHeadersOfOtherPrograms(t *testing.T) {
	for name, file := range map[string]string{
		"Apogée":     "COD_ETU;COD_NNE_IND;LIB_NOM_PAT_IND;LIB_NOM_USU_IND;LIB_PR1_IND;DATE_NAI_IND;MAIL_PERSO\n71;0AB;ROY;;Léa;17/03/2007;lea@example.org\n",
		"PEGASE":     "Code apprenant;INE;Nom de naissance;Nom d'usage;Prénom;Date de naissance;Adresse électronique personnelle\n71;0AB;ROY;;Léa;17/03/2007;lea@example.org\n",
		"Scolarix":   "NO_ETUDIANT;NOM_PATRONYMIQUE;NOM_USUEL;PRENOM;D_NAISSANCE;EMAIL_PERSO\n71;ROY;;Léa;17/03/2007;lea@example.org\n",
		"SIHAM":      "Matricule SIHAM;Nom patronymique;Nom usuel;Prénom;Date de naissance;Mail personnel\n71;ROY;;Léa;17/03/2007;lea@example.org\n",
		"Moodle":     "username,lastname,firstname,email,idnumber,dob\nlroy,ROY,Léa,lea@example.org,71,2007-03-17\n",
		"Canvas":     "user_id,login_id,first_name,last_name,email,status,birthdate\n71,lroy,Léa,ROY,lea@example.org,active,2007-03-17\n",
		"Banner":     "SPRIDEN_ID,SPRIDEN_LAST_NAME,SPRIDEN_FIRST_NAME,SPBPERS_BIRTH_DATE,GOREMAL_EMAIL_ADDRESS\n71,ROY,Léa,17-MAR-2007,lea@example.org\n",
		"by hand":    "N° de l'étudiant (obligatoire);NOM de famille;Prénom(s);Né(e) le (jj/mm/aaaa);Adresse e-mail personnelle\n71;ROY;Léa;17/03/2007;lea@example.org\n",
		"camel":      "numeroEtudiant;nomFamille;prenom;dateNaissance;mailPerso\n71;ROY;Léa;17/03/2007;lea@example.org\n",
		"English":    "Student Number;Surname;Given names;Date of birth;Personal e-mail\n71;ROY;Léa;17/03/2007;lea@example.org\n",
		"with a bar": "Matricule|Nom|Prénom|Naissance|Mail\n71|ROY|Léa|17/03/2007|lea@example.org\n",
	} {
		o := imported(t, []byte(file))
		p := one(t, name, o)
		if p.Number != "71" || p.FamilyName != "ROY" || p.GivenName != "Léa" || p.BirthDate != "2007-03-17" || p.Email != "lea@example.org" || o.has(registry.FindLacking) {
			t.Errorf("%s: %+v %+v", name, p, o.report)
		}
	}
	// Headers that only look similar are not recognised.
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Nom du père;Mail du tuteur;Date de naissance du conjoint;Type de bac\n71;Roy;Léa;lea@example.org;Ted;ted@example.org;01/01/1970;S\n"))
	if p := one(t, "relatives", o); p.FamilyName != "Roy" || p.BirthDate != "" || !o.has(registry.FindUnused) || !o.has(registry.FindLacking) {
		t.Errorf("%+v %+v", p, o.report.Findings)
	}
	// All missing columns are reported at once.
	if o := imported(t, []byte("Groupe;Salle\nA;12\n")); o.err == nil || !strings.Contains(o.err.Error(), "number") || !strings.Contains(o.err.Error(), "email") || !strings.Contains(o.err.Error(), `"Salle"`) {
		t.Errorf("%v", o.err)
	}
}

func TestT8_DatesOfEveryWriting(t *testing.T) {
	for value, want := range map[string]string{
		"17/03/2007": "2007-03-17", "17/3/2007": "2007-03-17", "7-3-2007": "2007-03-07", "7.3.2007": "2007-03-07", "2007/03/17": "2007-03-17", "2007-3-7": "2007-03-07", "2007.03.17": "2007-03-17",
		"17/03/2007 00:00:00": "2007-03-17", "17/03/2007 0:00": "2007-03-17", "2007-03-17T00:00:00": "2007-03-17", "2007-03-17T00:00:00.000Z": "2007-03-17", "2007-03-17 00:00:00.0": "2007-03-17",
		"2007-03-17T12:30:00+01:00": "2007-03-17", "20070317": "2007-03-17", "17032007": "2007-03-17", "20070317000000Z": "2007-03-17", "17 mars 2007": "2007-03-17", "1er août 2006": "2006-08-01",
		"17-MAR-07": "2007-03-17", "17-févr.-2007": "2007-02-17", "March 17, 2007": "2007-03-17", "samedi 17 mars 2007": "2007-03-17", "17/03/07": "2007-03-17", "17/03/98": "1998-03-17", "17 03 2007": "2007-03-17",
		"3/17/2007 12:00:00 AM": "2007-03-17", "29/02/2008": "2008-02-29", "": "",
		// Refused: not a date, or not without doubt.
		"2007": "?", "39158": "?", "31/02/2007": "?", "17/03/1907": "?", "17/03/2107": "?", "00/00/0000": "?", "29/02/2007": "?", "2007-03-16T23:00:00Z": "?", "17/03/20": "?", "n.c.": "?", "17": "?", "03/2007": "?",
		"17 marmelade 2007": "?", "17 jui 2007": "?", "17 sept 2006": "2006-09-17", "17 janv. 2007": "2007-01-17", "17 Mayo 2007": "2007-05-17", "17. Dezember 2006": "2006-12-17", "octobers 17, 2006": "?",
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Date de naissance\n71;Roy;Anne;anne@example.org;"+value+"\n"))
		if want == "?" {
			if o.err != nil || len(o.people) != 0 || len(o.refused) != 1 || !strings.Contains(o.refused[0], `"Date de naissance": not a date`) {
				t.Errorf("%q: %+v %q %v", value, o.people, o.refused, o.err)
			}
			continue
		}
		if p := one(t, value, o); p.BirthDate != want {
			t.Errorf("%q: %q, want %q", value, p.BirthDate, want)
		}
	}
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Birth date\n71;Roy;Anne;a@example.org;03/07/2007\n72;Roy;Zoé;z@example.org;12/31/2006\n"))
	if len(o.people) != 2 || o.people[0].BirthDate != "2007-03-07" || o.people[1].BirthDate != "2006-12-31" || !o.has(registry.FindMonthFirst) {
		t.Errorf("month first: %+v %q", o.people, o.refused)
	}
}

func TestT5_EncodingsAreDecidedByTheWholeFile(t *testing.T) {
	encode := func(m *charmap.Charmap, s string) []byte {
		out, err := m.NewEncoder().String(s)
		must(t, err)
		return []byte(out)
	}
	const file = "numero;nom;prenom;mail\n71;Bézières;Zoé;z@example.org\n72;Muñoz;François;f@example.org\n73;L’Hôte;Anaïs;a@example.org\n"
	wide := func(order func(uint16) []byte, mark bool) []byte {
		text := file
		if mark {
			text = "\ufeff" + text
		}
		var out []byte
		for _, u := range utf16.Encode([]rune(text)) {
			out = append(out, order(u)...)
		}
		return out
	}
	little, big := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }, func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	late := strings.Replace(file, "71;", strings.Repeat("9;x;y;q@example.org\n", 1)+"71;", 1)
	for i := range 5000 {
		late += fmt.Sprintf("%d;Roy;Anne;p%d@example.org\n", 1000+i, i)
	}
	dos := strings.ReplaceAll(file, "’", "'")
	for name, raw := range map[string][]byte{
		"UTF-8": []byte(file), "UTF-8 with a mark": []byte("\ufeff" + file), "Windows-1252": encode(charmap.Windows1252, file), "ISO-8859-15": encode(charmap.ISO8859_15, dos),
		"MacRoman": encode(charmap.Macintosh, file), "CP850": encode(charmap.CodePage850, dos), "UTF-16LE with a mark": wide(little, true), "UTF-16BE with a mark": wide(big, true),
		"UTF-16LE": wide(little, false), "UTF-16BE": wide(big, false), "lines that end in CR": []byte(strings.ReplaceAll(file, "\n", "\r")), "MacRoman with CR": bytes.ReplaceAll(encode(charmap.Macintosh, file), []byte("\n"), []byte("\r")),
		"UTF-8 twice": []byte(twice(file)), "accents behind 64 KB": append([]byte("numero;nom;prenom;mail\n"+late[strings.Index(late, "1000;"):]), encode(charmap.Windows1252, file[strings.Index(file, "71;"):])...),
		"mixed": append([]byte(file), encode(charmap.Windows1252, "74;Dupré;Chloé;c@example.org\n")...), "mixed within a line": []byte(file + "74;Dupré;Chlo\xe9;c@example.org\n"),
	} {
		o := imported(t, raw)
		names := map[string]string{}
		for _, p := range o.people {
			names[p.Number] = p.GivenName + " " + strings.ReplaceAll(p.FamilyName, "’", "'")
		}
		if o.err != nil || names["71"] != "Zoé Bézières" || names["72"] != "François Muñoz" || names["73"] != "Anaïs L'Hôte" || strings.HasPrefix(name, "mixed") && names["74"] != "Chloé Dupré" {
			t.Errorf("%s: %v %q %v", name, names, o.refused, o.err)
			continue
		}
		if strings.HasPrefix(name, "mixed") != o.has(registry.FindMixed) || strings.Contains(name, "twice") != o.has(registry.FindRepaired) {
			t.Errorf("%s: %+v", name, o.report.Findings)
		}
	}
	// Damage that cannot be repaired is reported with an example.
	for name, text := range map[string]string{"a question mark": "71;Roy;Fran?ois;a@example.org\n", "an entity": "71;Roy;Fran&#xZZ;cois;a@example.org\n"} {
		if o := imported(t, []byte("numero;nom;prenom;mail\n"+text)); !o.has(registry.FindDamaged) && len(o.refused) == 0 {
			t.Errorf("%s: %+v", name, o.people)
		}
	}
}

// twice encodes UTF-8 as if it were Windows-1252.
func twice(s string) string {
	var out strings.Builder
	for _, b := range []byte(s) {
		r := charmap.Windows1252.DecodeByte(b)
		if r == '\ufffd' {
			r = rune(b)
		}
		out.WriteRune(r)
	}
	return out.String()
}

func TestT7_NumbersOfOtherWriters(t *testing.T) {
	for value, want := range map[string]string{
		"22502142.0": "22502142", "22502142,00": "22502142", "2.2502142E7": "22502142", "2.25E7": "22500000", "2,2502142E+07": "22502142", "=\"0042\"": "0042", "'0042": "0042", "42": "42", "22 502 142": "22502142", "AB-7_x": "AB-7_x",
		"2,25E+07": "", "1.5": "", "#N/A": "", "-3": "-3",
	} {
		o := imported(t, []byte("numero;nom;prenom;mail\n\""+strings.ReplaceAll(value, `"`, `""`)+"\";Roy;Anne;a@example.org\n"))
		got := ""
		if len(o.people) == 1 {
			got = o.people[0].Number
		}
		if got != want || want == "" && len(o.refused) != 1 {
			t.Errorf("%q: %q %q, want %q", value, got, o.refused, want)
		}
	}
}

func TestT9_AQuoteRefusesItsLineAndNoOther(t *testing.T) {
	const head = "numero;nom;prenom;mail;remarque\n"
	person := func(n int) string { return fmt.Sprintf("%d;Roy;Anne;p%d@example.org;\n", n, n) }
	for name, c := range map[string]struct {
		text   string
		people int
		lines  []string
	}{
		"a bare quote":                     {person(1) + "2;Roy;Anne \"Nan\";b@example.org;\n" + person(3), 2, []string{"line 3"}},
		"a bare quote in a column unread":  {person(1) + "2;Roy;Anne;b@example.org;5\" long\n" + person(3), 2, []string{"line 3"}},
		"a quote that is not closed":       {person(1) + "2;\"Roy;Anne;b@example.org;\n" + person(3) + person(4), 3, []string{"line 3"}},
		"one at the end":                   {person(1) + "2;\"Roy;Anne;b@example.org;\n", 1, []string{"line 3"}},
		"two that seem to belong together": {person(1) + "2;\"Roy;Anne;b@example.org;\n" + person(3) + "4;Roy\";Anne;d@example.org;\n" + person(5), 3, []string{"line 3", "line 5"}},
		"text behind a quote":              {person(1) + "2;\"Roy\"al;Anne;b@example.org;\n" + person(3), 2, []string{"line 3"}},
		"a cell with line breaks":          {person(1) + "2;Roy;Anne;b@example.org;\"one\ntwo; three\nfour\"\n" + person(3), 3, nil},
		"a space after a quote":            {person(1) + "2;\"Roy\" ; \"Anne\" ;\"b@example.org\" ;\n" + person(3), 3, nil},
		"a doubled quote":                  {"2;Roy;\"Anne \"\"Nan\"\"\";b@example.org;\n" + person(3), 2, nil},
		"lines that are shortened (T12)":   {"2;Roy;Anne;b@example.org\n" + person(3), 2, nil},
		"lines that have too much":         {"2;Roy;Anne;b@example.org;;x\n" + person(3), 1, []string{"line 2"}},
		"one quote early in a long file":   {"2;\"Roy;Anne;b@example.org;\n" + numbered(3, 3000), 2997, []string{"line 2"}},
	} {
		o := imported(t, []byte(head+c.text))
		ok := o.err == nil && len(o.people) == c.people && len(o.refused) == len(c.lines)
		for i := range c.lines {
			ok = ok && strings.HasPrefix(o.refused[i], c.lines[i])
		}
		if !ok {
			t.Errorf("%s: %d people, %.200q, %v", name, len(o.people), o.refused, o.err)
		}
	}
}

func numbered(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, "%d;Roy;Anne;p%d@example.org;\n", n, n)
	}
	return b.String()
}

func TestT10_WhatIsNoTableIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"<!DOCTYPE html>\n<html><body><table><tr><td>numero</td></tr></table>":                                        "HTML",
		"\ufeff  <table border=1><tr><th>Nom</th></tr></table>":                                                       "HTML",
		`<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet/></Workbook>`: "XML spreadsheet of 2003",
		`<?xml version="1.0"?><people><person/></people>`:                                                             "XML",
		`[{"numero": 1, "nom": "Roy"}]`:                                                                               "JSON",
		`{"people": []}`:                                                                                              "JSON",
		"%PDF-1.7\n":                                                                                                  "PDF",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":                                                                            "XLS",
		"\x1f\x8b\x08\x00\x00":                                                                                        "archive",
	} {
		if o := imported(t, []byte(text)); o.err == nil || !strings.Contains(o.err.Error(), want) || strings.Contains(o.err.Error(), "\n") {
			t.Errorf("%.30q: %v, want %s", text, o.err, want)
		}
	}
}

func TestT14_CapitalsAndCommas(t *testing.T) {
	o := imported(t, []byte("numero;nom;prenom;mail\n71;Roy;Anne;\"anne@example,org\"\n72;Roy;Zoé;\"a@example.org;b@example.org\"\n"))
	if len(o.refused) != 2 || !strings.Contains(o.refused[0], "not an address") || !strings.Contains(o.refused[1], "more than one address") {
		t.Errorf("%q", o.refused)
	}
	const file = "numero;nom;prenom;mail\nab71;Roy;Anne;a@example.org\nAB71;Roy;Anne;a@example.org\nAB72;Roy;Zoé;z@example.org\n"
	if o := imported(t, []byte(file)); len(o.people) != 2 || len(o.refused) != 1 || !strings.Contains(o.refused[0], "at line 2, in other capitals") {
		t.Errorf("%+v %q", o.people, o.refused)
	}
	if o := imported(t, []byte(file), func(m *registry.Mapping) { m.Cases = []string{"etudiant"} }); len(o.people) != 3 {
		t.Errorf("where the profile tells them apart: %+v %q", o.people, o.refused)
	}
}

func TestT6_SheetsErrorsMergesAndZeros(t *testing.T) {
	header := []any{"N° étudiant", "Nom", "Prénom", "Mail", "Promotion", "Date de naissance"}
	raw := book(t, func(f *excelize.File, sheet string) {
		zeros, err := f.NewStyle(&excelize.Style{CustomNumFmt: new("00000000")})
		must(t, err)
		days, err := f.NewStyle(&excelize.Style{CustomNumFmt: new("dd/mm/yyyy hh:mm")})
		must(t, err)
		must(t, f.SetSheetRow(sheet, "A1", &[]any{"À lire avant d'ouvrir"}))
		for k, name := range []string{"L1", "L2"} { // the first sheet with people is read
			first := 71 + 10*k
			_, err := f.NewSheet(name)
			must(t, err, f.SetSheetRow(name, "A1", &header))
			for i := range 3 {
				must(t, f.SetSheetRow(name, fmt.Sprintf("A%d", i+2), &[]any{first + i, "Roy", "Anne", fmt.Sprintf("p%d@example.org", first+i), nil, 39158.0}))
			}
			must(t, f.SetCellValue(name, "E2", name), f.MergeCell(name, "E2", "E4"), f.SetCellStyle(name, "A2", "A4", zeros), f.SetCellStyle(name, "F2", "F4", days))
		}
		must(t, f.SetCellValue("L1", "B3", "#REF!"), f.SetSheetVisible("L2", true))
	})
	o := imported(t, raw)
	if o.err != nil || len(o.people) != 2 || o.people[1].Number != "00000073" || o.people[1].Cohort != "L1" || o.people[1].BirthDate != "2007-03-17" || len(o.refused) != 1 || !strings.Contains(o.refused[0], `line 3, column "Nom": an error of a spreadsheet, #REF!`) {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	unread := 0
	for _, f := range o.report.Findings {
		if f.Kind == registry.FindSheet {
			unread++
		}
	}
	if unread != 2 {
		t.Errorf("sheets not read: %+v", o.report.Findings)
	}
	both := imported(t, raw, func(m *registry.Mapping) { m.Sheets = []string{"l1", "L2"} })
	if both.err != nil || len(both.people) != 5 || both.has(registry.FindSheet) || !strings.HasPrefix(both.refused[0], "L1, line 3") {
		t.Errorf("%+v %q %v", both.people, both.refused, both.err)
	}
	if o := imported(t, raw, func(m *registry.Mapping) { m.Sheets = []string{"L3"} }); o.err == nil || !strings.Contains(o.err.Error(), `"L2"`) {
		t.Errorf("%v", o.err)
	}
}

func TestT4_AYearOrADayNumberInASpreadsheet(t *testing.T) {
	for value, want := range map[any]string{2007: "", 1999.0: "", 39158: "2007-03-17", "2007": "", 3: ""} {
		raw := book(t, func(f *excelize.File, sheet string) {
			must(t, f.SetSheetRow(sheet, "A1", &[]any{"Numéro", "Nom", "Prénom", "Mail", "Date de naissance"}), f.SetSheetRow(sheet, "A2", &[]any{71, "Roy", "Anne", "a@example.org", value}))
		})
		o := imported(t, raw)
		if want == "" && len(o.refused) != 1 || want != "" && one(t, fmt.Sprint(value), o).BirthDate != want {
			t.Errorf("%v: %+v %q", value, o.people, o.refused)
		}
	}
}

func TestT11_ManyColumnsAndOds(t *testing.T) {
	wide := strings.Repeat("x;", 90)
	one(t, "many columns", imported(t, []byte(wide+"numero;nom;prenom;mail\n"+wide+"71;Roy;Anne;a@example.org\n")))
	if o := imported(t, []byte(strings.Repeat("x;", 1100)+"\n")); o.err == nil || !strings.Contains(o.err.Error(), "1000 at most") {
		t.Errorf("%v", o.err)
	}
	cell := func(s string) string {
		return `<table:table-cell office:value-type="string"><text:p>` + s + `</text:p></table:table-cell>`
	}
	content := strings.Replace(odsHead, `table:name="A"`, `table:name="Lisez-moi"`, 1) + `<table:table-row>` + cell("Bonjour") + `</table:table-row></table:table><table:table table:name="Liste"><table:table-row>` +
		cell("Numéro") + cell("Nom") + cell("Prénom") + cell("Mail") + cell("Cohorte") + cell("Né(e) le") + `</table:table-row><table:table-row>` +
		`<table:table-cell office:value-type="float" office:value="71"><text:p>00071</text:p></table:table-cell>` + cell("N<text:span>uñ</text:span>ez") + cell("Zoé") + cell("z@example.org") +
		`<table:table-cell table:number-rows-spanned="2" office:value-type="string"><text:p>L1</text:p></table:table-cell>` +
		`<table:table-cell office:value-type="date" office:date-value="2007-03-17T00:00:00"><text:p>17/03/07</text:p></table:table-cell></table:table-row>` +
		`<table:table-row><table:table-cell office:value-type="float" office:value="2.2502142E7"><text:p>22 502 142</text:p></table:table-cell>` + cell("Roy") + cell("Anne") + cell("a@example.org") + `<table:covered-table-cell/></table:table-row>` +
		`<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>` + odsEnd
	o := imported(t, archive(t, part{name: "content.xml", before: content}))
	if o.err != nil || len(o.people) != 2 || o.people[0].Number != "00071" || o.people[0].FamilyName != "Nuñez" || o.people[0].BirthDate != "2007-03-17" || o.people[1].Number != "22502142" || o.people[1].Cohort != "L1" || !o.has(registry.FindSheet) {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

func TestT12_TheReportSaysWhatWasTakenForWhat(t *testing.T) {
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Salle;Date de naissance\n71;Roy;Anne;a@etu.univ-x.example;B12;17/03/07\n"), func(m *registry.Mapping) { m.Domains = []string{"univ-x.example"} })
	lines := strings.Join(o.report.Lines(), "\n")
	for _, want := range []string{"read as CSV in UTF-8", `birth_date: column 6 "Date de naissance", by its header, such as "17/03/07" read as "2007-03-17"`, `left out: "Salle"`, "the university's own", "people: 1 ready", "line 2 is etudiant 71, Anne Roy, born 2007-03-17, a@etu.univ-x.example, ready"} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %s in\n%s", want, lines)
		}
	}
	if o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Salle\n71;Roy;Anne;a@example.org;B12\n"), func(m *registry.Mapping) { m.Ignore = []string{"salle"}; m.Needs = nil }); len(o.report.Findings) != 0 {
		t.Errorf("%+v", o.report.Findings)
	}
}
