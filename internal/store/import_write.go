package store

import (
	"fmt"
	"strings"

	"entree/internal/domain"
)

// write stores the result of compare in steps, each of which reports progress
// and can be cancelled.
func (i *importing) write() error {
	d := i.dialect.imports
	if err := i.all(d.enlarge); err != nil {
		return err
	}
	large := i.stage.seq > d.batch
	if large {
		if err := i.all(d.collect); err != nil {
			return err
		}
	}
	if err := i.claimNames(); err != nil {
		return err
	}
	for from := 0; from < i.stage.seq; from += d.chunk {
		i.order.Progress(domain.PhaseWriting, from)
		if err := i.writeChunk(from, from+d.chunk); err != nil {
			return err
		}
	}
	i.counts.Unchanged -= i.counts.New
	if err := i.writeGone(); err != nil {
		return err
	}
	if large {
		if err := i.all(d.usual); err != nil {
			return err
		}
	}
	if i.counts.New > d.batch {
		if err := i.all(d.written); err != nil {
			return err
		}
	}
	c := i.counts
	if err := i.exec(`UPDATE imports SET state = $1, ended_at = $2, added = $3, changed = $4, unchanged = $5, gone = $6, refused = $7 WHERE id = $8`,
		domain.ImportDone, i.now, c.New, c.Changed, c.Unchanged, c.Gone, c.Refused, i.order.ID); err != nil {
		return err
	}
	i.order.Progress(domain.PhaseWriting, i.stage.seq)
	return nil
}

// claimNames reserves permanently the identifiers and addresses that the lines
// set for the first time.
func (i *importing) claimNames() error {
	if !i.stage.named {
		return nil
	}
	for column, kind := range nameKinds {
		if err := i.exec(fmt.Sprintf(`INSERT INTO names (kind, value, person_id)
			SELECT '%[2]s', s.%[1]s, coalesce(p.id, s.id) FROM import_stage s LEFT JOIN people p ON `+same+`
			WHERE s.%[1]s <> '' AND coalesce(p.%[1]s, '') = '' ON CONFLICT DO NOTHING`, column, kind)); err != nil {
			return err
		}
	}
	return nil
}

// writeChunk writes the people of a range of lines. It updates existing people
// before it inserts new ones, because a new row would match the update as well.
// import_id and imported_at name the import that created the person; later
// changes are in the person's events.
func (i *importing) writeChunk(after, to int) error {
	set := make([]string, 0, 8)
	for _, f := range imported {
		if f.Source == domain.SourceFills {
			set = append(set, fmt.Sprintf("%[1]s = CASE WHEN people.%[1]s = '' THEN s.%[1]s ELSE people.%[1]s END", f.Name))
		} else {
			set = append(set, f.Name+" = s."+f.Name)
		}
	}
	// The source has caught up: its address is the one in use.
	set = append(set, `chosen_email = CASE WHEN people.chosen_email = s.email AND s.source_email = '' THEN '' ELSE people.chosen_email END`)
	if err := i.exec(`INSERT INTO events (id, at, kind, person_id, journey_id, details) `+i.event(domain.EventPersonChanged, changedFields())+`
		FROM import_changed c JOIN import_stage s ON s.seq = c.seq JOIN people p ON p.id = c.id WHERE c.differs = 1 AND c.seq > $1 AND c.seq <= $2`, after, to); err != nil {
		return err
	}
	if err := i.endJourneys(fmt.Sprintf(`SELECT c.id FROM import_changed c JOIN import_stage s ON s.seq = c.seq JOIN people p ON p.id = c.id
		WHERE c.differs = 1 AND c.seq > %d AND c.seq <= %d AND (p.email <> s.email OR s.readiness <> '%s')`, after, to, domain.Ready)); err != nil {
		return err
	}
	if err := i.exec(fmt.Sprintf(`INSERT INTO jobs (id, kind, person_id, journey_id, payload, created_at, run_at, deadline)
		SELECT '%016x%s' || p.id, '%s', p.id, '', NULL, %[1]d, %[1]d, %[4]d FROM import_changed c JOIN import_stage s ON s.seq = c.seq JOIN people p ON p.id = c.id
		WHERE c.differs = 1 AND c.seq > %[5]d AND c.seq <= %[6]d AND p.email <> s.email AND p.account IN ('%[7]s', '%[8]s') AND p.erased_at = 0`,
		i.now, i.order.ID, domain.JobAddress, i.now+domain.CopyTime.Microseconds(), after, to, domain.AccountActive, domain.AccountCreating)); err != nil {
		return err
	}
	if err := i.exec(`UPDATE people SET `+strings.Join(set, ", ")+`, search = s.search, source = s.source, gone_at = 0
		FROM import_changed c JOIN import_stage s ON s.seq = c.seq WHERE people.id = c.id AND c.seq > $1 AND c.seq <= $2`, after, to); err != nil {
		return err
	}
	if err := i.refind(after, to); err != nil {
		return err
	}
	columns := strings.Join(stageColumns[2:], ", ")
	added, err := i.count(`INSERT INTO people (`+columns+`, import_id, imported_at)
		SELECT `+columns+`, cast($1 AS text), cast($2 AS bigint) FROM import_stage s
		WHERE s.seq > $3 AND s.seq <= $4 AND NOT EXISTS (SELECT 1 FROM people p WHERE `+same+`)`, i.order.ID, i.now, after, to)
	i.counts.New += added
	return err
}

// endJourneys revokes the journeys of the people that a query selects: after a
// new address, or an enrolment that no longer allows an account, a journey of
// the old mailbox must not continue. The query starts from the journeys, which are
// few: SQLite keeps the order of a CROSS JOIN, and would otherwise read all people.
func (i *importing) endJourneys(ids string) error {
	var people []domain.Person
	if err := i.each(func(scan func(...any) error) error {
		var p domain.Person
		err := scan(&p.ID, &p.Email, &p.SecondEmail)
		people = append(people, p)
		return err
	}, `SELECT p.id, p.email, p.second_email FROM people p WHERE p.id IN (SELECT person_id FROM journeys WHERE expires_at > $1 AND person_id <> ''
		UNION SELECT q.id FROM journeys j CROSS JOIN people q WHERE q.email = j.address AND j.expires_at > $1 AND j.address <> ''
		UNION SELECT q.id FROM journeys j CROSS JOIN people q WHERE q.second_email = j.address AND q.second_email <> '' AND j.expires_at > $1)
		AND p.id IN (`+ids+`)`, i.now); err != nil {
		return err
	}
	for _, p := range people {
		if err := endJourneys(i.ctx, i.conn, p, moment(i.now)); err != nil {
			return fmt.Errorf("store: import: %w", err)
		}
	}
	return nil
}

// refind rewrites the search words of changed people who have a login or an address that
// is not in the line. A line never has the second address.
func (i *importing) refind(after, to int) error {
	words := map[domain.PersonID]string{}
	if err := i.each(func(scan func(...any) error) error {
		p, err := scanPerson(scan)
		words[p.ID] = searchText(p)
		return err
	}, `SELECT `+personColumns+` FROM people WHERE id IN (SELECT p.id FROM import_changed c JOIN import_stage s ON s.seq = c.seq JOIN people p ON p.id = c.id
		WHERE c.seq > $1 AND c.seq <= $2 AND (p.login <> s.login OR p.university_address <> s.university_address OR s.source_email <> '' OR p.second_email <> ''))`, after, to); err != nil {
		return err
	}
	for id, search := range words {
		if err := i.exec(`UPDATE people SET search = $1 WHERE id = $2`, search, id); err != nil {
			return err
		}
	}
	return nil
}

// writeGone sets people who are gone and have no account to held. It erases no
// person.
func (i *importing) writeGone() error {
	if i.counts.Gone == 0 {
		return nil
	}
	if err := i.exec(`INSERT INTO events (id, at, kind, person_id, journey_id, details) ` + i.event(domain.EventPersonGone, `''`) + ` FROM import_gone p`); err != nil {
		return err
	}
	if err := i.endJourneys(`SELECT id FROM import_gone`); err != nil {
		return err
	}
	return i.exec(`UPDATE people SET gone_at = $1, readiness = CASE WHEN account = $2 AND readiness = $3 THEN $4 ELSE readiness END WHERE id IN (SELECT id FROM import_gone)`,
		i.now, domain.NoAccount, domain.Ready, domain.NotReady)
}

// event returns a SELECT of one event for each person p, with the id of the
// import and the names of the changed fields. The values are left out: events
// remain when a person is erased.
func (i *importing) event(kind domain.EventKind, fields string) string {
	return fmt.Sprintf(`SELECT '%016x%s' || p.id, %[1]d, '%[3]s', p.id, '', '{"import":"%[2]s","fields":"' || %[4]s || '"}'`, i.now, i.order.ID, kind, fields)
}

// changedFields returns an expression for the names of the fields that a line
// changes, separated by spaces.
func changedFields() string {
	var out []string
	for _, f := range imported {
		out = append(out, fmt.Sprintf("CASE WHEN %s THEN ' %s' ELSE '' END", differs(f), f.Name))
	}
	return "trim(" + strings.Join(out, " || ") + ")"
}
