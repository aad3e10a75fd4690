package activation

import (
	"context"
	"errors"
	"time"

	"entree/internal/domain"
)

// mailDeadline limits the retries of a mail without a code. It outlasts a mail
// server that is unavailable over a long weekend.
const mailDeadline = 4 * 24 * time.Hour

// mailJob seals a message into a job. The message's id is the job's, so that each
// retry sends the same mail (S9).
func (s *Service) mailJob(m domain.Message, person domain.PersonID, journey domain.JourneyID, now, deadline time.Time) (domain.Job, error) {
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobMail, &m, now, deadline)
	job.Person, job.Journey = person, journey
	return job, err
}

// MailJobs returns the handler of the jobs that send mails.
func (s *Service) MailJobs() domain.Handler { return mailJobs{s} }

type mailJobs struct{ *Service }

// Run sends the mail at least once: after a crash between the server's
// acceptance and the commit it sends the mail again, with the same Message-ID.
func (s mailJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var m domain.Message
	if err := s.OpenJob(job, &m); err != nil {
		return domain.Effects{}, err
	}
	if m.Kind == domain.MessageNobody {
		return domain.Effects{}, nil
	}
	if m.Kind == domain.MessageUnfinished {
		if j, err := s.Store.Journey(ctx, job.Journey); err == nil && !j.DoneAt.IsZero() {
			return domain.Effects{}, nil // the student finished meanwhile
		}
	}
	if m.HasCode() && !s.now().Before(m.ExpiresAt) {
		// The mail server was unavailable for too long, or an old backup was
		// restored.
		return domain.Effects{}, domain.Permanent(errors.New("mail job: the code has expired"))
	}
	// The stage "code sent" is reached when the mail is sent, not when it is
	// requested, so that a request does the same work for an unknown address.
	reached, err := s.reached(ctx, job, m)
	if err != nil {
		return domain.Effects{}, err
	}
	if m.Kind == domain.MessageRecover {
		m = s.unlessBarred(ctx, job, m)
	}
	if m.Kind == domain.MessageNobody { // barred meanwhile
		return domain.Effects{}, nil
	}
	if m.Channel == domain.ChannelSMS {
		if err := s.takeSMS(ctx, m); err != nil {
			return domain.Effects{}, err
		}
	}
	if err := s.Notifier.Send(ctx, m); err != nil {
		return domain.Effects{}, err
	}
	e, err := s.told(ctx, job, m, domain.EventMailSent)
	if err != nil {
		return domain.Effects{}, err
	}
	e.Reached = reached
	return e, nil
}

// reached returns the people for whom a code was sent.
func (s mailJobs) reached(ctx context.Context, job domain.Job, m domain.Message) ([]domain.Reached, error) {
	if m.Kind != domain.MessageCode {
		return nil, nil
	}
	j, err := s.Store.Journey(ctx, job.Journey)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return nil, err
	}
	var out []domain.Reached
	for _, id := range j.Candidates {
		out = append(out, domain.Reached{Person: id, Stage: domain.StageCodeSent})
	}
	return out, nil
}

// Abandon writes an event that administrators see (I5), marks an address that
// the mail server refused as wrong, and counts a refusal by the provider.
func (s mailJobs) Abandon(ctx context.Context, job domain.Job, cause error) (domain.Effects, error) {
	var m domain.Message
	if err := s.OpenJob(job, &m); err != nil {
		m.Kind = "unreadable"
	}
	e, err := s.told(ctx, job, m, domain.EventMailAbandoned)
	if err != nil {
		return domain.Effects{}, err
	}
	var refused *domain.AddressRefused
	if errors.As(cause, &refused) {
		e.Wrong = []domain.WrongAddress{{Address: m.To, Why: refused.Status, Rule: refused.Rule, Provider: refused.Provider, At: s.now()}}
	}
	var provider *domain.ProviderRefused
	if errors.As(cause, &provider) {
		e.Refused = []domain.MailRefused{{Mail: job.ID, Provider: provider.Provider, Reason: provider.Reason, Words: provider.Words, At: s.now()}}
	}
	return e, nil
}

// told returns the event of a mail or an SMS. A mail that a visitor requested belongs to the
// people at the address in the mail's profile, also if it says that they are not
// ready or already active: each of them gets an event.
func (s mailJobs) told(ctx context.Context, job domain.Job, m domain.Message, kind domain.EventKind) (domain.Effects, error) {
	event := domain.Event{At: s.now(), Kind: kind, Person: job.Person, Journey: job.Journey, Details: map[string]string{"mail": string(m.Kind)}}
	if m.Channel == domain.ChannelSMS {
		event.Details["channel"] = string(m.Channel)
	}
	if job.Person != "" || m.To == "" {
		return domain.Effects{Events: []domain.Event{event}}, nil
	}
	to := m.To
	if m.Channel == domain.ChannelSMS {
		j, err := s.Store.Journey(ctx, job.Journey)
		if err != nil && !errors.Is(err, domain.ErrNotFound) {
			return domain.Effects{}, err
		}
		to = j.Address
	}
	people, err := s.Store.PeopleAt(ctx, to)
	if err != nil {
		return domain.Effects{}, err
	}
	profile := m.Profile
	if m.Kind == domain.MessageOtherProfile {
		profile = m.OtherProfile
	}
	var e domain.Effects
	for _, p := range people {
		if p.Profile == profile {
			event.Person = p.ID
			e.Events = append(e.Events, event)
		}
	}
	if len(e.Events) == 0 {
		e.Events = []domain.Event{event}
	}
	return e, nil
}
