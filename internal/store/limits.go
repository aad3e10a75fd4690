package store

import (
	"context"
	"time"

	"entree/internal/domain"
)

// TakeAll counts acts in one transaction: all of them, or none if one is
// refused, which it returns as a [domain.LimitError]. Callers list keys of the
// same kinds in the same order, so that two transactions on PostgreSQL never
// wait for each other.
func (s *Store) TakeAll(ctx context.Context, acts []domain.Act, now time.Time) (domain.Taken, error) {
	var taken domain.Taken
	err := s.transaction(ctx, func(ctx context.Context, b *pipeline) (err error) {
		taken, err = spend(ctx, b, domain.Spend{At: now, Acts: acts, Count: true})
		return err
	})
	return taken, wrap("limits", err)
}

// Levels returns how many acts are counted under each key. It counts none.
func (s *Store) Levels(ctx context.Context, acts []domain.Act, now time.Time) ([]domain.Level, error) {
	query, keys := countersOf(acts)
	counters := map[string]counter{}
	if len(keys) > 0 {
		if err := eachRow(ctx, s.db, readInto(counters), query, keys...); err != nil {
			return nil, wrap("limits", err)
		}
	}
	out := make([]domain.Level, len(acts))
	for i, a := range acts {
		out[i] = counters[a.Key].bounded(a.Rate, now).level(a.Rate, now)
	}
	return out, nil
}

// Keys returns the keys of a kind whose counters lie after a time.
func (s *Store) Keys(ctx context.Context, kind string, after time.Time, most int) ([]string, error) {
	out, err := texts(ctx, s.db, `SELECT key FROM limits WHERE arrival > $1 AND substr(key, 1, length(cast($2 AS text))) = cast($2 AS text) ORDER BY arrival DESC LIMIT $3`, micros(after), kind+":", most)
	return out, wrap("limits", err)
}

// spend checks the acts of sp within a transaction, and counts them if sp.Count
// is set. At the first act that is refused it returns a LimitError; the caller
// then rolls the transaction back, so that a refusal changes no counter.
func spend(ctx context.Context, b *pipeline, sp domain.Spend) (domain.Taken, error) {
	counters, err := countersAfter(ctx, b, sp)
	if err != nil {
		return domain.Taken{}, err
	}
	taken := domain.Taken{Newcomer: true}
	for i, a := range sp.Acts {
		c := counters[i]
		burst := a.Rate.Burst - a.Leave
		if !taken.Newcomer {
			burst -= a.Reserve
		}
		l := c.level(a.Rate, sp.At)
		if l.Counted > burst && !a.Soft {
			refused := &domain.LimitError{Act: i, Key: a.Key, Retry: c.retry(a.Rate, burst)}
			if latest := sp.At.Add(a.Rate.Per); c.arrival >= latest.UnixMicro() {
				refused.Latest = latest
			}
			return domain.Taken{}, refused
		}
		if a.Few > 0 {
			taken.Newcomer = l.Counted <= a.Few
		}
		taken.Levels = append(taken.Levels, l)
	}
	return taken, nil
}

// correct resets a counter that lies further ahead than its rate allows. It
// runs after a refusal. Without it, a clock set back by a day would block the
// key for a day.
func (s *Store) correct(ctx context.Context, e *domain.LimitError) error {
	if e.Latest.IsZero() {
		return nil
	}
	_, err := s.writer.ExecContext(ctx, `UPDATE limits SET arrival = $1 WHERE key = $2 AND arrival > $1`, micros(e.Latest), e.Key)
	return err
}

// counter is one row of limits. With a window, granted counts the acts of the
// window that ends at arrival. Otherwise arrival is the theoretical arrival of
// the next act by the generic cell rate algorithm (ITU-T I.371, annex A), in
// microseconds: each act moves it by one interval, and a burst of acts may lie
// ahead of now.
type counter struct{ arrival, granted int64 }

func interval(r domain.Rate) int64 { return r.Per.Microseconds() / int64(r.Burst) }

// bounded corrects a counter for the current time. An arrival in the past
// counts as now, and an arrival further ahead than the rate allows results from
// a clock that was set back. So a change of the clock never loosens a limit and
// never blocks a key for longer than r.Per.
func (c counter) bounded(r domain.Rate, now time.Time) counter {
	at, per := now.UnixMicro(), r.Per.Microseconds()
	if r.Window && c.arrival <= at {
		return counter{arrival: at + per}
	}
	return counter{min(max(c.arrival, at), at+per), c.granted}
}

// next returns the counter after one more act.
func (c counter) next(r domain.Rate) counter {
	if r.Window {
		return counter{c.arrival, c.granted + 1}
	}
	return counter{c.arrival + interval(r), c.granted}
}

func (c counter) level(r domain.Rate, now time.Time) domain.Level {
	if r.Window {
		return domain.Level{Counted: int(c.granted), Free: moment(c.arrival)}
	}
	ahead, each := c.arrival-now.UnixMicro(), interval(r)
	return domain.Level{Counted: int((ahead + each - 1) / each), Free: c.next(r).retry(r, r.Burst)}
}

// retry returns the earliest time at which the refused act can succeed, if c
// has counted it and the limit is burst.
func (c counter) retry(r domain.Rate, burst int) time.Time {
	if r.Window {
		return moment(c.arrival)
	}
	return moment(c.arrival - int64(burst)*interval(r))
}

// countersAfter returns the counter of each act of sp, with the act counted.
func countersAfter(ctx context.Context, b *pipeline, sp domain.Spend) ([]counter, error) {
	out := make([]counter, len(sp.Acts))
	stored := map[string]counter{}
	if sp.Count {
		for i, a := range sp.Acts {
			if err := countAct(ctx, b, a, sp.At, &out[i]); err != nil {
				return nil, err
			}
		}
	} else if query, keys := countersOf(sp.Acts); len(keys) > 0 {
		if err := b.rows(ctx, readInto(stored), query, keys...); err != nil {
			return nil, err
		}
	}
	if err := b.send(ctx); err != nil {
		return nil, err
	}
	if !sp.Count {
		for i, a := range sp.Acts {
			out[i] = stored[a.Key].bounded(a.Rate, sp.At).next(a.Rate)
		}
	}
	return out, nil
}

// countersOf returns the query of the stored counters of acts and its parameters.
func countersOf(acts []domain.Act) (query string, keys []any) {
	for _, a := range acts {
		keys = append(keys, a.Key)
	}
	return `SELECT key, arrival, granted FROM limits WHERE key IN (` + marks(1, len(keys)) + `)`, keys
}

// readInto returns the function that reads a row of countersOf.
func readInto(stored map[string]counter) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		var key string
		var c counter
		err := scan(&key, &c.arrival, &c.granted)
		stored[key] = c
		return err
	}
}

// countAct adds the statement that counts one act, with the rules of bounded and next,
// and reads the new counter. The statement locks the row until the transaction ends.
func countAct(ctx context.Context, b *pipeline, a domain.Act, now time.Time, c *counter) error {
	query := `INSERT INTO limits (key, arrival, granted) VALUES ($1, cast($2 AS bigint) + cast($4 AS bigint), 1)
		ON CONFLICT (key) DO UPDATE SET arrival = cast($4 AS bigint) + CASE WHEN limits.arrival < cast($2 AS bigint) THEN cast($2 AS bigint)
			WHEN limits.arrival > cast($2 AS bigint) + cast($3 AS bigint) THEN cast($2 AS bigint) + cast($3 AS bigint) ELSE limits.arrival END
		RETURNING arrival, granted`
	args := []any{a.Key, now.UnixMicro(), a.Rate.Per.Microseconds(), interval(a.Rate)}
	if a.Rate.Window {
		query = `INSERT INTO limits (key, arrival, granted) VALUES ($1, cast($2 AS bigint) + cast($3 AS bigint), 1)
			ON CONFLICT (key) DO UPDATE SET granted = CASE WHEN limits.arrival <= cast($2 AS bigint) THEN 1 ELSE limits.granted + 1 END,
				arrival = CASE WHEN limits.arrival <= cast($2 AS bigint) OR limits.arrival > cast($2 AS bigint) + cast($3 AS bigint)
					THEN cast($2 AS bigint) + cast($3 AS bigint) ELSE limits.arrival END
			RETURNING arrival, granted`
		args = args[:3]
	}
	return b.rows(ctx, func(scan func(...any) error) error { return scan(&c.arrival, &c.granted) }, query, args...)
}
