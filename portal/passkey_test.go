package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/portal"
)

// withPasskeys is a world whose students are offered a passkey.
func withPasskeys(o *portal.Options) { o.Profiles[0].Credential = domain.PasswordOrPasskey }

const register = "webauthn-register-passwordless:skip_if_exists"

func TestAPasskeyIsOfferedAfterTheFirstLogin(t *testing.T) {
	for status, recorded := range map[string]string{
		"success": "passkey.added", "cancelled": "passkey.later", "error": "passkey.failed",
		"": "", "made up": "",
	} {
		w, provider := withSSO(t, withPasskeys)
		b := w.browser(t)
		b.to("/activation/accueil-succes")
		to := b.beginLogin(t)
		asked, err := url.Parse(to)
		if err != nil || asked.Query().Get("kc_action") != register {
			t.Fatalf("%q: the login is begun at %s", status, to)
		}
		answer := provider.Login(t, to)
		if status != "" {
			answer.Set("kc_action_status", status)
		}
		if p := b.comeBack(answer); p.header.Get("Location") != "/ent" {
			t.Errorf("%q: %d %s", status, p.status, p.header.Get("Location"))
		}
		want := []string{"o22502142"}
		if recorded != "" {
			want = append(want, "o22502142 "+recorded)
		}
		if !slices.Equal(w.service.logins, want) {
			t.Errorf("%q: recorded %q, want %q", status, w.service.logins, want)
		}
	}
}

// A realm without the action answers with an error instead of a code.
func TestAPasskeyThatKeycloakDoesNotOfferIsLeftOut(t *testing.T) {
	w, provider := withSSO(t, withPasskeys)
	b := w.browser(t)
	b.to("/activation/accueil-succes")
	answer := provider.Login(t, b.beginLogin(t))
	answer.Del("code")
	answer.Set("error", "invalid_request")
	p := b.comeBack(answer)
	if p.header.Get("Location") != "/connexion?sans-cle" {
		t.Fatalf("%d %s", p.status, p.header.Get("Location"))
	}
	again := b.do("GET", "/connexion?sans-cle", nil).header.Get("Location")
	if asked, err := url.Parse(again); err != nil || asked.Query().Has("kc_action") {
		t.Errorf("offered again: %s", again)
	}
	if p := b.comeBack(provider.Login(t, again)); p.header.Get("Location") != "/ent" {
		t.Errorf("%d %s", p.status, p.header.Get("Location"))
	}
	if p := b.comeBack(url.Values{"state": answer["state"], "kc_action_status": {"success"}}); p.status == http.StatusOK {
		t.Error("an answer is taken twice")
	}
}

func TestNoPasskeyIsOfferedToOthers(t *testing.T) {
	offered := func(t *testing.T, b *browser) bool {
		t.Helper()
		asked, err := url.Parse(b.beginLogin(t))
		if err != nil {
			t.Fatal(err)
		}
		return asked.Query().Has("kc_action")
	}
	w, _ := withSSO(t, withPasskeys)
	if offered(t, w.browser(t)) {
		t.Error("to a visitor who activated nothing")
	}
	w, _ = withSSO(t)
	b := w.browser(t)
	b.to("/activation/accueil-succes")
	if offered(t, b) {
		t.Error("in a profile that offers none")
	}
}

// The page of the account says whether the password of the Wi-Fi is there.
func TestTheAccountTellsOfThePasswordOfTheNetwork(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*portal.Options)
		held   domain.HeldFactors
		says   string
	}{
		"a passkey alone":          {withPasskeys, domain.HeldFactors{List: []domain.Factor{{ID: "a", Kind: domain.FactorPasskey}}}, "choisissez-en un ici"},
		"a passkey beside it":      {withPasskeys, domain.HeldFactors{HasPassword: true, List: []domain.Factor{{ID: "a", Kind: domain.FactorPasskey}}}, "ne remplace pas votre mot de passe"},
		"no passkey is offered":    {func(*portal.Options) {}, domain.HeldFactors{HasPassword: true}, ""},
		"Keycloak does not answer": {withPasskeys, domain.HeldFactors{}, "ne remplace pas votre mot de passe"},
	} {
		w, provider, _ := withAccount(t, delivered(t), tt.change, func(o *portal.Options) { o.Profiles[0].PasswordElsewhere = true })
		w.service.held = tt.held
		got := w.browser(t).toAccount(t, provider).Find("section[aria-labelledby=login] > p.hint").Text()
		if tt.says == "" && strings.Contains(got, "Wi-Fi") || !strings.Contains(got, tt.says) {
			t.Errorf("%s: %q, want %q in it", name, got, tt.says)
		}
	}
}
