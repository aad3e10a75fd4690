package outside

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/mail/bounce"
	"entree/internal/store"
)

// Check looks for broken invariants after students have finished: I1 to I3, I5
// and I7, one line per break. checked is the number of compared values.
func Check(ctx context.Context, keycloak *realm.Realm, db *store.Store, students []*scripted.Student) (breaks []string, checked int, err error) {
	say := func(format string, args ...any) { breaks = append(breaks, fmt.Sprintf(format, args...)) }
	users, err := keycloak.Users(ctx)
	if err != nil {
		return nil, 0, err
	}
	people, err := db.People(ctx)
	if err != nil {
		return nil, 0, err
	}
	byMark, byNumber := map[string]domain.Person{}, map[string]domain.Person{}
	for _, p := range people {
		byNumber[p.Number] = p
		if p.ActivationID != "" {
			byMark[p.ActivationID] = p
		}
	}
	accounts := map[string][]realm.User{} // by number
	for _, u := range users {
		number := u.Attribute("supannEtuId") + u.Attribute("supannEmpId")
		if _, known := byNumber[number]; !known {
			continue // the account belongs to another portal
		}
		accounts[number] = append(accounts[number], u)
		checked++
		p, ours := byMark[u.Attribute("entreeActivationId")]
		if !ours || p.Number != number || p.Login != u.Username {
			say("I1: the account %s has no intent of its own", u.Username)
			continue
		}
		if err := proven(ctx, db, p, u); err != nil {
			say("I2: the account %s: %v", u.Username, err)
		}
	}
	for number, all := range accounts {
		checked++
		if len(all) > 1 {
			say("I1: %s has %d accounts", number, len(all))
		}
	}
	for _, p := range people {
		if p.Account == domain.AccountActive && len(accounts[p.Number]) == 0 {
			say("I3: %s is said to be active and has no account", p.Number)
		}
		if p.Account == domain.AccountCreating {
			say("I7: the account of %s is still on its way", p.Number)
		}
	}
	for _, s := range students {
		checked++
		p := byNumber[s.Number]
		switch s.Outcome {
		case scripted.Success, scripted.Already:
			// A student without a password read that the account was activated in
			// another browser.
			if s.Shown != "" && s.Shown != p.Login {
				say("I3: %s was shown %q, not %q", s.Number, s.Shown, p.Login)
			}
			if s.Password != "" {
				if in, err := keycloak.LogsIn(ctx, p.Login, s.Password); err != nil {
					return nil, 0, err
				} else if !in {
					say("I3: %s read %s, and the login of %s does not work", s.Number, s.Outcome, p.Login)
				}
			}
		case scripted.Parked:
			if p.Account != domain.AccountParked {
				say("I7: %s was told to wait for somebody, and nobody sees it", s.Number)
			}
		case "":
			say("I7: %s came to no end: %s", s.Number, s.Where())
		}
		if s.Lost != "" {
			say("I7: %s: %s", s.Number, s.Lost)
		}
		if mails := len(s.Box.Messages(s.Email)); mails < s.Asked {
			events, err := db.Events(ctx, p.ID)
			if err != nil {
				return nil, 0, err
			}
			if !slices.ContainsFunc(events, func(e domain.Event) bool { return e.Kind == domain.EventMailAbandoned }) {
				say("I5: %s asked for %d codes and got %d mails", s.Number, s.Asked, mails)
			}
		}
	}
	counts, err := db.JobCounts(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, c := range counts {
		if c.Waiting > 0 && c.Kind != bounce.JobKind { // that job reads its mailbox periodically and never ends
			say("I5: %d jobs of the kind %s still wait", c.Waiting, c.Kind)
		}
	}
	return breaks, checked, nil
}

// proven returns an error if an account has no proven code or no accepted charter.
func proven(ctx context.Context, db *store.Store, p domain.Person, u realm.User) error {
	acceptances, _, err := db.Evidence(ctx, p.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(acceptances, func(a domain.Acceptance) bool { return a.SHA256 == u.Attribute("entreeCharterSHA256") }) {
		return fmt.Errorf("no acceptance of its charter")
	}
	events, err := db.Events(ctx, p.ID)
	if err != nil {
		return err
	}
	for i, e := range events {
		if e.Kind == domain.EventPasswordChosen || e.Kind == domain.EventPasskeyChosen {
			if slices.ContainsFunc(events[:i], func(e domain.Event) bool { return e.Kind == domain.EventCodeProven }) {
				return nil
			}
		}
	}
	return fmt.Errorf("no code was proven before its credential was chosen")
}

// Secrets searches the files of a run, except the mailbox, for secrets, and
// returns one line per find (I4). A secret is one word; a code is six digits
// that form a word of their own. A run of an hour plants thousands of secrets
// in a hundred megabytes, so each word is looked up in the set of secrets, not
// each secret in the text.
func Secrets(secrets []string, patterns ...string) ([]string, error) {
	between := func(r rune) bool {
		return !strings.ContainsRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.:+-", r)
	}
	planted := map[string]bool{}
	for _, s := range secrets {
		if strings.ContainsFunc(s, between) {
			return nil, fmt.Errorf("a secret of %d characters is more than a word", len(s))
		}
		planted[s] = s != ""
	}
	var out []string
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s is not there", pattern)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			for line := range bytes.SplitSeq(raw, []byte("\n")) {
				for word := range bytes.FieldsFuncSeq(line, between) {
					if planted[string(word)] {
						out = append(out, fmt.Sprintf("I4: %s holds %q: %.300q", filepath.Base(file), word, line))
					}
				}
			}
		}
	}
	return out, nil
}
