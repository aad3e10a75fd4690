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

// Cache returns the charters in force from memory. It implements
// activation.Charters.
type Cache struct {
	source Source
	clock  func() time.Time
	seen   atomic.Pointer[[]Version]
}

// Source returns every published version.
type Source interface {
	Versions(ctx context.Context) ([]Version, error)
}

// NewCache returns an empty cache; Refresh fills it.
func NewCache(source Source, clock func() time.Time) *Cache {
	return &Cache{source: source, clock: clock}
}

// Refresh reads the published versions again.
func (c *Cache) Refresh(ctx context.Context) error {
	versions, err := c.source.Versions(ctx)
	if err != nil {
		return err
	}
	c.seen.Store(&versions)
	return nil
}

// Watch calls Refresh periodically until ctx ends.
func (c *Cache) Watch(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := c.Refresh(ctx); err != nil && ctx.Err() == nil {
			log.Error("read the charters", "error", err)
		}
	}
}

// InForce returns the charter that people of a profile accept now.
func (c *Cache) InForce(profile string, lang domain.Lang) (domain.Charter, error) {
	v, ok := c.version(profile)
	if !ok {
		return domain.Charter{}, fmt.Errorf("charter: none is in force for %q", profile)
	}
	text, lang := v.Texts.In(lang)
	return domain.Charter{Profile: v.Profile, Lang: lang, Version: v.Name, Title: text.Title, Text: text.Markdown, SHA256: text.SHA256}, nil
}

// Current returns the hashes of the texts in force, one per language.
func (c *Cache) Current(profile string) []string {
	v, ok := c.version(profile)
	if !ok {
		return nil
	}
	return v.Texts.Hashes()
}

func (c *Cache) version(profile string) (Version, bool) {
	versions := c.seen.Load()
	if versions == nil {
		return Version{}, false
	}
	return InForce(*versions, profile, c.clock())
}
