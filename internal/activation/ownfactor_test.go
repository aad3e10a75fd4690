package activation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/domain"
)

// factorEvents returns the kinds of the person's events about factors.
func (w *world) factorEvents(p domain.Person) (kinds []string) {
	w.t.Helper()
	events, err := w.store.Events(w.t.Context(), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if strings.HasPrefix(string(e.Kind), "person.factor") {
			kinds = append(kinds, string(e.Kind)+" "+e.Details["kind"]+e.Details["why"])
		}
	}
	return kinds
}

func (w *world) heldBy(p domain.Person) domain.HeldFactors {
	w.t.Helper()
	held, err := w.accounts.Factors(w.t.Context(), p.AccountRef())
	if err != nil {
		w.t.Fatal(err)
	}
	return held
}

// ofProfile returns the student of the how-to in another profile.
func ofProfile(profile string) domain.Person {
	p := jeanPierre()
	p.Profile = profile
	return p
}

func TestFactor_ARemovalIsToldToEveryAddress(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	totp := w.accounts.AddFactor(p.AccountID, domain.FactorTOTP, "Téléphone")
	w.accounts.AddFactor(p.AccountID, domain.FactorCodes, "")
	if done, err := w.RemoveFactor(t.Context(), p, totp, domain.French); err != nil || !done {
		t.Fatalf("%t, %v", done, err)
	}
	to := []string{}
	for range 2 {
		m := w.box.next(t, domain.MessageFactorNotice)
		if m.Factor != domain.FactorTOTP || m.Added || m.Freeze == "" {
			t.Errorf("%+v", m)
		}
		to = append(to, string(m.To))
	}
	if !slices.Contains(to, string(p.Email)) || !slices.Contains(to, p.UniversityAddress) {
		t.Errorf("told: %v", to)
	}
	if held := w.heldBy(p); len(held.List) != 0 { // recovery codes go with the last second factor
		t.Errorf("left: %+v", held)
	}
	if got := w.factorEvents(p); !slices.Equal(got, []string{"person.factor_removed totp"}) {
		t.Errorf("events: %v", got)
	}
	if _, err := w.RemoveFactor(t.Context(), p, totp, domain.French); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("a second press: %v", err)
	}
	w.box.none(t)
}

// Two removals at once must not both find the other factor still there.
func TestFactor_TwoRemovalsAtOnceLeaveTheLastOne(t *testing.T) {
	w := newWorld(t, ofProfile("chercheur"))
	p := w.active(ofProfile("chercheur"))
	var ids []string
	for range 4 {
		ids = append(ids, w.accounts.AddFactor(p.AccountID, domain.FactorKey, ""))
	}
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() { _, _ = w.RemoveFactor(t.Context(), p, id, domain.French) })
	}
	all.Wait()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		w.pass(time.Second)
		if len(w.factorEvents(p)) >= 4 || len(w.heldBy(p).List) == 0 {
			break
		}
	}
	if held := w.heldBy(p); len(held.List) != 1 {
		t.Errorf("%d factors are left", len(held.List))
	}
	for range 6 {
		w.box.next(t, domain.MessageFactorNotice)
	}
}

// Two presses for one factor are one removal, also if both had to be tried again.
func TestFactor_TwoRemovalsOfOneFactorAreToldOnce(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Wait = time.Millisecond // an outage does not hold the page up
	p := w.active(jeanPierre())
	key := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "")
	w.accounts.FailRemovals(errors.New("no answer"))
	for range 2 {
		if done, err := w.RemoveFactor(t.Context(), p, key, domain.French); err != nil || done {
			t.Fatalf("%t, %v", done, err)
		}
	}
	w.settle()
	w.accounts.FailRemovals(nil)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && w.drops() > 0; time.Sleep(5 * time.Millisecond) {
		w.pass(time.Second)
	}
	if got := w.factorEvents(p); !slices.Equal(got, []string{"person.factor_removed key"}) {
		t.Errorf("events: %v", got)
	}
	w.box.next(t, domain.MessageFactorNotice)
	w.box.next(t, domain.MessageFactorNotice)
	w.settle()
	w.box.none(t)
}

// drops returns the number of removals that have not ended.
func (w *world) drops() (n int) {
	w.t.Helper()
	if err := w.beside.QueryRowContext(w.t.Context(), `SELECT count(*) FROM jobs WHERE kind = $1`, domain.JobDrop).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Of two removals that run at once only the newer one steps aside.
func TestFactor_TheOlderRemovalDoesNotStepAside(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	var leased []domain.Job
	for i := range 2 {
		key := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "")
		job, err := domain.NewJob(w.Random, w.Keys, domain.JobDrop, domain.FactorDrop{ID: key, Kind: domain.FactorKey, Lang: domain.French}, w.clock(), w.clock().Add(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		job.Person, job.Created, job.RunAt = p.ID, w.clock().Add(time.Duration(i)*time.Millisecond), w.clock().Add(time.Hour) // the runner leaves it alone
		if err := w.store.Apply(t.Context(), domain.Effects{Jobs: []domain.Job{job}}); err != nil {
			t.Fatal(err)
		}
		if job, err = w.store.LeaseOne(t.Context(), job.ID, "test", w.clock().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		leased = append(leased, job)
	}
	older, newer := leased[0], leased[1]
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := w.DropJobs().Run(short, older)
	if _, aside := domain.RetryAfter(err); err == nil || aside || len(w.heldBy(p).List) != 2 {
		t.Errorf("the older removal beside a newer one that runs: %v", err)
	}
	_, err = w.DropJobs().Run(t.Context(), newer)
	if _, aside := domain.RetryAfter(err); !aside {
		t.Errorf("the newer removal does not step aside: %v", err)
	}
	if err := w.store.Retry(t.Context(), newer, w.clock().Add(time.Hour), "waits"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DropJobs().Run(t.Context(), older); err != nil || len(w.heldBy(p).List) != 1 {
		t.Errorf("the older removal is not done: %v", err)
	}
}

// After an outage the removal that was ordered is done, and told once.
func TestFactor_ARemovalWhileKeycloakIsAway(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	key := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "")
	w.accounts.FailWith(errors.New("no answer"))
	if _, err := w.RemoveFactor(t.Context(), p, key, domain.French); err == nil {
		t.Fatal("ordered without knowing the account's factors")
	}
	w.accounts.FailWith(nil)
	w.accounts.FailRemovals(errors.New("no answer"))
	if done, err := w.RemoveFactor(t.Context(), p, key, domain.French); err != nil || done {
		t.Fatalf("%t, %v", done, err)
	}
	w.box.none(t)
	w.accounts.FailRemovals(nil)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && len(w.heldBy(p).List) > 0; time.Sleep(5 * time.Millisecond) {
		w.pass(time.Second)
	}
	w.box.next(t, domain.MessageFactorNotice)
	w.box.next(t, domain.MessageFactorNotice)
	w.box.none(t)
}

// A removal whose answer was lost is told all the same.
func TestFactor_ALostAnswerIsStillTold(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	key := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "")
	w.accounts.LoseRemovals(1)
	if _, err := w.RemoveFactor(t.Context(), p, key, domain.French); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && len(w.factorEvents(p)) == 0; time.Sleep(5 * time.Millisecond) {
		w.pass(time.Second)
	}
	w.box.next(t, domain.MessageFactorNotice)
	w.box.next(t, domain.MessageFactorNotice)
}

func TestFactor_RemovalsThatAreRefused(t *testing.T) {
	w := newWorld(t, ofProfile("chercheur"))
	p := w.active(ofProfile("chercheur"))
	key := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "")
	_, err := w.RemoveFactor(t.Context(), p, key, domain.French)
	refused(t, err, domain.ReasonFactorRequired)
	frozen := p
	frozen.RecoveryFrozenAt = w.clock()
	_, err = w.RemoveFactor(t.Context(), frozen, key, domain.French)
	refused(t, err, domain.ReasonFactorFrozen)
	w.accounts.Stand(p.Login, domain.Standing{Bar: domain.BarPrivileged})
	_, err = w.RemoveFactor(t.Context(), p, key, domain.French)
	refused(t, err, domain.ReasonFactorBarred)
	w.box.none(t)
}

func TestFactor_Names(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	key := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "Bleue")
	w.accounts.AddFactor(p.AccountID, domain.FactorTOTP, "Téléphone")
	for typed, want := range map[string]domain.Reason{
		"": domain.ReasonFactorLabel, "  ": domain.ReasonFactorLabel, strings.Repeat("é", 41): domain.ReasonFactorLabel, "a\x00b": domain.ReasonFactorLabel,
		"téléphone": domain.ReasonFactorTaken, " Téléphone ": domain.ReasonFactorTaken,
	} {
		refused(t, w.RenameFactor(t.Context(), p, key, typed), want)
	}
	for _, typed := range []string{"Bleue", "bleue", strings.Repeat("é", 40), "  Ma   clé "} {
		if err := w.RenameFactor(t.Context(), p, key, typed); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if f, _ := w.heldBy(p).Find(key); f.Label != "Ma clé" {
		t.Errorf("the name is %q", f.Label)
	}
	if err := w.RenameFactor(t.Context(), p, "another", "x"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestFactor_AnAdditionIsRecordedAndTold(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	if err := w.FactorAdded(t.Context(), p.Login, p.AccountID, domain.FactorTOTP, domain.English); err != nil {
		t.Fatal(err)
	}
	if m := w.told(p, domain.FactorTOTP, true); m.Lang != domain.English {
		t.Errorf("the notice is in %s", m.Lang)
	}
	if got := w.factorEvents(p); !slices.Equal(got, []string{"person.factor_added totp"}) {
		t.Errorf("%v", got)
	}
	if err := w.FactorAdded(t.Context(), "stranger", "00000000-0000-4000-8000-00000000dead", domain.FactorTOTP, domain.English); err != nil {
		t.Errorf("an account of another origin: %v", err)
	}
	w.box.none(t)
}
