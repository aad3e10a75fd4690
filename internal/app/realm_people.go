package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/keycloak"
)

// ErrNoRegistry means that the configured database does not exist yet.
var ErrNoRegistry = errors.New("there is no database yet: no person was counted")

// PeopleSource returns people without an account, by id.
type PeopleSource interface {
	PeopleWithoutAccount(ctx context.Context, after domain.PersonID, limit int) ([]domain.Person, error)
}

// RegistryFindings opens the database and returns CheckPeople of it. It returns
// ErrNoRegistry instead of creating a database.
func RegistryFindings(ctx context.Context, c config.Config, realm *keycloak.Client) ([]keycloak.Finding, error) {
	if file, isFile := strings.CutPrefix(DatabaseOf(c), "sqlite:"); isFile {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNoRegistry
		}
	}
	s, err := OpenStore(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return CheckPeople(ctx, c, realm, s)
}

// broken is a field of people and the rule of the realm that some of them break.
type broken struct{ field, rule string }

// CheckPeople returns a finding for each field and rule of the realm's user profile
// that people without an account break, with their number. It reads the people in
// pages and returns no personal data.
func CheckPeople(ctx context.Context, c config.Config, realm *keycloak.Client, people PeopleSource) ([]keycloak.Finding, error) {
	r := newRealmRules(realm, c, slog.New(slog.DiscardHandler))
	if err := r.look(ctx); err != nil {
		return nil, err
	}
	told := r.now.Load().WithoutSource() // found already, for all people
	counts, all := map[broken]int{}, 0
	for after := domain.PersonID(""); ; {
		some, err := people.PeopleWithoutAccount(ctx, after, 500)
		if err != nil {
			return nil, err
		}
		if len(some) == 0 {
			break
		}
		after = some[len(some)-1].ID
		for _, p := range some {
			all++
			seen := map[broken]bool{}
			for _, b := range r.Person(p) {
				if is := (broken{b.Field, b.Rule}); !b.Warn && !seen[is] && !slices.Contains(told, b.Field) {
					seen[is] = true
					counts[is]++
				}
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b broken) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a.field, b.field), strings.Compare(a.rule, b.rule))
	})
	var found []keycloak.Finding
	for _, k := range keys {
		found = append(found, keycloak.Finding{
			What: fmt.Sprintf("%d of %d people without an account break the rule %s of the realm on %s", counts[k], all, k.rule, k.field),
			Why:  "each of them activates up to the last page, is refused and waits for a correction",
			Do:   "correct the values at the source (the report of an import names the people), or change the rule (Realm settings → User profile)",
		})
	}
	return found, nil
}
