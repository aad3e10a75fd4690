package portal_test

import (
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/templates"
)

// The page contains the remaining seconds, so that it cannot compare a time
// with the device's clock.
func TestV1_ThePageHoldsSecondsAndNoTime(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.to("/activation/charte")
	left := p.Find("[data-session-left]").AttrOr("data-session-left", "")
	if want := strconv.Itoa(int(idleLimit.Seconds())); left != want || p.header.Get("X-Session-Left") != want {
		t.Errorf("%q seconds in the page, %q in the header, want %s", left, p.header.Get("X-Session-Left"), want)
	}
	w.sleep(10 * time.Minute)
	if got := b.do("HEAD", "/activation/charte", nil).header.Get("X-Session-Left"); got != strconv.Itoa(int((idleLimit - 10*time.Minute).Seconds())) {
		t.Errorf("ten minutes later: %q seconds", got)
	}
	script, err := os.ReadFile("../static/app.js")
	if err != nil {
		t.Fatal(err)
	}
	if at := regexp.MustCompile(`Date\.(now|parse)|new Date`).Find(script); at != nil {
		t.Errorf("the script reads the device's clock: %s", at)
	}
}

func TestV9_WithoutCookiesThePageSaysSo(t *testing.T) {
	w := newWorld(t)
	p := w.browser(t).get("/activation")
	form := p.fill("/activation", "adresse", known)
	blocked := w.browser(t)
	for range 2 {
		blocked.do("POST", "/activation", &form).want("/activation", http.StatusConflict).shows("h1", "error.cookies.title")
	}
}

// Each form that begins something says that cookies are needed, however often it is sent,
// and no page of a step leads round in circles.
func TestV9_WithoutCookiesEachFormSaysSo(t *testing.T) {
	w := newWorld(t)
	for at, typed := range map[string][]string{
		"/activation": {"profil", "etudiant", "adresse", known}, "/mot-de-passe-oublie": {"profil", "etudiant", "adresse", known},
		"/activation/guichet": {"code", rightDesk}, "/activation/code-long": {"code", rightLong},
	} {
		form := w.browser(t).get(at).want(at, 200).fill(at, typed...)
		for range 3 {
			p := w.browser(t).do("POST", at, &form).want(at, http.StatusConflict).shows("h1", "error.cookies.title")
			if on := p.Find("a.on").AttrOr("href", ""); on != at {
				t.Errorf("%s: the way on leads to %q", at, on)
			}
		}
	}
	for _, s := range activation6[1:] {
		p := w.browser(t).get(s.at)
		if p.path != "/activation" || p.status != 200 || !strings.Contains(p.Text(), "request.lost") {
			t.Errorf("%s: %s with %d", s.at, p.path, p.status)
		}
		form := url.Values{"jeton": {"x"}, "code": {rightCode}, "mot-de-passe": {goodPhrase}, "confirmation": {goodPhrase}, "numero": {rightNumber}}
		if p := w.browser(t).follow(w.browser(t).do("POST", s.at, &form)); p.status >= 500 || p.Find("a.on, form[action='/activation']").Length() == 0 {
			t.Errorf("POST %s: %s with %d and no way on", s.at, p.path, p.status)
		}
	}
	if acts, mails := w.service.count(); acts+mails != 0 {
		t.Errorf("%d acts, %d mails", acts, mails)
	}
}

func TestV9_ALostSessionIsTold(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.begin(known)
	b.jar = w.browser(t).jar // the telephone closed the browser while the mail was read
	p := b.get("/activation/identification").want("/activation", 200)
	if !strings.Contains(p.Text(), "request.lost") {
		t.Error("step 1 does not say that the activation was lost")
	}
	// A lost recovery goes on at its own page: its code fits no activation.
	if p := b.get("/mot-de-passe-oublie?perdue"); !strings.Contains(p.Text(), "recover.request.lost") {
		t.Errorf("the page of a forgotten password says %q", p.Find(".notice").Text())
	}
	if strings.Contains(b.get("/activation").Text(), "request.lost") {
		t.Error("a first visit is told of a loss")
	}
	b.begin(known)
}

// The page's script asks the server, which answers what it would say to the form.
func TestV10_ThePageAsksTheServer(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	token := b.begin(known).Find("[name=jeton]").First().AttrOr("value", "")
	w.put(domain.StepPassword)
	acts := w.service.acts
	for text, want := range map[string]string{
		"court": `{"said":["[fr finding.length Count=0]","[fr finding.personal.family_name]"],"personal":true}`, "LesGirafesDe2007Dansent": `{"said":["[fr finding.personal.birth_date]"],"personal":true}`,
		goodPhrase: `{"said":[],"personal":false}`,
	} {
		p := b.do("POST", "/activation/mot-de-passe/regles", &url.Values{"jeton": {token}, "mot-de-passe": {text}})
		if got := strings.TrimSpace(p.Text()); p.status != http.StatusOK || got != want {
			t.Errorf("%s: %d %s, want %s", text, p.status, got, want)
		}
	}
	if p := b.do("POST", "/activation/mot-de-passe/regles", &url.Values{"mot-de-passe": {goodPhrase}}); p.status == http.StatusOK && strings.Contains(p.Text(), "said") {
		t.Error("a request without a token is answered")
	}
	if w.service.acts != acts {
		t.Error("a judgement changed the journey")
	}
}

func TestV15_TheLanguageSwitchKeepsTheProfile(t *testing.T) {
	b := newWorld(t).browser(t)
	for _, path := range []string{"/activation", "/mot-de-passe-oublie"} {
		p := b.get(path + "?profil=personnel")
		for range 3 {
			to := p.Find("a.lang").AttrOr("href", "")
			if p = b.get(to); p.Find("input[name=profil][checked]").AttrOr("value", "") != "personnel" {
				t.Errorf("after %s the profile is %q", to, p.Find("input[name=profil][checked]").AttrOr("value", ""))
			}
		}
	}
}

func TestV24_AnInternationalAddressIsShownAsTyped(t *testing.T) {
	w := newWorld(t)
	p := w.browser(t).begin("zoe@académie.exemple.fr")
	p.shows(".given", "zoe@académie.exemple.fr")
}

// No page prints an address in the form in which it is stored.
func TestV24_NoPageShowsAStoredAddress(t *testing.T) {
	stored := regexp.MustCompile(`{{[^}]*[.$\w]\.Email[ )}]`)
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".html" || name == "waiting.html" { // which has the masked one
			return err
		}
		text, err := fs.ReadFile(templates.FS, name)
		for _, found := range stored.FindAllString(string(text), -1) {
			if !strings.HasPrefix(found, "{{if ") {
				t.Errorf("%s prints %s: want .Email.Display", name, found)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	accented, err := domain.ParseAddress("zoe@académie.exemple.fr")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[domain.Contact]string{
		{Channel: domain.ChannelMail, Value: string(accented)}:            "zoe@académie.exemple.fr",
		{Channel: domain.ChannelMail, Value: "zoe@xn--e1afmkfd.xn--p1ai"}: "zoe@пример.рф",
		{Channel: domain.ChannelMail, Value: "zoe@exemple.fr"}:            "zoe@exemple.fr",
		{Channel: domain.ChannelMail, Value: "zoe@xn--broken-.fr"}:        "zoe@xn--broken-.fr",
	} {
		if got := value.Shown(); got != want {
			t.Errorf("%s is shown as %q", value.Value, got)
		}
	}
}
