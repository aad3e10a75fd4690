package app

import (
	"context"
	"fmt"
	"log/slog"

	"entree/internal/config"
	"entree/internal/store"
)

// prepareSchema creates the schema in an empty database, and migrates an older
// schema where the configuration says so. It logs what it did.
func prepareSchema(ctx context.Context, c config.Config, log *slog.Logger) error {
	dsn := DatabaseOf(c)
	state, err := store.ReadSchema(ctx, dsn)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if state.Current() {
		return nil
	}
	if state.Database > 0 && !c.MigratesAtStart() {
		return fmt.Errorf("database: %w", state.Err())
	}
	log.Info("migrating the database's schema", "from", state.Database, "to", state.Program)
	if _, err := store.Migrate(ctx, dsn); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	log.Info("migrated the database's schema", "version", state.Program)
	return nil
}
