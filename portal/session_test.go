package portal_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entree/internal/secret"
	"entree/portal"
)

func TestS28_TheSessionIsRenewedAndDestroyed(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.get("/activation")
	fresh := b.sessionCookie()
	p = b.submit(p, "/activation", "profil", "etudiant", "adresse", known)
	begun := b.sessionCookie()
	p = b.submit(p, "/activation/identification", "code", rightCode)
	proven := b.sessionCookie()
	if fresh == "" || fresh == begun || begun == proven {
		t.Fatal("the session keeps its id")
	}
	for name, old := range map[string]string{"before the journey": fresh, "before the code": begun} {
		thief := w.browser(t)
		thief.setSession(old)
		if p := thief.get("/activation/charte"); titleKey(p) == "charter" {
			t.Errorf("the id of %s opens the charter", name)
		}
	}
	b.submit(b.submit(p, "/activation/charte", "charte", "oui"), "/activation/entre-mdp")
	form := url.Values{"jeton": {b.get("/activation/mot-de-passe").Find("[name=jeton]").AttrOr("value", "")}}
	b.follow(b.do("POST", "/activation/recommencer", &form)).want("/activation", 200)
	thief := w.browser(t)
	thief.setSession(proven)
	thief.get("/activation/charte").want("/activation/charte", http.StatusGone)
	if rows := w.rows.sessions(); rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
}

func TestS28_IdsAreLongAndRandom(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.begin(known)
	for id := range w.rows.rows {
		if raw, err := base64.RawURLEncoding.DecodeString(id); err != nil || len(raw) != 32 {
			t.Errorf("session id %q: want 256 bits", id)
		}
	}
}

// A cookie that an attacker planted before the journey began is useless after
// it (fixation).
func TestS28_Fixation(t *testing.T) {
	w := newWorld(t)
	attacker := w.browser(t)
	attacker.begin(known)
	planted := attacker.sessionCookie()
	victim := w.browser(t)
	victim.setSession(planted)
	victim.begin(known)
	if victim.sessionCookie() == planted {
		t.Fatal("the planted id was kept")
	}
	attacker.get("/activation/identification").want("/activation/identification", http.StatusGone)
}

// Of eight concurrent presses with the first cookie one proves the code, at most one
// other takes what it left, and none causes an internal error.
func TestS28_ParallelPresses(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	form := b.begin(known).fill("/activation/identification", "code", rightCode)
	cookie := b.sessionCookie()
	var wg sync.WaitGroup
	var renewed atomic.Int32
	for range 8 {
		wg.Go(func() {
			one := w.browser(t)
			one.setSession(cookie)
			p := one.do("POST", "/activation/identification", &form)
			if p.status != http.StatusSeeOther {
				t.Errorf("a press ended with %d", p.status)
			}
			if len(p.header.Values("Set-Cookie")) > 0 {
				renewed.Add(1)
			}
		})
	}
	wg.Wait()
	if rows := w.rows.sessions(); renewed.Load() < 1 || renewed.Load() > 2 || rows != int(renewed.Load()) {
		t.Errorf("%d new sessions, %d rows; want one or two of each", renewed.Load(), rows)
	}
}

func TestPagesWithoutAFormSetNoCookie(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/nowhere", "/static/app.css", "/healthz", "/robots.txt"} {
		if p := w.browser(t).do("GET", path, nil); len(p.header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s sets %q", path, p.header.Get("Set-Cookie"))
		}
	}
}

func TestS29_CookieAttributes(t *testing.T) {
	for _, tt := range []struct{ base, name string }{
		{"https://mon-compte.exemple.fr", "__Host-entree"},
		{"http://localhost:8080", "entree"},
	} {
		w := newWorld(t, func(o *portal.Options) { o.BaseURL = tt.base })
		p := w.browser(t).get("/activation")
		cookies := (&http.Response{Header: p.header}).Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: %d cookies", tt.base, len(cookies))
		}
		c := cookies[0]
		https := strings.HasPrefix(tt.base, "https")
		if c.Name != tt.name || c.Secure != https || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
			c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || !c.Expires.IsZero() {
			t.Errorf("%s: %s", tt.base, p.header.Get("Set-Cookie"))
		}
	}
}

func TestS29_PlainHTTPOnLoopbackOnly(t *testing.T) {
	for base, ok := range map[string]bool{
		"https://mon-compte.exemple.fr": true, "http://localhost:8080": true, "http://127.0.0.1:8080": true, "http://[::1]:80": true,
		"http://mon-compte.exemple.fr": false, "http://10.0.0.1": false, "ftp://localhost": false, "https://a.fr/portail": false,
		"https://user@a.fr": false, "": false, "mon-compte.exemple.fr": false,
	} {
		failed := &recorder{}
		func() {
			defer func() { _ = recover() }()
			newWorld(failed, func(o *portal.Options) { o.BaseURL = base })
		}()
		if (failed.err == nil) != ok {
			t.Errorf("base URL %q: %v", base, failed.err)
		}
	}
}

func TestForgedCookiesAreRefused(t *testing.T) {
	w := newWorld(t)
	victim := w.browser(t)
	victim.to("/activation/charte")
	good := victim.sessionCookie()
	other := w.browser(t)
	other.begin(family)

	forged := map[string]string{
		"empty": "", "noise": "AAAA", "cut": good[:len(good)-2], "longer": good + "AA",
		"made with another key": newWorld(t).browser(t).beginCookie(t),
	}
	for i := range 24 { // flip one bit at positions spread over the whole
		b := []byte(good)
		b[i*len(b)/24] ^= 1
		forged["flipped at "+string(rune('a'+i))] = string(b)
	}
	raw, err := base64.URLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := base64.URLEncoding.DecodeString(other.sessionCookie())
	if err != nil {
		t.Fatal(err)
	}
	// The signature of one cookie with the content of another.
	mine, his := strings.SplitN(string(raw), "|", 3), strings.SplitN(string(theirs), "|", 3)
	forged["swapped signature"] = base64.URLEncoding.EncodeToString([]byte(his[0] + "|" + mine[1] + "|" + his[2]))
	for name, value := range forged {
		b := w.browser(t)
		b.setSession(value)
		if p := b.get("/activation/charte"); p.path != "/activation" || p.status != http.StatusOK {
			t.Errorf("%s: %d at %s (%s)", name, p.status, p.path, p.Find("h1").Text())
		}
	}
	victim.get("/activation/charte").want("/activation/charte", 200)
}

func (b *browser) beginCookie(t *testing.T) string {
	t.Helper()
	b.begin(known)
	return b.sessionCookie()
}

// Prove A, then act for B: one person's token with another's session, and the
// reverse.
func TestS7_TokensAndSessionsOfTwoPeopleDoNotMix(t *testing.T) {
	w := newWorld(t)
	a, b := w.browser(t), w.browser(t)
	pa, pb := a.begin(known), b.begin(known)
	form := pb.fill("/activation/identification", "code", rightCode)
	form.Set("jeton", pa.fill("/activation/identification").Get("jeton"))
	p := b.do("POST", "/activation/identification", &form)
	if p.status != http.StatusConflict {
		t.Errorf("another session's token: %d, want 409", p.status)
	}
	b.get("/activation/charte").want("/activation/identification", 200)
}

func TestS30_FormsFromElsewhereAreRefused(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	form := b.begin(known).fill("/activation/identification", "code", rightCode)
	for name, header := range map[string]http.Header{
		"cross-site":             {"Sec-Fetch-Site": {"cross-site"}},
		"another subdomain":      {"Sec-Fetch-Site": {"same-site"}},
		"old browser":            {"Origin": {"https://evil.example"}},
		"no origin":              {"Origin": {"null"}},
		"method override header": {"Sec-Fetch-Site": {"cross-site"}, "X-Requested-With": {"XMLHttpRequest"}},
	} {
		b.header = header
		if p := b.do("POST", "/activation/identification", &form); p.status != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, p.status)
		}
	}
	b.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	for name, token := range map[string]string{"none": "", "noise": "x", "another's": w.browser(t).get("/activation").fill("/activation").Get("jeton")} {
		forged := url.Values{"code": {rightCode}, "jeton": {token}}
		if p := b.do("POST", "/activation/identification", &forged); p.status != http.StatusConflict {
			t.Errorf("token %s: %d, want 409", name, p.status)
		}
	}
	b.get("/activation/charte").want("/activation/identification", 200)
	b.follow(b.do("POST", "/activation/identification", &form)).want("/activation/charte", 200)
}

func TestSessionKeyRotation(t *testing.T) {
	older, newer := secret.GenerateKey().Reveal(), secret.GenerateKey().Reveal()
	ring := func(keys ...string) secret.Keyring {
		k, err := secret.ParseKeys(secret.New(strings.Join(keys, ",")))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	before := newWorld(t, func(o *portal.Options) { o.Keys = ring(older) })
	b := before.browser(t)
	b.to("/activation/charte")
	for name, tt := range map[string]struct {
		keys secret.Keyring
		at   string
	}{
		"new key in front": {ring(newer, older), "/activation/charte"},
		"old key gone":     {ring(newer), "/activation"},
	} {
		after := newWorld(t, func(o *portal.Options) {
			o.Keys, o.Service, o.Sessions = tt.keys, before.service, before.rows
		})
		visitor := after.browser(t)
		visitor.setSession(b.sessionCookie())
		if p := visitor.get("/activation/charte"); p.path != tt.at {
			t.Errorf("%s: at %s, want %s", name, p.path, tt.at)
		}
	}
}

// The values of a session are unreadable in the database without the key. The journey is
// named beside them, and by nothing in them.
func TestI4_SessionRowsAreSealed(t *testing.T) {
	w := newWorld(t)
	w.browser(t).to("/activation/charte")
	for id, row := range w.rows.rows {
		for jid := range w.service.journeys {
			if strings.Contains(string(row.Data), string(jid)) {
				t.Errorf("the values of row %s are readable", id)
			}
		}
	}
}

func TestSessionRowEndsWithItsJourney(t *testing.T) {
	w := newWorld(t)
	w.browser(t).begin(known)
	for _, row := range w.rows.rows {
		if life := row.Expires.Sub(w.now()); life < journeyLife-time.Second || life > journeyLife {
			t.Errorf("row lives %s, journey %s", life, journeyLife)
		}
	}
}

// recorder is a failer for checks that are expected to fail.
type recorder struct{ err error }

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	for _, a := range args {
		if err, ok := a.(error); ok {
			r.err = err
		}
	}
	panic("failed")
}
