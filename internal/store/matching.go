package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
)

// Marks about accounts that the portal did not create.
const (
	othersMark   = "accounts.others"   // when such accounts were found
	numberedMark = "accounts.numbered" // not 0: some of them may have numbers
	matchedMark  = "accounts.matched"  // when the last comparison with people ended
)

// withoutAccount is the condition on people whom a pass compares.
const withoutAccount = `account IN ('', 'parked') AND erased_at = 0`

// SeekFirst reports whether Keycloak must be searched for a person before an
// account is created: the store was restored, or the realm has accounts of another
// origin with numbers and no pass has included the person yet.
func (s *Store) SeekFirst(ctx context.Context, p domain.Person) (bool, error) {
	var restored, others int64
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(CASE WHEN name = $1 THEN at END), 0), coalesce(max(CASE WHEN name = $2 THEN at END), 0) FROM marks WHERE name IN ($1, $2)`,
		restoredMark, numberedMark).Scan(&restored, &others)
	return restored != 0 || others != 0 && p.MatchedAt.IsZero(), wrap("seek first", err)
}

// MarkOthers records that the realm has accounts that the portal did not create.
// Until a pass has read them, they may have numbers.
func (s *Store) MarkOthers(ctx context.Context) error {
	return wrap("mark others", s.tx(ctx, func(tx *sql.Tx) error {
		if err := advance(ctx, tx, othersMark, s.now()); err != nil {
			return err
		}
		return advance(ctx, tx, numberedMark, s.now())
	}))
}

// Others returns when accounts of another origin were found and when the last pass
// over them ended, and whether there are people whom no pass has included.
func (s *Store) Others(ctx context.Context) (found, matched time.Time, unmatched bool, err error) {
	if found, err = s.Mark(ctx, othersMark); err != nil || found.IsZero() {
		return found, matched, false, err
	}
	if matched, err = s.Mark(ctx, matchedMark); err != nil {
		return found, matched, false, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM people WHERE matched_at = 0 AND `+withoutAccount+`)`).Scan(&unmatched)
	return found, matched, unmatched, wrap("others", err)
}

// OwnAccounts returns the number of people who have an account, or whose account is
// being created.
func (s *Store) OwnAccounts(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE account IN ('active', 'creating')`).Scan(&n)
	return n, wrap("own accounts", err)
}

// BeginPass stores a new pass and empties the index of accounts. It returns
// domain.ErrConflict while another pass runs.
func (s *Store) BeginPass(ctx context.Context, p domain.MatchPass) error {
	return wrap("begin a pass", s.tx(ctx, func(tx *sql.Tx) error {
		// The update locks the mark's row, so that two passes begin one after the other.
		if _, err := tx.ExecContext(ctx, `INSERT INTO marks (name, at) VALUES ($1, 0) ON CONFLICT (name) DO UPDATE SET at = marks.at`, matchedMark); err != nil {
			return err
		}
		var running int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM match_passes WHERE state = $1 AND seen_at > $2`, domain.PassRunning, micros(p.Begun.Add(-domain.MatchPassDead))).Scan(&running); err != nil {
			return err
		}
		if running > 0 {
			return domain.ErrConflict
		}
		if _, err := tx.ExecContext(ctx, `UPDATE match_passes SET state = $1, ended_at = $2 WHERE state = $3`, domain.PassFailed, micros(p.Begun), domain.PassRunning); err != nil {
			return err
		}
		if err := emptyIndex(ctx, tx); err != nil {
			return err
		}
		doc, err := json.Marshal(p)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO match_passes (id, begun_at, seen_at, state, doc) VALUES ($1, $2, $3, $4, $5)`, p.ID, micros(p.Begun), micros(p.Seen), p.State, string(doc))
		return err
	}))
}

func emptyIndex(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM match_accounts`)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM match_keys`)
	}
	return err
}

// stillRuns stores the progress of a pass. It returns domain.ErrConflict if the
// pass was taken for dead.
func stillRuns(ctx context.Context, tx *sql.Tx, p domain.MatchPass) error {
	doc, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return one(ctx, tx, domain.ErrConflict, `UPDATE match_passes SET seen_at = $1, ended_at = $2, state = $3, doc = $4 WHERE id = $5 AND state = $6`,
		micros(p.Seen), micros(p.Ended), p.State, string(doc), p.ID, domain.PassRunning)
}

// rowsAtOnce is the number of rows of one INSERT, and of keys in one search.
const rowsAtOnce = 200

// insertRows inserts rows of equal length; tail follows the values.
func insertRows(ctx context.Context, tx *sql.Tx, head, tail string, rows [][]any) error {
	for some := range slices.Chunk(rows, rowsAtOnce) {
		if _, err := tx.ExecContext(ctx, head+` VALUES `+places(len(some), len(some[0]))+` `+tail, slices.Concat(some...)...); err != nil {
			return err
		}
	}
	return nil
}

// IndexAccounts adds accounts to the index of a pass and stores its progress. An
// account that is indexed already is replaced. A person whose account_id is the account's
// entry is updated to Keycloak's id.
func (s *Store) IndexAccounts(ctx context.Context, p domain.MatchPass, accounts []domain.MatchAccount) error {
	return wrap("index accounts", s.tx(ctx, func(tx *sql.Tx) error {
		if err := stillRuns(ctx, tx, p); err != nil {
			return err
		}
		if err := replaceEntries(ctx, tx, accounts); err != nil {
			return err
		}
		var docs, keys [][]any
		for _, a := range accounts {
			docs = append(docs, []any{a.ID, a.Doc})
			for _, k := range a.Keys {
				keys = append(keys, []any{k, a.ID})
			}
		}
		if err := insertRows(ctx, tx, `INSERT INTO match_accounts (id, doc)`, `ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`, docs); err != nil {
			return err
		}
		return insertRows(ctx, tx, `INSERT INTO match_keys (key, account_id)`, `ON CONFLICT DO NOTHING`, keys)
	}))
}

// replaceEntries replaces the entries of accounts by Keycloak's ids, except for an id
// that another person has.
func replaceEntries(ctx context.Context, tx *sql.Tx, accounts []domain.MatchAccount) error {
	ids := map[string]string{} // by entry
	for _, a := range accounts {
		if a.Entry != "" {
			ids[domain.EntryID(a.Entry)] = a.ID
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(ids)), rowsAtOnce) {
		c := &conditions{}
		known, err := texts(ctx, tx, `SELECT account_id FROM people WHERE account_id <> '' AND account_id IN (`+list(c, some)+`)`, c.args...)
		if err != nil {
			return err
		}
		for _, entry := range known {
			if _, err := tx.ExecContext(ctx, `UPDATE people SET account_id = $1 WHERE account_id = $2 AND NOT EXISTS (SELECT 1 FROM people p WHERE p.account_id = $1)`,
				ids[entry], entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// IndexedAccounts returns the number of accounts in the index.
func (s *Store) IndexedAccounts(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM match_accounts`).Scan(&n)
	return n, wrap("indexed accounts", err)
}

// PeopleWithoutAccount returns up to limit people without an account, by id after
// the given one.
func (s *Store) PeopleWithoutAccount(ctx context.Context, after domain.PersonID, limit int) ([]domain.Person, error) {
	return s.people(ctx, `WHERE id > $1 AND `+withoutAccount+` ORDER BY id LIMIT $2`, after, limit)
}

// PeopleBeforeLogin returns people whose account is active and whose first login is not
// known, in the order of their ids.
func (s *Store) PeopleBeforeLogin(ctx context.Context, after domain.PersonID, limit int) ([]domain.Person, error) {
	return s.people(ctx, `WHERE `+stateColumn+` = 'unused' AND id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// AccountsWith returns the indexed accounts that have one of the keys, by key. The
// same account can be under several.
func (s *Store) AccountsWith(ctx context.Context, keys []string) (map[string][]domain.MatchAccount, error) {
	out := map[string][]domain.MatchAccount{}
	for some := range slices.Chunk(keys, rowsAtOnce) {
		args := make([]any, rowsAtOnce) // always as many, so that the statement is prepared once
		for i := range args {
			args[i] = ""
			if i < len(some) {
				args[i] = some[i]
			}
		}
		err := s.each(ctx, func(scan func(...any) error) error {
			var key string
			var a domain.MatchAccount
			err := scan(&key, &a.ID, &a.Doc)
			out[key] = append(out[key], a)
			return err
		}, `SELECT k.key, a.id, a.doc FROM match_keys k JOIN match_accounts a ON a.id = k.account_id WHERE k.key IN (`+marks(1, rowsAtOnce)+`)`, args...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AccountOwners returns the people to whom accounts belong, by the accounts' ids.
func (s *Store) AccountOwners(ctx context.Context, accounts []string) (map[string]domain.PersonID, error) {
	out := map[string]domain.PersonID{}
	for some := range slices.Chunk(accounts, rowsAtOnce) {
		c := &conditions{}
		err := s.each(ctx, func(scan func(...any) error) error {
			var account string
			var owner domain.PersonID
			err := scan(&account, &owner)
			out[account] = owner
			return err
		}, `SELECT account_id, id FROM people WHERE account_id <> '' AND account_id IN (`+list(c, some)+`)`, c.args...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PutMatches stores the matches that a pass found for people, and its progress.
// From then on those with an open match may not activate. A rejected match stays
// rejected.
func (s *Store) PutMatches(ctx context.Context, p domain.MatchPass, people []domain.PersonID, matches []domain.Match) error {
	return wrap("put matches", s.tx(ctx, func(tx *sql.Tx) error {
		if err := stillRuns(ctx, tx, p); err != nil {
			return err
		}
		var rows [][]any
		for _, m := range matches {
			rows = append(rows, []any{m.Person, m.Account, p.ID, m.Login, m.Address, m.Class, evidenceText(m.Evidence), domain.MatchOpen})
		}
		if err := insertRows(ctx, tx, `INSERT INTO matches (person_id, account_id, pass_id, login, address, class, evidence, state)`,
			`ON CONFLICT (person_id, account_id) DO UPDATE SET pass_id = excluded.pass_id, login = excluded.login, address = excluded.address, class = excluded.class, evidence = excluded.evidence`, rows); err != nil {
			return err
		}
		for some := range slices.Chunk(people, rowsAtOnce) {
			c := &conditions{}
			at := c.arg(micros(p.Begun))
			ids := list(c, some)
			// A match does not stop a person whose account is being created. It is removed
			// when the account exists.
			if _, err := tx.ExecContext(ctx, `UPDATE people SET matched_at = CASE WHEN matched_at = 0 THEN cast(`+at+` AS bigint) ELSE matched_at END,
				matching = CASE WHEN account IN ('', 'parked') AND EXISTS (SELECT 1 FROM matches m WHERE m.person_id = people.id AND m.state = 'open') THEN 'open' ELSE '' END
				WHERE id IN (`+ids+`)`, c.args...); err != nil {
				return err
			}
		}
		return nil
	}))
}

func evidenceText(all []domain.Evidence) string {
	words := make([]string, len(all))
	for i, e := range all {
		words[i] = string(e)
	}
	return strings.Join(words, " ")
}

// EndPass ends a pass: a person with two matches, or an account with two, is
// contradictory, and matches that were not found again are removed. unowned is
// called with each account that has neither a match nor a person; it may be nil.
// EndPass returns the pass with its counts and empties the index.
func (s *Store) EndPass(ctx context.Context, p domain.MatchPass, unowned func(domain.MatchAccount) error) (domain.MatchPass, error) {
	// The condition: of no match, and of no person.
	const noPerson = ` FROM match_accounts a WHERE NOT EXISTS (SELECT 1 FROM matches m WHERE m.account_id = a.id AND m.state = 'open')
		AND NOT EXISTS (SELECT 1 FROM people p WHERE p.account_id = a.id AND p.account_id <> '')`
	if unowned != nil {
		if err := s.each(ctx, func(scan func(...any) error) error {
			var a domain.MatchAccount
			if err := scan(&a.ID, &a.Doc); err != nil {
				return err
			}
			return unowned(a)
		}, `SELECT a.id, a.doc`+noPerson); err != nil {
			return p, err
		}
	}
	p.State = domain.PassDone
	err := s.tx(ctx, func(tx *sql.Tx) error {
		for _, statement := range []struct {
			text string
			args []any
		}{
			{`DELETE FROM matches WHERE state = 'open' AND (pass_id <> $1 OR person_id NOT IN (SELECT id FROM people WHERE ` + withoutAccount + `))`, []any{p.ID}},
			{`UPDATE matches SET class = 'contradictory' WHERE state = 'open' AND class <> 'contradictory' AND (
				person_id IN (SELECT person_id FROM matches WHERE state = 'open' AND class <> 'contradictory' GROUP BY person_id HAVING count(*) > 1) OR
				account_id IN (SELECT account_id FROM matches WHERE state = 'open' AND class <> 'contradictory' GROUP BY account_id HAVING count(*) > 1))`, nil},
			{`UPDATE matches SET class = 'contradictory', evidence = evidence || $1 WHERE state = 'open' AND class <> 'contradictory' AND
				EXISTS (SELECT 1 FROM names n WHERE n.kind = 'login' AND n.value = matches.login AND n.person_id <> matches.person_id)`, []any{" " + string(domain.AgainstLogin)}},
			{`UPDATE people SET matching = '' WHERE matching <> '' AND id NOT IN (SELECT person_id FROM matches WHERE state = 'open')`, nil},
		} {
			if _, err := tx.ExecContext(ctx, statement.text, statement.args...); err != nil {
				return err
			}
		}
		for _, count := range []struct {
			of   *int
			text string
		}{
			{&p.Certain, `SELECT count(DISTINCT person_id) FROM matches WHERE state = 'open' AND class = 'certain'`},
			{&p.Likely, `SELECT count(DISTINCT person_id) FROM matches WHERE state = 'open' AND class = 'likely'`},
			{&p.Contradictory, `SELECT count(DISTINCT person_id) FROM matches WHERE state = 'open' AND class = 'contradictory'`},
			{&p.NoAccount, `SELECT count(*) FROM people WHERE ` + withoutAccount + ` AND id NOT IN (SELECT person_id FROM matches WHERE state = 'open')`},
			{&p.NoPerson, `SELECT count(*)` + noPerson},
			{&p.Own, `SELECT count(*) FROM match_accounts WHERE id IN (SELECT account_id FROM people WHERE account_id <> '')`},
			{&p.Accounts, `SELECT count(*) FROM match_accounts`},
		} {
			if err := tx.QueryRowContext(ctx, count.text).Scan(count.of); err != nil {
				return err
			}
		}
		if err := stillRuns(ctx, tx, p); err != nil {
			return err
		}
		if err := advance(ctx, tx, matchedMark, p.Ended); err != nil {
			return err
		}
		// While no account without a person has a number, a search by number finds none.
		if _, err := tx.ExecContext(ctx, `INSERT INTO marks (name, at) SELECT $1, CASE WHEN EXISTS (SELECT 1 FROM match_keys k WHERE k.key LIKE $2
			AND NOT EXISTS (SELECT 1 FROM people p WHERE p.account_id = k.account_id AND p.account_id <> '')) THEN cast($3 AS bigint) ELSE 0 END
			WHERE TRUE ON CONFLICT (name) DO UPDATE SET at = excluded.at`, numberedMark, domain.MatchKeyNumber+"%", micros(p.Ended)); err != nil {
			return err
		}
		return emptyIndex(ctx, tx)
	})
	return p, wrap("end a pass", err)
}

// FailPass ends a pass that failed. The matches of the pass before it stay.
func (s *Store) FailPass(ctx context.Context, p domain.MatchPass) error {
	p.State = domain.PassFailed
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if err := stillRuns(ctx, tx, p); err != nil {
			return err
		}
		return emptyIndex(ctx, tx)
	})
	if errors.Is(err, domain.ErrConflict) {
		return nil // another pass took it for dead
	}
	return wrap("fail a pass", err)
}

// LastPass returns the pass that was begun last, or domain.ErrNotFound.
func (s *Store) LastPass(ctx context.Context) (domain.MatchPass, error) {
	var p domain.MatchPass
	var state domain.MatchPassState
	var doc string
	err := s.db.QueryRowContext(ctx, `SELECT state, doc FROM match_passes ORDER BY begun_at DESC, id LIMIT 1`).Scan(&state, &doc)
	if err != nil {
		return p, wrap("last pass", notFound(err))
	}
	err = json.Unmarshal([]byte(doc), &p)
	p.State = state
	return p, wrap("last pass", err)
}

// OpenMatches returns up to limit open matches of a class, by person and account
// after the given ones. An empty class selects all.
func (s *Store) OpenMatches(ctx context.Context, class domain.MatchClass, after domain.Match, limit int) ([]domain.Match, error) {
	c, where := openMatches(class)
	where += ` AND (person_id, account_id) > (` + c.arg(after.Person) + `, ` + c.arg(after.Account) + `) ORDER BY person_id, account_id LIMIT ` + c.arg(limit)
	return s.matches(ctx, where, c.args...)
}

// openMatches returns the condition on open matches of a class; empty: of all. The
// class is a condition of its own, so that its index is used.
func openMatches(class domain.MatchClass) (*conditions, string) {
	c := &conditions{}
	where := `WHERE state = 'open'`
	if class != "" {
		where += ` AND class = ` + c.arg(class)
	}
	return c, where
}

// MatchLines returns open matches of a class with their people, by person. An empty
// class selects all. It returns limit+1 matches if there are more.
func (s *Store) MatchLines(ctx context.Context, class domain.MatchClass, skip, limit int) ([]domain.Match, []domain.Person, error) {
	c, where := openMatches(class)
	list, err := s.matches(ctx, where+` ORDER BY person_id, account_id LIMIT `+c.arg(limit+1)+` OFFSET `+c.arg(skip), c.args...)
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	ids := make([]domain.PersonID, len(list))
	for i, m := range list {
		ids[i] = m.Person
	}
	people, err := s.PeopleWith(ctx, ids)
	return list, slices.Collect(maps.Values(people)), err
}

// MatchesOf returns the open matches of a person.
func (s *Store) MatchesOf(ctx context.Context, p domain.PersonID) ([]domain.Match, error) {
	return s.matches(ctx, `WHERE state = 'open' AND person_id = $1 ORDER BY account_id`, p)
}

// MatchCounts returns the number of people with an open match, by class.
func (s *Store) MatchCounts(ctx context.Context) (map[domain.MatchClass]int, error) {
	out := map[domain.MatchClass]int{}
	return out, s.each(ctx, func(scan func(...any) error) error {
		var class domain.MatchClass
		var n int
		err := scan(&class, &n)
		out[class] = n
		return err
	}, `SELECT class, count(DISTINCT person_id) FROM matches WHERE state = 'open' GROUP BY class`)
}

func (s *Store) matches(ctx context.Context, where string, args ...any) ([]domain.Match, error) {
	out, err := all(ctx, s.db, func(scan func(...any) error) (domain.Match, error) {
		var m domain.Match
		var evidence string
		err := scan(&m.Person, &m.Account, &m.Login, &m.Address, &m.Class, &evidence, &m.State)
		for word := range strings.FieldsSeq(evidence) {
			m.Evidence = append(m.Evidence, domain.Evidence(word))
		}
		return m, err
	}, `SELECT person_id, account_id, login, address, class, evidence, state FROM matches `+where, args...)
	return out, wrap("matches", err)
}

// decideMatch closes a match, or leaves it open with a reason against it.
func decideMatch(ctx context.Context, tx *sql.Tx, d domain.MatchDecision) error {
	switch {
	case d.Adopted:
		if _, err := tx.ExecContext(ctx, `DELETE FROM matches WHERE person_id = $1`, d.Person); err != nil {
			return err
		}
		// Another person with the same account is not decided by this: an operator
		// has to say whether the two people are one.
		_, err := tx.ExecContext(ctx, `UPDATE matches SET class = 'contradictory', evidence = evidence || $1 WHERE account_id = $2 AND state = 'open'`,
			" "+string(domain.AgainstOwned), d.Account)
		return err
	case d.Against != "":
		_, err := tx.ExecContext(ctx, `UPDATE matches SET class = 'contradictory', evidence = evidence || $1 WHERE person_id = $2 AND account_id = $3 AND state = 'open'`,
			" "+string(d.Against), d.Person, d.Account)
		return err
	}
	if err := one(ctx, tx, domain.ErrConflict, `UPDATE matches SET state = 'rejected' WHERE person_id = $1 AND account_id = $2 AND state = 'open'`, d.Person, d.Account); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE people SET matching = '' WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM matches WHERE person_id = $1 AND state = 'open')`, d.Person)
	return err
}
