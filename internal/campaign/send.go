package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entree/internal/domain"
)

// Mails returns the handler of the jobs that send campaign mails.
func (s *Service) Mails() domain.Handler { return mails{s} }

type mails struct{ *Service }

// Run sends one mail if the person still has the task to do. It may run again
// after a crash: a settled mail is not sent again, and a mail that was sent but
// not settled is sent with the same Message-ID.
func (s mails) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	r, err := s.Store.Recipient(ctx, job.ID)
	if errors.Is(err, domain.ErrNotFound) || err == nil && r.State != Waiting {
		return domain.Effects{}, nil
	}
	if err != nil {
		return domain.Effects{}, err
	}
	c, err := s.Store.Campaign(ctx, r.Campaign)
	if err != nil {
		return domain.Effects{}, err
	}
	switch c.State {
	case Paused:
		r.Job = ""
		return domain.Effects{}, s.settle(ctx, r, Waiting, "", domain.Effects{})
	case Cancelled:
		return domain.Effects{}, s.settle(ctx, r, Skipped, "cancelled", domain.Effects{})
	}
	p, err := s.Store.Person(ctx, r.Person)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return domain.Effects{}, err
	}
	why, err := s.needless(ctx, c, p)
	if err != nil {
		return domain.Effects{}, err
	}
	if why != "" {
		return domain.Effects{}, s.settle(ctx, r, Skipped, why, domain.Effects{})
	}
	m := s.Message(c, p, r.Round)
	m.ID = job.ID
	if err := s.Notifier.Send(ctx, m); err != nil {
		return domain.Effects{}, err
	}
	return domain.Effects{}, s.settle(ctx, r, Sent, "", domain.Effects{Events: []domain.Event{{
		At: s.now(), Kind: EventInvited, Person: p.ID, Details: map[string]string{"campaign": c.ID, "kind": string(c.Kind), "round": fmt.Sprint(r.Round)},
	}}})
}

// Abandon records that a mail was refused or given up. If the mail server
// refused the address itself, the address is marked as wrong and gets no
// further mail.
func (s mails) Abandon(ctx context.Context, job domain.Job, cause error) (domain.Effects, error) {
	r, err := s.Store.Recipient(ctx, job.ID)
	if errors.Is(err, domain.ErrNotFound) {
		return domain.Effects{}, nil
	}
	if err != nil {
		return domain.Effects{}, err
	}
	e := domain.Effects{Events: []domain.Event{{At: s.now(), Kind: domain.EventMailAbandoned, Person: r.Person, Details: map[string]string{"mail": "campaign", "campaign": r.Campaign}}}}
	why := "given_up"
	var refused *domain.AddressRefused
	if errors.As(cause, &refused) {
		why = refused.Status
		p, err := s.Store.Person(ctx, r.Person)
		if err != nil {
			return domain.Effects{}, err
		}
		e.Wrong = []domain.WrongAddress{{Address: p.Email, Why: refused.Status, Rule: refused.Rule, Provider: refused.Provider, At: s.now()}}
	}
	var provider *domain.ProviderRefused
	if errors.As(cause, &provider) {
		why = provider.Reason
		e.Refused = []domain.MailRefused{{Mail: job.ID, Provider: provider.Provider, Reason: provider.Reason, Words: provider.Words, At: s.now()}}
	}
	return domain.Effects{}, s.settle(ctx, r, Refused, why, e)
}

// needless returns, as one word, why a person needs no mail any more, or an
// empty string if the person needs it.
func (s *Service) needless(ctx context.Context, c Campaign, p domain.Person) (string, error) {
	switch {
	case p.ID == "":
		return "gone", nil
	case p.Email == "" || p.AddressWrong():
		return "address", nil
	case c.Kind == Invitation && p.MayActivate():
		return "", nil
	case c.Kind == Invitation && p.Account == domain.NoAccount:
		return "not_ready", nil
	case c.Kind == Charter && p.Account == domain.AccountActive:
		accepted, err := s.Store.Accepted(ctx, p.ID, s.Charters.Current(p.Profile)...)
		if accepted {
			return "done", err
		}
		return "", err
	case c.Kind == Factor && p.HasLiveAccount():
		known, err := s.Store.KnownFactors(ctx, p.ID)
		if slices.ContainsFunc(known, func(f domain.KnownFactor) bool { return f.Kind.Protects() }) {
			return "done", err
		}
		return "", err
	}
	return "done", nil
}

func (s *Service) settle(ctx context.Context, r Recipient, to RecipientState, why string, e domain.Effects) error {
	r.State, r.Why, r.At = to, why, s.now()
	return s.Store.Settle(ctx, r, []RecipientState{Waiting}, e)
}

// Bounce is a returned mail. The caller has verified by its Message-ID that the
// portal sent it.
type Bounce struct {
	Job                     string // id of the job that sent the mail
	Address                 domain.Address
	Status                  string // "5.1.1" (RFC 3463)
	Rule                    string // id of the bounce rule that decided
	Wrong                   bool   // the address does not exist
	Refusal                 bool   // the provider refuses the portal's mails to any recipient
	Provider, Reason, Words string // Words is the text of the refusing server, without addresses
	At                      time.Time
}

// Bounced records a returned mail of a campaign or of any other kind. A second
// bounce of the same mail changes nothing.
func (s *Service) Bounced(ctx context.Context, b Bounce) error {
	var e domain.Effects
	if b.Wrong {
		e.Wrong = []domain.WrongAddress{{Address: b.Address, Why: b.Status, Rule: b.Rule, Provider: b.Provider, At: b.At}}
	}
	if b.Refusal {
		e.Refused = []domain.MailRefused{{Mail: b.Job, Provider: b.Provider, Reason: b.Reason, Words: b.Words, At: b.At}}
	}
	r, err := s.Store.Recipient(ctx, b.Job)
	if errors.Is(err, domain.ErrNotFound) { // a mail of another kind: a code or a receipt
		return s.Store.Apply(ctx, e)
	}
	if err != nil {
		return err
	}
	e.Events = []domain.Event{{At: b.At, Kind: EventBounced, Person: r.Person, Details: map[string]string{"campaign": r.Campaign, "status": b.Status}}}
	r.State, r.Why, r.At = Bounced, b.Status, b.At
	return s.Store.Settle(ctx, r, []RecipientState{Waiting, Sent}, e)
}
