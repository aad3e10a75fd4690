package bounce

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"entree/internal/secret"
)

// IMAP is a mailbox at a mail server. New messages are those that nobody has
// read.
type IMAP struct {
	Host     string
	Port     int
	TLS      string // implicit, starttls or none
	User     string
	Password secret.Text
	Mailbox  string
	TLSRoots *tls.Config // nil: the system's
}

// Each gives every unread message.
func (b IMAP) Each(ctx context.Context, limit int, see func(raw []byte) error) error {
	c, err := b.dial()
	if err != nil {
		return fmt.Errorf("bounce: IMAP: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // no call waits for longer than ctx
	defer func() {
		stop()
		_ = c.Close()
	}()
	if err := b.each(c, limit, see); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

func (b IMAP) dial() (*imapclient.Client, error) {
	address := net.JoinHostPort(b.Host, strconv.Itoa(b.Port))
	options := &imapclient.Options{TLSConfig: b.TLSRoots, Dialer: &net.Dialer{Timeout: 20 * time.Second}}
	switch b.TLS {
	case "none":
		return imapclient.DialInsecure(address, options)
	case "starttls":
		return imapclient.DialStartTLS(address, options)
	default:
		return imapclient.DialTLS(address, options)
	}
}

func (b IMAP) each(c *imapclient.Client, limit int, see func(raw []byte) error) error {
	if err := c.Login(b.User, b.Password.Reveal()).Wait(); err != nil {
		return fmt.Errorf("bounce: IMAP login: %w", err)
	}
	if _, err := c.Select(b.Mailbox, nil).Wait(); err != nil {
		return fmt.Errorf("bounce: IMAP mailbox: %w", err)
	}
	found, err := c.UIDSearch(&imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen}}, nil).Wait()
	if err != nil {
		return fmt.Errorf("bounce: IMAP search: %w", err)
	}
	uids := found.AllUIDs()
	for _, uid := range uids[:min(limit, len(uids))] {
		set := imap.UIDSetNum(uid)
		// The beginning of a message is enough, and no message fills the memory.
		section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: maxMessage}}
		messages, err := c.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			return fmt.Errorf("bounce: IMAP fetch: %w", err)
		}
		for _, m := range messages {
			for _, part := range m.BodySection {
				if err := see(part.Bytes); err != nil {
					return err
				}
			}
		}
		if err := c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close(); err != nil {
			return fmt.Errorf("bounce: IMAP store: %w", err)
		}
	}
	return c.Logout().Wait()
}
