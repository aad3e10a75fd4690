package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/overview"
)

// Dossier returns all data that the store holds about a person.
func (s *Store) Dossier(ctx context.Context, id domain.PersonID) (overview.Dossier, error) {
	var d overview.Dossier
	var err error
	if d.Person, err = s.Person(ctx, id); err != nil {
		return d, err
	}
	if d.Events, err = s.Events(ctx, id); err != nil {
		return d, err
	}
	if d.Acceptances, d.Charters, err = s.Evidence(ctx, id); err != nil {
		return d, err
	}
	if d.ContactChanges, err = s.ContactChanges(ctx, id); err != nil {
		return d, err
	}
	if d.Claims, err = s.ClaimsOf(ctx, id); err != nil {
		return d, err
	}
	if d.FactorRemovals, err = s.FactorRemovals(ctx, id); err != nil {
		return d, err
	}
	if d.Factors, err = s.KnownFactors(ctx, id); err != nil {
		return d, err
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		j, err := scanJobLine(scan)
		d.Jobs = append(d.Jobs, j)
		return err
	}, `SELECT `+jobLineColumns+` FROM jobs WHERE person_id = $1 ORDER BY created_at, id`, id)
	if err != nil {
		return d, err
	}
	if err := s.dossierOfOthers(ctx, &d); err != nil {
		return d, err
	}
	err = s.Audit(ctx, audit.Query{Whom: string(id), OldestFirst: true}, func(l audit.Link) error {
		d.Audit = append(d.Audit, l)
		return nil
	})
	return d, err
}

// dossierOfOthers adds the data of imports, campaigns and the help desk.
func (s *Store) dossierOfOthers(ctx context.Context, d *overview.Dossier) (err error) {
	id := d.Person.ID
	if d.Import, err = s.ImportOf(ctx, id); err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err
	}
	var stage, gone, issued, expires int64
	if err := s.db.QueryRowContext(ctx, `SELECT source, stage, gone_at FROM people WHERE id = $1`, id).Scan(&d.Source, &stage, &gone); err != nil {
		return wrap("dossier", err)
	}
	d.Stage, d.GoneAt = domain.Stage(stage), moment(gone)
	err = s.db.QueryRowContext(ctx, `SELECT issued_at, expires_at FROM desk_codes WHERE person_id = $1`, id).Scan(&issued, &expires)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return wrap("dossier", err)
	}
	d.DeskCode.IssuedAt, d.DeskCode.ExpiresAt = moment(issued), moment(expires)
	all, err := s.JourneysOf(ctx, d.Person)
	if err != nil {
		return err
	}
	d.Journeys = slices.DeleteFunc(all, func(j domain.Journey) bool { return !j.MayBeFor(id) })
	return s.each(ctx, func(scan func(...any) error) error {
		var m overview.CampaignMail
		var doc string
		var at, sent int64
		var c struct{ Name string }
		err := errors.Join(scan(&doc, &m.Round, &m.State, &m.Why, &at, &sent), json.Unmarshal([]byte(doc), &c))
		m.Campaign, m.At, m.SentAt = c.Name, moment(at), moment(sent)
		d.Mails = append(d.Mails, m)
		return err
	}, `SELECT c.doc, m.round, m.state, m.why, m.at, m.sent_at FROM campaign_mails m JOIN campaigns c ON c.id = m.campaign_id WHERE m.person_id = $1 ORDER BY m.at, m.round`, id)
}

// Erase removes all data about a person except:
//
//   - the number, by which a later import knows not to create the person again and
//     the university can match the evidence to the person;
//   - the identifier and the university address, which are never assigned again;
//   - the acceptances, with their texts;
//   - the events, and the audit entries without their details, under the person's
//     id, which is random and not derived from the number;
//   - the rows of campaign mails, under a random key, so that the figures of the
//     campaign do not change.
//
// The audit entry is chained in the same transaction. Erase returns
// domain.ErrConflict while the person's account is being created, and for a person
// who is erased already.
func (s *Store) Erase(ctx context.Context, id domain.PersonID, entry audit.Entry) error {
	entry.Act, entry.Whom = audit.ActErased, string(id)
	return wrap("erase", s.tx(ctx, func(tx *sql.Tx) error {
		if err := forgetJourneys(ctx, tx, id); err != nil {
			return err
		}
		if err := one(ctx, tx, domain.ErrConflict, `UPDATE people SET `+emptied()+`, wrong_provider = '', readiness = $1, erased_at = $2 WHERE id = $3 AND account <> $4 AND erased_at = 0`,
			domain.Held, micros(entry.At), id, domain.AccountCreating); err != nil {
			return err
		}
		// The mails of a journey are events of all people at its address.
		for _, statement := range []string{
			`DELETE FROM jobs WHERE person_id = $1 OR journey_id IN (SELECT journey_id FROM events WHERE person_id = $1 AND journey_id <> '' AND kind NOT LIKE 'mail.%')`,
			`DELETE FROM journeys WHERE person_id = $1 OR id IN (SELECT journey_id FROM events WHERE person_id = $1 AND journey_id <> '' AND kind NOT LIKE 'mail.%')`,
			`DELETE FROM desk_codes WHERE person_id = $1`,
			`DELETE FROM contact_changes WHERE person_id = $1`,
			`DELETE FROM address_claims WHERE person_id = $1`,
			`DELETE FROM factor_removals WHERE person_id = $1`,
			`DELETE FROM factors WHERE person_id = $1`,
			`DELETE FROM factor_changes WHERE person_id = $1`,
			`DELETE FROM matches WHERE person_id = $1`,
			`UPDATE campaign_mails SET person_id = 'erased-` + rand.Text() + `', job_id = '', state = CASE state WHEN 'waiting' THEN 'skipped' ELSE state END,
				why = CASE state WHEN 'waiting' THEN 'gone' ELSE why END WHERE person_id = $1`,
			`DELETE FROM audit_details WHERE seq IN (SELECT seq FROM audit WHERE whom = $1)`,
		} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		if err := refind(ctx, tx, id); err != nil {
			return err
		}
		return s.apply(ctx, tx, domain.Effects{Audit: []audit.Entry{entry}})
	}))
}

// emptied returns the SET list that empties the fields removed by an erasure.
func emptied() string {
	var out []string
	for _, f := range domain.Fields() {
		if !f.Erased {
			continue
		}
		empty := "''"
		if _, ok := f.Of(&domain.Person{}).(*time.Time); ok {
			empty = "0"
		}
		out = append(out, f.Name+" = "+empty)
	}
	return strings.Join(out, ", ")
}

// forgetJourneys deletes the journeys that were requested with one of a person's
// addresses and can belong to no other person, with their waiting mails. A
// journey that may belong to another person with the same address expires
// within a day.
func forgetJourneys(ctx context.Context, tx *sql.Tx, id domain.PersonID) error {
	journeys, err := all(ctx, tx, document[domain.Journey], `SELECT doc FROM journeys WHERE address <> '' AND address IN (SELECT email FROM people WHERE id = $1 UNION SELECT second_email FROM people WHERE id = $1)`, id)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM long_codes WHERE address IN (SELECT email FROM people WHERE id = $1 UNION SELECT second_email FROM people WHERE id = $1)`, id); err != nil {
		return err
	}
	for _, j := range journeys {
		if !j.IsOnlyFor(id) {
			continue
		}
		for _, statement := range []string{`DELETE FROM jobs WHERE journey_id = $1`, `DELETE FROM journeys WHERE id = $1`} {
			if _, err := tx.ExecContext(ctx, statement, j.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
