package activation_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"entree/internal/domain"
)

// listener is a relying party that receives every event.
type listener struct {
	mu    sync.Mutex
	told  []domain.Event
	about []domain.Person
}

func (l *listener) Wants(domain.EventKind) bool { return true }

func (l *listener) Notify(v domain.Event, p domain.Person) ([]domain.Job, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told, l.about = append(l.told, v), append(l.about, p)
	return []domain.Job{{ID: fmt.Sprint("news-", len(l.told)), Kind: "news", Person: p.ID, Created: v.At, RunAt: v.At, Deadline: v.At}}, nil
}

// Relying parties are notified of the charter, the account and the first login,
// in the transactions of the events themselves, once each.
func TestRelyingPartiesAreTold(t *testing.T) {
	w := newWorld(t, jeanPierre())
	l := &listener{}
	w.Subscribers = l
	w.chosen("jp.martin@example.net")
	p := w.person("p-22502142")
	var wg sync.WaitGroup
	for range 8 { // the callback of the login and the realm's events report the same
		wg.Go(func() {
			if err := w.FirstLogin(t.Context(), "", p.AccountID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	events, err := w.store.Events(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []domain.EventKind{domain.EventCharterAccepted, domain.EventAccountCreated, domain.EventFirstLogin} {
		if n := len(slices.DeleteFunc(slices.Clone(events), func(v domain.Event) bool { return v.Kind != kind })); n != 1 {
			t.Errorf("%d events %s, want 1", n, kind)
		}
		if !slices.ContainsFunc(l.told, func(v domain.Event) bool { return v.Kind == kind && !v.At.IsZero() }) {
			t.Errorf("nobody is told of %s", kind)
		}
	}
	if i := slices.IndexFunc(l.told, func(v domain.Event) bool { return v.Kind == domain.EventAccountCreated }); l.about[i].AccountID != p.AccountID || l.about[i].Login != "o22502142" {
		t.Errorf("the account is told of as %+v", l.about[i])
	}
	counts, err := w.store.JobCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if c.Kind == "news" && c.Waiting != 3 {
			t.Errorf("%d jobs of news, want 3", c.Waiting)
		}
	}
}

// A login is not recorded if its identifier and its Keycloak id belong to
// different people.
func TestAFirstLoginIsTheAccountsOwn(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.chosen("jp.martin@example.net")
	account := w.person("p-22502142").AccountID
	for _, r := range []struct{ login, account string }{{"o22502142", "another"}, {"another", account}, {"", ""}, {"another", ""}} {
		if err := w.FirstLogin(t.Context(), r.login, r.account); err != nil || !w.person("p-22502142").FirstLoginAt.IsZero() {
			t.Errorf("%+v counts: %v", r, err)
		}
	}
	if err := w.FirstLogin(t.Context(), "O22502142", account); err != nil || w.person("p-22502142").FirstLoginAt.IsZero() {
		t.Errorf("the login itself does not count: %v", err)
	}
}
