// Package overview holds what the console and the command line show: figures over
// all people, jobs that wait, and everything that is stored about one person. The
// store fills these types; nothing is decided by them.
package overview

import (
	"time"

	"entree/internal/domain"
)

// Overview holds the figures over all people and all jobs.
type Overview struct {
	Funnel     []Standing // by profile, cohort and stage
	Quarters   []Quarter  // quarters of an hour with an activation, oldest first
	Recoveries Recoveries
	Claims     Claims
	Jobs       []JobStanding
	Causes     []JobCause     // why jobs wait, the most frequent cause first
	Parked     int64          // accounts that wait for an operator
	Wrong      int64          // people whose address was refused
	Refusals   []MailRefusals // of the last day, the most frequent first
}

// Standing is the number of people of a cohort who reached a stage and no later
// one.
type Standing struct {
	Profile, Cohort string
	Stage           domain.Stage
	Count           int64
}

// Quarter is the number of accounts that were created in a quarter of an hour.
type Quarter struct {
	At    time.Time // its beginning
	Count int64
}

// Recoveries counts the recoveries of forgotten passwords since a time, by what was
// reached. Requests for unknown addresses are counted among Asked. Those that wait are
// the jobs of the kind domain.JobPassword.
type Recoveries struct {
	Asked    int64
	Chosen   int64 // both proofs were given and a password was chosen
	Replaced int64
	Refused  int64 // by the account's state or by a stop
}

// Claims are the figures of the queue of claims of another address.
type Claims struct {
	Waiting int64     // for an operator, the second one included
	Oldest  time.Time // when the one that waits the longest was proven
	// Decided counts the claims of the last ClaimDays by their state now, and Median is
	// the time from the proof of their mailbox to the last decision.
	Decided map[domain.ClaimState]int64
	Median  time.Duration
}

// ClaimDays is the number of days before today whose decisions the overview shows.
const ClaimDays = 30

// JobStanding is the number of jobs of a kind that wait and that were given up.
type JobStanding struct {
	Kind    string
	Waiting int64     // due, or failed and retried
	Planned int64     // not tried yet, for a later time
	GivenUp int64     // failed for good
	Oldest  time.Time // since when the oldest waiting job waits
}

// MailRefusals counts the mails that a provider refused for one reason.
type MailRefusals struct {
	Provider, Reason string
	Since, Last      time.Time
	Count            int64
	Words            string // of the last refusal
}

// WrongMarks counts the addresses that one rule marked as wrong with one status
// at one provider.
type WrongMarks struct {
	Provider, Status, Rule string
	Count                  int64
	Since, Last            time.Time
}

// JobCause is one reason for which jobs of a kind wait.
type JobCause struct {
	Kind   string
	Reason string // the error of the last attempt
	Count  int64
	Since  time.Time // when the oldest of them was created
}

// ManyJobs is the number of jobs above which one cause is reported as one line: the
// cause is in the realm or in a source, not in a person.
const ManyJobs = 5

// WaitingJobs selects jobs that wait, by every field that is not empty.
type WaitingJobs struct {
	Kind, ID, Reason string
	Person           domain.PersonID
}

// JobLine is a job without its payload.
type JobLine struct {
	ID       string
	Kind     string
	Person   domain.PersonID
	Attempts int
	Created  time.Time
	RunAt    time.Time
	GivenUp  time.Time // zero: it waits
	Reason   string    // error of the last try
	Letter   bool      // given up with its payload kept: it can be sent again
}
