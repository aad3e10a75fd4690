package main

import (
	"context"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/store"
)

// withStore loads the configuration, opens its database and calls do. It closes the
// database when do returns.
func withStore(ctx context.Context, path string, env environment, do func(config.Config, *store.Store) error) error {
	c, err := config.Load(path, env.environ)
	if err != nil {
		return err
	}
	s, err := app.OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(c, s)
}
