package bounce

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"time"

	"entree/internal/domain"
)

// Bounce is a mail of ours that came back for good.
type Bounce struct {
	ID      string // the id of its job
	Address domain.Address
	Status  string // "5.1.1" (RFC 3463)
}

// Box is where reports come in.
type Box interface {
	// Each gives every new message to see, at most limit of them, and marks it
	// as read once see has returned without an error.
	Each(ctx context.Context, limit int, see func(raw []byte) error) error
}

// Reader looks into a box, over and over.
type Reader struct {
	Box Box
	// Ours tells whether a Message-ID is one of ours to an address, and whose.
	Ours func(messageID string, to domain.Address) (id string, ok bool)
	// Tell takes what came back. It may be told the same twice.
	Tell  func(ctx context.Context, b Bounce) error
	Every time.Duration
	Clock func() time.Time
	Log   *slog.Logger
}

// JobKind and JobID name the one job that looks into the box: whichever
// instance has it, no other one looks.
const (
	JobKind = "bounces"
	JobID   = "bounces"
)

// perLook bounds one look, so that it ends within a job's lease.
const perLook = 200

// FirstJob is the job that begins it.
func (r *Reader) FirstJob() domain.Job { return r.job(r.Clock()) }

func (r *Reader) job(at time.Time) domain.Job {
	now := r.Clock()
	return domain.Job{ID: JobID, Kind: JobKind, Created: now, RunAt: at, Deadline: now.Add(10 * 365 * 24 * time.Hour)}
}

// Run looks once, and makes the job of the next look.
func (r *Reader) Run(ctx context.Context, _ domain.Job) (domain.Effects, error) {
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := r.Look(limit); err != nil {
		return domain.Effects{}, err
	}
	return domain.Effects{Jobs: []domain.Job{r.job(r.Clock().Add(r.Every))}}, nil
}

// Abandon begins again.
func (r *Reader) Abandon(context.Context, domain.Job, error) (domain.Effects, error) {
	return domain.Effects{}, nil
}

// Look reads what is new.
func (r *Reader) Look(ctx context.Context) error {
	return r.Box.Each(ctx, perLook, func(raw []byte) error {
		found, err := read(bytes.NewReader(raw))
		if err != nil {
			r.Log.Info("a message that is no report", "cause", err)
			return nil
		}
		return r.tell(ctx, found)
	})
}

// tell finds out which of our mails came back, and tells it.
func (r *Reader) tell(ctx context.Context, found report) error {
	for _, f := range found.failed {
		b, ok := Bounce{}, false
		for _, address := range found.addresses(f) {
			if id, ours := r.Ours(found.messageID, address); ours {
				b, ok = Bounce{id, address, f.status}, true
				break
			}
		}
		if !ok {
			// Forged, or about somebody else's mail. Its words are a stranger's.
			r.Log.Warn("a report about no mail of ours", "message", fmt.Sprintf("%.80q", found.messageID), "status", f.status)
			continue
		}
		if err := r.Tell(ctx, b); err != nil {
			return err
		}
	}
	return nil
}
