package e2e

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"entree/internal/accountstest"
	"entree/internal/clean"
	"entree/internal/devenv/demotest"
	"entree/internal/password"
	"entree/internal/secret"
	"entree/keycloak"
)

// insert puts text into a field as an input method does: all characters as they are.
func (b *tab) insert(selector, text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(css(selector)), chromedp.Focus(css(selector)))
	call(b, input.InsertText, input.InsertTextParams{Text: text})
}

// keys lists passwords that the portal accepts, each named after its characters. The
// first one is typed on Keycloak's own theme too.
var keys = []struct{ name, text string }{
	{"combining marks", "Ete\u0301 chez Anai\u0308s, 12 cre\u0302pes "},
	{"emoji with joiners and a flag", "Famille 👨\u200d👩\u200d👧 en vacances 7 🇫🇷🏳\ufe0f\u200d🌈"},
	{"composed letters, spaces", "L’été où Zoë a mangé  7 œufs"},
	{"from right to left", "كلمة السر Aa رقم ١٢3 طويلة"},
	{"256 characters, some of 4 bytes", "Aa1" + strings.Repeat("é𝒳𠮷z", 63) + "!"},
}

// TestV5_TheSameKeysLogIn: a password that the portal takes logs in at Keycloak's
// page, on the delivered theme and on Keycloak's own.
func TestV5_TheSameKeysLogIn(t *testing.T) {
	demo := demotest.Get(t)
	admin := keycloak.NewAdmin(demo.Keycloak, demo.Realm, "admin", secret.New(demo.AdminPassword(t)))
	hasher, err := keycloak.NewHasher("argon2", 0, 1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var logins []string
	for _, key := range keys {
		a := accountstest.New()
		a.Groups = nil
		if err := clean.Password(key.text); err != nil {
			t.Fatalf("%s: %v", key.name, err)
		}
		if broken := password.Checker(password.Default(), password.Personal{Login: a.Login})(password.Normalize(secret.New(key.text))); len(broken) > 0 {
			t.Fatalf("%s: the portal refuses it: %+v", key.name, broken)
		}
		if a.Credential, err = hasher.Hash(t.Context(), secret.New(key.text)); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Accounts("univ.example").Create(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		logins = append(logins, a.Login)
	}
	accounts := demo.Accounts(t)
	var settings map[string]any
	if _, err := accounts.Call(t.Context(), http.MethodGet, accounts.At(), nil, &settings); err != nil {
		t.Fatal(err)
	}
	delivered := settings["loginTheme"]
	theme := func(name any) {
		if _, err := accounts.Call(context.Background(), http.MethodPut, accounts.At(), map[string]any{"loginTheme": name}, nil); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, demo.Portal, phone)
	logIn := func(i int) {
		call(b, network.ClearBrowserCookies, cdp.Empty{})
		b.visit("/ent")
		b.insert("#username", logins[i])
		b.insert("#password", keys[i].text)
		b.click("#kc-login")
		b.arrive("/ent")
		if got := b.text("body"); !strings.Contains(got, logins[i]) {
			t.Errorf("%s: another account is logged in", keys[i].name)
		}
	}
	for i := range keys {
		logIn(i)
	}
	defer theme(delivered)
	theme("keycloak.v2")
	logIn(0)
}
