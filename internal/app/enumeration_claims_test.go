package app

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"entree/internal/domain"
)

// claim asks for another address as a new browser does, and opens the page that follows.
func (s *stranger) claim(number, name, address string) time.Duration {
	s.t.Helper()
	s.get("/adresse-perdue")
	answer, took := s.post("/adresse-perdue", url.Values{
		"profil": {"etudiant"}, "numero": {number}, "prenom": {name}, "nom": {"Martin"}, "naissance-jour": {"17"}, "naissance-mois": {"3"}, "naissance-annee": {"2007"}, "adresse": {address},
	})
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/activation/identification" {
		s.t.Fatalf("%s: %d to %s", number, answer.Code, answer.Header().Get("Location"))
	}
	s.get("/activation/identification")
	return took
}

// claimants returns people with a number and an INE each.
func claimants(n int) (people []domain.Person) {
	for i := range n {
		people = append(people, domain.Person{
			ID: domain.PersonID(fmt.Sprint("c", i)), Profile: "etudiant", Number: fmt.Sprint(22600000 + i), INE: fmt.Sprintf("%010dA", i), GivenName: "Ada", FamilyName: "Martin", BirthDate: "2007-03-17",
			Email: domain.Address(fmt.Sprintf("owner%d@example.net", i)), Readiness: domain.Ready,
		})
	}
	return people
}

// Claims of known and unknown numbers are ranked by the time of their answers, as
// BenchmarkEnumeration ranks requests.
//
//	go test -run '^$' -bench ClaimEnumeration -benchtime 1000x ./internal/app
func BenchmarkClaimEnumeration(b *testing.B) {
	a, base := quiet(b)
	n := b.N
	if err := a.store.Enrol(b.Context(), claimants(n)...); err != nil {
		b.Fatal(err)
	}
	for i := range 20 { // statements are prepared, pages drawn for the first time
		newStranger(b, a.pages, base).claim(fmt.Sprint("warm", i), "Ada", fmt.Sprintf("warm%d@example.com", i))
	}
	b.ResetTimer()
	all := make([]int, 2*n)
	for i := range all {
		all[i] = i
	}
	shuffle(b, all)
	var took []timed
	for _, i := range all { // the first half are numbers of people
		took = append(took, timed{i < n, newStranger(b, a.pages, base).claim(fmt.Sprint(22600000+i), "Ada", fmt.Sprintf("claim%d@example.com", i))})
	}
	area, deviation := toldApart(took)
	b.ReportMetric(area, "claim-auc")
	b.ReportMetric(1.96*deviation, "chance-±")
}

// The answers to a claim are equal byte by byte, except for random values, for a known
// number, a known INE, an unknown number and wrong names, through wrong codes to the end.
func TestS14_ClaimsAreAnsweredByteByByte(t *testing.T) {
	a, base := quiet(t)
	people := claimants(3)
	people[2].Email = "" // an enrolment without an address
	if err := a.store.Enrol(t.Context(), people...); err != nil {
		t.Fatal(err)
	}
	now := a.service.Clock
	var want []string
	for n, typed := range [][2]string{{"99999999", "Ada"}, {people[0].Number, "Ada"}, {people[1].INE, "Ada"}, {people[2].Number, "Ada"}, {people[0].Number, "Eve"}} {
		a.service.Clock = now
		s := newStranger(t, a.pages, base)
		s.keep = true
		s.claim(typed[0], typed[1], fmt.Sprintf("state%d@example.com", n))
		s.resend() // too soon
		a.service.Clock = func() time.Time { return now().Add(31 * time.Second) }
		s.resend()
		for range domain.MaxTries + 1 {
			s.guess()
		}
		s.get("/activation/identification")
		s.get("/adresse-perdue/demande")
		if len(want) == 0 {
			want = s.seen
		}
		if len(s.seen) != len(want) {
			t.Fatalf("%v: %d answers, %d for an unknown number", typed, len(s.seen), len(want))
		}
		for i, answer := range s.seen {
			if answer != want[i] {
				t.Errorf("%v: answer %d differs from that for an unknown number:\n%s\n---\n%s", typed, i, answer, want[i])
			}
		}
	}
	if len(want) != 13 {
		t.Errorf("%d answers were compared", len(want))
	}
}
