package instances_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/store"
)

// rotate changes the secret as described in docs/operations.md, instance by
// instance, while students activate continuously and Keycloak is unavailable
// for a part of the time. No journey has to begin again, and data sealed with
// the old key is processed with the new key in front.
func (w *world) rotate(t *testing.T, people []scripted.Person) {
	db, err := store.Open(t.Context(), w.dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	old, fresh := w.instances[0].Config.Secret, secret.GenerateKey().Reveal()
	with := func(keys string) {
		for _, i := range w.instances {
			i.Stop()
			i.Config.Secret = keys
			w.start(i)
		}
	}
	var students []*scripted.Student
	for i, p := range people {
		students = append(students, scripted.NewStudent(p, w.address(), w.box, net.IPv4(127, 9, 4, byte(i))))
	}
	over := make(chan struct{}) // students arrive one after the other until this is closed
	var all sync.WaitGroup
	all.Go(func() {
		for _, s := range students[1:] {
			all.Go(func() {
				if err := s.Go(w.soon()); err != nil {
					t.Error(err)
				}
			})
			select {
			case <-time.After(400 * time.Millisecond):
			case <-over:
				return
			}
		}
	})

	with(old + "," + fresh) // every instance can open data that the others will seal
	w.keycloak.Stop()
	w.until(t, db, domain.JobAccount)
	with(fresh + "," + old)
	w.must(w.keycloak.Start())
	close(over)
	all.Wait()
	w.until(t, db, "")
	with(fresh) // no job waits: the old key can be removed
	if err := students[0].Go(w.soon()); err != nil {
		t.Error(err)
	}

	var came []*scripted.Student
	for _, s := range students {
		if s.Asked == 0 {
			continue // finished before their turn
		}
		came = append(came, s)
		if s.Outcome != scripted.Success || s.Asked != 1 {
			t.Errorf("%s ended at %q after %d requests for a code, %s", s.Number, s.Outcome, s.Asked, s.Where())
		}
	}
	w.until(t, db, "")
	breaks, checked, err := outside.Check(t.Context(), w.realm, db, came)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaks {
		t.Error(b)
	}
	t.Logf("%d students came while the secret was rotated, %d checked", len(came), checked)
	if len(came) < 10 || len(came) == len(students) {
		t.Errorf("%d of %d students came: the rotation was not under load all the time", len(came), len(students))
	}
}

// until waits until jobs of a kind wait or, with an empty kind, until no job
// waits.
func (w *world) until(t *testing.T, db *store.Store, kind string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		counts, err := db.JobCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waits := map[string]int64{}
		for _, c := range counts {
			waits[c.Kind] += c.Waiting
			waits[""] += c.Waiting
		}
		if (waits[kind] > 0) == (kind != "") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after a minute the jobs are %+v", counts)
		}
	}
}
