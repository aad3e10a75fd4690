package admin_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/activation"
	"entree/portal/admin"
	"entree/registry"
	"entree/registry/intake"
	"entree/store"
)

// importing is a console that imports into a real store.
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
		o.Profiles = []activation.Profile{{Key: "etudiant", Names: map[activation.Lang]string{activation.French: "Étudiant", activation.English: "Student"}}}
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

// fill sends a form as it stands, choices and boxes included.
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

// until looks at a page again until it no longer shows that something is done.
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
	p := b.upload(token, "étudiants 2026.csv", enrolment).shows("h1", "étudiants 2026.csv").shows("main", "d'après le contenu")
	if chosen := p.Find("#colonne4 option[selected]").AttrOr("value", ""); chosen != "email" {
		t.Fatalf("the fourth column is proposed as %q", chosen)
	}
	// Nobody said whose profile it is.
	p = b.until(b.fill(p, "/essayer")).shows("[role=alert]", "choisissez le profil de tous")
	// The same field twice is told at its column.
	p = b.fill(p, "/essayer", "profil", "etudiant", "colonne3", "given_name")
	p.shows(".summary", "est choisi pour deux colonnes")
	p = b.until(b.fill(p, "/essayer", "profil", "etudiant", "colonne3", "family_name"))
	p.shows("main", "Nouvelles 4").shows("main", "Refusées 1").shows("table", "pas une adresse")
	if all, err := s.People(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("a trial stored %d people, %v", len(all), err)
	}
	b.get(p.path+"?voir=new").shows("table", "Carla Roy")
	w.journal.acts()
	p = b.until(b.fill(p, "/importer")).shows("main", "Tout a été importé.").shows("dl", "Nouvelles")
	if acts := w.journal.acts(); !slices.Equal(acts, []string{"admin import.begun"}) {
		t.Errorf("noted: %v", acts)
	}
	if all, err := s.People(t.Context()); err != nil || len(all) != 4 {
		t.Errorf("%d people, %v", len(all), err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("the file is still there: %v", left)
	}
	b.get("/admin/imports").shows("table", "étudiants 2026.csv").shows("table", "terminé").shows("table", "Ada admin")

	// A file that has lost most of them asks first, and wants a fresh login.
	p = b.upload(token, "half.csv", "Matricule;Prénom;Nom;Mail\n1;Anne;Roy;anne@example.org\n")
	p = b.until(b.fill(p, "/essayer", "profil", "etudiant")).shows("[role=alert]", "3 personnes de la même source manquent")
	if p.Find(`form[action$="/importer"]`).Length() != 0 {
		t.Error("it can be imported without a question")
	}
	b.follow(b.do("POST", p.path+"/importer", url.Values{"jeton": {token}}))
	if all, _ := s.People(t.Context()); all[1].Readiness != activation.Ready {
		t.Error("somebody is gone without a question")
	}
	w.sleep(10 * time.Minute)
	p = b.get(p.path)
	p = b.fill(p, "/importer-malgre-tout").want("/admin/confirmer", 200)
	b.until(b.fill(p, "/importer-malgre-tout")).shows("main", "Tout a été importé.")
	if all, _ := s.People(t.Context()); all[1].Readiness != activation.NotReady {
		t.Error("nobody is gone")
	}
}

func TestImport_WhatIsNoFileOfPeopleIsSaidAndNotKept(t *testing.T) {
	w, _, folder := importing(t)
	b := w.operator("admin")
	token := b.get("/admin/imports").Find("[name=jeton]").First().AttrOr("value", "")
	for text, want := range map[string]string{
		"":                    "Le fichier est vide.",
		"PK\x03\x04nonsense":  "C'est un tableur ou une archive illisible",
		"a;b\x00c":            "ni un tableur",
		"\xd0\xcf\x11\xe0old": "ancien format",
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
