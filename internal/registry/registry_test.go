package registry_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/charmap"

	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/store"
	"entree/internal/store/litetest"
)

var mapping = registry.Mapping{
	Profiles: []string{"etudiant", "personnel"}, Ready: []string{"oui", "prêt"}, Held: []string{"bloqué"},
	Aliases: map[string][]string{"etudiant": {"Étudiant", "ETU"}},
}

const good = `N° étudiant;Profil;Prénom;Nom;Date de naissance;Adresse mail personnelle;Prêt;Cohorte
22502142;Étudiant;Jean-Pierre;Martin;17/03/2007;JP.Martin@Example.net;oui;L1 2026
022;etu;Zoé;d'Arc;2006-02-29x;zoe@example.net;oui;
00042;Etudiant;"Marie ; Anne";Nuñez;1/2/2007;marie@example.net;non;L1 2026
7;personnel;王;小明;;wang@example.net;Bloqué;
`

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), litetest.DSN(t, t.TempDir()), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func run(t *testing.T, s *store.Store, text string, dryRun bool) (domain.ImportCounts, []string, error) {
	t.Helper()
	var refused []string
	counts, err := take(t.Context(), s, strings.NewReader(text), &domain.ImportOrder{DryRun: dryRun, Part: true}, func(r registry.Refusal) error {
		refused = append(refused, r.String())
		return nil
	})
	return counts, refused, err
}

// take imports a file of any format.
func take(ctx context.Context, s registry.Sink, r io.Reader, o *domain.ImportOrder, refused func(registry.Refusal) error) (domain.ImportCounts, error) {
	table, err := registry.Open(r)
	if err != nil {
		return domain.ImportCounts{}, err
	}
	counts, err := registry.Import(ctx, s, table, mapping, o, registry.Observer{Refused: refused})
	return counts, errors.Join(err, table.Close())
}

func ignore(registry.Refusal) error { return nil }

func people(t *testing.T, s *store.Store) []domain.Person {
	t.Helper()
	p, err := s.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestImport(t *testing.T) {
	s := open(t)
	report, refused, err := run(t, s, good, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := (domain.ImportCounts{New: 3, Refused: 1}); report != want {
		t.Errorf("%+v, want %+v", report, want)
	}
	if diff := cmp.Diff([]string{`line 3, column "Date de naissance": not a date: want 31/12/2004 or 2004-12-31`}, refused); diff != "" {
		t.Error(diff)
	}
	want := []domain.Person{
		{Profile: "etudiant", Number: "00042", GivenName: "Marie ; Anne", FamilyName: "Nuñez", BirthDate: "2007-02-01", Email: "marie@example.net", Cohort: "L1 2026", Readiness: domain.NotReady},
		{Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "Martin", BirthDate: "2007-03-17", Email: "jp.martin@example.net", Cohort: "L1 2026", Readiness: domain.Ready},
		{Profile: "personnel", Number: "7", GivenName: "王", FamilyName: "小明", Email: "wang@example.net", Readiness: domain.Held},
	}
	if diff := cmp.Diff(want, people(t, s), cmpopts.IgnoreFields(domain.Person{}, "ID")); diff != "" {
		t.Error(diff)
	}
}

func TestImport_TheSameFileTwiceChangesNothing(t *testing.T) {
	s := open(t)
	if _, _, err := run(t, s, good, false); err != nil {
		t.Fatal(err)
	}
	before := people(t, s)
	report, _, err := run(t, s, good, false)
	if err != nil || report != (domain.ImportCounts{Unchanged: 3, Refused: 1}) {
		t.Errorf("%+v, %v", report, err)
	}
	if diff := cmp.Diff(before, people(t, s)); diff != "" {
		t.Error(diff)
	}
	report, _, err = run(t, s, strings.Replace(good, "Martin", "Martin-Durand", 1), false)
	if err != nil || report != (domain.ImportCounts{Changed: 1, Unchanged: 2, Refused: 1}) {
		t.Errorf("after a change: %+v, %v", report, err)
	}
}

func TestImport_ADryRunCountsAndStoresNothing(t *testing.T) {
	s := open(t)
	report, refused, err := run(t, s, good, true)
	if err != nil || report != (domain.ImportCounts{New: 3, Refused: 1}) || len(refused) != 1 {
		t.Errorf("%+v, %v, %v", report, refused, err)
	}
	if p := people(t, s); len(p) != 0 {
		t.Errorf("%d people", len(p))
	}
}

func TestImport_EncodingsAndSeparators(t *testing.T) {
	latin, err := charmap.Windows1252.NewEncoder().String(strings.ReplaceAll(good, "王;小明", "Zoé;Œuvrard"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"UTF-8 with its mark": "\ufeff" + good,
		"Windows-1252":        latin,
		"commas":              strings.ReplaceAll(strings.ReplaceAll(good, "Marie ; Anne", "Marie"), ";", ","),
		"tabs":                strings.ReplaceAll(strings.ReplaceAll(good, "Marie ; Anne", "Marie"), ";", "\t"),
		"CRLF":                strings.ReplaceAll(good, "\n", "\r\n"),
		"no last line break":  strings.TrimRight(good, "\n"),
	} {
		s := open(t)
		report, refused, err := run(t, s, text, false)
		if err != nil || report.New != 3 || report.Refused != 1 {
			t.Errorf("%s: %+v %v %v", name, report, refused, err)
			continue
		}
		if p := people(t, s); p[0].FamilyName != "Nuñez" {
			t.Errorf("%s: the name is %q", name, p[0].FamilyName)
		}
	}
}

func TestImport_EachRefusedLineSaysWhy(t *testing.T) {
	const head = "numero;prenom;nom;profil;mail;naissance\n"
	for line, want := range map[string]string{
		";Anne;Roy;etudiant;a@example.net;":                                         `line 2, column "numero": empty`,
		"1 2/3;Anne;Roy;etudiant;a@example.net;":                                    `line 2, column "numero": not a number`,
		"1;;Roy;etudiant;a@example.net;":                                            `line 2, column "prenom": empty`,
		"1;Anne;;etudiant;a@example.net;":                                           `line 2, column "nom": empty`,
		"1;Anne;Roy;poète;a@example.net;":                                           `line 2, column "profil": unknown profile: want one of etudiant, personnel`,
		"1;Anne;Roy;etudiant;;":                                                     `line 2, column "mail": empty`,
		"1;Anne;Roy;etudiant;a@example.net, b@example.net;":                         `line 2, column "mail": more than one address`,
		"1;Anne;Roy;etudiant;anne;":                                                 `line 2, column "mail": not an address`,
		"1;Anne;Roy;etudiant;a@example.net;31/02/2007":                              `line 2, column "naissance": not a date`,
		"1;Anne;Roy;etudiant;a@example.net;31/12/3007":                              `line 2, column "naissance": not a date of birth`,
		"1;Anne;Roy;etudiant;a@example.net;;x":                                      `line 2: 7 columns, the header has 6`,
		"1;Anne;" + strings.Repeat("x", 5000) + ";etudiant;a@example.net;":          `line 2, column "nom": longer than 4096 bytes`,
		"1;Anne;Roy;etudiant;a@example.net;\n1;Anne;Roy;etudiant;a@example.net;":    `line 3, column "numero": this number came before`,
		"1;Anne;Roy;etudiant;a@example.net;\n\n\n1;Ann;Roy;etudiant;a@example.net;": `line 5, column "numero": this number came before`,
	} {
		s := open(t)
		_, refused, err := run(t, s, head+line+"\n9;Good;Line;etudiant;good@example.net;\n", false)
		if err != nil || len(refused) != 1 || !strings.HasPrefix(refused[0], want) {
			t.Errorf("%.60s: %q, %v; want %s", line, refused, err, want)
			continue
		}
		if p := people(t, s); p[len(p)-1].Number != "9" {
			t.Errorf("%s: the good line was lost", line)
		}
	}
}

func TestImport_ABrokenFileChangesNothing(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "the file is empty"},
		"no such column":  {strings.Replace(good, "Nom", "Blason", 1), `no column for family_name ("nom" would do); the file has "N° étudiant"`},
		"a spreadsheet":   {"PK\x03\x04 and so on", "this is a spreadsheet"},
		"an old one":      {"\xd0\xcf\x11\xe0 and so on", "this is a spreadsheet of an old kind (XLS), or one with a password"},
		"binary":          {"a;b\x00c\x00\x00\x01", "not a text file"},
		"binary later on": {good + strings.Repeat("9;;;;;;;\n", 20000) + strings.Repeat("\x00\x01", 500), "not a text file"},
	} {
		s := open(t)
		if _, _, err := run(t, s, good, false); err != nil {
			t.Fatal(err)
		}
		before := people(t, s)
		if _, _, err := run(t, s, c.text, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if diff := cmp.Diff(before, people(t, s)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestImport_AnErrorMidwayKeepsNothing(t *testing.T) {
	s := open(t)
	broken := io.MultiReader(strings.NewReader(good), failing{})
	_, err := take(t.Context(), s, broken, &domain.ImportOrder{}, ignore)
	if err == nil || len(people(t, s)) != 0 {
		t.Errorf("%v, %d people", err, len(people(t, s)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := take(ctx, s, strings.NewReader(good), &domain.ImportOrder{}, ignore); err == nil || len(people(t, s)) != 0 {
		t.Errorf("cancelled: %v, %d people", err, len(people(t, s)))
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("the disk is gone") }

func TestImport_NamesGivenByTheSource(t *testing.T) {
	s := open(t)
	const text = "numero;prenom;nom;profil;mail;identifiant\n1;Anne;Roy;etudiant;a@example.net;ARoy\n2;Alain;Roy;etudiant;b@example.net;aroy\n"
	report, refused, err := run(t, s, text, false)
	if err != nil || report.New != 1 || len(refused) != 1 || !strings.Contains(refused[0], "somebody else's") {
		t.Errorf("%+v %q %v", report, refused, err)
	}
	if _, _, err := run(t, s, strings.Replace(text, "ARoy", "other", 1), false); err != nil {
		t.Fatal(err)
	}
	if p := people(t, s); p[0].Login != "aroy" {
		t.Errorf("the identifier changed to %q", p[0].Login)
	}
}

func TestImport_ThePlaceOfTheHeader(t *testing.T) {
	const lines = "1;Anne;Roy;a@example.org;x\n2;Bob;Roy;b@example.org;y\n"
	for name, c := range map[string]struct {
		head    string
		columns map[string]string
	}{
		"a title above it":              {"Inscriptions;;;;\n\nMatricule;Prénom;Nom;Mail;z\n", nil},
		"two lines together":            {"Étudiant;;;Adresse mail;\nMatricule;Prénom;Nom;personnelle;z\n", nil},
		"two languages":                 {"Matricule;Prénom;Nom;Mail;z\nStudent number;First name;Last name;E-mail;z\n", nil},
		"columns by number":             {"Matricule;Prénom;Nom;Contact;z\n", map[string]string{"number": "#1", "given_name": "#2", "family_name": "#3", "email": "#4", "cohort": ""}},
		"every one of them by number":   {"a;b;c;d;e\n", map[string]string{"number": "#1", "given_name": "#2", "family_name": "#3", "email": "#4"}},
		"the more telling of two":       {"Matricule;Prénom;Nom;Adresse mail personnelle;Mail\n", nil},
		"quoted numbers of a programme": {"Matricule;Prénom;Nom;Mail;\"z;z\"\n", nil},
	} {
		table, err := registry.Open(strings.NewReader(c.head + lines))
		if err != nil {
			t.Fatal(err)
		}
		m := registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant"}, Columns: c.columns}
		s := open(t)
		counts, err := registry.Import(t.Context(), s, table, m, &domain.ImportOrder{}, registry.Observer{})
		if err != nil || counts != (domain.ImportCounts{New: 2}) {
			t.Errorf("%s: %+v, %v", name, counts, err)
			continue
		}
		if all := people(t, s); all[0].Email != "a@example.org" || all[0].FamilyName != "Roy" {
			t.Errorf("%s: %+v", name, all[0])
		}
	}
}

func TestS38_TheListOfRefusedLinesIsSafeToOpen(t *testing.T) {
	var out bytes.Buffer
	w, err := registry.NewRefused(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "nom;\"x\"", "＝1", "Nom"} {
		if err := w.Add(registry.Refusal{Line: 2, Column: column, Reason: "=1+1"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet computes %q", cell)
			}
		}
	}
	if rows[9][2] != "Nom" {
		t.Errorf("what is harmless was changed to %q", rows[9][2])
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("a;b\n\"\n"))
	f.Add([]byte("numero,prenom,nom,mail,profil\n1,\xe9,b,c@d.org,etudiant\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = take(t.Context(), counting{}, bytes.NewReader(raw), &domain.ImportOrder{}, func(r registry.Refusal) error {
			if r.Line < 1 || r.Reason == "" {
				t.Errorf("a refusal without a place or a reason: %+v", r)
			}
			return nil
		})
	})
}

// counting is a sink that checks what it is given.
type counting struct{}

func (c counting) Import(_ context.Context, _ *domain.ImportOrder, fill func(domain.Intake) error) (domain.ImportCounts, error) {
	return domain.ImportCounts{}, fill(c)
}

func (counting) Put(line int, p domain.Person) error {
	if line < 1 || p.Number == "" || p.Email == "" || p.Profile == "" || p.FamilyName == "" {
		return fmt.Errorf("an incomplete person: %+v", p)
	}
	return nil
}

func (counting) Refuse(string, string) error { return nil }

// Person ids are random: two databases give the same enrolment different ids, and
// a second import keeps them.
func TestR16_PersonIDsSayNothingOfTheNumber(t *testing.T) {
	ids := map[domain.PersonID]bool{}
	for range 2 {
		s := open(t)
		for round := range 2 {
			counts, _, err := run(t, s, good, false)
			if want := []int{3, 0}[round]; err != nil || counts.New != want {
				t.Fatalf("%+v %v", counts, err)
			}
			for _, p := range people(t, s) {
				if len(p.ID) != 32 {
					t.Errorf("id %q", p.ID)
				}
				ids[p.ID] = true
			}
		}
	}
	if len(ids) != 6 {
		t.Errorf("%d ids of 3 people in 2 databases, want 6", len(ids))
	}
}

// A report without findings has an empty list in JSON, and people who share an address or
// a number but for zeros are told.
func TestT1_RepeatedValuesAreFindings(t *testing.T) {
	for second, want := range map[string]string{
		"22501002;Roy;Zoé;z@example.org":       `[]`,
		"22501002;Roy;Zoé;a@example.org":       `"kind":"people.shared","field":"email","column":"Mail","value":"family","count":2,"examples":[{"line":2,"text":"a@example.org"}]`,
		"22501002;Petit;Zoé;a@example.org":     `"kind":"people.shared","field":"email","column":"Mail","count":2,"examples":[{"line":2,"text":"a@example.org"}]`,
		"22501002;ROY;anne;a@example.org":      `"kind":"people.shared","field":"email","column":"Mail","count":2,"examples":[{"line":2,"text":"a@example.org"}]`, // one person with two numbers
		"0022501001;Roy;Anne;z@example.org":    `"kind":"people.zeros","field":"number","column":"Numéro","count":2,"examples":[{"line":2,"text":"0022501001, 22501001"}]`,
		"22501001;Roy;Anne-Lise;a@example.org": `[]`, // refused: the number came before
	} {
		table, err := registry.Open(strings.NewReader("Numéro;Nom;Prénom;Mail\n22501001;Roy;Anne;a@example.org\n" + second + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		var report []byte
		_, err = registry.Import(t.Context(), open(t), table, registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant"}}, &domain.ImportOrder{Part: true}, registry.Observer{
			Report: func(r *registry.Report) (err error) {
				report, err = json.Marshal(r.Findings)
				return err
			},
		})
		if err := errors.Join(err, table.Close()); err != nil {
			t.Fatal(err)
		}
		if want == "[]" && string(report) != want || !strings.Contains(string(report), want) {
			t.Errorf("%s: %s, want %s", second, report, want)
		}
	}
}
