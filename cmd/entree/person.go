package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/audit"
	"entree/internal/clean"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/store"
)

// personCommand exports and erases the data of one person, for an institution without the console.
func personCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "person",
		Short: "Export or erase the data about one person",
		Args:  cobra.NoArgs,
	}
	p := personRun{env: env}
	cmd.PersistentFlags().StringVar(&p.config, "config", "entree.yaml", "the configuration file")
	cmd.PersistentFlags().StringVar(&p.profile, "profile", "", "the profile, if several people have the number")
	cmd.AddCommand(p.exportCommand(), p.eraseCommand())
	return cmd
}

func (p *personRun) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export LOGIN-OR-NUMBER",
		Short: "Write all data about one person to the standard output, as JSON",
		Long: `Write all data about one person to the standard output, as JSON: the person,
their history, the accepted charters with the exact texts, journeys, mails, the
imports that contained the person, and the acts of operators. The console exports
the same document. The export is recorded in the audit.

  entree person export 22502142 > 22502142.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), args[0], func(s *store.Store, who domain.Person) error {
				raw, err := app.ExportPerson(cmd.Context(), s, who.ID, p.entry("person.exported", who, nil))
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", raw)
				return err
			})
		},
	}
}

func (p *personRun) eraseCommand() *cobra.Command {
	var reason string
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase LOGIN-OR-NUMBER",
		Short: "Erase the data about one person that need not be kept",
		Long: `Erase the data about one person. The portal keeps the number, so that an import
does not add the person again; the identifier and the university address, which
are never assigned again; the accepted charters with their texts; and the kinds and
times of events, without details. docs/operations.md has the complete list. The
account in Keycloak or in the directory is not changed.

Without --yes the command prints whom it would erase and changes nothing. An
erasure cannot be undone.

  entree person erase 22502142 --reason "asked for on 3 September" --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason = strings.TrimSpace(clean.Prose(reason)); reason == "" {
				return errors.New("add --reason: who asked for the erasure, and when")
			}
			return p.with(cmd.Context(), args[0], func(s *store.Store, who domain.Person) error {
				return p.erase(cmd.Context(), s, who, reason, yes, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "who asked for the erasure, and when; recorded in the audit")
	cmd.Flags().BoolVar(&yes, "yes", false, "erase the data")
	return cmd
}

// personRun is one run of the command.
type personRun struct {
	env             environment
	config, profile string
}

// with finds the person with a number or identifier, as app.FindPerson does. It calls do with the person and the open database.
func (p *personRun) with(ctx context.Context, name string, do func(*store.Store, domain.Person) error) error {
	return withStore(ctx, p.config, p.env, func(_ config.Config, s *store.Store) error {
		found, err := app.FindPerson(ctx, s, name, p.profile)
		if err != nil {
			return err
		}
		return do(s, found)
	})
}

// entry returns the audit entry of an act. The operator is the user of the
// operating system.
func (p *personRun) entry(act string, who domain.Person, what map[string]string) audit.Entry {
	name := cmp.Or(p.env.get("SUDO_USER"), p.env.get("USER"), "command line")
	return audit.Entry{At: domain.Instant(time.Now()), By: audit.Operator{Subject: "command line", Name: name, Role: "command"}, Act: act, Whom: string(who.ID), What: what}
}

func (p *personRun) erase(ctx context.Context, s *store.Store, who domain.Person, reason string, yes bool, out io.Writer) error {
	name := fmt.Sprintf("%s %s, %s %s", who.GivenName, who.FamilyName, who.Profile, who.Number)
	switch {
	case !who.ErasedAt.IsZero():
		return fmt.Errorf("%s %s was erased on %s already", who.Profile, who.Number, who.ErasedAt.Format(time.DateOnly))
	case !yes:
		return fmt.Errorf("nothing was erased: this is %s; add --yes to erase them", name)
	}
	err := s.Erase(ctx, who.ID, p.entry("", who, map[string]string{"reason": reason}))
	if errors.Is(err, domain.ErrConflict) {
		return fmt.Errorf("nothing was erased: the account of %s is being created; try again in a minute", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "erased: %s\nkept: the number, the accepted charters, the kinds and times of events\n", name)
	if who.Login != "" {
		fmt.Fprintf(out, "kept: the identifier %s and %s, which are never assigned again; delete the account in Keycloak, or its entry in the directory, yourself if you want to\n", who.Login, who.UniversityAddress)
	}
	return nil
}
