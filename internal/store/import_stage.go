package store

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"

	"entree/internal/domain"
	"entree/internal/naming"
)

// staged reports whether a source may have a field.
func staged(f domain.Field) bool { return f.Source != domain.SourceNever }

// stageColumns lists the columns of import_stage, in the order in which Put fills
// them.
var stageColumns = slices.Concat([]string{"seq", "line", "source"}, fieldNames(staged), []string{"search"})

// stage holds the lines that were read but not yet inserted into the staging
// table.
type stage struct {
	seq       int
	beginning [2]byte // of new IDs
	rows      []any   // len(stageColumns) values for each line
	letters   bool    // at least one number has letters
	zeros     bool    // at least one number begins with 0
	named     bool    // at least one line holds an identifier or address
	prepare   *sql.Stmt
}

func (i *importing) create() error {
	var columns []string
	for _, c := range stageColumns[2:] {
		columns = append(columns, c+" TEXT NOT NULL")
	}
	for _, statement := range []string{
		`CREATE TEMPORARY TABLE import_stage (seq INTEGER PRIMARY KEY, line BIGINT NOT NULL, ` + strings.Join(columns, ", ") + `)`,
		`CREATE TEMPORARY TABLE import_seen (profile TEXT NOT NULL, number TEXT NOT NULL)`,
		`CREATE TEMPORARY TABLE import_refused (seq INTEGER PRIMARY KEY, line BIGINT NOT NULL, first BIGINT NOT NULL)`,
		`CREATE TEMPORARY TABLE import_changed (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, differs INTEGER NOT NULL)`,
		`CREATE TEMPORARY TABLE import_gone (id TEXT PRIMARY KEY, source TEXT NOT NULL)`,
	} {
		if err := i.exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// sameBeginning is the number of lines whose new people get IDs with the same first two
// bytes. Their entries in an index lie together, which saves a tenth of the processor time
// of a million lines.
const sameBeginning = 100_000

// Put stages the person of a line. A person without an ID gets a random one,
// which is stored only if the profile and number are new. An ID must not be
// derived from the number: it stays in events and the audit after an erasure.
func (i *importing) Put(line int, p domain.Person) error {
	st := &i.stage
	if st.seq%sameBeginning == 0 {
		_, _ = rand.Read(st.beginning[:]) // never fails
	}
	st.seq++
	if p.ID == "" {
		var random [16]byte
		_, _ = rand.Read(random[:])
		copy(random[:], st.beginning[:])
		p.ID = domain.PersonID(hex.EncodeToString(random[:]))
	}
	source := i.order.Source
	if source == "" {
		source = p.Profile
	}
	st.letters = st.letters || hasLetter(p.Number)
	st.zeros = st.zeros || strings.HasPrefix(p.Number, "0")
	st.named = st.named || p.Login != "" || p.UniversityAddress != ""
	st.rows = append(st.rows, st.seq, line, source)
	for _, f := range domain.Fields() {
		if staged(f) {
			st.rows = append(st.rows, f.Text(&p))
		}
	}
	st.rows = append(st.rows, searchText(p))
	if st.seq%i.dialect.imports.batch != 0 {
		return nil
	}
	i.order.Progress(domain.PhaseReading, st.seq)
	return i.dialect.imports.stage(i)
}

// Refuse counts a refused line and records the person that it names.
func (i *importing) Refuse(profile, number string) error {
	i.counts.Refused++
	if number == "" {
		return nil
	}
	i.stage.letters = i.stage.letters || hasLetter(number)
	return i.exec(`INSERT INTO import_seen (profile, number) VALUES ($1, $2)`, profile, number)
}

// hasLetter reports whether a number has letters, so that its capitals may differ.
func hasLetter(number string) bool {
	return strings.ContainsFunc(number, func(r rune) bool { return r > '9' && r != '_' })
}

// family is the most people of one family who may share an address without a doubt.
const family = 3

// Separators of the names in one value of a query. No name has control characters.
const (
	betweenNames  = "\x1f"
	betweenPeople = "\x1e"
)

// isFamily reports whether names are those of siblings: of few people with one family
// name and different given names. They are compared as a search does, without case and
// accents, and not in SQL, where SQLite folds ASCII only.
func isFamily(names string) bool {
	var families, givens []string
	for person := range strings.SplitSeq(names, betweenPeople) {
		of, given, _ := strings.Cut(person, betweenNames)
		families = append(families, strings.Join(naming.Words(of), " "))
		givens = append(givens, strings.Join(naming.Words(given), " "))
	}
	slices.Sort(givens)
	return len(families) > 1 && len(slices.Compact(families)) == 1 && len(slices.Compact(givens)) == len(givens)
}

// Repeats implements domain.Comparer over the staged lines. The values are sorted on
// disk: a source may repeat as many as it has people.
func (i *importing) Repeats(address, number func(domain.Repeated) error) error {
	if err := i.stageRest(); err != nil {
		return err
	}
	see := func(call func(domain.Repeated) error) func(func(...any) error) error {
		return func(scan func(...any) error) error {
			var r domain.Repeated
			var names string
			if err := scan(&r.First, &r.Last, &r.People, &r.Line, &names); err != nil {
				return err
			}
			r.IsFamily = isFamily(names)
			return call(r)
		}
	}
	// CROSS JOIN keeps SQLite from reordering: the repeated addresses are the side that is
	// looked up. The names are joined for few people only, which bounds the value.
	if err := i.each(see(address), `SELECT s.email, s.email, count(*), min(s.line), coalesce(string_agg(CASE WHEN r.people <= $1 THEN s.family_name || '`+betweenNames+`' || s.given_name END, '`+betweenPeople+`'), '')
		FROM import_stage s CROSS JOIN (SELECT email, count(*) AS people FROM import_stage WHERE email <> '' GROUP BY email HAVING min(number) <> max(number) OR min(profile) <> max(profile)) r
		WHERE s.email = r.email GROUP BY s.email ORDER BY 4`, family); err != nil || !i.stage.zeros {
		return err
	}
	return i.each(see(number), `SELECT min(number), max(number), count(*), min(line), '' FROM import_stage
		GROUP BY profile, ltrim(number, '0') HAVING min(number) <> max(number) ORDER BY 4`)
}

// stageRest inserts the lines that no full batch holds.
func (i *importing) stageRest() error {
	if len(i.stage.rows) == 0 {
		return nil
	}
	return i.dialect.imports.stage(i)
}

// flush inserts the remaining lines and indexes the staging table.
func (i *importing) flush() error {
	if err := i.stageRest(); err != nil {
		return err
	}
	if i.stage.prepare != nil {
		_ = i.stage.prepare.Close() // no further lines are staged
	}
	statements := []string{`CREATE INDEX import_stage_key ON import_stage (profile, number)`, `CREATE INDEX import_seen_key ON import_seen (profile, number)`}
	if i.stage.named {
		statements = append(statements, `CREATE INDEX import_stage_login ON import_stage (login)`, `CREATE INDEX import_stage_address ON import_stage (university_address)`)
	}
	for _, statement := range append(statements, i.dialect.imports.staged...) {
		if err := i.exec(statement); err != nil {
			return err
		}
	}
	return nil
}
