// Package mailbox is a mail server and an SMS gateway inside the program, with a page
// that shows what they received, for the demo and the tests. It accepts messages to any
// address and any number, on loopback, and forwards none.
//
//	SMTP ── parse ──┬── newest 1,000, kept in a file ──┬─ GET /             the page
//	POST /sms ──────┘                                  ├─ GET /messages/N/html
//	                                                   └─ GET /api/messages JSON, newest first
package mailbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
)

// Message is one received mail or SMS, in the form of the JSON interface.
type Message struct {
	To      string      `json:"to"` // an address; of an SMS, a number as +33612345678
	Subject string      `json:"subject"`
	Text    string      `json:"text"`
	HTML    string      `json:"html"`
	ID      string      `json:"message_id"`
	At      time.Time   `json:"at"`
	Header  mail.Header `json:"-"`
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// Code returns the first group of six digits in the text, or "" if there is none.
func (m Message) Code() string { return sixDigits.FindString(m.Text) }

// Options are the settings of a Mailbox.
type Options struct {
	SMTP string // host:port; port 0: any free one
	HTTP string // host:port of the page
	Dir  string // folder that stores the mails across starts; empty: memory only
	Keep int    // maximum number of stored mails; 0: 1000
	// Fault, if set, is called at each stage of a mail ("from", "rcpt", "data",
	// "done"); the server responds with its result unless that is nil.
	Fault func(stage, address string) *smtp.SMTPError
}

// Mailbox is a running mail server.
type Mailbox struct {
	options  Options
	smtp     *smtp.Server
	http     *http.Server
	smtpAddr string
	url      string

	mu       sync.Mutex
	messages []Message            // oldest first
	byTo     map[string][]Message // the same mails by address, oldest first
	received int
	waiting  map[string]chan struct{} // by address, "" for any; closed and removed at the next mail
	file     *os.File
	listen   []net.Listener
}

// Start starts the mail server and the web server.
func Start(o Options) (*Mailbox, error) {
	if o.Keep == 0 {
		o.Keep = 1000
	}
	b := &Mailbox{options: o, byTo: map[string][]Message{}, waiting: map[string]chan struct{}{}}
	if err := b.load(); err != nil {
		return nil, err
	}
	in, err := net.Listen("tcp", o.SMTP)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.listen = append(b.listen, in)
	b.smtpAddr = in.Addr().String()
	b.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }))
	b.smtp.Domain, b.smtp.MaxMessageBytes, b.smtp.ReadTimeout = "localhost", 1<<20, time.Minute
	b.smtp.ErrorLog = silent{}
	go func() { _ = b.smtp.Serve(in) }() // ends with Close
	web, err := net.Listen("tcp", o.HTTP)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.listen = append(b.listen, web)
	b.url = "http://" + web.Addr().String()
	b.http = &http.Server{Handler: b.handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.http.Serve(web) }() // ends with Close
	return b, nil
}

// SMSURL returns the address to which an SMS is posted, as JSON with "to" and "text".
func (b *Mailbox) SMSURL() string { return b.url + "/sms" }

// SMTPAddr returns host:port of the mail server.
func (b *Mailbox) SMTPAddr() string { return b.smtpAddr }

// URL returns the page's URL.
func (b *Mailbox) URL() string { return b.url }

// Close stops both servers and also closes the listeners: a server does not own
// its listener before Serve.
func (b *Mailbox) Close() error {
	var errs []error
	if b.smtp != nil {
		errs = append(errs, b.smtp.Close())
	}
	if b.http != nil {
		errs = append(errs, b.http.Close())
	}
	for _, l := range b.listen {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if b.file != nil {
		errs = append(errs, b.file.Close())
	}
	return errors.Join(errs...)
}

// Messages returns the stored mails to an address, or all stored mails if it is
// empty, newest first.
func (b *Mailbox) Messages(to string) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := append([]Message{}, b.to(to)...) // not nil: JSON has [] for no mail
	slices.Reverse(out)
	return out
}

func (b *Mailbox) to(address string) []Message {
	if address == "" {
		return b.messages
	}
	return b.byTo[address]
}

// Received returns the number of mails that have arrived since the start.
func (b *Mailbox) Received() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.received
}

// Wait waits until n mails to an address are stored and returns the newest.
func (b *Mailbox) Wait(ctx context.Context, to string, n int) (Message, error) {
	var newest Message
	err := b.until(ctx, to, func() bool {
		all := b.to(to)
		if len(all) < n || len(all) == 0 {
			return false
		}
		newest = all[len(all)-1]
		return true
	})
	return newest, err
}

// WaitReceived waits until n mails have arrived since the start.
func (b *Mailbox) WaitReceived(ctx context.Context, n int) error {
	return b.until(ctx, "", func() bool { return b.received >= n })
}

// until calls done with the lock held, now and after each mail to an address,
// until it returns true.
func (b *Mailbox) until(ctx context.Context, to string, done func() bool) error {
	for {
		b.mu.Lock()
		if done() {
			b.mu.Unlock()
			return nil
		}
		next, ok := b.waiting[to]
		if !ok {
			next = make(chan struct{})
			b.waiting[to] = next
		}
		b.mu.Unlock()
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Mailbox) add(m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil {
		if err := json.NewEncoder(b.file).Encode(m); err != nil {
			return err
		}
	}
	b.store(m)
	b.received++
	for _, to := range []string{m.To, ""} {
		if next, ok := b.waiting[to]; ok {
			close(next)
			delete(b.waiting, to)
		}
	}
	return nil
}

// store adds a mail and drops the oldest one if there are too many.
func (b *Mailbox) store(m Message) {
	b.messages = append(b.messages, m)
	b.byTo[m.To] = append(b.byTo[m.To], m)
	if len(b.messages) <= b.options.Keep {
		return
	}
	oldest := b.messages[0].To
	b.messages = b.messages[1:]
	if b.byTo[oldest] = b.byTo[oldest][1:]; len(b.byTo[oldest]) == 0 {
		delete(b.byTo, oldest)
	}
}

// load reads the mails of earlier starts.
func (b *Mailbox) load() error {
	if b.options.Dir == "" {
		return nil
	}
	var err error
	b.file, err = os.OpenFile(filepath.Join(b.options.Dir, "mailbox.jsonl"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(b.file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var m Message
		if json.Unmarshal(lines.Bytes(), &m) == nil { // a line that a crash cut off is ignored
			b.store(m)
		}
	}
	return lines.Err()
}

// session is one SMTP session.
type session struct {
	box *Mailbox
	to  []string
}

func (s *session) fault(stage, address string) error {
	if s.box.options.Fault == nil {
		return nil
	}
	if f := s.box.options.Fault(stage, address); f != nil {
		return f
	}
	return nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { return s.fault("from", from) }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return s.fault("rcpt", to)
}

func (s *session) Data(r io.Reader) error {
	if err := s.fault("data", s.to[0]); err != nil {
		return err
	}
	m, err := parse(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: "cannot read this mail: " + err.Error()}
	}
	for _, to := range s.to {
		m.To = to
		if err := s.box.add(m); err != nil {
			return err
		}
	}
	return s.fault("done", s.to[0])
}

func (s *session) Reset()        { s.to = nil }
func (s *session) Logout() error { return nil }

func parse(r io.Reader) (Message, error) {
	in, err := mail.CreateReader(r)
	if err != nil {
		return Message{}, err
	}
	m := Message{At: time.Now().UTC(), Header: in.Header, ID: in.Header.Get("Message-Id")}
	if m.Subject, err = in.Header.Subject(); err != nil {
		return Message{}, err
	}
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return Message{}, err
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return Message{}, err
		}
		header, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue
		}
		switch kind, _, _ := header.ContentType(); kind {
		case "text/plain":
			m.Text = string(body)
		case "text/html":
			m.HTML = string(body)
		}
	}
}

// silent discards the log of the SMTP library, so that it does not clutter the
// demo's terminal.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
