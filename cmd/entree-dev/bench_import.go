package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/devenv/bench"
	"entree/internal/devenv/demopeople"
	"entree/internal/devenv/localpostgres"
	"entree/internal/store"
)

// The marks of an import, beside the database's own loader.
const (
	mostTimes  = 3.0
	mostMemory = 300 << 20
)

// benchImportOptions are the flags of `entree-dev bench import`.
type benchImportOptions struct {
	rows, rounds int
	database     string
	json         bool
}

func benchImportCommand(p *product) *cobra.Command {
	var o benchImportOptions
	cmd := &cobra.Command{
		Use:   "import",
		Short: "An import, beside the database's own loader with the same rows",
		Long: `Import a file of people into an empty database with this program's own
import command, in a process of its own. Then let the database's own loader
put the very rows that are there now into the same table, with the same
indices, of another empty database on the same disk: sqlite3's .import, in one
transaction with a cache of the same size, or PostgreSQL's COPY. Both read a
CSV file and both end when everything is on the disk. The loader has it easier:
its file holds the table's own columns, and it checks nothing but the table's
constraints.

Ends with 1 where the import takes more than 3 times as long or holds more than
300 MB. Needs sqlite3; with --database postgres, an installed PostgreSQL.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchImport(cmd.Context(), o, p, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.rows, "rows", 1_000_000, "people in the file")
	f.IntVar(&o.rounds, "rounds", 1, "rounds; the median counts")
	f.StringVar(&o.database, "database", "sqlite", "sqlite or postgres")
	f.BoolVar(&o.json, "json", false, "one line of JSON on the standard output, all else on the standard error")
	return cmd
}

// importRound is what one round took.
type importRound struct {
	Import  float64 `json:"import_seconds"`
	Loader  float64 `json:"loader_seconds"`
	Ratio   float64 `json:"ratio"`
	Again   float64 `json:"again_seconds"` // the same file once more: nothing changes
	Memory  int64   `json:"peak_bytes"`
	ImportP float64 `json:"import_processor_seconds"` // of the process; PostgreSQL's own is not in it
	LoaderP float64 `json:"loader_processor_seconds"`
}

func benchImport(ctx context.Context, o benchImportOptions, p *product, stdout, stderr io.Writer) error {
	if o.rows < 1 || o.rounds < 1 || o.database != "sqlite" && o.database != "postgres" {
		return errors.New("--rows and --rounds are 1 or more, --database is sqlite or postgres")
	}
	dir, err := os.MkdirTemp("", "entree-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "people.csv")
	if err := writePeople(file, o.rows); err != nil {
		return err
	}
	program, err := p.in(dir)
	if err != nil {
		return err
	}
	bases, stop, err := importBases(o.database, dir)
	if err != nil {
		return err
	}
	defer stop()
	var rounds []importRound
	for n := range o.rounds {
		r, err := bases.round(ctx, program, n, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "round %d: the import %.1f s (%.1f s of the processor), the loader %.1f s (%.1f s), %.2f times as long; the same file again %.1f s; %d MB at most\n",
			n+1, r.Import, r.ImportP, r.Loader, r.LoaderP, r.Ratio, r.Again, r.Memory>>20)
		rounds = append(rounds, r)
	}
	ratios := make([]float64, len(rounds))
	var memory int64
	for i, r := range rounds {
		ratios[i], memory = r.Ratio, max(memory, r.Memory)
	}
	slices.Sort(ratios)
	ratio := ratios[len(ratios)/2]
	holds := ratio <= mostTimes && memory < mostMemory
	if o.json {
		err = json.NewEncoder(stdout).Encode(map[string]any{
			"rows": o.rows, "database": o.database, "loader": bases.name, "ratio": ratio, "ratio_mark": mostTimes,
			"peak_bytes": memory, "peak_mark_bytes": mostMemory, "marks_hold": holds, "rounds": rounds,
		})
	} else {
		fmt.Fprintf(stdout, "%d people into %s: %.2f times as long as %s (%.0f at most), %d MB (%d at most)\n", o.rows, o.database, ratio, bases.name, mostTimes, memory>>20, mostMemory>>20)
	}
	if err == nil && !holds {
		err = errors.New("a limit of the bench was exceeded")
	}
	return err
}

// writePeople writes an enrolment's file.
func writePeople(file string, n int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "Numéro étudiant;Prénom;Nom;Date de naissance;Adresse mail personnelle;Promotion")
	for i := range n {
		p := demopeople.Student(i)
		fmt.Fprintf(w, "%s;%s;%s;%s;%s;%s\n", p.Number, p.GivenName, p.FamilyName, p.BirthDate, p.Email, p.Cohort)
	}
	return errors.Join(w.Flush(), f.Close())
}

// loaderBases are a kind of database and its loader.
type loaderBases struct {
	name string
	dir  string
	make func(name string) (dsn string, err error)
	// copyOut and copyIn move the rows of people between a database and a file.
	copyOut, copyIn func(dsn, file string) *exec.Cmd
}

// benchDatabases starts what databases of a kind need, sqlite or postgres. dsn returns
// the DSN of the database with a name; dir/name must exist for SQLite.
func benchDatabases(kind, dir string) (dsn func(name string) (string, error), stop func(), err error) {
	if kind == "sqlite" {
		return func(name string) (string, error) { return "sqlite:" + filepath.Join(dir, name, "entree.db"), nil }, func() {}, nil
	}
	pg, err := localpostgres.StartDurable()
	if err != nil {
		return nil, nil, err
	}
	return pg.DSN, func() { _ = pg.Stop() }, nil
}

func importBases(database, dir string) (loaderBases, func(), error) {
	if database == "sqlite" {
		if _, err := exec.LookPath("sqlite3"); err != nil {
			return loaderBases{}, nil, errors.New("no sqlite3: install it (on Debian: apt-get install sqlite3)")
		}
	}
	dsn, stop, err := benchDatabases(database, dir)
	if err != nil {
		return loaderBases{}, nil, err
	}
	if database == "sqlite" {
		file := func(dsn string) string { return strings.TrimPrefix(dsn, "sqlite:") }
		return loaderBases{
			name: "sqlite3's .import", dir: dir, make: dsn,
			copyOut: func(dsn, to string) *exec.Cmd {
				return exec.Command("sqlite3", "-csv", file(dsn), ".output "+to, "SELECT * FROM people;")
			},
			copyIn: func(dsn, from string) *exec.Cmd {
				return exec.Command("sqlite3", "-csv", file(dsn), "PRAGMA cache_size = -65536; PRAGMA synchronous = FULL;", ".import "+from+" people")
			},
		}, stop, nil
	}
	psql := func(dsn, command string) *exec.Cmd { return exec.Command("psql", "-q", "-d", dsn, "-c", command) }
	return loaderBases{
		name: "COPY", dir: dir, make: dsn,
		copyOut: func(dsn, to string) *exec.Cmd { return psql(dsn, `\copy people TO '`+to+`' CSV`) },
		copyIn:  func(dsn, from string) *exec.Cmd { return psql(dsn, `\copy people FROM '`+from+`' CSV`) },
	}, stop, nil
}

func (b loaderBases) round(ctx context.Context, program string, n int, file string) (r importRound, err error) {
	ours, theirs := fmt.Sprintf("ours%d", n), fmt.Sprintf("theirs%d", n)
	var dsns [2]string
	for i, name := range []string{ours, theirs} {
		if err := os.Mkdir(filepath.Join(b.dir, name), 0o700); err != nil {
			return r, err
		}
		if dsns[i], err = b.make(name); err != nil {
			return r, err
		}
		s, err := store.Open(ctx, dsns[i], time.Now) // its tables, with nothing in them
		if err != nil {
			return r, err
		}
		if err := s.Close(); err != nil {
			return r, err
		}
	}
	config := filepath.Join(b.dir, ours, "entree.yaml")
	text := fmt.Sprintf("database: %s\nimport: {profile: etudiant}\nprofiles: [{key: etudiant, name: {fr: Étudiant, en: Student}, login: \"o{number}\", address: \"{number}@example.org\", affiliation: student}]\n", dsns[0])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return r, err
	}
	bring := func() *exec.Cmd { return exec.Command(program, "import", "--config", config, file) }
	if r.Import, r.ImportP, r.Memory, err = measured(ctx, bring()); err != nil {
		return r, err
	}
	var memory int64
	if r.Again, _, memory, err = measured(ctx, bring()); err != nil {
		return r, err
	}
	r.Memory = max(r.Memory, memory)
	rows := filepath.Join(b.dir, "rows.csv")
	if _, _, _, err := measured(ctx, b.copyOut(dsns[0], rows)); err != nil {
		return r, err
	}
	if r.Loader, r.LoaderP, _, err = measured(ctx, b.copyIn(dsns[1], rows)); err != nil {
		return r, err
	}
	r.Ratio = r.Import / r.Loader
	return r, b.same(dsns, rows)
}

// same returns an error unless both databases hold the same rows.
func (b loaderBases) same(dsns [2]string, rows string) error {
	again := rows + ".again"
	if said, err := b.copyOut(dsns[1], again).CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	var sizes [2]int64
	for i, name := range []string{rows, again} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		sizes[i] = info.Size()
	}
	if sizes[0] != sizes[1] || sizes[0] == 0 {
		return fmt.Errorf("the loader put in %d bytes of rows, the import %d", sizes[1], sizes[0])
	}
	return nil
}

// measured runs a program and returns its wall-clock time, its processor time, and the
// most memory that it held.
func measured(ctx context.Context, cmd *exec.Cmd) (seconds, processor float64, memory int64, err error) {
	var said strings.Builder
	if cmd.Stderr = &said; cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, 0, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	held := bench.Watch(watching, cmd.Process.Pid)
	killed := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer killed()
	if err := cmd.Wait(); err != nil {
		return 0, 0, 0, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, &said)
	}
	seconds = time.Since(began).Seconds()
	stop()
	// A program that ends soon may not have been sampled at its peak.
	most := max((<-held).Most, bench.PeakOf(cmd.ProcessState))
	return seconds, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), most, nil
}
