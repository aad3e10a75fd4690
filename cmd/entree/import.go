package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/store"
)

// importFlags are what the command line says of an import.
type importFlags struct {
	config, dataDir string
	source, profile string
	columns         []string
	refused         string
	dryRun, json    bool
	part, gone      bool
	show            int
}

// exitStopped is the command's end where too many people would be gone.
const exitStopped = 3

func importCommand(env environment) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import [--config FILE | --data-dir DIR] FILE",
		Short: "Bring people in from the enrolment's CSV or XLSX file, or from a directory",
		Long: `Bring people in from a file: CSV with ; , or tab between the columns, in UTF-8,
UTF-16 or Windows-1252, or the first sheet of an XLSX. What it is, is seen from
its content. FILE - is the standard input. Without FILE, --source NAME reads the
directory that the configuration names so.

--data-dir DIR needs no configuration: the database is DIR/entree.db, made if it
is not there, and the usual headers in French and English are known. A
DIR/entree.yaml is used.

The import is there whole or not at all. Each line that is refused is told with
its number, its column and the reason; the others are imported. Who was in the
last import of the same source and is not in this one is gone: held back from
activating, never erased, and an account stays as it is. The source is the
profile, or --source NAME. Where more people would be gone than import.max_gone
allows, the import stops and asks for --accept-gone, or for --part where the file
is only a part of its source.

Ends with 0 when it is done (lines may be refused), 1 when nothing was imported
because of an error, 3 when nothing was imported because too many would be gone.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := importConfig(f, env.environ)
			if err != nil {
				return err
			}
			name := strings.Join(args, "")
			if name == "" && f.source == "" {
				return errors.New("name a file, - for the standard input, or --source for a directory of the configuration")
			}
			run := importRun{importFlags: f, config: c, file: name, stdin: cmd.InOrStdin(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return run.do(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "entree.yaml", "the configuration file")
	flags.StringVar(&f.dataDir, "data-dir", "", "a folder that holds everything, or will")
	cmd.MarkFlagsMutuallyExclusive("config", "data-dir")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would change, and store nothing")
	flags.BoolVar(&f.json, "json", false, "tell the outcome as one JSON object on the standard output")
	flags.IntVar(&f.show, "show", 20, "how many of each kind are told")
	flags.StringVar(&f.refused, "refused", "", "write all refused lines to this CSV file")
	flags.StringVar(&f.source, "source", "", "whose people these are, if not their profile's; without FILE: the directory to read")
	flags.StringVar(&f.profile, "profile", "", "everybody's profile, where the file has no such column")
	flags.StringArrayVar(&f.columns, "column", nil, "FIELD=HEADER or FIELD=#N: what a column holds, where its header does not say it ("+strings.Join(registry.Fields(), ", ")+")")
	flags.BoolVar(&f.part, "part", false, "the file is a part of its source: nobody is gone")
	flags.BoolVar(&f.gone, "accept-gone", false, "go on even if many people are gone")
	return cmd
}

// importConfig reads the configuration, or does without one in a folder that
// has none.
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
	told           told
}

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
	list, err := newRefusedList(r.refused)
	if err != nil {
		return err
	}
	progress := newProgress(r.stderr, table.Done)
	order := &domain.ImportOrder{
		Import: domain.Import{Source: r.source, File: r.file},
		DryRun: r.dryRun, Part: r.part, Gone: r.gone, MaxGone: float64(r.config.Import.MaxGone) / 100,
		Told: r.told.difference, Progress: progress.at,
	}
	if r.dryRun || r.json {
		order.Show = r.show
	}
	counts, err := registry.Import(ctx, s, table, m, order, func(f registry.Refusal) error {
		if r.told.refuse(f, r.show) && !r.json {
			progress.clear()
			fmt.Fprintln(r.stdout, f)
		}
		return list.add(f)
	})
	progress.clear()
	err = errors.Join(err, list.close())
	return r.tell(order, counts, err)
}

// open gives the table of the file, or of the directory.
func (r *importRun) open(ctx context.Context, m *registry.Mapping) (registry.Table, error) {
	switch r.file {
	case "":
		source, ok := r.config.Source(r.source)
		if !ok {
			return registry.Table{}, fmt.Errorf("the configuration has no source %q", r.source)
		}
		r.file = source.URL
		return app.OpenSource(ctx, source, m)
	case "-":
		return registry.Open(r.stdin, 0)
	}
	f, err := os.Open(r.file)
	if err != nil {
		return registry.Table{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return registry.Table{}, errors.Join(err, f.Close())
	}
	t, err := registry.Open(f, info.Size())
	if err != nil {
		return registry.Table{}, errors.Join(err, f.Close())
	}
	closeTable := t.Close
	t.Close = func() error { return errors.Join(closeTable(), f.Close()) }
	return t, nil
}

// tellInterrupted says once what became of an import whose program was killed.
func (r *importRun) tellInterrupted(ctx context.Context, s *store.Store) error {
	interrupted, err := s.SettleImports(ctx)
	for _, i := range interrupted {
		fmt.Fprintf(r.stderr, "the import of %s that was begun at %s was interrupted: nothing of it was kept\n", i.File, i.Begun.Format("2006-01-02 15:04:05 MST"))
	}
	return err
}

func (r *importRun) mapping() (registry.Mapping, error) {
	m := app.ImportMapping(r.config)
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
	m.Columns = columns
	return m, nil
}
