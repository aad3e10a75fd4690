package activation_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/secret"
)

func nadia() domain.Person {
	return domain.Person{ID: "p-1001", Profile: "personnel", Number: "1001", GivenName: "Nadia", FamilyName: "Benali",
		BirthDate: "1981-02-28", Email: "nadia@example.net", Readiness: domain.Ready}
}

// atProof begins a journey and proves its code.
func (w *world) atProof(profile, address string) domain.JourneyID {
	w.t.Helper()
	id := w.ask(profile, address)
	w.prove(id)
	return id
}

// guess guesses once and returns the refusal's reason.
func (w *world) guess(id domain.JourneyID, a activation.Answers) domain.Reason {
	w.t.Helper()
	err := w.Verify(w.t.Context(), id, a)
	var r *domain.Refusal
	if !errors.As(err, &r) {
		w.t.Fatalf("a guess: %v", err)
	}
	return r.Reason
}

// The holder of the mailbox guesses birth dates in ever new journeys, each with a
// right code: five a day are compared, twenty in all, over any number of days.
func TestR1_ARightCodeDoesNotClearTheSecondProof(t *testing.T) {
	w := newWorld(t, nadia())
	w.Rates.Address.Burst = 100
	compared := 0
	for d := range 10 {
		today := 0
		for n := range 6 {
			id := w.atProof("personnel", "nadia@example.net")
			for i := range domain.MaxTries + 1 {
				switch r := w.guess(id, activation.Answers{BirthDate: fmt.Sprintf("19%02d-%02d-%02d", 50+d, 1+n, 1+i)}); r {
				case domain.ReasonProofWrong, domain.ReasonTriesSpent:
					today++
				case domain.ReasonProofBlocked, domain.ReasonProofStopped, domain.ReasonStep:
				default:
					t.Fatalf("refused for %s", r)
				}
			}
		}
		if today > 5 {
			t.Errorf("day %d: %d compared, want 5 at most", d, today)
		}
		compared += today
		w.pass(24 * time.Hour)
	}
	if compared != 20 {
		t.Errorf("%d second proofs compared in all, want 20", compared)
	}
	// The right one is not compared either, until the help desk lifts it.
	id := w.atProof("personnel", "nadia@example.net")
	refused(t, w.Verify(t.Context(), id, activation.Answers{BirthDate: "1981-02-28"}), domain.ReasonProofStopped)
	if err := w.store.Apply(t.Context(), domain.Effects{Forget: activation.ProofLimits("p-1001")}); err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(t.Context(), id, activation.Answers{BirthDate: "1981-02-28"}); err != nil {
		t.Errorf("after the help desk: %v", err)
	}
	if tries, err := w.WrongProofs(t.Context(), domain.PurposeActivate, "p-1001", false); err != nil || tries.All != 0 || tries.Day != 0 {
		t.Errorf("a right proof left %+v, %v", tries, err)
	}
}

// Guesses at one of several people behind an address count for that person, and
// guesses with an unknown number count for all of them.
func TestR1_EachPersonBehindAnAddressHasTheirOwnTries(t *testing.T) {
	twin := func(number, born string) domain.Person {
		p := jeanPierre()
		p.ID, p.Number, p.BirthDate, p.Profile = domain.PersonID("p-"+number), number, born, "personnel"
		return p
	}
	w := newWorld(t, twin("1", "2001-01-01"), twin("2", "2002-02-02"))
	w.Rates.Address.Burst = 100
	wrong := func(id domain.PersonID) int {
		tries, err := w.WrongProofs(t.Context(), domain.PurposeActivate, id, false)
		if err != nil {
			t.Fatal(err)
		}
		return tries.Day
	}
	id := w.atProof("personnel", "jp.martin@example.net")
	w.guess(id, activation.Answers{Number: "1", BirthDate: "1999-09-09"})
	w.guess(id, activation.Answers{Number: "1", BirthDate: "2002-02-02"})
	if a, b := wrong("p-1"), wrong("p-2"); a != 2 || b != 0 {
		t.Errorf("guesses at the first count %d and %d", a, b)
	}
	w.guess(id, activation.Answers{Number: "7", BirthDate: "1999-09-09"})
	if a, b := wrong("p-1"), wrong("p-2"); a != 3 || b != 1 {
		t.Errorf("a guess at nobody counts %d and %d", a, b)
	}
	for _, reason := range []domain.Reason{domain.ReasonProofWrong, domain.ReasonTriesSpent} {
		if got := w.guess(id, activation.Answers{Number: "1", BirthDate: "1999-09-09"}); got != reason {
			t.Errorf("refused for %s, want %s", got, reason)
		}
	}
	id = w.atProof("personnel", "jp.martin@example.net")
	if got := w.guess(id, activation.Answers{Number: "1", BirthDate: "2001-01-01"}); got != domain.ReasonProofBlocked {
		t.Errorf("the sixth for the first: %s", got)
	}
	if err := w.Verify(t.Context(), id, activation.Answers{Number: "2", BirthDate: "2002-02-02"}); err != nil {
		t.Errorf("the second is held back by guesses at the first: %v", err)
	}
}

// The holder of the mailbox cannot spend what a student at the help desk needs.
func TestR2_TheDesksSecondProofIsCountedApart(t *testing.T) {
	w := newWorld(t, nadia())
	id := w.atProof("personnel", "nadia@example.net")
	for i := range domain.MaxTries {
		w.guess(id, activation.Answers{BirthDate: fmt.Sprintf("1990-01-%02d", 1+i)})
	}
	j, err := w.enter(w.give("p-1001").Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(t.Context(), j.ID, activation.Answers{BirthDate: "1981-02-28"}); err != nil {
		t.Error(err)
	}
}

// Five wrong guesses in each of a stranger's journeys leave the victim's own code
// as good as it was.
func TestR2_GuessesInOneJourneyDoNotRefuseTheCodeOfAnother(t *testing.T) {
	w := newWorld(t, jeanPierre())
	for range 6 {
		id := w.ask("etudiant", "jp.martin@example.net")
		code := w.box.next(t, domain.MessageCode).Code
		for range domain.MaxTries {
			_ = w.Prove(t.Context(), id, other(code), "192.0.2.0") // each is refused
		}
	}
	mine := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	if err := w.Prove(t.Context(), mine, code, "192.0.2.0"); err != nil {
		t.Errorf("the victim's code: %v", err)
	}
}

// A stranger on one network asks and asks: three tenths of the address's mails are
// left to networks that have not asked for it.
func TestR2_AMailIsLeftForANetworkNotSeenBefore(t *testing.T) {
	w := newWorld(t, jeanPierre())
	ask := func(client string) error {
		_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "jp.martin@example.net", Client: client})
		return err
	}
	got := 0
	for range 100 {
		if ask("198.51.100.7/32") == nil {
			got++
			w.box.next(t, domain.MessageCode) // before the code's life has passed
		}
		w.pass(10 * time.Second)
	}
	if got != 7 {
		t.Errorf("the stranger had %d mails sent, want 7", got)
	}
	if err := ask("198.51.100.99/32"); err == nil {
		t.Error("another address of the same /24 counts as a new network")
	}
	if err := ask("203.0.113.5/32"); err != nil {
		t.Fatalf("the victim: %v", err)
	}
	w.box.next(t, domain.MessageCode)
}

// A mailbox is sent ten codes a day, and no more, from however many networks.
func TestR3_TenMailsADayAndTheHelpDeskLiftsIt(t *testing.T) {
	w := newWorld(t, jeanPierre())
	ask := func(n int) error {
		_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "jp.martin@example.net", Client: fmt.Sprintf("10.%d.%d.1/32", n/200, n%200)})
		return err
	}
	sent := 0
	for n := range 150 {
		if err := ask(n); err == nil {
			sent++
		} else if r := refused(t, err, domain.ReasonMailsSpent); r.Retry.Sub(w.clock()) > 24*time.Hour || !r.Retry.After(w.clock()) {
			t.Fatalf("it goes on at %v", r.Retry)
		}
		w.pass(5 * time.Minute)
	}
	if sent != 10 {
		t.Errorf("%d mails in 12 hours, want 10", sent)
	}
	if err := w.store.Apply(t.Context(), domain.Effects{Forget: w.LimitsOf(jeanPierre(), nil)}); err != nil {
		t.Fatal(err)
	}
	if err := ask(1); err != nil {
		t.Errorf("after the help desk: %v", err)
	}
}

// A reader of the database cannot test which addresses were asked for: the keys of
// the limits name an address by a MAC. A rotation of the secret lifts no limit while
// both keys are in use.
func TestI6_LimitsNameAddressesByAMAC(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Rates.Address.Burst = 1
	asked := w.Service
	ask := func() error {
		_, err := asked.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "jp.martin@example.net", Client: "192.0.2.1/32"})
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	old := w.LimitsOf(jeanPierre(), nil)
	for _, key := range old {
		for _, plain := range []string{"jp.martin@example.net", "p-22502142|jp.martin@example.net"} {
			sum := sha256.Sum256([]byte(plain))
			if strings.Contains(key, plain) || strings.Contains(key, hex.EncodeToString(sum[:8])) {
				t.Errorf("%s names the address without a key", key)
			}
		}
	}
	first, second := secret.GenerateKey(), secret.GenerateKey()
	for _, step := range []struct {
		keys    string
		refused bool
	}{
		{first.Reveal(), false}, {first.Reveal(), true}, {second.Reveal() + "," + first.Reveal(), true}, {second.Reveal(), false}, {second.Reveal(), true},
	} {
		o := w.Options
		var err error
		if o.Keys, err = secret.ParseKeys(secret.New(step.keys)); err != nil {
			t.Fatal(err)
		}
		if asked, err = activation.New(o); err != nil { // another instance
			t.Fatal(err)
		}
		var r *domain.Refusal
		if err := ask(); errors.As(err, &r) != step.refused {
			t.Errorf("refused: %v, want %t", err, step.refused)
		}
	}
	for i, key := range asked.LimitsOf(jeanPierre(), nil) {
		if byAddress := !strings.Contains(key, "p-22502142"); byAddress == (key == old[i]) {
			t.Errorf("%s under one secret, %s under another", old[i], key)
		}
	}
}

// After any requests and guesses of strangers, the last mail to the address
// contains a long code, which its reader can use once.
func TestR2_TheLongCodeLetsItsReaderIn(t *testing.T) {
	w := newWorld(t, jeanPierre())
	var long string
	sent := 0
	for n := range 20 {
		j, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "jp.martin@example.net", Client: fmt.Sprintf("10.0.%d.1/32", n)})
		if err != nil {
			refused(t, err, domain.ReasonMailsSpent)
			break
		}
		sent++
		m := w.box.next(t, domain.MessageCode)
		if (m.Long != "") != (sent >= 3) {
			t.Errorf("mail %d holds the long code %q", sent, m.Long)
		}
		long = m.Long
		for range domain.MaxTries {
			_ = w.Prove(t.Context(), j.ID, other(m.Code), fmt.Sprintf("10.0.%d.1/32", n)) // each is refused
		}
	}
	w.pass(23 * time.Hour)
	j, err := w.EnterLong(t.Context(), "code: "+strings.ToLower(long)+".", domain.English, "203.0.113.5/32")
	if err != nil {
		t.Fatalf("the long code: %v", err)
	}
	w.accept(j.ID)
	_, err = w.EnterLong(t.Context(), long, domain.French, "203.0.113.5/32")
	refused(t, err, domain.ReasonLongWrong)
	if err := w.choose(j.ID, strong); err != nil {
		t.Fatal(err)
	}
}

func TestR2_LongCodesThatAreRefused(t *testing.T) {
	w := newWorld(t, jeanPierre())
	for _, typed := range []string{"", "123456", "7K3F-9Q2M", "7K3F-9Q2M-7K3F-9Q", strings.Repeat("é", 16)} {
		_, err := w.EnterLong(t.Context(), typed, domain.French, "c")
		refused(t, err, domain.ReasonLongFormat)
	}
	var long []string
	for n := range 5 {
		w.ask("etudiant", "jp.martin@example.net")
		if m := w.box.next(t, domain.MessageCode); n >= 2 {
			long = append(long, m.Long)
		}
	}
	w.pass(domain.LongLife)
	_, err := w.EnterLong(t.Context(), long[0], domain.French, "c")
	refused(t, err, domain.ReasonLongWrong) // S5: expired, with nothing purged
	w.ask("etudiant", "jp.martin@example.net")
	w.box.next(t, domain.MessageCode)
	w.ask("etudiant", "jp.martin@example.net")
	w.box.next(t, domain.MessageCode)
	w.ask("etudiant", "jp.martin@example.net")
	m := w.box.next(t, domain.MessageCode)
	moved := jeanPierre()
	moved.Email = "new@example.net"
	w.enrol(moved) // the old mailbox proves nothing any more
	_, err = w.EnterLong(t.Context(), m.Long, domain.French, "c")
	refused(t, err, domain.ReasonLongWrong)
}

func TestI4_TheDatabaseHoldsNoLongCode(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.box.failWith(errors.New("450"))
	for range 3 {
		w.ask("etudiant", "jp.martin@example.net")
	}
	raw := w.raw()
	w.pass(time.Minute)
	w.box.failWith(nil)
	w.Runner.Wake()
	for range 3 {
		if m := w.box.next(t, domain.MessageCode); m.Long != "" && (bytes.Contains(raw, []byte(m.Long)) || bytes.Contains(raw, []byte(strings.ReplaceAll(m.Long, "-", "")))) {
			t.Error("the database holds the long code")
		}
	}
}

// One network guesses at hundreds of addresses, then a hundred networks do: what
// is compared stays within the limits, and another network's right code, and the
// long code everywhere, are taken all the same.
func TestR7_WrongCodesAreLimitedPerNetworkAndAltogether(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Rates.WrongTotal.Burst = 200
	guess := func(n int, network string) (compared int) {
		j, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: fmt.Sprintf("u%d@example.net", n), Client: network})
		if err != nil {
			t.Fatal(err)
		}
		for range domain.MaxTries {
			var r *domain.Refusal
			if err := w.Prove(t.Context(), j.ID, "123456", network); errors.As(err, &r) && (r.Reason == domain.ReasonCodeWrong || r.Reason == domain.ReasonTriesSpent) {
				compared++
			}
		}
		return compared
	}
	compared, n := 0, 0
	for range 40 {
		n++
		compared += guess(n, "198.51.100.7/32")
	}
	if compared != w.Rates.WrongClient.Burst {
		t.Errorf("%d codes compared from one network, want %d", compared, w.Rates.WrongClient.Burst)
	}
	// A right code from there is refused, and the long code of a new mail is not.
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	refused(t, w.Prove(t.Context(), id, code, "198.51.100.7/32"), domain.ReasonCodeBlocked)
	w.pass(time.Minute)
	if err := w.Resend(t.Context(), id, domain.French, "198.51.100.7/32"); err != nil {
		t.Fatal(err)
	}
	mail := w.box.next(t, domain.MessageCode)
	if mail.Long == "" {
		t.Fatal("a mail that was asked for again holds no long code")
	}
	for i := range 20 {
		n++
		compared += guess(n, fmt.Sprintf("10.%d.0.1/32", i))
	}
	if compared > w.Rates.WrongTotal.Burst {
		t.Errorf("%d codes compared altogether, want %d at most", compared, w.Rates.WrongTotal.Burst)
	}
	if err := w.Prove(t.Context(), id, mail.Code, "203.0.113.5/32"); err != nil {
		t.Errorf("a right code from a network without wrong ones: %v", err)
	}
	if _, err := w.EnterLong(t.Context(), mail.Long, domain.French, "198.51.100.7/32"); err != nil {
		t.Errorf("the long code from the network of the guesses: %v", err)
	}
}

func TestR11_TheStateOfSharedLimits(t *testing.T) {
	w := newWorld(t)
	w.Rates.Client.Burst = 10
	for n := range 8 {
		if _, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: fmt.Sprintf("u%d@example.net", n), Client: "2001:db8:1:2::/64"}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := w.SharedLimits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, l := range all {
		got[l.Key] = l.Used
	}
	if got["mail-total"] != 8 || got["mail-client:2001:db8:1:2::/64"] != 8 || got["mail-client:2001:db8:1::/56"] != 8 {
		t.Errorf("the limits are %v", got)
	}
	for key, want := range map[string]bool{"mail-total": true, "wrong-total": true, "mail-client:192.0.2.0/24": true, "strike:x": false, "proof:p": false, "mail": false, "": false} {
		if w.IsSharedLimit(key) != want {
			t.Errorf("%q is shared: %t", key, !want)
		}
	}
}
