package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/clean"
	"entree/internal/config"
	"entree/internal/registry"
	"entree/internal/registry/charset"
)

// exitStopped is the exit code of an import that was stopped before anything was
// stored: too many people would be gone, or --strict found something.
const exitStopped = 3

func importCommand(env environment) *cobra.Command {
	var i app.FileImport
	var path string
	var columns []string
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
not be able to activate. With --strict, each of these warnings stops the import.
Siblings who share an address do not stop it.
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
			load, name := config.LoadForImport, path
			if i.DataDir != "" {
				load, name = config.LoadDataDir, i.DataDir
			}
			c, err := load(name, env.environ)
			if err != nil {
				return err
			}
			i.File, i.Source = strings.Join(args, ""), strings.TrimSpace(clean.Prose(i.Source))
			if i.File == "" && i.Source == "" {
				return errors.New("name a file, - for the standard input, or --source for a directory of the configuration")
			}
			if i.Columns, err = fields(columns); err != nil {
				return err
			}
			i.Stdin, i.Stdout, i.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return i.Run(cmd.Context(), c)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&path, "config", "entree.yaml", "the configuration file")
	flags.StringVar(&i.DataDir, "data-dir", "", "folder of the database, created if it does not exist; instead of --config")
	cmd.MarkFlagsMutuallyExclusive("config", "data-dir")
	flags.BoolVar(&i.DryRun, "dry-run", false, "show what would change, and store nothing")
	flags.BoolVar(&i.AsJSON, "json", false, "print the outcome as one JSON object on the standard output")
	flags.IntVar(&i.Show, "show", 20, "number of people and lines of each kind that are listed")
	flags.StringVar(&i.Refused, "refused", "", "write all refused lines to this CSV file")
	flags.StringVar(&i.Source, "source", "", "name of the source of these people (default: their profile); without FILE: the directory to read")
	flags.StringVar(&i.Profile, "profile", "", "profile of all people, if the file has no such column")
	flags.StringArrayVar(&columns, "column", nil, "FIELD=HEADER or FIELD=#N: the column of a field, if its header is not recognised ("+strings.Join(registry.Fields(), ", ")+")")
	flags.StringArrayVar(&i.Sheets, "sheet", nil, "a sheet to read, may be repeated; * reads all visible ones (default: the sheet with the best header)")
	flags.StringArrayVar(&i.Ignore, "ignore", nil, "a header of a column that is left out without a warning, may be repeated")
	flags.StringVar(&i.Encoding, "encoding", "", "the encoding of a CSV (default: by its content; "+strings.Join(charset.Names(), ", ")+")")
	flags.BoolVar(&i.IsStrict, "strict", false, "stop at any warning, and store nothing")
	flags.BoolVar(&i.IsPart, "part", false, "the file is a part of its source: people who are missing are not gone")
	flags.BoolVar(&i.AcceptGone, "accept-gone", false, "import even if more people are gone than import.max_gone allows")
	return cmd
}

// fields parses FIELD=HEADER.
func fields(columns []string) (map[string]string, error) {
	headers := map[string]string{}
	for _, c := range columns {
		field, header, ok := strings.Cut(c, "=")
		if !ok {
			return nil, fmt.Errorf("--column %s: want FIELD=HEADER", c)
		}
		headers[field] = header
	}
	return headers, nil
}
