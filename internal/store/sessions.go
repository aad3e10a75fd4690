package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"entree/internal/domain"
)

// hashID returns the hash under which a session is stored: a copy of the
// database does not contain session ids that could be used.
func hashID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// Session returns a session and its journey, or ErrNotFound. The journey is zero if the
// session has none, or if it was purged.
func (s *Store) Session(ctx context.Context, id string) (domain.SessionRow, domain.Journey, error) {
	row, until, doc := domain.SessionRow{ID: id}, int64(0), ""
	err := s.db.QueryRowContext(s.brief(ctx), `SELECT s.data, s.expires_at, s.journey_id, coalesce(j.doc, '')
		FROM sessions s LEFT JOIN journeys j ON j.id = s.journey_id WHERE id_hash = $1`, hashID(id)).Scan(&row.Data, &until, &row.Journey, &doc)
	row.Expires = moment(until)
	if err != nil || doc == "" {
		return row, domain.Journey{}, wrap("session", notFound(err))
	}
	var j domain.Journey
	return row, j, wrap("session", json.Unmarshal([]byte(doc), &j))
}

// insertSession inserts a session, or replaces its data.
const insertSession = `INSERT INTO sessions (id_hash, data, expires_at, journey_id) VALUES ($1, $2, $3, $4)
	ON CONFLICT (id_hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at, journey_id = excluded.journey_id`

// SaveSession stores a session, new or existing. r.Old is ignored.
func (s *Store) SaveSession(ctx context.Context, r domain.SessionRow) error {
	_, err := s.writer.ExecContext(ctx, insertSession, hashID(r.ID), r.Data, micros(r.Expires), r.Journey)
	return wrap("session", err)
}

// saveSession writes a row of an effect.
func saveSession(ctx context.Context, b *pipeline, r domain.SessionRow) error {
	if r.Old != "" {
		return b.one(ctx, domain.ErrNotFound, `UPDATE sessions SET id_hash = $1, data = $2, expires_at = $3, journey_id = $4 WHERE id_hash = $5`,
			hashID(r.ID), r.Data, micros(r.Expires), r.Journey, hashID(r.Old))
	}
	return b.exec(ctx, insertSession, hashID(r.ID), r.Data, micros(r.Expires), r.Journey)
}

// DeleteSession deletes a session.
func (s *Store) DeleteSession(ctx context.Context, id string) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM sessions WHERE id_hash = $1`, hashID(id))
	return wrap("session", err)
}

// ExtendSession changes the expiry of an existing session.
func (s *Store) ExtendSession(ctx context.Context, id string, expires time.Time) error {
	_, err := s.writer.ExecContext(ctx, `UPDATE sessions SET expires_at = $1 WHERE id_hash = $2`, micros(expires), hashID(id))
	return wrap("session", err)
}

// RenewSession replaces the session r.Old by r. The old id is invalid at once. It returns
// ErrNotFound if the old id has no session.
func (s *Store) RenewSession(ctx context.Context, r domain.SessionRow) error {
	return wrap("session", s.transaction(ctx, func(ctx context.Context, b *pipeline) error { return saveSession(ctx, b, r) }))
}
