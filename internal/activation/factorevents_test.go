package activation_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/domain"
)

// see lets the portal read an event of the realm about a factor, which is to be told.
func (w *world) see(account string, kind domain.FactorKind, at time.Time, removed bool) error {
	return w.sees(domain.FactorEvent{AccountID: account, Kind: kind, At: at, Removed: removed})
}

func (w *world) sees(page ...domain.FactorEvent) error {
	return w.NoteFactors(w.t.Context(), page, start.Add(-time.Hour))
}

// told reads the notices of one change, one at each address, and returns one of them.
func (w *world) told(p domain.Person, kind domain.FactorKind, added bool) domain.Message {
	w.t.Helper()
	return w.toldOften(p, kind, added, 1)
}

// toldOften is told for several changes of one kind, whose notices come in any order.
func (w *world) toldOften(p domain.Person, kind domain.FactorKind, added bool, times int) (m domain.Message) {
	w.t.Helper()
	w.settle()
	to := map[string]int{}
	for range 2 * times {
		m = w.box.next(w.t, domain.MessageFactorNotice)
		if m.Factor != kind || m.Added != added || m.Freeze == "" {
			w.t.Errorf("the notice is %+v", m)
		}
		to[string(m.To)]++
	}
	if to[string(p.Email)] != times || to[p.UniversityAddress] != times {
		w.t.Errorf("told: %v", to)
	}
	return m
}

// silent fails if another notice comes within an hour.
func (w *world) silent() {
	w.t.Helper()
	for range 6 {
		w.pass(10 * time.Minute)
	}
	w.settle()
	w.box.none(w.t)
}

// added returns the lines of the person's history about added factors.
func (w *world) added(p domain.Person) (lines []string) {
	w.t.Helper()
	events, err := w.store.Events(w.t.Context(), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == domain.EventFactorAdded || e.Kind == domain.EventPasskeyAdded {
			lines = append(lines, strings.TrimSpace(string(e.Kind)+" "+e.Details["by"]))
		}
	}
	return lines
}

// A factor of each kind that came past the portal is told once at every address, although
// several instances read its event, and each of them more than once.
func TestFactorNews_AnAdditionPastThePortalIsTold(t *testing.T) {
	for _, kind := range domain.FactorKinds() {
		w := newWorld(t, jeanPierre())
		p := w.active(jeanPierre())
		at := w.clock().Truncate(time.Millisecond)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 2 {
					if err := w.see(p.AccountID, kind, at, false); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		w.pass(119 * time.Second)
		w.settle()
		w.box.none(t)
		w.pass(time.Second)
		if m := w.told(p, kind, true); !m.AskedAt.Equal(at) || m.Lang != domain.French {
			t.Errorf("%s: the notice is of %v in %s", kind, m.AskedAt, m.Lang)
		}
		if err := w.see(p.AccountID, kind, at, false); err != nil {
			t.Fatal(err)
		}
		w.silent()
		if lines := w.added(p); len(lines) != 1 || !strings.HasSuffix(lines[0], " "+domain.ByAccounts) {
			t.Errorf("%s: the history has %q", kind, lines)
		}
	}
}

// A factor that a page recorded is told by that page alone, whichever of the event and the
// record comes first. One that was added past the portal beside it is told too.
func TestFactorNews_APageAndAnEventAreOneAddition(t *testing.T) {
	for name, test := range map[string]struct {
		events []time.Duration // before the record
		told   int             // by the events
	}{
		"the event is a second older":         {[]time.Duration{time.Second}, 0},
		"the clock of Keycloak is ahead":      {[]time.Duration{-5 * time.Second}, 0},
		"the student came back late":          {[]time.Duration{100 * time.Second}, 0},
		"another one before it":               {[]time.Duration{90 * time.Second, time.Second}, 1},
		"another one behind it":               {[]time.Duration{time.Second, -3 * time.Second}, 1},
		"the event is of another addition":    {[]time.Duration{5 * time.Minute}, 1},
		"two others":                          {[]time.Duration{100 * time.Second, 50 * time.Second, time.Second}, 2},
		"the event is long after the record":  {[]time.Duration{-time.Minute}, 1},
		"two events in the same five seconds": {[]time.Duration{2 * time.Second, time.Second}, 1},
	} {
		for kind, late := range map[domain.FactorKind]bool{domain.FactorTOTP: false, domain.FactorPasskey: true} { // late: read after the record
			t.Run(name+" "+string(kind), func(t *testing.T) {
				w := newWorld(t, jeanPierre())
				p := w.active(jeanPierre())
				w.pass(time.Hour) // a passkey of the activation is no record
				record := w.clock().Add(2 * time.Minute)
				read := func() {
					var page []domain.FactorEvent
					for _, before := range test.events {
						page = append(page, domain.FactorEvent{AccountID: p.AccountID, Kind: kind, At: record.Add(-before)})
					}
					if err := w.sees(page...); err != nil {
						t.Fatal(err)
					}
				}
				if !late {
					read()
				}
				w.jump(record.Sub(w.clock()))
				if err := w.FactorAdded(t.Context(), p.Login, p.AccountID, kind, domain.French); err != nil {
					t.Fatal(err)
				}
				w.settle()
				if late {
					read()
				}
				w.pass(2 * time.Minute)
				w.pass(2 * time.Minute)
				w.toldOften(p, kind, true, 1+test.told)
				w.silent()
				if lines := w.added(p); len(lines) != 1+test.told {
					t.Errorf("the history has %q", lines)
				}
			})
		}
	}
}

// A passkey after the first login is told by the page that offered it, and a passkey of the
// activation is no record of a later one.
func TestFactorNews_Passkeys(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	if err := w.PasskeyAnswered(t.Context(), p.Login, p.AccountID, domain.EventPasskeyAdded, domain.English); err != nil {
		t.Fatal(err)
	}
	if m := w.told(p, domain.FactorPasskey, true); m.Lang != domain.English {
		t.Errorf("the notice is in %s", m.Lang)
	}
	if err := w.see(p.AccountID, domain.FactorPasskey, w.clock().Add(-time.Second), false); err != nil {
		t.Fatal(err)
	}
	w.silent()
	if err := w.store.Apply(t.Context(), domain.Effects{Events: []domain.Event{{At: w.clock(), Kind: domain.EventPasskeyAdded, Person: p.ID, Journey: "j"}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.see(p.AccountID, domain.FactorPasskey, w.clock(), false); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Minute)
	w.told(p, domain.FactorPasskey, true)
	w.silent()
}

// Events from before the portal's first reading are known, and no notice is sent. One of a
// known kind writes nothing.
func TestFactorNews_OldEventsAreNotTold(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	w.accounts.AddFactor(p.AccountID, domain.FactorTOTP, "")
	w.settle()
	old := start.Add(-90 * 24 * time.Hour)
	page := []domain.FactorEvent{
		{AccountID: p.AccountID, Kind: domain.FactorTOTP, At: old},
		{AccountID: p.AccountID, Kind: domain.FactorKey, At: old},
		{AccountID: p.AccountID, Kind: domain.FactorKey, At: old.Add(time.Hour), Removed: true, Credential: "c1"},
	}
	if err := w.sees(page...); err != nil {
		t.Fatal(err)
	}
	version := func() (n int) {
		t.Helper()
		if err := w.beside.QueryRowContext(t.Context(), `PRAGMA data_version`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	w.beside.SetMaxOpenConns(1) // data_version compares within one connection
	w.settle()
	before := version()
	if err := w.sees(page[0]); err != nil {
		t.Fatal(err)
	}
	if after := version(); after != before {
		t.Error("an event of a known kind was written")
	}
	known, err := w.store.KnownFactors(t.Context(), p.ID)
	if err != nil || len(known) != 1 || known[0].Kind != domain.FactorTOTP || !known[0].At.Equal(old) {
		t.Errorf("known: %+v, %v", known, err)
	}
	w.silent()
	if got := w.factorEvents(p); len(got) != 0 {
		t.Errorf("the history has %q", got)
	}
}

// An account in a directory is told alike: its id is learnt from the event.
func TestFactorNews_AnAccountInADirectory(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	w.Entries = entries{map[string]string{p.AccountID: "uuid-1", "kc-own": ""}, new(int)}
	if err := w.store.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{
		Person: p.ID, From: []domain.AccountState{domain.AccountActive}, To: domain.AccountActive, AccountID: domain.EntryID("uuid-1"),
	}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.sees(
		domain.FactorEvent{AccountID: "kc-own", Kind: domain.FactorKey, At: w.clock()},
		domain.FactorEvent{AccountID: p.AccountID, Kind: domain.FactorTOTP, At: w.clock()},
	); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Minute)
	w.told(p, domain.FactorTOTP, true)
	w.silent()
}

// A factor that went at Keycloak is an event of the person and is told, once, also if the
// account has another one of its kind. The event of its addition, read again, does not
// bring it back.
func TestFactorNews_ARemovalAtKeycloakIsTold(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	added := w.clock()
	old := func(kind domain.FactorKind) domain.FactorEvent {
		return domain.FactorEvent{AccountID: p.AccountID, Kind: kind, At: added}
	}
	for _, kind := range []domain.FactorKind{domain.FactorTOTP, domain.FactorPasskey} {
		if err := w.NoteFactor(t.Context(), old(kind), false); err != nil {
			t.Fatal(err)
		}
	}
	w.accounts.AddFactor(p.AccountID, domain.FactorPasskey, "Téléphone") // one of two is left
	w.pass(time.Minute)
	at := w.clock()
	w.pass(time.Minute)
	for range 2 {
		if err := w.sees(
			domain.FactorEvent{AccountID: p.AccountID, Kind: domain.FactorTOTP, At: at, Removed: true, Credential: "c1"},
			domain.FactorEvent{AccountID: p.AccountID, Kind: domain.FactorPasskey, At: at, Removed: true, Credential: "c2"},
		); err != nil {
			t.Fatal(err)
		}
		if err := w.NoteFactor(t.Context(), old(domain.FactorTOTP), false); err != nil {
			t.Fatal(err)
		}
	}
	gone := map[domain.FactorKind]int{}
	for range 4 {
		m := w.box.next(t, domain.MessageFactorNotice)
		if m.Added || !m.AskedAt.Equal(at) {
			t.Errorf("%+v", m)
		}
		gone[m.Factor]++
	}
	if gone[domain.FactorTOTP] != 2 || gone[domain.FactorPasskey] != 2 {
		t.Errorf("told: %v", gone)
	}
	w.silent()
	known, err := w.store.KnownFactors(t.Context(), p.ID)
	if err != nil || len(known) != 1 || known[0].Kind != domain.FactorPasskey || !known[0].At.Equal(added) {
		t.Errorf("known: %+v, %v", known, err)
	}
	got := w.factorEvents(p)
	slices.Sort(got)
	if !slices.Equal(got, []string{"person.factor_removed passkey", "person.factor_removed totp"}) {
		t.Errorf("events: %v", got)
	}
	if err := w.see("another", domain.FactorKey, at, true); err != nil {
		t.Errorf("an account that the portal did not make: %v", err)
	}
}

// A removal that was read is not asked for again at each reading.
func TestFactorNews_ARemovalIsAskedForOnce(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	asked := &countedFactors{factorStore: w.accounts}
	w.Factors = asked
	page := []domain.FactorEvent{
		{AccountID: p.AccountID, Kind: domain.FactorKey, At: w.clock(), Removed: true, Credential: "c1"},
		{AccountID: p.AccountID, Kind: domain.FactorKey, At: w.clock(), Removed: true, Credential: "c2"},
	}
	for range 3 {
		if err := w.sees(page...); err != nil {
			t.Fatal(err)
		}
	}
	if asked.n != 1 {
		t.Errorf("Keycloak was asked %d times", asked.n)
	}
}

// countedFactors counts the questions for the factors of an account.
type countedFactors struct {
	factorStore
	n int
}

type factorStore = domain.Factors

func (c *countedFactors) Factors(ctx context.Context, a domain.AccountRef) (domain.HeldFactors, error) {
	c.n++
	return c.factorStore.Factors(ctx, a)
}

// A removal at /compte and one at Keycloak in the same seconds are told once each: one line
// for one factor, whichever was first, and two for two.
func TestFactorNews_RemovalsOnBothSides(t *testing.T) {
	for name, test := range map[string]struct {
		same, eventFirst bool
		lines            int
	}{
		"one factor, at Keycloak first":  {true, true, 1},
		"one factor, at /compte first":   {true, false, 1},
		"two factors, at Keycloak first": {false, true, 2},
		"two factors, at /compte first":  {false, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, jeanPierre())
			p := w.active(jeanPierre())
			mine := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "Bleue")
			theirs := mine
			if !test.same {
				theirs = w.accounts.AddFactor(p.AccountID, domain.FactorKey, "Verte")
			}
			for i := range 2 {
				if test.eventFirst == (i == 0) {
					if !test.same {
						if err := w.accounts.RemoveFactor(t.Context(), p.AccountRef(), theirs); err != nil {
							t.Fatal(err)
						}
					}
					if err := w.sees(domain.FactorEvent{AccountID: p.AccountID, Kind: domain.FactorKey, At: w.clock(), Removed: true, Credential: theirs}); err != nil {
						t.Fatal(err)
					}
				} else if _, err := w.RemoveFactor(t.Context(), p, mine, domain.French); err != nil {
					t.Fatal(err)
				}
			}
			w.toldOften(p, domain.FactorKey, false, test.lines)
			w.silent()
			if got := w.factorEvents(p); len(got) != test.lines {
				t.Errorf("the history has %q", got)
			}
		})
	}
}
