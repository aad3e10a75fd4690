package store_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"entree/internal/domain"
)

// When two operators edit one person, the second change is refused as a whole.
// So is a change decided on an older state of the account.
func TestEdit_OnlyWhoSawThePersonAsTheyAreChangesThem(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		seen, err := w.Person(t.Context(), "1")
		w.must(err)
		second := w.instance()
		var wins atomic.Int32
		together(8, func(i int) {
			s := w.Store
			if i%2 == 1 {
				s = second
			}
			after := seen
			after.Hold = string(rune('a' + i))
			err := s.Apply(context.Background(), domain.Effects{
				Edits: []domain.PersonEdit{{Before: seen, After: after}}, Events: []domain.Event{{At: start, Kind: "x", Person: "1"}},
			})
			switch {
			case err == nil:
				wins.Add(1)
			case !errors.Is(err, domain.ErrConflict):
				t.Error(err)
			}
		})
		events, err := w.Events(t.Context(), "1")
		if err != nil || wins.Load() != 1 || len(events) != 1 {
			t.Errorf("%d changes, %d events, %v", wins.Load(), len(events), err)
		}
		gone := seen
		gone.ID = "nobody"
		if err := w.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: gone, After: gone}}}); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestEdit_AnImportDoesNotUndoAHold(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		before, _ := w.Person(t.Context(), "1")
		after := before
		after.Hold = "pièce d’identité à revoir"
		w.must(w.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: before, After: after}}}))
		changed := person("1")
		changed.GivenName, changed.Readiness = "Jean", domain.Ready
		w.enrol(changed)
		p, err := w.Person(t.Context(), "1")
		if err != nil || p.Hold != after.Hold || p.GivenName != "Jean" || p.MayActivate() || p.State() != domain.StateHeld {
			t.Errorf("%+v, %v", p, err)
		}
		begin := domain.PersonChange{Person: "1", From: []domain.AccountState{domain.NoAccount}, To: domain.AccountCreating, ActivationID: "a"}
		if err := w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{begin}}); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("an account is begun for somebody who is held: %v", err)
		}
	})
}

// A second identifier leaves the first one reserved to its person, and cannot
// be another person's.
func TestEdit_ASecondIdentifierKeepsTheFirst(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"))
		for id, login := range map[domain.PersonID]string{"1": "martin", "2": "martin2"} {
			if _, err := w.ReserveLogin(t.Context(), id, slices.Values([]string{login})); err != nil {
				t.Fatal(err)
			}
		}
		rename := func(to string) error {
			before, err := w.Person(t.Context(), "1")
			w.must(err)
			after := before
			after.Login = to
			return w.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: before, After: after}}})
		}
		if err := rename("martin2"); !errors.Is(err, domain.ErrTaken) {
			t.Errorf("somebody else's: %v", err)
		}
		w.must(rename("martin3"))
		if got, err := w.ReserveLogin(t.Context(), "1", slices.Values([]string{"another"})); err != nil || got != "martin3" {
			t.Errorf("%q, %v", got, err)
		}
		w.enrol(person("3"))
		if got, err := w.ReserveLogin(t.Context(), "3", slices.Values([]string{"martin", "martin2", "martin3", "martin4"})); err != nil || got != "martin4" {
			t.Errorf("%q, %v: a name that was given is given again", got, err)
		}
		if err := w.Exec(t.Context(), `DELETE FROM names`); err == nil {
			t.Error("names can be removed")
		}
	})
}

// A journey whose code was not proven goes on: its end would show a stranger that the
// address is known (S14).
func TestEdit_EndsJourneysThatLedToNoAccount(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		begin := func(id string, change func(*domain.Journey)) {
			j := journey(id)
			change(&j)
			w.must(w.Begin(t.Context(), j, domain.Effects{}))
		}
		begin("asked", func(j *domain.Journey) { j.Candidates = []domain.PersonID{"1"} })
		begin("sole", func(j *domain.Journey) { j.Candidates, j.ProvenAt = []domain.PersonID{"1"}, start })
		begin("shared", func(j *domain.Journey) { j.Candidates = []domain.PersonID{"1", "2"} })
		begin("proven", func(j *domain.Journey) { j.Address, j.Person, j.ProvenAt = "old@example.net", "1", start })
		begin("chosen", func(j *domain.Journey) { j.Person, j.PasswordAt = "1", start })
		begin("other", func(j *domain.Journey) { j.Address, j.Person = "x@example.net", "2" })
		begin("without", func(j *domain.Journey) { j.Address, j.Person = "", "2" })
		before, _ := w.Person(t.Context(), "1")
		after := before
		after.Email = "new@example.net"
		w.must(w.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: before, After: after, Ends: start}}}))
		for id, ended := range map[domain.JourneyID]bool{"asked": false, "sole": true, "shared": false, "proven": true, "chosen": false, "other": false} {
			j, err := w.Journey(t.Context(), id)
			if err != nil || j.EndedAt.Equal(start) != ended || ended && j.Code.MAC != nil {
				t.Errorf("%s: ended %v, want %v; %v", id, j.EndedAt.Equal(start), ended, err)
			}
			if _, err := w.Update(t.Context(), domain.Journey{ID: id}, func(*domain.Journey) (domain.Effects, error) { return domain.Effects{}, nil }); err != nil {
				t.Errorf("%s cannot be written any more: %v", id, err)
			}
		}
		for _, tt := range []struct {
			of   domain.Person
			want int
		}{
			{domain.Person{ID: "1", Email: "jp@example.net"}, 5},
			{domain.Person{ID: "1", Email: "jp@example.net", SecondEmail: "x@example.net"}, 6},
			{domain.Person{ID: "9", SecondEmail: "x@example.net"}, 1},
			{domain.Person{ID: "9"}, 0}, // not those without an address
		} {
			if all, err := w.JourneysOf(t.Context(), tt.of); err != nil || len(all) != tt.want {
				t.Errorf("%+v: %d journeys, want %d; %v", tt.of, len(all), tt.want, err)
			}
		}
	})
}

func TestS2_ACodeOfTheDeskIsSpentOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		give := func(mac byte) {
			w.must(w.Apply(t.Context(), domain.Effects{Desk: &domain.DeskCode{
				MAC: []byte{mac}, Person: "1", Operator: "Ada", IssuedAt: start, ExpiresAt: start.Add(domain.DeskLife),
			}}))
		}
		give(1)
		give(2) // the first code is invalid from here on
		got, err := w.DeskCode(t.Context(), [][]byte{{9}, {2}})
		if err != nil || got.Person != "1" || got.Operator != "Ada" || !got.ExpiresAt.Equal(start.Add(domain.DeskLife)) {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := w.DeskCode(t.Context(), [][]byte{{1}}); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("the code of before: %v", err)
		}
		second := w.instance()
		var wins atomic.Int32
		together(8, func(i int) {
			s := w.Store
			if i%2 == 1 {
				s = second
			}
			err := s.Begin(context.Background(), journey(string(rune('a'+i))), domain.Effects{DeskSpent: &domain.DeskSpent{MAC: []byte{2}, At: start}})
			switch {
			case err == nil:
				wins.Add(1)
			case !errors.Is(err, domain.ErrConflict):
				t.Error(err)
			}
		})
		if all, err := w.JourneysOf(t.Context(), domain.Person{ID: "nobody", Email: "jp@example.net"}); err != nil || wins.Load() != 1 || len(all) != 1 {
			t.Errorf("%d spent it, %d journeys, %v", wins.Load(), len(all), err)
		}
		give(3)
		late := domain.Effects{DeskSpent: &domain.DeskSpent{MAC: []byte{3}, At: start.Add(domain.DeskLife)}}
		if err := w.Begin(t.Context(), journey("late"), late); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("S5: a code that ran out: %v", err)
		}
		w.must(w.Purge(t.Context(), start.Add(domain.DeskLife+time.Second)))
		if _, err := w.DeskCode(t.Context(), [][]byte{{3}}); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("it is not purged: %v", err)
		}
	})
}

func TestForget_ClearsALimitWithTheActOrNotAtAll(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		rate := domain.Rate{Burst: 1, Per: time.Hour}
		take := func() bool {
			ok, _, err := take(w.Store, "try:x", rate, start)
			w.must(err)
			return ok
		}
		take()
		failing := domain.Effects{Forget: []string{"try:x"}, DeskSpent: &domain.DeskSpent{MAC: []byte{9}, At: start}}
		if err := w.Apply(t.Context(), failing); err == nil || take() {
			t.Errorf("a transaction that failed loosened a limit (I6), %v", err)
		}
		w.must(w.Apply(t.Context(), domain.Effects{Forget: []string{"try:x"}}))
		if !take() {
			t.Error("the limit still holds")
		}
	})
}
