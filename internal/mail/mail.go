// Package mail writes the mails of an activation and sends them by SMTP.
//
//	Message ── text of its kind and language ──┬─ text/plain
//	                                           └─ the same words in frame.html
//	        ── SMTP ──► 2xx sent · 4xx, no answer: again later · 5xx: refused
//
// A retried mail has the same Message-ID and the same text, so that mail programs
// show it once if the server had accepted it before.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"entree/internal/domain"
	"entree/internal/loopback"
	"entree/internal/outage"
	"entree/internal/secret"
)

// TLS is the protection of the connection to the mail server.
type TLS string

// Modes of protection. TLSNone is allowed on loopback only.
const (
	TLSMandatory     TLS = "mandatory"     // STARTTLS is required
	TLSOpportunistic TLS = "opportunistic" // STARTTLS if the server offers it
	TLSNone          TLS = "none"
)

// Institution is the sender named in the mails.
type Institution struct {
	Name, Accent                  string
	HelpURL, HelpEmail, HelpPhone string
}

// Options configures a Mailer.
type Options struct {
	Host        string
	Port        int
	TLS         TLS
	Roots       *x509.CertPool // nil: the authorities of the system
	User        string
	Password    secret.Text
	From        string // "Université d'Orléans <ne-pas-repondre@…>"
	ReplyTo     string
	ReturnPath  string         // envelope sender, which receives bounces; empty: From
	Keys        secret.Keyring // keys of the MAC in the Message-ID
	Timeout     time.Duration  // for a whole mail; 0: 30 seconds
	Institution Institution
	BaseURL     string
	Zone        *time.Location // of times in mails
	Profiles    []domain.Profile
	Clock       func() time.Time
	// JudgeRefusal judges the refusal of a recipient or of a mail's content. It
	// returns a *domain.AddressRefused if the address is wrong, a
	// *domain.ProviderRefused if the provider refuses the portal's mails, and nil
	// otherwise. A nil function judges none.
	JudgeRefusal func(to domain.Address, reply string) error
}

// Mailer writes and sends mails.
type Mailer struct {
	options     Options
	composer    *composer
	host        string // of the Message-ID
	connections *connections
	sender      string // envelope sender
	health      outage.Streak
}

// New returns a Mailer. It returns an error if an option is not valid or a text
// cannot be rendered.
func New(o Options) (*Mailer, error) {
	if o.TLS == TLSNone && !loopback.IsHost(o.Host) {
		return nil, fmt.Errorf("mail: %s is not on this machine: TLS is required, because mails contain codes", o.Host)
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	m := gomail.NewMsg()
	if err := m.From(o.From); err != nil {
		return nil, fmt.Errorf("mail: from: %w", err)
	}
	_, host, _ := strings.Cut(m.GetFrom()[0].Address, "@")
	c, err := newComposer(o)
	if err != nil {
		return nil, err
	}
	client, err := dialer(o)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Mailer{o, c, host, &connections{client: client}, sender(o, m), outage.Streak{}}, nil
}

// Send writes and sends one mail. A reply of 5xx is a permanent error; any other
// error may be temporary. Errors never name the recipient.
func (m *Mailer) Send(ctx context.Context, message domain.Message) error {
	if message.Kind == domain.MessageNobody {
		return nil
	}
	msg, err := m.build(message)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.options.Timeout)
	defer cancel()
	err = m.outcome(message.To, m.connections.send(ctx, msg))
	var refused *domain.AddressRefused
	if !errors.As(err, &refused) { // a wrong address says nothing about the server
		m.health.Note(err)
	}
	return err
}

// Preview returns the subject and text of a mail without sending it.
func (m *Mailer) Preview(message domain.Message) (subject, text string, err error) {
	c, err := m.composer.compose(message)
	return c.subject, c.text, err
}

func (m *Mailer) build(message domain.Message) (*gomail.Msg, error) {
	c, err := m.composer.compose(message)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithNoDefaultUserAgent())
	if err := msg.From(m.options.From); err != nil {
		return nil, domain.Permanent(err)
	}
	if err := msg.To(string(message.To)); err != nil {
		return nil, domain.Permanent(errors.New("mail: the address cannot be written to"))
	}
	if m.options.ReplyTo != "" {
		if err := msg.ReplyTo(m.options.ReplyTo); err != nil {
			return nil, domain.Permanent(err)
		}
	}
	if m.options.ReturnPath != "" {
		if err := msg.EnvelopeFrom(m.options.ReturnPath); err != nil {
			return nil, domain.Permanent(err)
		}
	}
	msg.Subject(c.subject)
	msg.SetMessageIDWithValue(token(m.options.Keys, message.ID, message.To) + "@" + m.host)
	msg.SetDateWithValue(m.options.Clock())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: suppresses automatic replies
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("Content-Language", string(message.Lang))
	m.campaignHeaders(msg, message.Kind)
	msg.SetBodyString(gomail.TypeTextPlain, c.text)
	msg.AddAlternativeString(gomail.TypeTextHTML, c.html)
	return msg, nil
}

// campaignHeaders adds the headers by which mail programs group the mails of a campaign
// (RFC 2919) and offer to end them (RFC 2369): a message to the help desk, who stops
// the reminders. Codes and mails about an account carry neither, so that nothing stops
// them.
func (m *Mailer) campaignHeaders(msg *gomail.Msg, kind domain.MessageKind) {
	if !kind.IsCampaign() {
		return
	}
	msg.SetGenHeader("List-Id", "<"+string(kind)+"."+m.host+">")
	if help := m.options.Institution.HelpEmail; help != "" {
		msg.SetGenHeader("List-Unsubscribe", "<mailto:"+help+"?subject=stop>")
	}
}

func dialer(o Options) (*gomail.Client, error) {
	policy := gomail.TLSMandatory
	switch o.TLS {
	case TLSOpportunistic:
		policy = gomail.TLSOpportunistic
	case TLSNone:
		policy = gomail.NoTLS
	}
	options := []gomail.Option{gomail.WithPort(o.Port), gomail.WithTLSPolicy(policy), gomail.WithTimeout(o.Timeout)}
	if o.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(o.User), gomail.WithPassword(o.Password.Reveal()))
	}
	if o.Roots != nil {
		options = append(options, gomail.WithTLSConfig(&tls.Config{ServerName: o.Host, RootCAs: o.Roots, MinVersion: tls.VersionTLS12}))
	}
	return gomail.NewClient(o.Host, options...)
}

// reply returns the words of the server alone: "550 5.1.1 no such user".
func reply(e *gomail.SendError) string {
	text, _, _ := strings.Cut(strings.TrimPrefix(e.Error(), e.Reason.String()+": "), ", affected ")
	return strings.ReplaceAll(text, `"`, "")
}

// judge returns what a refusal of the recipient or of the content means. A
// refusal that may pass proves nothing about the address.
func (m *Mailer) judge(to domain.Address, refused *gomail.SendError) error {
	atRecipient := refused.Reason == gomail.ErrSMTPRcptTo
	if m.options.JudgeRefusal == nil || !atRecipient && refused.Reason != gomail.ErrSMTPData && refused.Reason != gomail.ErrSMTPDataClose {
		return nil
	}
	judged := m.options.JudgeRefusal(to, reply(refused))
	var wrong *domain.AddressRefused
	if errors.As(judged, &wrong) && (!atRecipient || refused.ErrorCode() < 500) {
		return nil
	}
	return judged
}

// outcome reduces an error to what a log may hold.
func (m *Mailer) outcome(to domain.Address, err error) error {
	var refused *gomail.SendError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.ErrorCode() != 0:
		said := fmt.Errorf("mail: the server answered %d", refused.ErrorCode())
		if judged := m.judge(to, refused); judged != nil {
			said = fmt.Errorf("mail: %w", judged)
		}
		if refused.ErrorCode() < 500 {
			return said
		}
		return domain.Permanent(said)
	case errors.As(err, &refused):
		return errors.New("mail: no clear answer from the server")
	default:
		return fmt.Errorf("mail: %w", err)
	}
}
