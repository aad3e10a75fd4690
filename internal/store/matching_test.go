package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"entree/internal/domain"
)

// A pass on both databases, with more rows than one statement takes.
func TestK1_APassOverBothDatabases(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const n = 450
		var people []domain.Person
		var accounts []domain.MatchAccount
		var keys []string
		for i := range n {
			p := person(fmt.Sprintf("%03d", i))
			p.Email = domain.Address(string(p.ID) + "@example.net")
			people = append(people, p)
			keys = append(keys, "number:"+p.Number)
			accounts = append(accounts, domain.MatchAccount{ID: "kc" + p.Number, Doc: []byte("doc"), Keys: []string{"number:" + p.Number, "login:x" + p.Number}})
		}
		accounts = append(accounts, domain.MatchAccount{ID: "free", Doc: []byte("free"), Keys: []string{"login:free"}})
		w.enrol(people...)
		pass := domain.MatchPass{ID: "1", Begun: start, Seen: start, State: domain.PassRunning}
		w.must(w.BeginPass(t.Context(), pass))
		if err := w.BeginPass(t.Context(), domain.MatchPass{ID: "2", Begun: start, Seen: start, State: domain.PassRunning}); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("a second pass: %v", err)
		}
		w.must(w.IndexAccounts(t.Context(), pass, accounts))
		w.must(w.IndexAccounts(t.Context(), pass, accounts[:10])) // read twice
		found, err := w.AccountsWith(t.Context(), append(keys, "login:x001"))
		w.must(err)
		if len(found) != n+1 || found["number:007"][0].ID != "kc007" {
			t.Errorf("%d keys found", len(found))
		}
		var matches []domain.Match
		var ids []domain.PersonID
		for _, p := range people {
			ids = append(ids, p.ID)
			matches = append(matches, domain.Match{Person: p.ID, Account: "kc" + p.Number, Login: "x" + p.Number, Class: domain.MatchCertain, Evidence: []domain.Evidence{domain.EvidenceNumber}})
		}
		matches = append(matches, domain.Match{Person: "000", Account: "kc001", Login: "x001", Class: domain.MatchLikely, Evidence: []domain.Evidence{domain.EvidenceNames}})
		w.must(w.PutMatches(t.Context(), pass, ids, matches))
		pass.Ended = start
		var unowned []string
		pass, err = w.EndPass(t.Context(), pass, func(a domain.MatchAccount) error { unowned = append(unowned, a.ID+string(a.Doc)); return nil })
		w.must(err)
		if pass.Certain != n-2 || pass.Contradictory != 2 || pass.Likely != 0 || pass.NoPerson != 1 || pass.NoAccount != 0 || pass.Accounts != n+1 || len(unowned) != 1 || unowned[0] != "freefree" {
			t.Errorf("%+v, unowned %q", pass, unowned)
		}
		if err := w.IndexAccounts(t.Context(), pass, nil); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("a pass that has ended goes on: %v", err)
		}

		// An adoption, a conflict and an erasure.
		adopt := func(person, account string) error {
			p, err := w.Person(t.Context(), domain.PersonID(person))
			w.must(err)
			after := p
			after.Account, after.AccountID, after.Login, after.Matching = domain.AccountActive, account, "x"+person, ""
			return w.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: p, After: after}}, Matches: []domain.MatchDecision{{Person: p.ID, Account: account, Adopted: true}}})
		}
		w.must(adopt("001", "kc001"))
		if err := adopt("000", "kc001"); err == nil {
			t.Error("one account belongs to two people")
		}
		if open, err := w.MatchesOf(t.Context(), "000"); err != nil || len(open) != 2 || open[1].Evidence[len(open[1].Evidence)-1] != domain.AgainstOwned {
			t.Errorf("%+v, %v", open, err)
		}
		w.must(w.Erase(t.Context(), "000", entry("", "")))
		if open, err := w.MatchesOf(t.Context(), "000"); err != nil || len(open) != 0 {
			t.Errorf("an erased person: %+v, %v", open, err)
		}
		if counts, err := w.MatchCounts(t.Context()); err != nil || counts[domain.MatchCertain] != n-2 {
			t.Errorf("%v %v", counts, err)
		}
		if last, err := w.LastPass(t.Context()); err != nil || last.ID != "1" || last.State != domain.PassDone || last.Certain != n-2 {
			t.Errorf("%+v %v", last, err)
		}
	})
}

// People whose first login is not known are read in pages, and no others.
func TestPeopleBeforeTheirFirstLogin(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		var people []domain.Person
		for i := range 9 {
			p := person(fmt.Sprintf("%03d", i))
			p.Email = domain.Address(string(p.ID) + "@example.net")
			people = append(people, p)
		}
		w.enrol(people...)
		for i, p := range people[:7] {
			change := domain.PersonChange{Person: p.ID, From: []domain.AccountState{domain.NoAccount}, To: domain.AccountActive, AccountID: "id" + p.Number, ActivatedAt: start}
			if i == 3 {
				change.FirstLoginAt = start
			}
			w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{change}}))
		}
		var got []domain.PersonID
		for after := domain.PersonID(""); ; {
			page, err := w.PeopleBeforeLogin(t.Context(), after, 2)
			w.must(err)
			if len(page) == 0 {
				break
			}
			for _, p := range page {
				got = append(got, p.ID)
			}
			after = got[len(got)-1]
		}
		want := []domain.PersonID{people[0].ID, people[1].ID, people[2].ID, people[4].ID, people[5].ID, people[6].ID}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// A pass that reads the accounts of Keycloak gives its id to an account that was known
// by its entry in the directory.
func TestK1_APassFindsTheIDOfAnEntry(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		knows := func(want bool) {
			t.Helper()
			if got, err := w.KnowsEntries(t.Context()); err != nil || got != want {
				t.Errorf("an account is known by its entry only: %t, %v", got, err)
			}
		}
		w.enrol(person("1"), person("2"))
		knows(false)
		for id, entry := range map[domain.PersonID]string{"1": "uuid-1", "2": "uuid-2"} {
			w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{
				Person: id, From: []domain.AccountState{domain.NoAccount}, To: domain.AccountActive, AccountID: domain.EntryID(entry),
			}}}))
		}
		pass := domain.MatchPass{ID: "1", Begun: start, Seen: start, State: domain.PassRunning}
		w.must(w.BeginPass(t.Context(), pass))
		w.must(w.IndexAccounts(t.Context(), pass, []domain.MatchAccount{{ID: "kc-1", Entry: "uuid-1", Doc: []byte("a")}, {ID: "kc-own", Doc: []byte("b")}}))
		for id, want := range map[domain.PersonID]string{"1": "kc-1", "2": domain.EntryID("uuid-2")} {
			if p, err := w.Person(t.Context(), id); err != nil || p.AccountID != want {
				t.Errorf("%s has the account %q, %v; want %q", id, p.AccountID, err, want)
			}
		}
		knows(true)
		w.must(w.IndexAccounts(t.Context(), pass, []domain.MatchAccount{{ID: "kc-2", Entry: "uuid-2", Doc: []byte("c")}}))
		knows(false)
	})
}

// A pass goes on if another person has the account whose entry a person is known by.
func TestK1_APassGoesOnAfterAnAccountOfTwoPeople(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"), person("3"))
		want := map[domain.PersonID]string{"1": domain.EntryID("uuid-1"), "2": "kc-1", "3": domain.EntryID("uuid-3")}
		for id, account := range want {
			w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{
				Person: id, From: []domain.AccountState{domain.NoAccount}, To: domain.AccountActive, AccountID: account,
			}}}))
		}
		pass := domain.MatchPass{ID: "1", Begun: start, Seen: start, State: domain.PassRunning}
		w.must(w.BeginPass(t.Context(), pass))
		w.must(w.IndexAccounts(t.Context(), pass, []domain.MatchAccount{{ID: "kc-1", Entry: "uuid-1", Doc: []byte("a")}, {ID: "kc-3", Entry: "uuid-3", Doc: []byte("b")}}))
		want["3"] = "kc-3"
		for id, want := range want {
			if p, err := w.Person(t.Context(), id); err != nil || p.AccountID != want {
				t.Errorf("%s has the account %q, %v; want %q", id, p.AccountID, err, want)
			}
		}
	})
}
