package activation_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"entree/internal/activation"
)

// stamp is a journey's field that says a step was passed, in the order of the
// journey.
type stamp struct {
	name string
	set  func(*activation.Journey, time.Time)
	next activation.Step // what comes while it is missing and all before are set
}

var stamps = []stamp{
	{"code proven", func(j *activation.Journey, t time.Time) { j.ProvenAt = t }, activation.StepCode},
	{"identity verified", func(j *activation.Journey, t time.Time) { j.Person, j.VerifiedAt = "p", t }, activation.StepVerify},
	{"charter accepted", func(j *activation.Journey, t time.Time) { j.Charter, j.AcceptedAt = "now", t }, activation.StepCharter},
	{"guided", func(j *activation.Journey, t time.Time) { j.GuidedAt = t }, activation.StepGuide},
	{"password chosen", func(j *activation.Journey, t time.Time) { j.PasswordAt = t }, activation.StepPassword},
	{"account made", func(j *activation.Journey, t time.Time) { j.DoneAt = t }, activation.StepWaiting},
}

func inForce(sha string) bool { return sha == "now" }

func TestNext_EachMissingStampIsTheStep(t *testing.T) {
	var j activation.Journey
	at := time.Now()
	for _, s := range stamps {
		if got := j.Next(inForce); got != s.next {
			t.Errorf("before %q the step is %s, want %s", s.name, got, s.next)
		}
		s.set(&j, at)
	}
	if got := j.Next(inForce); got != activation.StepDone {
		t.Errorf("at the end the step is %s", got)
	}
}

// No later stamp lets a journey past an earlier one that is missing, as long
// as no password was chosen; the password's own stamp is set by the service
// only when all before it stand.
func TestS27_NoStampSkipsAStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var j activation.Journey
		want := activation.StepPassword
		for _, s := range stamps[:4] {
			if rapid.Bool().Draw(t, s.name) {
				s.set(&j, time.Now())
			} else if want == activation.StepPassword {
				want = s.next
			}
		}
		if got := j.Next(inForce); got != want {
			t.Fatalf("step %s, want %s", got, want)
		}
	})
}

func TestI2_ACharterReplacedMidwayIsReadAgain(t *testing.T) {
	var j activation.Journey
	for _, s := range stamps[:4] {
		s.set(&j, time.Now())
	}
	j.Charter = "last year"
	if got := j.Next(inForce); got != activation.StepCharter {
		t.Errorf("with last year's charter the step is %s", got)
	}
	j.PasswordAt = time.Now()
	if got := j.Next(inForce); got != activation.StepWaiting {
		t.Errorf("after the password the step is %s: the evidence stands, the account is on its way", got)
	}
}

func TestNext_AnEndIsAnEnd(t *testing.T) {
	at := time.Now()
	for name, c := range map[string]struct {
		end  func(*activation.Journey)
		want activation.Step
	}{
		"parked":          {func(j *activation.Journey) { j.ParkedAt = at }, activation.StepParked},
		"tries spent":     {func(j *activation.Journey) { j.EndedAt = at }, activation.StepEnded},
		"done wins":       {func(j *activation.Journey) { j.DoneAt, j.EndedAt = at, at }, activation.StepDone},
		"parked wins all": {func(j *activation.Journey) { j.ParkedAt, j.DoneAt, j.EndedAt = at, at, at }, activation.StepParked},
	} {
		var j activation.Journey
		c.end(&j)
		if got := j.Next(inForce); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
