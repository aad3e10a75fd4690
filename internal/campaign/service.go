package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// The kinds of jobs.
const (
	JobTick = "campaign"
	JobMail = "campaign.mail"
)

// The events of campaigns.
const (
	EventInvited domain.EventKind = "person.invited" // its details: campaign, kind, round
	EventBounced domain.EventKind = "mail.bounced"   // its details: campaign, status
)

// Store keeps campaigns and recipients. Each method is one transaction.
type Store interface {
	Count(ctx context.Context, a Audience) (int, error)
	// Next returns at most limit people of the audience, ordered by id, with ids
	// greater than after.
	Next(ctx context.Context, a Audience, after domain.PersonID, limit int) ([]domain.PersonID, error)

	Campaigns(ctx context.Context) ([]Campaign, error)
	Campaign(ctx context.Context, id string) (Campaign, error)
	// SaveCampaign replaces the preceding version of a campaign (version 1
	// creates it) and adds recipients whose mails are sent now. It returns
	// ErrOvertaken if the stored version is another one. A recipient that exists
	// already in the same campaign and round is reused only if it waits without
	// a job; otherwise nothing is committed.
	SaveCampaign(ctx context.Context, c Campaign, mails []Recipient, e domain.Effects) error

	// Queued returns the number of mails that wait with a job. Stranded returns
	// at most limit mails that wait without one.
	Queued(ctx context.Context, id string) (int, error)
	Stranded(ctx context.Context, id string, limit int) ([]Recipient, error)
	// Unanswered returns people whose mail of a round was sent at or before a
	// time and who have no row in the next round.
	Unanswered(ctx context.Context, id string, round int, before time.Time, limit int) ([]domain.PersonID, error)
	// OldestUnanswered returns the time at which the earliest such mail was
	// sent, in rounds below the given one, or the zero time if there is none.
	OldestUnanswered(ctx context.Context, id string, below int) (time.Time, error)

	Recipient(ctx context.Context, job string) (Recipient, error)
	// Settle changes the state of a mail if it is in one of the states of from.
	// Otherwise nothing is committed.
	Settle(ctx context.Context, r Recipient, from []RecipientState, e domain.Effects) error
	Tallies(ctx context.Context, id string) ([]Tally, error)

	Person(ctx context.Context, id domain.PersonID) (domain.Person, error)
	Accepted(ctx context.Context, id domain.PersonID, sha256 ...string) (bool, error)
	// KnownFactors returns the kinds of factors of a person's account.
	KnownFactors(ctx context.Context, id domain.PersonID) ([]domain.KnownFactor, error)
	Apply(ctx context.Context, e domain.Effects) error
}

// Service creates campaigns and advances them. It holds no state.
type Service struct {
	Store    Store
	Notifier domain.Notifier
	Runner   domain.Runner
	Charters domain.Charters
	Profiles []domain.Profile
	Clock    func() time.Time
	Random   io.Reader
}

// Audience returns the recipients of a campaign as of now.
func (s *Service) Audience(kind Kind, segment Segment) Audience {
	a := Audience{Segment: segment, Kind: kind}
	if kind == Charter {
		a.Owed = map[string][]string{}
		for _, p := range s.Profiles {
			if segment.Profile == "" || segment.Profile == p.Key {
				a.Owed[p.Key] = s.Charters.Current(p.Key)
			}
		}
	}
	return a
}

// Count returns the number of people that a campaign would write to.
func (s *Service) Count(ctx context.Context, kind Kind, segment Segment) (int, error) {
	return s.Store.Count(ctx, s.Audience(kind, segment))
}

// Start creates a campaign that begins at its StartAt, or now if that time has
// passed.
func (s *Service) Start(ctx context.Context, c Campaign, by audit.Entry) (Campaign, error) {
	if f := c.Check(); len(f) > 0 {
		return c, fmt.Errorf("campaign: incomplete: %v", f)
	}
	var err error
	if c.Planned, err = s.Count(ctx, c.Kind, c.Segment); err != nil {
		return c, err
	}
	if c.ID, err = domain.NewID(s.Random); err != nil {
		return c, err
	}
	now := s.now()
	c.Version, c.State, c.CreatedAt, c.CreatedBy = 1, Running, now, by.By.Name
	c.Cursor, c.Expanded = "", false
	if c.StartAt.Before(now) {
		c.StartAt = now
	}
	by.What = map[string]string{"campaign": c.ID, "kind": string(c.Kind), "people": fmt.Sprint(c.Planned), "start": c.StartAt.Format(time.RFC3339)}
	err = s.Store.SaveCampaign(ctx, c, nil, domain.Effects{Jobs: []domain.Job{s.tickJob(c, c.StartAt)}, Audit: []audit.Entry{by}})
	if err == nil {
		s.Runner.Wake(JobTick)
	}
	return c, err
}

// Pause stops a campaign. Mails that become due return to waiting.
func (s *Service) Pause(ctx context.Context, id string, by audit.Entry) error {
	return s.move(ctx, id, by, Paused, Running)
}

// Resume continues a paused campaign.
func (s *Service) Resume(ctx context.Context, id string, by audit.Entry) error {
	return s.move(ctx, id, by, Running, Paused)
}

// Cancel ends a campaign permanently: no further mail is sent.
func (s *Service) Cancel(ctx context.Context, id string, by audit.Entry) error {
	return s.move(ctx, id, by, Cancelled, Running, Paused)
}

// move changes a campaign's state. It retries if a tick changed the campaign at
// the same time.
func (s *Service) move(ctx context.Context, id string, by audit.Entry, to State, from ...State) error {
	for range 20 {
		c, err := s.Store.Campaign(ctx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(from, c.State) {
			return ErrState
		}
		now := s.now()
		c.State, c.Version = to, c.Version+1
		by.What = map[string]string{"campaign": c.ID}
		e := domain.Effects{Audit: []audit.Entry{by}}
		switch to {
		case Running:
			at := c.StartAt
			if at.Before(now) {
				at = now
			}
			e.Jobs = []domain.Job{s.tickJob(c, at)}
		case Cancelled:
			c.EndedAt = now
		}
		err = s.Store.SaveCampaign(ctx, c, nil, e)
		if errors.Is(err, ErrOvertaken) {
			continue
		}
		if err == nil {
			s.Runner.Wake(JobTick)
		}
		return err
	}
	return ErrOvertaken
}

// Message returns the mail to a recipient of a campaign.
func (s *Service) Message(c Campaign, p domain.Person, round int) domain.Message {
	m := domain.Message{
		Kind: domain.MessageInvitation, Lang: c.Lang, To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(), Login: p.Login, Note: c.Notes[c.Lang], AskedAt: s.now(),
	}
	switch {
	case c.Kind == Charter:
		m.Kind = domain.MessageCharter
	case c.Kind == Factor:
		m.Kind = domain.MessageSecondFactor
	case round > 0:
		m.Kind = domain.MessageReminder
	}
	return m
}

func (s *Service) now() time.Time { return domain.Instant(s.Clock()) }
