package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var embedded embed.FS

// migrations holds one folder of numbered SQL files per database. Tests replace
// it.
var migrations fs.FS = embedded

// schemaTable records the migrations that were applied.
const schemaTable = "schema_version"

// ErrUnknownSchema is returned for a database whose tables were not created by
// numbered migrations of this program.
var ErrUnknownSchema = errors.New("store: the database holds tables of a development version or of another program, which cannot be migrated: name an empty database")

// SchemaState compares the schema of a database with the schema this program
// needs. A version is the number of the last migration file.
type SchemaState struct {
	Database int64 // 0: the database has no tables
	Program  int64
}

// Current reports whether the program can use the database as it is.
func (s SchemaState) Current() bool { return s.Database == s.Program }

// Err returns nil if the schema is current, and otherwise an error of one line
// that says what the operator has to do.
func (s SchemaState) Err() error {
	switch {
	case s.Database > s.Program:
		return fmt.Errorf("store: the database has schema version %d and this program knows %d: start a newer program", s.Database, s.Program)
	case s.Database < s.Program:
		return fmt.Errorf(`store: the database has schema version %d and this program needs %d: run "entree schema migrate"`, s.Database, s.Program)
	}
	return nil
}

// SchemaVersion returns the schema version that this program needs. Both
// databases have the same version.
func SchemaVersion() (int64, error) { return (&Store{dialect: sqlite}).programVersion() }

// ReadSchema returns the state of a database's schema and changes nothing. A
// SQLite file that does not exist counts as an empty database.
func ReadSchema(ctx context.Context, dsn string) (SchemaState, error) {
	s, err := connect(dsn, nil)
	if err != nil {
		return SchemaState{}, err
	}
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			state, err := s.programVersion()
			return SchemaState{Program: state}, errors.Join(err, s.Close())
		}
	}
	state, err := s.readSchema(ctx)
	return state, errors.Join(err, s.Close())
}

// Migrate brings the schema of a database to the version that this program
// needs and returns the state before. It refuses a newer or unknown schema.
// Each migration is one transaction. Several instances may call it at once.
func Migrate(ctx context.Context, dsn string) (before SchemaState, err error) {
	s, err := connect(dsn, nil)
	if err != nil {
		return SchemaState{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if before, err = s.readSchema(ctx); err != nil || before.Current() {
		return before, err
	}
	if before.Database > before.Program {
		return before, before.Err()
	}
	return before, s.migrateTo(ctx, before.Program)
}

// requireSchema creates the schema in an empty database and returns an error
// if the database has any other schema than the one the program needs.
func (s *Store) requireSchema(ctx context.Context) error {
	state, err := s.readSchema(ctx)
	if err != nil {
		return err
	}
	if state.Database == 0 {
		return s.migrateTo(ctx, state.Program)
	}
	return state.Err()
}

func (s *Store) readSchema(ctx context.Context) (state SchemaState, err error) {
	if state.Program, err = s.programVersion(); err != nil {
		return state, err
	}
	tables, err := texts(ctx, s.writer, s.dialect.listTables)
	if err != nil {
		return state, fmt.Errorf("store: read the schema: %w", err)
	}
	if !slices.Contains(tables, schemaTable) {
		if len(tables) > 0 {
			return state, ErrUnknownSchema
		}
		return state, nil
	}
	err = s.writer.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+schemaTable).Scan(&state.Database)
	return state, wrap("read the schema", err)
}

// programVersion returns the number of the last migration file.
func (s *Store) programVersion() (int64, error) {
	files, err := fs.Glob(s.dialect.files(), "*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("store: no migrations for %s: %w", s.dialect.name, err)
	}
	return goose.NumericComponent(slices.Max(files))
}

// migrateTo applies the migrations up to a version.
func (s *Store) migrateTo(ctx context.Context, version int64) error {
	options := []goose.ProviderOption{goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true)}
	if s.dialect.name == "postgres" {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.writer, s.dialect.files(), options...)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	// SQLite has no lock around several migrations: a second program that starts
	// at the same moment fails on what the first has created, and tries again.
	for attempt := 0; ; attempt++ {
		_, err = provider.UpTo(ctx, version)
		if err == nil || s.dialect.name == "postgres" || attempt == 3 {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("store: migrate the schema: %w", err)
	}
	return nil
}

// files returns the migrations of the database.
func (d dialect) files() fs.FS {
	files, err := fs.Sub(migrations, "migrations/"+d.name)
	if err != nil {
		panic(err) // the name is a constant
	}
	return files
}

// createPrivate creates an SQLite file that only its owner can read. An existing
// file keeps its mode. SQLite gives the mode of the database to its -wal and
// -shm files.
func createPrivate(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return f.Close()
}
