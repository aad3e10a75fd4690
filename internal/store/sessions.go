package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"entree/internal/domain"
)

// hashID returns the hash under which a session is stored: a copy of the
// database does not contain session ids that could be used.
func hashID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// Session returns the data of a session and its expiry, or ErrNotFound.
func (s *Store) Session(ctx context.Context, id string) (data []byte, expires time.Time, err error) {
	var until int64
	err = s.db.QueryRowContext(s.brief(ctx), `SELECT data, expires_at FROM sessions WHERE id_hash = $1`, hashID(id)).Scan(&data, &until)
	return data, moment(until), wrap("session", notFound(err))
}

// insertSession inserts a session, or replaces its data.
const insertSession = `INSERT INTO sessions (id_hash, data, expires_at) VALUES ($1, $2, $3)
	ON CONFLICT (id_hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`

// SaveSession stores the data of a session, new or existing.
func (s *Store) SaveSession(ctx context.Context, id string, data []byte, expires time.Time) error {
	_, err := s.writer.ExecContext(ctx, insertSession, hashID(id), data, micros(expires))
	return wrap("session", err)
}

// saveSession writes a row of an effect.
func saveSession(ctx context.Context, b *pipeline, r domain.SessionRow) error {
	if r.Old != "" {
		return b.one(ctx, domain.ErrNotFound, `UPDATE sessions SET id_hash = $1, data = $2, expires_at = $3 WHERE id_hash = $4`,
			hashID(r.ID), r.Data, micros(r.Expires), hashID(r.Old))
	}
	return b.exec(ctx, insertSession, hashID(r.ID), r.Data, micros(r.Expires))
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

// RenewSession replaces the id, data and expiry of a session. The old id is
// invalid at once. It returns ErrNotFound if the old id has no session.
func (s *Store) RenewSession(ctx context.Context, old, renewed string, data []byte, expires time.Time) error {
	return wrap("session", s.transaction(ctx, func(b *pipeline) error {
		return saveSession(ctx, b, domain.SessionRow{Old: old, ID: renewed, Data: data, Expires: expires})
	}))
}
