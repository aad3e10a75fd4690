package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/matching"
	"entree/internal/store"
)

// accountsRun holds the flags of the accounts commands.
type accountsRun struct {
	env     environment
	config  string
	json    bool
	show    int
	unowned string
	out     io.Writer
	err     io.Writer
}

// accountsCommand compares the people of the registry with the accounts of the realm.
func accountsCommand(env environment) *cobra.Command {
	a := &accountsRun{env: env}
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "Find the people who have an account in the realm already",
		Long: `Find the people who have an account in the realm already, so that no person gets
a second one. Both commands read all accounts of the realm, in pages, and all
people without an account, and change nothing in the realm.

  plan    compares, and prints each match with the reasons for and against it
  apply   compares, and adopts the certain matches: from then on these people are
          active, and a request for an activation is answered with their login

Matches are

  certain         the same number, or another reason of matching.certain; adopted
  likely          the same login, address, or names and birth date; an operator
                  confirms or rejects each one in the console
  contradictory   one person with two accounts, one account of two people, or
                  values that exclude each other; decided in the console

A person with an open match cannot activate until it is decided. An account
without a person is not changed; --unowned lists such accounts. The key
matching.mark decides whether the portal writes its mark into adopted accounts. It
never changes anything else in them. See docs/introduce.md.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&a.config, "config", "entree.yaml", "the configuration file")
	flags.BoolVar(&a.json, "json", false, "print the outcome as one JSON object on the standard output")
	flags.IntVar(&a.show, "show", 20, "number of matches of each class that are listed; -1: all")
	flags.StringVar(&a.unowned, "unowned", "", "write the accounts without a person to this CSV file")
	cmd.AddCommand(
		&cobra.Command{Use: "plan", Short: "Compare, and show what would be adopted", Args: cobra.NoArgs, RunE: a.run(false)},
		&cobra.Command{Use: "apply", Short: "Compare, and adopt the certain matches", Args: cobra.NoArgs, RunE: a.run(true)},
	)
	return cmd
}

// accountsOutcome is the outcome in JSON, without its field matches, which is a list
// of accountMatchJSON.
type accountsOutcome struct {
	Pass    passJSON          `json:"pass"`
	Adopted *matching.Adopted `json:"adopted,omitempty"`
}

type passJSON struct {
	Accounts      int     `json:"accounts"`
	People        int     `json:"people"`
	Own           int     `json:"accounts_of_people"`
	Certain       int     `json:"certain"`
	Likely        int     `json:"likely"`
	Contradictory int     `json:"contradictory"`
	NoAccount     int     `json:"people_without_match"`
	NoPerson      int     `json:"accounts_without_match"`
	Seconds       float64 `json:"seconds"`
}

type accountMatchJSON struct {
	Class    domain.MatchClass `json:"class"`
	Person   domain.PersonID   `json:"person"`
	Profile  string            `json:"profile"`
	Number   string            `json:"number"`
	Account  string            `json:"account"`
	Login    string            `json:"login"`
	Evidence []domain.Evidence `json:"evidence"`
}

func (a *accountsRun) run(apply bool) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		a.out, a.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
		return withStore(cmd.Context(), a.config, a.env, func(c config.Config, s *store.Store) error { return a.compare(cmd.Context(), c, s, apply) })
	}
}

// compare runs one pass over the realm's accounts and prints its outcome. With apply,
// it adopts the certain matches.
func (a *accountsRun) compare(ctx context.Context, c config.Config, s *store.Store, apply bool) error {
	service, err := app.NewMatching(c, s)
	if err != nil {
		return err
	}
	observer, closeList, err := a.observer()
	if err != nil {
		return err
	}
	operator := audit.Operator{Subject: "command", Name: "entree accounts", Role: "system"}
	p, err := service.Pass(ctx, operator, observer)
	if err = errors.Join(err, closeList()); err != nil {
		if errors.Is(err, domain.ErrConflict) {
			return errors.New("another comparison runs, of a command or of serve: wait until it has ended")
		}
		return fmt.Errorf("nothing was changed: %w", err)
	}
	o := accountsOutcome{Pass: passJSON{p.Accounts, p.People, p.Own, p.Certain, p.Likely, p.Contradictory, p.NoAccount, p.NoPerson, p.Ended.Sub(p.Begun).Seconds()}}
	if apply {
		done, err := service.AdoptCertain(ctx, audit.Entry{At: domain.Instant(time.Now()), By: operator}, func(d matching.Adopted) {
			a.progress("%d adopted", d.Adopted)
		})
		a.progress("")
		if o.Adopted = &done; err != nil {
			return fmt.Errorf("after %d adoptions: %w", done.Adopted, err)
		}
	}
	if a.json {
		return a.printJSON(ctx, s, o)
	}
	return a.print(ctx, s, o)
}

// observer returns the functions that a pass calls: they show the progress and, with
// --unowned, write the list of accounts without a person. The caller calls closeList
// after the pass.
func (a *accountsRun) observer() (told matching.Told, closeList func() error, err error) {
	last := time.Time{}
	told = matching.Told{Progress: func(p domain.MatchPass) {
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			a.progress("%d of about %d accounts read, %d people compared", p.Accounts, p.Expected, p.People)
		}
	}}
	if a.unowned == "" {
		return told, func() error { a.progress(""); return nil }, nil
	}
	f, err := os.OpenFile(a.unowned, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return told, nil, err
	}
	w := csv.NewWriter(f)
	told.Unowned = func(id, login string) error { return w.Write([]string{id, login}) }
	if err := w.Write([]string{"id", "login"}); err != nil {
		return told, nil, errors.Join(err, f.Close())
	}
	return told, func() error {
		a.progress("")
		w.Flush()
		return errors.Join(w.Error(), f.Close())
	}, nil
}

// progress replaces the line of the progress on the standard error, if that is a
// terminal; an empty format removes it.
func (a *accountsRun) progress(format string, args ...any) {
	f, ok := a.err.(*os.File)
	if !ok {
		return
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return
	}
	fmt.Fprint(a.err, "\r\x1b[K"+fmt.Sprintf(format, args...))
}

// list calls see with the open matches, at most limit of each class, or all if limit
// is negative.
func list(ctx context.Context, s *store.Store, limit int, see func(accountMatchJSON) error) error {
	return app.EachOpenMatch(ctx, s, limit, func(m domain.Match, p domain.Person) error {
		return see(accountMatchJSON{m.Class, m.Person, p.Profile, p.Number, m.Account, m.Login, m.Evidence})
	})
}

// printJSON prints the outcome as one object, match by match.
func (a *accountsRun) printJSON(ctx context.Context, s *store.Store, o accountsOutcome) error {
	head, err := json.Marshal(o)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(a.out)
	fmt.Fprintf(w, `%s,"matches":[`, bytes.TrimSuffix(head, []byte("}")))
	separator := ""
	err = list(ctx, s, -1, func(m accountMatchJSON) error {
		line, err := json.Marshal(m)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n%s", separator, line)
		}
		separator = ","
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "]}")
	return w.Flush()
}

func (a *accountsRun) print(ctx context.Context, s *store.Store, o accountsOutcome) error {
	p := o.Pass
	fmt.Fprintf(a.out, "%d accounts and %d people without an account were compared in %.0f s; %d accounts belong to people already\n\n", p.Accounts, p.People, p.Seconds, p.Own)
	left := map[domain.MatchClass]int{domain.MatchCertain: p.Certain, domain.MatchLikely: p.Likely, domain.MatchContradictory: p.Contradictory}
	class := domain.MatchClass("")
	err := list(ctx, s, a.show, func(m accountMatchJSON) error {
		if m.Class != class {
			class = m.Class
			fmt.Fprintf(a.out, "%s\n", class)
		}
		words := make([]string, len(m.Evidence))
		for i, e := range m.Evidence {
			words[i] = strings.ReplaceAll(string(e), "_", " ")
		}
		_, err := fmt.Fprintf(a.out, "  %s %s → %s: %s\n", m.Profile, cmp.Or(m.Number, string(m.Person)), m.Login, strings.Join(words, ", "))
		return err
	})
	if err != nil {
		return err
	}
	if class != "" {
		fmt.Fprintln(a.out)
	}
	fmt.Fprintf(a.out, "people: %d certain, %d likely, %d contradictory, %d without a match; accounts without a person: %d\n",
		left[domain.MatchCertain], left[domain.MatchLikely], left[domain.MatchContradictory], p.NoAccount, p.NoPerson)
	switch {
	case o.Adopted != nil:
		fmt.Fprintf(a.out, "adopted: %d", o.Adopted.Adopted)
		if n := o.Adopted.Refused + o.Adopted.Changed; n > 0 {
			fmt.Fprintf(a.out, "; %d were not: their login is taken, or they changed meanwhile", n)
		}
		fmt.Fprintln(a.out)
	case p.Certain > 0:
		fmt.Fprintln(a.out, "nothing was changed in the realm; `entree accounts apply` adopts the certain ones")
	default:
		fmt.Fprintln(a.out, "nothing was changed in the realm")
	}
	if p.Likely+p.Contradictory > 0 {
		fmt.Fprintln(a.out, "the likely and the contradictory ones are decided in the console, under Existing accounts")
	}
	return nil
}
