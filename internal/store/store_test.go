package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/devenv/localpostgres"
	"entree/internal/domain"
	"entree/internal/store"
	"entree/internal/store/litetest"
)

var (
	pgOnce   sync.Once
	pgServer *localpostgres.Server
	pgErr    error
	pgCount  atomic.Int32
)

func TestMain(m *testing.M) {
	code := m.Run()
	if pgServer != nil {
		if err := pgServer.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// everywhere runs a test on both databases.
func everywhere(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, litetest.DSN(t, t.TempDir()))) })
	t.Run("postgres", func(t *testing.T) {
		pgOnce.Do(func() { pgServer, pgErr = localpostgres.Start() })
		if pgErr != nil {
			t.Fatal(pgErr)
		}
		dsn, err := pgServer.DSN(fmt.Sprintf("t%d", pgCount.Add(1)))
		if err != nil {
			t.Fatal(err)
		}
		test(t, open(t, dsn))
	})
}

// world is a store with a clock that changes only when a test moves it.
type world struct {
	*store.Store
	t   *testing.T
	dsn string
	now time.Time
	mu  sync.Mutex
}

var start = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

func open(t *testing.T, dsn string) *world {
	t.Helper()
	w := &world{t: t, dsn: dsn, now: start}
	w.Store = w.instance()
	return w
}

// instance opens the same database again, as a second program would.
func (w *world) instance() *store.Store {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), w.dsn, w.clock)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) enrol(people ...domain.Person) {
	w.t.Helper()
	w.must(w.Enrol(w.t.Context(), people...))
}

func person(id string) domain.Person {
	return domain.Person{
		ID: domain.PersonID(id), Profile: "etudiant", Number: id, GivenName: "Jean-Pierre", FamilyName: "d’Arc 王", BirthDate: "2007-03-17",
		Email: "jp@example.net", Cohort: "L1", Readiness: domain.Ready,
	}
}

func journey(id string) domain.Journey {
	return domain.Journey{
		ID: domain.JourneyID(id), Version: 1, Purpose: domain.PurposeActivate, Profile: "etudiant", Lang: domain.French, Address: "jp@example.net",
		RequestedAt: start, SeenAt: start, ExpiresAt: start.Add(time.Hour), Code: domain.Code{MAC: []byte{1, 2, 3}, ExpiresAt: start.Add(time.Minute)},
	}
}

func job(id string) domain.Job {
	return domain.Job{ID: id, Kind: domain.JobMail, Payload: []byte("sealed " + id), Created: start, RunAt: start, Deadline: start.Add(time.Hour)}
}

func TestJourneys(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		want := journey("j1")
		w.must(w.Begin(t.Context(), want, domain.Effects{Jobs: []domain.Job{job("a")}}))
		got, err := w.Journey(t.Context(), "j1")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		if _, err := w.Journey(t.Context(), "nobody"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if _, err := w.Update(t.Context(), domain.Journey{ID: "nobody"}, func(*domain.Journey) (domain.Effects, error) { return domain.Effects{}, nil }); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%v", err)
		}
		wanted := errors.New("no")
		if _, err := w.Update(t.Context(), domain.Journey{ID: "j1"}, func(j *domain.Journey) (domain.Effects, error) {
			j.EndedAt = start
			return domain.Effects{Jobs: []domain.Job{job("b")}}, wanted
		}); !errors.Is(err, wanted) {
			t.Errorf("%v", err)
		}
		if got, _ := w.Journey(t.Context(), "j1"); !got.EndedAt.IsZero() || got.Version != 1 {
			t.Error("a change that was refused is there")
		}
	})
}

func TestS2_EightWritersEachChangeCountsOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.must(w.Begin(t.Context(), journey("j1"), domain.Effects{}))
		second := w.instance()
		var wins atomic.Int32
		together(8, func(i int) {
			s := w.Store
			if i%2 == 1 {
				s = second
			}
			won := false
			_, err := s.Update(context.Background(), domain.Journey{ID: "j1"}, func(j *domain.Journey) (domain.Effects, error) {
				j.Code.Tries++
				won = j.ProvenAt.IsZero()
				if won {
					j.ProvenAt = start
				}
				return domain.Effects{}, nil
			})
			if err != nil {
				t.Error(err)
			}
			if won {
				wins.Add(1)
			}
		})
		j, err := w.Journey(t.Context(), "j1")
		if err != nil || wins.Load() != 1 || j.Code.Tries != 8 || j.Version != 9 {
			t.Errorf("%d wins, %d tries, version %d, %v", wins.Load(), j.Code.Tries, j.Version, err)
		}
	})
}

func TestI1_AGuardThatFailsTakesEverythingBack(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		w.must(w.Begin(t.Context(), journey("j1"), domain.Effects{}))
		begin := func(name string) error {
			_, err := w.Update(t.Context(), domain.Journey{ID: "j1"}, func(j *domain.Journey) (domain.Effects, error) {
				j.PasswordAt = start
				return domain.Effects{
					People: []domain.PersonChange{{Person: "1", From: []domain.AccountState{domain.NoAccount}, To: domain.AccountCreating, ActivationID: name}},
					Jobs:   []domain.Job{job(name)}, Events: []domain.Event{{At: start, Kind: domain.EventPasswordChosen, Person: "1"}},
				}, nil
			})
			return err
		}
		w.must(begin("first"))
		if err := begin("second"); !errors.Is(err, domain.ErrConflict) {
			t.Fatalf("%v", err)
		}
		p, err := w.Person(t.Context(), "1")
		if err != nil || p.ActivationID != "first" || p.Account != domain.AccountCreating {
			t.Errorf("%+v, %v", p, err)
		}
		if waiting, _ := w.Waiting(t.Context(), "second"); waiting {
			t.Error("the job of the change that failed is there")
		}
		if events, _ := w.Events(t.Context(), "1"); len(events) != 1 {
			t.Errorf("%d events", len(events))
		}
		w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{
			Person: "1", From: []domain.AccountState{domain.AccountCreating}, To: domain.AccountActive, AccountID: "kc", ActivatedAt: start,
		}}}))
		p, _ = w.Person(t.Context(), "1")
		if p.ActivationID != "first" || p.AccountID != "kc" || !p.ActivatedAt.Equal(start) {
			t.Errorf("%+v", p)
		}
	})
}

func TestNamesAreGivenOnceAndForEver(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		var people []domain.Person
		for i := range 8 {
			people = append(people, person(fmt.Sprint(i)))
		}
		w.enrol(people...)
		candidates := slices.Values([]string{"martin", "martin2", "martin3", "martin4", "martin5", "martin6", "martin7"})
		got := make([]string, 8)
		errs := make([]error, 8)
		together(8, func(i int) {
			got[i], errs[i] = w.ReserveLogin(context.Background(), domain.PersonID(fmt.Sprint(i)), candidates)
		})
		taken := 0
		seen := map[string]bool{}
		for i := range got {
			switch {
			case errors.Is(errs[i], domain.ErrTaken):
				taken++
			case errs[i] != nil || seen[got[i]]:
				t.Errorf("%q, %v", got[i], errs[i])
			}
			seen[got[i]] = true
		}
		if taken != 1 {
			t.Errorf("%d of 8 found none of 7 names, want 1", taken)
		}
		for i := range got {
			if errs[i] != nil {
				continue
			}
			again, err := w.ReserveLogin(t.Context(), domain.PersonID(fmt.Sprint(i)), slices.Values([]string{"another"}))
			if err != nil || again != got[i] {
				t.Errorf("had %q, now %q, %v", got[i], again, err)
			}
			p, err := w.PersonByLogin(t.Context(), got[i])
			if err != nil || p.ID != domain.PersonID(fmt.Sprint(i)) {
				t.Errorf("%q belongs to %s, %v", got[i], p.ID, err)
			}
		}
		if a, err := w.ReserveAddress(t.Context(), "0", slices.Values([]string{"martin"})); err != nil || a != "martin" {
			t.Errorf("addresses and logins are apart: %q, %v", a, err)
		}
		if _, err := w.PersonByLogin(t.Context(), ""); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("everybody without a login: %v", err)
		}
	})
}

func TestS47_EvidenceIsOnlyEverAdded(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c := domain.Charter{Lang: domain.French, Version: "2026", Title: "Charte", Text: "Soyez « bons ».\n", SHA256: domain.HashCharter("Soyez « bons ».\n")}
		w.must(w.Publish(t.Context(), version("v1", "2026", c.Text), "", 0, domain.Effects{}))
		a := domain.Acceptance{Person: "1", Journey: "j1", Profile: "etudiant", Lang: domain.French, Version: "2026", SHA256: c.SHA256, At: start}
		w.must(w.Apply(t.Context(), domain.Effects{Acceptances: []domain.Acceptance{a}, Events: []domain.Event{{At: start, Kind: "x", Person: "1"}}}))
		acceptances, charters, err := w.Evidence(t.Context(), "1")
		if err != nil || len(acceptances) != 1 || acceptances[0] != a || charters[0].Text != c.Text || domain.HashCharter(charters[0].Text) != a.SHA256 {
			t.Errorf("%+v %+v %v", acceptances, charters, err)
		}
		w.must(w.CallOff(t.Context(), later(w, "v2"), "a", start, domain.Effects{}))
		for _, table := range []string{"charters", "acceptances", "events", "names", "charter_versions", "charters_called_off"} {
			if table == "names" {
				w.enrol(person("1"))
				if _, err := w.ReserveLogin(t.Context(), "1", slices.Values([]string{"n"})); err != nil {
					t.Fatal(err)
				}
			}
			for _, statement := range []string{"DELETE FROM " + table, "UPDATE " + table + " SET " + firstColumn[table] + " = ''"} {
				if err := w.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: %v", statement, err)
				}
			}
		}
		unknown := a
		unknown.SHA256, unknown.Journey = strings.Repeat("0", 64), "j2"
		if err := w.Apply(t.Context(), domain.Effects{Acceptances: []domain.Acceptance{unknown}}); err == nil {
			t.Error("a text that nobody kept was accepted")
		}
	})
}

var firstColumn = map[string]string{"charter_versions": "name", "charters_called_off": "by_whom", "charters": "text", "acceptances": "version", "events": "kind", "names": "value"}

func TestI6_FiftyActsAtOnceFivePass(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		second := w.instance()
		rate := domain.Rate{Burst: 5, Per: 10 * time.Minute}
		var passed atomic.Int32
		together(50, func(i int) {
			s := w.Store
			if i%2 == 1 {
				s = second
			}
			ok, retry, err := take(s, "k", rate, start)
			if err != nil {
				t.Error(err)
			}
			if ok {
				passed.Add(1)
			} else if !retry.Equal(start.Add(2 * time.Minute)) {
				t.Errorf("the next act at %v", retry)
			}
		})
		if passed.Load() != 5 {
			t.Errorf("%d passed", passed.Load())
		}
	})
}

func TestI6_NoStepOfTheClockLocksForLongerThanTheRate(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		rate := domain.Rate{Burst: 2, Per: 10 * time.Minute}
		take := func(at time.Time) bool {
			ok, _, err := take(w.Store, "k", rate, at)
			w.must(err)
			return ok
		}
		for _, c := range []struct {
			at   time.Time
			want bool
		}{
			{start, true}, {start, true}, {start, false},
			{start.Add(5*time.Minute - time.Second), false}, {start.Add(5 * time.Minute), true}, {start.Add(5 * time.Minute), false},
			{start.Add(-24 * time.Hour), false}, // the clock was set back by a day
			{start.Add(-24*time.Hour + 5*time.Minute), true},
			{start.Add(48 * time.Hour), true}, {start.Add(48 * time.Hour), true}, {start.Add(48 * time.Hour), false},
		} {
			if got := take(c.at); got != c.want {
				t.Errorf("at %v: %v, want %v", c.at, got, c.want)
			}
		}
		w.must(w.Apply(t.Context(), domain.Effects{Forget: []string{"k"}}))
		if !take(start.Add(48 * time.Hour)) {
			t.Error("a forgotten key still holds back")
		}
	})
}

// A kept statement can be run again while its rows are read.
func TestAStatementWithinItself(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"), person("3"))
		if n, err := w.Nested(t.Context(), `SELECT id FROM people WHERE id <> $1`); err != nil || n != 6 {
			t.Errorf("%d rows, %v; want 6", n, err)
		}
	})
}

func TestJobs_ALeaseIsOneHolders(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		var jobs []domain.Job
		for i := range 40 {
			jobs = append(jobs, job(fmt.Sprintf("job-%02d", i)))
		}
		w.must(w.Apply(t.Context(), domain.Effects{Jobs: jobs}))
		second := w.instance()
		var mu sync.Mutex
		held := map[string]int{}
		together(8, func(i int) {
			s := w.Store
			if i%2 == 1 {
				s = second
			}
			leased, err := s.Lease(context.Background(), domain.JobMail, fmt.Sprint("holder", i), 10, start.Add(time.Minute))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, j := range leased {
				held[j.ID]++
				if string(j.Payload) != "sealed "+j.ID || j.Attempts != 1 || j.Lease != fmt.Sprint("holder", i) {
					t.Errorf("%+v", j)
				}
			}
		})
		for id, n := range held {
			if n != 1 {
				t.Errorf("%s was given to %d", id, n)
			}
		}
		if more, err := w.Lease(t.Context(), domain.JobMail, "late", 100, start.Add(time.Minute)); err != nil || len(held)+len(more) != 40 {
			t.Errorf("%d and %d of 40, %v", len(held), len(more), err)
		}
		if other, err := w.Lease(t.Context(), domain.JobAccount, "x", 100, start.Add(time.Minute)); err != nil || len(other) != 0 {
			t.Errorf("jobs of another kind: %v, %v", other, err)
		}
	})
}

func TestJobs_TheWaysToAnEnd(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.must(w.Apply(t.Context(), domain.Effects{Jobs: []domain.Job{job("a"), job("b"), job("c")}}))
		lease := func(id, holder string) domain.Job {
			t.Helper()
			j, err := w.LeaseOne(t.Context(), id, holder, w.clock().Add(time.Minute))
			if err != nil {
				t.Fatalf("lease %s: %v", id, err)
			}
			return j
		}
		done := lease("a", "one")
		if _, err := w.LeaseOne(t.Context(), "a", "two", start.Add(time.Minute)); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("a held job was given away: %v", err)
		}
		if written, err := w.Finish(t.Context(), done, domain.Effects{Jobs: []domain.Job{job("next")}}); err != nil || !written {
			t.Fatal(written, err)
		}
		if _, err := w.Finish(t.Context(), done, domain.Effects{Jobs: []domain.Job{job("never")}}); err == nil {
			t.Error("a job ended twice")
		}
		for id, want := range map[string]bool{"a": false, "next": true, "never": false} {
			if waiting, err := w.Waiting(t.Context(), id); err != nil || waiting != want {
				t.Errorf("%s waits: %v, %v", id, waiting, err)
			}
		}

		late := lease("b", "one")
		w.must(w.Retry(t.Context(), late, start.Add(time.Minute), "450"))
		if again, err := w.Lease(t.Context(), domain.JobMail, "two", 9, start.Add(time.Minute)); err != nil || slices.ContainsFunc(again, func(j domain.Job) bool { return j.ID == "b" }) {
			t.Errorf("a job that was put off is due: %v, %v", again, err)
		}
		w.pass(2 * time.Minute)
		if j := lease("b", "two"); j.Attempts != 2 {
			t.Errorf("%d attempts", j.Attempts)
		}

		lost := lease("c", "one") // leased by "two" before, for a minute that has passed
		w.pass(2 * time.Minute)
		taken := lease("c", "three")
		if err := w.Extend(t.Context(), lost, w.clock().Add(time.Hour)); err == nil {
			t.Error("a lost lease was extended")
		}
		w.must(w.Extend(t.Context(), taken, w.clock().Add(time.Hour)))
		w.pass(30 * time.Minute)
		if j, err := w.LeaseOne(t.Context(), "c", "four", w.clock().Add(time.Minute)); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("a lease that is kept up was given away: %+v, %v", j, err)
		}
		if _, err := w.Finish(t.Context(), lost, domain.Effects{}); err == nil {
			t.Error("a lost lease ended the job")
		}
		w.must(w.GiveUp(t.Context(), taken, "550", false, domain.Effects{Events: []domain.Event{{At: start, Kind: domain.EventMailAbandoned, Person: "1"}}}))
		counts, err := w.JobCounts(t.Context())
		if err != nil || len(counts) != 1 || counts[0].GivenUp != 1 || counts[0].Waiting != 2 {
			t.Errorf("%+v, %v", counts, err)
		}
		if events, _ := w.Events(t.Context(), "1"); len(events) != 1 {
			t.Errorf("%d events", len(events))
		}
	})
}

func TestI4_ThePayloadGoesWithTheJob(t *testing.T) {
	file := filepath.Join(t.TempDir(), "entree.db")
	w := open(t, "sqlite:"+file)
	secret := strings.Repeat("the sealed credential ", 200)
	for i, end := range []func(domain.Job) error{
		func(j domain.Job) error { _, err := w.Finish(t.Context(), j, domain.Effects{}); return err },
		func(j domain.Job) error { return w.GiveUp(t.Context(), j, "no", false, domain.Effects{}) },
	} {
		j := job(fmt.Sprint(i))
		j.Payload = []byte(secret)
		w.must(w.Apply(t.Context(), domain.Effects{Jobs: []domain.Job{j}}))
		leased, err := w.LeaseOne(t.Context(), j.ID, "x", start.Add(time.Minute))
		w.must(err)
		w.must(end(leased))
	}
	w.must(w.Close()) // the write-ahead log is written back into the file
	raw, err := os.ReadFile(file)
	w.must(err)
	if strings.Contains(string(raw), "the sealed credential") {
		t.Error("an erased payload is left in the file")
	}
}

func TestSessions(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.must(w.SaveSession(t.Context(), domain.SessionRow{ID: "old", Data: []byte("data"), Expires: start.Add(time.Hour)}))
		w.must(w.RenewSession(t.Context(), domain.SessionRow{Old: "old", ID: "new", Data: []byte("more"), Expires: start.Add(2 * time.Hour)}))
		if _, _, err := w.Session(t.Context(), "old"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("S28 the old id is alive: %v", err)
		}
		if err := w.RenewSession(t.Context(), domain.SessionRow{Old: "old", ID: "third", Expires: start}); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("a dead id was renewed: %v", err)
		}
		row, _, err := w.Session(t.Context(), "new")
		if err != nil || string(row.Data) != "more" || !row.Expires.Equal(start.Add(2*time.Hour)) {
			t.Errorf("%+v %v", row, err)
		}
		// A session is read with the journey that it names, as that is stored now.
		named := domain.SessionRow{Old: "new", ID: "named", Data: []byte("more"), Expires: start.Add(time.Hour), Journey: "j"}
		w.must(w.RenewSession(t.Context(), named))
		if row, j, err := w.Session(t.Context(), "named"); err != nil || row.Journey != "j" || string(row.Data) != "more" || j.ID != "" {
			t.Errorf("a journey that does not exist: %+v %+v %v", row, j, err)
		}
		w.must(w.Begin(t.Context(), journey("j"), domain.Effects{}))
		stored, err := w.Update(t.Context(), domain.Journey{ID: "j"}, func(j *domain.Journey) (domain.Effects, error) {
			j.VerifyTries++
			return domain.Effects{}, nil
		})
		w.must(err)
		if _, j, err := w.Session(t.Context(), "named"); err != nil || !reflect.DeepEqual(j, stored) {
			t.Errorf("%+v %v, want %+v", j, err, stored)
		}
		named.Old, named.ID, named.Journey = "named", "new", ""
		w.must(w.RenewSession(t.Context(), named))
		if _, j, err := w.Session(t.Context(), "new"); err != nil || j.ID != "" {
			t.Errorf("a session without a journey: %+v %v", j, err)
		}
		w.must(w.DeleteSession(t.Context(), "new"))
		if _, _, err := w.Session(t.Context(), "new"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestS48_WhatIsOverIsPurged(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for i := range 2500 {
			w.must(w.SaveSession(t.Context(), domain.SessionRow{ID: fmt.Sprint(i), Data: []byte("x"), Expires: start.Add(time.Hour)}))
			if i > 20 && w.dsn[0] == 's' {
				break // one batch is enough with durable commits
			}
		}
		w.must(w.SaveSession(t.Context(), domain.SessionRow{ID: "later", Data: []byte("x"), Expires: start.Add(72 * time.Hour)}))
		w.must(w.Begin(t.Context(), journey("over"), domain.Effects{}))
		_, _, err := take(w.Store, "k", domain.Rate{Burst: 1, Per: time.Hour}, start)
		w.must(err)
		w.must(w.Purge(t.Context(), start.Add(2*time.Hour)))
		if _, _, err := w.Session(t.Context(), "1"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("an expired session is there: %v", err)
		}
		if _, _, err := w.Session(t.Context(), "later"); err != nil {
			t.Errorf("a live session is gone: %v", err)
		}
		if _, err := w.Journey(t.Context(), "over"); err != nil {
			t.Errorf("a help desk finds nothing: %v", err)
		}
		w.must(w.Purge(t.Context(), start.Add(26*time.Hour)))
		if _, err := w.Journey(t.Context(), "over"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestImport_WritesWhatTheSourceSaysAndNothingElse(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		if _, err := w.ReserveLogin(t.Context(), "1", slices.Values([]string{"mine"})); err != nil {
			t.Fatal(err)
		}
		w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "1", From: []domain.AccountState{""}, To: domain.AccountActive, AccountID: "kc"}}}))
		changed := person("1")
		changed.Email, changed.Login, changed.Readiness = "new@example.net", "other", domain.NotReady
		w.enrol(changed)
		p, err := w.Person(t.Context(), "1")
		if err != nil || p.Email != "new@example.net" || p.Login != "mine" || p.Account != domain.AccountActive || p.AccountID != "kc" || p.Readiness != domain.NotReady {
			t.Errorf("%+v, %v", p, err)
		}
		at, err := w.PeopleAt(t.Context(), "new@example.net")
		if err != nil || len(at) != 1 {
			t.Errorf("%v, %v", at, err)
		}
	})
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-begin; f(i) })
	}
	close(begin)
	wg.Wait()
}
