package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"entree/internal/devenv/localpostgres"
	"entree/internal/domain"
	"entree/internal/store"
)

// BenchmarkStep measures the statements of one step of a journey on both
// databases. PostgreSQL waits for its disk, as in production:
//
//	go test -run '^$' -bench Step ./internal/store
func BenchmarkStep(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { step(b, "sqlite:"+filepath.Join(b.TempDir(), "entree.db")) })
	b.Run("postgres", func(b *testing.B) {
		step(b, localpostgres.DurableForTest(b, "step"))
	})
}

func step(b *testing.B, dsn string) {
	s, err := store.Open(b.Context(), dsn, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	now := time.Now()
	must(s.Begin(b.Context(), domain.Journey{ID: "j", Profile: "etudiant", Address: "a@example.org", ExpiresAt: now.Add(time.Hour)}, domain.Effects{}))
	must(s.SaveSession(b.Context(), domain.SessionRow{ID: "session", Data: make([]byte, 200), Expires: now.Add(time.Hour)}))
	b.Run("session", func(b *testing.B) {
		for b.Loop() {
			_, _, err := s.Session(b.Context(), "session")
			must(err)
		}
	})
	must(s.SaveSession(b.Context(), domain.SessionRow{ID: "both", Data: make([]byte, 200), Expires: now.Add(time.Hour), Journey: "j"}))
	b.Run("session and journey", func(b *testing.B) {
		for b.Loop() {
			_, _, err := s.Session(b.Context(), "both")
			must(err)
		}
	})
	b.Run("journey", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Journey(b.Context(), "j")
			must(err)
		}
	})
	b.Run("act", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Update(b.Context(), domain.Journey{ID: "j"}, func(j *domain.Journey) (domain.Effects, error) {
				return domain.Effects{Events: []domain.Event{{At: now, Kind: domain.EventCodeWrong, Journey: j.ID}}}, nil
			})
			must(err)
		}
	})
	b.Run("limits", func(b *testing.B) {
		rate := domain.Rate{Burst: 1_000_000, Per: time.Hour}
		n := 0
		for b.Loop() {
			n++
			_, err := s.TakeAll(b.Context(), []domain.Act{{Key: fmt.Sprint("address:", n), Rate: rate}, {Key: "client", Rate: rate}, {Key: "total", Rate: rate}}, now)
			must(err)
		}
	})
}
