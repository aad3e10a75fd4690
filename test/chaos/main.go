// Command chaos lets students activate, forget their passwords and change their
// addresses while all services around the portal fail, and checks afterwards that
// nothing was lost, duplicated or misreported.
//
//	students ── nginx ── 2 instances ──┬── toxiproxy ── PostgreSQL
//	                                   ├── toxiproxy ── Keycloak
//	                                   └── toxiproxy ── mail server
//
// Parts are killed, suspended, slowed, cut off and made to lose answers, in an
// order derived from a seed, and the portal's secret is rotated meanwhile. At the
// end the faults stop, every student finishes, and the seven invariants are
// checked from outside.
//
//	CHAOS_S=60 CHAOS_SEED=7 go -C test run ./chaos
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	breaks, err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if err != nil || breaks > 0 {
		os.Exit(1)
	}
}

// number parses an environment variable.
func number(name string, otherwise uint64) (uint64, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s=%q is no number", name, text)
	}
	return n, nil
}

func run(ctx context.Context) (breaks int, err error) {
	seconds, err := number("CHAOS_S", 120)
	if err != nil {
		return 0, err
	}
	seed, err := number("CHAOS_SEED", uint64(time.Now().UnixNano())%1_000_000)
	if err != nil {
		return 0, err
	}
	atOnce, err := number("CHAOS_STUDENTS", 6)
	if err != nil {
		return 0, err
	}
	say("seed %d, %d seconds, %d students at once; CHAOS_SEED=%d gives the same faults in the same order", seed, seconds, atOnce, seed)
	w, err := build(ctx, int(seconds))
	if err != nil {
		return 0, fmt.Errorf("build the stand: %w", err)
	}
	defer w.close()

	chance := rand.New(rand.NewPCG(seed, 1))
	crowd := newCrowd(w, rand.New(rand.NewPCG(seed, 2)))
	open, over := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer over()
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() { crowd.come(ctx, open) })
	}
	running.Go(func() { crowd.guess(ctx, open) })
	faults := newFaults(w, chance)
	err = faults.inject(open)
	if err != nil {
		return 0, err
	}
	say("the faults are over: every student comes to an end")
	settle, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	crowd.settle(settle)
	running.Wait()
	found, checked, err := w.check(ctx, settle, crowd)
	if err != nil {
		return 0, fmt.Errorf("check: %w", err)
	}
	for _, b := range found {
		fmt.Println("BREAK", b)
	}
	if len(found) > 0 {
		w.keep = true
		fmt.Println("kept for a look:", w.dir)
	}
	students, activated, waited, retries := crowd.figures()
	_, rotated := w.rotation.all()
	forgot, moved, back := 0, 0, 0
	for _, l := range crowd.lives {
		forgot += len(l.passwords) - 1
		moved += map[bool]int{true: 1}[l.isMoved]
		back += map[bool]int{true: 1}[l.isBack]
	}
	fmt.Printf("chaos: seed=%d seconds=%d students=%d activated=%d told_to_wait=%d forgot=%d moved=%d taken_back=%d faults=%d kills=%d rotations=%d retries=%d checked=%d breaks=%d\n",
		seed, seconds, students, activated, waited, forgot, moved, back, faults.count, faults.kills, rotated, retries, checked, len(found))
	return len(found), nil
}

var begun = time.Now()

func say(format string, args ...any) {
	fmt.Printf("%6.1f s  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
}
