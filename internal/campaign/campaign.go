// Package campaign sends bulk mailings to segments of the registry: invitations
// to activate an account, reminders, and requests to accept a new charter.
//
//	made ──► running ──► done
//	           │  ▲
//	         pause resume · cancel, from either
//
// A campaign is a chain of ticks. Each tick is a job:
//
//	tick ── one minute's worth of people ──► recipients + mail jobs, spaced by the rate
//	  └──► the next tick
//
// Thus 300,000 recipients never become 300,000 jobs, and the rate holds across
// all instances because only one tick plans at a time. One row per campaign,
// person and round prevents a second mail to the same person. Whether the person
// still has the task to do is checked when the segment is read and again just
// before sending. Campaign mails are a separate kind of job, so that no code
// waits behind them.
package campaign

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/domain"
)

// Kind is the task that a campaign asks its recipients to do.
type Kind string

// The kinds of campaigns.
const (
	Invitation Kind = "invitation" // activate your account
	Charter    Kind = "charter"    // agree with the charter in force
	Factor     Kind = "factor"     // add a passkey or a second factor
)

// State is the state of a campaign.
type State string

// The states of a campaign. A scheduled campaign is Running with a future
// StartAt.
const (
	Running   State = "running"
	Paused    State = "paused"
	Done      State = "done"
	Cancelled State = "cancelled"
)

// Campaign is a bulk mailing to a segment of the registry.
type Campaign struct {
	ID      string
	Version int64 // optimistic lock; each tick and each act increments it
	Name    string
	Kind    Kind
	Segment Segment
	Lang    domain.Lang
	// Notes are a paragraph written by the institution, per language; may be
	// empty.
	Notes       map[domain.Lang]string
	Rate        int // mails per minute
	RemindAfter int // days
	RemindTimes int // maximum number of reminders
	State       State
	StartAt     time.Time
	CreatedAt   time.Time
	CreatedBy   string
	EndedAt     time.Time
	Planned     int // people in the segment when the campaign was created

	Cursor   domain.PersonID // the first round is planned up to this person
	Expanded bool            // whether the first round is planned completely
}

// Segment selects the recipients of a campaign among the people who still have
// the campaign's task to do.
type Segment struct {
	Profile  string // empty: every profile
	Cohort   string // empty: every cohort
	Stage    string // name of the domain.Stage that the person must have reached exactly; empty: any stage
	LastMail LastMail
	Before   time.Time // for MailBefore
}

// StagesOf returns the stages at which a person still has the task of kind k.
func StagesOf(k Kind) []domain.Stage {
	all := domain.Stages()
	if k == Charter || k == Factor {
		return all[domain.StageAccount:]
	}
	return all[:domain.StageAccount]
}

// LastMail is a filter on the last campaign mail that a person was sent.
type LastMail string

// The values of the filter LastMail.
const (
	MailAny    LastMail = ""       // no condition
	MailNever  LastMail = "never"  // no campaign mail was sent
	MailBefore LastMail = "before" // the last one was sent before a given time
)

// Audience is a segment together with the task that its people still have.
type Audience struct {
	Segment
	Kind Kind
	// Owed maps each profile to the hashes of its charter in force. Only charter
	// campaigns use it.
	Owed map[string][]string
}

// RecipientState is the state of one mail of a campaign.
type RecipientState string

// The states of a mail. A waiting mail either has a job or waits for a tick to
// create one.
const (
	Waiting RecipientState = "waiting"
	Sent    RecipientState = "sent"
	Skipped RecipientState = "skipped" // the task is done, or the campaign was cancelled
	Refused RecipientState = "refused" // refused by the mail server, or given up after retries
	Bounced RecipientState = "bounced" // accepted by the mail server and returned later
)

// Recipient is one mail to one person in one round; round 0 is the first mail,
// the others are reminders.
type Recipient struct {
	Campaign string
	Person   domain.PersonID
	Round    int
	Job      string // id of the mail's job, also used in its Message-ID; empty: no job
	State    RecipientState
	Why      string // one word, or the status code of the mail server
	At       time.Time
}

// Tally is the number of mails of a round in one state.
type Tally struct {
	Round int
	State RecipientState
	N     int
}

// Limits of the fields of the form.
const (
	MaxRate    = 6000 // mails per minute
	MaxNote    = 1500 // characters
	MaxReminds = 5
	MaxDays    = 90
)

// Faults maps fields of the form to keys of messages.
type Faults map[string]string

// Check returns the faults that prevent the creation of the campaign.
func (c Campaign) Check() Faults {
	f := Faults{}
	if name := strings.TrimSpace(c.Name); name == "" {
		f["nom"] = "name_missing"
	} else if utf8.RuneCountInString(name) > 80 {
		f["nom"] = "name_long"
	}
	if c.Kind != Invitation && c.Kind != Charter && c.Kind != Factor {
		f["genre"] = "kind"
	}
	if c.Rate < 1 || c.Rate > MaxRate {
		f["debit"] = "rate"
	}
	if stage, is := domain.ParseStage(c.Segment.Stage); c.Segment.Stage != "" && (!is || !slices.Contains(StagesOf(c.Kind), stage)) {
		f["etape"] = "stage"
	}
	if c.RemindTimes < 0 || c.RemindTimes > MaxReminds {
		f["rappels"] = "reminds"
	}
	if c.RemindTimes > 0 && (c.RemindAfter < 1 || c.RemindAfter > MaxDays) {
		f["jours"] = "days"
	}
	if c.Segment.LastMail == MailBefore && c.Segment.Before.IsZero() {
		f["avant"] = "before"
	}
	for lang, field := range map[domain.Lang]string{domain.French: "mot-fr", domain.English: "mot-en"} {
		if utf8.RuneCountInString(c.Notes[lang]) > MaxNote {
			f[field] = "note_long"
		}
	}
	return f
}

// Errors of a change of a campaign.
var (
	// ErrOvertaken is returned if the campaign changed since it was read.
	ErrOvertaken = errors.New("campaign: changed since it was read")
	// ErrState is returned if the campaign's state does not allow the change.
	ErrState = errors.New("campaign: its state does not allow this")
)
