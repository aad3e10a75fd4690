package mail_test

import (
	"context"
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"entree/internal/devenv/mailbox"
	"entree/internal/domain"
	"entree/internal/mail"
	"entree/internal/mail/mailtest"
	"entree/internal/secret"
)

var keys, _ = secret.ParseKeys(secret.GenerateKey())

var (
	asked   = mailtest.Asked
	message = mailtest.Message
	kinds   = mailtest.Kinds()
)

func open(t *testing.T, fault func(stage, address string) *smtp.SMTPError) (*mail.Mailer, *mailbox.Mailbox) {
	t.Helper()
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Fault: fault})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return mailer(t, box.SMTPAddr()), box
}

func mailer(t *testing.T, addr string, change ...func(*mail.Options)) *mail.Mailer {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	o := mail.Options{
		JudgeRefusal: func(_ domain.Address, reply string) error {
			switch {
			case strings.HasSuffix(reply, "no such user"):
				return &domain.AddressRefused{Status: "5.1.1", Rule: "test-rule"}
			case strings.HasSuffix(reply, "as spam"):
				return &domain.ProviderRefused{Provider: "example.net", Reason: "spam"}
			}
			return nil
		},
		Host: host, Port: n, TLS: mail.TLSNone, From: "Université d'Orléans <ne-pas-repondre@example.org>", Timeout: 5 * time.Second, Keys: keys, ReturnPath: "rebonds@example.org",
		Institution: mail.Institution{Name: "Université d'Orléans", Accent: "#1f4fa3", HelpURL: "https://aide.example.org", HelpEmail: "aide@example.org"},
		BaseURL:     "https://mon-compte.example.org", Zone: paris, Clock: func() time.Time { return asked },
		Profiles: []domain.Profile{{Key: "etudiant", Names: map[domain.Lang]string{"fr": "Étudiant", "en": "Student"}}, {Key: "personnel", Names: map[domain.Lang]string{"fr": "Personnel", "en": "Staff"}}},
	}
	for _, f := range change {
		f(&o)
	}
	m, err := mail.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sent sends a message and returns the mail that arrived.
func sent(t *testing.T, m *mail.Mailer, box *mailbox.Mailbox, message domain.Message) mailbox.Message {
	t.Helper()
	before := len(box.Messages(""))
	if err := m.Send(t.Context(), message); err != nil {
		t.Fatalf("%s in %s: %v", message.Kind, message.Lang, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := box.Wait(ctx, "", before+1)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTheCodeMail(t *testing.T) {
	m, box := open(t, nil)
	fr := sent(t, m, box, message(domain.MessageCode, domain.French))
	if want := "Université d'Orléans\u00a0: 012\u00a0345 est votre code"; fr.Subject != want {
		t.Errorf("the subject is %q, want %q", fr.Subject, want)
	}
	if !regexp.MustCompile(`(?m)^ +012345\r?$`).MatchString(fr.Text) {
		t.Errorf("the code does not stand alone on a line:\n%s", fr.Text)
	}
	for _, want := range []string{"Bonjour Jean-Pierre", "10\u00a0minutes", "14\u00a0h\u00a014", "1er\u00a0septembre à 14\u00a0h\u00a004", "aide@example.org"} {
		if !strings.Contains(fr.Text, want) {
			t.Errorf("the text lacks %q:\n%s", want, fr.Text)
		}
	}
	en := sent(t, m, box, message(domain.MessageCode, domain.English))
	if en.Subject != "Université d'Orléans: 012\u00a0345 is your code" || !strings.Contains(en.Text, "until 14:14") {
		t.Errorf("in English: %q\n%s", en.Subject, en.Text)
	}
}

// A mail to several people, or to a person without a name, greets no name.
func TestV25_AGreetingWithoutAName(t *testing.T) {
	m, box := open(t, nil)
	for _, kind := range kinds {
		for lang, want := range map[domain.Lang]string{domain.French: "Bonjour,", domain.English: "Hello,"} {
			one := message(kind, lang)
			one.GivenName = ""
			got := sent(t, m, box, one)
			if first, _, _ := strings.Cut(strings.TrimSpace(got.Text), "\n"); strings.TrimSpace(first) != want {
				t.Errorf("%s %s: %q", kind, lang, first)
			}
		}
	}
}

func TestEveryMailHasTextAndTheSameWordsInHTML(t *testing.T) {
	m, box := open(t, nil)
	for _, kind := range kinds {
		for _, lang := range []domain.Lang{domain.French, domain.English} {
			got := sent(t, m, box, message(kind, lang))
			if !strings.HasPrefix(got.Subject, "Université d'Orléans") {
				t.Errorf("%s %s: the subject %q does not begin with the institution", kind, lang, got.Subject)
			}
			if strings.ContainsAny(got.Text, "{}<>") || strings.Contains(got.Text, "no value") {
				t.Errorf("%s %s: something was left in the text:\n%s", kind, lang, got.Text)
			}
			plain := words(got.HTML[strings.Index(got.HTML, "<body"):])
			for word := range words(got.Text) {
				if !plain[word] {
					t.Errorf("%s %s: %q stands in the text only", kind, lang, word)
				}
			}
			if h := got.Header; h.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(h.Get("Message-Id"), "<0123456789abcdef.") {
				t.Errorf("%s: headers %v", kind, h)
			}
		}
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

func words(s string) map[string]bool {
	out := map[string]bool{}
	s = strings.NewReplacer("&#39;", "'", "&amp;", "&", "\u00a0", " ", "\u202f", " ").Replace(tags.ReplaceAllString(strings.ReplaceAll(s, "<wbr>", ""), " "))
	for _, w := range strings.Fields(s) {
		if w = strings.Trim(w, ":-–«»"); w != "" {
			out[w] = true
		}
	}
	return out
}

// The page that a mail leads to is a button, with its address as a link beneath.
func TestU2_TheMainLinkIsALink(t *testing.T) {
	m, box := open(t, nil)
	for _, kind := range []domain.MessageKind{
		domain.MessageInvitation, domain.MessageReminder, domain.MessageCharter, domain.MessageBegin, domain.MessageRenamed, domain.MessageActivated,
	} {
		for _, lang := range []domain.Lang{domain.French, domain.English} {
			html := sent(t, m, box, message(kind, lang)).HTML
			button := regexp.MustCompile(`<a class="button" href="([^"]+)"[^>]*>[^<]{8,}</a>`).FindStringSubmatch(html)
			if button == nil {
				t.Errorf("%s %s has no button", kind, lang)
				continue
			}
			if strings.Count(html, `href="`+button[1]+`"`) < 2 {
				t.Errorf("%s %s: the address of the button is not a link beneath it", kind, lang)
			}
		}
	}
}

func TestU3_NothingIsWiderThanATelephone(t *testing.T) {
	m, box := open(t, nil)
	long := regexp.MustCompile(`[^\s<>]{33,}`)
	for _, kind := range kinds {
		html := sent(t, m, box, message(kind, domain.French)).HTML
		body := html[strings.Index(html, "<body"):]
		if word := long.FindString(tags.ReplaceAllString(body, " ")); word != "" {
			t.Errorf("%s cannot break %q", kind, word)
		}
		if strings.Contains(html, "rem") && regexp.MustCompile(`\drem`).MatchString(html) {
			t.Errorf("%s uses rem, which Outlook does not know", kind)
		}
	}
}

func TestU4_OnlyCampaignsHaveListHeaders(t *testing.T) {
	m, box := open(t, nil)
	for _, kind := range kinds {
		h := sent(t, m, box, message(kind, domain.French)).Header
		campaign := kind == domain.MessageInvitation || kind == domain.MessageReminder || kind == domain.MessageCharter || kind == domain.MessageSecondFactor
		if got := h.Get("List-Id") != "" && h.Get("List-Unsubscribe") != ""; got != campaign {
			t.Errorf("%s: list headers %v, want %v", kind, got, campaign)
		}
		if h.Get("User-Agent")+h.Get("X-Mailer") != "" {
			t.Errorf("%s names the library", kind)
		}
	}
}

func TestTheHTMLPointsOnlyToUs(t *testing.T) {
	m, box := open(t, nil)
	for _, kind := range kinds {
		got := sent(t, m, box, message(kind, domain.French))
		for _, at := range regexp.MustCompile(`(?:href|src)="([^"]*)"|url\(`).FindAllStringSubmatch(got.HTML, -1) {
			if !strings.HasPrefix(at[1], "https://mon-compte.example.org/") && at[1] != "https://aide.example.org" && at[1] != "mailto:aide@example.org" {
				t.Errorf("%s points to %q", kind, at[0])
			}
		}
	}
}

func TestS16_OnlyTheCodeMailCarriesACode(t *testing.T) {
	m, box := open(t, nil)
	for _, kind := range kinds {
		forged := message(kind, domain.French)
		if forged.HasCode() {
			continue
		}
		forged.Code = "987654"
		got := sent(t, m, box, forged)
		if strings.Contains(got.Subject+got.Text+got.HTML, "987654") {
			t.Errorf("%s carries a code", kind)
		}
	}
}

func TestS37_NoNameBecomesAHeader(t *testing.T) {
	m, box := open(t, nil)
	for _, name := range []string{"a\r\nBcc: x@example.com", "=cmd|' /C calc'!A0", "\r\n\r\n<script>alert(1)</script>", "</style><img src=x>", "{{.Code}}", "\u2028Bcc: x"} {
		message := message(domain.MessageActivated, domain.French)
		message.GivenName = name
		got := sent(t, m, box, message)
		if got.Header.Has("Bcc") || len(box.Messages("x@example.com")) > 0 {
			t.Errorf("%q became a header", name)
		}
		if strings.Contains(got.HTML, "<script>") || strings.Contains(got.HTML, "<img") {
			t.Errorf("%q became HTML", name)
		}
		if strings.Contains(got.Text, "\nBcc:") {
			t.Errorf("%q became a line:\n%s", name, got.Text)
		}
	}
	forged := message(domain.MessageCode, domain.French)
	forged.To = "a@example.com\r\nRCPT TO:<b@example.com>"
	if err := m.Send(t.Context(), forged); !domain.IsPermanent(err) {
		t.Errorf("a forged recipient: %v", err)
	}
}

func TestS9_ARetriedMailIsTheSameMail(t *testing.T) {
	m, box := open(t, nil)
	first := sent(t, m, box, message(domain.MessageCode, domain.French))
	again := sent(t, m, box, message(domain.MessageCode, domain.French))
	if first.Header.Get("Message-Id") != again.Header.Get("Message-Id") || first.Text != again.Text || first.HTML != again.HTML {
		t.Error("the second mail differs from the first")
	}
}

func TestNobodyGetsNothing(t *testing.T) {
	m, box := open(t, nil)
	if err := m.Send(t.Context(), message(domain.MessageNobody, domain.French)); err != nil || len(box.Messages("")) != 0 {
		t.Errorf("%v, %d mails", err, len(box.Messages("")))
	}
}

func TestI5_WhatTheServerSaysDecides(t *testing.T) {
	answer := func(stage string, code int) func(string, string) *smtp.SMTPError {
		return func(at, _ string) *smtp.SMTPError {
			if at != stage {
				return nil
			}
			return &smtp.SMTPError{Code: code, Message: "no, jp.martin@example.net"}
		}
	}
	for _, c := range []struct {
		name      string
		fault     func(string, string) *smtp.SMTPError
		permanent bool
	}{
		{"450 at the recipient", answer("rcpt", 450), false},
		{"550 at the recipient", answer("rcpt", 550), true},
		{"421 at the sender", answer("from", 421), false},
		{"552 at the data", answer("data", 552), true},
		{"451 after the last dot", answer("done", 451), false},
	} {
		m, _ := open(t, c.fault)
		err := m.Send(t.Context(), message(domain.MessageCode, domain.French))
		if err == nil || domain.IsPermanent(err) != c.permanent {
			t.Errorf("%s: %v, permanent %v", c.name, err, domain.IsPermanent(err))
		}
		if err != nil && strings.Contains(err.Error(), "jp.martin") {
			t.Errorf("%s: the error names the recipient: %v", c.name, err)
		}
	}
}

// The words of the server decide whether a refusal at RCPT marks the address.
// A provider that refuses the portal's mails is named, at RCPT and at the end of
// the content, at once or for now. An address is wrong only by a final word at
// RCPT.
func TestB2_ARefusalByTheProviderIsNamed(t *testing.T) {
	for _, c := range []struct {
		stage, words string
		code         int
		provider     bool
		wrong        bool
	}{
		{"rcpt", "refused as spam", 550, true, false}, {"data", "refused as spam", 550, true, false}, {"rcpt", "refused as spam", 451, true, false},
		{"rcpt", "no such user", 550, false, true}, {"rcpt", "no such user", 450, false, false}, {"data", "no such user", 550, false, false}, {"rcpt", "busy", 451, false, false},
	} {
		m, _ := open(t, func(stage, _ string) *smtp.SMTPError {
			if stage != c.stage {
				return nil
			}
			return &smtp.SMTPError{Code: c.code, EnhancedCode: smtp.EnhancedCode{c.code / 100, 7, 1}, Message: c.words}
		})
		err := m.Send(t.Context(), message(domain.MessageCode, domain.French))
		var provider *domain.ProviderRefused
		var wrong *domain.AddressRefused
		if errors.As(err, &provider) != c.provider || errors.As(err, &wrong) != c.wrong || domain.IsPermanent(err) != (c.code >= 500) {
			t.Errorf("%+v: %v", c, err)
		}
		if c.provider && (provider.Provider != "example.net" || provider.Reason != "spam") {
			t.Errorf("%+v", provider)
		}
	}
}

func TestB2_ARefusalAtRCPTIsJudgedByItsWords(t *testing.T) {
	for words, rule := range map[string]string{"no such user": "test-rule", "refused as spam": ""} {
		m, _ := open(t, func(stage, _ string) *smtp.SMTPError {
			if stage != "rcpt" {
				return nil
			}
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: words}
		})
		err := m.Send(t.Context(), message(domain.MessageCode, domain.French))
		var refused *domain.AddressRefused
		if got := errors.As(err, &refused); got != (rule != "") || got && (refused.Rule != rule || refused.Status != "5.1.1") {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func TestI5_AServerThatIsAwayOrDropsIsAskedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = c.Close() // closed before the greeting
		}
	}()
	if err := mailer(t, l.Addr().String()).Send(t.Context(), message(domain.MessageCode, domain.French)); err == nil || domain.IsPermanent(err) {
		t.Errorf("a dropped connection: %v", err)
	}
	_ = l.Close()
	if err := mailer(t, l.Addr().String()).Send(t.Context(), message(domain.MessageCode, domain.French)); err == nil || domain.IsPermanent(err) {
		t.Errorf("nobody listens: %v", err)
	}
	if calls.Load() == 0 {
		t.Error("the server was never called")
	}
}

func TestNoPlainTextBeyondThisMachine(t *testing.T) {
	if _, err := mail.New(mail.Options{Host: "smtp.example.org", TLS: mail.TLSNone, From: "a@example.org", Clock: time.Now}); err == nil {
		t.Error("codes may travel without TLS")
	}
}

// V23: each time of day in each mail is followed by its zone. V24: an address with an
// international domain is written as its owner reads it.
func TestV23_EveryTimeInAMailHasAZone(t *testing.T) {
	m, box := open(t, nil)
	accented, err := domain.ParseAddress("zoé@académie.example")
	if err != nil {
		t.Fatal(err)
	}
	times := 0
	for _, kind := range kinds {
		for _, lang := range []domain.Lang{domain.French, domain.English} {
			one := message(kind, lang)
			if one.Address != "" {
				one.Address = accented
			}
			got := sent(t, m, box, one)
			for _, at := range regexp.MustCompile(`\b\d{1,2}(?:\x{a0}h\x{a0}|:)\d{2}\b\s*(\([^)]*\))?`).FindAllStringSubmatch(got.Text, -1) {
				times++
				if zone := strings.Join(strings.Fields(at[1]), " "); zone != "(heure de Paris)" && zone != "(Paris time)" {
					t.Errorf("%s in %s: a time without its zone: %q", kind, lang, at[0])
				}
			}
			if kind == domain.MessageContactBack && !strings.Contains(got.Text, "zoé@académie.example") {
				t.Errorf("%s in %s does not show the address:\n%s", kind, lang, got.Text)
			}
		}
	}
	if times < 30 {
		t.Errorf("only %d times were found", times)
	}
}
