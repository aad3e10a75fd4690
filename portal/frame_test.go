package portal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"entree/portal"
)

func TestS12_OneExactValuePerField(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	good := b.get("/activation").fill("/activation", "profil", "etudiant", "adresse", known)
	token := good.Get("jeton")
	for name, tt := range map[string]struct {
		body   string
		status int
	}{
		"repeated":             {"profil=etudiant&adresse=a@exemple.fr&adresse=b@exemple.fr", 400},
		"array":                {"profil=etudiant&adresse[]=a@exemple.fr", 400},
		"array beside":         {"profil=etudiant&adresse=a@exemple.fr&adresse[]=b@exemple.fr", 400},
		"indexed":              {"profil=etudiant&adresse=a@exemple.fr&adresse[0]=b@exemple.fr", 400},
		"object":               {"profil=etudiant&adresse=a@exemple.fr&adresse.mail=b@exemple.fr", 400},
		"other case":           {"profil=etudiant&adresse=a@exemple.fr&Adresse=b@exemple.fr", 400},
		"missing":              {"profil=etudiant", 400},
		"two profiles":         {"profil=etudiant&profil=personnel&adresse=a@exemple.fr", 400},
		"two tokens":           {"profil=etudiant&adresse=a@exemple.fr&jeton=" + token, 400},
		"not UTF-8":            {"profil=etudiant&adresse=%ff%fe@exemple.fr", 400},
		"NUL":                  {"profil=etudiant&adresse=%00a@exemple.fr", 400},
		"broken escape":        {"profil=etudiant&adresse=%zz", 400},
		"oversize":             {"profil=etudiant&adresse=" + strings.Repeat("a", 1025), 413},
		"body beyond 64 KiB":   {"profil=etudiant&adresse=a&x=" + strings.Repeat("a", 64<<10), 413},
		"comma":                {"profil=etudiant&adresse=a@exemple.fr,b@exemple.fr", 422},
		"header in an address": {"profil=etudiant&adresse=a@exemple.fr%0d%0aBcc:b@exemple.fr", 422},
	} {
		p := b.raw("/activation", "application/x-www-form-urlencoded", tt.body+"&jeton="+token)
		if p.status != tt.status || p.Find("h1").Length() != 1 {
			t.Errorf("%s: %d (%s), want %d", name, p.status, p.Find("h1").Text(), tt.status)
		}
	}
	if acts, _ := w.service.count(); acts != 0 {
		t.Errorf("%d journeys were begun", acts)
	}
	for _, kind := range []string{"application/json", "multipart/form-data; boundary=x", "text/plain", ""} {
		if p := b.raw("/activation", kind, good.Encode()); p.status != http.StatusUnsupportedMediaType {
			t.Errorf("content type %q: %d, want 415", kind, p.status)
		}
	}
	// The query is not part of a form.
	if p := b.raw("/activation?adresse=b@exemple.fr&adresse[]=c", "application/x-www-form-urlencoded", good.Encode()); p.status != http.StatusSeeOther {
		t.Errorf("a field in the query: %d", p.status)
	}
}

func (b *browser) raw(path, kind, body string) *page {
	b.t.Helper()
	r := httptest.NewRequest("POST", b.world.base+path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.RemoteAddr = b.remote
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return b.send(r)
}

// allPaths returns every path that answers GET, with parameters filled in.
func allPaths(w *world) (paths []string) {
	for _, route := range w.portal.Routes() {
		if route.Method == http.MethodGet {
			paths = append(paths, strings.ReplaceAll(route.Path, "*name", "app.css"))
		}
	}
	return paths
}

func TestS15_GetAndHeadChangeNothing(t *testing.T) {
	w, _ := withSSO(t)
	fresh, mid := w.browser(t), w.browser(t)
	mid.to("/activation/entre-mdp")
	acts, mails := w.service.count()
	_, writes := w.rows.count()
	cookie := mid.sessionCookie()
	paths := allPaths(w)
	if len(paths) < 18 {
		t.Fatalf("only %d addresses", len(paths))
	}
	for _, b := range []*browser{fresh, mid} {
		for _, path := range paths {
			for _, query := range []string{"", "?lang=en", "?code=" + rightCode + "&charte=oui&jeton=x", "?renvoye"} {
				b.do("GET", path+query, nil)
				b.do("HEAD", path+query, nil)
			}
		}
	}
	nowActs, nowMails := w.service.count()
	_, nowWrites := w.rows.count()
	if nowActs != acts || nowMails != mails || nowWrites != writes || mid.sessionCookie() != cookie {
		t.Errorf("acts %d→%d, mails %d→%d, rows written %d→%d", acts, nowActs, mails, nowMails, writes, nowWrites)
	}
	mid.get("/activation/charte").want("/activation/entre-mdp", 200)
}

func TestHeadIsAnsweredAsGet(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.portal)
	defer server.Close()
	b := w.browser(t)
	for _, path := range []string{"/", "/activation", "/nowhere", "/healthz", "/static/app.css"} {
		get, head := b.do("GET", path, nil), b.do("HEAD", path, nil)
		if get.status != head.status || get.header.Get("Content-Type") != head.header.Get("Content-Type") {
			t.Errorf("%s: GET %d, HEAD %d", path, get.status, head.status)
		}
	}
	if p := b.do("HEAD", "/connexion/retour", nil); p.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD of the provider's answer: %d, want 405", p.status)
	}
}

func TestMethodsThatAreNotThere(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ method, path string }{
		{"PUT", "/activation"}, {"DELETE", "/activation/charte"}, {"GET", "/activation/renvoi"}, {"GET", "/deconnexion"}, {"OPTIONS", "/"},
	} {
		p := w.browser(t).do(tt.method, tt.path, nil)
		if p.status != http.StatusMethodNotAllowed || p.header.Get("Allow") == "" || titleKey(p) != "error.method" {
			t.Errorf("%s %s: %d, Allow %q, page %q", tt.method, tt.path, p.status, p.header.Get("Allow"), titleKey(p))
		}
	}
}

// I4, S16: the code, the password and the address occur in no URL, no header
// and no line of the log.
func TestS16_SecretsStayOutOfAddressesAndLogs(t *testing.T) {
	w, provider := withSSO(t)
	b := w.browser(t)
	w.service.panics = true
	form := b.get("/activation").fill("/activation", "profil", "etudiant", "adresse", known)
	b.do("POST", "/activation", &form)
	w.service.panics = false
	b.submit(b.begin(known), "/activation/identification", "code", "999998")
	p := b.to("/activation/mot-de-passe")
	p = b.submit(p, "/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", "x")
	b.submit(p, "/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", goodPhrase)
	_, back := b.logIn(t, provider)
	b.follow(back).want("/ent", 200)
	log := w.log.String()
	if !strings.Contains(log, `"route":"/activation/mot-de-passe"`) || !strings.Contains(log, `"msg":"panic"`) {
		t.Fatal("the log lacks what was done")
	}
	for _, planted := range []string{rightCode, "999998", goodPhrase, known, "jeanne", "o22502142", "192.0.2.7", b.sessionCookie(), "login_hint"} {
		if strings.Contains(log, planted) {
			t.Errorf("the log holds %q", planted)
		}
	}
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["request"] == "" {
			t.Errorf("line without a correlation id: %s", line)
		}
	}
}

func TestS34_AForeignHostIsRefused(t *testing.T) {
	w := newWorld(t)
	for host, status := range map[string]int{
		"mon-compte.exemple.fr": 200, "MON-COMPTE.exemple.fr": 200, "mon-compte.exemple.fr:443": 200,
		"mon-compte.exemple.fr:8443": 421, "evil.example": 421, "mon-compte.exemple.fr.evil.example": 421, "": 421, "127.0.0.1": 421,
	} {
		r := httptest.NewRequest("GET", w.base+"/", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "mon-compte.exemple.fr")
		p := w.browser(t).send(r)
		if p.status != status {
			t.Errorf("Host %q: %d, want %d", host, p.status, status)
		}
		if strings.Contains(p.body, "evil") {
			t.Errorf("Host %q stands in the answer", host)
		}
	}
	// The name with a final dot is redirected for each form of the request line.
	for path, to := range map[*url.URL]string{
		{Path: "/activation", RawQuery: "profil=etudiant"}: "/activation?profil=etudiant", {Opaque: "@evil.example/"}: "/", {Path: "//evil.example/x"}: "/evil.example/x",
	} {
		r := httptest.NewRequest("GET", w.base+"/", nil)
		r.URL, r.Host = path, "mon-compte.exemple.fr."
		rec := httptest.NewRecorder()
		w.portal.ServeHTTP(rec, r)
		if got := rec.Header().Get("Location"); rec.Code != http.StatusMovedPermanently || got != w.base+to {
			t.Errorf("%s: %d to %q", path, rec.Code, got)
		}
	}
	r := httptest.NewRequest("GET", "http://10.1.2.3:8080/healthz", nil)
	if p := w.browser(t).send(r); p.status != http.StatusOK {
		t.Errorf("a probe by address: %d", p.status)
	}
}

func TestS35_ForwardedForIsBelievedFromConfiguredProxiesOnly(t *testing.T) {
	ask := func(w *world, i int) int {
		b := w.browser(t)
		// One header line with both addresses, or a separate line for the
		// proxy's.
		b.header["X-Forwarded-For"] = []string{fmt.Sprintf("203.0.113.%d, 198.51.100.9", i)}
		if i%2 == 0 {
			b.header["X-Forwarded-For"] = []string{fmt.Sprintf("203.0.113.%d", i), "198.51.100.9"}
		}
		b.header.Set("X-Real-Ip", fmt.Sprintf("203.0.113.%d", i))
		b.header.Set("Forwarded", fmt.Sprintf("for=203.0.113.%d", i))
		form := b.get("/activation").fill("/activation", "profil", "etudiant", "adresse", known)
		return b.do("POST", "/activation", &form).status
	}
	direct := newWorld(t)
	behind := newWorld(t, func(o *portal.Options) { o.TrustedProxies = []string{"192.0.2.0/24"} })
	for name, w := range map[string]*world{"no proxy": direct, "one proxy": behind} {
		w.service.perNet = 3
		limited := 0
		for i := range 10 {
			if ask(w, i) == http.StatusTooManyRequests {
				limited++
			}
		}
		if limited != 7 {
			t.Errorf("%s: %d of 10 were limited with a rotating header, want 7", name, limited)
		}
	}
	if direct.service.clients["192.0.2.7/32"] != 10 || behind.service.clients["198.51.100.9/32"] != 10 {
		t.Errorf("clients: %v and %v", direct.service.clients, behind.service.clients)
	}
}

func TestClientsAreNetworks(t *testing.T) {
	w := newWorld(t)
	for _, remote := range []string{"[2001:db8:1:2::1]:5", "[2001:db8:1:2:ffff::9]:5", "[::ffff:198.51.100.4]:5"} {
		b := w.browser(t)
		b.remote = remote
		b.begin(known)
	}
	if got := fmt.Sprint(w.service.clients); got != "map[198.51.100.4/32:1 2001:db8:1:2::/64:2]" {
		t.Errorf("clients: %s", got)
	}
}

func TestS36_HeadersOnEveryAnswer(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.to("/activation/charte")
	paths := append(allPaths(w), "/nowhere", "/.well-known/nothing")
	for _, path := range paths {
		p := b.do("GET", path, nil)
		csp := p.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy lacks %s", path, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Strict-Transport-Security": "max-age=63072000",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		if cache := p.header.Get("Cache-Control"); cache != "no-store" && !strings.HasPrefix(path, "/static/") && path != "/favicon.ico" {
			t.Errorf("%s: Cache-Control %q", path, cache)
		}
	}
	local := newWorld(t, func(o *portal.Options) { o.BaseURL = "http://localhost:8080" })
	if got := local.browser(t).get("/").header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS over plain HTTP: %q", got)
	}
}

func TestS40_FailuresBecomeOneGenericPage(t *testing.T) {
	const cause = "pq: relation people has no row 4711"
	for name, fail := range map[string]func(*fakeService){
		"panic": func(f *fakeService) { f.panics = true },
		"error": func(f *fakeService) { f.broken = errors.New(cause) },
	} {
		w := newWorld(t)
		b := w.browser(t)
		form := b.get("/activation").fill("/activation", "profil", "etudiant", "adresse", known)
		fail(w.service)
		p := b.do("POST", "/activation", &form).want("/activation", 500).shows("h1", "error.internal.title")
		id := p.Find(".reference").Text()
		if len(id) != 14 || id != p.header.Get("X-Request-Id") || !strings.Contains(w.log.String(), id) {
			t.Errorf("%s: correlation id %q is not in the log", name, id)
		}
		if strings.Contains(p.body, cause) || strings.Contains(p.body, "goroutine") {
			t.Errorf("%s: the cause reached the page", name)
		}
	}
}

func TestS40_TheCorrelationIdIsNeverTheVisitors(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.header.Set("X-Request-Id", "mine")
	if p := b.get("/nowhere"); p.header.Get("X-Request-Id") == "mine" || strings.Contains(w.log.String(), "mine") {
		t.Error("a correlation id from outside was taken")
	}
}

func TestAddressesTooLong(t *testing.T) {
	w := newWorld(t)
	if p := w.browser(t).do("GET", "/?x="+strings.Repeat("a", 5000), nil); p.status != http.StatusRequestURITooLong {
		t.Errorf("%d, want 414", p.status)
	}
}

// PostgreSQL refuses NUL and invalid UTF-8; without a check that would be an
// internal error.
func TestAddressesThatAreNoText(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/%00", "/charte/%00", "/charte/%ff", "/?x=%00", "/activation?profil=a&%ff=1"} {
		if p := w.browser(t).do("GET", path, nil); p.status != http.StatusBadRequest || p.Find("h1").Length() != 1 {
			t.Errorf("%s: %d, want 400", path, p.status)
		}
	}
}

func TestBusyIsSaidSo(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	form := b.get("/activation").fill("/activation", "profil", "etudiant", "adresse", known)
	w.service.perNet = 0
	p := b.do("POST", "/activation", &form).want("/activation", 429).shows(".summary", "wait.minutes Count=4")
	if p.header.Get("Retry-After") != "240" || p.Find("[name=adresse]").AttrOr("value", "") != known {
		t.Errorf("Retry-After %q, address %q", p.header.Get("Retry-After"), p.Find("[name=adresse]").AttrOr("value", ""))
	}
}
