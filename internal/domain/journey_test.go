package domain_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"entree/internal/domain"
)

// stamp is a field of a journey that records a passed step, in the order of the
// steps.
type stamp struct {
	name string
	set  func(*domain.Journey, time.Time)
	next domain.Step // the next step if this stamp is missing and all earlier ones are set
}

var stamps = []stamp{
	{"code proven", func(j *domain.Journey, t time.Time) { j.ProvenAt = t }, domain.StepCode},
	{"identity verified", func(j *domain.Journey, t time.Time) { j.Person, j.VerifiedAt = "p", t }, domain.StepVerify},
	{"charter accepted", func(j *domain.Journey, t time.Time) { j.Charter, j.AcceptedAt = "now", t }, domain.StepCharter},
	{"guided", func(j *domain.Journey, t time.Time) { j.Pass(domain.StepGuide, t) }, domain.StepGuide},
	{"password chosen", func(j *domain.Journey, t time.Time) { j.PasswordAt = t }, domain.StepPassword},
	{"account made", func(j *domain.Journey, t time.Time) { j.DoneAt = t }, domain.StepWaiting},
}

func inForce(sha string) bool { return sha == "now" }

func TestNext_EachMissingStampIsTheStep(t *testing.T) {
	j := domain.Journey{Purpose: domain.PurposeActivate}
	at := time.Now()
	for _, s := range stamps {
		if got := j.Next(inForce); got != s.next {
			t.Errorf("before %q the step is %s, want %s", s.name, got, s.next)
		}
		s.set(&j, at)
	}
	if got := j.Next(inForce); got != domain.StepDone {
		t.Errorf("at the end the step is %s", got)
	}
}

// No later stamp lets a journey skip an earlier one that is missing, as long as
// no password was chosen. The service sets the password's own stamp only if all
// earlier ones are set.
func TestS27_NoStampSkipsAStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := domain.Journey{Purpose: domain.PurposeActivate}
		want := domain.StepPassword
		for _, s := range stamps[:4] {
			if rapid.Bool().Draw(t, s.name) {
				s.set(&j, time.Now())
			} else if want == domain.StepPassword {
				want = s.next
			}
		}
		if got := j.Next(inForce); got != want {
			t.Fatalf("step %s, want %s", got, want)
		}
	})
}

func TestI2_ACharterReplacedMidwayIsReadAgain(t *testing.T) {
	j := domain.Journey{Purpose: domain.PurposeActivate}
	for _, s := range stamps[:4] {
		s.set(&j, time.Now())
	}
	j.Charter = "last year"
	if got := j.Next(inForce); got != domain.StepCharter {
		t.Errorf("with last year's charter the step is %s", got)
	}
	j.PasswordAt = time.Now()
	if got := j.Next(inForce); got != domain.StepWaiting {
		t.Errorf("after the password the step is %s: the evidence stands, the account is on its way", got)
	}
}

func TestNext_AnEndIsAnEnd(t *testing.T) {
	at := time.Now()
	for name, c := range map[string]struct {
		end  func(*domain.Journey)
		want domain.Step
	}{
		"parked":          {func(j *domain.Journey) { j.ParkedAt = at }, domain.StepParked},
		"tries spent":     {func(j *domain.Journey) { j.EndedAt = at }, domain.StepEnded},
		"done wins":       {func(j *domain.Journey) { j.DoneAt, j.EndedAt = at, at }, domain.StepDone},
		"parked wins all": {func(j *domain.Journey) { j.ParkedAt, j.DoneAt, j.EndedAt = at, at, at }, domain.StepParked},
	} {
		j := domain.Journey{Purpose: domain.PurposeActivate}
		c.end(&j)
		if got := j.Next(inForce); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestNext_AJourneyOfAnUnknownPurposeHasEnded(t *testing.T) {
	j := domain.Journey{Purpose: "of a later version"}
	if got := j.Next(inForce); got != domain.StepEnded {
		t.Errorf("the step is %s", got)
	}
}

func TestPass_LeavesCopiesOfTheJourneyAlone(t *testing.T) {
	read := domain.Journey{Purpose: domain.PurposeActivate}
	read.Pass("a page", time.Now())
	changed := read
	changed.Pass(domain.StepGuide, time.Now())
	if len(read.Passed) != 1 || len(changed.Passed) != 2 {
		t.Errorf("%v became %v", read.Passed, changed.Passed)
	}
}
