package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

// lighthouse is the folder of the npm packages lighthouse and node, which
// `make lighthouse` sets; empty: no page is measured.
var lighthouse = os.Getenv("ENTREE_LIGHTHOUSE")

// leastScore is the lowest score of accessibility, best practices and SEO that passes.
// The score of performance depends on the machine: it is printed only.
const leastScore = 100

// TestLighthouse measures the pages of a student's way, those of the account and the
// most used pages of the console. Lighthouse starts a browser of its own for each page
// and sends the cookies of the walk with its requests.
func TestLighthouse(t *testing.T) {
	if lighthouse == "" {
		return // only `make lighthouse` measures
	}
	demo := demotest.Get(t)
	fmt.Printf("%-25s %-8s %11s %13s %14s %5s\n", "page", "form", "performance", "accessibility", "best practices", "SEO")
	b := open(t, demo.Portal, phone)
	b.onPicture = func(name string) {
		if name != "8-ent" {
			b.measure(name)
		}
	}
	b.walk(demo, demo.Person(t, "22502142"), walkOf{login: "o22502142", address: "jean-pierre.martin@etu.univ-orleans.example"})
	for _, path := range []string{
		"/compte", "/compte/adresse", "/compte/adresse/seconde", "/compte/telephone", "/connexion/second-facteur", "/mot-de-passe-oublie", "/adresse-perdue", "/activation/guichet",
	} {
		b.visit(path)
		b.measure(path)
	}
	desk := open(t, demo.Portal, desk)
	desk.console(operator(t, demo, "admin"), "/admin")
	for _, path := range []string{
		"/admin", "/admin/personnes", "/admin/comptes", "/admin/facteurs", "/admin/retours", "/admin/fiches", "/admin/imports", "/admin/adresses", "/admin/audit",
	} {
		desk.visit(path)
		desk.measure(path)
	}
	desk.visit("/admin/personnes?q=22502142")
	desk.click(".people tbody th a")
	desk.arriveUnder("/admin/personnes/")
	desk.measure("a person")
	desk.visit("/admin/imports")
	desk.uploads("lighthouse.csv", []byte("Numéro;Nom;Prénom;Mail\n22509901;Martin;Ada;ada@example.org\n"))
	desk.measure("an import")
}

// report is the part of Lighthouse's report that is read.
type report struct {
	FinalURL     string `json:"finalDisplayedUrl"`
	RuntimeError struct{ Message string }
	Categories   map[string]struct {
		Score     float64
		AuditRefs []struct {
			ID     string
			Weight float64
		}
	}
	Audits map[string]struct {
		Title string
		Score *float64
	}
}

// measure prints Lighthouse's scores of the current page, on a telephone and on a large
// screen. A score under leastScore fails the test and names the audits that cost points.
func (b *tab) measure(name string) {
	b.t.Helper()
	for _, form := range []string{"mobile", "desktop"} {
		r := b.lighthouse(form, name != "1-welcome")
		score := func(category string) float64 { return 100 * r.Categories[category].Score }
		fmt.Printf("%-25s %-8s %11.0f %13.0f %14.0f %5.0f\n", name, form, score("performance"), score("accessibility"), score("best-practices"), score("seo"))
		for _, category := range []string{"accessibility", "best-practices", "seo"} {
			if score(category) >= leastScore {
				continue
			}
			b.t.Errorf("%s (%s): %s is %.0f, want at least %d", name, form, category, score(category), leastScore)
			for _, ref := range r.Categories[category].AuditRefs {
				if audit := r.Audits[ref.ID]; ref.Weight > 0 && audit.Score != nil && *audit.Score < 1 {
					b.t.Errorf("%s (%s): %s: %s", name, form, ref.ID, audit.Title)
				}
			}
		}
	}
}

// lighthouse runs Lighthouse on the current page. Pages that search engines must not
// list are not expected to be listed.
func (b *tab) lighthouse(form string, unlisted bool) (r report) {
	b.t.Helper()
	found, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	var cookies []string
	for _, c := range found.Cookies {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	headers, err := json.Marshal(map[string]string{"Accept-Language": "fr", "Cookie": strings.Join(cookies, "; ")})
	if err != nil {
		b.t.Fatal(err)
	}
	file, url := filepath.Join(b.t.TempDir(), "report.json"), b.base+b.path()
	options := []string{
		filepath.Join(lighthouse, "lighthouse/cli/index.js"), url, "--quiet", "--output=json", "--output-path=" + file,
		"--only-categories=performance,accessibility,best-practices,seo", "--extra-headers=" + string(headers), "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
	}
	if form == "desktop" {
		options = append(options, "--preset=desktop")
	}
	if unlisted {
		options = append(options, "--skip-audits=is-crawlable")
	}
	measured := func() ([]byte, error) {
		return exec.CommandContext(b.ctx, filepath.Join(lighthouse, "node/bin/node"), options...).CombinedOutput()
	}
	said, err := measured()
	if err != nil && bytes.Contains(said, []byte("Please run Lighthouse again")) { // the machine was too busy for a trace
		said, err = measured()
	}
	if err != nil {
		b.t.Fatalf("Lighthouse at %s: %v\n%s", url, err, said)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		b.t.Fatal(err)
	}
	if r.FinalURL != url || r.RuntimeError.Message != "" {
		b.t.Fatalf("Lighthouse measured %s, want %s: %s", r.FinalURL, url, r.RuntimeError.Message)
	}
	return r
}
