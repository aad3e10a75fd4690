package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"entree/internal/charter"
	"entree/internal/domain"
)

const versionColumns = `v.id, v.profile, v.name, v.title_fr, v.title_en, v.sha256_fr, v.sha256_en, v.published_at, v.published_by, v.from_at,
	coalesce(o.at, 0), coalesce(o.by_whom, ''), f.text, coalesce(e.text, '')`

const fromVersions = ` FROM charter_versions v JOIN charters f ON f.sha256 = v.sha256_fr LEFT JOIN charters e ON e.sha256 = v.sha256_en
	LEFT JOIN charters_called_off o ON o.version_id = v.id `

func scanVersion(scan func(...any) error) (charter.Version, error) {
	var v charter.Version
	var published, from, off int64
	fr, en := &v.Texts.French, &v.Texts.English
	err := scan(&v.ID, &v.Profile, &v.Name, &fr.Title, &en.Title, &fr.SHA256, &en.SHA256, &published, &v.PublishedBy, &from,
		&off, &v.CalledOffBy, &fr.Markdown, &en.Markdown)
	v.PublishedAt, v.From, v.CalledOffAt = moment(published), moment(from), moment(off)
	return v, err
}

// Versions returns all published charter versions, the newest first.
func (s *Store) Versions(ctx context.Context) ([]charter.Version, error) {
	out, err := all(ctx, s.db, scanVersion, `SELECT `+versionColumns+fromVersions+`ORDER BY v.from_at DESC, v.published_at DESC`)
	return out, wrap("charters", err)
}

// Version returns a published charter version, or ErrNotFound.
func (s *Store) Version(ctx context.Context, id string) (charter.Version, error) {
	v, err := scanVersion(s.db.QueryRowContext(ctx, `SELECT `+versionColumns+fromVersions+`WHERE v.id = $1`, id).Scan)
	return v, wrap("charter", notFound(err))
}

// CharterText returns a published text by its SHA-256 hash, or ErrNotFound.
func (s *Store) CharterText(ctx context.Context, sha256 string) (domain.Charter, error) {
	c := domain.Charter{SHA256: sha256}
	err := s.db.QueryRowContext(ctx, `SELECT profile, lang, version, title, text FROM charters WHERE sha256 = $1`, sha256).Scan(&c.Profile, &c.Lang, &c.Version, &c.Title, &c.Text)
	return c, wrap("charter", notFound(err))
}

// Publish adds a version with its texts and removes its draft. It returns
// charter.ErrOvertaken if the draft changed since the given revision.
func (s *Store) Publish(ctx context.Context, v charter.Version, draft string, revision int64, e domain.Effects) error {
	return wrap("publish", s.tx(ctx, func(tx *sql.Tx) error {
		if draft != "" {
			if err := one(ctx, tx, charter.ErrOvertaken, `DELETE FROM charter_drafts WHERE id = $1 AND revision = $2`, draft, revision); err != nil {
				return err
			}
		}
		added, err := addVersion(ctx, tx, v)
		if err == nil && !added {
			err = charter.ErrNameUsed
		}
		if err != nil {
			return err
		}
		return s.apply(ctx, tx, e)
	}))
}

// Seed adds a version unless its profile already has one. It reports whether
// the version was added.
func (s *Store) Seed(ctx context.Context, v charter.Version) (added bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error { // instances that start at the same time insert the same version
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM charter_versions WHERE profile = $1`, v.Profile).Scan(&n); err != nil || n > 0 {
			return err
		}
		added, err = addVersion(ctx, tx, v)
		return err
	})
	return added, wrap("seed charter", err)
}

func addVersion(ctx context.Context, tx *sql.Tx, v charter.Version) (bool, error) {
	for lang, t := range map[domain.Lang]charter.Text{domain.French: v.Texts.French, domain.English: v.Texts.English} {
		if t.SHA256 == "" {
			continue
		}
		// A text with a known hash is not stored again.
		if _, err := tx.ExecContext(ctx, `INSERT INTO charters (sha256, profile, lang, version, title, text, published_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO NOTHING`,
			t.SHA256, v.Profile, lang, v.Name, t.Title, t.Markdown, micros(v.PublishedAt)); err != nil {
			return false, err
		}
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO charter_versions (id, profile, name, title_fr, title_en, sha256_fr, sha256_en, published_at, published_by, from_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (profile, name) DO NOTHING`,
		v.ID, v.Profile, v.Name, v.Texts.French.Title, v.Texts.English.Title, v.Texts.French.SHA256, v.Texts.English.SHA256, micros(v.PublishedAt), v.PublishedBy, micros(v.From))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// CallOff withdraws a version before it comes into force. It returns
// charter.ErrPast if the version is in force or withdrawn already.
func (s *Store) CallOff(ctx context.Context, id, by string, at time.Time, e domain.Effects) error {
	return wrap("call off", s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, charter.ErrPast, `INSERT INTO charters_called_off (version_id, at, by_whom)
			SELECT id, cast($1 AS bigint), cast($2 AS text) FROM charter_versions WHERE id = $3 AND from_at > cast($1 AS bigint) ON CONFLICT DO NOTHING`, micros(at), by, id); err != nil {
			return err
		}
		return s.apply(ctx, tx, e)
	}))
}

// holds adds the query of the charter in force, and returns the function that, after the
// next send, returns ErrCharterReplaced if c is not that charter (I2). It reads the
// committed state of the moment in which the effects are written: a version published by
// a later commit does not count.
func (s *Store) holds(ctx context.Context, b *pipeline, c domain.InForce) (func() error, error) {
	var inForce []string
	err := b.rows(ctx, func(scan func(...any) error) error {
		inForce = make([]string, 2)
		return scan(&inForce[0], &inForce[1])
	}, `SELECT sha256_fr, sha256_en FROM charter_versions v WHERE profile IN ($1, '') AND from_at <= $2
		AND NOT EXISTS (SELECT 1 FROM charters_called_off o WHERE o.version_id = v.id)
		ORDER BY CASE WHEN profile = '' THEN 1 ELSE 0 END, from_at DESC, published_at DESC LIMIT 1`, c.Profile, micros(s.now()))
	if err != nil {
		return nil, fmt.Errorf("charter in force: %w", err)
	}
	return func() error {
		if c.SHA256 == "" || !slices.Contains(inForce, c.SHA256) {
			return domain.ErrCharterReplaced
		}
		return nil
	}, nil
}

const draftColumns = `id, profile, name, title_fr, title_en, text_fr, text_en, revision, edited_at, edited_by`

func scanDraft(scan func(...any) error) (charter.Draft, error) {
	var d charter.Draft
	var edited int64
	fr, en := &d.Texts.French, &d.Texts.English
	err := scan(&d.ID, &d.Profile, &d.Name, &fr.Title, &en.Title, &fr.Markdown, &en.Markdown, &d.Revision, &edited, &d.EditedBy)
	for _, t := range []*charter.Text{fr, en} {
		if t.Markdown != "" {
			t.SHA256 = domain.HashCharter(t.Markdown)
		}
	}
	d.EditedAt = moment(edited)
	return d, err
}

// Drafts returns all drafts, the one edited last first.
func (s *Store) Drafts(ctx context.Context) ([]charter.Draft, error) {
	out, err := all(ctx, s.db, scanDraft, `SELECT `+draftColumns+` FROM charter_drafts ORDER BY edited_at DESC`)
	return out, wrap("drafts", err)
}

// Draft returns a draft, or ErrNotFound.
func (s *Store) Draft(ctx context.Context, id string) (charter.Draft, error) {
	d, err := scanDraft(s.db.QueryRowContext(ctx, `SELECT `+draftColumns+` FROM charter_drafts WHERE id = $1`, id).Scan)
	return d, wrap("draft", notFound(err))
}

// SaveDraft replaces the revision named in d; revision 0 creates a new draft.
// It returns charter.ErrOvertaken if the draft has another revision.
func (s *Store) SaveDraft(ctx context.Context, d charter.Draft, e domain.Effects) error {
	return wrap("draft", s.tx(ctx, func(tx *sql.Tx) error {
		args := []any{d.ID, d.Profile, d.Name, d.Texts.French.Title, d.Texts.English.Title, d.Texts.French.Markdown, d.Texts.English.Markdown, d.Revision, micros(d.EditedAt), d.EditedBy}
		if d.Revision == 0 {
			if err := one(ctx, tx, charter.ErrOvertaken, `INSERT INTO charter_drafts (`+draftColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, cast($8 AS bigint) + 1, $9, $10) ON CONFLICT DO NOTHING`, args...); err != nil {
				return err
			}
			return s.apply(ctx, tx, e)
		}
		if err := one(ctx, tx, charter.ErrOvertaken, `UPDATE charter_drafts SET profile = $2, name = $3, title_fr = $4, title_en = $5, text_fr = $6, text_en = $7,
			revision = revision + 1, edited_at = $9, edited_by = $10 WHERE id = $1 AND revision = $8`, args...); err != nil {
			return err
		}
		return s.apply(ctx, tx, e)
	}))
}

// DeleteDraft deletes a draft. It returns ErrNotFound if there is none.
func (s *Store) DeleteDraft(ctx context.Context, id string, e domain.Effects) error {
	return wrap("draft", s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, domain.ErrNotFound, `DELETE FROM charter_drafts WHERE id = $1`, id); err != nil {
			return err
		}
		return s.apply(ctx, tx, e)
	}))
}

// owing returns the condition that selects the active people of a profile ($1)
// who accepted none of the texts, and its arguments. The hashes of the texts
// begin at $2.
func owing(profile string, sha256 []string) (string, []any) {
	args := []any{profile}
	for _, h := range sha256 {
		args = append(args, h)
	}
	return `account = 'active' AND profile = $1 AND NOT EXISTS (SELECT 1 FROM acceptances a WHERE a.person_id = people.id AND a.sha256 IN (` + marks(2, len(sha256)) + `))`, args
}

// Owing returns the number of active people of a profile who accepted none of the
// texts.
func (s *Store) Owing(ctx context.Context, profile string, sha256 []string) (int, error) {
	where, args := owing(profile, sha256)
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE `+where, args...).Scan(&n)
	return n, wrap("owing", err)
}

// WhoOwes lists the people that Owing counts, by their numbers.
func (s *Store) WhoOwes(ctx context.Context, profile string, sha256 []string, skip, limit int) ([]domain.Person, error) {
	where, args := owing(profile, sha256)
	args = append(args, limit, skip)
	return s.people(ctx, fmt.Sprintf(`WHERE %s ORDER BY number LIMIT $%d OFFSET $%d`, where, len(args)-1, len(args)), args...)
}

// Accepted reports whether a person accepted at least one of the texts.
func (s *Store) Accepted(ctx context.Context, id domain.PersonID, sha256 ...string) (bool, error) {
	args := []any{id}
	for _, h := range sha256 {
		args = append(args, h)
	}
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM acceptances WHERE person_id = $1 AND sha256 IN (`+marks(2, len(sha256))+`)`, args...).Scan(&n)
	return n > 0, wrap("accepted", err)
}

// LastAcceptance returns the newest acceptance of a person, or ErrNotFound.
func (s *Store) LastAcceptance(ctx context.Context, id domain.PersonID) (domain.Acceptance, error) {
	var a domain.Acceptance
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT person_id, journey_id, profile, lang, version, sha256, at FROM acceptances WHERE person_id = $1 ORDER BY at DESC LIMIT 1`, id).
		Scan(&a.Person, &a.Journey, &a.Profile, &a.Lang, &a.Version, &a.SHA256, &at)
	a.At = moment(at)
	return a, wrap("acceptance", notFound(err))
}

// Evidence returns the acceptances of a person, oldest first, with the exact
// texts.
func (s *Store) Evidence(ctx context.Context, person domain.PersonID) ([]domain.Acceptance, []domain.Charter, error) {
	var acceptances []domain.Acceptance
	var charters []domain.Charter
	err := eachRow(ctx, s.db, func(scan func(...any) error) error {
		var a domain.Acceptance
		var c domain.Charter
		var at int64
		err := scan(&a.Person, &a.Journey, &a.Profile, &a.Lang, &a.Version, &a.SHA256, &at, &c.Title, &c.Text)
		a.At = moment(at)
		c.Profile, c.Lang, c.Version, c.SHA256 = a.Profile, a.Lang, a.Version, a.SHA256
		acceptances, charters = append(acceptances, a), append(charters, c)
		return err
	}, `SELECT a.person_id, a.journey_id, a.profile, a.lang, a.version, a.sha256, a.at, c.title, c.text
		FROM acceptances a JOIN charters c ON c.sha256 = a.sha256 WHERE a.person_id = $1 ORDER BY a.at`, person)
	return acceptances, charters, wrap("evidence", err)
}
