package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"time"

	"entree/internal/domain"
)

// hashID keeps session ids out of the database: who reads it cannot take a
// session over.
func hashID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// Session gives what is kept under a session's id, or ErrNotFound.
func (s *Store) Session(ctx context.Context, id string) (data []byte, expires time.Time, err error) {
	var until int64
	err = s.db.QueryRowContext(ctx, `SELECT data, expires_at FROM sessions WHERE id_hash = $1`, hashID(id)).Scan(&data, &until)
	return data, moment(until), wrap("session", notFound(err))
}

// SaveSession keeps data under an id.
func (s *Store) SaveSession(ctx context.Context, id string, data []byte, expires time.Time) error {
	_, err := s.writer.ExecContext(ctx, `INSERT INTO sessions (id_hash, data, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (id_hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`, hashID(id), data, micros(expires))
	return wrap("session", err)
}

// DeleteSession ends a session.
func (s *Store) DeleteSession(ctx context.Context, id string) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM sessions WHERE id_hash = $1`, hashID(id))
	return wrap("session", err)
}

// ExtendSession moves the end of a session that is there.
func (s *Store) ExtendSession(ctx context.Context, id string, expires time.Time) error {
	_, err := s.writer.ExecContext(ctx, `UPDATE sessions SET expires_at = $1 WHERE id_hash = $2`, micros(expires), hashID(id))
	return wrap("session", err)
}

// RenewSession replaces what is kept under an id by data under a new one; the
// old id is dead at once.
func (s *Store) RenewSession(ctx context.Context, old, renewed string, data []byte, expires time.Time) error {
	return wrap("session", s.tx(ctx, func(tx *sql.Tx) error {
		return one(ctx, tx, domain.ErrNotFound, `UPDATE sessions SET id_hash = $1, data = $2, expires_at = $3 WHERE id_hash = $4`,
			hashID(renewed), data, micros(expires), hashID(old))
	}))
}
