package demopeople_test

import (
	"reflect"
	"strings"
	"testing"

	"entree/internal/devenv/demopeople"
	"entree/internal/domain"
)

func TestSome(t *testing.T) {
	people := demopeople.Some(200)
	if len(people) != 200 || !reflect.DeepEqual(people, demopeople.Some(200)) {
		t.Fatalf("%d people, or others each time", len(people))
	}
	if p := people[0]; p.Number != "22502142" || p.GivenName != "Jean-Pierre" || p.FamilyName != "Martin" || p.State != "ready" {
		t.Errorf("the first one is %+v", p)
	}
	states, profiles, ids := map[string]int{}, map[string]int{}, map[string]bool{}
	phones := map[string]int{}
	for _, p := range people {
		states[p.State]++
		profiles[p.Profile]++
		if ids[p.Profile+p.Number] {
			t.Errorf("%s is there twice", p.Number)
		}
		ids[p.Profile+p.Number] = true
		if a, err := domain.ParseAddress(string(p.Email)); err != nil || a != p.Email || !strings.Contains(string(p.Email), "example") {
			t.Errorf("%s: address %q, %v", p.Number, p.Email, err)
		}
		if phone, err := domain.ParsePhone(p.Phone); p.Phone != "" && (err != nil || string(phone) != p.Phone || !strings.HasPrefix(p.Phone, "+26263998")) {
			t.Errorf("%s: telephone %q, %v", p.Number, p.Phone, err)
		}
		phones[p.Phone]++
	}
	for phone, n := range phones {
		if phone != "" && n > 1 || len(phones) < 20 {
			t.Errorf("%d people have the telephone %q, of %d telephones", n, phone, len(phones)-1)
		}
	}
	for _, state := range []string{"ready", "not_ready", "held", demopeople.Active} {
		if states[state] < 5 {
			t.Errorf("only %d are %s", states[state], state)
		}
	}
	for _, profile := range []string{"etudiant", "personnel", "invite"} {
		if profiles[profile] < 10 {
			t.Errorf("only %d of %s", profiles[profile], profile)
		}
	}
}
