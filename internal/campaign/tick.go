package campaign

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entree/internal/domain"
)

const (
	day = 24 * time.Hour
	// tickDeadline is practically unlimited: only an operator ends a campaign.
	tickDeadline = 10 * 365 * day
	// mailDeadline limits the retries of one mail.
	mailDeadline = 4 * day
	// leastWait is the minimum time between two ticks of a campaign that waits
	// for a slow mail server.
	leastWait = 2 * time.Second
)

// tickJob returns the job that advances a campaign from its current version.
// The job's id contains the version: a tick of an older version does nothing.
func (s *Service) tickJob(c Campaign, at time.Time) domain.Job {
	now := s.now()
	return domain.Job{ID: fmt.Sprintf("campaign-%s-%d", c.ID, c.Version), Kind: JobTick, Created: now, RunAt: at, Deadline: now.Add(tickDeadline)}
}

// Ticks returns the handler of the jobs that plan mails.
func (s *Service) Ticks() domain.Handler { return ticks{s} }

type ticks struct{ *Service }

// Run plans the mails of one minute, less those that still wait, and the next
// tick. It may run again, because its transaction is guarded by the campaign's
// version.
func (s ticks) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	id, version, ok := parseTick(job.ID)
	if !ok {
		return domain.Effects{}, domain.Permanent(errors.New("campaign: the job names no campaign"))
	}
	c, err := s.Store.Campaign(ctx, id)
	if errors.Is(err, domain.ErrNotFound) {
		return domain.Effects{}, nil
	}
	if err != nil || c.State != Running || c.Version != version {
		return domain.Effects{}, err
	}
	err = s.tick(ctx, c)
	if errors.Is(err, ErrOvertaken) {
		return domain.Effects{}, nil // an operator paused the campaign in the meantime; that act planned what follows
	}
	s.Runner.Wake(JobMail)
	return domain.Effects{}, err
}

// Abandon does nothing: a tick does not reach its deadline. Only a malformed
// job is abandoned.
func (s ticks) Abandon(context.Context, domain.Job, error) (domain.Effects, error) {
	return domain.Effects{}, nil
}

func parseTick(job string) (id string, version int64, ok bool) {
	rest, is := strings.CutPrefix(job, "campaign-")
	id, n, has := strings.Cut(rest, "-")
	version, err := strconv.ParseInt(n, 10, 64)
	return id, version, is && has && err == nil
}

func (s *Service) tick(ctx context.Context, c Campaign) error {
	now := s.now()
	queued, err := s.Store.Queued(ctx, c.ID)
	if err != nil {
		return err
	}
	mails, err := s.plan(ctx, &c, max(0, c.Rate-queued), now)
	if err != nil {
		return err
	}
	space := time.Minute / time.Duration(c.Rate)
	e := domain.Effects{}
	for i := range mails {
		if mails[i].Job, err = domain.NewID(s.Random); err != nil {
			return err
		}
		mails[i].State, mails[i].At = Waiting, now
		e.Jobs = append(e.Jobs, domain.Job{
			ID: mails[i].Job, Kind: JobMail, Person: mails[i].Person, Created: now,
			RunAt: now.Add(time.Duration(i) * space), Deadline: now.Add(mailDeadline),
		})
	}
	c.Version++
	next, more, err := s.next(ctx, c, queued, len(mails), now)
	if err != nil {
		return err
	}
	if more {
		e.Jobs = append(e.Jobs, s.tickJob(c, next))
	} else {
		c.State, c.EndedAt = Done, now
	}
	return s.Store.SaveCampaign(ctx, c, mails, e)
}

// plan returns at most room recipients: first those that a pause held up, then
// the rest of the segment, then the people who are due a reminder.
func (s *Service) plan(ctx context.Context, c *Campaign, room int, now time.Time) ([]Recipient, error) {
	if room == 0 {
		return nil, nil
	}
	mails, err := s.Store.Stranded(ctx, c.ID, room)
	if err != nil {
		return nil, err
	}
	add := func(round int, people []domain.PersonID) {
		for _, p := range people {
			mails = append(mails, Recipient{Campaign: c.ID, Person: p, Round: round})
		}
	}
	if left := room - len(mails); left > 0 && !c.Expanded {
		people, err := s.Store.Next(ctx, s.Audience(c.Kind, c.Segment), c.Cursor, left)
		if err != nil {
			return nil, err
		}
		if len(people) > 0 {
			c.Cursor = people[len(people)-1]
		}
		c.Expanded = len(people) < left
		add(0, people)
	}
	for round := 0; round < c.RemindTimes && len(mails) < room; round++ {
		people, err := s.Store.Unanswered(ctx, c.ID, round, now.Add(-c.wait()), room-len(mails))
		if err != nil {
			return nil, err
		}
		add(round+1, people)
	}
	return mails, nil
}

func (c Campaign) wait() time.Duration { return time.Duration(c.RemindAfter) * day }

// next returns the time of the campaign's next tick; the bool is false if there
// is none.
func (s *Service) next(ctx context.Context, c Campaign, queued, planned int, now time.Time) (time.Time, bool, error) {
	if queued+planned > 0 || !c.Expanded {
		return now.Add(max(leastWait, time.Duration(planned)*time.Minute/time.Duration(c.Rate))), true, nil
	}
	if c.RemindTimes == 0 {
		return time.Time{}, false, nil
	}
	oldest, err := s.Store.OldestUnanswered(ctx, c.ID, c.RemindTimes)
	if err != nil || oldest.IsZero() {
		return time.Time{}, false, err
	}
	at := oldest.Add(c.wait())
	if least := now.Add(leastWait); at.Before(least) {
		at = least
	}
	return at, true, nil
}
