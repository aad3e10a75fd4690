package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entree/internal/charter"
	"entree/internal/domain"
	"entree/internal/store"
)

func TestS47_EvidenceIsVerifiedFromTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "entree.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Enrol(t.Context(), domain.Person{ID: "p", Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "Martin", Readiness: domain.Ready}); err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	desk := charter.Service{Store: s, Cache: charter.NewCache(s, time.Now), Clock: time.Now, Random: rand.Reader}
	export, err := desk.Evidence(t.Context(), "p", "Université d'Exemple", "https://compte.example.org", key)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(content []byte, args ...string) (string, error) {
		t.Helper()
		file := filepath.Join(dir, "evidence.json")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, told bytes.Buffer
		err := run(t.Context(), append([]string{"evidence", "verify", file}, args...), nil, &out, &told)
		return out.String() + told.String(), err
	}
	if out, err := verify(export, "--key", charter.EncodeKey(key)); err != nil || !strings.Contains(out, "22502142") || strings.Contains(out, "compare") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := verify(export); err != nil || !strings.Contains(out, "compare its fingerprint") {
		t.Errorf("without a key: %v\n%s", err, out)
	}
	if out, err := verify(bytes.Replace(export, []byte("Martin"), []byte("Durand"), 1)); err == nil || !strings.Contains(out, "was changed") {
		t.Errorf("changed: %v\n%s", err, out)
	}
	if out, err := verify(export, "--key", "AAAA"); err == nil || !strings.Contains(out, "another key") {
		t.Errorf("another key: %v\n%s", err, out)
	}
}
