package activation_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
)

// hangingMail is a mail server that accepts connections and never answers, until it
// is let go.
type hangingMail struct {
	*box
	hangs   atomic.Bool
	waiting atomic.Int32
	release chan struct{}
}

func (h *hangingMail) Send(ctx context.Context, m domain.Message) error {
	if h.hangs.Load() {
		h.waiting.Add(1)
		select {
		case <-h.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return h.box.Send(ctx, m)
}

// R6: while the mail server hangs, students who have their code finish, students at
// the help desk activate, and requests are answered at once; their mails follow.
func TestR6_StudentsFinishWhileTheMailServerHangs(t *testing.T) {
	w := newWorld(t, jeanPierre(), nadia())
	server := &hangingMail{box: w.box, release: make(chan struct{})}
	w.Notifier = server
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	server.hangs.Store(true)
	let := sync.OnceFunc(func() {
		server.hangs.Store(false)
		close(server.release)
	})
	defer let()
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			for n := range 300 {
				if _, err := w.Request(t.Context(), activation.Request{Profile: "personnel", Address: "nadia@example.net", Client: fmt.Sprintf("10.0.%d.1/32", n%4)}); err != nil && n < 4 {
					return err
				}
			}
			if err := w.Prove(t.Context(), id, code, "c"); err != nil {
				return err
			}
			w.accept(id)
			if err := w.choose(id, strong); err != nil {
				return err
			}
			j, err := w.enter(w.give("p-1001").Reveal())
			if err != nil {
				return err
			}
			if err := w.Verify(t.Context(), j.ID, activation.Answers{BirthDate: nadia().BirthDate}); err != nil {
				return err
			}
			w.accept(j.ID)
			return w.choose(j.ID, strong)
		}()
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("a student waits for the mail server")
	}
	for _, p := range []domain.PersonID{"p-22502142", "p-1001"} {
		if got := w.person(p).Account; got != domain.AccountActive {
			t.Errorf("%s: the account is %q", p, got)
		}
	}
	if n := server.waiting.Load(); n == 0 || n > 4 {
		t.Errorf("%d mails wait for the server at once, want 1 to 4", n)
	}
	let()
	w.box.next(t, domain.MessageCode) // the code that was asked for meanwhile
}
