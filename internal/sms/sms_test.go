package sms_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/internal/mail/mailtest"
	"entree/internal/sms"
)

// gateway keeps what it was given.
type gateway struct {
	texts []sms.Text
	err   error
}

func (g *gateway) Submit(_ context.Context, t sms.Text) error {
	g.texts = append(g.texts, t)
	return g.err
}

func (g *gateway) Ready(context.Context) error { return nil }

const number = "+33612345642"

func notifier(t *testing.T, g sms.Gateway, institution string) *sms.Notifier {
	t.Helper()
	n, err := sms.New(sms.Options{Gateway: g, Institution: institution, BaseURL: "https://mon-compte.univ.example"})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestATextIsShortAndHasOnlyCharactersOfTelephones(t *testing.T) {
	g := &gateway{}
	n := notifier(t, g, "Université d’Orléans")
	sent := 0
	for _, kind := range mailtest.Kinds() {
		for _, lang := range []domain.Lang{domain.French, domain.English} {
			m := mailtest.Message(kind, lang)
			m.To, m.Channel = number, domain.ChannelSMS
			if err := n.Send(t.Context(), m); err != nil {
				t.Fatal(kind, err)
			}
			if len(g.texts) == sent {
				if n.Sends(kind) {
					t.Errorf("%s was not sent", kind)
				}
				continue
			}
			sent++
			got := g.texts[sent-1]
			if got.ID != m.ID || got.To != number || strings.Contains(got.Body, "no value") {
				t.Errorf("%s: %+v", kind, got)
			}
			most := 1
			if !m.HasCode() {
				most = 2
			}
			if s := sms.Segments(got.Body); s > most {
				t.Errorf("%s in %s is charged as %d SMS: %q", kind, lang, s, got.Body)
			}
			if m.HasCode() && !strings.HasSuffix(got.Body, "\n\n@mon-compte.univ.example #012345") {
				t.Errorf("%s in %s: the last line does not offer the code to the browser: %q", kind, lang, got.Body)
			}
			if !strings.Contains(got.Body, "Université d'Orléans") {
				t.Errorf("%s in %s does not name the sender: %q", kind, lang, got.Body)
			}
		}
	}
	if sent < 8 {
		t.Errorf("only %d texts were sent", sent)
	}
}

func TestANumberThatCannotBeWrittenToIsRefusedWithoutItsFigures(t *testing.T) {
	g := &gateway{}
	n := notifier(t, g, "Univ")
	for _, to := range []domain.Address{"", "a@example.org", "+33238417171", "0899123456", "12"} {
		m := mailtest.Message(domain.MessageCode, domain.French)
		m.To = to
		err := n.Send(t.Context(), m)
		if !domain.IsPermanent(err) || len(g.texts) > 0 || to != "" && strings.Contains(err.Error(), string(to)) {
			t.Errorf("%q: %v, sent %d", to, err, len(g.texts))
		}
	}
}

func TestAGatewayThatAcceptsNothingIsNotReady(t *testing.T) {
	g := &gateway{err: errors.New("away")}
	n := notifier(t, g, "Univ")
	m := mailtest.Message(domain.MessageCode, domain.French)
	m.To = number
	for range 3 {
		if err := n.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Send(t.Context(), m); err == nil {
			t.Fatal("the error is lost")
		}
	}
	if n.Ready(t.Context()) == nil {
		t.Error("ready after three failures in a row")
	}
	g.err = nil
	if err := n.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := n.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
