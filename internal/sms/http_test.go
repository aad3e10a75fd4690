package sms_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sms"
)

// body has every kind of character that a place could misread.
const body = "042137 est votre code \"Univ\" & l'été <1> 100%\\n\n\n@ent.univ.example #042137"

// asked is what the gateway got.
type asked struct {
	method, path string
	query, form  url.Values
	header       http.Header
	raw          string
}

// answering starts a gateway that answers all requests alike.
func answering(t *testing.T, status int, answer string) (*httptest.Server, *asked) {
	t.Helper()
	var got asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got = asked{method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header, raw: string(raw)}
		got.form, _ = url.ParseQuery(got.raw)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server, &got
}

// at moves the address of a preset to the test's server.
func at(t *testing.T, server *httptest.Server, h sms.HTTP) sms.Gateway {
	t.Helper()
	h.Secret, h.Sender, h.User, h.Account = secret.New("s&cret"), "Univ", "portal", "sms-ab1-1"
	if preset := sms.PresetURL(h.Preset); h.URL == "" && preset != "" {
		u, err := url.Parse(strings.NewReplacer("{{", "%7B", "}}", "%7D").Replace(preset))
		if err != nil {
			t.Fatal(err)
		}
		h.URL = strings.Replace(preset, u.Scheme+"://"+u.Host, server.URL, 1)
	}
	if h.URL == "" {
		h.URL = server.URL
	}
	g, err := sms.NewHTTP(h)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestEachPresetAsksItsGateway(t *testing.T) {
	text := sms.Text{ID: "job-1", To: number, Body: body}
	for preset, c := range map[string]struct {
		status   int
		accepted string
		refused  string
		check    func(asked) bool
	}{
		"esup-smsu": {200, `{"id":42}`, `{"error":"InvalidParameterException"}`, func(a asked) bool {
			user, password, _ := (&http.Request{Header: a.header}).BasicAuth()
			return a.method == "POST" && user == "portal" && password == "s&cret" && a.form.Get("action") == "SendSms" &&
				a.form.Get("phoneNumber") == "0612345642" && a.form.Get("message") == body && a.form.Get("account") == "sms-ab1-1"
		}},
		"ovh": {200, `{"status":100,"creditLeft":"85","smsIds":["1"]}`, `{"status":202,"message":"Invalid receiver"}`, func(a asked) bool {
			q := a.query
			return a.method == "GET" && q.Get("account") == "sms-ab1-1" && q.Get("login") == "portal" && q.Get("password") == "s&cret" && q.Get("from") == "Univ" &&
				q.Get("to") == "0033612345642" && q.Get("message") == strings.ReplaceAll(body, "\n", "\r") && q.Get("noStop") == "1"
		}},
		"twilio": {201, `{"sid":"SM1","status":"queued"}`, `{"code": 21211,"message":"x"}`, func(a asked) bool {
			user, password, _ := (&http.Request{Header: a.header}).BasicAuth()
			return a.path == "/2010-04-01/Accounts/sms-ab1-1/Messages.json" && user == "sms-ab1-1" && password == "s&cret" &&
				a.form.Get("To") == number && a.form.Get("From") == "Univ" && a.form.Get("Body") == body
		}},
		"smsmode": {201, `{"messageId":"a-b"}`, "", func(a asked) bool {
			var m struct {
				Recipient struct{ To string }
				Body      struct{ Text string }
				From      string
				RefClient string
			}
			err := json.Unmarshal([]byte(a.raw), &m)
			return err == nil && a.header.Get("X-Api-Key") == "s&cret" && a.header.Get("Content-Type") == "application/json" &&
				m.Recipient.To == "33612345642" && m.Body.Text == body && m.From == "Univ" && m.RefClient == "job-1"
		}},
	} {
		server, got := answering(t, c.status, c.accepted)
		if err := at(t, server, sms.HTTP{Preset: preset}).Submit(t.Context(), text); err != nil {
			t.Errorf("%s: %v", preset, err)
		}
		if !c.check(*got) {
			t.Errorf("%s asked %+v", preset, *got)
		}
		if c.refused == "" {
			continue
		}
		server, _ = answering(t, 400, c.refused)
		if err := at(t, server, sms.HTTP{Preset: preset}).Submit(t.Context(), text); !domain.IsPermanent(err) {
			t.Errorf("%s: a refused number is %v", preset, err)
		}
	}
	if len(sms.Presets()) != 4 {
		t.Errorf("presets %v", sms.Presets())
	}
}

func TestATemplateOfTheInstitutionIsEscapedForItsPlace(t *testing.T) {
	for contentType, template := range map[string]string{
		"application/xml": `<sms to="{{.To}}"><text>{{.Text}}</text></sms>`,
		"text/plain":      "{{.Text}}",
	} {
		server, got := answering(t, 200, "OK 1")
		g := at(t, server, sms.HTTP{ContentType: contentType, Body: template, Success: "^OK", Headers: map[string]string{"Authorization": "Bearer {{.Secret}}"}})
		if err := g.Submit(t.Context(), sms.Text{To: number, Body: body}); err != nil {
			t.Fatal(err)
		}
		if got.header.Get("Authorization") != "Bearer s&cret" {
			t.Errorf("header %q", got.header.Get("Authorization"))
		}
		if contentType == "text/plain" && got.raw != body || strings.Contains(contentType, "xml") && strings.Contains(got.raw, "<1>") {
			t.Errorf("%s: %q", contentType, got.raw)
		}
	}
}

// An answer decides whether the same text is submitted again.
func TestAnAnswerOfTheGatewayIsJudged(t *testing.T) {
	for _, c := range []struct {
		status                int
		answer                string
		accepted, isPermanent bool
	}{
		{200, "OK", true, false}, {202, "OK", true, false}, {200, "quota", false, false}, {302, "OK", false, false},
		{400, "x", false, true}, {422, "x", false, true}, {401, "x", false, false}, {403, "x", false, false}, {429, "x", false, false}, {500, "x", false, false}, {503, "x", false, false},
	} {
		server, _ := answering(t, c.status, c.answer+" 0612345642 042137")
		err := at(t, server, sms.HTTP{Success: "^OK", Body: "to={{.To}}&text={{.Text}}"}).Submit(t.Context(), sms.Text{To: number, Body: body})
		if (err == nil) != c.accepted || domain.IsPermanent(err) != c.isPermanent {
			t.Errorf("%d %q: %v, permanent: %v", c.status, c.answer, err, domain.IsPermanent(err))
		}
		quiet(t, err)
	}
}

// quiet checks that an error holds neither number, text nor secret.
func quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, private := range []string{"612345642", "042137", "s&cret", "s%26cret"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("the error holds %q: %v", private, err)
		}
	}
}

func TestAGatewayThatIsAwayOrHangsIsTemporary(t *testing.T) {
	text := sms.Text{To: number, Body: body}
	server, _ := answering(t, 200, "OK")
	g := at(t, server, sms.HTTP{Preset: "ovh"})
	server.Close()
	err := g.Submit(t.Context(), text)
	if err == nil || domain.IsPermanent(err) {
		t.Errorf("away: %v", err)
	}
	quiet(t, err)
	if err := g.Ready(t.Context()); err == nil {
		t.Error("a gateway that is away is ready")
	}

	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release); hanging.Close() })
	g = at(t, hanging, sms.HTTP{Body: "{{.Text}}", Transport: sms.Transport{Timeout: 50 * time.Millisecond}})
	err = g.Submit(t.Context(), text)
	if err == nil || domain.IsPermanent(err) {
		t.Errorf("hanging: %v", err)
	}
	quiet(t, err)
	if err := g.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARedirectDoesNotTakeTheSecretAlong(t *testing.T) {
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(first.Close)
	err := at(t, first, sms.HTTP{Preset: "smsmode", URL: first.URL}).Submit(t.Context(), sms.Text{To: number, Body: body})
	if err == nil || domain.IsPermanent(err) || reached {
		t.Errorf("%v, reached: %v", err, reached)
	}
}

func TestWrongSettingsOfAGatewayAreNamed(t *testing.T) {
	for want, h := range map[string]sms.HTTP{
		"preset":       {Preset: "pigeon"},
		"https":        {URL: "http://sms.example/send"},
		"url":          {},
		"credentials":  {URL: "https://user:password@sms.example/"},
		"content_type": {URL: "https://sms.example/", ContentType: "image/png"},
		"body":         {URL: "https://sms.example/", Body: "{{.Nothing}}"},
		"success":      {URL: "https://sms.example/", Success: "("},
		"method":       {URL: "https://sms.example/", Method: "DELETE"},
	} {
		if _, err := sms.NewHTTP(h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	g, err := sms.NewHTTP(sms.HTTP{URL: "https://sms.example/", Headers: map[string]string{"X-Text": "{{.Text}}"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Submit(t.Context(), sms.Text{To: number, Body: "two\nlines"}); !domain.IsPermanent(err) {
		t.Errorf("a line break in a header: %v", err)
	}
}
