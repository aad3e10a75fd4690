package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entree/internal/config"
	"entree/internal/store"
)

// Move copies all rows of one database to an empty one, compares them, and calls
// copied for each table. If it fails, the new database is empty.
func Move(ctx context.Context, from, to string, copied func(store.Copied)) error {
	if file, is := strings.CutPrefix(from, "sqlite:"); is {
		if _, err := os.Stat(file); err != nil { // store.Open would create an empty database
			return err
		}
	}
	old, err := store.Open(ctx, from, time.Now)
	if err != nil {
		return err
	}
	defer old.Close()
	fresh, err := store.Open(ctx, to, time.Now)
	if err != nil {
		return fmt.Errorf("open the new database: %w", err)
	}
	defer fresh.Close()
	if err := store.Copy(ctx, old, fresh, copied); err != nil {
		return fmt.Errorf("nothing was moved: %w", err)
	}
	return nil
}

// Backup copies the database of a configuration into a new SQLite file while the
// portal runs. If it fails, the file does not exist.
func Backup(ctx context.Context, c config.Config, file string, copied func(store.Copied)) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists: name a new file", file)
	}
	s, err := OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	// The file gets its mode before anything is written, so that no other user can
	// read it at any moment.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := s.Backup(ctx, file, copied); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// Restore fills the empty database of a configuration from a backup. It ends all
// journeys and sessions, and makes the portal look each person up in Keycloak
// before it creates an account.
func Restore(ctx context.Context, c config.Config, file string, copied func(store.Copied)) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if err := Move(ctx, "sqlite:"+file, DatabaseOf(c), copied); err != nil {
		return err
	}
	s, err := OpenStore(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	return errors.Join(s.MarkRestored(ctx), s.ForgetVisitors(ctx))
}
