package mail

import (
	"context"
	"errors"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// connections keeps those to the mail server open for a moment: on a day when
// mails follow one another, the greeting, the encryption and the login of each
// one cost more than the mail.
//
//	take ── NOOP answered ──► send ──► keep, for idleFor ──► QUIT
//	     └─ it did not, or none is kept ──► dial
//
// A kept connection that is dead is found by the NOOP, before anything of a
// mail was said, so that a mail is never sent twice for it.
type connections struct {
	client *gomail.Client
	mu     sync.Mutex
	kept   []keptConnection // the one used last at the end
}

type keptConnection struct {
	*smtp.Client
	until time.Time
}

// idleFor is below the time after which servers hang up (RFC 5321, 4.5.3.2:
// five minutes), and above the pauses of a busy hour. mostKept is about the
// number of mails that are sent at once.
const (
	idleFor  = 10 * time.Second
	mostKept = 8
)

// send sends one mail, by a kept connection where there is one.
func (c *connections) send(ctx context.Context, msg *gomail.Msg) error {
	for {
		conn := c.take()
		fresh := conn == nil
		if fresh {
			var err error
			if conn, err = c.client.DialToSMTPClientWithContext(ctx); err != nil {
				return err
			}
		}
		err := c.client.SendWithSMTPClient(conn, msg)
		switch {
		case err == nil:
			c.keep(conn)
			return nil
		case !fresh && unused(err) && ctx.Err() == nil:
			_ = conn.Close() // it is dead
			continue
		}
		_ = c.client.CloseWithSMTPClient(conn) // in whatever state it is
		if msg.IsDelivered() {
			return nil // the server took the mail and stumbled over the next command
		}
		return err
	}
}

// unused tells that a connection was dead before the mail began.
func unused(err error) bool {
	var e *gomail.SendError
	return errors.As(err, &e) && e.Reason == gomail.ErrConnCheck
}

func (c *connections) take() *smtp.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) == 0 {
		return nil
	}
	last := c.kept[len(c.kept)-1]
	c.kept = c.kept[:len(c.kept)-1]
	return last.Client
}

func (c *connections) keep(conn *smtp.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= mostKept {
		go func() { _ = c.client.CloseWithSMTPClient(conn) }() // the mail is sent
		return
	}
	c.kept = append(c.kept, keptConnection{conn, time.Now().Add(idleFor)})
	time.AfterFunc(idleFor, c.tidy)
}

// tidy says good-bye on those that nobody used for a while.
func (c *connections) tidy() {
	c.mu.Lock()
	var over []keptConnection
	now := time.Now()
	for len(c.kept) > 0 && !now.Before(c.kept[0].until) {
		over, c.kept = append(over, c.kept[0]), c.kept[1:]
	}
	c.mu.Unlock()
	for _, o := range over {
		_ = c.client.CloseWithSMTPClient(o.Client) // it may be gone
	}
}
