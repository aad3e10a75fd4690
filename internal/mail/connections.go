package mail

import (
	"context"
	"errors"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// connections is a pool of connections to the mail server. On a busy day the
// greeting, TLS handshake and login of a connection cost more than a mail.
//
//	take ── NOOP answered ──► send ──► keep, for idleFor ──► QUIT
//	     └─ NOOP failed, or the pool is empty ──► dial
//
// NOOP detects a dead connection before any command of a mail is sent, so that
// no mail is sent twice because of it.
type connections struct {
	client *gomail.Client
	mu     sync.Mutex
	kept   []keptConnection // the most recently used one is last
}

type keptConnection struct {
	*smtp.Client
	until time.Time
}

// idleFor is shorter than the time after which servers close a connection (five
// minutes, RFC 5321 §4.5.3.2) and longer than the pauses of a busy hour. mostKept
// is about the number of mails that are sent concurrently.
const (
	idleFor  = 10 * time.Second
	mostKept = 8
)

// send sends one mail, over a pooled connection if there is one.
func (c *connections) send(ctx context.Context, msg *gomail.Msg) error {
	for {
		conn, isFresh, err := c.open(ctx)
		if err != nil {
			return err
		}
		err = c.client.SendWithSMTPClient(conn, msg)
		switch {
		case err == nil:
			c.keep(conn)
			return nil
		case !isFresh && unused(err) && ctx.Err() == nil:
			_ = conn.Close() // the connection is dead
			continue
		}
		_ = c.client.CloseWithSMTPClient(conn) // the state of the session is unknown
		if msg.IsDelivered() {
			return nil // the server accepted the mail and failed at the next command
		}
		return err
	}
}

// unused reports whether a connection failed before the mail began.
func unused(err error) bool {
	var e *gomail.SendError
	return errors.As(err, &e) && e.Reason == gomail.ErrConnCheck
}

// open returns a kept connection, or a fresh one if none is kept.
func (c *connections) open(ctx context.Context) (conn *smtp.Client, isFresh bool, err error) {
	if conn = c.take(); conn != nil {
		return conn, false, nil
	}
	conn, err = c.client.DialToSMTPClientWithContext(ctx)
	return conn, true, err
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
		go func() { _ = c.client.CloseWithSMTPClient(conn) }() // does not delay the mail, which is sent
		return
	}
	c.kept = append(c.kept, keptConnection{conn, time.Now().Add(idleFor)})
	time.AfterFunc(idleFor, c.tidy)
}

// tidy closes the connections that were idle for longer than idleFor.
func (c *connections) tidy() {
	c.mu.Lock()
	var over []keptConnection
	now := time.Now()
	for len(c.kept) > 0 && !now.Before(c.kept[0].until) {
		over, c.kept = append(over, c.kept[0]), c.kept[1:]
	}
	c.mu.Unlock()
	for _, o := range over {
		_ = c.client.CloseWithSMTPClient(o.Client) // the server may have closed it
	}
}
