package mail_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"entree/internal/devenv/hostile"
	"entree/internal/domain"
)

// O5: the mail server is a part of /readyz: one that is away, hangs, refuses the
// sender or takes no mail is not ready.
func TestO5_TheMailServerIsReadyIfItTakesMails(t *testing.T) {
	var refuse func(stage string) *smtp.SMTPError
	m, box := open(t, func(stage, _ string) *smtp.SMTPError {
		if refuse == nil {
			return nil
		}
		return refuse(stage)
	})
	for range 3 {
		if err := m.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(box.Messages("")); n != 0 {
		t.Errorf("%d mails were sent by the check", n)
	}
	at := func(stage string, code int) func(string) *smtp.SMTPError {
		return func(now string) *smtp.SMTPError {
			if now != stage {
				return nil
			}
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: "no"}
		}
	}
	refuse = at("from", 550)
	if err := m.Ready(t.Context()); err == nil {
		t.Error("ready although the sender is refused")
	}
	for _, stage := range []string{"rcpt", "data", "done"} {
		refuse = at(stage, 451)
		for i := range 3 {
			if err := m.Ready(t.Context()); err != nil {
				t.Errorf("%s: not ready after %d mails: %v", stage, i, err)
			}
			if err := m.Send(t.Context(), message(domain.MessageCode, domain.French)); err == nil {
				t.Fatalf("%s: the mail was taken", stage)
			}
		}
		err := m.Ready(t.Context())
		if err == nil || strings.Contains(err.Error(), "@") {
			t.Errorf("%s: after three mails that were refused: %v", stage, err)
		}
		refuse = nil
		if err := m.Send(t.Context(), message(domain.MessageCode, domain.French)); err != nil {
			t.Fatal(err)
		}
		if err := m.Ready(t.Context()); err != nil {
			t.Errorf("%s: after a mail that was taken: %v", stage, err)
		}
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Ready(t.Context()); err == nil {
		t.Error("ready although the server is away")
	}
	hanging, err := hostile.NewHanging()
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := mailer(t, hanging.Address()).Ready(ctx); err == nil {
		t.Error("ready although the server hangs")
	}
}
