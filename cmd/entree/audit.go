package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/store"
)

func auditCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify and export the audit trail of the operators' acts",
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
		Short: "Report entries of the audit trail that were removed or changed",
		Long: `Read the whole audit trail and the events that it seals. The command prints one
line for each entry that was removed or changed, and then ends with 1.

Entries and acceptances have a MAC under the secret. Without the secret the
command checks the rest and says so.

A writer to the database who lacks the secret can still put back an older copy of
the whole database. To detect that, pass the hash of an entry that was noted
elsewhere: in the last line of an earlier run, or in the portal's log ("audit
sealed").

  entree audit verify --noted 1042:9f86d081884c7d65…`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hashes, err := app.ParseNoted(noted)
			if err != nil {
				return err
			}
			s, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.Close()
			return app.VerifyAudit(cmd.Context(), s, hashes, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringArrayVar(&noted, "noted", nil, "an entry and its hash, as noted elsewhere: SEQ:HASH; may be repeated")
	return cmd
}

func auditExportCommand(open func(context.Context) (*store.Store, error)) *cobra.Command {
	var asCSV bool
	var since, until string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the audit trail to the standard output, oldest first",
		Long: `Write the audit trail to the standard output, oldest first: JSON lines with all
fields that the hash of an entry is computed from, or CSV that a spreadsheet opens
as text.`,
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
					return fmt.Errorf("--%s %q: want a date such as 2026-09-01", p.name, p.text)
				}
				*p.to = at
			}
			s, err := open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.Close()
			return app.ExportAudit(cmd.Context(), s, q, asCSV, cmd.OutOrStdout())
		},
	}
	cmd.Flags().Bool("jsonl", true, "write JSON lines")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "write CSV")
	cmd.MarkFlagsMutuallyExclusive("jsonl", "csv")
	cmd.Flags().StringVar(&since, "since", "", "first day to export, such as 2026-09-01 (UTC)")
	cmd.Flags().StringVar(&until, "until", "", "first day that is no longer exported, such as 2026-10-01 (UTC)")
	return cmd
}
