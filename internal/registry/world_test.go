package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"

	"entree/internal/domain"
	"entree/internal/registry"
)

// TestT1_EachStateIsReadOrTold: a second person whose line says that they may not
// activate is never ready without a word.
func TestT1_EachStateIsReadOrTold(t *testing.T) {
	const notReady, held, told = domain.NotReady, domain.Held, domain.Ready
	for column, want := range map[string]struct {
		first, second string
		readiness     domain.Readiness
	}{
		"Actif":                     {"VRAI", "FAUX", notReady},
		"Active":                    {"Y", "N", notReady},
		"Inscrit":                   {"x", "", notReady},
		"Inscription":               {"Oui", "Non", notReady},
		"Enrolled":                  {"true", "false", notReady},
		"Dossier complet":           {"1", "0", notReady},
		"Statut de l'inscription":   {"Inscription validée", "En cours", notReady},
		"Statut":                    {"Validé", "Abandon", held},
		"Situation":                 {"Inscrite", "Démissionnaire", held},
		"Bloqué":                    {"non", "oui", held},
		"Bloquée ":                  {"", "X", held},
		"suspended":                 {"0", "1", held},
		"deleted":                   {"FALSE", "TRUE", held},
		"Compte désactivé (0/1)":    {"0", "1", held},
		"Etat IA":                   {"E", "R", told},
		"status":                    {"A", "I", told},
		"Décision de la commission": {"Admis", "Refusé", told},
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Date de naissance;Mail;"+column+"\n71;Roy;Anne;17/03/2007;a@example.org;"+want.first+"\n72;Roy;Zoé;17/03/2007;z@example.org;"+want.second+"\n"))
		if o.err != nil || len(o.people) != 2 || o.people[0].Readiness != domain.Ready || o.people[1].Readiness != want.readiness {
			t.Errorf("%s: %+v %q %v", column, o.people, o.refused, o.err)
			continue
		}
		kind := map[domain.Readiness]string{notReady: registry.FindNotReady, held: registry.FindHeld}[want.readiness]
		if kind != "" && !o.has(kind) || kind == "" && !o.has(registry.FindUnused) && !o.has(registry.FindRejected) {
			t.Errorf("%s: not told: %+v", column, o.report.Findings)
		}
	}
	// A column that stops no person is not worth a warning.
	if o := imported(t, []byte("Numéro;Nom;Prénom;Date de naissance;Mail;Statut;suspended\n71;Roy;Anne;17/03/2007;a@example.org;Actif;0\n")); len(o.report.Findings) != 0 || o.people[0].Readiness != domain.Ready {
		t.Errorf("%+v", o.report.Findings)
	}
}

func TestT2_NumberedColumnsOfAddresses(t *testing.T) {
	for _, header := range []string{"Mail 1;Mail 2", "Mail2;Mail1", "Email (1);Email (2)", "Courriel;Courriel", "Mail;Mail candidat"} {
		o := imported(t, []byte("Numéro;Nom;Prénom;"+header+"\n71;Roy;Anne;anne.roy@etu.univ-x.example;a@example.org\n72;Roy;Zoé;zoe.roy@etu.univ-x.example;z@example.net\n"))
		if o.err != nil || len(o.people) != 2 || o.people[0].Email != "a@example.org" || !o.has(registry.FindTwoMails) {
			t.Errorf("%s: %+v %v", header, o.people, o.err)
		}
	}
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail parent;Mail candidat\n71;Roy;Anne;parent@example.org;a@example.org\n"))
	if p := one(t, "the parents' address", o); p.Email != "a@example.org" {
		t.Errorf("%+v", p)
	}
}

func TestT3_FurtherHeaders(t *testing.T) {
	want := domain.Person{Profile: "etudiant", Number: "22502142", GivenName: "Zoé", FamilyName: "Roy", BirthDate: "2007-03-17", Email: "z@example.org", Readiness: domain.Ready}
	for _, header := range []string{
		"Matricule HR Access;Nom usuel;Prénom;Date naissance;Courriel personnel", "EMPLID;LAST_NAME;FIRST_NAME;BIRTHDATE;EMAIL_ADDR", "Personal ID;Surname;Forename(s);Date of birth;Email",
		"Student ID;Legal Last Name;Legal First Name;DOB;Personal Email", "N° candidat;Nom;Prénom;Date naissance;Mail", "Numéro dossier Parcoursup;Nom;Prénom;Date de naissance;Adresse électronique",
		"N° d'inscription;Nom (état civil);Prénom (état civil);Né le;E-mail perso.", "Code permanent;Nom de famille;Prénom;Date de naissance (AAAA-MM-JJ);Courriel personnel",
		"Noma;Nom;Prénom;Date de naissance;Adresse e-mail privée", "N° SCIPER;Nom;Prénom;Date de naissance;Email privé", `Numéro;Nom;"Pr&eacute;nom";"N&eacute;(e) le";Mail`,
		twice("Numéro étudiant;Nom;Prénom;Né(e) le;Mél"),
	} {
		p := one(t, header, imported(t, []byte(header+"\n22502142;Roy;Zoé;17/03/2007;z@example.org\n")))
		if p != want {
			t.Errorf("%s: %+v", header, p)
		}
	}
	// A preferred name that is empty leaves the legal one.
	o := imported(t, []byte("Numéro;Nom;Prénom (état civil);Prénom d'usage;Mail\n71;Roy;Paul;Zoé;z@example.org\n72;Roy;Anne;;a@example.org\n"))
	if len(o.people) != 2 || o.people[0].GivenName != "Zoé" || o.people[1].GivenName != "Anne" {
		t.Errorf("%+v %q", o.people, o.refused)
	}
	// A year of birth is no cohort, and the profile's words may be plural.
	o = imported(t, []byte("Numéro;Nom;Prénom;Année;Mail;Population\n71;Roy;Zoé;2007;z@example.org;Étudiantes\n72;Roy;Anne;2006;a@example.org;Agents\n"))
	if len(o.people) != 2 || o.people[0].Cohort != "" || o.people[0].Profile != "etudiant" || o.people[1].Profile != "personnel" {
		t.Errorf("%+v %q", o.people, o.refused)
	}
}

func TestT3_OneColumnWithBothNames(t *testing.T) {
	for _, c := range []struct{ header, value, given, family string }{
		{"NOM Prénom", "DE LA TOUR Jean Paul", "Jean Paul", "DE LA TOUR"},
		{"Nom et prénom", "Élodie MARTIN", "Élodie", "MARTIN"},
		{"Nom, Prénom", "\"Martin-Roy, Zoé\"", "Zoé", "Martin-Roy"},
		{"sortable_name", "\"Martin, Zoé Anne\"", "Zoé Anne", "Martin"},
		{"Nom complet", "O'BRIEN Siân", "Siân", "O'BRIEN"},
		{"Prénom Nom", "Zoé Martin", "Zoé", "Martin"},
		{"Nom Prénom", "Martin Zoé", "Zoé", "Martin"},
	} {
		p := one(t, c.header, imported(t, []byte("Numéro;"+c.header+";Mail\n71;"+c.value+";z@example.org\n")))
		if p.GivenName != c.given || p.FamilyName != c.family {
			t.Errorf("%s, %s: %+v", c.header, c.value, p)
		}
	}
	// A name that cannot be divided refuses its line; a column of such names is no column.
	o := imported(t, []byte("Numéro;NOM Prénom;Mail\n71;ROY Zoé;z@example.org\n72;ROY Anne;a@example.org\n73;ROY Bob;b@example.org\n74;ROY Léa;l@example.org\n75;Jean Paul Roy;j@example.org\n"))
	if len(o.people) != 4 || len(o.refused) != 1 || !strings.Contains(o.refused[0], "can be divided") {
		t.Errorf("%+v %q", o.people, o.refused)
	}
	for _, header := range []string{"Nom complet", "display_name"} {
		if o := imported(t, []byte("Numéro;"+header+";Mail\n71;Zoé Martin;z@example.org\n")); o.err == nil || !strings.Contains(o.err.Error(), "no column for given_name") {
			t.Errorf("%s: %+v", header, o.people)
		}
	}
}

func TestT5_LinesInSeveralCodePages(t *testing.T) {
	line := func(m *charmap.Charmap, s string) string {
		out, err := m.NewEncoder().String(s)
		must(t, err)
		return out
	}
	o := imported(t, []byte("numero;nom;prenom;mail\n71;Bézières;Zoé;z@example.org\n"+line(charmap.Windows1252, "72;Muñoz;François;f@example.org\n")+
		line(charmap.Macintosh, "73;L’Hôte;Anaïs;a@example.org\n")+line(charmap.CodePage850, "74;Dupré;Chloé;c@example.org\n")))
	var names []string
	for _, p := range o.people {
		names = append(names, p.GivenName+" "+p.FamilyName)
	}
	if !slices.Equal(names, []string{"Zoé Bézières", "François Muñoz", "Anaïs L’Hôte", "Chloé Dupré"}) || !o.has(registry.FindMixed) {
		t.Errorf("%q %q %v", names, o.refused, o.err)
	}
	// A whole file in one page with one line of another.
	o = imported(t, []byte(line(charmap.Windows1252, "numero;nom;prenom;mail\n71;Bézières;Zoé;z@example.org\n72;Muñoz;François;f@example.org\n")+line(charmap.Macintosh, "73;L’Hôte;Anaïs;a@example.org\n")))
	if len(o.people) != 3 || o.people[2].GivenName != "Anaïs" || !o.has(registry.FindMixed) {
		t.Errorf("%+v", o.people)
	}
}

func TestT6_WhatASpreadsheetHides(t *testing.T) {
	header := []any{"Numéro", "Nom", "Prénom", "Date de naissance", "Mail"}
	raw := book(t, func(f *excelize.File, sheet string) {
		must(t, f.SetSheetRow(sheet, "A1", &header))
		for i := range 3 {
			must(t, f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+2), &[]any{71 + i, "Roy", "Anne", "17/03/2007", fmt.Sprintf("p%d@example.org", i)}))
		}
		days, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		must(t, err, f.SetRowVisible(sheet, 3, false), f.SetCellValue(sheet, "D4", nil), f.SetCellFormula(sheet, "D4", "TODAY()"))
		must(t, f.SetSheetRow(sheet, "A5", &[]any{12, "Roy", "Bob", "17/03/2007", "b@example.org"}), f.SetCellStyle(sheet, "A5", "A5", days))
		for _, name := range []string{"Anciens", "Listes"} {
			_, err := f.NewSheet(name)
			must(t, err, f.SetSheetVisible(name, false))
		}
		must(t, f.SetSheetRow("Anciens", "A1", &header), f.SetSheetRow("Anciens", "A2", &[]any{81, "Roy", "Cid", "17/03/2007", "c@example.org"}), f.SetSheetRow("Listes", "A1", &[]any{"L1", "L2"}))
	})
	o := imported(t, raw)
	if o.err != nil || len(o.people) != 2 || len(o.refused) != 2 || !strings.Contains(o.refused[0], "a formula without a result") || !strings.Contains(o.refused[1], "made a date of it") {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	var told []string
	for _, f := range o.report.Findings {
		told = append(told, fmt.Sprint(f.Kind, " ", f.Value, " ", f.Count))
	}
	if !slices.Equal(told, []string{"sheet.unread Anciens 2", "rows.hidden Sheet1 1"}) {
		t.Errorf("%q", told)
	}
	// If only a hidden sheet has people, the message names it.
	raw = book(t, func(f *excelize.File, sheet string) {
		_, err := f.NewSheet("Liste")
		must(t, err, f.SetSheetRow(sheet, "A1", &[]any{"Bonjour"}), f.SetSheetRow("Liste", "A1", &header), f.SetSheetVisible("Liste", false))
	})
	if o := imported(t, raw); o.err == nil || !strings.Contains(o.err.Error(), `"Liste" (hidden)`) {
		t.Errorf("%v", o.err)
	}
}

func TestT8_TheOrderOfDayAndMonth(t *testing.T) {
	for _, c := range []struct {
		header string
		values [2]string
		want   string
		kind   string
	}{
		{"Date de naissance", [2]string{"03/07/2007", "12/01/2006"}, "2007-07-03", ""},
		{"Date of birth (DD/MM/YYYY)", [2]string{"03/07/2007", "12/01/2006"}, "2007-07-03", ""},
		{"DOB (MM/DD/YYYY)", [2]string{"03/07/2007", "12/01/2006"}, "2007-03-07", registry.FindMonthFirst},
		{"DOB", [2]string{"3/7/2007", "12/1/2006"}, "2007-07-03", registry.FindDateOrder},
		{"Birth date", [2]string{"3/7/2007", "12/31/2006"}, "2007-03-07", registry.FindMonthFirst},
		{"Date de naissance", [2]string{"03/07/2007", "31/12/2006"}, "2007-07-03", ""},
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Mail;"+c.header+"\n71;Roy;Anne;a@example.org;"+c.values[0]+"\n72;Roy;Zoé;z@example.org;"+c.values[1]+"\n"))
		if len(o.people) != 2 || o.people[0].BirthDate != c.want || c.kind != "" && !o.has(c.kind) || c.kind == "" && len(o.report.Findings) != 0 {
			t.Errorf("%s: %+v %q %+v", c.header, o.people, o.refused, o.report.Findings)
		}
	}
	// Both orders in one column are told, besides the lines that are refused.
	if o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Né le\n71;Roy;Anne;a@example.org;17/03/2007\n72;Roy;Zoé;z@example.org;03/17/2007\n")); len(o.refused) != 1 || !o.has(registry.FindDateOrder) {
		t.Errorf("%+v %q", o.people, o.refused)
	}
	// Midnight in France, written in UTC, is the day before.
	if o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Né le\n71;Roy;Anne;a@example.org;2007-03-16 23:00:00\n")); len(o.refused) != 1 || !strings.Contains(o.refused[0], "without doubt") {
		t.Errorf("%+v %q", o.people, o.refused)
	}
}

func TestT10_AFileWithoutHeadersLosesNobody(t *testing.T) {
	const file = "Liste;;;\n71;Roy;Anne;a@example.org\n72;Roy;Zoé;z@example.org\n"
	if o := imported(t, []byte(file)); o.err == nil || !strings.Contains(o.err.Error(), "no line of headers") {
		t.Errorf("%v", o.err)
	}
	o := imported(t, []byte(file), func(m *registry.Mapping) {
		m.Columns = map[string]string{"number": "#1", "family_name": "#2", "given_name": "#3"}
	})
	if o.err != nil || len(o.people) != 2 || o.people[0].Number != "71" || o.people[0].Email != "a@example.org" {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

func TestT14_OneAddressInEachForm(t *testing.T) {
	for value, want := range map[string]string{"Anne Roy <anne@example.org>": "anne@example.org", "<anne@example.org>": "anne@example.org", "a@@example.org": "not an address", "\"a@example.org, b@example.org\"": "more than one address", "a@example": "not an address"} {
		o := imported(t, []byte("numero;nom;prenom;mail\n71;Roy;Anne;"+value+"\n"))
		if len(o.people) == 1 && string(o.people[0].Email) != want || len(o.people) == 0 && !strings.Contains(o.refused[0], want) {
			t.Errorf("%s: %+v %q", value, o.people, o.refused)
		}
	}
}

func TestV3_TheReportCountsWhatTheRealmRefusesByRule(t *testing.T) {
	rules := func(p domain.Person) []domain.BrokenRule {
		if strings.ContainsAny(p.FamilyName, "/&") {
			return []domain.BrokenRule{{Field: domain.FieldFamilyName, Rule: "person-name-prohibited-characters", Detail: "has /"}}
		}
		return nil
	}
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail\n71;Roy/Petit;Anne;a@example.org\n72;Roy&Co;Bob;b@example.org\n73;Roy;Zoé;z@example.org\n"), func(m *registry.Mapping) { m.Rules = rules })
	at := slices.IndexFunc(o.report.Findings, func(f registry.Finding) bool { return f.Kind == registry.FindRealm })
	if len(o.people) != 1 || len(o.refused) != 2 || at < 0 || o.report.Findings[at].Count != 2 || o.report.Findings[at].Value != "person-name-prohibited-characters" {
		t.Errorf("%+v %q %+v", o.people, o.refused, o.report.Findings)
	}
}

func TestV26_AddressesOfTheUniversityAreRefusedIfConfigured(t *testing.T) {
	const file = "Numéro;Nom;Prénom;Mail\n71;Roy;Anne;anne.roy@etu.univ-x.example\n72;Roy;Zoé;z@example.org\n"
	own := func(m *registry.Mapping) { m.Domains = []string{"univ-x.example"} }
	if o := imported(t, []byte(file), own); len(o.people) != 2 || !o.has(registry.FindOwnDomain) {
		t.Errorf("warned: %+v %+v", o.people, o.report.Findings)
	}
	o := imported(t, []byte(file), own, func(m *registry.Mapping) { m.RefuseOwn = true })
	if len(o.people) != 1 || o.people[0].Number != "72" || len(o.refused) != 1 || !strings.Contains(o.refused[0], "an address of the university") {
		t.Errorf("refused: %+v %q", o.people, o.refused)
	}
}

// Headers of programs and directories, as they stand in the first line.
func TestT3_HeadersOfPrograms(t *testing.T) {
	for _, headers := range []string{
		"NO_ETUDIANT;NOM_AFFICHAGE;PRENOM_AFFICHAGE;D_NAISSANCE;EMAIL",
		"ID étudiant;Nom (en majuscules);Prénom (usuel);Date de naissance (JJ/MM/AAAA);E-mail (personnel)",
		"supannEtuId;sn;givenName;supannOIDCDatedeNaissance;mail", "supannEtuId;sn;givenName;schacDateOfBirth;supannMailPerso",
		"Code stagiaire;Nom stagiaire;Prénom stagiaire;Date naissance stagiaire;Mail stagiaire",
		"SPRIDEN_ID;SPRIDEN_LAST_NAME;SPRIDEN_FIRST_NAME;SPBPERS_BIRTH_DATE;GOREMAL_EMAIL_ADDRESS",
		"Student ID;Legal Last Name;Legal First Name;Date of Birth;Personal Email",
		"étudiant.numéro;étudiant.nom;étudiant.prénom;étudiant.naissance;étudiant.mail",
		"codeApprenant;nomDeNaissance;prenom;dateDeNaissance;courrielPersonnel",
	} {
		o := imported(t, []byte(headers+"\n22501234;Roy;Anne;09/05/2007;anne@example.org\n22501235;Diop;Léa;01/02/2006;lea@example.org\n"))
		if o.err != nil || len(o.people) != 2 || len(o.refused) > 0 {
			t.Errorf("%s: %v %q", headers, o.err, o.refused)
		} else if p := o.people[0]; p.Number != "22501234" || p.FamilyName != "Roy" || p.GivenName != "Anne" || p.BirthDate != "2007-05-09" || p.Email != "anne@example.org" {
			t.Errorf("%s: %+v", headers, p)
		}
	}
}

func TestT8_HyphensAndWeekdays(t *testing.T) {
	for text, want := range map[string]string{
		"17‑03‑2007": "2007-03-17", "17–03–2007": "2007-03-17", "sam. 17 mars 2007": "2007-03-17", "mar. 1er mai 2007": "2007-05-01", "mar 17 2007": "2007-03-17",
		"17 mars 2007.": "2007-03-17", "dim. 1 avr. 2007": "2007-04-01",
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Date de naissance;Mail\n71;Roy;Anne;"+text+";anne@example.org\n"))
		if p := one(t, text, o); p.BirthDate != want {
			t.Errorf("%s: %q, want %s", text, p.BirthDate, want)
		}
	}
}

// A word for nothing is no number, login or cohort. People may be called Null, which
// is told.
func TestT6_WordsForNothing(t *testing.T) {
	for _, word := range []string{"NULL", "(null)", "nan", "N/A", "n.c.", "-", "--", "inconnu", "\\N", "?"} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Mail\n"+word+";Roy;Anne;anne@example.org\n"))
		if o.err != nil || len(o.people) > 0 || len(o.refused) != 1 {
			t.Errorf("the number %q: %+v, %q, %v", word, o.people, o.refused, o.err)
		}
		o = imported(t, []byte("Numéro;Nom;Prénom;Mail;Login;Promotion\n71;Roy;Anne;anne@example.org;aroy;L1\n72;Diop;Léa;lea@example.org;"+word+";"+word+"\n"))
		if o.err != nil || len(o.people) != 2 || o.people[1].Login != "" || o.people[1].Cohort != "" {
			t.Errorf("login and cohort %q: %+v, %q, %v", word, o.people, o.refused, o.err)
		}
	}
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail\n71;Null;Anne;anne@example.org\n"))
	if p := one(t, "Null", o); p.FamilyName != "Null" || !o.has(registry.FindDamaged) {
		t.Errorf("%+v %+v", p, o.report.Findings)
	}
}

// A CSV that was opened and saved by a spreadsheet with another separator has one
// cell in quotes per line.
func TestT9_LinesInQuotesAsAWhole(t *testing.T) {
	o := imported(t, []byte("\"Numéro,\"\"Nom\"\",Prénom,Mail\"\r\n\"71,\"\"Roy, de\"\",Anne,anne@example.org\"\r\n\"72,\"\"Diop\"\",Léa,lea@example.org\";;\r\n"))
	if o.err != nil || len(o.people) != 2 || o.people[0].FamilyName != "Roy, de" || o.people[1].GivenName != "Léa" {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	o = imported(t, []byte("\"Numéro\"\n\"71\"\n"))
	if o.err == nil || len(o.people) > 0 {
		t.Errorf("one column: %+v", o.people)
	}
}

// A column of digits without a known header is the number only if nothing says that
// it holds telephones or amounts.
func TestT3_TelephonesAreNoNumbers(t *testing.T) {
	for header, values := range map[string][2]string{
		"Tél. urgence": {"0612345678", "0698765432"}, "Telephone parent": {"0612345678", "0698765432"}, "Joindre au": {"0612345678", "0698765432"},
		"NIR": {"107031234567", "206024567890"}, "IBAN": {"30004000", "30004001"}, "Montant": {"1200", "1300"}, "Crédits": {"60001", "60002"},
	} {
		o := imported(t, []byte("Nom;Prénom;"+header+";Mail\nRoy;Anne;"+values[0]+";anne@example.org\nDiop;Léa;"+values[1]+";lea@example.org\n"))
		if o.err == nil || len(o.people) > 0 {
			t.Errorf("%s is taken for the number: %+v", header, o.people)
		}
	}
	o := imported(t, []byte("Nom;Prénom;XB12;Mail\nRoy;Anne;22501234;anne@example.org\nDiop;Léa;22501235;lea@example.org\n"))
	if o.err != nil || len(o.people) != 2 || !o.has(registry.FindGuessed) {
		t.Errorf("%+v %v", o.people, o.err)
	}
	o = imported(t, []byte("Numéro;Nom;Nom d'épouse;Prénom;Né le;Mail\n71;Roy;Diop;Anne;'09/05/2007;anne@example.org\n"))
	if p := one(t, "Nom d'épouse", o); p.FamilyName != "Diop" || p.BirthDate != "2007-05-09" {
		t.Errorf("%+v", p)
	}
}
