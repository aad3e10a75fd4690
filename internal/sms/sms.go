// Package sms writes short texts and hands them to an SMS gateway, over HTTP
// ([NewHTTP]) or SMPP 3.4 ([NewSMPP]).
//
//	Message ── text of its kind and language ──► Gateway
//	           no text for the kind: nothing is sent
//	Gateway ── accepted: sent · throttled, unreachable: again later · refused: permanent
//
// Errors and logs never hold a number or a text.
package sms

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/template"
	"time"

	"entree/internal/domain"
	"entree/internal/outage"
	smstemplates "entree/templates/sms"
)

// Text is one SMS.
type Text struct {
	ID   string // the same at each attempt to send the same message
	To   domain.Phone
	Body string
	Life time.Duration // after which the text is useless; 0: as the gateway decides
}

// Gateway sends texts. It is safe for concurrent use.
type Gateway interface {
	// Submit returns nil if the gateway accepted the text. An error marked
	// [domain.Permanent] is a refusal; after any other error the same text is
	// submitted again later.
	Submit(ctx context.Context, t Text) error
	// Ready returns an error if the gateway cannot be used. It sends no text.
	Ready(ctx context.Context) error
}

// Options configures a Notifier.
type Options struct {
	Gateway     Gateway
	Institution string        // short name, at the beginning of a text
	BaseURL     string        // of the portal
	Timeout     time.Duration // for a whole text; 0: 15 seconds
}

// Notifier writes texts and sends them. It implements domain.Notifier.
type Notifier struct {
	options Options
	host    string
	texts   map[string]*template.Template // "code.fr"
	health  outage.Streak
}

// New returns a Notifier. It returns an error if a text cannot be parsed.
func New(o Options) (*Notifier, error) {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("sms: base URL: %w", err)
	}
	n := &Notifier{options: o, host: base.Hostname(), texts: map[string]*template.Template{}}
	files, err := smstemplates.FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		raw, err := smstemplates.FS.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(f.Name(), ".txt")
		if n.texts[name], err = template.New(name).Option("missingkey=error").Parse(string(raw)); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// words is the data of a text.
type words struct {
	Institution, Host, Code, Freeze string
	Minutes                         int
}

// Send writes and sends one text. It sends nothing for a kind without a text.
func (n *Notifier) Send(ctx context.Context, m domain.Message) error {
	body, err := n.compose(m)
	if err != nil || body == "" {
		return err
	}
	to, err := domain.ParsePhone(string(m.To))
	if err != nil {
		return domain.Permanent(errors.New("sms: the number cannot be written to"))
	}
	ctx, cancel := context.WithTimeout(ctx, n.options.Timeout)
	defer cancel()
	err = n.options.Gateway.Submit(ctx, Text{ID: m.ID, To: to, Body: body, Life: time.Duration(m.Minutes) * time.Minute})
	if !errors.Is(err, errNumber) { // a refused number says nothing about the gateway
		n.health.Note(err)
	}
	return err
}

// Sends reports whether messages of a kind are sent by SMS.
func (n *Notifier) Sends(kind domain.MessageKind) bool {
	return n.texts[string(kind)+"."+string(domain.French)] != nil
}

// Ready returns an error if the gateway cannot be used, or accepted none of the
// last texts.
func (n *Notifier) Ready(ctx context.Context) error {
	if err := n.options.Gateway.Ready(ctx); err != nil {
		return err
	}
	if err := n.health.Fault("texts"); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	return nil
}

// compose returns the text of a message, "" if its kind has none.
func (n *Notifier) compose(m domain.Message) (string, error) {
	if !n.Sends(m.Kind) {
		return "", nil
	}
	lang := m.Lang
	if lang != domain.English {
		lang = domain.French
	}
	t := n.texts[string(m.Kind)+"."+string(lang)]
	if t == nil {
		return "", domain.Permanent(fmt.Errorf("sms: there is no text for %q in %s", m.Kind, lang))
	}
	w := words{Institution: n.options.Institution, Host: n.host, Code: m.Code, Minutes: m.Minutes}
	if m.Freeze != "" {
		w.Freeze = strings.TrimRight(n.options.BaseURL, "/") + m.Freeze
	}
	var b strings.Builder
	if err := t.Execute(&b, w); err != nil {
		return "", domain.Permanent(fmt.Errorf("sms: %w", err))
	}
	return plain(b.String()), nil
}

// plain replaces the typographic characters that would make a text twice as long:
// GSM 03.38 lacks them.
var plain = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "«\u00a0", `"`, "\u00a0»", `"`, "«", `"`, "»", `"`,
	"\u00a0", " ", "\u202f", " ", "–", "-", "—", "-", "…", "...", "œ", "oe").Replace

// errNumber is wrapped by the refusal of a number.
var errNumber = errors.New("the gateway refuses the number")

// Transport is what both kinds of gateways need to reach a host.
type Transport struct {
	Roots   *x509.CertPool // nil: the authorities of the system
	Timeout time.Duration  // of one request; 0: 10 seconds
}

func (t Transport) timeout() time.Duration {
	if t.Timeout == 0 {
		return 10 * time.Second
	}
	return t.Timeout
}
