package activation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entree/internal/activation"
	"entree/internal/domain"
)

// mostCompared is the figure of the threat model: codes compared for one account in
// any 24 hours, those of earlier journeys included.
const mostCompared = 84

// TestR2_WhateverAttackersDoTheVictimGetsIn draws attackers and a victim in fake
// time. The limits of networks are scaled down, so that a short attack reaches
// them. It holds that
//
//   - the victim, who reads the mailbox and does what the pages say, gets in within
//     15 minutes, while the attack goes on between every two steps, with and without
//     a second proof;
//   - a help desk code, typed at the help desk's own network, lets the victim in;
//   - no more codes are compared for the account than the threat model says;
//   - a refusal changes no counter.
func TestR2_WhateverAttackersDoTheVictimGetsIn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		victim := rapid.SampledFrom([]domain.Person{jeanPierre(), nadia()}).Draw(rt, "victim")
		w := newWorld(t, victim)
		defer w.end()
		w.Rates.Client.Burst, w.Rates.WrongClient.Burst, w.Rates.WrongTotal.Burst, w.Rates.DeskClient.Burst = 15, 4, 30, 3
		a := &attack{world: w, t: rt, mail: &mailbox{}, person: victim}
		a.networks = rapid.SampledFrom([][]string{
			{"198.51.100.7/32"},
			{"192.0.2.1/32"},                   // the victim's own
			{helpDeskNetwork},                  // that of the help desk
			numbered("192.0.2.%d/32", 40),      // a campus with both
			numbered("198.51.100.%d/32", 40),   // one provider's
			numbered("10.%d.0.1/32", 40),       // many networks
			numbered("2001:db8:1:%x::/64", 40), // one customer's /48
			numbered("2001:db8:%x::/64", 40),   // a botnet of /64
			append(numbered("2001:db8:%x::/64", 20), "192.0.2.1/32", helpDeskNetwork, "198.51.100.7/32"),
		}).Draw(rt, "networks")
		for range rapid.IntRange(0, 4).Draw(rt, "waves") {
			a.wave(rapid.IntRange(1, 15).Draw(rt, "acts"))
			w.pass(time.Duration(rapid.IntRange(0, 600).Draw(rt, "minutes")) * time.Minute)
		}
		a.wave(rapid.IntRange(0, 30).Draw(rt, "acts"))
		a.atTheDesk()
		a.victim()
		a.checkCompared()
	})
}

// helpDeskNetwork is on the campus of the victim.
const helpDeskNetwork = "192.0.2.9/32"

// atTheDesk begins a journey with a right help desk code. Acts of strangers before it
// cannot refuse it, nor the second proof that follows.
func (a *attack) atTheDesk() {
	j, err := a.EnterDesk(a.world.t.Context(), a.give(a.person.ID).Reveal(), domain.French, helpDeskNetwork)
	if err != nil {
		a.t.Fatalf("a help desk code: %v", err)
	}
	a.verify(j.ID)
}

// verify answers the second proof, if the victim's profile asks for one, and fails if
// the journey does not reach the charter.
func (a *attack) verify(id domain.JourneyID) {
	j, step, err := a.Journey(a.world.t.Context(), id)
	if err == nil && step == domain.StepVerify {
		err = a.Verify(a.world.t.Context(), j.ID, activation.Answers{BirthDate: a.person.BirthDate})
		_, step, _ = a.Journey(a.world.t.Context(), id)
	}
	if err != nil || step != domain.StepCharter {
		a.t.Fatalf("after the proof of the mailbox or at the help desk: at %s, %v", step, err)
	}
}

func numbered(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i+1)
	}
	return out
}

// mailbox is what the victim has received.
type mailbox struct{ messages []domain.Message }

// attack is the state of one run.
type attack struct {
	*world
	t        *rapid.T
	networks []string
	journeys []domain.JourneyID
	mail     *mailbox
	person   domain.Person // the victim
	compared []time.Time
	asked    int // unknown addresses
}

// wave does n acts of attackers.
func (a *attack) wave(n int) {
	for range n {
		network := rapid.SampledFrom(a.networks).Draw(a.t, "network")
		switch rapid.SampledFrom([]string{"ask", "ask", "guess", "guess", "resend", "flood", "desk", "long"}).Draw(a.t, "act") {
		case "ask":
			_, _ = a.ask(network)
		case "guess":
			if len(a.journeys) == 0 {
				continue
			}
			id := rapid.SampledFrom(a.journeys).Draw(a.t, "journey")
			for range domain.MaxTries {
				a.guess(id, network)
			}
		case "resend":
			if len(a.journeys) > 0 {
				a.resend(rapid.SampledFrom(a.journeys).Draw(a.t, "journey"), network)
			}
		case "flood":
			for range 10 {
				a.asked++
				a.unchanged(func() error {
					_, err := a.Request(a.world.t.Context(), activation.Request{Profile: a.person.Profile, Address: fmt.Sprintf("u%d@example.net", a.asked), Client: network})
					return err
				})
			}
		case "desk":
			for range 10 {
				a.unchanged(func() error {
					_, err := a.EnterDesk(a.world.t.Context(), "0000-0000", domain.French, network)
					return err
				})
			}
		case "long":
			a.unchanged(func() error {
				_, err := a.EnterLong(a.world.t.Context(), "0000-0000-0000-0000", domain.French, network)
				return err
			})
		}
	}
}

// unchanged does an act and fails if a limit refused it and a counter changed.
func (a *attack) unchanged(act func() error) error {
	before := a.counters()
	err := act()
	var r *domain.Refusal
	if errors.As(err, &r) {
		switch r.Reason {
		case domain.ReasonMailsSpent, domain.ReasonTooManyRequests, domain.ReasonBusy, domain.ReasonCodeBlocked, domain.ReasonProofBlocked, domain.ReasonResendTooSoon:
			if after := a.counters(); after != before {
				a.t.Fatalf("a refusal for %s changed the counters:\n%s\n%s", r.Reason, before, after)
			}
		}
		return err
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return nil
}

// counters reads every row of the limits.
func (a *attack) counters() string {
	rows, err := a.beside.QueryContext(a.world.t.Context(), `SELECT key, arrival, granted FROM limits ORDER BY key`)
	if err != nil {
		a.t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var key string
		var arrival, granted int64
		if err := rows.Scan(&key, &arrival, &granted); err != nil {
			a.t.Fatal(err)
		}
		fmt.Fprintln(&out, key, arrival, granted)
	}
	if err := rows.Err(); err != nil {
		a.t.Fatal(err)
	}
	return out.String()
}

// ask begins a journey for the victim's address. The mail is in the mailbox then.
func (a *attack) ask(network string) (id domain.JourneyID, err error) {
	err = a.unchanged(func() error {
		j, err := a.Request(a.world.t.Context(), activation.Request{Profile: a.person.Profile, Address: string(a.person.Email), Client: network})
		id = j.ID
		return err
	})
	if err == nil {
		a.journeys = append(a.journeys, id)
		a.receive()
	}
	return id, err
}

// receive puts the next mail with a code into the mailbox. A mail may arrive twice: the
// clock jumps, and the lease of a job can expire before the job's end is stored.
func (a *attack) receive() {
	for {
		m := a.box.next(a.world.t, domain.MessageCode)
		if !slices.ContainsFunc(a.mail.messages, func(old domain.Message) bool { return old.ID == m.ID }) {
			a.mail.messages = append(a.mail.messages, m)
			return
		}
	}
}

func (a *attack) resend(id domain.JourneyID, network string) error {
	if j, step, err := a.Journey(a.world.t.Context(), id); err != nil || step != domain.StepCode || j.Address != a.person.Email {
		return domain.ErrNotFound
	}
	err := a.unchanged(func() error { return a.Resend(a.world.t.Context(), id, domain.French, network) })
	if err == nil {
		a.receive()
	}
	return err
}

// guess types a wrong code.
func (a *attack) guess(id domain.JourneyID, network string) {
	j, step, err := a.Journey(a.world.t.Context(), id)
	if err != nil || step != domain.StepCode {
		return
	}
	journeys, err := a.store.JourneysAt(a.world.t.Context(), j.Address, a.clock())
	if err != nil {
		a.t.Fatal(err)
	}
	codes := 1 + len(j.InHand(a.clock(), journeys))
	wrong := "000000"
	for n := 0; a.wasSent(wrong); n++ {
		wrong = fmt.Sprintf("%06d", n)
	}
	err = a.unchanged(func() error { return a.Prove(a.world.t.Context(), id, wrong, network) })
	var r *domain.Refusal
	if errors.As(err, &r) && (r.Reason == domain.ReasonCodeWrong || r.Reason == domain.ReasonTriesSpent) {
		for range codes {
			a.compared = append(a.compared, a.clock())
		}
	}
}

func (a *attack) wasSent(code string) bool {
	for _, m := range a.mail.messages {
		if m.Code == code {
			return true
		}
	}
	return false
}

func (a *attack) checkCompared() {
	for i, from := range a.compared {
		n := 0
		for _, at := range a.compared[i:] {
			if at.Before(from.Add(24 * time.Hour)) {
				n++
			}
		}
		if n > mostCompared {
			a.t.Fatalf("%d codes compared in 24 hours, the threat model says %d", n, mostCompared)
		}
	}
}

// victim does what the pages say: ask for a code, type it, ask again where the page
// says so, take another network where the own one is refused, and use the newest
// long code where no further mail is sent.
func (a *attack) victim() {
	begun := a.clock()
	networks := []string{"192.0.2.1/32", "203.0.113.77/32"} // at home, and by telephone
	at := 0
	for {
		if took := a.clock().Sub(begun); took > 15*time.Minute {
			a.t.Fatalf("the victim is still out after %v", took)
		}
		a.wave(rapid.IntRange(0, 3).Draw(a.t, "meanwhile"))
		a.pass(20 * time.Second)
		id, err := a.ask(networks[at])
		var r *domain.Refusal
		if errors.As(err, &r) {
			if r.Reason == domain.ReasonMailsSpent && a.enterLong(networks[at]) {
				return
			}
			at = (at + 1) % len(networks)
			continue
		}
		a.journeys = a.journeys[:len(a.journeys)-1] // not the attackers' to guess at
		if a.proves(id, networks[at]) {
			return
		}
	}
}

// proves types the newest code, and asks for a long one where it is refused.
func (a *attack) proves(id domain.JourneyID, network string) bool {
	mine := a.mail.messages[len(a.mail.messages)-1].Code
	a.wave(rapid.IntRange(0, 3).Draw(a.t, "meanwhile"))
	a.pass(30 * time.Second)
	err := a.unchanged(func() error { return a.Prove(a.world.t.Context(), id, mine, network) })
	var r *domain.Refusal
	if !errors.As(err, &r) {
		a.verify(id)
		return true
	}
	if r.Reason != domain.ReasonCodeBlocked {
		a.t.Fatalf("the right code is refused for %s", r.Reason)
	}
	a.pass(30 * time.Second)
	_ = a.resend(id, network)
	return a.enterLong(network)
}

// enterLong uses the newest long code that the mailbox holds.
func (a *attack) enterLong(network string) bool {
	for i := len(a.mail.messages) - 1; i >= 0; i-- {
		if long := a.mail.messages[i].Long; long != "" {
			j, err := a.EnterLong(a.world.t.Context(), long, domain.French, network)
			if err == nil {
				a.verify(j.ID)
			}
			return err == nil
		}
	}
	return false
}

// Ten networks that ask as fast as they can leave the reserve to all others.
func TestR11_TenNetworksDoNotExhaustTheTotal(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Rates.Total.Burst = 200
	n := 0
	ask := func(network string) error {
		n++
		_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: fmt.Sprintf("u%d@example.net", n), Client: network})
		return err
	}
	for i := range 10 {
		for range 40 {
			_ = ask(fmt.Sprintf("2001:db8:%x:%x::/64", i+1, n%7)) // the limits decide
		}
	}
	for i := range 20 {
		if err := ask(fmt.Sprintf("203.0.%d.1/32", i)); err != nil {
			t.Fatalf("a network that was not seen before: %v", err)
		}
	}
}
