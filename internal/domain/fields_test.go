package domain_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"entree/internal/domain"
)

func TestV25_APersonWithOneNameIsCalledByIt(t *testing.T) {
	for want, p := range map[string]domain.Person{"Zoé": {GivenName: "Zoé", FamilyName: "Roy"}, "Suharto": {FamilyName: "Suharto"}, "Anne": {GivenName: "Anne"}, "": {}} {
		if got := p.CalledBy(); got != want {
			t.Errorf("%+v is called %q", p, got)
		}
	}
}

func TestFields_EveryFieldOfAPersonHasOneRow(t *testing.T) {
	var p domain.Person
	rows := map[any]string{}
	names := map[string]bool{}
	for _, f := range domain.Fields() {
		if other, twice := rows[f.Of(&p)]; twice || names[f.Name] {
			t.Errorf("%s and %s are one field", f.Name, other)
		}
		rows[f.Of(&p)], names[f.Name] = f.Name, true
		if _, is := f.Of(&p).(*time.Time); is && (f.Source != domain.SourceNever || f.Attribute != "") {
			t.Errorf("%s is a time: a source or an account needs a text", f.Name)
		}
	}
	v := reflect.ValueOf(&p).Elem()
	for i := range v.NumField() {
		if _, has := rows[v.Field(i).Addr().Interface()]; !has {
			t.Errorf("%s has no row", v.Type().Field(i).Name)
		}
	}
}

// The fields that an erasure on request keeps are chosen by hand: this test fails
// for a new field until it is listed.
func TestFields_AnErasureKeepsOnlyWhatIsListed(t *testing.T) {
	var kept []string
	for _, f := range domain.Fields() {
		if !f.Erased {
			kept = append(kept, f.Name)
		}
	}
	want := []string{"id", "profile", "number", "readiness", "login", "university_address", "account", "activated_at", "first_login_at", "recovery_frozen_at", "erased_at"}
	if !slices.Equal(kept, want) {
		t.Errorf("kept: %q, want %q", kept, want)
	}
}

func TestNewAccount_HoldsTheFieldsThatHaveAnAttribute(t *testing.T) {
	p := domain.Person{ActivationID: "a", Login: "o1", Profile: "etudiant", Number: "1", Email: "jp@example.net", BirthDate: "2004-03-17"}
	j := newJourney(t)
	if a := domain.NewAccount(p, domain.Profile{}, domain.English, &j); a.CharterVersion != "" || a.ActivationID != "a" || a.Lang != domain.English {
		t.Errorf("before the charter: %+v", a)
	}
	j.Accept(t1, domain.Charter{SHA256: "now", Version: "2026"}, domain.French)
	a := domain.NewAccount(p, domain.Profile{Affiliation: "student"}, domain.French, &j)
	for name, want := range map[string]string{"supannMailPerso": "jp@example.net", "supannOIDCDateDeNaissance": "2004-03-17", domain.AttributeProfile: "etudiant"} {
		if a.Attributes[name] != want {
			t.Errorf("%s is %q, want %q", name, a.Attributes[name], want)
		}
	}
	for _, f := range domain.Fields() {
		if _, has := a.Attributes[f.Attribute]; has != (f.Attribute != "") {
			t.Errorf("the attribute %q of %s: %t", f.Attribute, f.Name, has)
		}
	}
	if a.CharterSHA256 != "now" || !a.CharterAcceptedAt.Equal(t1) || a.Affiliation != "student" {
		t.Errorf("%+v", a)
	}
}
