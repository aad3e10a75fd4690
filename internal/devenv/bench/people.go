package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/scripted"
)

// network is the address that a student's requests come from.
type network struct {
	address string
	shared  bool // hundreds of students have the same address
}

// networkOf draws a network: three campuses with a tenth of the students each, four
// mobile operators with eight per cent each; the others have a line of their own.
// The shared addresses are those of RFC 2544, each in its own /24.
func networkOf(i int, r *rand.Rand) network {
	const campus, campuses, operator, operators = .10, 3, .08, 4
	u := r.Float64()
	if u < campus*campuses {
		return network{fmt.Sprintf("198.18.%d.1", int(u/campus)), true}
	}
	if u -= campus * campuses; u < operator*operators {
		return network{fmt.Sprintf("198.19.%d.1", int(u/operator)), true}
	}
	return network{fmt.Sprintf("2001:db8:%x::1", i), false}
}

// temper is how a student behaves. Times are those of the simulated day.
type temper struct {
	impatient bool          // asks again early, presses twice, gives up
	patience  time.Duration // until another code is asked for
	pause     time.Duration // mean time to read a page
	away      time.Duration // the student leaves the page of the code and comes back later; 0: stays
	secondTab bool          // begins again in a second tab while the code is under way
}

// reloads is the share of pages that a student loads again.
const reloads = .05

// temperOf draws a temper: a fifth of the students are impatient.
func temperOf(r *rand.Rand) temper {
	t := temper{impatient: r.Float64() < .2, patience: 5 * time.Minute, pause: 25 * time.Second, secondTab: r.Float64() < .03}
	if t.impatient {
		t.patience, t.pause = time.Minute, 10*time.Second
	}
	if r.Float64() < .05 {
		t.away = time.Duration(20+r.IntN(60)) * time.Minute
	}
	return t
}

// mailDelay returns the time that a mail needs after the relay has accepted it, from a
// number between 0 and 1. Most need seconds, an eighth needs minutes; ok is false for
// one in a hundred, which never arrives.
func mailDelay(u float64) (d time.Duration, ok bool) {
	seconds := func(least, most, share float64) time.Duration {
		return time.Duration((least + (most-least)*share*share) * float64(time.Second))
	}
	switch {
	case u < .87:
		return seconds(1, 30, u/.87), true
	case u < .97:
		return seconds(30, 300, (u-.87)/.10), true
	case u < .99:
		return seconds(300, 1200, (u-.97)/.02), true
	}
	return 0, false
}

// slowBox shows the mails of a mailbox as late as the students' providers deliver
// them. The delay of a mail follows from its Message-ID.
type slowBox struct {
	scripted.Box
	factor float64
}

func (b slowBox) Messages(to string) []mailbox.Message {
	var out []mailbox.Message
	for _, m := range b.Box.Messages(to) {
		h := fnv.New64a()
		_, _ = h.Write([]byte(m.ID)) // fails never
		d, ok := mailDelay(float64(h.Sum64()) / math.MaxUint64)
		if ok && time.Since(m.At) >= time.Duration(float64(d)/b.factor) {
			out = append(out, m)
		}
	}
	return out
}

func (b slowBox) Wait(ctx context.Context, to string, n int) (mailbox.Message, error) {
	for {
		if all := b.Messages(to); n > 0 && len(all) >= n {
			return all[0], nil
		}
		select {
		case <-ctx.Done():
			return mailbox.Message{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
