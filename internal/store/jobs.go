package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/overview"
)

// jobColumns lists the columns of a job in the order of scanJob.
const jobColumns = `id, kind, person_id, journey_id, payload, attempts, created_at, run_at, deadline, lease`

func scanJob(scan func(...any) error) (domain.Job, error) {
	var j domain.Job
	var created, run, deadline int64
	err := scan(&j.ID, &j.Kind, &j.Person, &j.Journey, &j.Payload, &j.Attempts, &created, &run, &deadline, &j.Lease)
	j.Created, j.RunAt, j.Deadline = moment(created), moment(run), moment(deadline)
	return j, err
}

// errLeaseLost is returned if the lease of a job expired and another holder
// leased it.
var errLeaseLost = errors.New("store: the lease on the job was lost")

// DueKinds returns those of the kinds that have a due job which no holder has leased.
func (s *Store) DueKinds(ctx context.Context, kinds []string) ([]string, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	args := []any{micros(s.now())}
	var rows []string
	for _, kind := range kinds {
		args = append(args, kind)
		rows = append(rows, fmt.Sprintf("(cast($%d AS text))", len(args)))
	}
	out, err := texts(ctx, s.db, `WITH k (kind) AS (VALUES `+strings.Join(rows, ", ")+`)
		SELECT kind FROM k WHERE EXISTS (SELECT 1 FROM jobs WHERE given_up_at = 0 AND kind = k.kind AND run_at <= $1 AND lease_until <= $1)`, args...)
	return out, wrap("due jobs", err)
}

// Lease takes up to n due jobs of a kind under the holder's name until a time.
// No other holder receives them before the lease expires. It increments the
// attempts of each job.
func (s *Store) Lease(ctx context.Context, kind, holder string, n int, until time.Time) ([]domain.Job, error) {
	now := micros(s.now())
	out, err := all(ctx, s.writer, scanJob, `UPDATE jobs SET lease = $1, lease_until = $2, attempts = attempts + 1 WHERE id IN (
		SELECT id FROM jobs WHERE given_up_at = 0 AND kind = $3 AND run_at <= $4 AND lease_until <= $4 ORDER BY run_at LIMIT $5 `+s.dialect.skipLocked+`
	) RETURNING `+jobColumns, holder, micros(until), kind, now, n)
	return out, wrap("lease", err)
}

// LeaseOne leases one job, due or not. It returns ErrNotFound if the job has
// ended or another holder has it.
func (s *Store) LeaseOne(ctx context.Context, id, holder string, until time.Time) (domain.Job, error) {
	j, err := scanJob(s.writer.QueryRowContext(ctx, `UPDATE jobs SET lease = $1, lease_until = $2, attempts = attempts + 1
		WHERE id = $3 AND given_up_at = 0 AND lease_until <= $4 RETURNING `+jobColumns, holder, micros(until), id, micros(s.now())).Scan)
	return j, wrap("lease", notFound(err))
}

// EnsureJob inserts a job that exists once for all instances. An existing job
// is unchanged, except that a job that was given up starts again.
func (s *Store) EnsureJob(ctx context.Context, j domain.Job) error {
	_, err := s.writer.ExecContext(ctx, `INSERT INTO jobs (id, kind, person_id, journey_id, payload, created_at, run_at, deadline) VALUES ($1, $2, '', '', NULL, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET given_up_at = 0, reason = '', run_at = excluded.run_at, deadline = excluded.deadline WHERE jobs.given_up_at > 0`,
		j.ID, j.Kind, micros(j.Created), micros(j.RunAt), micros(j.Deadline))
	return wrap("ensure job", err)
}

// NextDue returns the time at which the next job is due, or the zero time if
// there is none.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(min(run_at), 0) FROM jobs WHERE given_up_at = 0`).Scan(&at)
	return moment(at), wrap("next job", err)
}

// Waiting reports whether a job has neither ended nor been given up.
func (s *Store) Waiting(ctx context.Context, id string) (bool, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM jobs WHERE id = $1 AND given_up_at = 0`, id).Scan(&n)
	return n > 0, wrap("waiting", err)
}

// Extend prolongs the lease of a job until a time.
func (s *Store) Extend(ctx context.Context, j domain.Job, until time.Time) error {
	return wrap("extend", s.tx(ctx, func(tx *sql.Tx) error {
		return one(ctx, tx, errLeaseLost, `UPDATE jobs SET lease_until = $1 WHERE id = $2 AND lease = $3`, micros(until), j.ID, j.Lease)
	}))
}

// OtherJobs reports whether an older job of a job's kind and person has not ended, and
// whether a worker runs another one, older or newer. Of two jobs of the same moment the
// one with the smaller id is older.
func (s *Store) OtherJobs(ctx context.Context, j domain.Job) (older, runs bool, err error) {
	err = s.writer.QueryRowContext(ctx, `SELECT coalesce(max(CASE WHEN created_at < $5 OR created_at = $5 AND id < $3 THEN 1 ELSE 0 END), 0) = 1,
		coalesce(max(CASE WHEN lease_until > $4 THEN 1 ELSE 0 END), 0) = 1
		FROM jobs WHERE kind = $1 AND person_id = $2 AND id <> $3 AND given_up_at = 0`,
		j.Kind, j.Person, j.ID, micros(s.now()), micros(j.Created)).Scan(&older, &runs)
	return older, runs, wrap("jobs of a person", err)
}

// errMarked is returned if the journey of a domain.JourneyEnd has its outcome already.
var errMarked = errors.New("store: the journey has its outcome")

// Finish deletes a job, with its payload, and writes its effects in one transaction.
// written is false if e.End says that the job ends without them.
func (s *Store) Finish(ctx context.Context, j domain.Job, e domain.Effects) (written bool, err error) {
	remove := func(ctx context.Context, b *pipeline) error {
		return b.one(ctx, errLeaseLost, `DELETE FROM jobs WHERE id = $1 AND lease = $2`, j.ID, j.Lease)
	}
	alone := func() error {
		return s.transaction(ctx, func(ctx context.Context, b *pipeline) error {
			if err := remove(ctx, b); err != nil {
				return err
			}
			return s.write(ctx, b, e)
		})
	}
	if e.End == nil {
		err = alone()
		return err == nil, wrap("finish", err)
	}
	_, err = s.update(ctx, domain.Journey{ID: e.End.Journey}, func(j *domain.Journey) (domain.Effects, error) {
		if !e.End.Mark(j) {
			return domain.Effects{}, errMarked
		}
		return e, nil
	}, remove)
	if errors.Is(err, domain.ErrNotFound) { // purged
		err = alone()
	}
	if errors.Is(err, errMarked) || errors.Is(err, domain.ErrConflict) {
		return false, wrap("finish", s.transaction(ctx, remove))
	}
	return err == nil, wrap("finish", err)
}

// Retry releases the lease of a job and schedules it again at a later time.
func (s *Store) Retry(ctx context.Context, j domain.Job, at time.Time, reason string) error {
	return wrap("retry", s.tx(ctx, func(tx *sql.Tx) error {
		return one(ctx, tx, errLeaseLost, `UPDATE jobs SET lease = '', lease_until = 0, run_at = $1, reason = $2 WHERE id = $3 AND lease = $4`,
			micros(at), reason, j.ID, j.Lease)
	}))
}

// GiveUp ends a job that cannot be done. The row remains for administrators;
// its payload remains only if keep is set, so that the job can be sent again.
func (s *Store) GiveUp(ctx context.Context, j domain.Job, reason string, keep bool, e domain.Effects) error {
	payload := j.Payload
	if !keep {
		payload = nil
	}
	return wrap("give up", s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, errLeaseLost, `UPDATE jobs SET given_up_at = $1, reason = $2, payload = $3, lease = '', lease_until = 0 WHERE id = $4 AND lease = $5`,
			micros(s.now()), reason, payload, j.ID, j.Lease); err != nil {
			return err
		}
		return s.apply(ctx, tx, e)
	}))
}

// DeadLetters returns the n oldest dead letters: jobs that were given up with
// their payload, so that they can be sent again.
func (s *Store) DeadLetters(ctx context.Context, n int) ([]overview.JobLine, error) {
	var out []overview.JobLine
	err := s.each(ctx, func(scan func(...any) error) error {
		j, err := scanJobLine(scan)
		out = append(out, j)
		return err
	}, `SELECT `+jobLineColumns+` FROM jobs WHERE given_up_at > 0 AND payload IS NOT NULL ORDER BY created_at, id LIMIT $1`, n)
	return out, err
}

// SendAgain schedules a dead letter again with all its attempts until a
// deadline, and writes the audit entry of the operator. It returns ErrNotFound
// if there is no such dead letter, or another operator has sent it again.
func (s *Store) SendAgain(ctx context.Context, id string, deadline time.Time, by ...audit.Entry) error {
	return wrap("send again", s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, domain.ErrNotFound, `UPDATE jobs SET given_up_at = 0, attempts = 0, run_at = $1, deadline = $2, reason = ''
			WHERE id = $3 AND given_up_at > 0 AND payload IS NOT NULL`, micros(s.now()), micros(deadline), id); err != nil {
			return err
		}
		return s.apply(ctx, tx, domain.Effects{Audit: by})
	}))
}

// JobCauses returns why jobs wait: the errors of their last attempts, the most
// frequent first, at most 20.
func (s *Store) JobCauses(ctx context.Context) ([]overview.JobCause, error) {
	var out []overview.JobCause
	err := s.each(ctx, func(scan func(...any) error) error {
		var c overview.JobCause
		var since int64
		err := scan(&c.Kind, &c.Reason, &c.Count, &since)
		c.Since = moment(since)
		out = append(out, c)
		return err
	}, `SELECT kind, reason, count(*), min(created_at) FROM jobs WHERE given_up_at = 0 AND reason <> '' GROUP BY kind, reason ORDER BY 3 DESC, 1, 2 LIMIT 20`)
	return out, err
}

// Hurry makes waiting jobs due now, notes who asked for it, and returns how many
// there were. Jobs that are leased are left alone. It returns domain.ErrNotFound
// if there was none.
func (s *Store) Hurry(ctx context.Context, w overview.WaitingJobs, by ...audit.Entry) (n int64, err error) {
	return n, wrap("hurry", s.tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE jobs SET run_at = $1 WHERE given_up_at = 0 AND lease_until <= $1
			AND (kind = $2 OR $2 = '') AND (id = $3 OR $3 = '') AND (reason = $4 OR $4 = '') AND (person_id = $5 OR $5 = '')`,
			micros(s.now()), w.Kind, w.ID, w.Reason, string(w.Person))
		if err != nil {
			return err
		}
		if n, err = done.RowsAffected(); err != nil {
			return err
		}
		if n == 0 {
			return domain.ErrNotFound
		}
		return s.apply(ctx, tx, domain.Effects{Audit: by})
	}))
}

// JobCounts returns the numbers of jobs of each kind. A job that was never tried
// and whose time has not come is planned; a campaign and the reader of bounces
// always have such jobs. Every other job that has not ended waits: since its time
// came, or since its creation if an attempt failed.
func (s *Store) JobCounts(ctx context.Context) ([]overview.JobStanding, error) {
	out, err := all(ctx, s.db, func(scan func(...any) error) (c overview.JobStanding, err error) {
		var oldest int64
		err = scan(&c.Kind, &c.Waiting, &c.Planned, &c.GivenUp, &oldest)
		c.Oldest = moment(oldest)
		return c, err
	}, `SELECT kind,
		sum(CASE WHEN given_up_at = 0 AND (reason <> '' OR run_at <= cast($1 AS bigint)) THEN 1 ELSE 0 END),
		sum(CASE WHEN given_up_at = 0 AND reason = '' AND run_at > cast($1 AS bigint) THEN 1 ELSE 0 END),
		sum(CASE WHEN given_up_at = 0 THEN 0 ELSE 1 END),
		min(CASE WHEN given_up_at <> 0 THEN cast($1 AS bigint) WHEN reason <> '' THEN created_at WHEN run_at <= cast($1 AS bigint) THEN run_at ELSE cast($1 AS bigint) END)
		FROM jobs GROUP BY kind ORDER BY kind`, micros(s.now()))
	return out, wrap("job counts", err)
}
