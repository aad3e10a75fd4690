package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// The queue, its counts and its guards are the same on both databases.
func TestClaims_OnBothDatabases(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		p := person("1")
		p.INE = "0123456789A"
		w.enrol(p)
		n := 0
		file := func(number, client string) domain.Claim {
			n++
			at := w.clock().Add(time.Duration(n) * time.Minute)
			c := domain.Claim{
				ID: fmt.Sprint("c", n), Journey: domain.JourneyID(fmt.Sprint("j", n)), Profile: "etudiant", Number: number, GivenName: "Zoé", FamilyName: "d’Arc", BirthDate: "2007-03-17",
				Address: domain.Address(fmt.Sprintf("new%d@example.org", n)), Lang: domain.French, Client: client, AskedAt: at,
			}
			found, err := w.PersonByAnyNumber(t.Context(), "etudiant", number)
			if err == nil {
				c.Person = found.ID
			} else if !errors.Is(err, domain.ErrNotFound) {
				t.Fatal(err)
			}
			w.must(w.Apply(t.Context(), domain.Effects{Claim: &c}))
			w.must(w.Apply(t.Context(), domain.Effects{ClaimMove: &domain.ClaimMove{Journey: c.Journey, From: domain.ClaimUnproven, To: domain.ClaimWaiting, At: at}}))
			return c
		}
		move := func(id string, from, to domain.ClaimState, by string) error {
			return w.Apply(t.Context(), domain.Effects{ClaimMove: &domain.ClaimMove{ID: id, From: from, To: to, At: w.clock().Add(time.Hour), By: audit.Operator{Subject: by, Name: by}, Reason: "r", CardSeen: true}})
		}
		queue := func(q helpdesk.ClaimQuery) (out []string) {
			if q.States == nil {
				q.States = domain.ClaimStates()
			}
			q.Limit = 10
			cases, err := w.ClaimQueue(t.Context(), q)
			w.must(err)
			for _, c := range cases {
				out = append(out, fmt.Sprintf("%s/%s %d %d %d %d %d %d", c.ID, c.Registry.ID, c.Earlier, c.EarlierRefused, c.Open, c.NetworkRefused, c.NetworkOthers, c.Shared))
			}
			return out
		}
		first := file("1", "192.0.2.0/24")
		w.must(move(first.ID, domain.ClaimWaiting, domain.ClaimRefused, "Ada"))
		file("0123456789a", "")
		file("none", "192.0.2.0/24")
		if got, want := queue(helpdesk.ClaimQuery{}), []string{"c1/1 0 0 1 0 1 0", "c2/1 1 1 0 0 0 0", "c3/ 0 0 0 1 1 0"}; !slices.Equal(got, want) {
			t.Errorf("the queue is %q, want %q", got, want)
		}
		w.enrol(person("2"), with(person("3"), func(p *domain.Person) { p.Email = "new3@example.org" }))
		w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "2", From: []domain.AccountState{domain.NoAccount}, To: domain.AccountActive, AccountID: "kc-2"}}}))
		w.must(w.Apply(t.Context(), domain.Effects{Second: &domain.SecondChange{Person: "2", First: person("2").Email, New: "new3@example.org", At: w.clock()}}))
		if got := queue(helpdesk.ClaimQuery{ID: "c3"}); !slices.Equal(got, []string{"c3/ 0 0 0 1 1 2"}) {
			t.Errorf("with an address that two people have: %q", got)
		}
		for words, want := range map[string]int{"arc": 3, "ZOE new2": 1, "0123": 1, "x": 0} {
			if got := queue(helpdesk.ClaimQuery{Words: words}); len(got) != want {
				t.Errorf("%q finds %q", words, got)
			}
		}
		if got := queue(helpdesk.ClaimQuery{ID: "c3", States: []domain.ClaimState{domain.ClaimWaiting}}); len(got) != 1 {
			t.Errorf("by id: %q", got)
		}
		w.must(move("c2", domain.ClaimWaiting, domain.ClaimAgreed, "Ada"))
		for _, by := range []string{"Ada", "Bob", "Eve"} {
			if err := move("c2", domain.ClaimAgreed, domain.ClaimAccepted, by); (err == nil) != (by == "Bob") || by != "Bob" && !errors.Is(err, domain.ErrConflict) {
				t.Errorf("%s accepts: %v", by, err)
			}
		}
		w.must(move("c2", domain.ClaimAccepted, domain.ClaimDone, ""))
		c, err := w.Claim(t.Context(), "c2")
		if w.must(err); c.Operator != "Ada" || c.Second != "Bob" || !c.CardSeen || c.State != domain.ClaimDone {
			t.Errorf("the claim is %+v", c)
		}
		o, err := w.Overview(t.Context(), w.clock())
		if w.must(err); o.Claims.Waiting != 1 || o.Claims.Median == 0 || len(o.Claims.Decided) != 2 {
			t.Errorf("the figures are %+v", o.Claims)
		}
		var changes []helpdesk.AddressChange
		w.must(w.AcceptedChanges(t.Context(), w.clock(), func(c helpdesk.AddressChange) error { changes = append(changes, c); return nil }))
		if len(changes) != 1 || changes[0].New != "new2@example.org" || changes[0].Second != "Bob" {
			t.Errorf("the changes are %+v", changes)
		}
		removal := domain.FactorRemoval{ID: "f1", Person: "1", AskedBy: "Ada", AskedByID: "Ada", AskedAt: w.clock(), DueAt: w.clock(), State: domain.FactorAsked}
		w.must(w.Apply(t.Context(), domain.Effects{FactorAsk: &removal}))
		removal.ID = "f2"
		if err := w.Apply(t.Context(), domain.Effects{FactorAsk: &removal}); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("a second removal: %v", err)
		}
		for _, by := range []string{"Ada", "Bob"} {
			err := w.Apply(t.Context(), domain.Effects{FactorMove: &domain.FactorMove{ID: "f1", From: domain.FactorAsked, To: domain.FactorAgreed, By: audit.Operator{Subject: by, Name: by}}})
			if (err == nil) != (by == "Bob") {
				t.Errorf("%s agrees: %v", by, err)
			}
		}
		d, err := w.Dossier(t.Context(), "1")
		if w.must(err); len(d.Claims) != 2 || len(d.FactorRemovals) != 1 {
			t.Errorf("the dossier has %d claims and %d removals", len(d.Claims), len(d.FactorRemovals))
		}
		w.must(w.Erase(t.Context(), "1", audit.Entry{At: w.clock()}))
		if all, err := w.ClaimsOf(t.Context(), "1"); err != nil || len(all) != 0 {
			t.Errorf("after the erasure: %v, %v", all, err)
		}
	})
}
