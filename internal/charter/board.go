package charter

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"entree/internal/domain"
)

// refreshEvery is the maximum age of the charter that pages show. Acceptances
// are checked in the database.
const refreshEvery = 3 * time.Second

// Board returns the charters in force from memory. It implements
// activation.Charters.
type Board struct {
	source Source
	clock  func() time.Time
	seen   atomic.Pointer[[]Version]
}

// Source returns every published version.
type Source interface {
	Versions(ctx context.Context) ([]Version, error)
}

// NewBoard returns an empty board; Refresh fills it.
func NewBoard(source Source, clock func() time.Time) *Board {
	return &Board{source: source, clock: clock}
}

// Refresh reads the published versions again.
func (b *Board) Refresh(ctx context.Context) error {
	versions, err := b.source.Versions(ctx)
	if err != nil {
		return err
	}
	b.seen.Store(&versions)
	return nil
}

// Watch calls Refresh periodically until ctx ends.
func (b *Board) Watch(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := b.Refresh(ctx); err != nil && ctx.Err() == nil {
			log.Error("read the charters", "error", err)
		}
	}
}

// InForce returns the charter that people of a profile accept now.
func (b *Board) InForce(profile string, lang domain.Lang) (domain.Charter, error) {
	v, ok := b.version(profile)
	if !ok {
		return domain.Charter{}, fmt.Errorf("charter: none is in force for %q", profile)
	}
	text, lang := v.Texts.In(lang)
	return domain.Charter{Profile: v.Profile, Lang: lang, Version: v.Name, Title: text.Title, Text: text.Markdown, SHA256: text.SHA256}, nil
}

// Current returns the hashes of the texts in force, one per language.
func (b *Board) Current(profile string) []string {
	v, ok := b.version(profile)
	if !ok {
		return nil
	}
	return v.Texts.Hashes()
}

func (b *Board) version(profile string) (Version, bool) {
	versions := b.seen.Load()
	if versions == nil {
		return Version{}, false
	}
	return InForce(*versions, profile, b.clock())
}
