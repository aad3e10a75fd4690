package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"entree/activation"
	"entree/config"
	"entree/registry"
)

func importCommand(env environment) *cobra.Command {
	var path string
	var dryRun bool
	var refusedFile string
	cmd := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Bring people in from the enrolment's CSV file",
		Long: `Bring people in from a CSV file, with ; or , between the columns, in UTF-8 or
Windows-1252. FILE - is the standard input. The configuration says what the
columns mean where their headers are not usual ones.

New, changed and unchanged people are counted, and each line that is refused is
told with its number, its column and the reason; the others are imported. A
file that is broken changes nothing, and the command ends with 1.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := config.Load(path, env.environ)
			if err != nil {
				return err
			}
			return importFile(cmd.Context(), c, args[0], refusedFile, dryRun, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.Flags().StringVar(&refusedFile, "refused", "", "write the refused lines to this CSV file as well")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "count, and store nothing")
	return cmd
}

func importFile(ctx context.Context, c config.Config, name, refusedFile string, dryRun bool, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	in, size := stdin, int64(0)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		in, size = f, info.Size()
	}
	s, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()

	list := func(registry.Refusal) error { return nil }
	if refusedFile != "" {
		f, err := os.Create(refusedFile)
		if err != nil {
			return err
		}
		defer f.Close()
		w, err := registry.NewRefused(f)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
		list = w.Add
	}
	bars := mpb.NewWithContext(ctx, mpb.WithOutput(stderr), mpb.WithWidth(48))
	bar := bars.AddBar(size, mpb.PrependDecorators(decor.Name("import ")), mpb.AppendDecorators(decor.Percentage(), decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	var listErr error
	report, err := registry.Import(ctx, s, bar.ProxyReader(in), mapping(c), dryRun, func(r registry.Refusal) {
		fmt.Fprintln(stdout, r)
		listErr = errors.Join(listErr, list(r))
	})
	if err != nil {
		bar.Abort(true)
		bars.Wait()
		return fmt.Errorf("nothing was imported: %w", err)
	}
	if listErr != nil {
		fmt.Fprintln(stderr, "the list of refused lines is not whole:", listErr)
	}
	bar.SetTotal(-1, true)
	bars.Wait()
	if dryRun {
		fmt.Fprint(stdout, "dry run, nothing was stored: ")
	}
	fmt.Fprintf(stdout, "%d new, %d changed, %d unchanged, %d refused\n", report.New, report.Changed, report.Unchanged, report.Refused)
	return nil
}

func mapping(c config.Config) registry.Mapping {
	m := registry.Mapping{Profile: c.Import.Profile, Columns: c.Import.Columns, Ready: c.Import.Ready, Held: c.Import.Held, Aliases: map[string][]string{}}
	for _, p := range c.Profiles {
		m.Profiles = append(m.Profiles, p.Key)
		m.Aliases[p.Key] = append([]string{p.Name.In(activation.French), p.Name.In(activation.English)}, c.Import.Aliases[p.Key]...)
	}
	return m
}
