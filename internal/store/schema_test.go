package store_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entree/internal/store"
	"entree/internal/store/litetest"
)

var update = flag.Bool("update", false, "write docs/schema.sql")

// docs/schema.sql is the schema that the migrations create.
func TestSchemaDocument(t *testing.T) {
	s := open(t, litetest.DSN(t, t.TempDir()))
	want, err := s.SchemaText(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "..", "docs", "schema.sql")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/schema.sql is out of date: run `make schema`")
	}
}

// Both databases have the same tables, columns and types.
func TestBothDatabasesHaveOneSchema(t *testing.T) {
	var shapes []string
	everywhere(t, func(t *testing.T, w *world) {
		shape, err := w.Shape(t.Context())
		w.must(err)
		shapes = append(shapes, shape)
	})
	if len(shapes) == 2 && shapes[0] != shapes[1] {
		t.Errorf("the schemas differ:\n%s\n%s", shapes[0], shapes[1])
	}
}

// Migration files are numbered from 1 without gaps, under the same names for
// both databases, and contain nothing but SQL.
func TestMigrationsAreNumbered(t *testing.T) {
	names := map[string]string{}
	for _, database := range []string{"sqlite", "postgres"} {
		entries, err := os.ReadDir(filepath.Join("migrations", database))
		if err != nil || len(entries) == 0 {
			t.Fatal(err)
		}
		for i, e := range entries {
			number, name, _ := strings.Cut(e.Name(), "_")
			if want := "0000" + string(rune('1'+i)); number != want || !strings.HasSuffix(name, ".sql") {
				t.Errorf("%s: want number %s and .sql", e.Name(), want)
			}
			names[database] += e.Name() + "\n"
		}
	}
	if names["sqlite"] != names["postgres"] {
		t.Errorf("the files differ:\n%s\n%s", names["sqlite"], names["postgres"])
	}
}

// A program refuses a newer schema, an older one and tables it does not know,
// each with one line, and changes nothing.
func TestO2_OpenRefusesAnotherSchema(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			name, statement, want string
		}{
			{"newer", `INSERT INTO schema_version (version_id, is_applied) VALUES (9, TRUE)`, "the database has schema version 9 and this program knows "},
			{"old numbering", `ALTER TABLE schema_version RENAME TO goose_db_version`, "development version"},
		} {
			w.must(w.Exec(t.Context(), c.statement))
			before, err := w.Shape(t.Context())
			w.must(err)
			for name, try := range map[string]func() error{
				"open":    func() error { _, err := store.Open(t.Context(), w.dsn, time.Now); return err },
				"migrate": func() error { _, err := store.Migrate(t.Context(), w.dsn); return err },
			} {
				if err := try(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s, %s: %v", c.name, name, err)
				}
			}
			if after, err := w.Shape(t.Context()); err != nil || after != before {
				t.Errorf("%s: the database was changed: %v", c.name, err)
			}
		}
	})
}

// An older schema is refused by Open and brought up to date by Migrate, which
// keeps the data.
func TestO2_OlderSchemaIsMigratedByCommand(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		restore := store.AddMigration(t, `ALTER TABLE marks ADD COLUMN note TEXT NOT NULL DEFAULT ''`)
		defer restore()
		state, err := store.ReadSchema(t.Context(), w.dsn)
		if w.must(err); state.Current() || state.Database+1 != state.Program {
			t.Fatalf("%+v", state)
		}
		if _, err := store.Open(t.Context(), w.dsn, time.Now); err == nil || !strings.Contains(err.Error(), `run "entree schema migrate"`) {
			t.Fatal(err)
		}
		errs := make(chan error, 3)
		for range cap(errs) {
			go func() { _, err := store.Migrate(t.Context(), w.dsn); errs <- err }()
		}
		for range cap(errs) {
			w.must(<-errs)
		}
		if state, err = store.ReadSchema(t.Context(), w.dsn); err != nil || !state.Current() {
			t.Fatalf("%+v %v", state, err)
		}
		s := w.instance()
		if _, err := s.Person(t.Context(), "1"); err != nil {
			t.Error(err)
		}
		w.must(s.Exec(t.Context(), `INSERT INTO marks (name, at, note) VALUES ('a', 1, 'b')`))
	})
}

// A missing SQLite file is an empty database; looking at it does not create it,
// and only the owner can read the file that Open creates.
func TestO7_SQLiteFilesArePrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new.db")
	state, err := store.ReadSchema(t.Context(), "sqlite:"+file)
	if err != nil || state.Database != 0 || state.Program == 0 {
		t.Errorf("%+v %v", state, err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading the schema created the file: %v", err)
	}
	s, err := store.Open(t.Context(), "sqlite:"+file, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}
