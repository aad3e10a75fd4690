package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// Note appends an audit entry that has no other effect.
func (s *Store) Note(ctx context.Context, e audit.Entry) error {
	return s.Apply(ctx, domain.Effects{Audit: []audit.Entry{e}})
}

// chain appends an entry. It locks the row of the head until the transaction
// ends, so concurrent entries are chained one after the other.
func (s *Store) chain(ctx context.Context, tx *sql.Tx, e audit.Entry) error {
	var head storedHead
	if err := tx.QueryRowContext(ctx, `UPDATE audit_head SET seq = seq RETURNING seq, hash, mac`).Scan(&head.Seq, &head.Hash, &head.mac); err != nil {
		return err
	}
	if s.record != nil && s.record.headFault(head) != "" {
		// Appending replaces the head and would hide the fault: an entry
		// records it first.
		broken := audit.Entry{At: s.now(), By: audit.System, Act: audit.ActBroken, What: map[string]string{"seq": strconv.FormatInt(head.Seq, 10), "hash": head.Hash}}
		var err error
		if head.Head, err = s.link(ctx, tx, broken, head.Head); err != nil {
			return err
		}
	}
	end, err := s.link(ctx, tx, e, head.Head)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE audit_head SET seq = $1, hash = $2, mac = $3`, end.Seq, end.Hash, s.record.mac(headParts(end)...))
	return err
}

// link inserts an entry behind head and returns the new head.
func (s *Store) link(ctx context.Context, tx *sql.Tx, e audit.Entry, head audit.Head) (audit.Head, error) {
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	e.At = moment(micros(e.At))
	l := audit.Chain(e, head.Seq+1, head.Hash, hex.EncodeToString(random))
	what, err := json.Marshal(l.What)
	if err != nil {
		return head, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit (seq, at, subject, name, role, act, whom, client, digest, prev, hash, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		l.Seq, micros(l.At), l.By.Subject, l.By.Name, l.By.Role, l.Act, l.Whom, l.From, l.Digest, l.Prev, l.Hash, s.record.mac(l.Signed()...)); err != nil {
		return head, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_details (seq, salt, what) VALUES ($1, $2, $3)`, l.Seq, l.Salt, string(what))
	return audit.Head{Seq: l.Seq, Hash: l.Hash}, err
}

// Audit calls see for each entry that matches q, newest first unless
// q.OldestFirst is set. It stops at the first error of see and returns it.
func (s *Store) Audit(ctx context.Context, q audit.Query, see func(audit.Link) error) error {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args))))
	}
	if q.Operator != "" {
		add(`(a.subject = ? OR lower(a.name) LIKE '%' || lower(?) || '%')`, q.Operator)
	}
	switch {
	case strings.HasSuffix(q.Act, "."):
		add(`a.act LIKE ? || '%'`, q.Act)
	case q.Act != "":
		add(`a.act = ?`, q.Act)
	}
	if q.ByPeople {
		add(`a.subject <> ?`, audit.System.Subject)
	}
	if q.Whom != "" {
		add(`a.whom = ?`, q.Whom)
	}
	if !q.Since.IsZero() {
		add(`a.at >= cast(? AS bigint)`, micros(q.Since))
	}
	if !q.Until.IsZero() {
		add(`a.at < cast(? AS bigint)`, micros(q.Until))
	}
	order := "DESC"
	if q.OldestFirst {
		order = "ASC"
	}
	limit := ""
	if q.Limit > 0 {
		args = append(args, q.Limit, q.Skip)
		limit = fmt.Sprintf(" LIMIT $%d OFFSET $%d", len(args)-1, len(args))
	}
	return s.links(ctx, `WHERE `+strings.Join(where, " AND ")+` ORDER BY a.seq `+order+limit, see, args...)
}

// AuditActs returns the number of entries for each act in the audit.
func (s *Store) AuditActs(ctx context.Context) (map[string]int64, error) {
	out, err := counts[string](ctx, s.db, `SELECT act, count(*) FROM audit GROUP BY act`)
	return out, wrap("audit", err)
}

func (s *Store) links(ctx context.Context, rest string, see func(audit.Link) error, args ...any) error {
	rows, err := s.db.QueryContext(ctx, `SELECT a.seq, a.at, a.subject, a.name, a.role, a.act, a.whom, a.client, a.digest, a.prev, a.hash, a.mac, d.salt, d.what
		FROM audit a LEFT JOIN audit_details d ON d.seq = a.seq `+rest, args...)
	if err != nil {
		return wrap("audit", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l audit.Link
		var at int64
		var salt, what sql.NullString
		if err := rows.Scan(&l.Seq, &at, &l.By.Subject, &l.By.Name, &l.By.Role, &l.Act, &l.Whom, &l.From, &l.Digest, &l.Prev, &l.Hash, &l.MAC, &salt, &what); err != nil {
			return wrap("audit", err)
		}
		l.At, l.Salt, l.Erased = moment(at), salt.String, !what.Valid
		if what.Valid && json.Unmarshal([]byte(what.String), &l.What) != nil {
			l.What = map[string]string{"": what.String} // edited in the database: the digest will not match
		}
		if err := see(l); err != nil {
			return err
		}
	}
	return wrap("audit", rows.Err())
}

// AuditHead returns the last sequence number of the chain and its hash.
func (s *Store) AuditHead(ctx context.Context) (audit.Head, error) {
	var h audit.Head
	err := s.db.QueryRowContext(ctx, `SELECT seq, hash FROM audit_head`).Scan(&h.Seq, &h.Hash)
	return h, wrap("audit", err)
}

// Verified is the result of VerifyAudit: the head that was read, and the checks
// made.
type Verified struct {
	audit.Head
	Blocks int  // sealed blocks of events
	Keyed  bool // the MACs were checked too
}

// VerifyAudit reads the whole audit, the events that it seals and all
// acceptances, and reports each fault to tell. Without UseKeys it cannot check
// MACs. It ignores entries appended after it started.
func (s *Store) VerifyAudit(ctx context.Context, noted map[int64]string, tell func(audit.Fault)) (Verified, error) {
	found := Verified{Keyed: s.record != nil}
	var head storedHead
	if err := s.db.QueryRowContext(ctx, `SELECT seq, hash, mac FROM audit_head`).Scan(&head.Seq, &head.Hash, &head.mac); err != nil {
		return found, wrap("audit", err)
	}
	found.Head = head.Head
	v := &audit.Verifier{Noted: noted}
	if s.record != nil {
		v.MACFault = func(l audit.Link) string { return s.record.fault(l.MAC, l.Signed()...) }
		if what := s.record.headFault(head); what != "" {
			tell(audit.Fault{Seq: head.Seq, What: "the end of the record " + what})
		}
	}
	say := func(faults []audit.Fault) {
		for _, f := range faults {
			tell(f)
		}
	}
	last := kept{Hash: audit.Origin}
	err := s.links(ctx, `WHERE a.seq <= $1 ORDER BY a.seq`, func(l audit.Link) error {
		say(v.Next(l))
		if l.Act == audit.ActCut && !l.Erased {
			last = keptOf(l.What)
		}
		if l.Act != audit.ActSealed || l.Erased {
			return nil
		}
		b, _, err := s.block(ctx, s.db, l.What["from"], l.What["to"], 0)
		if err == nil {
			say(v.Events(l, b.Count, b.Sum()))
		}
		return err
	}, head.Seq)
	if err != nil {
		return found, err
	}
	say(v.End(head.Head))
	found.Blocks = v.Blocks()
	var behind int64
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM audit WHERE seq > (SELECT seq FROM audit_head)`).Scan(&behind); err != nil {
		return found, wrap("audit", err)
	}
	if behind > 0 {
		tell(audit.Fault{Seq: head.Seq, What: fmt.Sprintf("added after the end of the chain: %d", behind)})
	}
	return found, s.verifyAcceptances(ctx, last, tell)
}

// verifyAcceptances compares the acceptances with their MACs and with their
// events, and, where the events were pruned, with the last checkpoint.
func (s *Store) verifyAcceptances(ctx context.Context, last kept, tell func(audit.Fault)) error {
	faults, err := s.acceptanceFaults(ctx, "", last.Through)
	if err != nil {
		return err
	}
	for _, f := range faults {
		tell(audit.Fault{What: f})
	}
	now, err := addKept(ctx, s.db, kept{Hash: audit.Origin}, last.Through)
	if err != nil {
		return wrap("acceptances", err)
	}
	if now != last {
		tell(audit.Fault{What: fmt.Sprintf("%d acceptances up to %s must exist, whose events were pruned: %d exist, or some were changed",
			last.Count, moment(last.Through).Format(time.RFC3339), now.Count)})
	}
	return nil
}

// querier is implemented by *sql.DB and *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// block hashes the events with from < id <= to, at most limit of them (0: no
// limit). It also returns the ids and times of the first and the last event.
func (s *Store) block(ctx context.Context, q querier, from, to string, limit int) (*audit.Block, []storedEvent, error) {
	query, args := `SELECT id, at, kind, person_id, journey_id, details FROM events WHERE id > $1 AND id <= $2 ORDER BY id`, []any{from, to}
	if limit > 0 {
		query += ` LIMIT $3`
		args = append(args, limit)
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, nil, wrap("events", err)
	}
	defer rows.Close()
	b := audit.NewBlock()
	var ends []storedEvent // the first and the last event
	for rows.Next() {
		var id, kind, person, journey, details string
		var at int64
		if err := rows.Scan(&id, &at, &kind, &person, &journey, &details); err != nil {
			return nil, nil, wrap("events", err)
		}
		b.Add(id, strconv.FormatInt(at, 10), kind, person, journey, details)
		if len(ends) < 2 {
			ends = append(ends, storedEvent{id, at})
		} else {
			ends[1] = storedEvent{id, at}
		}
	}
	return b, ends, wrap("events", rows.Err())
}

// storedEvent is the id of an event and its time in microseconds.
type storedEvent struct {
	id string
	at int64
}

// sealAtOnce is the largest number of events that one audit entry seals. A
// fault can be located only to within one entry.
const sealAtOnce = 1000

// SealEvents seals the events before a time that are not sealed yet, and
// returns their number. Every transaction that writes events before that time
// must have ended: an event that is committed later with an earlier time would
// be reported as inserted.
func (s *Store) SealEvents(ctx context.Context, before time.Time) (int64, error) {
	var all int64
	for {
		var n int64
		err := s.tx(ctx, func(tx *sql.Tx) error {
			var from string
			if err := tx.QueryRowContext(ctx, `UPDATE audit_head SET events = events RETURNING events`).Scan(&from); err != nil {
				return err
			}
			b, ends, err := s.block(ctx, tx, from, fmt.Sprintf("%016x", micros(before)), sealAtOnce)
			if err != nil || b.Count == 0 {
				return err
			}
			n = b.Count
			first, last := ends[0], ends[len(ends)-1]
			if err := s.chain(ctx, tx, audit.Entry{At: s.now(), By: audit.System, Act: audit.ActSealed, What: map[string]string{
				"from": from, "to": last.id, "count": strconv.FormatInt(b.Count, 10), "sha256": b.Sum(),
				"since": moment(first.at).Format(time.RFC3339), "until": moment(last.at).Format(time.RFC3339),
			}}); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `UPDATE audit_head SET events = $1`, last.id)
			return err
		})
		if err != nil {
			return all, wrap("seal events", err)
		}
		all += n
		if n < sealAtOnce {
			return all, nil
		}
	}
}

// CutAudit removes the entries before a time and the events that they sealed.
// It appends an entry with the position of the cut and the hash of the last
// removed entry, so that the remaining chain can still be verified.
func (s *Store) CutAudit(ctx context.Context, before time.Time) (int64, error) {
	var removed int64
	err := s.tx(ctx, func(tx *sql.Tx) error {
		var end, cut int64
		if err := tx.QueryRowContext(ctx, `UPDATE audit_head SET cut = cut RETURNING seq, cut`).Scan(&end, &cut); err != nil {
			return err
		}
		var through int64
		var hash string
		err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit WHERE at < $1 AND seq < $2 ORDER BY seq DESC LIMIT 1`, micros(before), end).Scan(&through, &hash)
		if errors.Is(err, sql.ErrNoRows) || through <= cut {
			return nil
		}
		if err != nil {
			return err
		}
		events, err := sealedThrough(ctx, tx, through)
		if err != nil {
			return err
		}
		keeps, err := lastKept(ctx, tx)
		if err != nil {
			return err
		}
		if keeps, err = addKept(ctx, tx, keeps, eventTime(events)); err != nil {
			return err
		}
		if err := s.chain(ctx, tx, audit.Entry{At: s.now(), By: audit.System, Act: audit.ActCut, What: keeps.details(map[string]string{
			"through": strconv.FormatInt(through, 10), "hash": hash, "before": before.UTC().Format(time.RFC3339),
		})}); err != nil {
			return err
		}
		removed = through - cut
		if _, err := tx.ExecContext(ctx, `UPDATE audit_head SET cut = $1, events_cut = CASE WHEN $2 > events_cut THEN $2 ELSE events_cut END`, through, events); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM audit WHERE seq <= (SELECT cut FROM audit_head)`,
			`DELETE FROM audit_details WHERE seq <= (SELECT cut FROM audit_head)`,
			`DELETE FROM events WHERE id <= (SELECT events_cut FROM audit_head)`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return removed, wrap("cut the audit", err)
}

// sealedThrough returns the id of the last event sealed by the entries up to
// through.
func sealedThrough(ctx context.Context, tx *sql.Tx, through int64) (string, error) {
	what, err := lastDetails(ctx, tx, audit.ActSealed, through)
	return what["to"], err
}

// lastKept returns the acceptances recorded at the last checkpoint.
func lastKept(ctx context.Context, tx rowQuerier) (kept, error) {
	what, err := lastDetails(ctx, tx, audit.ActCut, math.MaxInt64)
	return keptOf(what), err
}

// lastDetails returns the details of the last entry of an act at or before
// position through in the chain, or nil if there is none.
func lastDetails(ctx context.Context, tx rowQuerier, act string, through int64) (what map[string]string, err error) {
	var raw string
	err = tx.QueryRowContext(ctx, `SELECT d.what FROM audit a JOIN audit_details d ON d.seq = a.seq WHERE a.act = $1 AND a.seq <= $2 ORDER BY a.seq DESC LIMIT 1`,
		act, through).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return what, json.Unmarshal([]byte(raw), &what)
}
