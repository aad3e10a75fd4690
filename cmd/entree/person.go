package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/store"
)

// personCommand exports and erases the data of one person, for an institution without the console.
func personCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "person",
		Short: "Export or erase what is held about one person",
		Args:  cobra.NoArgs,
	}
	p := personRun{env: env}
	cmd.PersistentFlags().StringVar(&p.config, "config", "entree.yaml", "the configuration file")
	cmd.PersistentFlags().StringVar(&p.profile, "profile", "", "the profile, where a number is several people's")
	cmd.AddCommand(p.exportCommand(), p.eraseCommand())
	return cmd
}

func (p *personRun) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export LOGIN-OR-NUMBER",
		Short: "Write everything that is held about somebody to the standard output, as JSON",
		Long: `Write everything that is held about somebody to the standard output, as JSON:
who they are, their whole story, the charters that they accepted with the exact
texts, journeys, mails, where they were imported from and what operators did. It
is what the console hands out, and stands in the audit as that does.

  entree person export 22502142 > 22502142.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), args[0], func(s *store.Store, who domain.Person) error {
				return p.export(cmd.Context(), s, who, cmd.OutOrStdout())
			})
		},
	}
}

func (p *personRun) eraseCommand() *cobra.Command {
	var reason string
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase LOGIN-OR-NUMBER",
		Short: "Erase what is held about somebody, but for what must be kept",
		Long: `Erase what is held about somebody, but for what must be kept: the number, by
which an import knows not to take them in again; the identifier and the university
address, which are never another's; what was accepted, with its text; and that
things happened, without details. docs/operations.md tells the whole of it. The
account in Keycloak is not touched.

Without --yes it says whom it would erase, and does nothing. It cannot be undone.

  entree person erase 22502142 --reason "asked for on 3 September" --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return errors.New("say who asked for it, and when: --reason")
			}
			return p.with(cmd.Context(), args[0], func(s *store.Store, who domain.Person) error {
				return p.erase(cmd.Context(), s, who, reason, yes, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "who asked for it, and when; it is kept in the audit")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

// personRun is one run of the command.
type personRun struct {
	env             environment
	config, profile string
}

// with finds the one person who is meant.
func (p *personRun) with(ctx context.Context, name string, do func(*store.Store, domain.Person) error) error {
	c, err := config.Load(p.config, p.env.environ)
	if err != nil {
		return err
	}
	s, err := app.OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	found, err := s.PeopleCalled(ctx, name)
	if err != nil {
		return err
	}
	var who []domain.Person
	for _, one := range found {
		if p.profile == "" || one.Profile == p.profile {
			who = append(who, one)
		}
	}
	switch len(who) {
	case 0:
		return fmt.Errorf("nobody has the number or identifier %q", name)
	case 1:
		return do(s, who[0])
	default:
		return fmt.Errorf("%q is %d people, %s and %s among them: say which with --profile", name, len(who), who[0].Profile, who[1].Profile)
	}
}

// entry is what the audit keeps: the system's user is all that is known.
func (p *personRun) entry(act string, who domain.Person, what map[string]string) audit.Entry {
	name := cmp.Or(p.env.get("SUDO_USER"), p.env.get("USER"), "command line")
	return audit.Entry{At: domain.Instant(time.Now()), By: audit.Operator{Subject: "command line", Name: name, Role: "command"}, Act: act, Whom: string(who.ID), What: what}
}

func (p *personRun) export(ctx context.Context, s *store.Store, who domain.Person, out io.Writer) error {
	d, err := s.Dossier(ctx, who.ID)
	if err != nil {
		return err
	}
	raw, err := d.JSON(time.Now())
	if err != nil {
		return err
	}
	if err := s.Note(ctx, p.entry("person.exported", who, nil)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", raw)
	return err
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
		return fmt.Errorf("nothing was erased: the account of %s is being made; try again in a minute", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "erased: %s\nkept: the number, charters that were accepted, that things happened\n", name)
	if who.Login != "" {
		fmt.Fprintf(out, "kept: the identifier %s and %s, which are never another's; the account in Keycloak is yours to delete\n", who.Login, who.UniversityAddress)
	}
	return nil
}
