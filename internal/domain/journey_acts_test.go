package domain_test

import (
	"crypto/rand"
	"reflect"
	"testing"
	"time"

	"entree/internal/domain"
)

var (
	t0 = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	t1 = t0.Add(time.Minute)
)

func newJourney(t *testing.T) domain.Journey {
	t.Helper()
	j, err := domain.NewJourney(rand.Reader, domain.Beginning{
		Purpose: domain.PurposeActivate, Profile: "etudiant", Lang: domain.French, Address: "a@example.net", Client: "192.0.2.0/24",
	}, t0, t0.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJourney_ItsMethodsLeadThroughTheFlow(t *testing.T) {
	j := newJourney(t)
	for _, act := range []struct {
		at domain.Step
		do func()
	}{
		{domain.StepCode, func() { j.Prove(t1, []domain.PersonID{"p", "q"}) }},
		{domain.StepVerify, func() { j.Identify(t1, "p") }},
		{domain.StepCharter, func() { j.Accept(t1, domain.Charter{SHA256: "now", Version: "2026"}, domain.English) }},
		{domain.StepGuide, func() { j.Pass(domain.StepGuide, t1) }},
		{domain.StepPassword, func() { j.ChoosePassword(t1, t1.Add(time.Hour)) }},
		{domain.StepWaiting, func() { j.Complete(t1) }},
	} {
		if got := j.Next(inForce); got != act.at {
			t.Fatalf("the journey is at %s, want %s", got, act.at)
		}
		act.do()
	}
	if got := j.Next(inForce); got != domain.StepDone || j.Lang != domain.English || !j.ExpiresAt.Equal(t1.Add(time.Hour)) {
		t.Errorf("at the end: %s, %+v", got, j)
	}
}

func TestS4_ANewCodeGivesNoTryBack(t *testing.T) {
	j := newJourney(t)
	j.IssueCode([]byte("one"), []domain.PersonID{"p"}, domain.French, t0, t1)
	next := j
	next.IssueCode([]byte("two"), []domain.PersonID{"q"}, domain.English, t1, t1.Add(time.Minute))
	if n := j.CountCodeTry(); n != 1 {
		t.Errorf("the first try counts %d", n)
	}
	if !j.TakeCode(next) || j.Code.Tries != 1 || j.Code.Sent != 2 || string(j.Code.MAC) != "two" || j.Candidates[0] != "q" || j.Lang != domain.English {
		t.Errorf("after the second code: %+v", j)
	}
	if before := j; j.TakeCode(next) || !reflect.DeepEqual(before, j) {
		t.Errorf("the same code was taken twice: %+v", j)
	}
}

func TestS2_AProvenCodeIsSpent(t *testing.T) {
	j := newJourney(t)
	j.IssueCode([]byte("one"), []domain.PersonID{"p"}, domain.French, t0, t1)
	j.Prove(t1, []domain.PersonID{"p"})
	if j.Code.MAC != nil {
		t.Error("the code's MAC is kept")
	}
	j = newJourney(t)
	j.ProveAtDesk(t1, "Ada", "p")
	if j.Next(inForce) != domain.StepVerify || j.Desk != "Ada" || !j.IsOnlyFor("p") {
		t.Errorf("at the desk: %+v", j)
	}
}

// The end of an account's creation is recorded once, whichever of two jobs
// reports it first.
func TestI1_AJourneyHasOneEnd(t *testing.T) {
	for name, c := range map[string]struct {
		first, second func(*domain.Journey, time.Time) bool
	}{
		"completed, then parked":   {(*domain.Journey).Complete, (*domain.Journey).Park},
		"completed twice":          {(*domain.Journey).Complete, (*domain.Journey).Complete},
		"parked, then completed":   {(*domain.Journey).Park, (*domain.Journey).Complete},
		"parked twice":             {(*domain.Journey).Park, (*domain.Journey).Park},
		"completed, then reopened": {(*domain.Journey).Complete, (*domain.Journey).Reopen},
	} {
		j := newJourney(t)
		if !c.first(&j, t0) {
			t.Errorf("%s: the first was refused", name)
		}
		if before := j; c.second(&j, t1) || !reflect.DeepEqual(before, j) {
			t.Errorf("%s: the second changed the journey", name)
		}
	}
}

func TestJourney_ReopenLeadsAParkedJourneyToThePassword(t *testing.T) {
	j := newJourney(t)
	j.Prove(t0, []domain.PersonID{"p"})
	j.Identify(t0, "p")
	j.Accept(t0, domain.Charter{SHA256: "now"}, domain.French)
	j.Pass(domain.StepGuide, t0)
	j.ChoosePassword(t0, t1)
	j.Park(t0)
	if late := j; late.Reopen(t1) {
		t.Error("an expired journey was reopened")
	}
	if !j.Reopen(t0) || j.Next(inForce) != domain.StepPassword {
		t.Errorf("reopened: %s", j.Next(inForce))
	}
}

// Journeys that end when a person's address is corrected or the person is held.
func TestJourney_RevokeEndsWhatCanBecomeTheirsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		candidates []domain.PersonID
		person     domain.PersonID
		proven     bool
		chosen     bool
		revoked    bool
	}{
		"theirs":                     {candidates: []domain.PersonID{"p", "q"}, person: "p", revoked: true},
		"can become theirs only":     {candidates: []domain.PersonID{"p"}, proven: true, revoked: true},
		"the code was not proven":    {candidates: []domain.PersonID{"p"}},
		"can become another's":       {candidates: []domain.PersonID{"p", "q"}, proven: true},
		"another's":                  {candidates: []domain.PersonID{"p", "q"}, person: "q"},
		"an unknown address":         {},
		"the account is on its way":  {candidates: []domain.PersonID{"p"}, person: "p", chosen: true},
		"another's, alone at it all": {candidates: []domain.PersonID{"q"}, person: "q"},
	} {
		j := newJourney(t)
		j.IssueCode([]byte("one"), c.candidates, domain.French, t0, t1)
		if c.proven || c.person != "" {
			j.Prove(t0, c.candidates)
		}
		if c.person != "" {
			j.Identify(t0, c.person)
		}
		if c.chosen {
			j.ChoosePassword(t0, t0.Add(time.Hour))
		}
		got := j.Revoke("p", t1)
		if got != c.revoked || j.EndedAt.Equal(t1) != c.revoked || j.Revoked != c.revoked || got && j.Code.MAC != nil {
			t.Errorf("%s: revoked %v, the journey ends at %s", name, got, j.EndedAt)
		}
	}
}
