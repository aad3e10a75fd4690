package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/store"
)

// A backup of a store that is in use, restored into an empty place, is the
// same; nothing is written over, and a visit that was going on is over.
func TestBackupAndRestore(t *testing.T) {
	i := install(t)
	file := i.File("people.csv", people)
	if _, errs, err := i.entree("import", file); err != nil {
		t.Fatal(err, errs)
	}
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(i.Dir, "entree.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.People(t.Context())
	if err != nil || len(before) == 0 {
		t.Fatalf("%d people, %v", len(before), err)
	}
	copied := filepath.Join(i.Dir, "backup.db")
	out, errs, err := i.entree("backup", copied)
	if err != nil || !strings.Contains(out, "people") || !strings.Contains(out, "kept in "+copied) {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup can be read by others: %v, %v", info.Mode(), err)
	}
	if _, errs, err := i.entree("backup", copied); err == nil || !strings.Contains(errs, "exists: name a new file") {
		t.Errorf("a backup is written over another: %v %s", err, errs)
	}
	if _, errs, err := i.entree("restore", copied); err == nil || !strings.Contains(errs, "not empty") {
		t.Errorf("a database that is in use is written over: %v %s", err, errs)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"entree.db", "entree.db-wal", "entree.db-shm"} {
		if err := os.Remove(filepath.Join(i.Dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if _, errs, err := i.entree("restore", filepath.Join(i.Dir, "nothing.db")); err == nil || !strings.Contains(errs, "no such file") {
		t.Errorf("%v %s", err, errs)
	}
	if out, errs, err := i.entree("restore", copied); err != nil || !strings.Contains(out, "moved and compared") {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	s, err = store.Open(t.Context(), "sqlite:"+filepath.Join(i.Dir, "entree.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	after, err := s.People(t.Context())
	if err != nil || len(after) != len(before) || after[0] != before[0] {
		t.Errorf("%d people came back of %d, %v", len(after), len(before), err)
	}
}

// A backup, a restore and a verification of the audit need the database and no
// secret. The verification says what it could not check.
func TestO7_BackupAndVerifyNeedNoSecret(t *testing.T) {
	i := install(t)
	i.Environ = nil
	if _, errs, err := i.entree("import", i.File("people.csv", people)); err != nil {
		t.Fatal(err, errs)
	}
	copied := filepath.Join(i.Dir, "backup.db")
	if out, errs, err := i.entree("backup", copied); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if out, errs, err := i.entree("audit", "verify"); err != nil || !strings.Contains(out, "not checked: the MACs") || !strings.Contains(out, "the audit trail is complete") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	for _, name := range []string{"entree.db", "entree.db-wal", "entree.db-shm"} {
		if err := os.Remove(filepath.Join(i.Dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if out, errs, err := i.entree("restore", copied); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	for _, name := range []string{"entree.db", "backup.db"} {
		if info, err := os.Stat(filepath.Join(i.Dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v %v", name, info, err)
		}
	}
}
