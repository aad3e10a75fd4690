package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"entree/internal/devenv/realm"
)

// oldRealm starts a stub of a Keycloak whose realm has accounts: each has the number of
// one person, and every hundredth is disabled.
func oldRealm(t *testing.T, accounts int) *httptest.Server {
	server := httptest.NewServer(realm.Stub("universite", accounts, func(i int) map[string]any {
		return map[string]any{
			"id": fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), "username": fmt.Sprintf("old%d", i), "firstName": "Anne", "lastName": "Roy",
			"enabled": i%100 != 0, "attributes": map[string]any{"supannEtuId": []string{strconv.Itoa(i)}},
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// The outcome is one JSON object with all matches, however many there are; the text
// lists as many of each class as asked for.
func TestK1_AccountsPlanPrintsAllMatchesOrSome(t *testing.T) {
	const people, accounts = 1205, 1300
	i := install(t)
	raw, err := os.ReadFile(i.Config)
	if err != nil {
		t.Fatal(err)
	}
	i.Config = i.File("old.yaml", strings.Replace(string(raw), "http://127.0.0.1:1", oldRealm(t, accounts).URL, 1))
	csv := "numero;prenom;nom;profil;mail\n"
	for n := range people {
		csv += fmt.Sprintf("%d;Anne;Roy;etudiant;a%d@example.org\n", n, n)
	}
	if _, errs, err := i.entree("import", i.File("people.csv", csv)); err != nil {
		t.Fatalf("%v %s", err, errs)
	}
	rest := filepath.Join(i.Dir, "rest.csv")
	out, errs, err := i.entree("accounts", "plan", "--json", "--unowned", rest)
	if err != nil {
		t.Fatalf("%v %s", err, errs)
	}
	var outcome struct {
		Pass    struct{ Certain, Likely, Accounts int }
		Matches []struct{ Class, Person, Profile, Number, Account, Login string }
	}
	if err := json.Unmarshal([]byte(out), &outcome); err != nil {
		t.Fatalf("%v in %.300s", err, out)
	}
	seen := map[string]bool{}
	for _, m := range outcome.Matches {
		n, err := strconv.Atoi(m.Number)
		if seen[m.Number] = true; err != nil || m.Login != "old"+m.Number || m.Profile != "etudiant" || m.Person == "" || m.Account != fmt.Sprintf("%08d-0000-4000-8000-000000000000", n) || (m.Class == "likely") != (n%100 == 0) {
			t.Errorf("%+v", m)
		}
	}
	if len(outcome.Matches) != people || len(seen) != people || outcome.Pass.Certain != people-13 || outcome.Pass.Likely != 13 || outcome.Pass.Accounts != accounts {
		t.Errorf("%d matches of %d people, %+v", len(outcome.Matches), len(seen), outcome.Pass)
	}
	if raw, err := os.ReadFile(rest); err != nil || strings.Count(string(raw), "\n") != 1+accounts-people || !strings.HasPrefix(string(raw), "id,login\n") {
		t.Errorf("%v %.200s", err, raw)
	}
	for show, want := range map[string]int{"0": 0, "2": 4, "-1": people, "501": 501 + 13} {
		out, _, err := i.entree("accounts", "plan", "--show", show)
		if got := strings.Count(out, " → old"); err != nil || got != want || !strings.Contains(out, "people: 1192 certain, 13 likely, 0 contradictory, 0 without a match; accounts without a person: 95\n") {
			t.Errorf("--show %s lists %d, want %d: %v\n%.600s", show, got, want, err, out)
		}
	}
	for _, c := range []struct{ file, want string }{{"/dev/full", "no space left"}, {filepath.Join(i.Dir, "absent", "rest.csv"), "no such file"}} {
		if _, errs, err := i.entree("accounts", "apply", "--unowned", c.file); err == nil || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %v %s", c.file, err, errs)
		}
	}
	if out, _, err := i.entree("accounts", "apply", "--show", "0"); err != nil || !strings.Contains(out, "adopted: 1192\n") {
		t.Errorf("%v %s", err, out)
	}
	out, _, err = i.entree("accounts", "apply", "--json")
	var again struct {
		Adopted struct{ Adopted int }
		Pass    struct {
			Own int `json:"accounts_of_people"`
		}
	}
	if err := errors.Join(err, json.Unmarshal([]byte(out), &again)); err != nil || again.Adopted.Adopted != 0 || again.Pass.Own != 1192 || !strings.Contains(out, `"adopted":{"adopted":0,`) {
		t.Errorf("%v %.300s", err, out)
	}
}
