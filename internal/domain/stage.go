package domain

import (
	"slices"
	"time"
)

// Stage is the farthest that a person came on the way, over all their journeys.
// It only ever moves forward, with the event that reached it, and answers for a
// million people how many stand where without reading what each of them did.
type Stage int

// The stages in their order.
const (
	StageImported Stage = iota
	StageInvited
	StageCodeSent
	StageCodeProven
	StageCharter
	StageAccount
	StageFirstLogin
)

// Stages lists them.
func Stages() []Stage {
	return []Stage{StageImported, StageInvited, StageCodeSent, StageCodeProven, StageCharter, StageAccount, StageFirstLogin}
}

// ParseStage reads a stage's name; false where it is none.
func ParseStage(name string) (Stage, bool) {
	i := slices.IndexFunc(Stages(), func(s Stage) bool { return s.String() == name })
	return Stage(i), i >= 0
}

func (s Stage) String() string {
	return [...]string{"imported", "invited", "code_sent", "code_proven", "charter", "account", "first_login"}[s]
}

// reachedBy are the events that bring their person to a stage.
var reachedBy = map[EventKind]Stage{
	EventInvited: StageInvited, EventCodeProven: StageCodeProven, EventIdentified: StageCodeProven,
	EventCharterAccepted: StageCharter, EventAccountCreated: StageAccount, EventFirstLogin: StageFirstLogin,
}

// Reached is a person who came to a stage.
type Reached struct {
	Person PersonID
	Stage  Stage
}

// Reaches gives who comes to which stage by these effects.
func (e Effects) Reaches() []Reached {
	out := e.Reached
	for _, v := range e.Events {
		if stage, is := reachedBy[v.Kind]; is && v.Person != "" {
			out = append(out, Reached{v.Person, stage})
		}
	}
	return out
}

// Overview is where everybody stands, and what is stuck.
type Overview struct {
	Funnel   []Standing // by profile, cohort and stage
	Quarters []Quarter  // that had an activation, in their order
	Jobs     []JobStanding
	Parked   int64          // accounts that a human has to judge
	Wrong    int64          // people whose address mails do not reach
	Refusals []MailRefusals // of the last day, the most frequent first
}

// Standing is how many people of a cohort came so far and no farther.
type Standing struct {
	Profile, Cohort string
	Stage           Stage
	Count           int64
}

// JobLine is a job as an administrator sees it: what it is about, never what it
// carries.
type JobLine struct {
	ID       string
	Kind     string
	Person   PersonID
	Attempts int
	Created  time.Time
	RunAt    time.Time
	GivenUp  time.Time // zero: it waits
	Reason   string    // of the last try
	Letter   bool      // given up and kept whole: it can be sent again
}

// Quarter is how many accounts were made in a quarter of an hour.
type Quarter struct {
	At    time.Time // its beginning
	Count int64
}

// JobStanding is how many jobs of a kind wait, since when, and how many were
// given up.
type JobStanding struct {
	Kind             string
	Waiting, GivenUp int64
	Oldest           time.Time
}
