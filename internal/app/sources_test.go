package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/registry"
)

// taken counts what an import reads.
type taken struct{ people []domain.Person }

func (c *taken) Import(_ context.Context, _ *domain.ImportOrder, fill func(domain.Intake) error) (domain.ImportCounts, error) {
	return domain.ImportCounts{}, fill(c)
}

func (c *taken) Put(_ int, p domain.Person) error {
	c.people = append(c.people, p)
	return nil
}

func (c *taken) Refuse(string, string) error { return nil }

// The key number_case of a profile reaches the import: numbers that differ in
// capitals only are two people there, and one elsewhere.
func TestT14_NumberCaseOfTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		value           string
		people, refused int
	}{{"true", 2, 0}, {"false", 1, 1}} {
		file := filepath.Join(t.TempDir(), "entree.yaml")
		text := "profiles:\n  - key: etudiant\n    name: {fr: Étudiant, en: Student}\n    login: \"o{number}\"\n    address: \"{first}.{last}@etu.example.org\"\n    affiliation: student\n    affiliations: [student]\n    number_case: " + c.value + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		conf, err := config.LoadForImport(file, []string{"ENTREE_DATABASE=sqlite:" + filepath.Join(t.TempDir(), "entree.db")})
		if err != nil {
			t.Fatal(err)
		}
		table, err := registry.Open(strings.NewReader("Numéro;Nom;Prénom;Mail\na7;Roy;Anne;anne@example.net\nA7;Diop;Léa;lea@example.net\n"))
		if err != nil {
			t.Fatal(err)
		}
		all, refused := &taken{}, 0
		_, err = registry.Import(t.Context(), all, table, mappingOf(conf), &domain.ImportOrder{}, registry.Observer{
			Refused: func(registry.Refusal) error { refused++; return nil }, Report: func(*registry.Report) error { return nil },
		})
		if err != nil || len(all.people) != c.people || refused != c.refused {
			t.Errorf("number_case: %s: %+v, %d refused, %v", c.value, all.people, refused, err)
		}
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Siblings who share an address are told, and stop no strict import; other people who
// share one do.
func TestT1_AStrictImportTakesSiblings(t *testing.T) {
	of := func(values ...string) *registry.Report {
		r := &registry.Report{}
		for _, v := range values {
			r.Findings = append(r.Findings, registry.Finding{Kind: registry.FindShared, Value: v})
		}
		return r
	}
	if err := checkStrict(true, of(registry.Family)); err != nil {
		t.Error(err)
	}
	for _, r := range []*registry.Report{of(""), of(registry.Family, "")} {
		var strict *registry.StrictError
		if err := checkStrict(true, r); !errors.As(err, &strict) || len(strict.Findings) != 1 || strict.Findings[0].Value != "" {
			t.Errorf("%+v: %v", r.Findings, err)
		}
		if err := checkStrict(false, r); err != nil {
			t.Error(err)
		}
	}
}
