package app

import (
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/store"
	"entree/internal/store/litetest"
)

// Requests for a person's address that were not proven may be a stranger's: the file
// that the person takes along does not hold the stranger's network.
func TestTheOwnExportHoldsNoNetworkOfOthers(t *testing.T) {
	s, err := store.Open(t.Context(), litetest.DSN(t, t.TempDir()), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Enrol(t.Context(), domain.Person{ID: "p-1", Profile: "etudiant", Number: "1", GivenName: "Anne", FamilyName: "Roy", Email: "anne@example.net", Readiness: domain.Ready}); err != nil {
		t.Fatal(err)
	}
	p, err := s.PersonByNumber(t.Context(), "etudiant", "1")
	if err != nil {
		t.Fatal(err)
	}
	now := domain.Instant(time.Now())
	stranger := domain.Journey{
		ID: "stranger", Purpose: domain.PurposeRecover, Profile: "etudiant", Address: "anne@example.net", Candidates: []domain.PersonID{p.ID},
		Client: "192.0.2.0/24", RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(time.Hour),
	}
	own := stranger
	own.ID, own.Client, own.Person, own.ProvenAt, own.VerifiedAt = "own", "198.51.100.0/24", p.ID, now, now
	for _, j := range []domain.Journey{stranger, own} {
		if err := s.Begin(t.Context(), j, domain.Effects{}); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := ownAccount{Store: s}.Export(t.Context(), p.ID, now)
	if err != nil || !strings.Contains(string(raw), own.Client) || strings.Contains(string(raw), stranger.Client) {
		t.Errorf("%v\n%s", err, raw)
	}
}
