package campaign_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/store"
	"entree/internal/store/litetest"
)

var start = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

// by is the audit entry of the operator in these tests.
var by = audit.Entry{At: start, By: audit.Operator{Subject: "c", Name: "Claire", Role: "admin"}, Act: "campaign.test"}

// world is the campaign service over a real store, with a clock that tests
// advance.
type world struct {
	*campaign.Service
	t      *testing.T
	store  *store.Store
	now    time.Time
	owed   []string // hashes of the charter that people must accept
	sent   []sent
	refuse map[domain.Address]error
	before func(m domain.Message) // called before each mail
	most   int                    // maximum number of mails that waited at once
}

type sent struct {
	domain.Message
	at time.Time
}

func newWorld(t *testing.T, people int) *world {
	t.Helper()
	w := &world{t: t, now: start, owed: []string{"x"}, refuse: map[domain.Address]error{}, before: func(domain.Message) {}}
	var err error
	if w.store, err = store.Open(t.Context(), litetest.DSN(t, t.TempDir()), w.clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.Service = &campaign.Service{Store: w.store, Notifier: w, Runner: quiet{}, Charters: w, Profiles: []domain.Profile{{Key: "etudiant"}}, Clock: w.clock, Random: rand.Reader}
	for i := range people {
		w.enrol(person(i))
	}
	return w
}

func person(i int) domain.Person {
	id := fmt.Sprintf("%04d", i)
	return domain.Person{ID: domain.PersonID(id), Profile: "etudiant", Number: id, GivenName: "Ada", FamilyName: "Martin", Email: address(i), Readiness: domain.Ready, Cohort: "2026"}
}

func address(i int) domain.Address {
	return domain.Address(fmt.Sprintf("p%04d@example.net", i))
}

func (w *world) clock() time.Time { return w.now }

func (w *world) enrol(p domain.Person) {
	w.t.Helper()
	if err := w.store.Enrol(w.t.Context(), p); err != nil {
		w.t.Fatal(err)
	}
}

// activate marks person i as active.
func (w *world) activate(i int) {
	w.t.Helper()
	err := w.store.Apply(w.t.Context(), domain.Effects{People: []domain.PersonChange{{Person: person(i).ID, From: []domain.AccountState{""}, To: domain.AccountActive, AccountID: "kc-" + string(person(i).ID)}}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) Send(_ context.Context, m domain.Message) error {
	w.before(m)
	if err := w.refuse[m.To]; err != nil {
		return domain.Permanent(err)
	}
	w.sent = append(w.sent, sent{m, w.now})
	return nil
}

func (w *world) InForce(string, domain.Lang) (domain.Charter, error) {
	return domain.Charter{}, nil
}
func (w *world) Current(string) []string       { return w.owed }
func (w *world) Refresh(context.Context) error { return nil }

// begin starts an invitation campaign for all people.
func (w *world) begin(change func(*campaign.Campaign)) campaign.Campaign {
	w.t.Helper()
	c := campaign.Campaign{Name: "Rentrée", Kind: campaign.Invitation, Rate: 60, Lang: domain.French}
	change(&c)
	c, err := w.Start(w.t.Context(), c, by)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// pass advances the clock and, in each second, runs the jobs that are due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for {
		w.work()
		next := w.due()
		if next.IsZero() || next.After(end) {
			w.now = end
			return
		}
		w.now = next
	}
}

// due returns the time of the next due job.
func (w *world) due() time.Time {
	w.t.Helper()
	at, err := w.store.NextDue(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if !at.IsZero() && !at.After(w.now) {
		at = w.now.Add(time.Millisecond)
	}
	return at
}

// work runs the due jobs, as the runner does.
func (w *world) work() {
	w.t.Helper()
	ctx := w.t.Context()
	for _, kind := range []struct {
		name string
		h    domain.Handler
	}{{campaign.JobTick, w.Ticks()}, {campaign.JobMail, w.Mails()}} {
		leased, err := w.store.Lease(ctx, kind.name, "w", 1000, w.now.Add(time.Minute))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, job := range leased {
			e, err := kind.h.Run(ctx, job)
			if err == nil {
				if kind.name == campaign.JobTick { // simulates a crash before the end: the tick runs again
					if _, err := kind.h.Run(ctx, job); err != nil {
						w.t.Fatal(err)
					}
				}
				_, err = w.store.Finish(ctx, job, e)
			} else if domain.IsPermanent(err) {
				if e, err = kind.h.Abandon(ctx, job, err); err == nil {
					err = w.store.GiveUp(ctx, job, "refused", false, e)
				}
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	counts, err := w.store.JobCounts(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range counts {
		if c.Kind == campaign.JobMail {
			w.most = max(w.most, int(c.Waiting))
		}
	}
}

func (w *world) state(c campaign.Campaign) campaign.Campaign {
	w.t.Helper()
	c, err := w.store.Campaign(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// tally counts mails by state over all rounds.
func (w *world) tally(c campaign.Campaign) map[campaign.RecipientState]int {
	w.t.Helper()
	all, err := w.store.Tallies(w.t.Context(), c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[campaign.RecipientState]int{}
	for _, t := range all {
		out[t.State] += t.N
	}
	return out
}

// once fails if a person got two mails of the same kind on the same day.
func (w *world) once() {
	w.t.Helper()
	got := map[string]int{}
	for _, m := range w.sent {
		key := string(m.To) + " " + string(m.Kind) + " " + m.at.Format(time.DateOnly)
		if got[key]++; got[key] > 1 {
			w.t.Errorf("%s twice", key)
		}
	}
}

// quiet is a runner that does nothing: tests run the jobs themselves.
type quiet struct{}

func (quiet) Lease([]domain.Job) func(bool)        { return func(bool) {} }
func (quiet) Wake(...string)                       {}
func (quiet) RunNow(context.Context, string) error { return nil }

func TestNobodyTwiceAndNoFasterThanTheRate(t *testing.T) {
	w := newWorld(t, 150)
	w.activate(3)
	notReady := person(4)
	notReady.Readiness = domain.NotReady
	w.enrol(notReady)
	if n, err := w.Count(t.Context(), campaign.Invitation, campaign.Segment{Cohort: "2026"}); n != 148 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	c := w.begin(func(c *campaign.Campaign) {
		c.Notes = map[domain.Lang]string{domain.French: "La rentrée est le 7."}
		c.StartAt = start.Add(time.Hour)
	})
	w.pass(time.Hour - time.Second)
	if len(w.sent) != 0 || c.Planned != 148 {
		t.Fatalf("%d mails before its time, %d planned", len(w.sent), c.Planned)
	}
	w.pass(10 * time.Minute)
	if len(w.sent) != 148 || w.state(c).State != campaign.Done {
		t.Errorf("%d mails, %s", len(w.sent), w.state(c).State)
	}
	w.once()
	for i, m := range w.sent {
		if m.Note == "" || m.Kind != domain.MessageInvitation {
			t.Errorf("%+v", m)
		}
		if j := i + 61; j < len(w.sent) && w.sent[j].at.Sub(m.at) < time.Minute {
			t.Errorf("62 mails within %v", w.sent[j].at.Sub(m.at))
		}
	}
	if w.most > 60 {
		t.Errorf("%d jobs at once", w.most)
	}
	if events, err := w.store.Events(t.Context(), "0000"); err != nil || len(events) != 1 || events[0].Kind != campaign.EventInvited {
		t.Errorf("%v, %v", events, err)
	}
}

func TestWhoIsDoneAtTheMomentOfSendingGetsNothing(t *testing.T) {
	w := newWorld(t, 3)
	w.before = func(m domain.Message) {
		if m.To == address(0) {
			w.activate(1)
			held := person(2)
			held.Readiness = domain.Held
			w.enrol(held)
		}
	}
	c := w.begin(func(*campaign.Campaign) {})
	w.pass(time.Hour)
	if got := w.tally(c); got[campaign.Sent] != 1 || got[campaign.Skipped] != 2 || w.state(c).State != campaign.Done {
		t.Errorf("%v", got)
	}
}

func TestPauseResumeCancel(t *testing.T) {
	w := newWorld(t, 100)
	c := w.begin(func(*campaign.Campaign) {})
	w.pass(30 * time.Second)
	if err := w.Pause(t.Context(), c.ID, by); err != nil {
		t.Fatal(err)
	}
	if err := w.Pause(t.Context(), c.ID, by); !errors.Is(err, campaign.ErrState) {
		t.Errorf("paused twice: %v", err)
	}
	n := len(w.sent)
	w.pass(time.Hour)
	if n < 25 || n > 35 || len(w.sent) != n {
		t.Errorf("%d mails before the pause, %d after it", n, len(w.sent))
	}
	if err := w.Resume(t.Context(), c.ID, by); err != nil {
		t.Fatal(err)
	}
	w.pass(20 * time.Second)
	if err := w.Pause(t.Context(), c.ID, by); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	if err := w.Resume(t.Context(), c.ID, by); err != nil {
		t.Fatal(err)
	}
	w.pass(5 * time.Second)
	n = len(w.sent)
	if err := w.Cancel(t.Context(), c.ID, by); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	if len(w.sent) != n || w.state(c).State != campaign.Cancelled {
		t.Errorf("%d mails after the end", len(w.sent)-n)
	}
	if err := w.Resume(t.Context(), c.ID, by); !errors.Is(err, campaign.ErrState) {
		t.Errorf("resumed after the end: %v", err)
	}
	w.once()
	second := w.begin(func(c *campaign.Campaign) { c.Segment.LastMail = campaign.MailNever })
	w.pass(time.Hour)
	if got := w.tally(second)[campaign.Sent]; got != 100-n || len(w.sent) != 100 {
		t.Errorf("%d of those who had none", got)
	}
	w.once()
}

func TestRemindersComeAfterDaysAndEnd(t *testing.T) {
	w := newWorld(t, 5)
	c := w.begin(func(c *campaign.Campaign) { c.RemindAfter, c.RemindTimes = 3, 2 })
	w.pass(2 * 24 * time.Hour)
	w.activate(0)
	w.pass(23 * time.Hour)
	if len(w.sent) != 5 {
		t.Fatalf("%d mails before the third day", len(w.sent))
	}
	w.pass(2 * time.Hour)
	if len(w.sent) != 9 || w.sent[8].Kind != domain.MessageReminder {
		t.Fatalf("%d mails after it", len(w.sent))
	}
	w.activate(1)
	if err := w.Bounced(t.Context(), campaign.Bounce{Job: w.sent[8].ID, Address: w.sent[8].To, Status: "5.1.1", Wrong: true, At: w.now}); err != nil {
		t.Fatal(err)
	}
	w.pass(30 * 24 * time.Hour)
	if len(w.sent) != 11 || w.state(c).State != campaign.Done {
		t.Errorf("%d mails at the end, %s", len(w.sent), w.state(c).State)
	}
	w.once()
}

func TestARefusedOrBouncedAddressIsWrittenToNoMore(t *testing.T) {
	w := newWorld(t, 4)
	w.refuse[address(0)] = fmt.Errorf("mail: %w", &domain.AddressRefused{Status: "5.1.1"})
	w.refuse[address(1)] = errors.New("554 spam")
	c := w.begin(func(*campaign.Campaign) {})
	w.pass(time.Hour)
	full := campaign.Bounce{Job: w.sent[1].ID, Address: w.sent[1].To, Status: "5.2.2", At: w.now}
	wrong := campaign.Bounce{Job: w.sent[0].ID, Address: w.sent[0].To, Status: "5.1.1", Wrong: true, At: w.now}
	for _, b := range []campaign.Bounce{full, wrong, wrong} {
		if err := w.Bounced(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.tally(c); got[campaign.Refused] != 2 || got[campaign.Bounced] != 2 {
		t.Errorf("%v", got)
	}
	// A refusal that is not about the recipient is counted by provider, and once for
	// each mail: its recipient can forge any number of bounces of it.
	spam := campaign.Bounce{Job: "code", Address: w.sent[1].To, Status: "5.7.1", Refusal: true, Provider: "Orange", Reason: "spam", Words: "550 spam", At: w.now}
	forged := spam
	forged.Provider, forged.Words = "Gmail", "550 all mails of the university"
	for _, spam := range []campaign.Bounce{spam, spam, forged} {
		if err := w.Bounced(t.Context(), spam); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.store.Refusals(t.Context(), w.now); err != nil || len(got) != 1 || got[0].Provider != "Orange" || got[0].Reason != "spam" || got[0].Count != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	n, err := w.Count(t.Context(), campaign.Invitation, campaign.Segment{})
	if err != nil || n != 2 {
		t.Errorf("%d are left, %v", n, err)
	}
	for i, want := range []bool{true, false, true, false} {
		p, err := w.store.Person(t.Context(), person(i).ID)
		if err != nil || p.AddressWrong() != want {
			t.Errorf("%d: %+v, %v", i, p, err)
		}
	}
	mended := person(0)
	mended.Email = "right@example.net"
	w.enrol(mended)
	if p, _ := w.store.Person(t.Context(), mended.ID); p.AddressWrong() {
		t.Error("the mark stays on a new address")
	}
	if n, _ := w.Count(t.Context(), campaign.Invitation, campaign.Segment{}); n != 3 {
		t.Errorf("%d after it was mended", n)
	}
}

func TestACharterIsAskedForWhereItIsOwed(t *testing.T) {
	w := newWorld(t, 3)
	w.activate(0)
	w.activate(1)
	c := w.begin(func(c *campaign.Campaign) { c.Kind = campaign.Charter })
	w.pass(time.Minute)
	if got := w.tally(c); got[campaign.Sent] != 2 || w.sent[0].Kind != domain.MessageCharter {
		t.Errorf("%v", got)
	}
}

func TestAFormThatIsNotWholeIsNoCampaign(t *testing.T) {
	w := newWorld(t, 1)
	c := campaign.Campaign{Kind: "x", RemindTimes: 9, Segment: campaign.Segment{LastMail: campaign.MailBefore}}
	faults := c.Check()
	for _, field := range []string{"nom", "genre", "debit", "rappels", "jours", "avant"} {
		if faults[field] == "" {
			t.Errorf("%s: nothing is said", field)
		}
	}
	if _, err := w.Start(t.Context(), c, by); err == nil {
		t.Error("it began")
	}
}
