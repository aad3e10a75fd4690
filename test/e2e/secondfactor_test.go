package e2e

import (
	"errors"
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

	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/overview"
	"entree/internal/store"
	"entree/keycloak"
)

// Second factors from the activation to the ENT: a code app with recovery codes, a passkey
// and a security key where one is required, and *later* where one is offered. A required one is
// asked for at the next login, and the last one stays. One that is added and removed at
// Keycloak is known from its events.
func TestSecondFactors_FromTheActivationToTheENT(t *testing.T) {
	people := []scripted.Person{
		{Number: "78100001", GivenName: "Jeanne", FamilyName: "Martin", Profile: "etudiant", Email: "jeanne@example.com", BirthDate: "2006-02-03"},
		{Number: "78100002", GivenName: "Paul", FamilyName: "Durand", Profile: "etudiant", Email: "paul@example.com", BirthDate: "2006-02-03"},
		{Number: "78100004", GivenName: "Rémi", FamilyName: "Leroy", Profile: "etudiant", Email: "remi@example.com", BirthDate: "2006-02-03"},
		{Number: "78100003", GivenName: "Anne", FamilyName: "Petit", Profile: "personnel", Email: "anne@example.com", BirthDate: "1980-02-03"},
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	here := startNamed(t, people, outside.Config{Choice: "passkey_or_password", Factors: "required", Offers: "offered"},
		keycloak.Wanted{Factors: &keycloak.SecondFactors{Required: true}, Passkeys: &keycloak.Passkeys{Institution: "Université d'Orléans"}}, "ENTREE_KEYCLOAK_LOGINS_EVERY=5s")
	base, sso, r := here.Portal, here.Keycloak, here.realm
	// activated leads to Keycloak's login page after an activation with a password.
	activated := func(b *tab, p scripted.Person) {
		t.Helper()
		b.before(`window.prompt = () => "ma clé"`) // Keycloak asks for the name of a security key
		b.toCode(p.Profile, p.Email)
		b.fill("#code", b.code(here.Demo, p.Email))
		b.click("form .primary")
		if p.Profile == "personnel" {
			b.arrive("/activation/verification")
			b.fill("#naissance-jour", p.BirthDate[8:])
			b.fill("#naissance-mois", p.BirthDate[5:7])
			b.fill("#naissance-annee", p.BirthDate[:4])
			b.click("form .primary")
		}
		if p.Profile == "etudiant" {
			b.charter()
			b.arrive("/activation/cle")
			b.click("button[value=mot-de-passe]")
			b.arrive("/activation/entre-mdp")
			b.click("form .primary")
			b.arrive("/activation/mot-de-passe")
		} else {
			b.charterToPassword()
		}
		b.fill("#mot-de-passe", strong)
		b.fill("#confirmation", strong)
		b.click("form.choose .primary")
		b.arrive("/activation/accueil-succes")
		b.click(".success a.primary")
	}
	password := func(b *tab, login string) {
		t.Helper()
		b.loaded("#password")
		if get(b, chromedp.Evaluate[bool](`document.querySelector("#username")?.type === "text"`)) {
			b.fill("#username", login)
		}
		b.fill("#password", strong)
		b.click("#kc-login")
	}
	// declined declines the passkey that the first login offers.
	declined := func(b *tab) {
		t.Helper()
		b.loaded("[name=cancel-aia]")
		b.click("[name=cancel-aia]")
	}

	// registered registers a passkey or a security key, and shows it for the level.
	registered := func(b *tab) {
		t.Helper()
		b.loaded("#registerWebAuthn")
		b.click("#registerWebAuthn")
		b.loaded("#authenticateWebAuthnButton")
		b.click("#authenticateWebAuthnButton")
		b.arrive("/compte/second-facteur")
	}

	// The portal learns from Keycloak's events of factors that it did not ask for.
	data, err := store.Open(t.Context(), "sqlite:"+filepath.Join(here.dir, "entree.db"), time.Now)
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
	// told waits until the newest mail to a person says some words.
	told := func(p scripted.Person, words string) {
		t.Helper()
		var last string
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !strings.Contains(last, words); time.Sleep(50 * time.Millisecond) {
			// The job waits two minutes for a page of the portal.
			if _, err := data.Hurry(t.Context(), overview.WaitingJobs{Kind: domain.JobFactorNews}); err != nil && !errors.Is(err, domain.ErrNotFound) {
				t.Fatal(err)
			}
			last = strings.Join(strings.Fields(here.Mails(t, p.Email)[0].Text), " ")
		}
		if !strings.Contains(last, words) {
			t.Errorf("the last mail to %s says %q, want %q", p.Email, last, words)
		}
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
		activated(b, people[3])
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
		told(people[3], "a été ajouté à votre compte apetit : une application de codes")
		b.at(sso, r.Name, "delete_credential:"+credential, "mfa")
		b.loaded("#otp") // no factor is removed by the password alone
		b.fill("#otp", scripted.TOTP(key, time.Now().Add(30*time.Second)))
		b.click("#kc-login")
		b.loaded("#kc-accept")
		b.click("#kc-accept")
		b.arrive("/ent")
		p := knows(user, domain.FactorDeclined)
		if events, err := data.EventsSince(t.Context(), p, domain.EventFactorDropped, time.Time{}); err != nil || len(events) != 1 || events[0].Details["by"] != domain.ByAccounts || events[0].Details["factor"] != credential {
			t.Errorf("the removal is told by %+v, %v", events, err)
		}
		told(people[3], "a été retiré de votre compte apetit : une application de codes")
	})

	t.Run("a code app and recovery codes", func(t *testing.T) {
		b := open(t, base, phone)
		b.album = "factors"
		activated(b, people[0])
		password(b, "o78100001")
		declined(b)
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
		user, _ := held("o78100001", "otp")
		knows(user, domain.FactorTOTP)
		told(people[0], "a été ajouté à votre compte o78100001 : une application de codes") // the login asked for it, no page of the portal
		b.press("Obtenir des codes de secours")
		b.loaded("#kcRecoveryCodesConfirmationCheck")
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
		b.loaded("#otp")
		b.reads("Téléphone ou clé perdu ?", "Essayer une autre méthode")
		b.picture("6-code")
		b.fill("#otp", scripted.TOTP(key, now.Add(30*time.Second))) // the code of the registration is refused once more
		b.click("#kc-login")
		b.arrive("/ent")
		b.reads("Bonjour Jeanne Martin")

		// The password alone does not lead to the registration of another factor.
		call(b, network.ClearBrowserCookies, cdp.Empty{})
		b.visit("/connexion?changer=cle-de-securite")
		password(b, "o78100001")
		b.loaded("#otp")
	})

	t.Run("a passkey, after all", func(t *testing.T) {
		b := open(t, base, phone)
		b.authenticator(true)
		activated(b, people[2])
		password(b, "o78100004")
		declined(b)
		b.arrive("/connexion/second-facteur")
		b.reads("Elle remplace le mot de passe et le second facteur")
		b.press("Ajouter une clé d'accès")
		registered(b)
		b.reads("sans mot de passe ni code")
		b.accessible()
		b.picture("7-passkey")
		user, _ := held("o78100004", "webauthn-passwordless")
		knows(user, domain.FactorPasskey)
		told(people[2], "une clé d'accès")
		b.press("Continuer vers l'ENT")
		b.arrive("/ent")
		b.reads("Bonjour Rémi Leroy")
	})

	t.Run("a security key, in English", func(t *testing.T) {
		b := open(t, base, phone)
		b.authenticator(true)
		b.visit("/?lang=en")
		activated(b, people[1])
		password(b, "o78100002")
		declined(b)
		b.arrive("/connexion/second-facteur")
		b.reads("Your university requires one to sign in.")
		b.press("Add a security key")
		registered(b)
		b.press("Continue to my workspace")
		b.arrive("/ent")

		call(b, network.ClearBrowserCookies, cdp.Empty{})
		b.visit("/?lang=en") // the cookie of the language is gone too
		b.visit("/compte")
		password(b, "o78100002")
		b.loaded("#authenticateWebAuthnButton")
		b.reads("Lost your phone or key?", "the help desk can help you")
		b.click("#authenticateWebAuthnButton")
		b.arrive("/compte")
		b.reads("Security key", "ma clé")
		b.accessible()
		b.picture("3-account")
		b.click(".factors a")
		b.loaded("#nom")
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
