package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"entree/internal/devenv/demotest"
	"entree/internal/sso/castest"
)

// activate runs the complete activation without scripts and stops when the
// account exists or is being created.
func (p *plain) activate(d *doors, address, password string) {
	p.t.Helper()
	before := len(d.demo.Mails(p.t, address))
	p.get(d.demo.Portal + "/activation?profil=etudiant")
	p.send("/activation", map[string]string{"adresse": address})
	p.send("/activation/identification", map[string]string{"code": d.demo.Mail(p.t, address, before+1).Code()})
	p.send("/activation/charte", map[string]string{"charte": "oui"})
	p.send("/activation/entre-mdp", nil)
	p.send("/activation/mot-de-passe", map[string]string{"mot-de-passe": password, "confirmation": password})
}

// asked reports whether Keycloak asks for a password.
func (p *plain) asked() bool { return p.Doc.Find("#kc-login").Length() > 0 }

func (p *plain) logIn(login, password string) {
	p.t.Helper()
	if !p.asked() {
		p.t.Fatalf("%s asks for no password:\n%.600s", p.At, p.Doc.Text())
	}
	p.send("/login-actions/authenticate", map[string]string{"username": login, "password": password})
}

// knows returns a value that a relying party's page shows about the visitor.
func (p *plain) knows(name string) string {
	p.t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(p.Doc.Find("pre").Text())
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m[1])
}

// holds compares a relying party's page with the expected values.
func (p *plain) holds(page string, want map[string]string) {
	p.t.Helper()
	if p.At.String() != page || p.Status != http.StatusOK {
		p.t.Fatalf("at %s (%d), want %s:\n%.600s", p.At, p.Status, page, p.Doc.Text())
	}
	for name, value := range want {
		if got := p.knows(name); got != value {
			p.t.Errorf("%s: %s = %q, want %q", page, name, got, value)
		}
	}
}

// A new account can log in to relying parties of other projects by both
// protocols with one login, and each of them receives the identity.
func TestRelyingParties_OneLoginOpensAll(t *testing.T) {
	d := doorsOf(t)
	p := newPlain(t)
	p.activate(d, "ada.lovelace@example.com", strong)
	p.want("/activation/accueil-succes", "o22599001")

	oidc, cas := d.apache+"/oidc/page.shtml", d.apache+"/cas/page.shtml"
	p.get(oidc)
	p.logIn("o22599001", strong)
	p.holds(oidc, map[string]string{
		"REMOTE_USER": "o22599001", "OIDC_CLAIM_supannEtuId": "22599001", "OIDC_CLAIM_eduPersonPrimaryAffiliation": "student",
		"OIDC_CLAIM_email": "ada.lovelace@etu.univ-orleans.example", "OIDC_CLAIM_eduPersonPrincipalName": "o22599001@univ-orleans.example",
	})
	p.both(p.knows("OIDC_CLAIM_eduPersonAffiliation"))
	p.get(cas)
	p.holds(cas, map[string]string{
		"REMOTE_USER": "o22599001", "HTTP_CAS_SUPANNETUID": "22599001", "HTTP_CAS_EDUPERSONPRIMARYAFFILIATION": "student",
		"HTTP_CAS_EMAIL": "ada.lovelace@etu.univ-orleans.example", "HTTP_CAS_EDUPERSONPRINCIPALNAME": "o22599001@univ-orleans.example",
		"HTTP_CAS_MAIL": "ada.lovelace@etu.univ-orleans.example", "HTTP_CAS_USERAGENT": "", "HTTP_CAS_CLIENTIPADDRESS": "",
	})
	p.both(p.knows("HTTP_CAS_EDUPERSONAFFILIATION"))
	p.get(d.demo.Portal + "/connexion")
	p.want("/ent", "Ada Lovelace", "22599001", "ada.lovelace@etu.univ-orleans.example")
	// The page shows all attributes that CAS releases. Keycloak's tokens must
	// not be among them.
	if strings.Contains(p.Doc.Text(), "_token") {
		t.Errorf("CAS releases Keycloak's tokens:\n%s", p.Doc.Text())
	}

	// The portal's logout ends the sessions of CAS and Keycloak. A service's own
	// session continues, because there is no back channel.
	p.send("/deconnexion", nil)
	p.get(d.demo.Portal + "/connexion")
	if !p.asked() {
		t.Errorf("after the logout, %s asks for no password", p.At)
	}
	p.get(oidc)
	p.holds(oidc, map[string]string{"REMOTE_USER": "o22599001"})
}

// O10: CAS refuses a service that it does not know with a page, and not with a
// failure of its own.
func TestO10_AnUnknownServiceGetsAPage(t *testing.T) {
	d := doorsOf(t)
	p := newPlain(t)
	p.get(d.cas + "/login?service=https%3A%2F%2Funknown.example%2F")
	if p.Status >= http.StatusInternalServerError || p.asked() || !strings.Contains(p.Doc.Text(), "CAS") || !p.At.IsAbs() || !strings.HasPrefix(p.At.String(), d.cas) {
		log, _ := os.ReadFile(filepath.Join(d.dir, "cas", "cas.log"))
		t.Errorf("at %s (%d):\n%.600s\n%s", p.At, p.Status, p.Doc.Text(), log[max(0, len(log)-6000):])
	}
}

// both checks that a list of affiliations has exactly its two values, in any
// order.
func (p *plain) both(list string) {
	p.t.Helper()
	if list != "student,member" && list != "member,student" {
		p.t.Errorf("affiliations %q", list)
	}
}

// A user who must not log in stays at Keycloak's page, for each relying party.
func TestRelyingParties_WhoDoesNotPass(t *testing.T) {
	d := doorsOf(t)
	refused := func(what, login, password string) {
		t.Helper()
		for _, door := range []string{"/oidc/page.shtml", "/cas/page.shtml"} {
			p := newPlain(t)
			p.get(d.apache + door)
			p.logIn(login, password)
			if p.Doc.Find("pre").Length() > 0 || p.At.Host != strings.TrimPrefix(d.demo.Keycloak, "http://") {
				t.Errorf("%s came through %s to %s", what, door, p.At)
			}
		}
	}
	p := newPlain(t)
	p.activate(d, "emile.zola@example.com", strong)
	p.want("/activation/accueil-succes", "o22599002")
	refused("a wrong password", "o22599002", strong+"x")

	if err := d.demo.Accounts(t).Disable(t.Context(), "o22599002"); err != nil {
		t.Fatal(err)
	}
	refused("a disabled account", "o22599002", strong)
}

// While the portal cannot reach Keycloak, the account does not exist and no
// relying party accepts a login. Afterwards both do, with the password that was
// typed once.
func TestRelyingParties_AnAccountOnItsWay(t *testing.T) {
	d := doorsOf(t)
	d.keycloakAway.Store(true)
	t.Cleanup(func() { d.keycloakAway.Store(false) })
	p := newPlain(t)
	p.activate(d, "rosa.bonheur@example.com", strong)
	p.want("/activation/en-cours")
	for _, door := range []string{"/oidc/page.shtml", "/cas/page.shtml"} {
		other := newPlain(t)
		other.get(d.apache + door)
		other.logIn("o22599003", strong)
		if !other.asked() {
			t.Errorf("an account that is not there came through %s to %s", door, other.At)
		}
	}
	d.keycloakAway.Store(false)
	for end := time.Now().Add(2 * time.Minute); p.At.Path != "/activation/accueil-succes"; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the account does not come; at %s", p.At)
		}
		p.get(d.demo.Portal + "/activation/en-cours")
	}
	page := d.apache + "/cas/page.shtml"
	p.get(page)
	p.logIn("o22599003", strong)
	p.holds(page, map[string]string{"REMOTE_USER": "o22599003", "HTTP_CAS_SUPANNETUID": "22599003"})
}

// realCAS is a browser with a session at the real server.
type realCAS struct {
	p     *plain
	login string
}

// Login logs in and stops at the redirect that carries the ticket.
func (r realCAS) Login(t *testing.T, loginURL string) url.Values {
	t.Helper()
	service, err := url.Parse(mustQuery(t, loginURL).Get("service"))
	if err != nil {
		t.Fatal(err)
	}
	r.p.Leave = func(to *url.URL) bool { return to.Host == service.Host }
	r.p.get(loginURL)
	if r.p.asked() {
		r.p.logIn(r.login, strong)
	}
	back, err := url.Parse(r.p.Header.Get("Location"))
	if err != nil || back.Host != service.Host {
		t.Fatalf("no way back from %s: %q", r.p.At, r.p.Header.Get("Location"))
	}
	return back.Query()
}

func mustQuery(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// The real server fulfils the contract that the test server is tested with.
func TestCAS_ContractOfTheRealOne(t *testing.T) {
	d := doorsOf(t)
	p := newPlain(t)
	p.activate(d, "sophie.germain@example.com", strong)
	p.want("/activation/accueil-succes", "o22599004")
	castest.Contract(t, d.cas, d.demo.Portal+"/connexion/retour", realCAS{p, "o22599004"}, "o22599004", map[string]string{
		"supannEtuId": "22599004", "eduPersonAffiliation": "member, student", "email": "sophie.germain@etu.univ-orleans.example",
	})
}

// The login at a university with a CAS server: success page, CAS, Keycloak, the
// ENT with the released attributes, and the logout.
func TestTheHowTo_IntoTheENTByCAS(t *testing.T) {
	d := doorsOf(t)
	b := open(t, d.demo.Portal, phone)
	b.album, b.noHint = "cas", true
	b.walk(&d.demo, demotest.Person{Number: "22599005", FamilyName: "Sand", Email: "george.sand@example.com", Profile: "etudiant"},
		walkOf{login: "o22599005", address: "george.sand@etu.univ-orleans.example", choice: "Étudiant"})
	b.reads("22599005", "George Sand")
	b.accessible()
	b.click(`form[action="/deconnexion"] button`)
	b.until(`!location.href.startsWith(` + "`" + d.demo.Portal + "`" + `)`)
	b.visit("/connexion")
	b.login("o22599005", strong)
	b.arrive("/ent")
}
