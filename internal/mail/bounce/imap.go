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

// IMAP is a mailbox on an IMAP server. Its new messages are those without the flag
// \Seen.
type IMAP struct {
	Host     string
	Port     int
	TLS      string // implicit, starttls or none
	User     string
	Password secret.Text
	Mailbox  string
	TLSRoots *tls.Config // nil: the roots of the system
}

// Each passes every unread message to see.
func (b IMAP) Each(ctx context.Context, limit int, see func(raw []byte) error) error {
	c, err := b.dial()
	if err != nil {
		return fmt.Errorf("bounce: IMAP: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // ends every call when ctx ends
	defer func() {
		stop()
		_ = c.Close()
	}()
	if err := b.each(c, limit, see); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// Check logs in and selects the mailbox. It reads no message.
func (b IMAP) Check(ctx context.Context) error {
	c, err := b.dial()
	if err != nil {
		return fmt.Errorf("bounce: IMAP: %w", err)
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := c.Login(b.User, b.Password.Reveal()).Wait(); err != nil {
		return fmt.Errorf("bounce: IMAP login: %w", err)
	}
	if _, err := c.Select(b.Mailbox, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return fmt.Errorf("bounce: IMAP mailbox: %w", err)
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
		// Only the first maxMessage bytes are fetched, which bounds the memory.
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
