package e2e

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/secret"
	"entree/keycloak"
)

// namedPortal is a portal with a realm, a mailbox and people of its own, beside the demo.
// Its addresses have a name, localhost, since passkeys and security keys belong to one.
type namedPortal struct {
	*demotest.Demo
	realm *realm.Realm
	box   *mailbox.Mailbox
	dir   string // of the database, entree.db
}

// named returns an address of loopback with its name.
func named(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }

// startNamed starts a portal with the given fields of its configuration and of the plan of
// its realm, and imports people into it.
func startNamed(t *testing.T, people []scripted.Person, config outside.Config, wanted keycloak.Wanted, env ...string) namedPortal {
	t.Helper()
	demo := demotest.Get(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	program, err := demotest.Program(dir)
	must(err)
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	must(err)
	t.Cleanup(func() { _ = box.Close() })
	at, err := outside.FreeAddress()
	must(err)
	base := named("http://" + at)
	r, err := outside.NewRealm(t.Context(), demo.Keycloak, "named-"+strings.ToLower(rand.Text()[:8]), demo.AdminPassword(t), base, "client")
	must(err)
	t.Cleanup(func() { must(r.Remove(context.Background())) })
	config.Dir, config.Database, config.BaseURL, config.Keycloak, config.Realm = dir, "sqlite:entree.db", base, named(demo.Keycloak), r.Name
	config.SMTP, config.Secret, config.Client = box.SMTPAddr(), secret.GenerateKey().Reveal(), "client"
	_, err = config.Write()
	must(err)
	wanted.DisplayName, wanted.PasswordPolicy, wanted.LoginTheme = "Université d'Orléans", "length(16)", "entree"
	wanted.Groups = []string{"/etudiants", "/personnels"}
	wanted.Portal, wanted.ENT = keycloak.Secret{ID: "entree-portal", Secret: secret.New("client")}, keycloak.Secret{ID: "entree-ent", Secret: secret.New("ent")}
	wanted.RedirectURIs, wanted.LogoutURIs = []string{base + "/connexion/retour"}, []string{base + "/"}
	must(keycloak.NewAdmin(demo.Keycloak, r.Name, "admin", secret.New(demo.AdminPassword(t))).Apply(t.Context(), wanted, nil))
	must(config.Import(program, people))
	portal := &outside.Instance{Program: program, Config: config, Listen: at, Log: filepath.Join(dir, "log"), Env: env}
	must(portal.Start())
	t.Cleanup(func() { portal.Stop() })
	must(portal.Answers(t.Context()))
	return namedPortal{&demotest.Demo{Portal: base, Mailbox: box.URL(), Keycloak: named(demo.Keycloak), Realm: r.Name}, r, box, dir}
}
