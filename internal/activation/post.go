package activation

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"entree/internal/secret"
)

// mailDeadline is how long a mail without a code is tried for: a mail server
// that is away over a long week-end loses nothing.
const mailDeadline = 4 * 24 * time.Hour

// mailJob seals a message into a job. The job's id becomes the message's, so
// that each retry sends the same mail (S9).
func (s *Service) mailJob(m Message, person PersonID, journey JourneyID, now, deadline time.Time) (Job, error) {
	id, err := s.newID()
	if err != nil {
		return Job{}, err
	}
	m.ID = id
	plain, err := json.Marshal(m)
	if err != nil {
		return Job{}, err
	}
	sealed, err := s.Keys.Seal(secret.UseJob, id, plain)
	return Job{ID: id, Kind: JobMail, Person: person, Journey: journey, Payload: sealed, Created: now, RunAt: now, Deadline: deadline}, err
}

// MailJobs sends mails.
func (s *Service) MailJobs() Handler { return mailJobs{s} }

type mailJobs struct{ *Service }

// Run sends the mail, at least once: a crash after the server took it sends it
// again, with the same Message-ID.
func (s mailJobs) Run(ctx context.Context, job Job) (Effects, error) {
	var m Message
	if err := s.OpenJob(job, &m); err != nil {
		return Effects{}, err
	}
	if m.Kind == MessageNobody {
		return Effects{}, nil
	}
	if m.Kind == MessageCode && !s.now().Before(m.ExpiresAt) {
		// The mail server was away for too long, or yesterday's database is back.
		return Effects{}, Permanent(errors.New("mail job: the code has expired"))
	}
	// Whom a code is for is told when it was sent, and not when it was asked for:
	// asking is the same work for an address that nobody has.
	reached, err := s.reached(ctx, job, m)
	if err != nil {
		return Effects{}, err
	}
	if err := s.Mailer.Send(ctx, m); err != nil {
		return Effects{}, err
	}
	e := s.told(job, m, EventMailSent)
	e.Reached = reached
	return e, nil
}

// reached gives the people whom a code is for.
func (s mailJobs) reached(ctx context.Context, job Job, m Message) ([]Reached, error) {
	if m.Kind != MessageCode {
		return nil, nil
	}
	j, err := s.Store.Journey(ctx, job.Journey)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	var out []Reached
	for _, id := range j.Candidates {
		out = append(out, Reached{id, StageCodeSent})
	}
	return out, nil
}

// Abandon leaves an event where an administrator sees it (I5), and marks an
// address that the server refused.
func (s mailJobs) Abandon(ctx context.Context, job Job, cause error) (Effects, error) {
	var m Message
	if err := s.OpenJob(job, &m); err != nil {
		m.Kind = "unreadable"
	}
	e := s.told(job, m, EventMailAbandoned)
	var refused *AddressRefused
	if errors.As(cause, &refused) {
		e.Wrong = []WrongAddress{{m.To, refused.Status, s.now()}}
	}
	return e, nil
}

func (s mailJobs) told(job Job, m Message, kind EventKind) Effects {
	return Effects{Events: []Event{{At: s.now(), Kind: kind, Person: job.Person, Journey: job.Journey, Details: map[string]string{"mail": string(m.Kind)}}}}
}
