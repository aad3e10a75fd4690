package e2e

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/realm"
	"entree/internal/secret"
	"entree/keycloak"
)

// A realm as the plan makes it registers a passkey after a login, and its login page
// takes it in place of the password. A passkey belongs to a name: localhost.
func TestThePlannedRealmTakesPasskeys(t *testing.T) {
	demo := demotest.Get(t)
	base := strings.Replace(demo.Keycloak, "127.0.0.1", "localhost", 1)
	name := "passkeys-" + strings.ToLower(rand.Text()[:8])
	back := demo.Portal + "/retour" // a page that is not there: the address is what counts
	admin := keycloak.NewAdmin(demo.Keycloak, name, "admin", secret.New(demo.AdminPassword(t)))
	err := admin.Apply(t.Context(), keycloak.Wanted{
		DisplayName: "Université d'Orléans", PasswordPolicy: "length(12)", LoginTheme: "entree", Passkeys: &keycloak.Passkeys{Institution: "Université d'Orléans"},
		Portal: keycloak.Secret{ID: "entree-portal", Secret: secret.New(rand.Text())}, ENT: keycloak.Secret{ID: "entree-ent", Secret: secret.New(rand.Text())},
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
	call(b, webauthn.Enable, webauthn.EnableParams{})
	call(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	login := func(more string) {
		b.visit("/realms/" + name + "/protocol/openid-connect/auth?" + url.Values{
			"client_id": {"entree-ent"}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {back}, "state": {"1"}, "ui_locales": {"fr"},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636, appendix B
		}.Encode() + more)
	}
	login("&kc_action=webauthn-register-passwordless:skip_if_exists")
	b.do(chromedp.WaitVisible(css("#kc-login")))
	b.fill("#username", "anne")
	b.fill("#password", strong)
	b.click("#kc-login")
	b.do(chromedp.WaitVisible(css("#registerWebAuthn")))
	b.picture("0-passkey")
	b.click("#registerWebAuthn")
	b.until(`location.href.includes("kc_action_status=success")`)

	call(b, network.ClearBrowserCookies, cdp.Empty{})
	login("")
	// Autofill logs in without a touch. The button does where it has not after three
	// seconds; both at once would be one answer too many.
	b.until(`location.href.includes("code=") || (window.since ??= Date.now()) < Date.now() - 3000 && !window.pressed && (window.pressed = true, document.querySelector("#authenticateWebAuthnButton")?.click(), false)`)
}
