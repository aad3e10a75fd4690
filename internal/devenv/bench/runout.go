package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sign says that a part of the service had no room left at a time of the simulated day.
type Sign struct {
	At   time.Duration
	What string
}

// The parts that can run out besides limits.
const (
	partKeycloak = "Keycloak"
	partMail     = "jobs of mails"
	partDatabase = "the database"
)

// tooLong is the real time after which a part counts as run out: students see the
// waiting page, or load the page again.
const tooLong = 5 * time.Second

// Sample is what the portal's metrics said at one time of the simulated day.
type Sample struct {
	At       time.Duration
	Waiting  map[string]float64       // due jobs, by kind
	Oldest   map[string]time.Duration // age of the oldest of them
	Hashes   float64                  // hashes under way or waiting, as a mean since the last sample
	HashTook time.Duration            // mean of the hashes that ended since the last sample, their wait included
	Requests float64                  // requests under way, as a mean since the last sample
	Database time.Duration            // to answer the metrics, which are read from the database
	Memory   int64
	Busy     float64 // share of the machine's processors in use, by any program, since the last sample
}

// allBusy is the share of the processors from which on they may be the cause of a wait.
const allBusy = .97

// Signs returns the parts that had no room left at the sample. It adds whether all
// processors were busy, because that makes every part slow.
func (s Sample) Signs() (out []Sign) {
	for what, took := range map[string]time.Duration{
		limitHashes: s.HashTook, partKeycloak: s.Oldest["account"], partMail: s.Oldest["mail"], partDatabase: s.Database,
	} {
		if took < tooLong {
			continue
		}
		if s.Busy >= allBusy {
			what += " (all processors busy)"
		}
		out = append(out, Sign{s.At, what})
	}
	return out
}

// runsOut are the limits whose refusals mean a lack of room. The others stop one student.
var runsOut = []string{limitNetwork, limitTotal, limitHashes, limitRequests}

// FirstOut returns one sentence on what ran out first, and on what did afterwards.
func FirstOut(signs []Sign) string {
	first := map[string]time.Duration{}
	for _, s := range signs {
		if at, ok := first[s.What]; !ok || s.At < at {
			first[s.What] = s.At
		}
	}
	if len(first) == 0 {
		return "Nothing ran out."
	}
	var parts []string
	for what := range first {
		parts = append(parts, what)
	}
	slices.SortFunc(parts, func(a, b string) int { return cmp.Or(cmp.Compare(first[a], first[b]), cmp.Compare(a, b)) })
	for i, what := range parts {
		parts[i] = fmt.Sprintf("%s at %s", what, clock(first[what]))
	}
	said := "First ran out: " + parts[0]
	if len(parts) > 1 {
		said += "; later: " + strings.Join(parts[1:], ", ")
	}
	return said + "."
}

// clock writes a time of day.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}
