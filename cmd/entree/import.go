package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/clean"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/registry/charset"
	"entree/internal/registry/outcome"
	"entree/internal/store"
)

// importFlags are the flags of the import command.
type importFlags struct {
	config, dataDir string
	source, profile string
	columns, sheets []string
	ignore          []string
	encoding        string
	refused         string
	dryRun, json    bool
	part, gone      bool
	strict          bool
	show            int
}

// exitStopped is the exit code of an import that was stopped before anything was
// stored: too many people would be gone, or --strict found something.
const exitStopped = 3

func importCommand(env environment) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import [--config FILE | --data-dir DIR] FILE",
		Short: "Import people from a CSV, XLSX or ODS file of the enrolment office, or from a directory",
		Long: `Import people from a file: CSV with ; , | or tab between the columns, XLSX or
ODS. The format is decided by the content, and so is the encoding of a CSV:
UTF-8, UTF-16, Windows-1252, ISO-8859-15, MacRoman or CP850, line by line if the
file mixes them. FILE - is the standard input. Without FILE, --source NAME reads
the directory of this name in the configuration.

--data-dir DIR needs no configuration: the database is DIR/entree.db, created if
it does not exist. A DIR/entree.yaml is used.

Columns are recognised by their values and by their headers in French and English,
also those of Apogée, PEGASE, Scolarix, SIHAM, Moodle, Canvas and Banner. The
report shows the field of each column and the reason, the columns that are not
read, the encoding and the sheets, values that look damaged, and people who will
not be able to activate. With --strict, each of these warnings stops the import;
--ignore HEADER names a column that may be left out.

The import is stored whole or not at all. Each refused line is reported with its
number, its column and the reason; the other lines are imported. A person who was
in the last import of the same source and is not in this one is "gone": the person
cannot activate, the data are kept, and an existing account does not change. The
source is the profile, or --source NAME. If more people would be gone than import.max_gone
allows, the import stops and asks for --accept-gone, or for --part if the file
is only a part of its source.

The exit code is 0 after an import (lines may be refused), 1 when nothing was
imported because of an error, 3 when nothing was imported because too many people would be
gone or because of --strict.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := importConfig(f, env.environ)
			if err != nil {
				return err
			}
			name := strings.Join(args, "")
			f.source = strings.TrimSpace(clean.Prose(f.source))
			if name == "" && f.source == "" {
				return errors.New("name a file, - for the standard input, or --source for a directory of the configuration")
			}
			run := importRun{importFlags: f, config: c, file: name, stdin: cmd.InOrStdin(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return run.do(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "entree.yaml", "the configuration file")
	flags.StringVar(&f.dataDir, "data-dir", "", "folder of the database, created if it does not exist; instead of --config")
	cmd.MarkFlagsMutuallyExclusive("config", "data-dir")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would change, and store nothing")
	flags.BoolVar(&f.json, "json", false, "print the outcome as one JSON object on the standard output")
	flags.IntVar(&f.show, "show", 20, "number of people and lines of each kind that are listed")
	flags.StringVar(&f.refused, "refused", "", "write all refused lines to this CSV file")
	flags.StringVar(&f.source, "source", "", "name of the source of these people (default: their profile); without FILE: the directory to read")
	flags.StringVar(&f.profile, "profile", "", "profile of all people, if the file has no such column")
	flags.StringArrayVar(&f.columns, "column", nil, "FIELD=HEADER or FIELD=#N: the column of a field, if its header is not recognised ("+strings.Join(registry.Fields(), ", ")+")")
	flags.StringArrayVar(&f.sheets, "sheet", nil, "a sheet to read, may be repeated; * reads all visible ones (default: the sheet with the best header)")
	flags.StringArrayVar(&f.ignore, "ignore", nil, "a header of a column that is left out without a warning, may be repeated")
	flags.StringVar(&f.encoding, "encoding", "", "the encoding of a CSV (default: by its content; "+strings.Join(charset.Names(), ", ")+")")
	flags.BoolVar(&f.strict, "strict", false, "stop at any warning, and store nothing")
	flags.BoolVar(&f.part, "part", false, "the file is a part of its source: people who are missing are not gone")
	flags.BoolVar(&f.gone, "accept-gone", false, "import even if more people are gone than import.max_gone allows")
	return cmd
}

// importConfig reads the configuration. A data directory without one gets the
// defaults.
func importConfig(f importFlags, environ []string) (config.Config, error) {
	if f.dataDir == "" {
		return config.LoadForImport(f.config, environ)
	}
	path := filepath.Join(f.dataDir, "entree.yaml")
	if _, err := os.Stat(path); err == nil {
		return config.LoadForImport(path, environ)
	}
	return config.ForImport(f.dataDir), nil
}

// importRun is one run of the command.
type importRun struct {
	importFlags
	config         config.Config
	file           string
	stdin          io.Reader
	stdout, stderr io.Writer
	outcome        outcome.Outcome
}

// stopError ends the program with exitStopped.
type stopError struct{ error }

func (r *importRun) do(ctx context.Context) (err error) {
	m, err := r.mapping()
	if err != nil {
		return err
	}
	table, err := r.open(ctx, &m)
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	if r.dataDir != "" {
		if err := os.MkdirAll(r.dataDir, 0o700); err != nil {
			return err
		}
	}
	s, err := app.OpenStore(ctx, r.config)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := r.tellInterrupted(ctx, s); err != nil {
		return err
	}
	file, err := os.Create(cmp.Or(r.refused, os.DevNull))
	if err != nil {
		return err
	}
	list, err := registry.NewRefused(file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.outcome.Show = r.show
	progress := outcome.NewProgress(r.stderr, table.Done)
	order := &domain.ImportOrder{
		Import: domain.Import{Source: r.source, File: r.file},
		DryRun: r.dryRun, Part: r.part, Gone: r.gone, MaxGone: float64(r.config.Import.MaxGone) / 100,
		Told: r.outcome.Difference, Progress: progress.Update,
	}
	if r.dryRun || r.json {
		order.Show = r.show
	}
	counts, err := registry.Import(ctx, s, table, m, order, registry.Observer{
		Refused: func(f registry.Refusal) error {
			if r.outcome.Refuse(f) && !r.json {
				progress.Clear()
				fmt.Fprintln(r.stdout, f)
			}
			return list.Add(f)
		},
		Report: func(report *registry.Report) error {
			r.outcome.Report = report
			if !r.json {
				progress.Clear()
				for _, line := range report.Lines() {
					fmt.Fprintln(r.stdout, line)
				}
			}
			return app.CheckStrict(r.strict || r.config.Import.Strict, report)
		},
	})
	progress.Clear()
	return r.print(order, counts, errors.Join(err, list.Close(), file.Close()))
}

// print prints the outcome and returns the error that sets the exit code.
func (r *importRun) print(o *domain.ImportOrder, c domain.ImportCounts, err error) error {
	isStopped := outcome.IsStopped(err)
	if err != nil {
		err = fmt.Errorf("nothing was imported: %w", err)
	}
	var tooMany *domain.TooManyGone
	if errors.As(err, &tooMany) {
		err = fmt.Errorf("%w.\nIf that is right, add --accept-gone; if the file is only a part of its source, add --part", err)
	}
	if r.json {
		err = errors.Join(r.outcome.WriteJSON(r.stdout, o, c, err), err)
	} else if err == nil || isStopped {
		r.outcome.WriteText(r.stdout, o, c, isStopped)
	}
	if isStopped {
		return stopError{err}
	}
	return err
}

// open returns the table of the file or of the directory.
func (r *importRun) open(ctx context.Context, m *registry.Mapping) (registry.Table, error) {
	if r.file != "" {
		return app.OpenFile(r.file, r.stdin, r.encoding)
	}
	source, ok := r.config.Source(r.source)
	if !ok {
		return registry.Table{}, fmt.Errorf("the configuration has no source %q", r.source)
	}
	r.file = source.URL
	return app.OpenSource(ctx, source, m)
}

// tellInterrupted reports once an import whose program was killed.
func (r *importRun) tellInterrupted(ctx context.Context, s *store.Store) error {
	interrupted, err := s.SettleImports(ctx)
	for _, i := range interrupted {
		fmt.Fprintf(r.stderr, "the import of %s that was begun at %s was interrupted: nothing of it was kept\n", i.File, i.Begun.Format("2006-01-02 15:04:05 MST"))
	}
	return err
}

func (r *importRun) mapping() (registry.Mapping, error) {
	m := app.ImportMapping(r.config)
	m.Rules = app.RulesOf(context.Background(), r.config, func(err error) {
		fmt.Fprintf(r.stderr, "lines are not judged by the realm's rules: %v\n", err)
	})
	if r.profile != "" {
		m.Profile = r.profile
	}
	columns := map[string]string{}
	for field, header := range m.Columns {
		columns[field] = header
	}
	for _, c := range r.columns {
		field, header, ok := strings.Cut(c, "=")
		if !ok {
			return m, fmt.Errorf("--column %s: want FIELD=HEADER", c)
		}
		columns[field] = header
	}
	m.Columns, m.Sheets = columns, r.sheets
	m.Ignore = append(slices.Clone(m.Ignore), r.ignore...)
	return m, nil
}
