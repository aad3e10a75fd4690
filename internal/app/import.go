package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/outcome"
	"entree/internal/registry"
	"entree/internal/store"
)

// FileImport is an import of the command line, from a file or a directory.
type FileImport struct {
	File    string // "-" is Stdin; empty: the directory Source of the configuration
	Source  string
	DataDir string // created if it does not exist; empty: no folder is created

	Profile            string            // replaces the configuration's if it is not empty
	Columns            map[string]string // header by field; takes precedence over the configuration
	Sheets, Ignore     []string
	Encoding           string
	DryRun             bool
	IsPart, AcceptGone bool // see Part and Gone of domain.ImportOrder
	IsStrict           bool

	Refused string // CSV file for all refused lines; empty: none
	AsJSON  bool
	Show    int // number of people and lines of each kind that are listed

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	outcome outcome.Import
}

// Run imports and prints the outcome. An error means that nothing was imported;
// outcome.IsStopped reports whether the import was stopped.
func (i *FileImport) Run(ctx context.Context, c config.Config) (err error) {
	m := i.mapping(ctx, c)
	table, err := i.open(ctx, c, &m)
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	if i.DataDir != "" {
		if err := os.MkdirAll(i.DataDir, 0o700); err != nil {
			return err
		}
	}
	s, err := OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := i.settle(ctx, s); err != nil {
		return err
	}
	file, err := os.Create(cmp.Or(i.Refused, os.DevNull))
	if err != nil {
		return err
	}
	list, err := registry.NewRefused(file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	i.outcome.Show = i.Show
	progress := outcome.NewProgress(i.Stderr, table.Done)
	order := &domain.ImportOrder{
		Import: domain.Import{Source: i.Source, File: i.File},
		DryRun: i.DryRun, Part: i.IsPart, Gone: i.AcceptGone, MaxGone: float64(c.Import.MaxGone) / 100,
		Told: i.outcome.Difference, Progress: progress.Update,
	}
	if i.DryRun || i.AsJSON {
		order.Show = i.Show
	}
	counts, err := registry.Import(ctx, s, table, m, order, registry.Observer{
		Refused: func(f registry.Refusal) error {
			if i.outcome.Refuse(f) && !i.AsJSON {
				progress.Clear()
				fmt.Fprintln(i.Stdout, f)
			}
			return list.Add(f)
		},
		Report: func(report *registry.Report) error {
			i.outcome.Report = report
			if !i.AsJSON {
				progress.Clear()
				for _, line := range report.Lines() {
					fmt.Fprintln(i.Stdout, line)
				}
			}
			return checkStrict(i.IsStrict || c.Import.Strict, report)
		},
	})
	progress.Clear()
	return i.print(order, counts, errors.Join(err, list.Close(), file.Close()))
}

// print prints the outcome and returns err with the advice for the operator.
func (i *FileImport) print(o *domain.ImportOrder, c domain.ImportCounts, err error) error {
	if err != nil {
		err = fmt.Errorf("nothing was imported: %w", err)
	}
	var tooMany *domain.TooManyGone
	if errors.As(err, &tooMany) {
		err = fmt.Errorf("%w.\nIf that is right, add --accept-gone; if the file is only a part of its source, add --part", err)
	}
	if i.AsJSON {
		return errors.Join(i.outcome.WriteJSON(i.Stdout, o, c, err), err)
	}
	if isStopped := outcome.IsStopped(err); err == nil || isStopped {
		i.outcome.WriteText(i.Stdout, o, c, isStopped)
	}
	return err
}

// open returns the table of the file or of the directory.
func (i *FileImport) open(ctx context.Context, c config.Config, m *registry.Mapping) (registry.Table, error) {
	if i.File != "" {
		return openFile(i.File, i.Stdin, i.Encoding)
	}
	source, ok := c.Source(i.Source)
	if !ok {
		return registry.Table{}, fmt.Errorf("the configuration has no source %q", i.Source)
	}
	i.File = source.URL
	return openSource(ctx, source, m)
}

// settle reports once an import whose program was killed.
func (i *FileImport) settle(ctx context.Context, s *store.Store) error {
	interrupted, err := s.SettleImports(ctx)
	for _, old := range interrupted {
		fmt.Fprintf(i.Stderr, "the import of %s that was begun at %s was interrupted: nothing of it was kept\n", old.File, old.Begun.Format("2006-01-02 15:04:05 MST"))
	}
	return err
}

// mapping returns the mapping of the configuration with the import's own settings.
func (i *FileImport) mapping(ctx context.Context, c config.Config) registry.Mapping {
	m := mappingOf(c)
	m.Rules = rulesOf(ctx, c, func(err error) {
		fmt.Fprintf(i.Stderr, "lines are not judged by the realm's rules: %v\n", err)
	})
	m.Profile = cmp.Or(i.Profile, m.Profile)
	columns := map[string]string{}
	maps.Copy(columns, m.Columns)
	maps.Copy(columns, i.Columns)
	m.Columns, m.Sheets = columns, i.Sheets
	m.Ignore = append(slices.Clone(m.Ignore), i.Ignore...)
	return m
}
