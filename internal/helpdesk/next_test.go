package helpdesk_test

import (
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/helpdesk"
)

func (w *world) caseOf(id domain.PersonID) helpdesk.Case {
	w.t.Helper()
	c, err := w.Case(w.t.Context(), id)
	w.must(err)
	return c
}

// told waits until the story of a person has a mail of this kind, and returns the
// case.
func (w *world) told(id domain.PersonID, kind domain.MessageKind) helpdesk.Case {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		c := w.caseOf(id)
		for _, m := range c.Story {
			if m.Kind == string(domain.EventMailSent) && m.What["mail"] == string(kind) {
				return c
			}
		}
	}
	w.t.Fatalf("the story of %s has no mail %s", id, kind)
	return helpdesk.Case{}
}

func kinds(c helpdesk.Case) string {
	var out []string
	for _, m := range c.Story {
		out = append(out, m.Kind)
	}
	return strings.Join(out, " ")
}

// The request of a person who is not ready, and the mail that said so, are in the
// person's story; no code is said to be awaited.
func TestU10_TheStoryHasTheMailsToPeopleWhoAreNotReadyOrActive(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	p.Readiness = domain.NotReady
	w.enrol(p)
	w.ask()
	w.mail(domain.MessageNotReady)
	c := w.told(jean, domain.MessageNotReady)
	if !strings.Contains(kinds(c), "activation.requested") {
		t.Errorf("the story has no request: %s", kinds(c))
	}
	if len(c.Under) != 1 || c.Under[0].Sent {
		t.Errorf("a code was sent: %+v", c.Under)
	}
	if n := c.Next(); n.Key != "not_ready" {
		t.Errorf("next: %+v", n)
	}

	w.pass(time.Minute)
	p.Readiness = domain.Ready
	w.enrol(p)
	id := w.ask()
	code := w.mail(domain.MessageCode)
	if c := w.told(jean, domain.MessageCode); c.Next().Key != "step_code" || !c.Under[0].Sent {
		t.Errorf("next: %+v, %+v", c.Next(), c.Under)
	}
	w.must(w.Prove(t.Context(), id, code.Code, "192.0.2.9/32"))
	if n := w.caseOf(jean).Next(); n.Key != "step_charter" {
		t.Errorf("next: %+v", n)
	}
	w.finish(id)
	w.mail(domain.MessageActivated)
	if c := w.told(jean, domain.MessageActivated); c.Next().Key != "unused" {
		t.Errorf("next: %+v", c.Next())
	}
	w.ask()
	w.mail(domain.MessageActive)
	w.told(jean, domain.MessageActive)
}

// Two people at one address both have the mail in their story, and neither has what
// the other did.
func TestU10_TheStoryOfASiblingIsApart(t *testing.T) {
	w := newWorld(t)
	sister := w.person()
	sister.ID, sister.Number, sister.GivenName = "p-2", "22502143", "Anne"
	w.enrol(sister)
	id := w.ask()
	code := w.mail(domain.MessageCode)
	w.must(w.Prove(t.Context(), id, code.Code, "192.0.2.9/32"))
	w.must(w.press(id, func(j *domain.Journey) error {
		return w.Verify(t.Context(), j, activation.Answers{Number: "22502143"})
	}))
	w.finish(id)
	w.mail(domain.MessageActivated)
	hers := kinds(w.told("p-2", domain.MessageActivated))
	w.told(jean, domain.MessageCode)
	his := kinds(w.caseOf(jean))
	if !strings.Contains(hers, "password.chosen") || strings.Contains(his, "password.chosen") || strings.Contains(his, "identity.verified") {
		t.Errorf("hers: %s\nhis: %s", hers, his)
	}
}

// One line says why a person cannot activate, and since when.
func TestU10_NextSaysWhatIsInTheWay(t *testing.T) {
	at := start
	moment := func(kind string, fields ...string) helpdesk.HistoryEntry {
		at = at.Add(time.Hour)
		return helpdesk.HistoryEntry{At: at, Kind: kind, What: map[string]string{"import": "i", "fields": strings.Join(fields, " "), "field": "email"}}
	}
	imported, gone := moment(helpdesk.Imported), moment("person.gone")
	held, back := moment("person.changed", "readiness"), moment("person.changed", "email")
	refused := moment("account.refused")
	sent, wrong, resent := moment("mail.sent"), moment("code.wrong"), moment("mail.sent")
	waits := func(story ...helpdesk.HistoryEntry) helpdesk.Case {
		return helpdesk.Case{
			Person: domain.Person{Readiness: domain.Ready, Email: "a@b.fr"}, Story: story,
			Under: []helpdesk.OpenJourney{{Step: domain.StepCode, Sent: true, Journey: domain.Journey{RequestedAt: start}}},
		}
	}
	for name, tt := range map[string]struct {
		c    helpdesk.Case
		want helpdesk.Next
	}{
		"not begun":          {helpdesk.Case{Person: domain.Person{Readiness: domain.Ready, Email: "a@b.fr"}}, helpdesk.Next{Key: "not_begun"}},
		"no address":         {helpdesk.Case{Person: domain.Person{Readiness: domain.Ready}}, helpdesk.Next{Key: "no_address"}},
		"a wrong address":    {helpdesk.Case{Person: domain.Person{Readiness: domain.Ready, Email: "a@b.fr", WrongAddress: "a@b.fr", WrongSince: start}}, helpdesk.Next{Key: "address_wrong", At: start}},
		"held by the file":   {helpdesk.Case{Person: domain.Person{Readiness: domain.Held}, Story: []helpdesk.HistoryEntry{imported, held}}, helpdesk.Next{Key: "held_by_import", At: held.At, Import: "i"}},
		"imported not ready": {helpdesk.Case{Person: domain.Person{}, Story: []helpdesk.HistoryEntry{imported}}, helpdesk.Next{Key: "not_ready", At: imported.At, Import: "i"}},
		"gone":               {helpdesk.Case{Person: domain.Person{}, Story: []helpdesk.HistoryEntry{imported, gone}}, helpdesk.Next{Key: "gone", At: gone.At, Import: "i"}},
		"gone and back":      {helpdesk.Case{Person: domain.Person{}, Story: []helpdesk.HistoryEntry{imported, gone, back}}, helpdesk.Next{Key: "not_ready", At: back.At, Import: "i"}},
		"held by operator":   {helpdesk.Case{Person: domain.Person{Readiness: domain.Ready, Hold: "doubt"}, Story: []helpdesk.HistoryEntry{moment(helpdesk.ActHeld)}}, helpdesk.Next{Key: "held", At: at}},
		"second proofs":      {helpdesk.Case{Person: domain.Person{Readiness: domain.Ready, Email: "a@b.fr"}, Proofs: activation.ProofTries{Day: 5, DayOf: 5, All: 5, AllOf: 20, Until: start}}, helpdesk.Next{Key: "proofs_spent", At: start}},
		"a code":             {waits(sent), helpdesk.Next{Key: "step_code", At: start}},
		"a wrong code":       {waits(sent, wrong), helpdesk.Next{Key: "step_code_wrong", At: wrong.At}},
		"a code after it":    {waits(sent, wrong, resent), helpdesk.Next{Key: "step_code", At: start}},
		"refused value":      {helpdesk.Case{Person: domain.Person{Account: domain.AccountCreating}, Story: []helpdesk.HistoryEntry{imported, refused}}, helpdesk.Next{Key: "refused", At: refused.At, Field: "email"}},
		"parked":             {helpdesk.Case{Person: domain.Person{Account: domain.AccountParked}}, helpdesk.Next{Key: "parked"}},
		"active":             {helpdesk.Case{Person: domain.Person{Account: domain.AccountActive, FirstLoginAt: start, Hold: "late"}}, helpdesk.Next{Key: "active", At: start}},
		"frozen recovery":    {helpdesk.Case{Person: domain.Person{Account: domain.AccountActive, FirstLoginAt: start, RecoveryFrozenAt: at}}, helpdesk.Next{Key: "frozen", At: at}},
		"frozen, never used": {helpdesk.Case{Person: domain.Person{Account: domain.AccountActive, RecoveryFrozenAt: at}}, helpdesk.Next{Key: "frozen", At: at}},
		"frozen and erasing": {helpdesk.Case{Person: domain.Person{Account: domain.AccountActive, RecoveryFrozenAt: start, EraseAt: at}}, helpdesk.Next{Key: "erasing", At: at}},
		"erased":             {helpdesk.Case{Person: domain.Person{Readiness: domain.Held, ErasedAt: start}}, helpdesk.Next{Key: "erased", At: start}},
	} {
		if got := tt.c.Next(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
