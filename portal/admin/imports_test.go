package admin_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/registry/intake"
	"entree/internal/store"
	"entree/portal/admin"
)

// importing returns a console that imports into a real store, the store, and
// the folder of the uploaded files.
func importing(t *testing.T) (*world, *store.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "entree.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "imports")
	in := intake.New(t.Context(), intake.Options{
		Folder: folder, Store: s, MaxGone: 0.1, Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: rand.Reader,
		Mapping: registry.Mapping{Profiles: []string{"etudiant", "personnel"}, Ready: []string{"oui"}},
	})
	t.Cleanup(func() { in.Close(); _ = s.Close() })
	return newWorld(t, func(o *admin.Options) {
		o.Intake, o.Imports = in, s
		o.Profiles = []domain.Profile{{Key: "etudiant", Names: map[domain.Lang]string{domain.French: "Étudiant", domain.English: "Student"}}}
	}), s, folder
}

// upload sends a file as a browser does.
func (b *browser) upload(token, name, text string) *page {
	b.w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	b.w.must(form.WriteField("jeton", token))
	file, err := form.CreateFormFile("fichier", name)
	b.w.must(err)
	_, err = io.WriteString(file, text)
	b.w.must(err)
	b.w.must(form.Close())
	r := httptest.NewRequest(http.MethodPost, base+"/admin/imports", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.w.site.ServeHTTP(rec, r)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(rec.Body.String()))
	b.w.must(err)
	return b.follow(&page{Document: doc, w: b.w, path: r.URL.RequestURI(), status: rec.Code, header: rec.Header(), body: rec.Body.String()})
}

// fill submits a form with its current values, including select fields and
// checkboxes, and the given values.
func (b *browser) fill(p *page, end string, typed ...string) *page {
	b.w.t.Helper()
	form := p.Find(`form[action$="` + end + `"]`).First()
	values := url.Values{}
	form.Find("input[type=hidden], input[name=source]").Each(func(_ int, in *goquery.Selection) { values.Set(in.AttrOr("name", ""), in.AttrOr("value", "")) })
	form.Find("select").Each(func(_ int, s *goquery.Selection) {
		values.Set(s.AttrOr("name", ""), s.Find("option[selected]").AttrOr("value", ""))
	})
	for i := 0; i+1 < len(typed); i += 2 {
		values.Set(typed[i], typed[i+1])
	}
	return b.follow(b.do("POST", form.AttrOr("action", "/"), values))
}

// until requests a page again until it no longer shows progress.
func (b *browser) until(p *page) *page {
	b.w.t.Helper()
	for end := time.Now().Add(time.Minute); p.Find("[data-live]").Length() > 0; p = b.get(p.path) {
		if time.Now().After(end) {
			b.w.t.Fatal("it does not end")
		}
	}
	return p
}

const enrolment = "Matricule;Prénom;Nom;Contact\n1;Anne;Roy;anne@example.org\n2;Bob;Roy;nowhere\n3;Carla;Roy;carla@example.org\n4;Dora;Roy;dora@example.org\n5;Élise;Roy;elise@example.org\n"

func TestImport_UploadedCorrectedTriedAndImported(t *testing.T) {
	w, s, folder := importing(t)
	b := w.operator("admin")
	list := b.get("/admin/imports").shows("main", "Aucun import pour l'instant.")
	token := list.Find("[name=jeton]").First().AttrOr("value", "")
	p := b.upload(token, "étudiants 2026.csv", enrolment).shows("h1", "étudiants 2026.csv").shows("main", "d'après le titre et le contenu")
	if chosen := p.Find("#colonne4 option[selected]").AttrOr("value", ""); chosen != "email" {
		t.Fatalf("the fourth column is proposed as %q", chosen)
	}
	// The file does not contain the profile, and none was chosen.
	p = b.until(b.fill(p, "/essayer")).shows("[role=alert]", "choisissez le profil de tous")
	// A field that is chosen for two columns is reported at the second column.
	p = b.fill(p, "/essayer", "profil", "etudiant", "colonne3", "given_name")
	p.shows(".summary", "est choisi pour deux colonnes")
	p = b.until(b.fill(p, "/essayer", "profil", "etudiant", "colonne3", "family_name"))
	p.shows("main", "Nouvelles 4").shows("main", "Refusées 1").shows("table", "pas une adresse")
	if all, err := s.People(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("a trial stored %d people, %v", len(all), err)
	}
	b.get(p.path+"?voir=new").shows("table", "Carla Roy")
	p = b.until(b.fill(p, "/importer")).shows("main", "sauf 1 ligne refusée").shows("dl", "Nouvelles")
	if acts := begun(t, s); len(acts) != 1 || acts[0].By.Role != "admin" || acts[0].What["new"] != "4" || "/admin/imports/"+acts[0].Whom != p.path {
		t.Errorf("the audit: %+v", acts)
	}
	if all, err := s.People(t.Context()); err != nil || len(all) != 4 {
		t.Errorf("%d people, %v", len(all), err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*.data")); len(left) != 0 {
		t.Errorf("the file is still there: %v", left)
	}
	// The refused lines can still be downloaded, to correct them in a
	// spreadsheet.
	mend := b.get(p.Find("a[download]").AttrOr("href", "/none"))
	if want := "Ligne;Colonne;Valeur;Raison\n3;Contact;nowhere;pas une adresse : écrivez nom@domaine\n"; mend.body != "\ufeff"+want {
		t.Errorf("the refused lines: %q", mend.body)
	}
	b.get("/admin/imports").shows("table", "étudiants 2026.csv").shows("table", "terminé").shows("table", "Ada admin")

	// A file without most of the people requires a confirmation and a fresh
	// login.
	p = b.upload(token, "half.csv", "Matricule;Prénom;Nom;Mail\n1;Anne;Roy;anne@example.org\n")
	p = b.until(b.fill(p, "/essayer", "profil", "etudiant")).shows("[role=alert]", "3 personnes de la même source manquent")
	if p.Find(`form[action$="/importer"]`).Length() != 0 {
		t.Error("it can be imported without a question")
	}
	b.follow(b.do("POST", p.path+"/importer", url.Values{"jeton": {token}}))
	if all, _ := s.People(t.Context()); all[1].Readiness != domain.Ready {
		t.Error("somebody is gone without a question")
	}
	w.sleep(10 * time.Minute)
	p = b.get(p.path)
	p = b.fill(p, "/importer-malgre-tout").want("/admin/confirmer", 200)
	b.until(b.fill(p, "/importer-malgre-tout")).shows("main", "L'import est terminé.")
	if all, _ := s.People(t.Context()); all[1].Readiness != domain.NotReady {
		t.Error("no one is gone")
	}
}

// The console and the command line import the same people from the same file,
// and the page shows the report on the file.
func TestT11_TheConsoleReadsAsTheCommandLineDoes(t *testing.T) {
	wide := strings.Repeat("x;", 70)
	for name, c := range map[string]struct{ text, says string }{
		"many columns":        {wide + "numero;nom;prenom;mail\n" + wide + "71;Roy;Anne;a@example.org\n", "71"},
		"birth name":          {"Code apprenant;INE;Nom de naissance;Nom usuel;Prénom;Adresse électronique personnelle\n71;1A;Roy;;Anne;a@example.org\n72;1B;Roy;Petit;Zoé;z@example.org\n", "d'après le titre"},
		"two addresses":       {"numero;nom;prenom;Mail;Mail perso\n71;Roy;Anne;o71@etu.univ.example;a@example.org\n", "Deux colonnes contiennent des adresses"},
		"a state of students": {"numero;nom;prenom;mail;Etat\n71;Roy;Anne;a@example.org;Boursier\n", "son titre pourrait désigner"},
		"a bare quote":        {"numero;nom;prenom;mail\n71;Roy;Anne \"Nan\";a@example.org\n72;Roy;Zoé;z@example.org\n", "Refusées 1"},
		"MacRoman":            {"numero;nom;prenom;mail\n71;Roy;Zo\x8e;a@example.org\n", "MacRoman"},
		"mixed":               {"numero;nom;prenom;mail\n71;Roy;Zoé;a@example.org\n72;Dupr\xe9;Anne;d@example.org\n", "Le fichier mélange des encodages"},
	} {
		t.Run(name, func(t *testing.T) {
			w, s, _ := importing(t)
			b := w.operator("admin")
			token := b.get("/admin/imports").Find("[name=jeton]").First().AttrOr("value", "")
			p := b.until(b.fill(b.upload(token, "x.csv", c.text), "/essayer", "profil", "etudiant"))
			p.shows("main", c.says)
			b.until(b.fill(p, "/importer"))
			byConsole, err := s.People(t.Context())
			w.must(err)
			other, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "entree.db"), time.Now)
			w.must(err)
			defer other.Close()
			table, err := registry.Open(strings.NewReader(c.text))
			w.must(err)
			defer table.Close()
			m := registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant", "personnel"}, Ready: []string{"oui"}}
			_, err = registry.Import(t.Context(), other, table, m, &domain.ImportOrder{}, registry.Observer{})
			w.must(err)
			byCommand, err := other.People(t.Context())
			w.must(err)
			for _, all := range [][]domain.Person{byConsole, byCommand} {
				for i := range all {
					all[i].ID = "" // drawn at random
				}
			}
			if len(byConsole) == 0 || fmt.Sprint(byConsole) != fmt.Sprint(byCommand) {
				t.Errorf("by the console %+v, by the command line %+v", byConsole, byCommand)
			}
		})
	}
}

// A sheet that is not read is reported, and can be chosen.
func TestT6_SheetsAreChosen(t *testing.T) {
	w, s, _ := importing(t)
	book := excelize.NewFile()
	for sheet, n := range map[string]int{"Sheet1": 71, "L2": 81} {
		_, err := book.NewSheet(sheet)
		w.must(err)
		w.must(book.SetSheetRow(sheet, "A1", &[]any{"Numéro", "Nom", "Prénom", "Mail"}))
		w.must(book.SetSheetRow(sheet, "A2", &[]any{n, "Roy", "Anne", fmt.Sprintf("p%d@example.org", n)}))
	}
	var raw bytes.Buffer
	w.must(book.Write(&raw))
	b := w.operator("admin")
	token := b.get("/admin/imports").Find("[name=jeton]").First().AttrOr("value", "")
	p := b.upload(token, "x.xlsx", raw.String()).shows("main", "La feuille « L2 » n'est pas lue")
	p = b.fill(p, "/feuilles", "feuille1", "", "feuille2", "oui")
	p = b.until(b.fill(p, "/essayer", "profil", "etudiant"))
	b.until(b.fill(p, "/importer"))
	if all, err := s.People(t.Context()); err != nil || len(all) != 1 || all[0].Number != "81" {
		t.Errorf("%+v %v", all, err)
	}
}

// begun returns the audit entries of imports that were started.
func begun(t *testing.T, s *store.Store) (out []audit.Link) {
	t.Helper()
	if err := s.Audit(t.Context(), audit.Query{Act: "import.begun"}, func(l audit.Link) error { out = append(out, l); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// A page shows the first entries of each kind. The file contains all of them,
// has no cells that a spreadsheet computes (S38), and its download is recorded
// in the audit.
func TestImport_TheWholeListIsAFile(t *testing.T) {
	w, s, _ := importing(t)
	b := w.operator("admin")
	list := b.get("/admin/imports")
	token := list.Find("[name=jeton]").First().AttrOr("value", "")
	lines := func(mail string, n int) string {
		var out strings.Builder
		out.WriteString("Matricule;Prénom;Nom;Mail\n")
		for i := range n {
			fmt.Fprintf(&out, "%d;=1+A;Roy%d;%s%d@example.org\n", 1000+i, i, mail, i)
		}
		return out.String()
	}
	p := b.until(b.fill(b.upload(token, "a.csv", lines("a", 600)+"9;;Roy;x@example.org\n"), "/essayer", "profil", "etudiant"))
	p.shows("td", "vide")
	p = b.get(p.path+"?voir=new").shows("td", "Étudiant").shows("main", "Les 500 premières sont montrées ici.")
	url := p.Find("a[download]").AttrOr("href", "")
	w.journal.acts()
	sheet := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(url).body, "\ufeff")))
	sheet.Comma = ';'
	rows, err := sheet.ReadAll()
	if err != nil || len(rows) != 601 || rows[600][2] != "1599" || rows[600][3] != "'=1+A Roy599" {
		t.Errorf("%d rows, %v, %v", len(rows), err, rows[len(rows)-1])
	}
	if acts := strings.Join(w.journal.acts(), ", "); acts != "admin import.exported" {
		t.Errorf("noted: %s", acts)
	}
	if head := b.do("HEAD", url, nil); head.status == http.StatusOK {
		t.Error("HEAD gives it without a note")
	}
	if none := b.get(p.path[:strings.Index(p.path, "?")] + "/liste/other"); none.status != http.StatusNotFound {
		t.Errorf("no such list: %d", none.status)
	}
	for _, role := range []string{"helpdesk", "auditor"} {
		if other := w.operator(role).get(url); other.status != http.StatusForbidden {
			t.Errorf("%s: %d", role, other.status)
		}
	}
	b.until(b.fill(p, "/importer"))
	p = b.until(b.fill(b.upload(token, "b.csv", lines("b", 2)), "/essayer", "profil", "etudiant", "partie", "oui"))
	if list := b.get(p.path + "/liste/changed").body; !strings.Contains(list, "2;etudiant;1000;'=1+A Roy0;Adresse personnelle;a0@example.org;b0@example.org\n") {
		t.Errorf("what changes: %q", list)
	}
	if acts := begun(t, s); len(acts) != 1 {
		t.Errorf("%d imports in the audit", len(acts))
	}
}

// An import that is started during another one is refused with a message. It
// writes no audit entry, and can be started later.
func TestImport_OneAtATime(t *testing.T) {
	w, s, _ := importing(t)
	b := w.operator("admin")
	token := b.get("/admin/imports").Find("[name=jeton]").First().AttrOr("value", "")
	p := b.until(b.fill(b.upload(token, "x.csv", enrolment), "/essayer", "profil", "etudiant", "colonne3", "family_name"))
	reading, goOn, ended := make(chan bool), make(chan bool), make(chan error)
	go func() {
		_, err := s.Import(t.Context(), &domain.ImportOrder{}, func(domain.Intake) error { reading <- true; <-goOn; return nil })
		ended <- err
	}()
	<-reading
	open := sync.OnceFunc(func() { close(goOn) })
	defer open()
	p = b.until(b.fill(p, "/importer")).shows("[role=alert]", "Un autre import est en cours")
	if chosen := p.Find("#colonne3 option[selected]").AttrOr("value", ""); chosen != "family_name" {
		t.Errorf("the columns are forgotten: %q", chosen)
	}
	if acts := begun(t, s); len(acts) != 0 {
		t.Errorf("the audit has what was not begun: %+v", acts)
	}
	open()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	p = b.until(b.fill(p, "/essayer"))
	b.until(b.fill(p, "/importer")).shows("main", "L'import est terminé, sauf 1 ligne refusée : elle n'a pas été importée.")
}

// The page shows the progress of an import while it runs, and its result at the
// end.
func TestImport_TheProgressIsLive(t *testing.T) {
	w, s, folder := importing(t)
	read, gate := make(chan bool, 9), make(chan bool)
	open := sync.OnceFunc(func() { close(gate) })
	in := intake.New(t.Context(), intake.Options{
		Folder: folder, Store: gated{s, read, gate}, MaxGone: 1, Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: rand.Reader, Mapping: registry.Mapping{Profiles: []string{"etudiant"}},
	})
	t.Cleanup(func() { open(); in.Close() })
	w.console.Intake = in
	b := w.operator("admin")
	token := b.get("/admin/imports").Find("[name=jeton]").First().AttrOr("value", "")
	p := b.upload(token, "x.csv", enrolment)
	p = b.fill(p, "/essayer", "colonne3", "family_name")
	<-read
	p = b.get(p.path).shows("[data-live] [role=status]", "Essai en cours.").shows("[data-live] [role=status]", "Lecture – 4 lignes")
	if live := p.Find("[data-live]").AttrOr("data-live", ""); live != p.path+"/direct" {
		t.Errorf("the live part is at %q", live)
	}
	open()
	p = b.until(p).shows("main", "Nouvelles 4")
	p = b.fill(p, "/importer")
	b.until(p).shows("main", "L'import est terminé, sauf 1 ligne refusée : elle n'a pas été importée.")
}

// gated is a store that waits for a test before it compares the people.
type gated struct {
	*store.Store
	read, gate chan bool
}

func (g gated) Import(ctx context.Context, o *domain.ImportOrder, fill func(domain.Intake) error) (domain.ImportCounts, error) {
	return g.Store.Import(ctx, o, func(in domain.Intake) error {
		err := fill(in)
		o.Progress(domain.PhaseReading, 4)
		g.read <- true
		<-g.gate
		return err
	})
}

func TestImport_WhatIsNoFileOfPeopleIsSaidAndNotKept(t *testing.T) {
	w, _, folder := importing(t)
	b := w.operator("admin")
	token := b.get("/admin/imports").Find("[name=jeton]").First().AttrOr("value", "")
	for text, want := range map[string]string{
		"":                     "Le fichier est vide.",
		"PK\x03\x04nonsense":   "C'est un tableur ou une archive illisible",
		"a;b\x00c\x00\x00\x01": "ni un tableur",
		"\xd0\xcf\x11\xe0old":  "ancien format",
	} {
		b.upload(token, "x.csv", text).shows(".summary", want).shows("#fichier-erreur", "n'a pas été gardé")
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("kept: %v", left)
	}
	if p := b.upload("wrong", "x.csv", enrolment); p.status != http.StatusConflict {
		t.Errorf("a form of another session: %d", p.status)
	}
	if p := b.get("/admin/imports/" + strings.Repeat("0", 32)); p.status != http.StatusNotFound {
		t.Errorf("no such import: %d", p.status)
	}
	p := b.upload(token, "x.csv", enrolment)
	b.fill(p, "/jeter").want("/admin/imports", 200).shows(".notice", "Le fichier a été effacé.")
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("kept: %v", left)
	}
}

func TestImport_IsTheAdminsAlone(t *testing.T) {
	w, _, _ := importing(t)
	b := w.operator("admin")
	path := b.upload(b.get("/admin/imports").Find("[name=jeton]").First().AttrOr("value", ""), "x.csv", enrolment).path
	for _, tt := range []struct {
		role, method, path string
		status             int
	}{
		{"helpdesk", "GET", "/admin/imports", 403}, {"helpdesk", "GET", path, 403}, {"helpdesk", "POST", "/admin/imports", 403},
		{"auditor", "GET", path + "/liste/refused", 403}, {"helpdesk", "GET", path + "/liste/refused", 403},
		{"auditor", "GET", "/admin/imports", 200}, {"auditor", "GET", path, 200}, {"auditor", "POST", "/admin/imports", 403},
		{"auditor", "POST", path + "/essayer", 403}, {"auditor", "POST", path + "/importer", 403},
		{"auditor", "POST", path + "/importer-malgre-tout", 403}, {"auditor", "POST", path + "/jeter", 403},
	} {
		other := w.operator(tt.role)
		token := other.get("/admin").Find("[name=jeton]").AttrOr("value", "")
		form := url.Values{"jeton": {token}}
		if tt.method == http.MethodGet {
			form = nil
		}
		if p := other.do(tt.method, tt.path, form); p.status != tt.status {
			t.Errorf("%s %s as %s: %d, want %d", tt.method, tt.path, tt.role, p.status, tt.status)
		}
	}
	if p := w.operator("auditor").get("/admin/imports"); p.Find("input[type=file]").Length() != 0 {
		t.Error("an auditor is shown a form that ends at a refusal")
	}
}
