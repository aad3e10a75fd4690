package mail

import (
	"context"
	"errors"
	"fmt"

	gomail "github.com/wneessen/go-mail"
)

// Ready returns an error if the mail server cannot be reached, refuses the login
// or the sender, or took none of the last mails. It sends no mail.
func (m *Mailer) Ready(ctx context.Context) error {
	if err := m.connections.check(ctx, m.sender); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := m.health.Fault("mails"); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
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
