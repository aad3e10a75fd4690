package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/keycloak"
)

// notes records the calls of noteFactors.
type notes []string

func (n *notes) NoteFactor(_ context.Context, account string, kind domain.FactorKind, _ time.Time) error {
	*n = append(*n, account+" has "+string(kind))
	return nil
}

func (n *notes) RereadFactors(_ context.Context, account string) error {
	*n = append(*n, "read "+account)
	return nil
}

// Each account is reread once, after the additions: an addition that was removed later on
// the same page is not the last word.
func TestNoteFactors_RereadsAnAccountOnce(t *testing.T) {
	var page []keycloak.FactorEvent
	for _, e := range []struct {
		account string
		removed bool
	}{{"b", true}, {"a", false}, {"a", true}, {"a", false}, {"a", true}, {"c", false}, {"b", true}} {
		page = append(page, keycloak.FactorEvent{AccountID: e.account, Kind: domain.FactorKey, Removed: e.removed})
	}
	var got notes
	if err := noteFactors(t.Context(), &got, page); err != nil {
		t.Fatal(err)
	}
	key := " has " + string(domain.FactorKey)
	if want := (notes{"a" + key, "a" + key, "c" + key, "read a", "read b"}); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
