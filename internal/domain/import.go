package domain

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/audit"
)

// Import is one run that brings people in from outside.
type Import struct {
	ID       string
	Source   string // whose people these are; empty: the profile of each is their source
	File     string // as its operator calls it
	SHA256   string // of the file, known when it was read
	Operator string // who asked for it; empty: the command line or the clock
}

// ImportOrder says how an import is to be done.
type ImportOrder struct {
	Import
	DryRun  bool
	Part    bool          // a part of the source: nobody is gone because they are not in it
	MaxGone float64       // share of a source's people who may be gone at once
	Gone    bool          // more than that were seen and accepted
	Show    int           // how many differences of each kind are told; refusals always all
	Audit   []audit.Entry // chained with the beginning

	// Told is asked with each difference, and Progress with each step on the
	// way. Both may be nil.
	Told     func(Difference) error
	Progress func(phase ImportPhase, lines int)
}

// ImportPhase is what an import is doing.
type ImportPhase string

// The phases, in their order. Progress counts lines in the first and the
// last one.
const (
	PhaseReading   ImportPhase = "reading"
	PhaseComparing ImportPhase = "comparing"
	PhaseWriting   ImportPhase = "writing"
)

// Intake takes the lines of one import.
type Intake interface {
	// Put takes somebody in. line is where they stand in the source.
	Put(line int, p Person) error
	// Refuse counts a line that is refused. Whom it names, as far as it can be
	// read, is not taken and not gone.
	Refuse(profile, number string) error
}

// ImportCounts is what became of the lines, and of whom no line tells.
type ImportCounts struct {
	New       int `json:"new"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Gone      int `json:"gone"`
	Refused   int `json:"refused"`
}

// DifferenceKind says what an import changes about somebody.
type DifferenceKind string

// The kinds. A line that is Twice or Taken is refused.
const (
	DifferenceNew     DifferenceKind = "new"
	DifferenceChanged DifferenceKind = "changed"
	DifferenceGone    DifferenceKind = "gone"  // in the source's last import and not in this one
	DifferenceTwice   DifferenceKind = "twice" // the same profile and number came before, at line First
	DifferenceTaken   DifferenceKind = "taken" // the identifier or address that the source gives is somebody else's
)

// Difference is what an import changes about one person.
type Difference struct {
	Kind    DifferenceKind
	Line    int // 0 for who is gone
	First   int
	Profile string
	Number  string
	Name    string
	Changes []FieldChange
}

// FieldChange is one field of a person. Its name is the one that the
// configuration has for it.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// ImportState is how an import ended.
type ImportState string

// The states. Only of one that is Done anything is there, and then all of it.
const (
	ImportRunning     ImportState = "running"
	ImportDone        ImportState = "done"
	ImportStopped     ImportState = "stopped" // too many would be gone
	ImportFailed      ImportState = "failed"
	ImportInterrupted ImportState = "interrupted" // its program ended before it did
)

// ImportRecord is what is remembered of an import.
type ImportRecord struct {
	Import
	ImportCounts
	State ImportState
	Begun time.Time
	Ended time.Time
	Error string
}

// ErrImportRunning says that another import is under way.
var ErrImportRunning = errors.New("another import is under way: try again when it has ended")

// TooManyGone stops an import that would make too many people gone at once:
// more likely half a file than half a university.
type TooManyGone struct{ Sources []GoneShare }

// GoneShare is how many of a source's people are not in an import of it.
type GoneShare struct {
	Source string
	Gone   int
	Of     int
	Max    float64
}

func (e *TooManyGone) Error() string {
	var out []string
	for _, s := range e.Sources {
		out = append(out, fmt.Sprintf("%d of the %d people of the source %q are not in it (%.0f %%; %.0f %% may be)", s.Gone, s.Of, s.Source, 100*float64(s.Gone)/float64(s.Of), 100*s.Max))
	}
	return strings.Join(out, "; ")
}
