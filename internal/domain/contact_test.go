package domain_test

import (
	"context"
	"testing"
	"time"

	"entree/internal/domain"
)

type recorder struct{ got []domain.MessageKind }

func (r *recorder) Send(_ context.Context, m domain.Message) error {
	r.got = append(r.got, m.Kind)
	return nil
}

func TestAMessageGoesThroughItsChannel(t *testing.T) {
	mail, text := &recorder{}, &recorder{}
	n := domain.Notifiers{domain.ChannelMail: mail, "text": text}
	for _, m := range []domain.Message{{Kind: domain.MessageCode}, {Kind: domain.MessageActive, Channel: domain.ChannelMail}, {Kind: domain.MessageParked, Channel: "text"}} {
		if err := n.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if len(mail.got) != 2 || len(text.got) != 1 || text.got[0] != domain.MessageParked {
		t.Errorf("by mail %v, by text %v", mail.got, text.got)
	}
	if err := n.Send(t.Context(), domain.Message{Channel: "pigeon"}); !domain.IsPermanent(err) {
		t.Errorf("a channel without a notifier: %v", err)
	}
}

func TestAContactKnowsThatItFailed(t *testing.T) {
	since := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	p := domain.Person{Email: "a@example.net", WrongAddress: "a@example.net", WrongSince: since}
	if c := p.Contacts(); len(c) != 1 || !c[0].FailedAt.Equal(since) || c[0].Channel != domain.ChannelMail {
		t.Errorf("contacts %v", c)
	}
	p.Email = "b@example.net"
	if c := p.Contacts(); !c[0].FailedAt.IsZero() {
		t.Error("the corrected address has failed")
	}
	p.SecondEmail = "a@example.net"
	if c := p.Contacts(); len(c) != 2 || !c[0].FailedAt.IsZero() || !c[1].FailedAt.Equal(since) {
		t.Errorf("the second address has not failed: %v", c)
	}
	if (domain.Person{}).Contacts() != nil {
		t.Error("a person without an address has a contact")
	}
}
