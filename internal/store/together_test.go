package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"entree/internal/domain"
)

// A job's end and the outcome of its journey are one transaction.
func TestI1_TheEndOfAJobAndOfItsJourneyAreOne(t *testing.T) {
	created := domain.Event{At: start, Kind: domain.EventAccountCreated, Person: "1", Journey: "j"}
	for name, test := range map[string]struct {
		prepare func(w *world)
		mark    bool
		written bool
		done    bool // the journey, afterwards
	}{
		"both are written":           {mark: true, written: true, done: true},
		"another run came first":     {},
		"the person has moved on":    {mark: true, prepare: func(w *world) { w.account("1", domain.AccountParked) }},
		"the journey was purged":     {mark: true, written: true, prepare: func(w *world) { w.pass(72 * time.Hour); w.must(w.Purge(w.t.Context(), w.clock())) }},
		"the lease has another hand": {mark: true, prepare: func(w *world) { w.pass(time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, w *world) {
				w.enrol(person("1"))
				w.account("1", domain.AccountCreating)
				w.must(w.Begin(t.Context(), journey("j"), domain.Effects{}))
				w.must(w.Apply(t.Context(), domain.Effects{Jobs: []domain.Job{job("a")}}))
				leased, err := w.LeaseOne(t.Context(), "a", "me", start.Add(time.Minute))
				w.must(err)
				if test.prepare != nil {
					test.prepare(w)
				}
				lost := name == "the lease has another hand"
				if lost {
					_, err := w.LeaseOne(t.Context(), "a", "other", w.clock().Add(time.Minute))
					w.must(err)
				}
				written, err := w.Finish(t.Context(), leased, domain.Effects{
					People: []domain.PersonChange{{Person: "1", From: []domain.AccountState{domain.AccountCreating}, To: domain.AccountActive, AccountID: "k"}},
					Events: []domain.Event{created}, Jobs: []domain.Job{job("next")},
					End: &domain.JourneyEnd{Journey: "j", Mark: func(j *domain.Journey) bool { j.DoneAt = start; return test.mark }},
				})
				if (err != nil) != lost || written != test.written {
					t.Errorf("written %t, %v", written, err)
				}
				waiting, err := w.Waiting(t.Context(), "a")
				if err != nil || waiting != lost {
					t.Errorf("the job waits: %t, %v", waiting, err)
				}
				next, err := w.Waiting(t.Context(), "next")
				events, _ := w.Events(t.Context(), "1")
				if err != nil || next != test.written || slices.ContainsFunc(events, func(v domain.Event) bool { return v.Kind == domain.EventAccountCreated }) != test.written {
					t.Errorf("the effects are written: %t, events %v, %v", next, events, err)
				}
				if j, err := w.Journey(t.Context(), "j"); err == nil && j.DoneAt.IsZero() == test.done {
					t.Errorf("the journey: %+v", j)
				}
			})
		})
	}
}

// account sets the state of a person's account.
func (w *world) account(id domain.PersonID, to domain.AccountState) {
	w.t.Helper()
	w.must(w.Apply(w.t.Context(), domain.Effects{People: []domain.PersonChange{{
		Person: id, From: []domain.AccountState{domain.NoAccount, domain.AccountCreating}, To: to,
	}}}))
}

// The rows of a session are written with the act, or nothing is.
func TestS28_ASessionAndItsJourneyAreOne(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		end := start.Add(time.Hour)
		w.must(w.Begin(t.Context(), journey("j"), domain.Effects{Sessions: []domain.SessionRow{{ID: "one", Data: []byte("a"), Expires: end}}}))
		prove := func(rows ...domain.SessionRow) error {
			_, err := w.Update(t.Context(), domain.Journey{ID: "j"}, func(j *domain.Journey) (domain.Effects, error) {
				j.VerifyTries++
				return domain.Effects{Sessions: rows}, nil
			})
			return err
		}
		w.must(prove(domain.SessionRow{Old: "one", ID: "two", Data: []byte("b"), Expires: end}, domain.SessionRow{ID: "left:one", Data: []byte("c"), Expires: end}))
		if err := prove(domain.SessionRow{Old: "one", ID: "three", Data: []byte("d"), Expires: end}); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("a dead id was renewed: %v", err)
		}
		if j, err := w.Journey(t.Context(), "j"); err != nil || j.VerifyTries != 1 {
			t.Errorf("the journey changed without its session: %+v, %v", j, err)
		}
		for id, want := range map[string]string{"one": "", "two": "b", "left:one": "c", "three": ""} {
			if row, _, err := w.Session(t.Context(), id); string(row.Data) != want || want == "" && !errors.Is(err, domain.ErrNotFound) {
				t.Errorf("%s: %q, %v", id, row.Data, err)
			}
		}
	})
}

// The effects of a request may depend on the counters, and are refused with them.
func TestR4_TheLimitsOfARequestAreItsTransaction(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		begin := func(id string) (counted int, err error) {
			err = w.Begin(t.Context(), journey(id), domain.Effects{
				Events: []domain.Event{{At: start, Kind: domain.EventRequested, Journey: domain.JourneyID(id)}},
				Spend: &domain.Spend{At: start, Count: true, Acts: []domain.Act{{Key: "mails", Rate: domain.Rate{Burst: 2, Per: time.Hour, Window: true}}},
					More: func(taken domain.Taken) (domain.Effects, error) {
						counted = taken.Levels[0].Counted
						return domain.Effects{Jobs: []domain.Job{job("mail " + id)}}, nil
					}},
			})
			return counted, err
		}
		for i, id := range []string{"a", "b"} {
			if counted, err := begin(id); err != nil || counted != i+1 {
				t.Fatalf("%s: %d, %v", id, counted, err)
			}
		}
		if _, err := begin("c"); !errors.As(err, new(*domain.LimitError)) {
			t.Errorf("%v", err)
		}
		for id, want := range map[string]bool{"a": true, "b": true, "c": false} {
			waiting, err := w.Waiting(t.Context(), "mail "+id)
			if _, missing := w.Journey(t.Context(), domain.JourneyID(id)); err != nil || waiting != want || (missing == nil) != want {
				t.Errorf("%s: the mail waits: %t, the journey: %v, %v", id, waiting, missing, err)
			}
		}
		failed := errors.New("no random bytes")
		err := w.Begin(t.Context(), journey("d"), domain.Effects{Spend: &domain.Spend{At: start, Count: true, Acts: []domain.Act{{Key: "other", Rate: domain.Rate{Burst: 2, Per: time.Hour}}},
			More: func(domain.Taken) (domain.Effects, error) { return domain.Effects{}, failed }}})
		levels, _ := w.Levels(t.Context(), []domain.Act{{Key: "other", Rate: domain.Rate{Burst: 2, Per: time.Hour}}}, start)
		if !errors.Is(err, failed) || levels[0].Counted != 0 {
			t.Errorf("%v, counted %d", err, levels[0].Counted)
		}
	})
}

// A job that is leased when it is committed is its holder's until the lease ends.
func TestJobs_BornLeased(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		born := job("a")
		born.Lease, born.LeaseUntil, born.Attempts = "me", start.Add(20*time.Second), 1
		w.must(w.Apply(t.Context(), domain.Effects{Jobs: []domain.Job{born}}))
		if other, err := w.Lease(t.Context(), domain.JobMail, "other", 9, start.Add(time.Minute)); err != nil || len(other) != 0 {
			t.Errorf("%v, %v", other, err)
		}
		w.pass(20 * time.Second)
		other, err := w.Lease(t.Context(), domain.JobMail, "other", 9, w.clock().Add(time.Minute))
		if err != nil || len(other) != 1 || other[0].Attempts != 2 {
			t.Errorf("the job of a dead holder: %v, %v", other, err)
		}
		if _, err := w.Finish(t.Context(), born, domain.Effects{}); err == nil {
			t.Error("a lost lease ended the job")
		}
	})
}

// Of the jobs of one kind and person, each sees whether an older one waits and whether any
// other one runs.
func TestJobs_OthersOfThePerson(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		at := func(id string, created time.Time, kind string, p domain.PersonID) domain.Job {
			j := job(id)
			j.Kind, j.Person, j.Created, j.RunAt = kind, p, created, start
			w.must(w.Apply(t.Context(), domain.Effects{Jobs: []domain.Job{j}}))
			return j
		}
		a, b := at("a", start, domain.JobDrop, "1"), at("b", start, domain.JobDrop, "1")
		c := at("c", start.Add(time.Second), domain.JobDrop, "1")
		other, kind := at("0", start.Add(-time.Hour), domain.JobDrop, "2"), at("1", start.Add(-time.Hour), domain.JobPassword, "1")
		check := func(j domain.Job, older, runs bool) {
			t.Helper()
			if o, r, err := w.OtherJobs(t.Context(), j); err != nil || o != older || r != runs {
				t.Errorf("%s: older %t, runs %t, %v", j.ID, o, r, err)
			}
		}
		check(a, false, false)
		check(b, true, false)
		check(c, true, false)
		check(other, false, false)
		check(kind, false, false)
		leased, err := w.LeaseOne(t.Context(), "c", "me", start.Add(time.Minute))
		w.must(err)
		check(a, false, true)
		check(b, true, true)
		check(leased, true, false) // its own lease is no other job
		check(other, false, false)
		w.pass(time.Minute)
		check(a, false, false)
	})
}

func TestEvents_OfOneKindSince(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"))
		event := func(p domain.PersonID, kind domain.EventKind, after time.Duration) domain.Event {
			return domain.Event{At: start.Add(after), Kind: kind, Person: p, Details: map[string]string{"kind": after.String()}}
		}
		w.must(w.Apply(t.Context(), domain.Effects{Events: []domain.Event{
			event("1", domain.EventFactorAdded, 0), event("1", domain.EventFactorAdded, time.Second), event("1", domain.EventFactorDropped, time.Second),
			event("2", domain.EventFactorAdded, time.Second), event("1", domain.EventFactorAdded, 2*time.Second),
		}}))
		got, err := w.EventsSince(t.Context(), "1", domain.EventFactorAdded, start.Add(time.Second))
		if err != nil || len(got) != 2 || got[0].Details["kind"] != "1s" || got[1].Details["kind"] != "2s" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A kind is due while one of its jobs may be leased.
func TestJobs_DueKinds(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		later := job("later")
		later.Kind, later.RunAt = domain.JobDrop, start.Add(time.Hour)
		w.must(w.Apply(t.Context(), domain.Effects{Jobs: []domain.Job{job("a"), job("b"), later}}))
		check := func(kinds []string, want ...string) {
			t.Helper()
			if due, err := w.DueKinds(t.Context(), kinds); err != nil || !slices.Equal(due, want) {
				t.Errorf("due: %v, want %v, %v", due, want, err)
			}
		}
		kinds := []string{domain.JobDrop, domain.JobMail, domain.JobPassword}
		check(nil)
		check(kinds, domain.JobMail)
		check([]string{domain.JobPassword})
		until := start.Add(time.Minute)
		a, err := w.LeaseOne(t.Context(), "a", "me", until)
		w.must(err)
		check(kinds, domain.JobMail)
		b, err := w.LeaseOne(t.Context(), "b", "me", until)
		w.must(err)
		check(kinds)
		w.must(w.Retry(t.Context(), b, start.Add(2*time.Hour), "later"))
		w.pass(time.Minute) // the lease has ended
		check(kinds, domain.JobMail)
		w.must(w.GiveUp(t.Context(), a, "never", true, domain.Effects{}))
		check(kinds)
		w.pass(time.Hour)
		check(kinds, domain.JobDrop)
	})
}
