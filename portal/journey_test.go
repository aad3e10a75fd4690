package portal_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
)

func TestWholeWay(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.get("/").want("/", 200).shows("h2", "Étudiant")

	p := b.get("/activation?profil=etudiant").want("/activation", 200)
	if v := p.Find("input[checked]").AttrOr("value", ""); v != "etudiant" {
		t.Fatalf("profile chosen in advance: %q", v)
	}
	p = b.submit(p, "/activation", "adresse", known).want("/activation/identification", 200).
		shows(".minutes", "10").shows(".tries", "5")
	p = b.submit(p, "/activation/identification", "code", "012 345").want("/activation/charte", 200)
	p = b.submit(p, "/activation/charte", "charte", "oui").want("/activation/entre-mdp", 200)
	if n := p.Find(".phrases li").Length(); n != 3 {
		t.Errorf("%d phrases, want 3", n)
	}
	p = b.submit(p, "/activation/entre-mdp").want("/activation/mot-de-passe", 200)
	if login := p.Find("[name=identifiant]").AttrOr("value", ""); login != "o22502142" {
		t.Errorf("identifier in the form: %q", login)
	}
	b.submit(p, "/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", goodPhrase).
		want("/activation/accueil-succes", 200).
		shows(".login", "o22502142").shows(".address", "jeanne.martin@etu.exemple.fr")
}

// A refusal shows the same page again, with the summary first and the typed
// values, except the password.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name   string
		page   string
		typed  []string
		status int
		says   string
		keeps  string // selector of a field that keeps its value
	}{
		{"no profile", "/activation", []string{"adresse", "jeanne"}, 422, "refused.profile_missing", ""},
		{"bad address", "/activation", []string{"profil", "etudiant", "adresse", "jeanne"}, 422, "refused.address_syntax", "[name=adresse][value=jeanne]"},
		{"five digits", "/activation/identification", []string{"code", "12345"}, 422, "refused.code_format", ""},
		{"wrong code", "/activation/identification", []string{"code", "999999"}, 422, "refused.code_wrong Count=4", ""},
		{"box empty", "/activation/charte", nil, 422, "refused.charter_unticked", ""},
		{"old charter", "/activation/charte", []string{"charte", "oui", "empreinte", strings.Repeat("0", 64)}, 409, "refused.charter_changed", ""},
		{"weak", "/activation/mot-de-passe", []string{"mot-de-passe", "Martin1"}, 422, "finding.length", ""},
		{"personal", "/activation/mot-de-passe", []string{"mot-de-passe", "Martin1"}, 422, "finding.personal.family_name", ""},
		{"two passwords", "/activation/mot-de-passe", []string{"mot-de-passe", goodPhrase}, 422, "refused.password_confirm", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := w.browser(t)
			var p *page
			if tt.page == "/activation" {
				p = b.get(tt.page)
			} else {
				p = b.to(tt.page)
			}
			p = b.submit(p, tt.page, tt.typed...).want(tt.page, tt.status).shows(".summary", tt.says)
			if !strings.HasPrefix(p.Find("title").Text(), "Erreur") {
				t.Errorf("title %q does not begin with the error", p.Find("title").Text())
			}
			if tt.keeps != "" && p.Find(tt.keeps).Length() != 1 {
				t.Errorf("value not kept: %s", tt.keeps)
			}
			if strings.Contains(p.body, "Martin1") || strings.Contains(p.body, goodPhrase) {
				t.Error("the password came back")
			}
		})
	}
}

func TestVerification(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	const at = "/activation/verification"
	p := b.submit(b.begin(family), "/activation/identification", "code", rightCode).want(at, 200)
	p = b.submit(p, at, "naissance-jour", "31", "naissance-mois", "2", "naissance-annee", "2004", "numero", rightNumber).
		want(at, 422).shows(".summary", "refused.proof_missing")
	if p.Find("[name=naissance-jour][value='31']").Length() != 1 {
		t.Error("what was typed is not kept")
	}
	p = b.submit(p, at, "naissance-jour", "18", "naissance-mois", "03", "naissance-annee", "2004", "numero", rightNumber).
		want(at, 422).shows(".summary", "refused.proof_wrong Count=4")
	b.submit(p, at, "naissance-jour", " 17", "naissance-mois", "3", "naissance-annee", "2004", "numero", " "+rightNumber).
		want("/activation/charte", 200)
}

func TestTriesSpentEndsTheJourney(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	const at = "/activation/verification"
	p := b.submit(b.begin(family), "/activation/identification", "code", rightCode)
	for range domain.MaxTries {
		p = b.submit(p.want(at, p.status), at, "naissance-jour", "1", "naissance-mois", "1", "naissance-annee", "2000", "numero", "1")
	}
	p.want("/activation/identification", 200).shows("h1", "ended.title").shows(".wait", "wait.seconds Count=60")
	b.submit(p, "/activation/recommencer").want("/activation", 200)
}

func TestCodeBlockedSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.begin(known)
	for range domain.MaxTries {
		p = b.submit(p, "/activation/identification", "code", "999999").want("/activation/identification", 422)
	}
	b.submit(p, "/activation/identification", "code", rightCode).want("/activation/identification", 429).
		shows(".summary", "refused.code_blocked")
}

func TestS13_ResendHasAVisibleWait(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.begin(known)
	const resend = "/activation/renvoi"
	if wait := p.Find(`form[action="`+resend+`"]`).AttrOr("data-wait", ""); wait != "60" {
		t.Errorf("wait shown: %q seconds, want 60", wait)
	}
	p = b.submit(p, resend)
	if p.status != http.StatusTooManyRequests || p.header.Get("Retry-After") != "60" {
		t.Errorf("too soon: %d, Retry-After %q", p.status, p.header.Get("Retry-After"))
	}
	p.shows(".summary", "refused.resend_too_soon")
	if href := p.Find("a.lang").AttrOr("href", ""); href != "/activation/identification?lang=en" {
		t.Errorf("language switch leads to %q", href)
	}
	w.sleep(shortWait)
	b.submit(p, resend).want("/activation/identification", 200).shows(".notice", "code.resent")
	for range 100 {
		b.get("/activation/identification?renvoye").want("/activation/identification", 200)
	}
	if _, mails := w.service.count(); mails != 2 {
		t.Errorf("%d mails after 100 reloads, want 2", mails)
	}
}

func TestWaitingThenSuccess(t *testing.T) {
	w := newWorld(t)
	w.service.slow = true
	b := w.browser(t)
	p := b.to("/activation/en-cours").shows(".email", "j•••@exemple.fr")
	if got := p.header.Get("Refresh"); got != "5" {
		t.Errorf("Refresh %q, want 5", got)
	}
	b.get("/activation/accueil-succes").want("/activation/en-cours", 200)
	w.service.set(func(j *domain.Journey) { j.DoneAt = w.now() })
	b.get("/activation/en-cours").want("/activation/accueil-succes", 200)
}

func TestParked(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.to("/activation/mot-de-passe")
	w.service.set(func(j *domain.Journey) { j.ParkedAt = w.now() })
	b.get("/activation/mot-de-passe").want("/activation/en-cours", 200).shows("h1", "parked.title").shows(".reference", "7K3F-9Q2M")
}

func TestS31_IdleLimitWarningAndExtension(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.to("/activation/charte")
	if p.Find("[data-session-left]").Length() != 1 {
		t.Error("the page does not know when the session ends")
	}
	w.sleep(idleLimit - time.Second)
	form := url.Values{"jeton": {p.Find("[name=jeton]").First().AttrOr("value", "")}}
	b.header.Set("Sec-Fetch-Dest", "empty")
	extended := b.do("POST", "/activation/prolonger", &form)
	want := strconv.Itoa(int(idleLimit.Seconds()))
	if extended.status != http.StatusNoContent || extended.header.Get("X-Session-Left") != want {
		t.Errorf("extension: %d with %q seconds, want 204 with %q", extended.status, extended.header.Get("X-Session-Left"), want)
	}
	b.header.Set("Sec-Fetch-Dest", "document")
	b.follow(b.do("POST", "/activation/prolonger", &form)).want("/activation/charte", 200)
	w.sleep(idleLimit)
	p = b.get("/activation/charte").want("/activation/charte", http.StatusGone).shows("h1", "error.ended.title")
	if on := p.Find("a.on").AttrOr("href", ""); on != "/activation" {
		t.Errorf("the way on leads to %q", on)
	}
	b.begin(known)
}

func TestPhrases(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	first := b.to("/activation/entre-mdp").Find(".phrases").Text()
	b.header.Set("Sec-Fetch-Dest", "empty")
	p := b.get("/activation/phrases").want("/activation/phrases", 200)
	if p.Find(".phrases li").Length() != 3 || p.Find(".phrases").Text() == first || p.Find("title").Length() != 0 {
		t.Errorf("not three new phrases alone: %s", p.body)
	}
	b.header.Set("Sec-Fetch-Dest", "document")
	b.get("/activation/phrases").want("/activation/entre-mdp", 200)
}

func TestCharterPage(t *testing.T) {
	w := newWorld(t)
	p := w.browser(t).to("/activation/charte")
	if n := p.Find("h1").Length(); n != 1 {
		t.Errorf("%d titles of the first level, want 1", n)
	}
	var contents []string
	for _, a := range p.Find("nav a").EachIter() {
		contents = append(contents, a.Text())
		if p.Find("article "+a.AttrOr("href", "none")).Length() != 1 {
			t.Errorf("entry %q leads nowhere", a.Text())
		}
	}
	if got := strings.Join(contents, ", "); got != "Charte, Objet, Droits" {
		t.Errorf("contents %q", got)
	}
	if p.Find("article script").Length() != 0 {
		t.Error("raw HTML of a charter reached the page")
	}
	if rel := p.Find("article a").AttrOr("rel", ""); rel != "noopener" {
		t.Errorf("link with rel %q", rel)
	}
	if sum := p.Find("[name=empreinte]").AttrOr("value", ""); sum != w.service.charter.SHA256 {
		t.Errorf("hash shown: %q", sum)
	}
}

func TestDesk_ACodeOfTheDeskStandsForTheMailbox(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.get("/activation/guichet").want("/activation/guichet", 200).shows("h1", "desk.title")
	before := b.sessionCookie()
	p = b.submit(p, "/activation/guichet", "code", "7K3F").want("/activation/guichet", 422).shows(".summary", "refused.desk_format")
	p = b.submit(p, "/activation/guichet", "code", "7K3F-9Q2X").want("/activation/guichet", 422).shows(".summary", "refused.desk_wrong")
	b.submit(p, "/activation/guichet", "code", " 7k3f 9q2m ").want("/activation/charte", 200)
	if b.sessionCookie() == before {
		t.Error("S28: the session has the id of before")
	}
}

// The help desk code begins the activation on a page of its own, without a
// journey, and also in the field of the six digits, pasted with words around
// it. A GET does not consume the code.
func TestR2_TheLongCodeIsTakenOnBothPages(t *testing.T) {
	const long = "7K3F-9Q2M-7K3F-9Q2M"
	w := newWorld(t)
	b := w.browser(t)
	p := b.get("/activation/code-long").want("/activation/code-long", 200).shows("h1", "long.title")
	p = b.submit(p, "/activation/code-long", "code", "123456").want("/activation/code-long", 422).shows(".summary", "refused.long_format")
	p = b.submit(p, "/activation/code-long", "code", long[:18]+"X").want("/activation/code-long", 422).shows(".summary", "refused.long_wrong")
	for range 3 {
		b.get("/activation/code-long?code="+long).want("/activation/code-long", 200)
	}
	b.submit(p, "/activation/code-long", "code", "Code : "+long+".").want("/activation/charte", 200)

	b = w.browser(t)
	p = b.begin(known)
	p = b.submit(p, "/activation/identification", "code", long[:18]+"X").want("/activation/identification", 422).shows(".summary", "refused.long_wrong")
	b.submit(p, "/activation/identification", "code", strings.ToLower(long)).want("/activation/charte", 200)
}

// A page of an earlier journey cannot act on the journey that a help desk code
// began.
func TestDesk_FormsAreTiedToTheSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	form := b.get("/activation/guichet").fill("/activation/guichet", "code", rightDesk)
	b.begin(known)
	b.do("POST", "/activation/guichet", &form).want("/activation/guichet", http.StatusConflict)
}

// A code by SMS is asked for beside the one by mail, if the profile offers it.
func TestACodeBySMSIsOfferedBesideTheOneByMail(t *testing.T) {
	const bySMS = "/activation/renvoi-sms"
	w := newWorld(t)
	b := w.browser(t)
	p := b.begin(known)
	if p.Find(`form[action="`+bySMS+`"]`).Length() != 0 {
		t.Error("SMS is offered where the profile has none")
	}
	w.service.sms = true
	p = b.submit(b.get("/activation/identification"), bySMS)
	if p.status != http.StatusTooManyRequests {
		t.Errorf("too soon: %d", p.status)
	}
	p.shows(".summary", "refused.resend_too_soon")
	w.sleep(shortWait)
	b.submit(p, bySMS).want("/activation/identification", 200).shows(".notice", "code.resent.sms")
}
