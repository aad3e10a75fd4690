package e2e

import (
	"net/http"
	"regexp"
	"testing"

	"entree/internal/devenv/demotest"
)

// stopFactorLink finds the link in the notice that a second factor will be removed.
var stopFactorLink = regexp.MustCompile(`/compte/second-facteur/pas-moi/[A-Za-z0-9_-]+`)

// A student lost the telephone with the second factor. An operator asks to remove it, and
// the student stops that by the link: at 320 pixels in English, and without JavaScript in
// French. Asked for once more, a second operator agrees, and the factor is gone; the link
// says that it is too late.
func TestFactor_ALostSecondFactorIsRemoved(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503105")
	realm := demo.Accounts(t)
	users, err := realm.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account := ""
	for _, u := range users {
		if u.Username == "o"+p.Number {
			account = u.ID
		}
	}
	_, err = realm.Call(t.Context(), http.MethodPut, realm.At("users", account), map[string]any{"credentials": []map[string]any{{
		"type": "otp", "secretData": `{"value":"AAAAAAAAAAAAAAAAAAAA"}`, "credentialData": `{"subType":"totp","digits":6,"counter":0,"period":30,"algorithm":"HmacSHA1"}`,
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	hasFactor := func() bool {
		t.Helper()
		var credentials []struct{ Type string }
		if _, err := realm.Call(t.Context(), http.MethodGet, realm.At("users", account, "credentials"), nil, &credentials); err != nil {
			t.Fatal(err)
		}
		for _, c := range credentials {
			if c.Type == "otp" {
				return true
			}
		}
		return false
	}

	one := open(t, demo.Portal, look{width: 320, height: 740})
	one.album = "factor-console"
	one.asOperator(demo, "helpdesk")
	asks := func() {
		t.Helper()
		one.find(p)
		one.press("Retirer le second facteur")
		one.fill("#facteur-motif", "téléphone perdu")
		one.click(`form[action$="/facteur"] button`)
		one.until(`document.querySelector('.notice')`)
		one.reads("Le retrait du second facteur est demandé.", "téléphone perdu", "Une autre personne peut l'accepter tout de suite.")
	}
	told := len(demo.Mails(t, p.Email))
	asks()
	one.picture("asked")
	link := stopFactorLink.FindString(demo.Mail(t, p.Email, told+1).Text)
	if link == "" {
		t.Fatal("the notice has no link")
	}
	b := open(t, demo.Portal, look{width: 320, height: 640, lang: "en-GB,en"})
	b.album = "factor"
	b.visit(link)
	b.reads("Keep your second factor")
	b.picture("1-open")
	b.click("main form .primary")
	b.until(`document.querySelector('main form') === null`)
	b.picture("2-stopped")
	if !hasFactor() {
		t.Fatal("the factor is gone")
	}

	n := newPlain(t)
	asks()
	link = stopFactorLink.FindString(demo.Mail(t, p.Email, told+2).Text)
	n.get(demo.Portal + link + "?lang=fr")
	n.want(link, "Garder votre second facteur")
	n.send(link, nil)
	n.want(link, "Le second facteur reste")

	asks()
	link = stopFactorLink.FindString(demo.Mail(t, p.Email, told+3).Text)
	two := open(t, demo.Portal, look{width: 1280, height: 900, dark: true, lang: "en-GB,en"})
	two.album = "factor-console-en"
	two.asOperator(demo, "admin")
	two.find(p)
	two.fill("#facteur-motif", "card seen")
	two.picture("to-agree")
	two.click(`[formaction$="/facteur/accorder"]`)
	two.until(`document.querySelector('.notice')`)
	if m := demo.Mail(t, p.Email, told+4); !freezeLink.MatchString(m.Text) {
		t.Errorf("the mail after the removal says:\n%s", m.Text)
	}
	if hasFactor() {
		t.Error("the factor is still there")
	}
	n.get(demo.Portal + link)
	n.want(link, "Ce retrait ne peut plus être empêché ici")
	if n.Form(link) != nil {
		t.Errorf("the page offers to stop what is done: %s", n.Text("main"))
	}
}
