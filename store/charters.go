package store

import (
	"context"
	"time"

	"entree/activation"
)

// KeepCharter keeps a charter's exact text for ever, under its hash. A text
// that is kept already stays as it is.
func (s *Store) KeepCharter(ctx context.Context, c activation.Charter, at time.Time) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO charters (sha256, profile, lang, version, title, text, published_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO NOTHING`,
		c.SHA256, c.Profile, c.Lang, c.Version, c.Title, c.Text, micros(at))
	return wrap("charter", err)
}

// Evidence gives what a person accepted, with the exact texts, oldest first.
func (s *Store) Evidence(ctx context.Context, person activation.PersonID) ([]activation.Acceptance, []activation.Charter, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT a.person_id, a.journey_id, a.profile, a.lang, a.version, a.sha256, a.at, c.title, c.text
		FROM acceptances a JOIN charters c ON c.sha256 = a.sha256 WHERE a.person_id = $1 ORDER BY a.at`, person)
	if err != nil {
		return nil, nil, wrap("evidence", err)
	}
	defer rows.Close()
	var acceptances []activation.Acceptance
	var charters []activation.Charter
	for rows.Next() {
		var a activation.Acceptance
		var c activation.Charter
		var at int64
		if err := rows.Scan(&a.Person, &a.Journey, &a.Profile, &a.Lang, &a.Version, &a.SHA256, &at, &c.Title, &c.Text); err != nil {
			return nil, nil, wrap("evidence", err)
		}
		a.At = moment(at)
		c.Profile, c.Lang, c.Version, c.SHA256 = a.Profile, a.Lang, a.Version, a.SHA256
		acceptances, charters = append(acceptances, a), append(charters, c)
	}
	return acceptances, charters, wrap("evidence", rows.Err())
}
