package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"

	"entree/activation"
	"entree/audit"
)

// Note keeps an entry about something that changed nothing else.
func (s *Store) Note(ctx context.Context, e audit.Entry) error {
	return s.Apply(ctx, activation.Effects{Audit: []audit.Entry{e}})
}

// chain appends an entry. The head's row is held until the transaction ends:
// entries that come at once are chained one after the other.
func chain(ctx context.Context, tx *sql.Tx, e audit.Entry) error {
	var seq int64
	var prev string
	if err := tx.QueryRowContext(ctx, `UPDATE audit_head SET seq = seq + 1 RETURNING seq, hash`).Scan(&seq, &prev); err != nil {
		return err
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	e.At = moment(micros(e.At))
	l := audit.Chain(e, seq, prev, hex.EncodeToString(random))
	what, err := json.Marshal(l.What)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit (seq, at, subject, name, role, act, whom, client, digest, prev, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		l.Seq, micros(l.At), l.By.Subject, l.By.Name, l.By.Role, l.Act, l.Whom, l.From, l.Digest, l.Prev, l.Hash); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit_details (seq, salt, what) VALUES ($1, $2, $3)`, l.Seq, l.Salt, string(what)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE audit_head SET hash = $1`, l.Hash)
	return err
}
