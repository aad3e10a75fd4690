package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/keycloak"
)

// people returns n people without an account; of each hundred, one has a name that
// most realms refuse, and one more such person may not activate.
func people(n int) []domain.Person {
	out := make([]domain.Person, n)
	for i := range out {
		out[i] = domain.Person{ID: domain.PersonID(fmt.Sprintf("p%06d", i)), Profile: "etudiant", Number: fmt.Sprint(i), GivenName: "Zoé", FamilyName: "Roy", Email: "z@example.net", Readiness: domain.Ready}
		switch i % 100 {
		case 5:
			out[i].FamilyName = "Roy/Petit"
		case 6:
			out[i].FamilyName, out[i].Readiness = "Roy/Petit", domain.Held
		}
	}
	return out
}

// pagesOf is a source of people.
type pagesOf func(after domain.PersonID, limit int) []domain.Person

func (f pagesOf) PeopleWithoutAccount(_ context.Context, after domain.PersonID, limit int) ([]domain.Person, error) {
	return f(after, limit), nil
}

// The realm's rules changed, or the portal is new to it: how many people cannot
// get an account is told when serve starts, once, and not only by their import.
func TestV3_PeopleWhomTheRealmRefusesAreToldAtTheStart(t *testing.T) {
	profile := `{"attributes": [{"name": "username"}, {"name": "email"}, {"name": "firstName"}, {"name": "lastName", "validations": {%s}}]}`
	strict := `"person-name-prohibited-characters": {}`
	current := strict
	var log strings.Builder
	rules := newRealmRules(nil, config.Config{Profiles: []config.Profile{{Key: "etudiant", Login: "o{number}", Address: "{first}.{last}@etu.example.org"}}}, slog.New(slog.DiscardHandler))
	rules.read = func(context.Context) (*keycloak.Rules, error) {
		return keycloak.ParseRules(fmt.Appendf(nil, profile, current), "example.org")
	}
	all, pages, now := people(2500), 0, time.Now()
	counted := &refusedPeople{rules: rules, now: func() time.Time { return now }, people: pagesOf(func(after domain.PersonID, limit int) []domain.Person {
		pages++
		begin := 0
		for begin < len(all) && all[begin].ID <= after {
			begin++
		}
		return all[begin:min(len(all), begin+limit)]
	})}
	a := &App{found: &findings{}, refused: &findings{what: "people", log: slog.New(slog.NewTextHandler(&log, nil)), read: counted.read}}
	look := func(lines, read int) {
		t.Helper()
		pages = 0
		if err := a.refused.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := a.lines(); len(got) != lines || pages != read {
			t.Errorf("%d lines after %d pages, want %d and %d: %q", len(got), pages, lines, read, got)
		}
	}
	look(0, 0) // the rules are not known
	for range 2 {
		if err := rules.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	<-rules.known
	look(1, 3)
	if line := a.lines()[0]; !strings.Contains(line, "25 people cannot get an account") || !strings.Contains(line, "family_name (person-name-prohibited-characters)") {
		t.Errorf("the overview says %q", line)
	}
	look(1, 0)
	now = now.Add(refusedEvery)
	look(1, 3)
	if n := strings.Count(log.String(), "25 people"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	current = `"length": {"max": 255}`
	if err := rules.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(0, 3)
	now = now.Add(24 * time.Hour)
	look(0, 0)
}
