package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"entree/internal/charter"
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
