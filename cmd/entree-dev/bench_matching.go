package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/devenv/demopeople"
	"entree/internal/devenv/realm"
)

// The limits of a comparison of 25,000 people with 30,000 accounts, and of its memory
// in proportion to that of a comparison of a tenth of both. Of fewer people than
// matchingJudged the memory is that of the program itself, and no limit applies.
const (
	matchingLimit  = 120.0 // seconds
	matchingMemory = 1.5
	matchingJudged = 10_000
)

// benchMatchingOptions are the flags of `entree-dev bench matching`.
type benchMatchingOptions struct {
	people, accounts int
	database         string
	json             bool
}

func benchMatchingCommand(p *product) *cobra.Command {
	var o benchMatchingOptions
	cmd := &cobra.Command{
		Use:   "matching",
		Short: "What it costs to compare people with accounts that exist",
		Long: `Import people and compare them with the accounts of a Keycloak that answers at
once, by "entree accounts apply", which adopts the matches; then once more, when
nothing is left to adopt. The same with a tenth of the people and of the accounts:
memory must not grow. Four of five people have an account.

A real Keycloak needs about 1.5 ms of its own for each account.

Ends with 1 if a comparison takes more than two minutes, or if the memory of the
large one is more than 1.5 × that of the small one. Of fewer than 10,000 people
the figures are printed only.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchMatching(cmd.Context(), o, p, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.people, "people", 25_000, "people in the registry")
	f.IntVar(&o.accounts, "accounts", 30_000, "accounts in the realm")
	f.StringVar(&o.database, "database", "sqlite", "sqlite or postgres")
	f.BoolVar(&o.json, "json", false, "one line of JSON on the standard output, all else on the standard error")
	return cmd
}

// matchingRun is what one run of `entree accounts` took.
type matchingRun struct {
	People    int     `json:"people"`
	Accounts  int     `json:"accounts"`
	Adopted   int     `json:"adopted"`
	Seconds   float64 `json:"seconds"`
	Processor float64 `json:"processor_seconds"` // of the command; PostgreSQL's own is not in it
	Memory    int64   `json:"peak_bytes"`
}

func benchMatching(ctx context.Context, o benchMatchingOptions, p *product, stdout, stderr io.Writer) error {
	if o.people < 100 || o.accounts < o.people || o.database != "sqlite" && o.database != "postgres" {
		return errors.New("--people is 100 or more, --accounts as many or more, --database is sqlite or postgres")
	}
	dir, err := os.MkdirTemp("", "entree-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := p.in(dir)
	if err != nil {
		return err
	}
	dsn, stop, err := benchDatabases(o.database, dir)
	if err != nil {
		return err
	}
	defer stop()
	var runs []matchingRun
	for i, size := range []int{10, 1} {
		name := fmt.Sprintf("size%d", i)
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
		base, err := dsn(name)
		if err != nil {
			return err
		}
		some, err := compareOnce(ctx, program, filepath.Join(dir, name), base, o.people/size, o.accounts/size)
		if err != nil {
			return err
		}
		for _, r := range some {
			fmt.Fprintf(stderr, "%d people, %d accounts: %.1f s (%.1f s of the processor), %d adopted, %d MB at most\n", r.People, r.Accounts, r.Seconds, r.Processor, r.Adopted, r.Memory>>20)
		}
		runs = append(runs, some...)
	}
	small, large := max(runs[0].Memory, runs[1].Memory), max(runs[2].Memory, runs[3].Memory)
	memory, seconds := float64(large)/float64(small), max(runs[2].Seconds, runs[3].Seconds)
	isWithin := o.people < matchingJudged || memory <= matchingMemory && seconds <= matchingLimit
	if o.json {
		err = json.NewEncoder(stdout).Encode(map[string]any{
			"database": o.database, "runs": runs, "seconds": seconds, "seconds_limit": matchingLimit, "memory_ratio": memory, "memory_ratio_limit": matchingMemory, "limits_hold": isWithin,
		})
	} else {
		fmt.Fprintf(stdout, "%d people with %d accounts in %s: %.1f s (%.0f at most), memory %.2f × that of a tenth (%.1f at most)\n",
			o.people, o.accounts, o.database, seconds, matchingLimit, memory, matchingMemory)
	}
	if err == nil && !isWithin {
		err = errors.New("the limits do not hold")
	}
	return err
}

// compareOnce imports people and compares them twice.
func compareOnce(ctx context.Context, program, dir, dsn string, people, accounts int) ([]matchingRun, error) {
	server := httptest.NewServer(realmOfAccounts(people, accounts))
	defer server.Close()
	config := filepath.Join(dir, "entree.yaml")
	text := fmt.Sprintf(`database: "%s"
institution: {name: Université, scope: example.org, help_email: help@example.org}
portal: {base_url: "http://127.0.0.1"}
keycloak: {url: "%s", realm: old}
import: {profile: etudiant}
matching: {numbers: {studentId: [etudiant]}}
smtp: {host: 127.0.0.1, from: a@example.org, tls: none}
profiles: [{key: etudiant, name: {fr: Étudiant, en: Student}, login: "o{number}", address: "{number}@example.org", affiliation: student, affiliations: [student]}]
charters: [{version: "1", title: {fr: Charte, en: Charter}, file: {fr: charter.md, en: charter.md}}]
`, dsn, server.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "charter.md"), []byte("# Charter\n"), 0o600); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "people.csv")
	if err := writePeople(file, people); err != nil {
		return nil, err
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, append(args, "--config", config)...)
		cmd.Env = append(os.Environ(), "ENTREE_SECRET=0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", "ENTREE_KEYCLOAK_CLIENT_SECRET=a", "ENTREE_SSO_CLIENT_SECRET=b")
		return cmd
	}
	if _, _, _, err := measured(ctx, command("import", file)); err != nil {
		return nil, err
	}
	var runs []matchingRun
	for range 2 {
		var outcome bytes.Buffer
		cmd := command("accounts", "apply", "--json")
		cmd.Stdout = &outcome
		r := matchingRun{People: people, Accounts: accounts}
		var err error
		if r.Seconds, r.Processor, r.Memory, err = measured(ctx, cmd); err != nil {
			return nil, err
		}
		var told struct {
			Adopted struct{ Adopted int }
			Pass    struct{ Accounts int }
		}
		if err = json.Unmarshal(outcome.Bytes(), &told); err == nil && told.Pass.Accounts != accounts {
			err = fmt.Errorf("%d of %d accounts were compared", told.Pass.Accounts, accounts)
		}
		if err != nil {
			return nil, err
		}
		r.Adopted = told.Adopted.Adopted
		runs = append(runs, r)
	}
	if want := people * 4 / 5; runs[0].Adopted < want-1 || runs[1].Adopted != 0 {
		return nil, fmt.Errorf("%d people were adopted, then %d, want %d and none", runs[0].Adopted, runs[1].Adopted, want)
	}
	return runs, nil
}

// realmOfAccounts returns a stub of Keycloak whose realm has accounts: the first ones
// belong to four of five people.
func realmOfAccounts(people, accounts int) http.Handler {
	return realm.Stub("old", accounts, func(i int) map[string]any {
		p := demopeople.Student(i)
		if i >= people*4/5 {
			p = demopeople.Student(10*people + i)
		}
		return map[string]any{
			"id": fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), "username": fmt.Sprintf("old%08d", i), "email": fmt.Sprintf("old%08d@example.org", i), "firstName": p.GivenName, "lastName": p.FamilyName,
			"enabled": true, "createdTimestamp": time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(),
			"attributes": map[string]any{"studentId": []string{p.Number}, "supannMailPerso": []string{string(p.Email)}, "supannOIDCDateDeNaissance": []string{p.BirthDate}, "locale": []string{"fr"}},
		}
	})
}
