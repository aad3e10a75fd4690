package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/secret"
	"entree/keycloak"
)

// A realm as the plan makes it registers a passkey after a login, and its login page
// takes it in place of the password. A passkey belongs to a name: localhost.
func TestThePlannedRealmTakesPasskeys(t *testing.T) {
	demo := demotest.Get(t)
	base := named(demo.Keycloak)
	name := "passkeys-" + strings.ToLower(rand.Text()[:8])
	back := demo.Portal + "/retour" // a page that is not there: the address is what counts
	ent := rand.Text()
	admin := keycloak.NewAdmin(demo.Keycloak, name, "admin", secret.New(demo.AdminPassword(t)))
	err := admin.Apply(t.Context(), keycloak.Wanted{
		DisplayName: "Université d'Orléans", PasswordPolicy: "length(12)", LoginTheme: "entree", Passkeys: &keycloak.Passkeys{Institution: "Université d'Orléans"},
		Factors: &keycloak.SecondFactors{Required: true},
		Portal:  keycloak.Secret{ID: "entree-portal", Secret: secret.New(rand.Text())}, ENT: keycloak.Secret{ID: "entree-ent", Secret: secret.New(ent)},
		RedirectURIs: []string{back}, LogoutURIs: []string{back},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	accounts := realm.New(demo.Keycloak, name, "admin", secret.New(demo.AdminPassword(t)))
	t.Cleanup(func() { _ = accounts.Remove(context.Background()) })
	_, err = accounts.Create(t.Context(), map[string]any{
		"username": "anne", "email": "anne@exemple.fr", "emailVerified": true, "firstName": "Anne", "lastName": "Martin", "enabled": true,
		"credentials": []any{map[string]any{"type": "password", "value": strong}},
	})
	if err != nil {
		t.Fatal(err)
	}

	b := open(t, base, phone)
	b.album = "phone"
	b.before(`window.prompt = () => "ce téléphone"`) // Keycloak asks for the name of the device
	b.authenticator(true)
	login := func(more string) {
		b.visit("/realms/" + name + "/protocol/openid-connect/auth?" + url.Values{
			"client_id": {"entree-ent"}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {back}, "state": {"1"}, "ui_locales": {"fr"},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636, appendix B
		}.Encode() + more)
	}
	// levels returns the claims acr and amr of the login that has just ended.
	levels := func() string {
		t.Helper()
		at, err := url.Parse(get(b, chromedp.Evaluate[string]("location.href")))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.PostForm(base+"/realms/"+name+"/protocol/openid-connect/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {at.Query().Get("code")}, "redirect_uri": {back}, "client_id": {"entree-ent"}, "client_secret": {ent},
			"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var tokens struct {
			ID string `json:"id_token"`
		}
		if err := json.NewDecoder(answer.Body).Decode(&tokens); err != nil || tokens.ID == "" {
			t.Fatalf("%s, %v", answer.Status, err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.ID, ".")[1])
		var claims struct {
			ACR string
			AMR []string
		}
		if err := errors.Join(err, json.Unmarshal(raw, &claims)); err != nil {
			t.Fatal(err)
		}
		return claims.ACR + " " + strings.Join(claims.AMR, ",")
	}
	login("&kc_action=webauthn-register-passwordless:skip_if_exists")
	b.loaded("#kc-login")
	b.fill("#username", "anne")
	b.fill("#password", strong)
	b.click("#kc-login")
	b.loaded("#registerWebAuthn")
	b.picture("0-passkey")
	b.click("#registerWebAuthn")
	b.until(`location.href.includes("kc_action_status=success")`)
	if got := levels(); got != "pwd " {
		t.Errorf("a login by password is of the level %q", got)
	}

	// A passkey stands for both factors, at each level.
	for more, want := range map[string]string{"": "pwd mfa", "&acr_values=mfa": "mfa mfa"} {
		call(b, network.ClearBrowserCookies, cdp.Empty{})
		login(more)
		b.passkey(`location.href.includes("code=")`)
		if got := levels(); got != want {
			t.Errorf("a login by passkey%s is of the level %q, want %q", more, got, want)
		}
	}
}

// authenticator adds a device to the browser that registers passkeys. right says whether
// it recognises its user. touched sets whether the user is there: without the user
// the device waits.
func (b *tab) authenticator(right bool) (touched func(bool)) {
	b.t.Helper()
	call(b, webauthn.Enable, webauthn.EnableParams{})
	added, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: right, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	return func(there bool) {
		b.t.Helper()
		call(b, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: added.AuthenticatorID, Enabled: there})
	}
}

// passkey logs in at Keycloak with the passkey alone, until a condition holds. Autofill
// logs in without a touch. The button does where it has not after three seconds; both at
// once would be one answer too many.
func (b *tab) passkey(until string) {
	b.t.Helper()
	b.until(until + ` || (window.since ??= Date.now()) < Date.now() - 3000 && !window.pressed && (window.pressed = true, document.querySelector("#authenticateWebAuthnButton")?.click(), false)`)
}

// The whole way without a password, in both languages: activation, ENT, out, and in
// again. A device that cannot register falls back to a password, and so does a browser
// without JavaScript.
func TestAPasskeyFromTheRequestToTheENT(t *testing.T) {
	people := []scripted.Person{
		{Number: "78000001", GivenName: "Jeanne", FamilyName: "Martin", Profile: "etudiant", Email: "jeanne@example.com", BirthDate: "2006-02-03"},
		{Number: "78000003", GivenName: "Anne", FamilyName: "Petit", Profile: "etudiant", Email: "anne@example.com", BirthDate: "2006-02-03"},
		{Number: "78000004", GivenName: "Rémi", FamilyName: "Leroy", Profile: "etudiant", Email: "remi@example.com", BirthDate: "2006-02-03"},
		{Number: "78000002", GivenName: "Paul", FamilyName: "Durand", Profile: "etudiant", Email: "paul@example.com", BirthDate: "2006-02-03"},
	}
	here := startNamed(t, people, outside.Config{Choice: "passkey_or_password", WiFi: true}, keycloak.Wanted{Passkeys: &keycloak.Passkeys{Institution: "Université d'Orléans"}})
	base, r := here.Portal, here.realm
	toOffer := func(b *tab, p scripted.Person) {
		t.Helper()
		b.toCode(p.Profile, p.Email)
		b.fill("#code", b.code(here.Demo, p.Email))
		b.click("form .primary")
		b.charter()
		b.arrive("/activation/cle")
	}

	for i, words := range []struct{ lang, album, offer, wifi, account, registered, mail, key, hello, out string }{
		{"fr-FR,fr", "passkey", "Sans mot de passe ?", "Le Wi-Fi et les ordinateurs de l'établissement demandent", "Votre compte o78000001 est créé.", "votre compte a été activé avec succès", "clé d'accès", "Se connecter avec une clé d’accès", "Bonjour Jeanne Martin", "Se déconnecter"},
		{"en-GB,en", "passkey-en", "Sign in without a password?", "University Wi-Fi and computers", "Your account o78000003 has been created.", "your account is active", "passkey", "Sign in with a passkey", "Hello Anne Petit", "Sign out"},
	} {
		p := people[i]
		b := open(t, base, look{width: 360, height: 740, lang: words.lang})
		b.album = words.album
		touched := b.authenticator(true)
		toOffer(b, p)
		b.reads(words.offer, words.wifi)
		b.picture("1-offer")
		b.click(".passkey-only")
		b.do(chromedp.WaitVisible(css("form.register .passkey-only")))
		b.reads(words.account)
		b.picture("2-register")
		b.click("form.register .passkey-only")
		b.arrive("/activation/accueil-succes")
		b.reads(words.registered, "o"+p.Number, words.wifi)
		b.picture("3-success")
		if m := here.Mails(t, p.Email)[0]; !strings.Contains(m.Text, words.mail) {
			t.Errorf("the last mail says:\n%s", m.Text)
		}
		touched(false)
		b.click(".success a.primary")
		b.loaded("#authenticateWebAuthnButton")
		if autofill := get(b, chromedp.Evaluate[string](`document.querySelector("#username").autocomplete`)); !strings.Contains(autofill, "webauthn") {
			t.Errorf("the identifier is filled by %q", autofill)
		}
		b.reads(words.key)
		b.picture("4-login")
		b.seen(look{width: 360, height: 740, dark: true})
		b.accessible()
		b.seen(phone)
		touched(true)
		b.passkey(`location.pathname === "/ent"`)
		b.arrive("/ent")
		b.reads(words.hello, p.Number)
		b.press(words.out)
		b.arrive("/")
		b.visit("/connexion")
		b.passkey(`location.pathname === "/ent"`)
		b.arrive("/ent")
		b.reads(words.hello, p.Number)
		if i > 0 {
			continue
		}
		b.visit("/connexion?changer=mot-de-passe") // the way to a password for the Wi-Fi
		b.passkey(`document.querySelector("#password-new")`)
		b.fill("#password-new", strong)
		b.fill("#password-confirm", strong)
		b.click("#kc-submit")
		b.arrive("/compte")
	}

	other := open(t, base, phone)
	other.authenticator(false)
	toOffer(other, people[3])
	other.click(".passkey-only")
	other.do(chromedp.WaitVisible(css("form.register .passkey-only")))
	other.click("form.register .passkey-only")
	other.do(chromedp.WaitVisible(css("#passkey-error")))
	other.accessible()
	other.picture("3-refused")
	other.click("form.register a.secondary")
	other.arrive("/activation/mot-de-passe")
	other.fill("#mot-de-passe", strong)
	other.fill("#confirmation", strong)
	other.click("form.choose .primary")
	other.arrive("/activation/accueil-succes")
	other.reads("o78000002")
	plain := scripted.NewStudent(people[2], base, here.box, nil)
	plain.Password = strong
	t.Cleanup(plain.Close)
	if err := plain.Go(t.Context()); err != nil || plain.Outcome != scripted.Success || plain.Lost != "" {
		t.Errorf("without JavaScript the activation ended with %q at %s: %v, %s", plain.Outcome, plain.Where(), err, plain.Lost)
	}
	for _, login := range []string{"o78000001", "o78000002", "o78000004"} {
		if in, err := r.LogsIn(t.Context(), login, strong); err != nil || !in {
			t.Errorf("the password of %s does not log in: %v", login, err)
		}
	}
}
