package bounce

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"entree/internal/domain"
)

// Bounce is a mail of ours that came back.
type Bounce struct {
	ID      string // id of the job that sent the mail
	Address domain.Address
	Status  string // "5.1.1" (RFC 3463)
	Words   string // of the refusing server, without addresses and links
	Verdict
}

// Box is where bounce mails arrive.
type Box interface {
	// Each passes every unread message to see, at most limit of them. It marks a
	// message as read after see returned nil.
	Each(ctx context.Context, limit int, see func(raw []byte) error) error
}

// Reader reads a box at intervals.
type Reader struct {
	Box   Box
	Rules *Rules // nil: the built-in table
	// Ours reports whether a Message-ID belongs to a mail of ours to an address,
	// and returns the id of its job.
	Ours func(messageID string, to domain.Address) (id string, ok bool)
	// Tell stores a bounce. It may be called twice for the same one.
	Tell  func(ctx context.Context, b Bounce) error
	Every time.Duration
	Clock func() time.Time
	Log   *slog.Logger
}

// JobKind and JobID name the single job that reads the box, so that only one
// instance reads it at a time.
const (
	JobKind = "bounces"
	JobID   = "bounces"
)

// perLook limits the messages of one run, so that it ends within a job's lease.
const perLook = 200

// FirstJob returns the job of the first run.
func (r *Reader) FirstJob() domain.Job { return r.job(r.Clock()) }

func (r *Reader) job(at time.Time) domain.Job {
	now := r.Clock()
	return domain.Job{ID: JobID, Kind: JobKind, Created: now, RunAt: at, Deadline: now.Add(10 * 365 * 24 * time.Hour)}
}

// Run reads the box once and returns the job of the next run.
func (r *Reader) Run(ctx context.Context, _ domain.Job) (domain.Effects, error) {
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := r.Look(limit); err != nil {
		return domain.Effects{}, err
	}
	return domain.Effects{Jobs: []domain.Job{r.job(r.Clock().Add(r.Every))}}, nil
}

// Abandon does nothing: the job's deadline is years away.
func (r *Reader) Abandon(context.Context, domain.Job, error) (domain.Effects, error) {
	return domain.Effects{}, nil
}

// Look reads the unread messages.
func (r *Reader) Look(ctx context.Context) error {
	rules := r.Rules
	if rules == nil {
		rules = DefaultRules()
	}
	return r.Box.Each(ctx, perLook, func(raw []byte) error {
		report := Parse(raw, rules)
		if len(report.Failures) == 0 {
			r.Log.Info("ignored a message that reports no failed delivery")
			return nil
		}
		return r.tell(ctx, report)
	})
}

// tell reports each failure that belongs to a mail of ours.
func (r *Reader) tell(ctx context.Context, report Report) error {
	told := map[string]bool{}
	for _, f := range report.Failures {
		b, ok := r.match(report, f)
		if !ok {
			// Forged, or about a mail of another system. The texts are untrusted.
			r.Log.Warn("ignored a bounce of a mail that is not ours", "message", fmt.Sprintf("%.80q", strings.Join(report.MessageIDs, " ")), "status", f.Status)
			continue
		}
		if told[b.ID+"\n"+b.Status] {
			continue
		}
		told[b.ID+"\n"+b.Status] = true
		if err := r.Tell(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// match returns the mail of ours that a failure is about. A mailbox that
// forwards makes the report name another address, so the recipients of the
// returned mail are tried after those of the report; if the report names
// several failures, or recipients who have the mail, only its own recipients are.
func (r *Reader) match(report Report, f Failure) (Bounce, bool) {
	addresses := f.Recipients
	if len(report.Failures) == 1 && !report.IsPartial {
		addresses = append(append([]string{}, addresses...), report.To...)
	}
	for _, address := range addresses {
		to, err := domain.ParseAddress(address)
		if err != nil {
			continue
		}
		for _, messageID := range report.MessageIDs {
			if id, ours := r.Ours(messageID, to); ours {
				return Bounce{ID: id, Address: to, Status: f.Status, Words: clean(plainWords(f.Diagnostic)), Verdict: f.Verdict}, true
			}
		}
	}
	return Bounce{}, false
}
