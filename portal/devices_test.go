package portal_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
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

func TestV15_TheLanguageSwitchKeepsProfileAndAddress(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.get("/activation?profil=personnel")
	to := p.Find("a.lang").AttrOr("href", "")
	p = b.get(to)
	if got := p.Find("input[name=profil][checked]").AttrOr("value", ""); got != "personnel" {
		t.Errorf("after %s the profile is %q", to, got)
	}
	form := p.fill("/activation", "adresse", "zoe@exemple.fr")
	form.Set("profil", "personnel")
	form.Set("lang", "en")
	begun := w.service.acts
	p = b.do("POST", "/activation", &form).want("/activation", 200)
	if got := p.Find("input[name=adresse]").AttrOr("value", ""); got != "zoe@exemple.fr" {
		t.Errorf("the address is %q", got)
	}
	if p.Find("html").AttrOr("lang", "") != "en" || w.service.acts != begun {
		t.Error("the switch did not answer in English, or began an activation")
	}
	form.Set("lang", "xx")
	form.Set("profil", "etudiant")
	b.follow(b.do("POST", "/activation", &form)).want("/activation/identification", 200)
}

func TestV24_AnInternationalAddressIsShownAsTyped(t *testing.T) {
	w := newWorld(t)
	p := w.browser(t).begin("zoe@académie.exemple.fr")
	p.shows(".given", "zoe@académie.exemple.fr")
}
