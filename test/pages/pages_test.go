// Package pages_test checks the pages as they are drawn, in all their states.
package pages_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal"
	"entree/portal/admin"
	"entree/portal/i18n"
	"entree/portal/web"
	"entree/static"
	"entree/templates"
)

// journal is the console's, of which no page is asked for.
type journal struct{}

func (journal) Note(context.Context, audit.Entry) error { return nil }

// draw writes each page with sample data into dir and returns their number and the
// portal, which serves what the pages load.
func draw(t *testing.T, dir string) (n int, p *portal.Portal) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	catalog, err := i18n.Load()
	must(err)
	keys, err := secret.ParseKeys(secret.GenerateKey())
	must(err)
	rp, err := sso.New(sso.Config{Issuer: "https://sso.example.org/realms/ent", ClientID: "entree", RedirectURL: "https://compte.example.org/connexion/retour"})
	must(err)
	forms, err := fs.Sub(templates.FS, "admin")
	must(err)
	profiles := []domain.Profile{{Key: "etudiant", Names: map[domain.Lang]string{"fr": "Étudiant", "en": "Student"}}}
	console, err := admin.New(admin.Options{
		SSO: rp, Journal: journal{}, Templates: forms, Now: time.Now, Profiles: profiles,
		Markdown: func(string) (template.HTML, error) { return "", nil },
	})
	must(err)
	p, err = portal.New(portal.Options{
		SSO: rp, Console: console, Keys: keys, BaseURL: "https://compte.example.org", Institution: web.Institution{Name: "Université d'Exemple"},
		Theme: web.Theme{Accent: "#0b5d4e", AccentDark: "#7fd1bf"}, Profiles: profiles, Idle: time.Hour,
		Templates: templates.FS, Static: static.FS, Catalog: catalog, Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: rand.Reader,
	})
	must(err)
	must(p.DrawSamples(func(name string, page []byte) error {
		n++
		return os.WriteFile(filepath.Join(dir, name+".html"), bytes.TrimSpace(page), 0o600)
	}))
	return n, p
}

// U12: where the rows of a list are cards on a telephone, each value has its name.
func TestU12_TheValuesOfCardsHaveNames(t *testing.T) {
	dir, cards := t.TempDir(), 0
	draw(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page, err := goquery.NewDocumentFromReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		page.Find("table.rows tbody td").Each(func(_ int, cell *goquery.Selection) {
			cards++
			if cell.AttrOr("data-label", "") == "" && !cell.Is(".state, .box-column") {
				t.Errorf("%s: %q has no name", filepath.Base(file), cell.Text())
			}
		})
	}
	if cards < 50 {
		t.Errorf("only %d values in cards", cards)
	}
}

// newer are attributes that the checker's version, the newest on Maven Central, does not
// know: autocorrect came into HTML in 2024, and passwordrules is read by Safari.
var newer = regexp.MustCompile(`Attribute “(autocorrect|passwordrules)” not allowed on element “input”`)

// The Nu HTML checker finds no error in any page, in any of its states, in both
// languages.
func TestPages_AreValidHTML(t *testing.T) {
	dir := t.TempDir()
	if n, _ := draw(t, dir); n < 300 {
		t.Fatalf("only %d pages were drawn", n)
	}
	broken := `<!DOCTYPE html><html lang="en"><head><title>x</title></head><body><p id="a"><p id="a"></body></html>`
	if err := os.WriteFile(filepath.Join(dir, "broken.html"), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	libraries := filepath.Join(t.TempDir(), "classpath")
	maven := exec.CommandContext(t.Context(), "mvn", "-B", "-q", "-f", "testdata/nu/pom.xml", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath", "-Dmdep.outputFile="+libraries)
	if said, err := maven.CombinedOutput(); err != nil {
		t.Fatalf("fetch the checker: %v\n%s", err, said)
	}
	classpath, err := os.ReadFile(libraries)
	if err != nil {
		t.Fatal(err)
	}
	// It ends with 1 if it finds an error.
	said, err := exec.CommandContext(t.Context(), "java", "-cp", string(classpath), "nu.validator.client.SimpleCommandLineValidator", "--errors-only", dir).CombinedOutput()
	if e := new(exec.ExitError); err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(said)) {
		switch {
		case strings.Contains(line, "/broken.html"):
			found++
		case strings.Contains(line, ": error: ") && !newer.MatchString(line), strings.Contains(line, "Exception"):
			t.Error(strings.TrimSpace(line))
		}
	}
	if found != 1 {
		t.Errorf("the checker found %d errors in a page that has one:\n%s", found, said)
	}
}
