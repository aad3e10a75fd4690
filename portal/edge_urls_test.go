package portal_test

import (
	"net/http"
	"testing"
)

// V16: URLs as they are copied from mails, posters, chats and other languages'
// keyboards lead to their page, or to a 404 page with a way on, never elsewhere.
func TestV16_AHundredFurtherURLs(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	leads := map[string][]string{
		"/activation": {
			"/activation;", "/activation:", "/activation!", "/activation?", "/activation%3F", "/activation%21", "/activation%22", "/activation'", "/activation%27", "/activation%E2%80%99", "/activation%E2%80%9D", "/activation%C2%BB", "/activation%C2%A0%C2%BB",
			"/activation%0A", "/activation%0D%0A", "/activation%09", "/activation%20%20", "/activation%E2%80%AF", "/activation%E3%80%80", "/activation%EF%BB%BF", "/activation%C2%AD", "/activation%E2%80%8E", "/activation%E2%81%A0", "/activation%E2%80%A6", "/activation...", "/activation).", "/activation).%20", "/activation]", "/activation%7D", "/activation*", "/activation**", "/activation%60",
			"/aCtIvAtIoN", "/activation//", "/activation///", "///activation", "/./activation", "/activation/.", "/Activation%20/", "/%20activation", "/%41ctivation", "/activation%2F", "/activation%2f", "/activation%2e%2e", "/activation/%25", "/%E2%80%8Bactivation",
		},
		"/activation/identification": {"/activation/identification/", "/activation/Identification", "/ACTIVATION/IDENTIFICATION", "/activation/identification.", "/activation/identification%20", "//activation//identification//", "/activation/identification%C2%BB", "/activation/identification)"},
		"/activation/mot-de-passe":   {"/activation/mot-de-passe/", "/activation/Mot-De-Passe", "/activation/mot-de-passe.", "/activation/mot-de-passe%20"},
		"/mot-de-passe-oublie":       {"/mot-de-passe-oublie/", "/Mot-de-passe-oublie", "/mot-de-passe-oublie.", "/mot-de-passe-oublie%20", "/mot-de-passe-oublie%C2%BB.", "/MOT-DE-PASSE-OUBLIE"},
		"/connexion":                 {"/connexion/", "/CONNEXION", "/connexion.", "/connexion%20", "/connexion)", "/connexion%3E"},
		"/ent":                       {"/ent/", "/ENT", "/Ent.", "/ent%20", "/ent,"},
		"/compte":                    {"/compte/", "/Compte", "/compte.", "/compte%C2%A0", "/compte;"},
		"/charte":                    {"/charte/", "/Charte", "/charte.", "/charte%20", "/charte!"},
		"/":                          {"//", "/%20", "/.", "/,", "/./"},
	}
	n := 0
	for want, paths := range leads {
		for _, path := range paths {
			n++
			p := b.do("GET", path, nil)
			if to := p.header.Get("Location"); p.status/100 == 3 && to != want && !(p.status == 303 && path == want+"?") {
				t.Errorf("%s: %d to %q, want %q", path, p.status, to, want)
			} else if p.status/100 != 3 && p.path != want && p.status != http.StatusOK {
				t.Errorf("%s: %d, want a redirect to %s", path, p.status, want)
			}
		}
	}
	for _, path := range []string{
		"/activation%00", "/activation%ff", "/activation/../admin/x", "/activatiom", "/activatio", "/act", "/activation/identificatio", "/activation/identification/x", "/wp-login.php", "/.env", "/.git/config", "/index.html", "/activation.html", "/activation.php", "/fr/activation", "/en", "/login", "/static/", "/static/../main.go", "/%2e%2e/%2e%2e/etc/passwd", "/activation%23top", "/aktivierung", "/акт", "/@evil.example", "/https://evil.example", "/\\evil.example", "/%5cevil.example/", "/activation%E2%80%AEx",
	} {
		n++
		p := b.do("GET", path, nil)
		if to := p.header.Get("Location"); to != "" || p.status != http.StatusNotFound && p.status != http.StatusBadRequest {
			t.Errorf("%s: %d to %q, want 404", path, p.status, to)
		}
	}
	if n < 100 {
		t.Errorf("only %d URLs", n)
	}
}
