// Package litetest gives tests SQLite databases whose tables are there already:
// to make them takes longer than most tests do, above all under the race
// detector.
package litetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"entree/internal/store"
)

// template is an empty store's file, made once for all tests of a package.
var template = sync.OnceValues(func() (raw []byte, err error) {
	dir, err := os.MkdirTemp("", "entree-litetest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "entree.db")
	s, err := store.Open(context.Background(), "sqlite:"+file, time.Now)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // everything is in the one file from here on
		return nil, err
	}
	return os.ReadFile(file)
})

// DSN names a new database in a folder, dir/entree.db.
func DSN(t testing.TB, dir string) string {
	t.Helper()
	raw, err := template()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "entree.db")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}
