package audit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Fault is one inconsistency of the chain.
type Fault struct {
	Seq  int64  // sequence number of the entry at which it was found
	What string // description, one line
}

func (f Fault) String() string { return f.What }

// Head is the end of the chain.
type Head struct {
	Seq  int64
	Hash string
}

// Verifier reads the chain from the first link to the last and reports removed
// and changed entries.
type Verifier struct {
	// Noted maps sequence numbers to hashes that were noted outside the
	// database. An attacker who rewrites the whole database cannot forge them.
	Noted map[int64]string
	// MACFault returns the fault of the MAC of a link, or "" if it fits. If it is nil,
	// MACs are not checked.
	MACFault func(Link) string

	last    Link
	begun   bool
	cut     int64  // entries up to this one were deleted
	cutHash string // hash of the last deleted entry
	cutTold bool   // whether an entry of the chain records the deletion
	events  string // position of the last sealed event; the next block begins there
	blocks  int
	missing map[string][]int64 // entries without details, by the person concerned
}

// Next reads the next link and returns its faults.
func (v *Verifier) Next(l Link) (faults []Fault) {
	say := func(format string, args ...any) {
		faults = append(faults, Fault{l.Seq, fmt.Sprintf(format, args...)})
	}
	gap := v.begun && l.Seq != v.last.Seq+1
	switch {
	case !v.begun:
		v.cut, v.cutHash = l.Seq-1, l.Prev
		v.cutTold = l.Seq == 1 && l.Prev == Origin
	case gap:
		say("%s: removed", entries(v.last.Seq+1, l.Seq-1))
	}
	switch {
	case l.sum() != l.Hash:
		say("entry %d (%s): changed", l.Seq, l.Act)
	case v.begun && !gap && l.Prev != v.last.Hash:
		say("entry %d (%s): does not follow entry %d: put in or moved, or the one before is another", l.Seq, l.Act, v.last.Seq)
	}
	switch {
	case l.Erased:
		if v.missing == nil {
			v.missing = map[string][]int64{}
		}
		v.missing[l.Whom] = append(v.missing[l.Whom], l.Seq)
	case digest(l.Salt, l.What) != l.Digest:
		say("entry %d (%s): its details were changed", l.Seq, l.Act)
	}
	if noted, is := v.Noted[l.Seq]; is && noted != l.Hash {
		say("entry %d (%s): has another hash than the one that was noted", l.Seq, l.Act)
	}
	if v.MACFault != nil {
		if what := v.MACFault(l); what != "" {
			say("entry %d (%s): %s", l.Seq, l.Act, what)
		}
	}
	switch l.Act {
	case ActBroken:
		say("entry %d: the end of the record was changed before the portal wrote this entry, at %s:%s", l.Seq, l.What["seq"], l.What["hash"])
	case ActErased:
		delete(v.missing, l.Whom) // the details may have been erased with the person
	case ActCut:
		if l.What["through"] == strconv.FormatInt(v.cut, 10) && l.What["hash"] == v.cutHash {
			v.cutTold = true
		}
	}
	v.begun, v.last = true, l
	return faults
}

// Events compares a block of events with the entry that sealed it. count and
// sum describe the events that are stored now.
func (v *Verifier) Events(l Link, count int64, sum string) (faults []Fault) {
	from, to := l.What["from"], l.What["to"]
	say := func(format string, args ...any) {
		faults = append(faults, Fault{l.Seq, fmt.Sprintf("events from %s to %s, sealed by entry %d: ", l.What["since"], l.What["until"], l.Seq) + fmt.Sprintf(format, args...)})
	}
	if v.blocks > 0 && from != v.events {
		say("the block before ends elsewhere")
	}
	v.events = to
	v.blocks++
	sealed, _ := strconv.ParseInt(l.What["count"], 10, 64) // valid: the digest of the details was verified
	switch {
	case count < sealed:
		say("%d of %d removed", sealed-count, sealed)
	case count > sealed:
		say("%d put in beside %d", count-sealed, sealed)
	case sum != l.What["sha256"]:
		say("changed")
	}
	return faults
}

// End returns the faults of the chain as a whole.
func (v *Verifier) End(head Head) (faults []Fault) {
	say := func(format string, args ...any) {
		faults = append(faults, Fault{head.Seq, fmt.Sprintf(format, args...)})
	}
	if v.begun && !v.cutTold {
		if v.cut > 0 {
			say("%s: removed, and no checkpoint accounts for them", entries(1, v.cut))
		} else {
			say("entry 1 does not begin the chain")
		}
	}
	switch {
	case !v.begun && head.Seq > 0:
		say("%s: removed", entries(1, head.Seq))
	case v.last.Seq < head.Seq:
		say("%s: removed", entries(v.last.Seq+1, head.Seq))
	case v.last.Seq > head.Seq:
		say("%s: added after the end", entries(head.Seq+1, v.last.Seq))
	case v.begun && v.last.Hash != head.Hash:
		say("the end of the chain is not that of entry %d", v.last.Seq)
	}
	for _, whom := range slices.Sorted(maps.Keys(v.missing)) {
		for _, seq := range v.missing[whom] {
			faults = append(faults, Fault{seq, fmt.Sprintf("entry %d: its details were removed, and the person was not erased", seq)})
		}
	}
	return faults
}

// Blocks returns the number of compared blocks of events.
func (v *Verifier) Blocks() int { return v.blocks }

func entries(from, to int64) string {
	if from == to {
		return fmt.Sprintf("entry %d", from)
	}
	return fmt.Sprintf("entries %d to %d", from, to)
}
