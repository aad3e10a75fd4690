package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	"entree/internal/domain"
)

// accountsOf counts accounts, or fails.
type accountsOf struct {
	n   int
	err error
}

func (a accountsOf) Count(context.Context) (int, error)                        { return a.n, a.err }
func (a accountsOf) Each(context.Context, func([]domain.Existing) error) error { return a.err }

// Above a directory, people are compared with the users that Keycloak knows: fewer users
// than entries mean that people who have an entry would not be recognised.
func TestK1_AFederationThatWasNotSynchronisedIsNoticed(t *testing.T) {
	for _, c := range []struct {
		users, entries int
		warns          bool
	}{{10, 5000, true}, {4999, 5000, true}, {5000, 5000, false}, {5003, 5000, false}, {0, 0, false}} {
		warning, err := notImported(t.Context(), accountsOf{n: c.users}, accountsOf{n: c.entries})
		if err != nil || (warning != "") != c.warns || c.warns && !strings.Contains(warning, "synchronise the federation") {
			t.Errorf("%d users, %d entries: %q, %v", c.users, c.entries, warning, err)
		}
	}
	failed := errors.New("no answer")
	if _, err := notImported(t.Context(), accountsOf{err: failed}, accountsOf{}); !errors.Is(err, failed) {
		t.Errorf("a realm without an answer: %v", err)
	}
	// The pass reads the realm: a directory that shows no list of its entries is no
	// reason to refuse it.
	if warning, err := notImported(t.Context(), accountsOf{n: 1}, accountsOf{err: failed}); err != nil || !strings.Contains(warning, "cannot be counted") {
		t.Errorf("a directory without an answer: %q, %v", warning, err)
	}
}
