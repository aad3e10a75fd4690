package main

import (
	"encoding/json"
	"strings"
	"testing"

	"entree/internal/audit"
	"entree/internal/domain"
)

func TestS51_OnePersonIsExportedAndErased(t *testing.T) {
	i := install(t)
	s := i.store()
	one := domain.Person{ID: "p1", Profile: "etudiant", Number: "22502142", GivenName: "Zoé", FamilyName: "Bœuf", Email: "zoe@example.org", Login: "o22502142", Readiness: domain.Ready}
	staff := domain.Person{ID: "p2", Profile: "personnel", Number: "22502142", GivenName: "Anne", FamilyName: "Roy", Email: "anne@example.org", Readiness: domain.Ready}
	if err := s.Enrol(t.Context(), one, staff); err != nil {
		t.Fatal(err)
	}
	out, _, err := i.entree("person", "export", "O22502142")
	var held struct{ Person map[string]any }
	if err != nil || json.Unmarshal([]byte(out), &held) != nil || held.Person["given_name"] != "Zoé" {
		t.Errorf("%v %s", err, out)
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"no person has the number or identifier \"x\"", []string{"export", "x"}},
		{"choose one with --profile", []string{"export", "22502142"}},
		{"add --reason", []string{"erase", "22502142", "--profile", "etudiant"}},
		{"nothing was erased: this is Zoé Bœuf, etudiant 22502142", []string{"erase", "22502142", "--profile", "etudiant", "--reason", "asked"}},
	} {
		if out, stderr, err := i.entree(append([]string{"person"}, c.args...)...); err == nil || !strings.Contains(stderr, c.says) || out != "" {
			t.Errorf("%v: %v %s%s", c.args, err, out, stderr)
		}
	}
	if p, err := s.Person(t.Context(), "p1"); err != nil || p.GivenName != "Zoé" {
		t.Fatalf("%+v %v", p, err)
	}
	out, _, err = i.entree("person", "erase", "22502142", "--profile", "etudiant", "--reason", "asked", "--yes")
	if err != nil || !strings.Contains(out, "erased: Zoé Bœuf, etudiant 22502142") || !strings.Contains(out, "o22502142") {
		t.Errorf("%v %s", err, out)
	}
	if _, stderr, err := i.entree("person", "erase", "o22502142", "--reason", "asked", "--yes"); err == nil || !strings.Contains(stderr, "already") {
		t.Errorf("twice: %v %s", err, stderr)
	}
	if out, _, err := i.entree("person", "export", "o22502142"); err != nil || strings.Contains(out, "Bœuf") || strings.Contains(out, "zoe@") {
		t.Errorf("%v %s", err, out)
	}
	var acts []string
	if err := s.Audit(t.Context(), audit.Query{Whom: "p1", OldestFirst: true}, func(l audit.Link) error { acts = append(acts, l.Act); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(acts, " "); got != "person.exported person.erased person.exported" {
		t.Errorf("the audit: %s", got)
	}
}
