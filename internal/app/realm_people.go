package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/keycloak"
)

// PartRegistry is the part of CheckRealm that counts people.
const PartRegistry = "registry"

// PeopleSource returns people without an account, by id.
type PeopleSource interface {
	PeopleWithoutAccount(ctx context.Context, after domain.PersonID, limit int) ([]domain.Person, error)
}

// peoplePage is the number of people read at once.
const peoplePage = 1000

// CheckRealm returns the settings of the realm that are missing or dangerous. If
// withRegistry is set and the database exists, it adds the findings of CheckPeople.
func CheckRealm(ctx context.Context, c config.Config, realm *keycloak.Client, want keycloak.Wanted, withRegistry bool) ([]keycloak.Finding, error) {
	found, err := realm.Check(ctx, want)
	if err != nil || !withRegistry {
		return found, err
	}
	if exists, err := realm.RealmExists(ctx); err != nil || !exists {
		return found, nil
	}
	more, err := RegistryFindings(ctx, c, realm)
	if err != nil {
		more = []keycloak.Finding{{What: "the people of the registry were not counted", Why: err.Error(), Do: "run the command where the database can be reached, or leave the count out: --without " + PartRegistry}}
	}
	return append(found, more...), nil
}

// RegistryFindings opens the database and returns CheckPeople of it. It returns nothing
// if a SQLite database does not exist: opening it would create it.
func RegistryFindings(ctx context.Context, c config.Config, realm *keycloak.Client) ([]keycloak.Finding, error) {
	if file, isFile := strings.CutPrefix(DatabaseOf(c), "sqlite:"); isFile {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	s, err := OpenStore(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return CheckPeople(ctx, c, realm, s)
}

// refusal is a rule of the realm on a field, and the number of people who break it.
type refusal struct {
	field, rule string
	people      int
}

// refusals counts the people without an account for whom judged is true, and those of
// them who break a rule of the realm, by field and rule, the most frequent first. A
// person counts once for each field and rule. Rules that no person can keep, because the
// portal has no value for the field, are left out: the check of the realm reports them.
func (r *realmRules) refusals(ctx context.Context, people PeopleSource, judged func(domain.Person) bool) (out []refusal, all int, err error) {
	told := r.now.Load().WithoutSource()
	counts := map[refusal]int{}
	for after := domain.PersonID(""); ; {
		some, err := people.PeopleWithoutAccount(ctx, after, peoplePage)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range some {
			after = p.ID
			if !judged(p) {
				continue
			}
			all++
			seen := map[refusal]bool{}
			for _, b := range r.Person(p) {
				if is := (refusal{field: b.Field, rule: b.Rule}); !b.Warn && !seen[is] && !slices.Contains(told, b.Field) {
					seen[is] = true
					counts[is]++
				}
			}
		}
		if len(some) < peoplePage {
			break
		}
	}
	for is, n := range counts {
		is.people = n
		out = append(out, is)
	}
	slices.SortFunc(out, func(a, b refusal) int {
		return cmp.Or(cmp.Compare(b.people, a.people), strings.Compare(a.field, b.field), strings.Compare(a.rule, b.rule))
	})
	return out, all, nil
}

// CheckPeople returns a finding for each field and rule of the realm's user profile
// that people without an account break, with their number. It reads the people in
// pages and returns no personal data.
func CheckPeople(ctx context.Context, c config.Config, realm *keycloak.Client, people PeopleSource) ([]keycloak.Finding, error) {
	r := newRealmRules(realm, c, slog.New(slog.DiscardHandler))
	if err := r.look(ctx); err != nil {
		return nil, err
	}
	broken, all, err := r.refusals(ctx, people, func(domain.Person) bool { return true })
	if err != nil {
		return nil, err
	}
	var found []keycloak.Finding
	for _, b := range broken {
		found = append(found, keycloak.Finding{
			What: fmt.Sprintf("%d of %d people without an account break the rule %s of the realm on %s", b.people, all, b.rule, b.field),
			Why:  "each of them activates up to the last page, is refused and waits for a correction",
			Do:   "correct the values at the source (the report of an import names the people), or change the rule (Realm settings → User profile)",
		})
	}
	return found, nil
}
