package app

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"entree/internal/domain"
)

// attempt is one request of a visitor.
type attempt struct {
	method, path string
	form         url.Values
	file         string // name of the field for a file; empty if the form has none
	content      string
	body         string // body that is sent instead of the form; empty: the form
	kind         string // the content type; empty: a form's
	header       http.Header
	host         string
	cookies      map[string]string
	twice        bool // each cookie
	leaves       bool // the visitor leaves when the first part of the response has come
	own          bool // the cookies are the visitor's own, and the visitor keeps the cookies of the response
	invented     bool // the fields are not those of the form at this address

	spoiled string // how the request was spoiled; empty: it is as a page makes it
	void    bool   // the request must change nothing
	fails   string // when the database fails: "before" or "after" it writes
	failed  bool   // the database failed
	owner   domain.JourneyID
	proves  func(domain.PersonID, string) // records a contact that the attempt proved
	did     []string                      // changes of the store during the attempt
	wrong   []string                      // the changes in did that are not allowed
}

type attemptKey struct{}

func (a *attempt) String() string {
	return fmt.Sprintf("%s %s (%s) with %q", a.method, a.path, a.spoiled, a.form)
}

func (a *attempt) request(base string) *http.Request {
	body, kind := a.body, "application/x-www-form-urlencoded"
	switch {
	case body != "":
	case a.file != "":
		body, kind = a.multipart()
	default:
		body = a.form.Encode()
	}
	r := httptest.NewRequest(http.MethodGet, base+"/", strings.NewReader(body))
	r.Method, r.RequestURI = a.method, a.path
	u, err := url.ParseRequestURI(base + a.path)
	if err != nil { // a server answers 400 before any page sees it
		u = &url.URL{Path: "/"}
	}
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, u.RawQuery
	r.Header.Set("Content-Type", kind)
	switch a.kind {
	case "":
	case "none":
		r.Header.Del("Content-Type")
	default:
		r.Header.Set("Content-Type", a.kind)
	}
	maps.Copy(r.Header, a.header)
	if a.host != "" {
		r.Host = a.host
	}
	return r
}

// multipart returns the form as a browser sends it together with a file.
func (a *attempt) multipart() (body, kind string) {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(a.form)) {
		for _, value := range a.form[name] {
			_ = w.WriteField(name, value) // into memory
		}
	}
	if part, err := w.CreateFormFile(a.file, "people.csv"); err == nil {
		_, _ = io.WriteString(part, a.content)
	}
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

// spoils are the ways to send a form that no page of the portal makes. Each reports
// whether the form may have an effect all the same.
var spoils = map[string]func(t *rapid.T, a *attempt, other *wanderer) (void bool){
	"a field is missing": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		name := field(t, a)
		a.form.Del(name)
		return name == "jeton"
	},
	"a field is empty": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		name := field(t, a)
		a.form.Set(name, "")
		return name == "jeton"
	},
	"a field comes twice": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		name := field(t, a)
		a.form.Add(name, a.form.Get(name))
		return a.knows(name)
	},
	"a field is an array": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		name := field(t, a)
		a.form.Set(name+rapid.SampledFrom([]string{"[]", "[0]", ".x", "%5B%5D"}).Draw(t, "array"), a.form.Get(name))
		return a.knows(name)
	},
	"a field is huge": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		name := field(t, a)
		a.form.Set(name, strings.Repeat("é", 5000))
		return a.knows(name)
	},
	"a field is odd": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		name := field(t, a)
		a.form.Set(name, rapid.SampledFrom([]string{
			"\x00", "\r\nBcc: x@example.org", "٠١٢٣٤٥", "‮", "' OR 1=1 --", "{{.}}", "<script>", "../../etc/passwd", "%s%n", "a@example.net,b@example.net", "0", "-1", "99999999999999999999",
		}).Draw(t, "odd"))
		return name == "jeton"
	},
	"it is not UTF-8": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		name := field(t, a)
		a.form.Del(name)
		a.body = a.form.Encode() + "&" + name + "=%ff%fe"
		return a.knows(name)
	},
	"an escape is broken": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		a.body = a.form.Encode() + "&x=%zz"
		return true
	},
	"the body is huge": func(_ *rapid.T, a *attempt, _ *wanderer) bool {
		a.body = a.form.Encode() + "&x=" + strings.Repeat("a", 64<<10)
		return true
	},
	"it is of another type": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		a.kind = rapid.SampledFrom([]string{"none", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml", ";"}).Draw(t, "type")
		return true
	},
	"it stands in the query": func(_ *rapid.T, a *attempt, _ *wanderer) bool {
		a.path, a.body = a.path+"?"+a.form.Encode(), "x="
		return true
	},
	"the token is another's": func(_ *rapid.T, a *attempt, other *wanderer) bool {
		a.form.Set("jeton", other.token)
		return true
	},
	"the token is made up": func(_ *rapid.T, a *attempt, _ *wanderer) bool {
		a.form.Set("jeton", strings.Repeat("A", 43))
		return true
	},
	"the cookies are another's": func(_ *rapid.T, a *attempt, other *wanderer) bool {
		a.cookies, a.own, a.owner = other.cookies, false, other.journey
		return true
	},
	"there is no cookie": func(_ *rapid.T, a *attempt, _ *wanderer) bool {
		a.cookies, a.own, a.owner = nil, false, ""
		return true
	},
	"the cookie is forged": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		forged := map[string]string{}
		for name, value := range a.cookies {
			b := []byte(value)
			b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1
			forged[name] = strings.Map(func(r rune) rune {
				if r < '!' || r > '~' || strings.ContainsRune(`",;\`, r) {
					return 'x'
				}
				return r
			}, string(b))
		}
		a.cookies, a.own, a.owner = forged, false, ""
		return true
	},
	"the cookie comes twice": func(_ *rapid.T, a *attempt, _ *wanderer) bool {
		a.twice, a.own = true, false
		return true
	},
	"it comes from elsewhere": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		a.header = rapid.SampledFrom([]http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
		}).Draw(t, "origin")
		return true
	},
	"the host is another": func(_ *rapid.T, a *attempt, _ *wanderer) bool {
		a.host = "evil.example"
		return true
	},
	"the method is another": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		a.method = rapid.SampledFrom([]string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "ACTIVATE"}).Draw(t, "method")
		return true
	},
	"the address is written otherwise": func(t *rapid.T, a *attempt, _ *wanderer) bool {
		p := a.path
		a.path = rapid.SampledFrom([]string{p + "/", "/" + p, p + "/.", strings.ToUpper(p), p + "%00", p + "/../admin", strings.Replace(p, "a", "%61", 1) + "/x"}).Draw(t, "address")
		return true
	},
}

// field draws one of the form's fields.
func field(t *rapid.T, a *attempt) string {
	return rapid.SampledFrom(slices.Sorted(maps.Keys(a.form))).Draw(t, "field")
}

// knows reports whether the address certainly reads the field. Fields that it does not
// read are ignored, spoiled or not.
func (a *attempt) knows(name string) bool { return !a.invented || name == "jeton" }

// parts are the values that replace the parameters of a route.
var parts = []string{"app.css", "x", "0", strings.Repeat("a", 64), "..%2f..%2fentree.yaml", "%00", "é", strings.Repeat("b", 2000)}

// try asks for any address, whole or spoiled.
func (w *walk) try(t *rapid.T, v, other *wanderer) {
	if rapid.Bool().Draw(t, "look first") {
		w.look(t, v)
	}
	route := rapid.SampledFrom(w.routes).Draw(t, "route")
	a := v.act(route, rapid.Bool().Draw(t, "right"))
	var filled []string
	for part := range strings.SplitSeq(a.path, "/") {
		if strings.HasPrefix(part, ":") || strings.HasPrefix(part, "*") {
			part = rapid.SampledFrom(parts).Draw(t, "part")
		}
		filled = append(filled, part)
	}
	a.path = strings.Join(filled, "/")
	a.with(v)
	w.spoil(t, v, other, a)
	w.ask(t, v, other, a)
}

// with adds the visitor's cookies to an attempt.
func (a *attempt) with(v *wanderer) {
	a.cookies, a.own, a.owner = v.cookies, true, v.journey
}

// spoil makes of an attempt what no page makes, or has the database fail, where
// chance wants it.
func (w *walk) spoil(t *rapid.T, v, other *wanderer, a *attempt) {
	if rapid.IntRange(0, 3).Draw(t, "spoil") == 0 {
		a.fails = rapid.SampledFrom([]string{"", "", "before", "after"}).Draw(t, "the database fails")
		return
	}
	a.spoiled = rapid.SampledFrom(slices.Sorted(maps.Keys(spoils))).Draw(t, "how")
	if a.form == nil {
		a.form = url.Values{"jeton": {v.token}}
	}
	a.void = spoils[a.spoiled](t, a, other)
	w.spoiled++
}

// ask sends an attempt and judges what came of it.
func (w *walk) ask(t tester, v, other *wanderer, a *attempt) {
	if a.cookies == nil && a.spoiled == "" {
		a.with(v)
	}
	a.void = a.void || a.method != http.MethodPost
	if a.spoiled == "" && a.method == http.MethodPost {
		again := *a
		again.cookies, again.form, again.own, again.fails = maps.Clone(a.cookies), maps.Clone(a.form), false, ""
		v.sent = append(v.sent, again)
	}
	before := v.step(t)
	w.judge(t, v, other, a, before, w.tried(t, v, a))
}

// tried sends an attempt and judges what came of it in the store.
func (w *walk) tried(t tester, v *wanderer, a *attempt) answer {
	w.asked++
	a.proves = w.provedBy
	mails := w.sentTo(v.address)
	got := w.send(t, v, a)
	for _, wrong := range a.wrong {
		t.Fatalf("%s: %s", a, wrong)
	}
	if a.void && len(a.did) > 0 {
		t.Fatalf("%s: something came of it: %v", a, a.did)
	}
	if begun := w.watch.begun(a); begun != "" && !a.failed {
		if a.own || a.spoiled == "once more" && sessionOf(a.cookies) == sessionOf(v.cookies) {
			v.journey, v.mails = begun, mails
		} else if a.spoiled != "once more" {
			t.Fatalf("%s began a journey for somebody else", a)
		}
	}
	if a.own && v.cookies["entree"] == "" {
		v.journey = ""
	}
	return got
}

// sessionOf returns the id of the session that cookies belong to. Each response renews
// the ticket that holds it.
func sessionOf(cookies map[string]string) string {
	text, err := base64.URLEncoding.DecodeString(cookies["entree"])
	if err != nil {
		return ""
	}
	parts := strings.Split(string(text), "|") // time, ticket, MAC
	if len(parts) < 2 {
		return ""
	}
	var ticket struct {
		ID string `json:"id"`
	}
	if text, err = base64.URLEncoding.DecodeString(parts[1]); err == nil {
		_ = json.Unmarshal(text, &ticket) // an unreadable ticket has no id
	}
	return ticket.ID
}

// leadsOut reports whether a redirect leads to another site.
func (w *walk) leadsOut(to string) bool {
	return !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)
}

// judge fails the test if an answer breaks an invariant: a server error without a
// cause, a missing header, a redirect to another site, a page without a way on, or a
// secret in its text.
func (w *walk) judge(t tester, v, other *wanderer, a *attempt, before domain.Step, got answer) {
	say := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s at %q: %d: %s", a, before, got.status, fmt.Sprintf(format, args...))
	}
	switch {
	case got.status == http.StatusServiceUnavailable && a.path == "/compte/sessions": // Keycloak is away
	case got.status >= 500 && !a.failed:
		say("a failure")
	case strings.Contains(got.body, "disk is full"):
		say("S40: the page tells the cause")
	case got.header.Get("Content-Security-Policy") == "" || got.header.Get("X-Content-Type-Options") != "nosniff":
		say("S36: no policy")
	case got.status >= 300 && got.status < 400:
		if to := got.header.Get("Location"); w.leadsOut(to) && !strings.HasPrefix(to, w.provider.URL+"/") {
			say("it leads to %q", to)
		}
	case got.status >= 400 && a.method != http.MethodHead && (got.Find("h1").Length() == 0 || got.Find("main a, main form, main button").Length() == 0):
		say("I7: the page has no way on:\n%s", got.body)
	}
	said := got.body + fmt.Sprint(got.header)
	secrets := append([]string{v.password}, w.planted...)
	if other != nil {
		secrets = append(secrets, other.password)
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(said, secret) {
			say("I4: it holds %q", secret)
		}
	}
	if a.own && other != nil && other.person.ID != "" {
		for _, of := range []string{other.person.FamilyName, other.person.Number, string(other.address)} {
			if strings.Contains(said, of) {
				say("it holds another's %q", of)
			}
		}
	}
	if code := w.newest(v.address); code != "" && a.form.Get("code") != code && regexp.MustCompile(`[^0-9A-Za-z._-]`+code+`[^0-9A-Za-z]`).MatchString(said) {
		say("S16: it holds the code")
	}
	if !a.own || a.method != http.MethodGet || got.status != http.StatusOK {
		return
	}
	// S27: a page is shown at its own step alone. The account's job may have
	// been done meanwhile.
	after := v.step(t)
	if at, ofTheWay := shownAt[a.path]; ofTheWay && !slices.Contains(at, before) && !slices.Contains(at, after) {
		say("S27: the page is shown")
	}
	if a.path == "/activation/accueil-succes" {
		if account, there := w.accounts.Get("o" + v.person.Number); v.profile == "etudiant" && (!there || account.Number != v.person.Number) {
			say("I3: success is shown, and there is no account")
		}
	}
}

func (w *walk) newest(to domain.Address) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if all := w.mails[to]; len(all) > 0 {
		return all[len(all)-1].Code
	}
	return ""
}

var shownAt = map[string][]domain.Step{
	"/activation/identification": {domain.StepCode, domain.StepEnded},
	"/activation/verification":   {domain.StepVerify},
	"/activation/charte":         {domain.StepCharter},
	"/activation/entre-mdp":      {domain.StepGuide, domain.StepPassword},
	"/activation/phrases":        {domain.StepGuide, domain.StepPassword},
	"/activation/mot-de-passe":   {domain.StepPassword},
	"/activation/en-cours":       {domain.StepWaiting, domain.StepParked},
	"/activation/accueil-succes": {domain.StepDone},
}
