package domain

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/audit"
)

// Import is one run that imports people from a source.
type Import struct {
	ID       string
	Source   string // source to which the people belong; empty: the profile of each person
	File     string // file name given by the operator
	SHA256   string // of the file, set after it was read
	Operator string // who started it; empty: the command line or the scheduler
}

// ImportOrder holds the settings of an import.
type ImportOrder struct {
	Import
	DryRun  bool
	Part    bool          // the file is a part of the source: missing people are not gone
	MaxGone float64       // maximum share of a source's people who may be gone at once
	Gone    bool          // the operator confirmed a larger share
	Show    int           // maximum number of reported differences of each kind; refusals are always reported
	Audit   []audit.Entry // chained with the start of the import
	Cases   []string      // profiles of which numbers that differ in capitals only belong to different people

	// Told is called for each difference, and Progress for each step of the
	// work. Both may be nil.
	Told     func(Difference) error
	Progress func(phase ImportPhase, lines int)
}

// ImportPhase is the current work of an import.
type ImportPhase string

// The phases, in their order. Progress counts lines in the first and the last
// one.
const (
	PhaseReading   ImportPhase = "reading"
	PhaseComparing ImportPhase = "comparing"
	PhaseWriting   ImportPhase = "writing"
)

// Intake receives the lines of one import.
type Intake interface {
	// Put stages the person of a line of the source. A person is identified by
	// profile and number; an empty ID becomes a random one.
	Put(line int, p Person) error
	// Refuse counts a refused line. The person that it names, as far as it can be
	// read, is neither imported nor counted as gone.
	Refuse(profile, number string) error
}

// Repeated is a value that several people of one source have.
type Repeated struct {
	First, Last string // two of the values as they are in the source; equal if all are
	People      int
	Line        int // the first of their lines
	// IsFamily reports that the people are few, have one family name, without regard to
	// case and accents, and different given names: siblings share their parents' address.
	IsFamily bool
}

// Comparer is an Intake that compares the people of its source with each other.
type Comparer interface {
	// Repeats calls address for each personal address of several people, and number for
	// the numbers of one profile that differ by zeros before them only.
	Repeats(address, number func(Repeated) error) error
}

// ImportCounts counts the outcomes of lines, and the people who are missing.
type ImportCounts struct {
	New       int `json:"new"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Gone      int `json:"gone"`
	Refused   int `json:"refused"`
}

// DifferenceKind is the kind of a change of a person by an import.
type DifferenceKind string

// The kinds. A line with DifferenceTwice or DifferenceTaken is refused.
const (
	DifferenceNew     DifferenceKind = "new"
	DifferenceChanged DifferenceKind = "changed"
	DifferenceGone    DifferenceKind = "gone"  // in the source's last import, missing in this one
	DifferenceTwice   DifferenceKind = "twice" // profile and number already occurred, at line First
	DifferenceTaken   DifferenceKind = "taken" // the identifier or address of the source belongs to another person
)

// Difference is the change of one person by an import.
type Difference struct {
	Kind    DifferenceKind
	Line    int // 0 for a person who is gone
	First   int
	Profile string
	Number  string
	Name    string
	Changes []FieldChange
}

// FieldChange is a changed field of a person, by its name in the configuration.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// ImportState is the result of an import.
type ImportState string

// The states. An import changes people only if it is ImportDone.
const (
	ImportRunning     ImportState = "running"
	ImportDone        ImportState = "done"
	ImportStopped     ImportState = "stopped" // too many people would be gone
	ImportFailed      ImportState = "failed"
	ImportInterrupted ImportState = "interrupted" // the program ended before the import did
)

// ImportRecord is the stored record of an import.
type ImportRecord struct {
	Import
	ImportCounts
	State ImportState
	Begun time.Time
	Ended time.Time
	Error string
}

// ErrImportRunning is returned if another import is running.
var ErrImportRunning = errors.New("another import is under way: try again when it has ended")

// TooManyGone is returned if an import would mark too many people as gone at
// once, because a truncated file is likelier.
type TooManyGone struct{ Sources []GoneShare }

// GoneShare is the number of a source's people who are missing in an import.
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
