package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"entree/portal"
)

func TestWhoOwesTheCharterReadsItBeforeTheENT(t *testing.T) {
	for name, ent := range map[string]string{"the university's own": "https://ent.exemple.fr/", "the stand-in": ""} {
		t.Run(name, func(t *testing.T) {
			w, provider := withSSO(t, func(o *portal.Options) { o.EntURL = ent })
			w.service.owes = true
			b := w.browser(t)
			_, back := b.logIn(t, provider)
			p := b.follow(back).want("/charte", 200)
			on := "/ent"
			if ent != "" {
				on = ent
			}
			if to := p.Find("a.later").AttrOr("href", ""); to != on {
				t.Errorf("the way on leads to %q", to)
			}
			p = b.submit(p, "/charte").want("/charte", 422).shows("[data-error]", "charter_unticked")
			w.service.charter.SHA256 = strings.Repeat("1", 64)
			p = b.submit(p, "/charte", "charte", "oui").want("/charte", 409).shows("[data-error]", "charter_changed")
			b.submit(p, "/charte", "charte", "oui").want("/charte", 200).shows(".done", "2026-09")
			if acts, _ := w.service.count(); acts != 1 {
				t.Errorf("%d acceptances", acts)
			}
			_, back = w.browser(t).logIn(t, provider)
			if to := back.header.Get("Location"); to != on {
				t.Errorf("who owes nothing is led to %q", to)
			}
		})
	}
}

func TestTheCharterAsksForTheLoginFirst(t *testing.T) {
	w, provider := withSSO(t, func(o *portal.Options) { o.EntURL = "https://ent.exemple.fr/" })
	b := w.browser(t)
	p := b.do("GET", "/charte", nil)
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/connexion?charte" {
		t.Fatalf("%d to %q", p.status, to)
	}
	q := provider.Login(t, b.do("GET", "/connexion?charte", nil).header.Get("Location"))
	b.follow(b.do("GET", "/connexion/retour?"+q.Encode(), nil)).want("/charte", 200).shows(".done", "2026-09")
	form := b.get("/charte")
	if form.Find("form").Length() != 0 {
		t.Error("somebody is asked for what they accepted")
	}
}

func TestAPublishedTextIsReadByItsHash(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	path := "/charte/" + w.service.charter.SHA256
	p := b.get(path).want(path, 200).shows(".hash", w.service.charter.SHA256)
	if p.Find("article script").Length() != 0 {
		t.Error("raw HTML of a charter reached the page")
	}
	if to := p.Find("a[hreflang]").AttrOr("href", path); !strings.HasPrefix(to, path) {
		t.Errorf("the other language is at %q", to)
	}
	for _, none := range []string{strings.Repeat("0", 64), "x", "..%2f"} {
		if p := b.do("GET", "/charte/"+none, nil); p.status != http.StatusNotFound {
			t.Errorf("%s: %d", none, p.status)
		}
	}
}
