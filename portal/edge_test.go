package portal_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/portal"
	"entree/portal/web"
)

// R14: /metrics answers on the operators' listener and to this machine, and to
// no request that a reverse proxy passed on.
func TestR14_MetricsAreNotPublic(t *testing.T) {
	metrics := web.NewMetrics(web.Build{}, web.Figures{Events: func(context.Context) (map[domain.EventKind]int64, error) {
		return map[domain.EventKind]int64{domain.EventMailSent: 7, domain.EventAddressWrong: 3, domain.EventSecondWrong: 2, domain.EventRequested: 9}, nil
	}})
	w := newWorld(t, func(o *portal.Options) { o.Metrics, o.TrustedProxies = metrics, []string{"127.0.0.0/8", "::1"} })
	ask := func(remote, host string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "http://x/metrics", nil)
		r.RemoteAddr, r.Host = remote, host
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		rec := httptest.NewRecorder()
		w.portal.ServeHTTP(rec, r)
		return rec
	}
	for _, tt := range []struct {
		name, remote, host string
		header             []string
		open               bool
	}{
		{"this machine", "127.0.0.1:5000", "127.0.0.1:8080", nil, true},
		{"this machine by name", "127.0.0.1:5000", "localhost:8080", nil, true},
		{"this machine by IPv6", "[::1]:5000", "[::1]:8080", nil, true},
		{"this machine by IPv4 in IPv6", "[::ffff:127.0.0.1]:5000", "127.0.0.1:8080", nil, true},
		{"the network", "192.0.2.7:5000", "mon-compte.exemple.fr", nil, false},
		{"the network, with a Host of this machine", "192.0.2.7:5000", "127.0.0.1:8080", nil, false},
		{"the private network", "10.0.0.9:5000", "127.0.0.1:8080", nil, false},
		{"a proxy here", "127.0.0.1:5000", "mon-compte.exemple.fr", []string{"X-Forwarded-For", "203.0.113.5"}, false},
		{"a proxy here that says nothing", "127.0.0.1:5000", "mon-compte.exemple.fr", nil, false},
		{"a proxy here that changes the Host", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", "203.0.113.5"}, false},
		{"a proxy here with an empty header", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", ""}, false},
		{"a proxy here with Forwarded", "127.0.0.1:5000", "127.0.0.1:8080", []string{"Forwarded", "for=203.0.113.5"}, false},
		{"a proxy here with X-Real-IP", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Real-Ip", "203.0.113.5"}, false},
		{"a proxy here with Via", "127.0.0.1:5000", "127.0.0.1:8080", []string{"Via", "1.1 cache"}, false},
		{"a visitor who claims to be here", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", "127.0.0.1"}, false},
		{"no address", "", "127.0.0.1:8080", nil, false},
	} {
		rec := ask(tt.remote, tt.host, tt.header...)
		shown := strings.Contains(rec.Body.String(), "entree_")
		if tt.open && (rec.Code != http.StatusOK || !shown) || !tt.open && (rec.Code != http.StatusNotFound || shown) {
			t.Errorf("%s: %d, metrics shown: %v", tt.name, rec.Code, shown)
		}
	}
	own := httptest.NewRecorder()
	w.portal.Ops().ServeHTTP(own, httptest.NewRequest("GET", "http://10.0.0.5:9000/metrics", nil))
	body := own.Body.String()
	if !strings.Contains(body, `entree_database_events_total{kind="activation.requested"} 9`) {
		t.Errorf("the operators' listener lacks events: %d", own.Code)
	}
	for _, kind := range []string{"mail.sent", "address.wrong", "second.wrong"} {
		if strings.Contains(body, kind) {
			t.Errorf("the metrics count %s, which tells whether an address is known", kind)
		}
	}
}

// V7: every form in which proxies write an address is read, from trusted
// proxies alone.
func TestV7_EveryFormOfAnAddressIsRead(t *testing.T) {
	const v6 = "2001:db8:1:2:3::9"
	for _, tt := range []struct{ header, value, client string }{
		{"X-Forwarded-For", "203.0.113.5", "203.0.113.5/32"},
		{"X-Forwarded-For", "203.0.113.5:41000", "203.0.113.5/32"},
		{"X-Forwarded-For", " 203.0.113.5 ", "203.0.113.5/32"},
		{"X-Forwarded-For", v6, "2001:db8:1:2::/64"},
		{"X-Forwarded-For", "[" + v6 + "]", "2001:db8:1:2::/64"},
		{"X-Forwarded-For", "[" + v6 + "]:443", "2001:db8:1:2::/64"},
		{"X-Forwarded-For", "fe80::1:2:3:4%eth0", "fe80::/64"},
		{"X-Forwarded-For", "[fe80::1:2:3:4%25eth0]:443", "fe80::/64"},
		{"X-Forwarded-For", "::ffff:203.0.113.5", "203.0.113.5/32"},
		{"X-Forwarded-For", "[::ffff:203.0.113.5]:9", "203.0.113.5/32"},
		{"X-Forwarded-For", "198.51.100.1, 203.0.113.5:1", "203.0.113.5/32"},
		{"X-Forwarded-For", "203.0.113.5:1, 192.0.2.9:80, [::ffff:192.0.2.10]:80", "203.0.113.5/32"},
		{"X-Forwarded-For", "203.0.113.5,", "203.0.113.5/32"},
		{"X-Forwarded-For", `"203.0.113.5"`, "203.0.113.5/32"},
		{"X-Forwarded-For", `"[` + v6 + `]:443"`, "2001:db8:1:2::/64"},
		{"Forwarded", "for=203.0.113.5", "203.0.113.5/32"},
		{"Forwarded", `For="203.0.113.5:41000"`, "203.0.113.5/32"},
		{"Forwarded", `for="[` + v6 + `]"`, "2001:db8:1:2::/64"},
		{"Forwarded", `proto=https;by=192.0.2.7;FOR="[` + v6 + `]:4711";host="a,b;c"`, "2001:db8:1:2::/64"},
		{"Forwarded", `for="[` + v6 + `]:_port"`, "2001:db8:1:2::/64"},
		{"Forwarded", `for=198.51.100.1;proto=http, for=203.0.113.5;proto=https`, "203.0.113.5/32"},
		{"Forwarded", `for=203.0.113.5, for="192.0.2.9:80"`, "203.0.113.5/32"},
		{"Forwarded", `for="203.0.113\.5"`, "203.0.113.5/32"},
	} {
		w := newWorld(t, func(o *portal.Options) { o.TrustedProxies = []string{"192.0.2.0/24"} })
		b := w.browser(t)
		b.header.Set(tt.header, tt.value)
		b.begin(known)
		if w.service.clients[tt.client] != 1 {
			t.Errorf("%s: %s counts as %v, want %s", tt.header, tt.value, w.service.clients, tt.client)
		}
		if strings.Contains(w.log.String(), `"WARN"`) {
			t.Errorf("%s: %s is reported", tt.header, tt.value)
		}
	}
	direct := newWorld(t)
	b := direct.browser(t)
	b.header.Set("Forwarded", "for=203.0.113.5")
	b.begin(known)
	if direct.service.clients["192.0.2.7/32"] != 1 {
		t.Errorf("a header that no proxy wrote is read: %v", direct.service.clients)
	}
}

// V7: a header that cannot be read is logged once and shown in /readyz, and
// what a visitor wrote to its left is not read in its place.
func TestV7_AHeaderThatCannotBeReadIsReported(t *testing.T) {
	for _, tt := range []struct{ header, value string }{
		{"X-Forwarded-For", "203.0.113.5, client-17"},
		{"X-Forwarded-For", "203.0.113.5, unknown"},
		{"X-Forwarded-For", "203.0.113.5, 300.1.2.3"},
		{"X-Forwarded-For", "203.0.113.5, [2001:db8::1"},
		{"X-Forwarded-For", "203.0.113.5, 198.51.100.1:http"},
		{"Forwarded", "for=203.0.113.5, for=unknown"},
		{"Forwarded", "for=203.0.113.5, for=_hidden"},
		{"Forwarded", "for=203.0.113.5, proto=https"},
		{"Forwarded", "for=203.0.113.5, for=203.0.113.6;for=203.0.113.7"},
		{"Forwarded", `for=203.0.113.5, for="203.0.113.6`},
		{"Forwarded", "203.0.113.5"},
	} {
		w := newWorld(t, func(o *portal.Options) { o.TrustedProxies = []string{"192.0.2.0/24"} })
		if p := w.browser(t).get("/readyz"); !strings.Contains(p.body, `"proxies":"ok"`) {
			t.Fatalf("before: %s", p.body)
		}
		for range 3 {
			b := w.browser(t)
			b.header.Set(tt.header, tt.value)
			b.begin(known)
		}
		if w.service.clients["192.0.2.7/32"] != 3 {
			t.Errorf("%s: %s counts as %v, want the proxy", tt.header, tt.value, w.service.clients)
		}
		w.sleep(5 * time.Second)
		log := w.log.String()
		if n := strings.Count(log, "cannot be parsed"); n != 1 || strings.Contains(log, "203.0.113") {
			t.Errorf("%s: %s is logged %d times: %s", tt.header, tt.value, n, log)
		}
		if p := w.browser(t).get("/readyz"); p.status != 200 || !strings.Contains(p.body, `"proxies":"failing"`) {
			t.Errorf("%s: %s: /readyz says %s", tt.header, tt.value, p.body)
		}
		rec := httptest.NewRecorder()
		w.portal.Ops().ServeHTTP(rec, httptest.NewRequest("GET", "/readyz", nil))
		if !strings.Contains(rec.Body.String(), tt.header+" from 192.0.2.7 holds an entry that is not an address") {
			t.Errorf("operators read %s", rec.Body)
		}
		w.sleep(2 * time.Hour)
		if p := w.browser(t).get("/readyz"); !strings.Contains(p.body, `"proxies":"ok"`) {
			t.Errorf("two hours later: %s", p.body)
		}
	}
}

// V7: of two headers the named one is read, because a visitor may have written
// the other.
func TestV7_OneOfTwoHeadersIsRead(t *testing.T) {
	for named, want := range map[string]string{"": "203.0.113.5/32", web.HeaderXForwardedFor: "203.0.113.5/32", web.HeaderForwarded: "203.0.113.6/32"} {
		w := newWorld(t, func(o *portal.Options) { o.TrustedProxies, o.ProxyHeader = []string{"192.0.2.7"}, named })
		b := w.browser(t)
		b.header.Set("X-Forwarded-For", "203.0.113.5")
		b.header.Set("Forwarded", "for=203.0.113.6")
		b.begin(known)
		if w.service.clients[want] != 1 {
			t.Errorf("header %q: counted as %v, want %s", named, w.service.clients, want)
		}
		b = w.browser(t)
		b.header = http.Header{"Forwarded": {"for=203.0.113.9"}}
		b.begin(known)
		if read := w.service.clients["203.0.113.9/32"] == 1; read == (named == web.HeaderXForwardedFor) {
			t.Errorf("header %q: Forwarded alone read: %v", named, read)
		}
	}
}

// V16: a URL with capitals, slashes or trailing punctuation of a sentence leads
// to its page, by GET and HEAD.
func TestV16_AnAddressThatIsAlmostRightLeadsToItsPage(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	for path, want := range map[string]string{
		"/activation/": "/activation", "/Activation": "/activation", "/ACTIVATION/": "/activation", "/activation.": "/activation",
		"/activation./": "/activation", "//activation": "/activation", "/activation,": "/activation", "/activation)": "/activation",
		"/activation%20": "/activation", "/activation%C2%A0": "/activation", "/activation%E2%80%8B": "/activation", "/activation%C2%BB.": "/activation",
		"/activation%3E": "/activation", "/Activation/Identification/": "/activation/identification", "/activation//charte": "/activation/charte",
		"/Connexion": "/connexion", "/activation/?profil=etudiant": "/activation?profil=etudiant", "/Activation?profil=a%26b": "/activation?profil=a%26b",
		"/activation/charte/": "/activation/charte", "/Charte/AbC/": "/charte/AbC", "/.": "/", "/Robots.TXT": "/robots.txt",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			p := b.do(method, path, nil)
			if p.status != http.StatusMovedPermanently || p.header.Get("Location") != want {
				t.Errorf("%s %s: %d to %q, want %q", method, path, p.status, p.header.Get("Location"), want)
			}
		}
		if p := b.do("POST", path, &url.Values{}); p.status/100 == 3 {
			t.Errorf("POST %s: %d", path, p.status)
		}
	}
	for _, path := range []string{"/activations", "/activation/x", "/static/nothing.css/", "//evil.example/", "/%2f%2fevil.example/", "/activation-", "/healthz/", "/nowhere/"} {
		if p := b.do("GET", path, nil); p.header.Get("Location") != "" || p.status != http.StatusNotFound {
			t.Errorf("%s: %d to %q, want 404", path, p.status, p.header.Get("Location"))
		}
	}
}

// V16: the portal's own name with the dot of the DNS root is redirected; any
// other name stays refused.
func TestV16_TheHostWithADotAtItsEnd(t *testing.T) {
	w := newWorld(t)
	for host, status := range map[string]int{
		"mon-compte.exemple.fr.": 301, "Mon-Compte.exemple.fr.:443": 301, "mon-compte.exemple.fr..": 421, "evil.example.": 421, "mon-compte.exemple.fr.:8443": 421,
	} {
		r := httptest.NewRequest("GET", w.base+"/activation?profil=etudiant", nil)
		r.Host = host
		p := w.browser(t).send(r)
		if p.status != status || status == 301 && p.header.Get("Location") != w.base+"/activation?profil=etudiant" {
			t.Errorf("Host %s: %d to %q, want %d", host, p.status, p.header.Get("Location"), status)
		}
		r = httptest.NewRequest("POST", w.base+"/activation", strings.NewReader("a=b"))
		r.Host = host
		if p := w.browser(t).send(r); p.status != http.StatusMisdirectedRequest {
			t.Errorf("POST to Host %s: %d", host, p.status)
		}
	}
	if fmt.Sprint(w.service.count()) != "0 0" {
		t.Error("a redirected request changed something")
	}
}
