package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/spreadsheet"
	"entree/internal/store"
)

func auditCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify and export the record of what operators did",
		Args:  cobra.NoArgs,
	}
	var path string
	cmd.PersistentFlags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	open := func(ctx context.Context) (*store.Store, error) {
		c, err := config.LoadForRecord(path, env.environ)
		if err != nil {
			return nil, err
		}
		return app.OpenStore(ctx, c)
	}
	cmd.AddCommand(auditVerifyCommand(open), auditExportCommand(open))
	return cmd
}

func auditVerifyCommand(open func(context.Context) (*store.Store, error)) *cobra.Command {
	var noted []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Say what of the record was removed or changed, and where",
		Long: `Read the whole record and the events that it seals. Each thing that was removed
or changed is one line; the command then ends with 1.

Entries and acceptances have a MAC under the secret. Without the secret the
command checks the rest and says so.

A writer to the database who lacks the secret can still put back an older copy of
the whole database. To find that, give the hash of an entry that was noted
elsewhere: the last line of an earlier run, or of the portal's log ("audit
sealed").

  entree audit verify --noted 1042:9f86d081884c7d65…`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hashes, err := parseNoted(noted)
			if err != nil {
				return err
			}
			s, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.Close()
			return verifyAudit(cmd.Context(), s, hashes, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringArrayVar(&noted, "noted", nil, "an entry and its hash, as noted elsewhere: SEQ:HASH; may be given again")
	return cmd
}

func parseNoted(noted []string) (map[int64]string, error) {
	hashes := map[int64]string{}
	for _, n := range noted {
		seq, hash, _ := strings.Cut(n, ":")
		at, err := strconv.ParseInt(seq, 10, 64)
		if err != nil || len(hash) != len(audit.Origin) {
			return nil, fmt.Errorf("--noted %q: want SEQ:HASH, with 64 hexadecimal digits", n)
		}
		hashes[at] = strings.ToLower(hash)
	}
	return hashes, nil
}

func verifyAudit(ctx context.Context, s *store.Store, noted map[int64]string, out io.Writer) error {
	faults := 0
	found, err := s.VerifyAudit(ctx, noted, func(f audit.Fault) {
		faults++
		fmt.Fprintln(out, f)
	})
	if err != nil {
		return err
	}
	for seq := range noted {
		if seq > found.Seq {
			faults++
			fmt.Fprintf(out, "entry %d: was noted, and is not there\n", seq)
		}
	}
	if !found.Keyed {
		fmt.Fprintln(out, "not checked: the MACs of entries and acceptances, because there is no secret (ENTREE_SECRET)")
	}
	if faults > 0 {
		return fmt.Errorf("the record does not hold: %d lines above", faults)
	}
	fmt.Fprintf(out, "the record holds: %d entries, %d blocks of events; the last one is %d:%s\n", found.Seq, found.Blocks, found.Seq, found.Hash)
	return nil
}

func auditExportCommand(open func(context.Context) (*store.Store, error)) *cobra.Command {
	var asCSV bool
	var since, until string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the record to the standard output, oldest first",
		Long: `Write the record to the standard output, oldest first: JSON lines with all that
is needed to compute each hash again, or CSV that a spreadsheet opens as text.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := audit.Query{OldestFirst: true}
			for _, p := range []struct {
				name, text string
				to         *time.Time
			}{{"since", since, &q.Since}, {"until", until, &q.Until}} {
				if p.text == "" {
					continue
				}
				at, err := time.Parse(time.DateOnly, p.text)
				if err != nil {
					return fmt.Errorf("--%s %q: want a day, 2026-09-01", p.name, p.text)
				}
				*p.to = at
			}
			s, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.Close()
			return exportAudit(cmd.Context(), s, q, asCSV, cmd.OutOrStdout())
		},
	}
	cmd.Flags().Bool("jsonl", true, "JSON lines")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "CSV")
	cmd.MarkFlagsMutuallyExclusive("jsonl", "csv")
	cmd.Flags().StringVar(&since, "since", "", "from this day on, 2026-09-01 (UTC)")
	cmd.Flags().StringVar(&until, "until", "", "before this day")
	return cmd
}

func exportAudit(ctx context.Context, s *store.Store, q audit.Query, asCSV bool, out io.Writer) error {
	if asCSV {
		sheet, err := spreadsheet.NewWriter(out, audit.Header...)
		if err != nil {
			return err
		}
		err = s.Audit(ctx, q, func(l audit.Link) error { return sheet.Write(audit.Cells(l)...) })
		return errors.Join(err, sheet.Close())
	}
	return s.Audit(ctx, q, func(l audit.Link) error { return audit.WriteJSON(out, l) })
}
