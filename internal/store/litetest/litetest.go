// Package litetest provides tests with SQLite databases that already have the
// schema. To create the schema takes longer than most tests, above all under
// the race detector.
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

// template returns the file of an empty store, created once for all tests of a
// package.
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
	if err := s.Close(); err != nil { // the file holds everything after Close
		return nil, err
	}
	return os.ReadFile(file)
})

// DSN creates a database dir/entree.db and returns its data source name.
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
