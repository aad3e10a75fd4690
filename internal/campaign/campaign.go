// Package campaign writes to many people: to invite them to activate, to remind
// them, to ask for their agreement with a new charter.
//
//	made ──► running ──► done
//	           │  ▲
//	         pause resume · cancel, from either
//
// A campaign is one chain of ticks, each of them a job:
//
//	tick ── one minute's worth of people ──► recipients + mail jobs, spaced by the rate
//	  └──► the next tick
//
// so that 300,000 people are never 300,000 jobs, and the rate holds over all
// instances because one tick alone plans. A row for each campaign, person and
// round keeps anybody from getting a mail twice. Whether somebody still has to
// do anything is asked when the segment is read and again at the moment of
// sending. Campaign mails are jobs of a kind of their own: no code waits behind
// them.
package campaign

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/domain"
)

// Kind is what a campaign asks for.
type Kind string

// The kinds there are.
const (
	Invitation Kind = "invitation" // activate your account
	Charter    Kind = "charter"    // agree with the charter in force
)

// State says where a campaign stands.
type State string

// The states. A campaign whose time has not come is running, with StartAt ahead.
const (
	Running   State = "running"
	Paused    State = "paused"
	Done      State = "done"
	Cancelled State = "cancelled"
)

// Campaign is one of them.
type Campaign struct {
	ID      string
	Version int64 // guards it; each tick and each act moves it on
	Name    string
	Kind    Kind
	Segment Segment
	Lang    domain.Lang
	// Notes are a paragraph of the institution's own, in each language; may be
	// empty.
	Notes       map[domain.Lang]string
	Rate        int // mails a minute
	RemindAfter int // days
	RemindTimes int // at most
	State       State
	StartAt     time.Time
	CreatedAt   time.Time
	CreatedBy   string
	EndedAt     time.Time
	Planned     int // people in the segment when it was made

	Cursor   domain.PersonID // the first round is planned up to here
	Expanded bool            // and to its end
}

// Segment says whom a campaign is for, among those who have something to do.
type Segment struct {
	Profile  string // empty: every profile
	Cohort   string // empty: every cohort
	Stage    string // domain.Stage by its name: who came so far and no farther; empty: however far
	LastMail LastMail
	Before   time.Time // for MailBefore
}

// StagesOf gives the stages that somebody can be at who has something to do.
func StagesOf(k Kind) []domain.Stage {
	all := domain.Stages()
	if k == Charter {
		return all[domain.StageAccount:]
	}
	return all[:domain.StageAccount]
}

// LastMail narrows a segment by the last mail of a campaign.
type LastMail string

// The ways to narrow.
const (
	MailAny    LastMail = ""
	MailNever  LastMail = "never"
	MailBefore LastMail = "before"
)

// Audience is a segment with what its people still have to do.
type Audience struct {
	Segment
	Kind Kind
	// Owed gives, for a charter, the hashes that count for each profile.
	Owed map[string][]string
}

// RecipientState says what became of one mail.
type RecipientState string

// The states of a mail. Waiting, it may have a job or wait for a tick to give
// it one.
const (
	Waiting RecipientState = "waiting"
	Sent    RecipientState = "sent"
	Skipped RecipientState = "skipped" // nothing left to do, or cancelled
	Refused RecipientState = "refused" // by the mail server, or given up
	Bounced RecipientState = "bounced" // taken, and sent back later
)

// Recipient is one mail to one person in one round; round 0 is the first mail,
// the others are reminders.
type Recipient struct {
	Campaign string
	Person   domain.PersonID
	Round    int
	Job      string // of the mail, and its Message-ID; empty: it has none now
	State    RecipientState
	Why      string // one word, or the mail server's status
	At       time.Time
}

// Tally counts the mails of a round in a state.
type Tally struct {
	Round int
	State RecipientState
	N     int
}

// Limits of what a form may ask for.
const (
	MaxRate    = 6000 // mails a minute
	MaxNote    = 1500 // characters
	MaxReminds = 5
	MaxDays    = 90
)

// Faults of a campaign, by the field of the form; the values are keys of
// messages.
type Faults map[string]string

// Check tells what keeps a campaign from being made.
func (c Campaign) Check() Faults {
	f := Faults{}
	if name := strings.TrimSpace(c.Name); name == "" {
		f["nom"] = "name_missing"
	} else if utf8.RuneCountInString(name) > 80 {
		f["nom"] = "name_long"
	}
	if c.Kind != Invitation && c.Kind != Charter {
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

// What an act can find.
var (
	// ErrOvertaken says that the campaign moved on meanwhile.
	ErrOvertaken = errors.New("campaign: it moved on meanwhile")
	// ErrState says that a campaign in this state cannot do that.
	ErrState = errors.New("campaign: not in this state")
)
