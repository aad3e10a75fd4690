package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/scripted"
)

// plain is the scripted browser of a test, which ends with the first failure.
type plain struct {
	t *testing.T
	*scripted.Browser
}

func newPlain(t *testing.T) *plain {
	return &plain{t, scripted.NewBrowser(nil, 30*time.Second)}
}

func (p *plain) get(address string) {
	p.t.Helper()
	if err := p.Get(p.t.Context(), address); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plain) send(action string, typed map[string]string) {
	p.t.Helper()
	if n := p.Doc.Find("form[method=post] input[disabled]").Length(); n > 0 {
		p.t.Errorf("%s: %d fields are disabled, and only a script could enable them", p.At, n)
	}
	if err := p.Submit(p.t.Context(), action, typed); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plain) want(path string, reads ...string) {
	p.t.Helper()
	text := p.Text("body")
	if p.At.Path != path {
		p.t.Fatalf("at %s, want %s:\n%.600s", p.At.Path, path, text)
	}
	for _, r := range reads {
		if !strings.Contains(text, r) {
			p.t.Errorf("%s does not say %q:\n%.600s", path, r, text)
		}
	}
}

// Everything works without JavaScript, Keycloak's own page included.
func TestTheHowTo_WithoutJavaScript(t *testing.T) {
	demo := demotest.Get(t)
	p := newPlain(t)
	address := demo.Person(t, "V204").Email
	before := len(demo.Mails(t, address))

	p.get(demo.Portal + "/")
	p.want("/", "Bienvenue", "Activer")
	href, _ := p.Doc.Find(`a[href*="profil=invite"]`).Attr("href")
	p.get(demo.Portal + href)
	p.send("/activation", map[string]string{"adresse": address})
	p.want("/activation/identification")
	p.send("/activation/identification", map[string]string{"code": "abc"})
	p.want("/activation/identification", "Entrez les 6 chiffres reçus par mail.")
	if p.Status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", p.Status)
	}
	p.send("/activation/identification", map[string]string{"code": demo.Mail(t, address, before+1).Code()})
	p.want("/activation/charte", "À qui s'adresse cette charte", "bienvenue parmi nous", "J'ai lu la charte et je l'accepte")
	p.send("/activation/charte", nil)
	p.want("/activation/charte", "Cochez la case pour accepter la charte.")
	p.send("/activation/charte", map[string]string{"charte": "oui"})
	p.want("/activation/entre-mdp", "Concevoir un bon mot de passe")
	if n := p.Doc.Find(".phrases code").Length(); n != 3 {
		t.Errorf("%d phrases", n)
	}
	phrase := p.Doc.Find(".phrases code").First().Text()
	p.send("/activation/entre-mdp", nil)
	p.want("/activation/mot-de-passe", "16 caractères")
	p.send("/activation/mot-de-passe", map[string]string{"mot-de-passe": phrase, "confirmation": phrase})
	p.want("/activation/accueil-succes", "Félicitations", "iv204", "soren.hakansson@invites.univ-orleans.example")

	// S32: an activation does not log the student in; Keycloak asks for the password.
	p.get(demo.Portal + "/ent")
	if p.Doc.Find("#kc-login, [name=password]").Length() == 0 || strings.HasPrefix(p.At.String(), demo.Portal) {
		t.Errorf("the ENT opened at %s without a login", p.At)
	}
	p.get(demo.Portal + "/activation/accueil-succes")
	ent, _ := p.Doc.Find("main a.primary").Attr("href")
	p.get(demo.Portal + ent)
	p.send("/login-actions/authenticate", map[string]string{"password": phrase})
	p.want("/ent", "Bonjour Søren Håkansson", "affiliate")
	p.send("/deconnexion", nil)
	p.want("/", "Bienvenue")
}

func TestS32_AnActivationLogsNobodyIn(t *testing.T) {
	demo := demotest.Get(t)
	p := newPlain(t)
	p.get(demo.Portal + "/ent")
	if !strings.HasPrefix(p.At.String(), demo.Keycloak) {
		t.Errorf("the ENT leads to %s", p.At)
	}
}

// All text that was typed in this run is searched for in all files that the
// portal left. The mailbox is excluded, because it contains codes by design.
func TestI4_NothingSecretIsLeftBehind(t *testing.T) {
	demo := demotest.Get(t)
	var planted []string
	for _, m := range demo.Mails(t, "") {
		if code := m.Code(); code != "" {
			planted = append(planted, code)
		}
	}
	if len(planted) == 0 {
		t.Fatal("no code was sent")
	}
	raw, err := os.ReadFile(filepath.Join(demo.Dir, "entree.log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		for _, secret := range append(planted, strong) {
			if regexp.MustCompile(`(^|[^0-9A-Za-z.:-])` + secret + `($|[^0-9A-Za-z])`).MatchString(line) {
				t.Errorf("the log holds %s: %s", secret, line)
			}
		}
		for _, p := range demo.People {
			if strings.Contains(line, p.Email) || len(p.Number) > 6 && strings.Contains(line, p.Number) || p.Phone != "" && strings.Contains(line, p.Phone[1:]) {
				t.Errorf("the log names somebody: %s", line)
			}
		}
	}
	for _, name := range []string{"entree.db", "entree.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(demo.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), strong) {
			t.Errorf("%s holds the password", name)
		}
	}
}

func TestTheFirstPageIsLight(t *testing.T) {
	demo := demotest.Get(t)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	total := 0
	fetch := func(path string) *goquery.Document {
		t.Helper()
		request, err := http.NewRequest(http.MethodGet, demo.Portal+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "gzip")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 {
			t.Fatalf("%s: %s %v", path, response.Status, err)
		}
		total += len(body)
		if strings.HasPrefix(path, "/static/") && !strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is not kept: %q", path, response.Header.Get("Cache-Control"))
		}
		doc, _ := goquery.NewDocumentFromReader(strings.NewReader(string(body)))
		return doc
	}
	page := fetch("/activation")
	page.Find("link[href], script[src], img[src]").Each(func(_ int, e *goquery.Selection) {
		address := e.AttrOr("href", e.AttrOr("src", ""))
		if !strings.HasPrefix(address, "/") {
			t.Errorf("the page asks somebody else: %s", address)
			return
		}
		fetch(address)
	})
	if total > 60_000 {
		t.Errorf("the first page is %d bytes over the wire, want 60,000 at most", total)
	}
	t.Logf("%d bytes", total)
}

func TestHealthAndFigures(t *testing.T) {
	demo := demotest.Get(t)
	for path, want := range map[string]string{"/healthz": "", "/readyz": `"keycloak"`, "/metrics": "entree_http_requests_total"} {
		response, err := http.Get(demo.Portal + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s\n%.300s", path, response.Status, body)
		}
	}
}
