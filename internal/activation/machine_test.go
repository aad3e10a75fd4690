package activation_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/secret"
)

// TestI2_RandomWalk performs random acts in two browsers while time passes and
// the charter is replaced, and checks after each act that
//
//   - the step only changes by its own act, and no step is skipped;
//   - an account exists only if a code was proven and the charter in force at
//     that time was accepted (I2), and at most once (I1);
//   - success is shown exactly if the account exists (I3);
//   - the address in use is the one that was proven last and not taken back, or
//     that of a claim which two operators accepted and the old address did not
//     object to in time; the second address is one that was proven and neither
//     removed nor taken back.
func TestI2_RandomWalk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, jeanPierre())
		defer w.end() // otherwise the runners of a hundred worlds would keep polling for jobs
		w.Rates.Address.Burst, w.Rates.WrongClient.Burst, w.Rates.Strikes.Burst = 1000, 1000, 10_000
		walk := &walk{world: w, browsers: [2]browser{}, email: oldAddress}
		rt.Repeat(map[string]func(*rapid.T){
			"":                   walk.check,
			"ask":                walk.ask,
			"resend":             walk.resend,
			"type the code":      walk.typeCode,
			"type another code":  walk.typeAnother,
			"accept":             walk.accept,
			"pass the guide":     walk.guide,
			"choose":             walk.choose,
			"choose a weak one":  walk.chooseWeak,
			"let time pass":      walk.passTime,
			"replace the terms":  walk.replace,
			"verify for nothing": walk.verify,
			"change the address": walk.changeAddress,
			"take a change back": walk.takeBack,
			"add a second":       walk.addSecond,
			"prefer the second":  walk.preferSecond,
			"remove the second":  walk.removeSecond,
			"claim an address":   walk.claim,
			"accept a claim":     walk.acceptClaim,
			"refuse a claim":     walk.refuseClaim,
			"object to a claim":  walk.object,
			"let days pass":      walk.passDays,
		})
	})
}

type walk struct {
	*world
	browsers [2]browser
	versions int
	email    domain.Address
	seconds  int              // second addresses so far
	other    domain.Address   // the second address; empty: none
	changes  []*addressChange // oldest first
	claims   []*addressClaim
}

// addressChange is the model of one change of address.
type addressChange struct {
	token    string
	old, new domain.Address
	until    time.Time
	closed   bool
}

// browser is the model of one journey.
type browser struct {
	id       domain.JourneyID
	address  domain.Address
	code     string
	step     domain.Step // "": no journey
	accepted string      // version
}

func (w *walk) pick(t *rapid.T) *browser {
	return &w.browsers[rapid.IntRange(0, 1).Draw(t, "browser")]
}

// live returns the browser's journey, or removes it from the model if it has
// expired.
func (w *walk) live(b *browser) bool {
	if b.step == "" {
		return false
	}
	if _, _, err := w.Journey(w.t.Context(), b.id); errors.Is(err, activation.ErrExpired) {
		*b = browser{}
	}
	return b.step != ""
}

func (w *walk) ask(t *rapid.T) {
	b := w.pick(t)
	account := w.person("p-22502142").Account
	to := w.email
	if w.other != "" && rapid.Bool().Draw(t, "at the second address") {
		to = w.other
	}
	*b = browser{id: w.world.ask("etudiant", string(to)), address: to, step: domain.StepCode}
	if account == domain.NoAccount {
		b.code = w.box.next(w.t, domain.MessageCode).Code
	} else {
		w.box.next(w.t, domain.MessageActive)
	}
}

func (w *walk) resend(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) || b.step != domain.StepCode {
		return
	}
	err := w.Resend(w.t.Context(), b.id, domain.English, "c")
	var r *domain.Refusal
	if errors.As(err, &r) && r.Reason == domain.ReasonResendTooSoon {
		return
	}
	if err != nil {
		t.Fatalf("resend: %v", err)
	}
	b.code = ""
	if w.person("p-22502142").Account == domain.NoAccount {
		b.code = w.box.next(w.t, domain.MessageCode).Code
	} else if b.address == w.email || b.address == w.other { // otherwise the address belongs to no person any more
		w.box.next(w.t, domain.MessageActive)
	}
}

func (w *walk) typeCode(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) || b.code == "" {
		return
	}
	err := w.Prove(w.t.Context(), b.id, b.code, "c")
	if err == nil {
		if b.step != domain.StepCode {
			t.Fatalf("a code was proven at %s", b.step)
		}
		b.step = domain.StepCharter
	}
	w.refusalEnds(b, err)
}

func (w *walk) typeAnother(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) {
		return
	}
	err := w.Prove(w.t.Context(), b.id, other(b.code), "c")
	if err == nil {
		t.Fatal("a wrong code was accepted")
	}
	w.refusalEnds(b, err)
}

func (w *walk) refusalEnds(b *browser, err error) {
	var r *domain.Refusal
	if errors.As(err, &r) && (r.Reason == domain.ReasonTriesSpent || r.Reason == domain.ReasonStep && b.step == domain.StepCode) {
		b.step = domain.StepEnded
	}
}

func (w *walk) changeAddress(*rapid.T) {
	p := w.person("p-22502142")
	if p.Account != domain.AccountActive {
		return
	}
	to := domain.Address(fmt.Sprintf("jp%d@example.org", len(w.changes)))
	w.changes = append(w.changes, &addressChange{w.changed(p, string(to)), p.Email, to, w.clock().Add(domain.TakeBackTime), false})
	w.email = to
	w.endProven()
}

func (w *walk) takeBack(t *rapid.T) {
	if len(w.changes) == 0 {
		return
	}
	at := rapid.IntRange(0, len(w.changes)-1).Draw(t, "change")
	c := w.changes[at]
	if _, err := w.TakeBack(w.t.Context(), c.token, domain.French); err != nil {
		t.Fatal(err)
	}
	if c.closed || !w.clock().Before(c.until) {
		return
	}
	for _, later := range w.changes[at:] {
		later.closed = true
	}
	waiting := map[domain.Address]bool{c.old: true, c.new: true, w.email: true}
	if w.other != "" {
		waiting[w.other] = true
	}
	for len(waiting) > 0 {
		m := w.box.next(w.t, domain.MessageContactBack)
		if !waiting[m.To] {
			t.Fatalf("%s is told, or told twice", m.To)
		}
		delete(waiting, m.To)
	}
	w.email, w.other = c.old, ""
	w.endProven()
}

func (w *walk) addSecond(*rapid.T) {
	p := w.person("p-22502142")
	if p.Account != domain.AccountActive {
		return
	}
	w.seconds++
	to := domain.Address(fmt.Sprintf("second%d@example.org", w.seconds))
	w.world.second(p, string(to))
	if w.other != "" {
		w.endProven()
	}
	w.other = to
}

func (w *walk) preferSecond(t *rapid.T) {
	p := w.person("p-22502142")
	if w.other == "" {
		return
	}
	if err := w.PreferSecond(w.t.Context(), p.Login, p.AccountID, domain.French); err != nil {
		t.Fatal(err)
	}
	w.changes = append(w.changes, &addressChange{w.notices(w.email, w.other), w.email, w.other, w.clock().Add(domain.TakeBackTime), false})
	w.email, w.other = w.other, w.email
	w.endProven()
}

func (w *walk) removeSecond(t *rapid.T) {
	p := w.person("p-22502142")
	if w.other == "" {
		return
	}
	if err := w.RemoveSecond(w.t.Context(), p.Login, p.AccountID, domain.French); err != nil {
		t.Fatal(err)
	}
	w.toldOf(domain.MessageSecondChanged, w.email, w.other)
	w.other = ""
	w.endProven()
}

// endProven ends the model's journeys that a change of the address revokes.
func (w *walk) endProven() {
	for i := range w.browsers {
		if b := &w.browsers[i]; b.step == domain.StepCharter || b.step == domain.StepGuide || b.step == domain.StepPassword {
			b.step = domain.StepEnded
		}
	}
}

func (w *walk) verify(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) {
		return
	}
	refused(w.t, w.Verify(w.t.Context(), b.id, activation.Answers{Number: "22502142"}), domain.ReasonStep)
}

func (w *walk) accept(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) {
		return
	}
	c, _ := w.CharterFor(domain.Journey{}, domain.French)
	if err := w.Accept(w.t.Context(), b.id, c.SHA256, domain.French); err == nil {
		if b.step != domain.StepCharter {
			t.Fatalf("the charter was accepted at %s", b.step)
		}
		b.step, b.accepted = domain.StepGuide, c.Version
		if j, _, _ := w.Journey(w.t.Context(), b.id); !j.Passed[domain.StepGuide].IsZero() {
			b.step = domain.StepPassword // only the charter had changed
		}
	}
}

func (w *walk) guide(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) {
		return
	}
	if err := w.Guided(w.t.Context(), b.id); err == nil {
		if b.step != domain.StepGuide {
			t.Fatalf("the guide was passed at %s", b.step)
		}
		b.step = domain.StepPassword
	}
}

func (w *walk) choose(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) {
		return
	}
	if err := w.world.choose(b.id, strong); err == nil {
		if b.step != domain.StepPassword {
			t.Fatalf("a password was taken at %s", b.step)
		}
		b.step = domain.StepDone
		w.box.next(w.t, domain.MessageActivated)
	}
}

func (w *walk) chooseWeak(t *rapid.T) {
	b := w.pick(t)
	if !w.live(b) {
		return
	}
	if err := w.ChoosePassword(w.t.Context(), b.id, secret.New("short"), secret.New("short")); err == nil {
		t.Fatal("a weak password was taken")
	}
}

func (w *walk) passTime(t *rapid.T) {
	w.pass(time.Duration(rapid.IntRange(1, 20).Draw(t, "minutes")) * time.Minute)
}

func (w *walk) replace(*rapid.T) {
	w.versions++
	w.publish(time.Date(2026+w.versions, 9, 1, 0, 0, 0, 0, time.UTC).Format("2006"))
	for i := range w.browsers {
		if b := &w.browsers[i]; b.step == domain.StepGuide || b.step == domain.StepPassword {
			b.step = domain.StepCharter
		}
	}
}

func (w *walk) check(t *rapid.T) {
	done := 0
	for i := range w.browsers {
		b := &w.browsers[i]
		if !w.live(b) {
			continue
		}
		if got := w.step(b.id); got != b.step {
			t.Fatalf("browser %d is at %s, the model at %s", i, got, b.step)
		}
		if b.step == domain.StepDone {
			done++
		}
	}
	p := w.person("p-22502142")
	if p.Email != w.email {
		t.Fatalf("the address is %s, in the model %s", p.Email, w.email)
	}
	if p.Second() != w.other {
		t.Fatalf("the second address is %q, in the model %q", p.Second(), w.other)
	}
	if n := w.accounts.Len(); n > 1 || (n == 1) != (p.Account == domain.AccountActive) {
		t.Fatalf("%d accounts, the person's is %q", n, p.Account)
	}
	if done > w.accounts.Len() {
		t.Fatalf("success is shown %d times for %d accounts", done, w.accounts.Len())
	}
}
