package store_test

import (
	"errors"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/overview"
)

func TestACampaignsRowsAreThereOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"), person("3"))
		ctx := t.Context()
		c := campaign.Campaign{ID: "c1", Version: 1, Name: "Rentrée", Kind: campaign.Invitation, CreatedAt: start, Notes: map[domain.Lang]string{"fr": "é"}, State: campaign.Running}
		w.must(w.SaveCampaign(ctx, c, nil, domain.Effects{}))
		if err := w.SaveCampaign(ctx, c, nil, domain.Effects{}); !errors.Is(err, campaign.ErrOvertaken) {
			t.Errorf("made twice: %v", err)
		}
		c.Version = 2
		mails := []campaign.Recipient{{Campaign: "c1", Person: "1", Job: "j1", At: start}, {Campaign: "c1", Person: "2", Job: "j2", At: start}}
		w.must(w.SaveCampaign(ctx, c, mails, domain.Effects{}))
		if err := w.instance().SaveCampaign(ctx, c, mails, domain.Effects{}); !errors.Is(err, campaign.ErrOvertaken) {
			t.Errorf("two instances planned at once: %v", err)
		}
		c.Version = 3
		if err := w.SaveCampaign(ctx, c, []campaign.Recipient{{Campaign: "c1", Person: "2", Job: "j9", At: start}}, domain.Effects{}); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("somebody was planned twice: %v", err)
		}
		settle := func(job string, to campaign.RecipientState, at time.Time, from ...campaign.RecipientState) {
			t.Helper()
			r, err := w.Recipient(ctx, job)
			w.must(err)
			r.State, r.At = to, at
			w.must(w.Settle(ctx, r, from, domain.Effects{Events: []domain.Event{{At: at, Kind: "x", Person: r.Person}}}))
		}
		settle("j1", campaign.Sent, start.Add(time.Minute), campaign.Waiting)
		settle("j1", campaign.Sent, start.Add(time.Hour), campaign.Waiting) // the second call finds the mail no longer waiting
		if events, _ := w.Events(ctx, "1"); len(events) != 1 {
			t.Errorf("%d events", len(events))
		}
		if n, err := w.Queued(ctx, "c1"); n != 1 || err != nil {
			t.Errorf("%d wait, %v", n, err)
		}
		due, err := w.Unanswered(ctx, "c1", 0, start.Add(time.Minute), 9)
		early, err2 := w.Unanswered(ctx, "c1", 0, start, 9)
		if err != nil || err2 != nil || len(due) != 1 || due[0] != "1" || len(early) != 0 {
			t.Errorf("to be reminded: %v, %v, %v %v", due, early, err, err2)
		}
		oldest, err := w.OldestUnanswered(ctx, "c1", 1)
		none, err2 := w.OldestUnanswered(ctx, "c1", 0)
		if err != nil || err2 != nil || !oldest.Equal(start.Add(time.Minute)) || !none.IsZero() {
			t.Errorf("%v, %v, %v %v", oldest, none, err, err2)
		}
		list, people, err := w.Recipients(ctx, "c1", campaign.Sent, 0, 9)
		if err != nil || len(list) != 1 || people[0].ID != "1" {
			t.Errorf("%v %v %v", list, people, err)
		}
		if all, _, err := w.Recipients(ctx, "c1", "", 1, 9); err != nil || len(all) != 1 {
			t.Errorf("%v %v", all, err)
		}
		tallies, err := w.Tallies(ctx, "c1")
		if err != nil || len(tallies) != 2 {
			t.Errorf("%v %v", tallies, err)
		}
		if back, err := w.Campaign(ctx, "c1"); err != nil || back.Version != 2 || back.Notes["fr"] != "é" || !back.CreatedAt.Equal(start) {
			t.Errorf("%+v, %v", back, err)
		}
		if _, err := w.Recipient(ctx, ""); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("a mail without a job: %v", err)
		}
	})
}

// A returned mail marks a second address too. The mark follows the address, and that of
// the first address replaces it.
func TestASecondAddressIsMarkedAsWrong(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		p := person("1")
		w.enrol(p, person("2"))
		w.must(w.Exec(t.Context(), `UPDATE people SET second_email = 'second@example.net' WHERE id = '1'`))
		read := func() domain.Person {
			t.Helper()
			p, err := w.Person(t.Context(), "1")
			w.must(err)
			return p
		}
		mark := func(a domain.Address) {
			w.must(w.Apply(t.Context(), domain.Effects{Wrong: []domain.WrongAddress{{Address: a, Why: "5.1.1", Rule: "no-user", Provider: "Orange", At: start}}}))
		}
		mark("second@example.net")
		mark("second@example.net") // read again
		if now := read(); now.AddressWrong() || !now.SecondWrong() || now.WrongWhy != "5.1.1" {
			t.Errorf("%+v", now)
		}
		events, err := w.Events(t.Context(), "1")
		if err != nil || len(events) != 1 || events[0].Kind != domain.EventSecondWrong || events[0].Details["rule"] != "no-user" {
			t.Errorf("%+v, %v", events, err)
		}
		marks := overview.WrongMarks{Provider: "Orange", Status: "5.1.1", Rule: "no-user"}
		if listed, err := w.WrongMarks(t.Context()); err != nil || len(listed) != 1 || listed[0].Count != 1 {
			t.Errorf("%+v, %v", listed, err)
		}
		entry := audit.Entry{At: start, By: audit.Operator{Name: "Ada"}, Act: "address.cleared", What: map[string]string{}}
		if n, err := w.ClearWrong(t.Context(), marks, "the rule was wrong", entry); n != 1 || err != nil || read().SecondWrong() {
			t.Errorf("%d marks were removed, %v", n, err)
		}
		mark("second@example.net")
		mark(p.Email)
		mark("second@example.net")
		if now := read(); !now.AddressWrong() || now.SecondWrong() {
			t.Errorf("%+v", now)
		}
	})
}

func TestWhomACampaignIsFor(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		other := person("2")
		other.Cohort = "2025"
		w.enrol(person("1"), other, person("3"))
		ctx := t.Context()
		count := func(a campaign.Audience) int {
			t.Helper()
			n, err := w.Count(ctx, a)
			w.must(err)
			ids, err := w.Next(ctx, a, "", 9)
			w.must(err)
			if len(ids) != n {
				t.Errorf("%d counted, %d listed", n, len(ids))
			}
			return n
		}
		all := campaign.Audience{Kind: campaign.Invitation}
		if n := count(all); n != 3 {
			t.Errorf("%d of 3", n)
		}
		if n := count(campaign.Audience{Kind: campaign.Invitation, Segment: campaign.Segment{Cohort: "2025", Profile: other.Profile}}); n != 1 {
			t.Errorf("%d of the cohort", n)
		}
		w.must(w.SaveCampaign(ctx, campaign.Campaign{ID: "c", Version: 1}, []campaign.Recipient{{Campaign: "c", Person: "3", Job: "j", At: start}}, domain.Effects{}))
		r, err := w.Recipient(ctx, "j")
		w.must(err)
		r.State, r.At = campaign.Sent, start
		w.must(w.Settle(ctx, r, []campaign.RecipientState{campaign.Waiting}, domain.Effects{}))
		for last, want := range map[campaign.Segment]int{
			{LastMail: campaign.MailNever}: 2, {LastMail: campaign.MailBefore, Before: start}: 2, {LastMail: campaign.MailBefore, Before: start.Add(time.Second)}: 3,
		} {
			if n := count(campaign.Audience{Kind: campaign.Invitation, Segment: last}); n != want {
				t.Errorf("%+v: %d", last, n)
			}
		}
		w.must(w.Apply(ctx, domain.Effects{Reached: []domain.Reached{{Person: "2", Stage: domain.StageCodeProven}}}))
		for stage, want := range map[string]int{"imported": 2, "code_proven": 1, "charter": 0, "": 3} {
			if n := count(campaign.Audience{Kind: campaign.Invitation, Segment: campaign.Segment{Stage: stage}}); n != want {
				t.Errorf("who came to %q: %d, want %d", stage, n, want)
			}
		}
		// A wrong address is marked for all people who have it, until they have
		// another one.
		wrong := domain.Effects{Wrong: []domain.WrongAddress{{Address: person("1").Email, Why: "5.1.1", At: start}}}
		w.must(w.Apply(ctx, wrong))
		w.must(w.Apply(ctx, wrong))
		p, err := w.Person(ctx, "1")
		events, _ := w.Events(ctx, "1")
		if err != nil || !p.AddressWrong() || p.WrongWhy != "5.1.1" || !p.WrongSince.Equal(start) || len(events) != 1 {
			t.Errorf("%+v, %d events, %v", p, len(events), err)
		}
		marked := 3 - count(all)
		mended := person("1")
		mended.Email = "right@example.net"
		w.enrol(mended)
		if p, _ := w.Person(ctx, "1"); p.AddressWrong() || marked < 1 {
			t.Errorf("%d marked, %+v", marked, p)
		}
		// A mark holds its rule and provider, by which it is removed.
		marks := overview.WrongMarks{Provider: "Orange", Status: "5.1.1", Rule: "orange-unknown"}
		w.must(w.Apply(ctx, domain.Effects{Wrong: []domain.WrongAddress{{Address: mended.Email, Why: marks.Status, Rule: marks.Rule, Provider: marks.Provider, At: start}}}))
		listed, err := w.WrongMarks(ctx)
		if err != nil || len(listed) != 2 || listed[1].Count != 1 || listed[1].Rule != marks.Rule || !listed[1].Since.Equal(start) {
			t.Errorf("%+v, %v", listed, err)
		}
		clearing := func(m overview.WrongMarks) int {
			entry := audit.Entry{At: start.Add(time.Second), By: audit.Operator{Name: "Ada"}, Act: "address.cleared", What: map[string]string{"rule": m.Rule}}
			n, err := w.ClearWrong(ctx, m, "the rule was wrong", entry)
			w.must(err)
			return n
		}
		if n := clearing(overview.WrongMarks{Provider: "Orange", Status: "5.1.1", Rule: "no-user"}); n != 0 {
			t.Errorf("%d marks of another rule were removed", n)
		}
		if n := clearing(marks); n != 1 {
			t.Errorf("%d marks were removed", n)
		}
		p, err = w.Person(ctx, "1")
		events, _ = w.Events(ctx, "1")
		if last := events[len(events)-1]; err != nil || p.AddressWrong() || p.WrongRule != "" || last.Kind != domain.EventAddressCleared || last.Details["reason"] != "the rule was wrong" {
			t.Errorf("%+v, %+v, %v", p, last, err)
		}
		// Refused mails are counted by provider and reason. After a day without
		// a refusal the count starts again.
		for _, at := range []time.Duration{0, time.Hour, 50 * time.Hour} {
			w.must(w.Apply(ctx, domain.Effects{Refused: []domain.MailRefused{{Mail: at.String(), Provider: "Orange", Reason: "policy", Words: "550", At: start.Add(at)}}}))
			w.must(w.Apply(ctx, domain.Effects{Refused: []domain.MailRefused{{Mail: at.String(), Provider: "Orange", Reason: "policy", Words: "550", At: start.Add(at)}}})) // read again
			counts, err := w.Refusals(ctx, start)
			want := map[time.Duration]overview.MailRefusals{
				0: {Since: start, Count: 1}, time.Hour: {Since: start, Count: 2}, 50 * time.Hour: {Since: start.Add(50 * time.Hour), Count: 1},
			}[at]
			if err != nil || len(counts) != 1 || counts[0].Count != want.Count || !counts[0].Since.Equal(want.Since) || !counts[0].Last.Equal(start.Add(at)) {
				t.Errorf("after %s: %+v, %v", at, counts, err)
			}
		}
		if o, err := w.Overview(ctx, start.Add(100*time.Hour)); err != nil || len(o.Refusals) != 0 {
			t.Errorf("a refusal of days ago: %+v, %v", o.Refusals, err)
		}
		// A charter is owed by active people who accepted none of its texts.
		w.must(w.Publish(ctx, version("v", "2026", "Un.\n"), "", 0, domain.Effects{}))
		sha := version("v", "2026", "Un.\n").Texts.Hashes()
		owed := campaign.Audience{Kind: campaign.Charter, Owed: map[string][]string{other.Profile: sha, "none": nil}}
		if n := count(owed); n != 0 {
			t.Errorf("%d who are not active", n)
		}
		other.Email = "other@example.net"
		w.enrol(other)
		w.must(w.Apply(ctx, domain.Effects{People: []domain.PersonChange{{Person: "2", From: []domain.AccountState{""}, To: domain.AccountActive}}}))
		if n := count(owed); n != 1 {
			t.Errorf("%d owe", n)
		}
		w.must(w.Apply(ctx, domain.Effects{Acceptances: []domain.Acceptance{{Person: "2", Journey: "j", SHA256: sha[0], At: start}}}))
		if n := count(owed); n != 0 {
			t.Errorf("%d owe what they accepted", n)
		}
	})
}

func TestAJobThatIsThereOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		j := job("bounces")
		for range 2 {
			w.must(w.EnsureJob(t.Context(), j))
		}
		leased, err := w.LeaseOne(t.Context(), "bounces", "x", start.Add(time.Minute))
		w.must(err)
		next := j
		next.RunAt = start.Add(time.Hour)
		if _, err := w.Finish(t.Context(), leased, domain.Effects{Jobs: []domain.Job{next}}); err != nil {
			t.Fatal(err)
		}
		if at, err := w.NextDue(t.Context()); err != nil || !at.Equal(next.RunAt) {
			t.Errorf("%v, %v", at, err)
		}
	})
}
