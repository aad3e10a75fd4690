package store

import (
	"context"
	"time"

	"entree/internal/domain"
	"entree/internal/overview"
)

// quarter is 15 minutes in microseconds. The offset of every time zone from UTC
// is a multiple of it.
const quarter = int64(15 * time.Minute / time.Microsecond)

// Overview returns the number of people in each stage, the number of accounts
// created in each quarter of an hour since a time, and the jobs, accounts and
// addresses with problems. Every query uses an index.
func (s *Store) Overview(ctx context.Context, since time.Time) (overview.Overview, error) {
	var o overview.Overview
	err := s.each(ctx, func(scan func(...any) error) error {
		var p overview.Standing
		var stage int64
		err := scan(&p.Profile, &p.Cohort, &stage, &p.Count)
		p.Stage = domain.Stage(stage)
		o.Funnel = append(o.Funnel, p)
		return err
	}, `SELECT profile, cohort, stage, count(*) FROM people GROUP BY profile, cohort, stage ORDER BY profile, cohort, stage`)
	if err != nil {
		return o, err
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		var n, count int64
		err := scan(&n, &count)
		o.Quarters = append(o.Quarters, overview.Quarter{At: moment(n * quarter), Count: count})
		return err
	}, `SELECT at / cast($1 AS bigint) AS n, count(*) FROM events WHERE kind = $2 AND at >= $3 GROUP BY 1 ORDER BY 1`, quarter, domain.EventAccountCreated, micros(since))
	if err != nil {
		return o, err
	}
	if o.Recoveries, err = s.recoveries(ctx, since); err != nil {
		return o, err
	}
	if o.Claims, err = s.claimFigures(ctx, since.AddDate(0, 0, -overview.ClaimDays)); err != nil {
		return o, err
	}
	if o.Jobs, err = s.JobCounts(ctx); err != nil {
		return o, err
	}
	if o.Causes, err = s.JobCauses(ctx); err != nil {
		return o, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM people WHERE account = 'parked'), (SELECT count(*) FROM people WHERE wrong_address <> '' AND wrong_address = email)`).Scan(&o.Parked, &o.Wrong)
	if err != nil {
		return o, wrap("overview", err)
	}
	o.Refusals, err = s.Refusals(ctx, since.Add(-24*time.Hour))
	return o, err
}

// recoveries counts the events of recoveries since a time, by the index of kinds.
func (s *Store) recoveries(ctx context.Context, since time.Time) (r overview.Recoveries, err error) {
	counts := map[domain.EventKind]*int64{
		domain.EventRecoveryRequested: &r.Asked, domain.EventRecoveryChosen: &r.Chosen,
		domain.EventPasswordReplaced: &r.Replaced, domain.EventRecoveryRefused: &r.Refused,
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		var kind domain.EventKind
		var n int64
		err := scan(&kind, &n)
		if count := counts[kind]; count != nil {
			*count = n
		}
		return err
	}, `SELECT kind, count(*) FROM events WHERE kind IN ($1, $2, $3, $4) AND at >= $5 GROUP BY kind`,
		domain.EventRecoveryRequested, domain.EventRecoveryChosen, domain.EventPasswordReplaced, domain.EventRecoveryRefused, micros(since))
	return r, err
}

// each runs a query and calls see for each row.
func (s *Store) each(ctx context.Context, see func(scan func(...any) error) error, query string, args ...any) error {
	return wrap("overview", eachRow(ctx, s.db, see, query, args...))
}

// jobLineColumns lists the columns of a job line in the order of scanJobLine.
const jobLineColumns = `id, kind, person_id, attempts, created_at, run_at, given_up_at, reason,
	CASE WHEN given_up_at > 0 AND payload IS NOT NULL THEN 1 ELSE 0 END`

func scanJobLine(scan func(...any) error) (overview.JobLine, error) {
	var j overview.JobLine
	var created, run, given, letter int64
	err := scan(&j.ID, &j.Kind, &j.Person, &j.Attempts, &created, &run, &given, &j.Reason, &letter)
	j.Letter = letter == 1
	j.Created, j.RunAt, j.GivenUp = moment(created), moment(run), moment(given)
	return j, err
}

// Jobs returns up to limit + 1 jobs that wait or were given up, oldest first:
// the additional one shows that there are more.
func (s *Store) Jobs(ctx context.Context, kind string, givenUp bool, skip, limit int) ([]overview.JobLine, error) {
	where := `given_up_at = 0`
	if givenUp {
		where = `given_up_at <> 0`
	}
	var out []overview.JobLine
	err := s.each(ctx, func(scan func(...any) error) error {
		j, err := scanJobLine(scan)
		out = append(out, j)
		return err
	}, `SELECT `+jobLineColumns+` FROM jobs
		WHERE `+where+` AND (kind = $1 OR $1 = '') ORDER BY created_at, id LIMIT $2 OFFSET $3`, kind, limit+1, skip)
	return out, err
}
