package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"entree/internal/charter"
	"entree/internal/config"
	"entree/internal/store"
)

// setUpCharters publishes the charters of the configuration if none is published
// yet, and reads the charters in force.
func (a *App) setUpCharters(ctx context.Context) error {
	a.charters = &charter.Service{Store: a.store, Cache: charter.NewCache(a.store, time.Now), Profiles: a.config.Domain(), Clock: time.Now, Random: rand.Reader}
	ignored, err := a.charters.Seed(ctx, a.config.Texts().All())
	if err != nil {
		return fmt.Errorf("charters: %w", err)
	}
	for _, name := range ignored {
		a.log.Warn("a charter of the configuration is not in force: the console published another one; publish this one there, or take it out", "version", name)
	}
	return nil
}

// PublishCharters publishes the charters of the configuration whose texts are not in
// force, for a command named by, and returns them.
func PublishCharters(ctx context.Context, c config.Config, s *store.Store, by string) ([]*charter.Version, error) {
	service := &charter.Service{Store: s, Cache: charter.NewCache(s, time.Now), Clock: time.Now, Random: rand.Reader}
	return service.PublishAll(ctx, c.Texts().All(), by)
}
