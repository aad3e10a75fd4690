package directory_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"entree/internal/accountstest"
	"entree/internal/directory"
	"entree/internal/domain"
)

// above stands for a Keycloak above the directory: the id of an account is made of the
// UUID of its entry, as soon as Keycloak imported it.
type above struct {
	mu                  sync.Mutex
	imported, described int
	ended               []string
	describes, away     bool
	own                 bool // a user of Keycloak's own has every login
	factors             []domain.Factor
}

const idPrefix = "kc-"

func (a *above) imports() int { a.mu.Lock(); defer a.mu.Unlock(); return a.imported }

func (a *above) Taken(context.Context, string, string, string) (bool, error) { return false, nil }

func (a *above) Imported(_ context.Context, _, _, uuid string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.away:
		return "", domain.ErrNotFound
	case a.own:
		return "", domain.ErrForeignAccount
	}
	a.imported++
	return idPrefix + uuid, nil
}

func (a *above) Entry(_ context.Context, id string) (string, error) {
	if uuid, ok := strings.CutPrefix(id, idPrefix); ok {
		return uuid, nil
	}
	return "", domain.Permanent(errors.New("no such user"))
}

func (a *above) Describes(context.Context) (bool, error) { return a.describes, nil }

func (a *above) Describe(context.Context, string, domain.Account, []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.described++
	return nil
}

func (a *above) known(id string) error {
	if !strings.HasPrefix(id, idPrefix) {
		return domain.Permanent(errors.New(id + " is no id of Keycloak"))
	}
	return nil
}

func (a *above) Accepted(_ context.Context, id string, _ domain.Acceptance) error { return a.known(id) }
func (a *above) WriteAddress(_ context.Context, id string, _ domain.Account) error {
	return a.known(id)
}

func (a *above) RemoveFactors(_ context.Context, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.factors = nil
	return a.known(id)
}

func (a *above) Factors(_ context.Context, id string) (domain.HeldFactors, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return domain.HeldFactors{List: slices.Clone(a.factors)}, a.known(id)
}

func (a *above) RenameFactor(_ context.Context, id, factor, label string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.factors {
		if a.factors[i].ID == factor {
			a.factors[i].Label = label
			return a.known(id)
		}
	}
	return domain.ErrNotFound
}

func (a *above) RemoveFactor(_ context.Context, id, factor string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.factors = slices.DeleteFunc(a.factors, func(f domain.Factor) bool { return f.ID == factor })
	return a.known(id)
}

var (
	_ directory.Signins = (*above)(nil)
	_ directory.Factors = (*above)(nil)
)

func (a *above) Standing(_ context.Context, id string) (domain.Standing, error) {
	return domain.Standing{}, a.known(id)
}

func (a *above) EndSessions(_ context.Context, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = append(a.ended, id)
	return a.known(id)
}

func (a *above) Holding(context.Context, string, string) ([]domain.Existing, error) { return nil, nil }

// An account keeps the contract before Keycloak has imported its entry, and its making
// does not let Keycloak import it.
func TestLater_AnAccountKnownByItsEntryKeepsTheContract(t *testing.T) {
	s := commonDirectory(t)
	realm := &above{}
	o := options(t, s)
	o.Realm = realm
	store := directory.New(o)
	accountstest.Run(t, subject(t, s, store))

	before := realm.imports()
	a := accountstest.New()
	id, err := store.Create(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	uuid, isEntry := domain.EntryOf(id)
	if e := byLogin(t, s, a.Login); !isEntry || uuid != e.GetAttributeValue("entryUUID") || realm.imports() != before {
		t.Errorf("the id %q, %d imports", id, realm.imports()-before)
	}
	if got, err := store.RealmID(t.Context(), id); err != nil || got != idPrefix+uuid {
		t.Errorf("Keycloak's id: %q, %v", got, err)
	}
	if got, err := store.RealmID(t.Context(), idPrefix+"x"); err != nil || got != idPrefix+"x" {
		t.Errorf("an id of Keycloak: %q, %v", got, err)
	}
	ref := domain.AccountRef{ID: id, ActivationID: a.ActivationID, Login: a.Login}
	if err := store.SetPassword(t.Context(), ref, a.Credential, false); err != nil || len(realm.ended) == 0 || realm.ended[len(realm.ended)-1] != idPrefix+uuid {
		t.Errorf("the sessions of a replaced password: %v, %v", realm.ended, err)
	}
	realm.own = true
	if standing, err := store.Standing(t.Context(), ref); err != nil || standing.Bar != domain.BarForeign {
		t.Errorf("a user of Keycloak's own has the login: %+v, %v", standing, err)
	}
	realm.own, realm.away = false, true
	if _, err := store.Standing(t.Context(), ref); err == nil || domain.IsPermanent(err) {
		t.Errorf("Keycloak finds nothing: %v", err)
	}
}

// below returns a directory below a realm, with the entry of one account.
func below(t *testing.T, realm *above) (*directory.Store, domain.Account, string) {
	t.Helper()
	o := options(t, commonDirectory(t))
	o.Realm = realm
	store := directory.New(o)
	a := accountstest.New()
	id, err := store.Create(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return store, a, id
}

// A realm that takes no attributes of entries does not import an entry for them; a
// WRITABLE one does.
func TestLater_AWriteThatTheRealmRefusesImportsNothing(t *testing.T) {
	realm := &above{}
	store, a, id := below(t, realm)
	for describes, want := range map[bool]int{false: 0, true: 2} {
		realm.describes = describes
		before := realm.imports()
		if err := store.WriteAddress(t.Context(), id, a); err != nil {
			t.Error(err)
		}
		if err := store.Accepted(t.Context(), id, domain.Acceptance{Version: "2026-09", SHA256: a.CharterSHA256, At: a.CharterAcceptedAt}); err != nil {
			t.Error(err)
		}
		if got := realm.imports() - before; got != want {
			t.Errorf("describes %v: %d imports, want %d", describes, got, want)
		}
	}
}

// Keycloak holds the factors of an account in a directory. The portal changes them if the
// entry has the mark.
func TestTheFactorsOfAnEntryAreThoseOfKeycloak(t *testing.T) {
	realm := &above{factors: []domain.Factor{{ID: "one", Kind: domain.FactorTOTP}, {ID: "two", Kind: domain.FactorKey}, {ID: "three", Kind: domain.FactorCodes}}}
	store, a, id := below(t, realm)
	ref := domain.AccountRef{ID: id, ActivationID: a.ActivationID, Login: a.Login}
	if held, err := store.Factors(t.Context(), ref); err != nil || !held.HasPassword || len(held.List) != 3 {
		t.Errorf("listed: %+v, %v", held, err)
	}
	if err := store.RenameFactor(t.Context(), ref, "two", "my key"); err != nil {
		t.Error(err)
	}
	if err := store.RenameFactor(t.Context(), ref, "none", "x"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("an unknown factor: %v", err)
	}
	if err := store.RemoveFactor(t.Context(), ref, "one"); err != nil {
		t.Error(err)
	}
	if held, _ := store.Factors(t.Context(), ref); len(held.List) != 2 || held.List[0].Label != "my key" {
		t.Errorf("renamed and removed: %+v", held)
	}

	foreign := ref
	foreign.ActivationID = "another"
	_, listed := store.Factors(t.Context(), foreign)
	for act, err := range map[string]error{
		"listed": listed, "renamed": store.RenameFactor(t.Context(), foreign, "two", "x"), "removed": store.RemoveFactor(t.Context(), foreign, "two"),
		"all removed": store.RemoveFactors(t.Context(), foreign),
	} {
		var barred *domain.AccountBarred
		if !errors.As(err, &barred) || barred.Bar != domain.BarForeign || !domain.IsPermanent(err) {
			t.Errorf("an entry without the mark is %s: %v", act, err)
		}
	}
	if err := store.RemoveFactors(t.Context(), ref); err != nil || len(realm.factors) != 0 {
		t.Errorf("all are removed: %v, %v", realm.factors, err)
	}
}

// Keycloak's id is asked for where only Keycloak holds what the account needs, and
// where relying parties are told of the id.
func TestLater_WhereKeycloaksIDIsNeededAtOnce(t *testing.T) {
	s := commonDirectory(t)
	for name, change := range map[string]func(*directory.Options, *above){
		"a group that the directory does not hold": func(o *directory.Options, _ *above) { o.Groups = nil },
		"attributes in a WRITABLE federation":      func(_ *directory.Options, realm *above) { realm.describes = true },
		"relying parties":                          func(o *directory.Options, _ *above) { o.IDAtOnce = true },
	} {
		t.Run(name, func(t *testing.T) {
			realm := &above{}
			o := options(t, s)
			o.Realm = realm
			change(&o, realm)
			id, err := directory.New(o).Create(t.Context(), accountstest.New())
			if err != nil || !strings.HasPrefix(id, idPrefix) || realm.described != 1 {
				t.Errorf("%q, %v, described %d times", id, err, realm.described)
			}
		})
	}
}
