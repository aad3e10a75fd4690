package domain

import (
	"slices"
)

// Stage is the farthest point that a person has reached, over all their journeys.
// It only moves forward, in the transaction of the event that reached it. The
// console counts people by it without reading their events.
type Stage int

// The stages, in order.
const (
	StageImported Stage = iota
	StageInvited
	StageCodeSent
	StageCodeProven
	StageCharter
	StageAccount
	StageFirstLogin
)

// Stages lists the stages, in order.
func Stages() []Stage {
	return []Stage{StageImported, StageInvited, StageCodeSent, StageCodeProven, StageCharter, StageAccount, StageFirstLogin}
}

// ParseStage returns the stage with a name. ok is false if there is none.
func ParseStage(name string) (s Stage, ok bool) {
	i := slices.IndexFunc(Stages(), func(s Stage) bool { return s.String() == name })
	return Stage(i), i >= 0
}

func (s Stage) String() string {
	return [...]string{"imported", "invited", "code_sent", "code_proven", "charter", "account", "first_login"}[s]
}

// reachedBy maps an event to the stage that its person reaches.
var reachedBy = map[EventKind]Stage{
	EventInvited: StageInvited, EventCodeProven: StageCodeProven, EventIdentified: StageCodeProven,
	EventCharterAccepted: StageCharter, EventAccountCreated: StageAccount, EventFirstLogin: StageFirstLogin,
}

// Reached says that a person reached a stage.
type Reached struct {
	Person PersonID
	Stage  Stage
}

// Reaches returns the stages that people reach by these effects.
func (e Effects) Reaches() []Reached {
	out := e.Reached
	for _, v := range e.Events {
		if stage, is := reachedBy[v.Kind]; is && v.Person != "" {
			out = append(out, Reached{v.Person, stage})
		}
	}
	return out
}
