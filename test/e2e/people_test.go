package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
	"entree/internal/domain"
	"entree/internal/store"
)

var desk = look{width: 1280, height: 900}

// asOperator logs in to the console.
func (b *tab) asOperator(demo *demotest.Demo, role string) {
	b.t.Helper()
	for _, o := range demo.Operators {
		if o.Role == role {
			b.visit("/admin")
			b.loaded("#kc-login")
			b.fill("#username", o.Login)
			b.fill("#password", o.Password)
			b.click("#kc-login")
			b.arrive("/admin")
			return
		}
	}
	b.t.Fatalf("the demo has no %s", role)
}

// find searches for a person and opens the person's page.
func (b *tab) find(p demotest.Person) {
	b.t.Helper()
	b.visit("/admin/personnes")
	b.fill("#q", p.Number)
	b.click(".filters .primary")
	b.until(`document.querySelectorAll('.people tbody tr').length === 1`)
	b.click(".people tbody th a")
	b.until(`location.pathname.startsWith('/admin/personnes/')`)
	b.reads(p.FamilyName, p.Number)
}

// charter accepts the charter.
func (b *tab) charter() {
	b.t.Helper()
	b.arrive("/activation/charte")
	b.click(".to-end")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.click("#charte")
	b.click("form.consent .primary")
}

// charterToPassword accepts the charter and passes the guide.
func (b *tab) charterToPassword() {
	b.t.Helper()
	b.charter()
	b.arrive("/activation/entre-mdp")
	b.click("form .primary")
	b.arrive("/activation/mot-de-passe")
}

// charterToEnd accepts the charter, passes the guide and chooses a password.
func (b *tab) charterToEnd() {
	b.t.Helper()
	b.charterToPassword()
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.click("form.choose .primary")
}

// An account existed before: the operator compares the two, and adopts it.
func TestConflict_TheAccountOfBeforeIsAdopted(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503106")
	demo.Occupy(t, "o"+p.Number)
	student := open(t, demo.Portal, phone)
	student.to(demo, p)
	before := len(demo.Mails(t, p.Email))
	student.fill("#mot-de-passe", strong)
	student.fill("#confirmation", strong)
	student.click("form.choose .primary")
	student.arrive("/activation/en-cours")
	demo.Mail(t, p.Email, before+1)

	b := open(t, demo.Portal, desk)
	b.album = "people"
	b.asOperator(demo, "admin")
	b.find(p)
	b.reads("Un compte existe déjà", "Somebody Else")
	b.picture("conflict")
	b.press("C'est son compte : adopter o" + p.Number)
	b.until(`document.querySelector('.notice')`)
	b.reads("Le compte est adopté.", "Jamais connecté", "aucun connu")
	b.factors(demo, p)
	if m := demo.Mail(t, p.Email, before+2); !strings.Contains(m.Text, "o"+p.Number) || !strings.Contains(m.Text, "mot de passe que ce compte avait déjà") {
		t.Errorf("the mail says:\n%s", m.Text)
	}
}

// factors writes that a person has a passkey and declined a second factor, as the reader
// of Keycloak's events does, and looks at the person's page.
func (b *tab) factors(demo *demotest.Demo, p demotest.Person) {
	b.t.Helper()
	data, err := store.Open(b.t.Context(), "sqlite:"+filepath.Join(demo.Dir, "entree.db"), time.Now)
	if err != nil {
		b.t.Fatal(err)
	}
	defer data.Close()
	id := domain.PersonID(strings.TrimPrefix(b.path(), "/admin/personnes/"))
	err = data.Apply(b.t.Context(), domain.Effects{Factors: []domain.FactorNews{{Person: id, At: domain.Instant(time.Now()), Kinds: []domain.FactorKind{domain.FactorPasskey, domain.FactorDeclined}}}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.find(p)
	b.reads("Clés d'accès et seconds facteurs A répondu « plus tard »", "A ajouté un moyen de connexion (Clé d'accès)")
	b.picture("factors")
}
