package store

import (
	"fmt"
	"slices"
	"strings"

	"entree/internal/domain"
)

// same is the join condition between a staged line and its person.
const same = `p.profile = s.profile AND p.number = s.number`

// imported lists the fields that an import may change, without the key.
var imported = slices.DeleteFunc(slices.Clone(domain.Fields()), func(f domain.Field) bool {
	return f.Source != domain.SourceWins && f.Source != domain.SourceFills && f.Source != domain.SourceAside
})

// differs returns the condition that a line changes a field.
func differs(f domain.Field) string {
	if f.Source == domain.SourceFills {
		return fmt.Sprintf("(p.%[1]s = '' AND s.%[1]s <> '')", f.Name)
	}
	return fmt.Sprintf("p.%[1]s <> s.%[1]s", f.Name)
}

func anyDiffers() string {
	var out []string
	for _, f := range imported {
		out = append(out, differs(f))
	}
	return "(" + strings.Join(out, " OR ") + ")"
}

// compare finds the differences between the staged lines and the stored people:
// refused, new, changed or gone. It writes to temporary tables only.
func (i *importing) compare() error {
	for _, step := range []func() error{i.spell, i.keepChosen, i.refuseTwice, i.refuseTaken, i.findChanged, i.findGone, i.tell, i.judgeGone} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// spell replaces a number that is stored in other capitals by its stored spelling, so
// that a source which changes them does not make a second person. Numbers of the
// order's Cases stay.
func (i *importing) spell() error {
	if !i.stage.letters {
		return nil
	}
	apart, args := "", []any{}
	for n, profile := range i.order.Cases {
		apart += fmt.Sprintf(" AND %%[1]s.profile <> $%d", n+1)
		args = append(args, profile)
	}
	for _, table := range []string{"import_stage", "import_seen"} {
		if err := i.exec(fmt.Sprintf(`UPDATE %[1]s SET number = (SELECT min(p.number) FROM people p
			WHERE p.profile = %[1]s.profile AND upper(p.number) = upper(%[1]s.number) AND upper(p.number) <> lower(p.number))
			WHERE upper(number) <> lower(number)
			AND NOT EXISTS (SELECT 1 FROM people p WHERE p.profile = %[1]s.profile AND p.number = %[1]s.number)
			AND EXISTS (SELECT 1 FROM people p WHERE p.profile = %[1]s.profile AND upper(p.number) = upper(%[1]s.number) AND upper(p.number) <> lower(p.number))`+apart, table), args...); err != nil {
			return err
		}
	}
	return nil
}

// keepChosen leaves the address in use that the student or an operator set. The
// address of the source is staged beside it: an import that changes it reports that,
// and one that brings the address in use makes it the source's again.
func (i *importing) keepChosen() error {
	return i.exec(`UPDATE import_stage SET source_email = email, email = (SELECT p.email FROM people p WHERE p.profile = import_stage.profile AND p.number = import_stage.number)
		WHERE (profile, number) IN (SELECT p.profile, p.number FROM people p WHERE p.chosen_email <> '' AND p.chosen_email = p.email)
		AND email <> (SELECT p.email FROM people p WHERE p.profile = import_stage.profile AND p.number = import_stage.number)`)
}

// refuseTwice refuses the second and each further line of the same person.
func (i *importing) refuseTwice() error {
	if err := i.exec(`INSERT INTO import_refused (seq, line, first)
		SELECT s.seq, s.line, f.line FROM (SELECT profile, number, min(seq) AS seq FROM import_stage GROUP BY profile, number HAVING count(*) > 1) d
		JOIN import_stage s ON s.profile = d.profile AND s.number = d.number AND s.seq > d.seq JOIN import_stage f ON f.seq = d.seq`); err != nil {
		return err
	}
	return i.refuse(domain.DifferenceTwice)
}

// refuseTaken refuses a line with an identifier or address that belongs to
// another person or is claimed by an earlier line.
func (i *importing) refuseTaken() error {
	if !i.stage.named {
		return nil
	}
	for column, kind := range nameKinds {
		if err := i.exec(fmt.Sprintf(`INSERT INTO import_refused (seq, line, first)
			SELECT s.seq, s.line, 0 FROM import_stage s LEFT JOIN people p ON `+same+`
			WHERE s.%[1]s <> '' AND coalesce(p.%[1]s, '') = '' AND (
				EXISTS (SELECT 1 FROM names n WHERE n.kind = $1 AND n.value = s.%[1]s AND n.person_id <> coalesce(p.id, s.id))
				OR EXISTS (SELECT 1 FROM import_stage e WHERE e.%[1]s = s.%[1]s AND e.seq < s.seq))
			ON CONFLICT DO NOTHING`, column), kind); err != nil {
			return err
		}
	}
	return i.refuse(domain.DifferenceTaken)
}

// refuse reports the lines of import_refused as differences and removes them
// from the stage. Their people are part of the source and do not count as gone.
func (i *importing) refuse(kind domain.DifferenceKind) error {
	told := 0
	err := i.each(func(scan func(...any) error) error {
		d := domain.Difference{Kind: kind}
		if err := scan(&d.Line, &d.First, &d.Profile, &d.Number, &d.Name); err != nil {
			return err
		}
		told++
		return i.order.Told(d)
	}, `SELECT r.line, r.first, s.profile, s.number, s.given_name || ' ' || s.family_name FROM import_refused r JOIN import_stage s ON s.seq = r.seq ORDER BY r.seq`)
	if err != nil || told == 0 {
		return err
	}
	i.counts.Refused += told
	for _, statement := range []string{
		`INSERT INTO import_seen (profile, number) SELECT s.profile, s.number FROM import_refused r JOIN import_stage s ON s.seq = r.seq`,
		`DELETE FROM import_stage WHERE seq IN (SELECT seq FROM import_refused)`,
		`DELETE FROM import_refused`,
	} {
		if err := i.exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// findChanged selects the people whose rows must be written. The column differs
// is 1 if a field changes, and 0 if only the source or the mark "gone" changes.
// A person who was erased on request is not changed, even if the source still
// holds their data.
func (i *importing) findChanged() error {
	return i.exec(`INSERT INTO import_changed (seq, id, differs)
		SELECT s.seq, p.id, CASE WHEN ` + anyDiffers() + ` THEN 1 ELSE 0 END AS differs
		FROM import_stage s JOIN people p ON ` + same + ` WHERE p.erased_at = 0 AND (` + anyDiffers() + ` OR p.source <> s.source OR p.gone_at <> 0)`)
}

// findGone selects the people of the last import of this source who are not in
// this one. People without a source are never gone.
func (i *importing) findGone() error {
	of, args := `IN (SELECT DISTINCT source FROM import_stage)`, []any(nil)
	switch {
	case i.order.Part:
		return nil
	case i.order.Source != "":
		of, args = `= $1`, []any{i.order.Source}
	}
	return i.exec(`INSERT INTO import_gone (id, source) SELECT p.id, p.source FROM people p WHERE p.gone_at = 0 AND p.source `+of+`
		AND NOT EXISTS (SELECT 1 FROM import_stage s WHERE `+same+`) AND NOT EXISTS (SELECT 1 FROM import_seen s WHERE `+same+`)`, args...)
}

// tell counts all differences and reports the first ones of each kind.
func (i *importing) tell() error {
	scanCount := func(to *int) func(func(...any) error) error {
		return func(scan func(...any) error) error { return scan(to) }
	}
	var staged int
	for _, c := range []struct {
		to    *int
		query string
	}{
		{&staged, `SELECT count(*) FROM import_stage`},
		{&i.counts.Changed, `SELECT coalesce(sum(differs), 0) FROM import_changed`},
		{&i.counts.Gone, `SELECT count(*) FROM import_gone`},
	} {
		if err := i.each(scanCount(c.to), c.query); err != nil {
			return err
		}
	}
	if i.order.DryRun {
		if err := i.each(scanCount(&i.counts.New), `SELECT count(*) FROM import_stage s WHERE NOT EXISTS (SELECT 1 FROM people p WHERE `+same+`)`); err != nil {
			return err
		}
	}
	i.counts.Unchanged = staged - i.counts.New - i.counts.Changed // new people are reported by write, except in a dry run
	if i.order.Show == 0 {
		return nil
	}
	if err := i.each(i.toldPlain(domain.DifferenceNew), `SELECT s.line, s.profile, s.number, s.given_name || ' ' || s.family_name FROM import_stage s
		WHERE NOT EXISTS (SELECT 1 FROM people p WHERE `+same+`) ORDER BY s.seq LIMIT $1`, i.order.Show); err != nil {
		return err
	}
	if err := i.each(i.toldPlain(domain.DifferenceGone), `SELECT 0, p.profile, p.number, p.given_name || ' ' || p.family_name FROM import_gone g JOIN people p ON p.id = g.id
		ORDER BY p.profile, p.number LIMIT $1`, i.order.Show); err != nil {
		return err
	}
	return i.each(func(scan func(...any) error) error {
		d := domain.Difference{Kind: domain.DifferenceChanged}
		to := []any{&d.Line, &d.Profile, &d.Number, &d.Name}
		values := make([]string, 2*len(imported))
		for n := range values {
			to = append(to, &values[n])
		}
		if err := scan(to...); err != nil {
			return err
		}
		for n, f := range imported {
			before, after := values[2*n], values[2*n+1]
			if before != after && (f.Source != domain.SourceFills || before == "") {
				d.Changes = append(d.Changes, domain.FieldChange{Field: f.Name, Old: before, New: after})
			}
		}
		return i.order.Told(d)
	}, `SELECT s.line, s.profile, s.number, p.given_name || ' ' || p.family_name, `+beforeAndAfter()+` FROM import_changed c
		JOIN import_stage s ON s.seq = c.seq JOIN people p ON p.id = c.id WHERE c.differs = 1 ORDER BY s.seq LIMIT $1`, i.order.Show)
}

func beforeAndAfter() string {
	var out []string
	for _, f := range imported {
		out = append(out, "p."+f.Name, "s."+f.Name)
	}
	return strings.Join(out, ", ")
}

func (i *importing) toldPlain(kind domain.DifferenceKind) func(func(...any) error) error {
	return func(scan func(...any) error) error {
		d := domain.Difference{Kind: kind}
		if err := scan(&d.Line, &d.Profile, &d.Number, &d.Name); err != nil {
			return err
		}
		return i.order.Told(d)
	}
}

// judgeGone returns domain.TooManyGone if the import would mark too large a
// share of a source's people as gone.
func (i *importing) judgeGone() error {
	if i.order.Gone || i.counts.Gone == 0 {
		return nil
	}
	var too domain.TooManyGone
	err := i.each(func(scan func(...any) error) error {
		g := domain.GoneShare{Max: i.order.MaxGone}
		if err := scan(&g.Source, &g.Of, &g.Gone); err != nil {
			return err
		}
		if float64(g.Gone) > g.Max*float64(g.Of) {
			too.Sources = append(too.Sources, g)
		}
		return nil
	}, `SELECT g.source, (SELECT count(*) FROM people p WHERE p.source = g.source AND p.gone_at = 0), g.gone
		FROM (SELECT source, count(*) AS gone FROM import_gone GROUP BY source) g ORDER BY g.source`)
	if err != nil || len(too.Sources) == 0 {
		return err
	}
	return &too
}
