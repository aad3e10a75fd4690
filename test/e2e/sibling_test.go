package e2e

import (
	"crypto/rand"
	"testing"

	"entree/internal/accountstest"
	"entree/internal/devenv/demotest"
	"entree/internal/secret"
	"entree/keycloak"
)

// A student activates on a computer at which a sibling is still logged in. The page
// names both accounts, also after it is loaded again, and leads to the student's own.
func TestV2_ASiblingIsStillLoggedIn(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503030")
	hasher, err := keycloak.NewHasher("argon2", 0, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sibling := accountstest.New()
	sibling.Groups = nil
	if sibling.Credential, err = hasher.Hash(t.Context(), secret.New(strong)); err != nil {
		t.Fatal(err)
	}
	admin := keycloak.NewAdmin(demo.Keycloak, demo.Realm, "admin", secret.New(demo.AdminPassword(t)))
	if _, err := admin.Accounts("univ.example").Create(t.Context(), sibling); err != nil {
		t.Fatal(err)
	}

	b := open(t, demo.Portal, phone)
	b.noHint = true // no activation came before
	b.visit("/ent")
	b.login(sibling.Login, strong)
	b.noHint = false
	b.arrive("/ent")
	b.to(demo, p)
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.click("form.choose .primary")
	b.arrive("/activation/accueil-succes")
	login := b.text(".facts .mono")
	b.click(".success a.primary")
	b.arrive("/connexion/retour")
	b.reads(login, sibling.Login)
	b.accessible()
	for range 2 { // loaded again, the login is begun again
		b.visit(b.path())
		b.arrive("/connexion/retour")
		b.reads(login, sibling.Login)
	}
	b.click(`form[action="/connexion/changer"] .primary`)
	b.until(`document.querySelector('#kc-login') !== null`)
	b.login(login, strong)
	b.arrive("/ent")
	b.reads(p.FamilyName)
}
