package portal_test

import (
	"context"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal"
)

// lengthy is a service whose acts about an address take a time that the test sets.
type lengthy struct {
	portal.Service
	take func()
}

func (l *lengthy) Request(ctx context.Context, r activation.Request) (domain.Journey, error) {
	l.take()
	return l.Service.Request(ctx, r)
}

func (l *lengthy) Resend(ctx context.Context, j *domain.Journey, lang domain.Lang, client string) error {
	l.take()
	return l.Service.Resend(ctx, j, lang, client)
}

func (l *lengthy) Prove(ctx context.Context, j *domain.Journey, typed, client string, session ...domain.SessionRow) error {
	l.take()
	return l.Service.Prove(ctx, j, typed, client, session...)
}

// The answers to a request, a wrong code, a resend and a second request leave at a
// multiple of one step of time, for known and unknown addresses, however long the act
// took.
func TestS14_AnswersAboutAnAddressLeaveAtAStepOfTime(t *testing.T) {
	const step = 25 * time.Millisecond
	for _, address := range []string{known, "stranger@example.com"} {
		for _, d := range []time.Duration{0, time.Microsecond, 3 * time.Millisecond, step - time.Nanosecond, step, 2*step + 1} {
			var w *world
			var left []time.Duration
			w = newWorld(t, func(o *portal.Options) {
				o.Service = &lengthy{o.Service, func() { w.sleep(d) }}
				o.Pause = func(_ context.Context, pause time.Duration) { left = append(left, d+pause) }
			})
			b := w.browser(t)
			p := b.submit(b.begin(address), "/activation/identification", "code", "999999")
			w.sleep(shortWait)
			b.submit(p, "/activation/renvoi")
			w.browser(t).begin(address)
			if len(left) != 4 {
				t.Fatalf("%s, %v: %d answers waited, of a request, a code, a resend and a second request", address, d, len(left))
			}
			for i, at := range left {
				if at < d || at == 0 || at%step != 0 || at > d+step {
					t.Errorf("%s, %v: answer %d leaves after %v", address, d, i+1, at)
				}
			}
		}
	}
}
