package e2e

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/store"
	"entree/keycloak"
)

// Second factors from the activation to the ENT: a code app with recovery codes and a
// security key where one is required, and *later* where one is offered. A required one is
// asked for at the next login, and the last one stays. One that is added and removed at
// Keycloak is known from its events.
func TestSecondFactors_FromTheActivationToTheENT(t *testing.T) {
	demo := demotest.Get(t)
	people := []scripted.Person{
		{Number: "78100001", GivenName: "Jeanne", FamilyName: "Martin", Profile: "etudiant", Email: "jeanne@example.com", BirthDate: "2006-02-03"},
		{Number: "78100002", GivenName: "Paul", FamilyName: "Durand", Profile: "etudiant", Email: "paul@example.com", BirthDate: "2006-02-03"},
		{Number: "78100003", GivenName: "Anne", FamilyName: "Petit", Profile: "personnel", Email: "anne@example.com", BirthDate: "1980-02-03"},
	}
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
	named := func(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) } // a security key belongs to a name
	base, sso := named("http://"+at), named(demo.Keycloak)
	r, err := outside.NewRealm(t.Context(), demo.Keycloak, "factors-"+strings.ToLower(rand.Text()[:8]), demo.AdminPassword(t), base, "client")
	must(err)
	t.Cleanup(func() { must(r.Remove(context.Background())) })
	config := outside.Config{
		Dir: dir, Database: "sqlite:entree.db", BaseURL: base, Keycloak: sso, Realm: r.Name, SMTP: box.SMTPAddr(),
		Secret: secret.GenerateKey().Reveal(), Client: "client", Factors: "required", Offers: "offered",
	}
	_, err = config.Write()
	must(err)
	must(keycloak.NewAdmin(demo.Keycloak, r.Name, "admin", secret.New(demo.AdminPassword(t))).Apply(t.Context(), keycloak.Wanted{
		DisplayName: "Université d'Orléans", PasswordPolicy: "length(16)", LoginTheme: "entree", Factors: &keycloak.SecondFactors{Required: true},
		Groups: []string{"/etudiants", "/personnels"},
		Portal: keycloak.Secret{ID: "entree-portal", Secret: secret.New("client")}, ENT: keycloak.Secret{ID: "entree-ent", Secret: secret.New("ent")},
		RedirectURIs: []string{base + "/connexion/retour"}, LogoutURIs: []string{base + "/"},
	}, nil))
	must(config.Import(program, people))
	portal := &outside.Instance{Program: program, Config: config, Listen: at, Log: filepath.Join(dir, "log"), Env: []string{"ENTREE_KEYCLOAK_LOGINS_EVERY=5s"}}
	must(portal.Start())
	t.Cleanup(func() { portal.Stop() })
	must(portal.Answers(t.Context()))
	here := &demotest.Demo{Portal: base, Mailbox: box.URL(), Keycloak: sso, Realm: r.Name}
	// activated leads to Keycloak's login page after an activation with a password.
	activated := func(b *tab, p scripted.Person) {
		t.Helper()
		b.before(`window.prompt = () => "ma clé"`) // Keycloak asks for the name of a security key
		b.toCode(p.Profile, p.Email)
		b.fill("#code", b.code(here, p.Email))
		b.click("form .primary")
		if p.Profile == "personnel" {
			b.arrive("/activation/verification")
			b.fill("#naissance-jour", p.BirthDate[8:])
			b.fill("#naissance-mois", p.BirthDate[5:7])
			b.fill("#naissance-annee", p.BirthDate[:4])
			b.click("form .primary")
		}
		b.charterToPassword()
		b.fill("#mot-de-passe", strong)
		b.fill("#confirmation", strong)
		b.click("form.choose .primary")
		b.arrive("/activation/accueil-succes")
		b.click(".success a.primary")
	}
	password := func(b *tab, login string) {
		t.Helper()
		b.do(chromedp.WaitVisible(css("#password")))
		if get(b, chromedp.Evaluate[bool](`document.querySelector("#username")?.type === "text"`)) {
			b.fill("#username", login)
		}
		b.fill("#password", strong)
		b.click("#kc-login")
	}

	// The portal learns from Keycloak's events of factors that it did not ask for.
	data, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "entree.db"), time.Now)
	must(err)
	t.Cleanup(func() { _ = data.Close() })
	knows := func(account string, want ...domain.FactorKind) domain.PersonID {
		t.Helper()
		p, err := data.PersonByAccount(t.Context(), account)
		must(err)
		var kinds []domain.FactorKind
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			known, err := data.KnownFactors(t.Context(), p.ID)
			must(err)
			kinds = kinds[:0]
			for _, f := range known {
				kinds = append(kinds, f.Kind)
			}
			if slices.Equal(kinds, want) {
				break
			}
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("the portal knows of %q, want %q", kinds, want)
		}
		return p.ID
	}
	held := func(login, kind string) (user, id string) {
		t.Helper()
		var users, credentials []struct{ ID, Type string }
		_, err := r.Call(t.Context(), http.MethodGet, r.At("users")+"?exact=true&username="+login, nil, &users)
		must(err)
		_, err = r.Call(t.Context(), http.MethodGet, r.At("users", users[0].ID, "credentials"), nil, &credentials)
		must(err)
		for _, c := range credentials {
			if c.Type == kind {
				id = c.ID
			}
		}
		return users[0].ID, id
	}

	t.Run("an offer that is declined, and a factor at Keycloak", func(t *testing.T) {
		b := open(t, base, phone)
		activated(b, people[2])
		password(b, "apetit")
		b.arrive("/compte/second-facteur")
		b.reads("Un second facteur pour votre compte")
		b.accessible()
		b.picture("5-offer")
		b.press("Plus tard")
		b.arrive("/ent")
		b.reads("Bonjour Anne Petit")
		b.visit("/connexion")
		b.arrive("/ent") // offered once

		b.at(sso, r.Name, "CONFIGURE_TOTP", "pwd")
		b.do(chromedp.WaitReady(css("#totpSecret")))
		key := get(b, chromedp.Value(css("#totpSecret")))
		b.fill("#totp", scripted.TOTP(key, time.Now()))
		b.fill("#userLabel", "à Keycloak")
		b.click("#saveTOTPBtn")
		b.arrive("/ent")
		user, credential := held("apetit", "otp")
		knows(user, domain.FactorDeclined, domain.FactorTOTP)
		b.at(sso, r.Name, "delete_credential:"+credential, "mfa")
		b.do(chromedp.WaitVisible(css("#otp"))) // no factor is removed by the password alone
		b.fill("#otp", scripted.TOTP(key, time.Now().Add(30*time.Second)))
		b.click("#kc-login")
		b.do(chromedp.WaitVisible(css("#kc-accept")))
		b.click("#kc-accept")
		b.arrive("/ent")
		p := knows(user, domain.FactorDeclined)
		if events, err := data.EventsSince(t.Context(), p, domain.EventFactorDropped, time.Time{}); err != nil || len(events) != 1 || events[0].Details["by"] != domain.ByAccounts {
			t.Errorf("the removal is told by %+v, %v", events, err)
		}
	})

	t.Run("a code app and recovery codes", func(t *testing.T) {
		b := open(t, base, phone)
		b.album = "factors"
		activated(b, people[0])
		password(b, "o78100001")
		b.arrive("/connexion/second-facteur")
		b.reads("Votre établissement le demande")
		b.accessible()
		b.picture("1-choice")
		b.press("Ajouter une application de codes")
		b.do(chromedp.WaitReady(css("#totpSecret")))
		key := get(b, chromedp.Value(css("#totpSecret")))
		now := time.Now()
		b.fill("#totp", scripted.TOTP(key, now))
		b.fill("#userLabel", "mon téléphone")
		b.click("#saveTOTPBtn")
		b.arrive("/compte/second-facteur")
		b.reads("Prenez aussi des codes de secours")
		b.accessible()
		b.picture("2-codes")
		b.press("Obtenir des codes de secours")
		b.do(chromedp.WaitVisible(css("#kcRecoveryCodesConfirmationCheck")))
		b.click("#kcRecoveryCodesConfirmationCheck")
		b.click("#saveRecoveryAuthnCodesBtn")
		b.arrive("/compte/second-facteur")
		b.reads("C'est fait : votre compte est protégé par un second facteur")
		b.accessible()
		b.press("Continuer vers l'ENT")
		b.arrive("/ent")

		call(b, network.ClearBrowserCookies, cdp.Empty{})
		b.visit("/connexion")
		password(b, "o78100001")
		b.do(chromedp.WaitVisible(css("#otp")))
		b.fill("#otp", scripted.TOTP(key, now.Add(30*time.Second))) // the code of the registration is refused once more
		b.click("#kc-login")
		b.arrive("/ent")
		b.reads("Bonjour Jeanne Martin")

		// The password alone does not lead to the registration of another factor.
		call(b, network.ClearBrowserCookies, cdp.Empty{})
		b.visit("/connexion?changer=cle-de-securite")
		password(b, "o78100001")
		b.do(chromedp.WaitVisible(css("#otp")))
	})

	t.Run("a security key, in English", func(t *testing.T) {
		b := open(t, base, phone)
		b.authenticator(true)
		b.visit("/?lang=en")
		activated(b, people[1])
		password(b, "o78100002")
		b.arrive("/connexion/second-facteur")
		b.reads("Your institution asks for one")
		b.press("Add a security key")
		b.loaded("#registerWebAuthn")
		b.click("#registerWebAuthn")
		b.loaded("#authenticateWebAuthnButton")
		b.click("#authenticateWebAuthnButton")
		b.arrive("/compte/second-facteur")
		b.press("Go on to the workspace")
		b.arrive("/ent")

		call(b, network.ClearBrowserCookies, cdp.Empty{})
		b.visit("/?lang=en") // the cookie of the language is gone too
		b.visit("/compte")
		password(b, "o78100002")
		b.loaded("#authenticateWebAuthnButton")
		b.click("#authenticateWebAuthnButton")
		b.arrive("/compte")
		b.reads("Security key", "ma clé")
		b.accessible()
		b.picture("3-account")
		b.click(".factors a")
		b.do(chromedp.WaitVisible(css("#nom")))
		b.reads("this is the last one")
		b.accessible()
		b.picture("4-factor")
		b.fill("#nom", "my key")
		b.click("form .primary")
		b.arrive("/compte")
		b.reads("my key", "The name is changed")
	})
}

// at begins an action of Keycloak that the portal did not ask for, after a login of a
// level. The portal refuses the answer and redirects a logged-in person to the ENT.
func (b *tab) at(sso, realm, action, level string) {
	b.t.Helper()
	b.visit(sso + "/realms/" + realm + "/protocol/openid-connect/auth?" + url.Values{
		"client_id": {"entree-ent"}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {b.base + "/connexion/retour"}, "state": {"1"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636, appendix B
		"kc_action": {action}, "acr_values": {level},
	}.Encode())
}
