package charter

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"entree/internal/domain"
)

// refreshEvery is how old what the pages show may be. What people accept is
// decided in the database.
const refreshEvery = 3 * time.Second

// Board shows what is in force, from memory. It is an activation.Charters.
type Board struct {
	source Source
	clock  func() time.Time
	seen   atomic.Pointer[[]Version]
}

// Source gives every version that was published.
type Source interface {
	Versions(ctx context.Context) ([]Version, error)
}

// NewBoard gives an empty board; Refresh fills it.
func NewBoard(source Source, clock func() time.Time) *Board {
	return &Board{source: source, clock: clock}
}

// Refresh reads again what was published.
func (b *Board) Refresh(ctx context.Context) error {
	versions, err := b.source.Versions(ctx)
	if err != nil {
		return err
	}
	b.seen.Store(&versions)
	return nil
}

// Watch refreshes until ctx ends.
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

// InForce gives the charter that people of a profile accept now.
func (b *Board) InForce(profile string, lang domain.Lang) (domain.Charter, error) {
	v, ok := b.version(profile)
	if !ok {
		return domain.Charter{}, fmt.Errorf("charter: none is in force for %q", profile)
	}
	text, lang := v.Texts.In(lang)
	return domain.Charter{Profile: v.Profile, Lang: lang, Version: v.Name, Title: text.Title, Text: text.Markdown, SHA256: text.SHA256}, nil
}

// Current gives the hashes of the text in force, one for each language.
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
