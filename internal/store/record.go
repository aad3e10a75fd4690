package store

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/secret"
)

// recordKeys are the keys of the MACs in acceptances, audit and audit_head. The
// first one makes new MACs. A MAC is stored as "KEY-ID:HEX".
//
// Each master key of the secret has its own record key. Acceptances are kept for
// years, and a master key is removed a day after its replacement: before that,
// UseKeys seals the record key of every master key under the first one, so that
// old MACs can still be verified. A sealed key cannot be made without the secret.
type recordKeys struct {
	first string
	byID  map[string][]byte
	live  map[string]bool // keys whose master key is in the current secret
}

// UseKeys lets the store make and verify MACs. Without it the store writes
// acceptances and audit entries without a MAC.
func (s *Store) UseKeys(ctx context.Context, keys secret.Keyring) error {
	k := &recordKeys{byID: map[string][]byte{}, live: map[string]bool{}}
	for i, key := range keys.Subkeys(secret.UseRecord) {
		id := recordKeyID(key)
		k.byID[id], k.live[id] = key, true
		if i == 0 {
			k.first = id
		}
	}
	err := s.tx(ctx, func(tx *sql.Tx) error {
		sealed, err := all(ctx, tx, scanSealedKey, `SELECT id, sealed_by, box FROM record_keys`)
		if err != nil {
			return err
		}
		for _, r := range sealed {
			if plain, err := keys.Open(secret.UseRetired, "record key "+r.id, r.box); err == nil && recordKeyID(plain) == r.id {
				k.byID[r.id] = plain
			}
		}
		for id, key := range k.byID {
			if id == k.first {
				continue
			}
			box, err := keys.Seal(secret.UseRetired, "record key "+id, key)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO record_keys (id, sealed_by, box) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, id, k.first, box); err != nil {
				return err
			}
		}
		for _, r := range sealed {
			if k.byID[r.id] == nil || k.live[r.sealedBy] {
				continue
			}
			// The first key sealed this record key as well; the copy sealed by
			// the removed master key can never be opened again.
			if _, err := tx.ExecContext(ctx, `DELETE FROM record_keys WHERE id = $1 AND sealed_by = $2`, r.id, r.sealedBy); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap("record keys", err)
	}
	s.record = k
	return nil
}

type sealedKey struct {
	id, sealedBy string
	box          []byte
}

func scanSealedKey(scan func(...any) error) (k sealedKey, err error) {
	return k, scan(&k.id, &k.sealedBy, &k.box)
}

func recordKeyID(key []byte) string {
	return hex.EncodeToString(secret.MAC(key, "entree record key")[:8])
}

// mac returns the MAC of parts, or "" if the store has no keys.
func (k *recordKeys) mac(parts ...string) string {
	if k == nil {
		return ""
	}
	return k.first + ":" + hex.EncodeToString(secret.MAC(k.byID[k.first], parts...))
}

// fault returns the reason why a stored MAC does not match parts, or "".
func (k *recordKeys) fault(stored string, parts ...string) string {
	id, sum, _ := strings.Cut(stored, ":")
	key := k.byID[id]
	switch {
	case stored == "":
		return "has no MAC: the portal did not write it"
	case key == nil:
		return "has a MAC of a key that does not exist"
	}
	if got, err := hex.DecodeString(sum); err != nil || !hmac.Equal(got, secret.MAC(key, parts...)) {
		return "has a wrong MAC: the portal did not write it so"
	}
	return ""
}

// headFault returns the reason why the MAC of the head does not match, or "". A
// head whose master key was removed does not match. Each new entry writes the head
// with the current key, so this happens only if no entry followed the rotation.
func (k *recordKeys) headFault(h storedHead) string {
	if h.Seq == 0 && h.Hash == audit.Origin && h.mac == "" {
		return "" // an empty audit
	}
	return k.fault(h.mac, headParts(h.Head)...)
}

type storedHead struct {
	audit.Head
	mac string
}

func headParts(h audit.Head) []string {
	return []string{"entree audit head 1", strconv.FormatInt(h.Seq, 10), h.Hash}
}

// acceptanceParts returns the parts of an acceptance that its MAC covers. The
// number of the person is one of them, so that the ids of two people cannot be
// exchanged.
func acceptanceParts(a domain.Acceptance, number string) []string {
	return []string{"entree acceptance 1", string(a.Person), string(a.Journey), a.Profile, string(a.Lang), a.Version, a.SHA256, strconv.FormatInt(micros(a.At), 10), number}
}

func (s *Store) insertAcceptance(ctx context.Context, b *pipeline, a domain.Acceptance, number string) error {
	return b.exec(ctx, `INSERT INTO acceptances (person_id, journey_id, profile, lang, version, sha256, at, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		a.Person, a.Journey, a.Profile, a.Lang, a.Version, a.SHA256, micros(a.At), s.record.mac(acceptanceParts(a, number)...))
}

// storedAcceptance is an acceptance with its MAC, the number of its person, and
// whether an event records it.
type storedAcceptance struct {
	domain.Acceptance
	mac, number string
	hasEvent    bool
}

// eventOf is the SQL condition that event e records acceptance a. The details
// are JSON written by encoding/json, and contain no other hash.
const eventOf = `e.kind = 'charter.accepted' AND e.person_id = a.person_id AND e.journey_id = a.journey_id
	AND (e.details LIKE '%"sha256":"' || a.sha256 || '"%' OR e.details NOT LIKE '%"sha256":%')`

// EvidenceFaults compares a person's acceptances with their MACs and with the
// events, and returns what does not match, one line each. The events of old
// acceptances may have been pruned; only their MACs are compared then.
func (s *Store) EvidenceFaults(ctx context.Context, person domain.PersonID) ([]string, error) {
	pruned, err := lastKept(ctx, s.db)
	if err != nil {
		return nil, wrap("acceptances", err)
	}
	return s.acceptanceFaults(ctx, person, pruned.Through)
}

// acceptanceFaults checks the acceptances of a person, or all if person is
// empty. Events up to the time pruned, in microseconds, no longer exist.
func (s *Store) acceptanceFaults(ctx context.Context, person domain.PersonID, pruned int64) (faults []string, err error) {
	only := func(column string) (string, []any) {
		if person == "" {
			return "", nil
		}
		return " AND " + column + " = $1", []any{person}
	}
	and, args := only("a.person_id")
	err = s.each(ctx, func(scan func(...any) error) error {
		var a storedAcceptance
		var at int64
		if err := scan(&a.Person, &a.Journey, &a.Profile, &a.Lang, &a.Version, &a.SHA256, &at, &a.mac, &a.number, &a.hasEvent); err != nil {
			return err
		}
		a.At = moment(at)
		say := func(what string) {
			faults = append(faults, fmt.Sprintf("the acceptance of version %s by person %s at %s %s", a.Version, a.Person, a.At.Format("2006-01-02 15:04:05"), what))
		}
		if s.record != nil {
			if what := s.record.fault(a.mac, acceptanceParts(a.Acceptance, a.number)...); what != "" {
				say(what)
			}
		}
		if !a.hasEvent && at > pruned {
			say("has no event of the same time and text")
		}
		return nil
	}, `SELECT a.person_id, a.journey_id, a.profile, a.lang, a.version, a.sha256, a.at, a.mac, coalesce(p.number, ''),
		EXISTS (SELECT 1 FROM events e WHERE e.at = a.at AND `+eventOf+`)
		FROM acceptances a LEFT JOIN people p ON p.id = a.person_id WHERE 1 = 1`+and+` ORDER BY a.at`, args...)
	if err != nil {
		return nil, wrap("acceptances", err)
	}
	and, args = only("e.person_id")
	err = s.each(ctx, func(scan func(...any) error) error {
		var who string
		var at int64
		if err := scan(&who, &at); err != nil {
			return err
		}
		faults = append(faults, fmt.Sprintf("the acceptance by person %s at %s was removed: its event still exists", who, moment(at).Format("2006-01-02 15:04:05")))
		return nil
	}, `SELECT e.person_id, e.at FROM events e WHERE e.kind = 'charter.accepted' AND NOT EXISTS (SELECT 1 FROM acceptances a WHERE `+eventOf+`)`+and+` ORDER BY e.at`, args...)
	return faults, wrap("acceptances", err)
}

// eventTime returns the time in the id of an event in microseconds
// (newEventID), 0 for an empty id.
func eventTime(id string) int64 {
	if len(id) < 16 {
		return 0
	}
	at, _ := strconv.ParseInt(id[:16], 16, 64) // ids are written by this program
	return at
}

// kept is the number of acceptances up to a time whose events were pruned, and
// a hash over them. Entries ActCut hold it in the audit, so that an acceptance
// without an event cannot be removed without a trace.
type kept struct {
	Through int64
	Count   int64
	Hash    string
}

// addKept extends k with the acceptances after k.Through, up to a time.
func addKept(ctx context.Context, q rowsOf, k kept, through int64) (kept, error) {
	if through <= k.Through {
		return k, nil
	}
	// ChainRows needs the same order on both databases, so equal times are
	// sorted by bytes in Go.
	rows, err := all(ctx, q, scanKept, `SELECT at, person_id, journey_id, sha256, mac FROM acceptances WHERE at > $1 AND at <= $2`, k.Through, through)
	if err != nil {
		return k, err
	}
	k.Hash = audit.ChainRows(k.Hash, rows)
	k.Count += int64(len(rows))
	k.Through = through
	return k, nil
}

func scanKept(scan func(...any) error) ([]string, error) {
	var at int64
	row := make([]string, 5)
	err := scan(&at, &row[1], &row[2], &row[3], &row[4])
	row[0] = fmt.Sprintf("%016x", at)
	return row, err
}

func keptOf(what map[string]string) kept {
	k := kept{Hash: audit.Origin}
	if what["acceptances_sha256"] == "" {
		return k
	}
	k.Through, _ = strconv.ParseInt(what["acceptances_through"], 10, 64)
	k.Count, _ = strconv.ParseInt(what["acceptances"], 10, 64)
	k.Hash = what["acceptances_sha256"]
	return k
}

func (k kept) details(into map[string]string) map[string]string {
	into["acceptances_through"] = strconv.FormatInt(k.Through, 10)
	into["acceptances"] = strconv.FormatInt(k.Count, 10)
	into["acceptances_sha256"] = k.Hash
	return into
}
