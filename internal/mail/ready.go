package mail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"entree/internal/domain"
)

// A relay that refuses every mail is reported after failedMost mails in a row,
// until one is taken or the last failure is failedShown old.
const (
	failedMost  = 3
	failedShown = 15 * time.Minute
)

// health counts the mails in a row that the mail server did not take. It is safe
// for concurrent use.
type health struct {
	mu     sync.Mutex
	failed int
	last   error
	at     time.Time // of the system's clock
}

// note records the result of a mail. An address that the server knows to be
// wrong says nothing about the server.
func (h *health) note(err error) {
	var refused *domain.AddressRefused
	if errors.As(err, &refused) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.failed = 0
		return
	}
	h.failed, h.last, h.at = h.failed+1, err, time.Now()
}

func (h *health) fault() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed >= failedMost && time.Since(h.at) < failedShown {
		return fmt.Errorf("mail: the last %d mails were not accepted: %w", h.failed, h.last)
	}
	return nil
}

// Ready returns an error if the mail server cannot be reached, refuses the login
// or the sender, or took none of the last mails. It sends no mail.
func (m *Mailer) Ready(ctx context.Context) error {
	if err := m.connections.check(ctx, m.sender); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return m.health.fault()
}

// check begins a mail of the sender and takes it back, on a kept connection if
// there is one that still answers.
func (c *connections) check(ctx context.Context, sender string) error {
	for {
		conn, isFresh, err := c.open(ctx)
		if err != nil {
			return err
		}
		over := context.AfterFunc(ctx, func() { _ = conn.Close() })
		err = errors.Join(conn.Mail(sender), conn.Reset())
		if !over() {
			return errors.Join(ctx.Err(), err)
		}
		if err == nil {
			c.keep(conn)
			return nil
		}
		_ = c.client.CloseWithSMTPClient(conn)
		if isFresh {
			return err
		}
	}
}

// sender returns the envelope sender of every mail.
func sender(o Options, from *gomail.Msg) string {
	if o.ReturnPath != "" {
		return o.ReturnPath
	}
	return from.GetFrom()[0].Address
}
