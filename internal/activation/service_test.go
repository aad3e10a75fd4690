package activation_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/secret"
)

// TestTheWholeWay leads a student through every step, as the how-to describes
// them.
func TestTheWholeWay(t *testing.T) {
	w := newWorld(t, jeanPierre())

	id := w.ask("etudiant", " JP.Martin@EXAMPLE.net ")
	mail := w.box.next(t, domain.MessageCode)
	if mail.To != "jp.martin@example.net" || mail.GivenName != "Jean-Pierre" || mail.Minutes != 10 {
		t.Errorf("the code mail is %+v", mail)
	}
	if err := w.Prove(t.Context(), id, mail.Code[:3]+" "+mail.Code[3:], "c"); err != nil {
		t.Fatal(err)
	}
	if got := w.step(id); got != domain.StepCharter {
		t.Fatalf("after the code: %s", got)
	}
	w.accept(id)
	if p := w.person("p-22502142"); p.Login != "o22502142" || p.UniversityAddress != "jean-pierre.martin@etu.example.org" {
		t.Fatalf("reserved %q and %q", p.Login, p.UniversityAddress)
	}
	if err := w.choose(id, strong); err != nil {
		t.Fatal(err)
	}
	if got := w.step(id); got != domain.StepDone {
		t.Fatalf("after the password: %s", got)
	}
	done := w.box.next(t, domain.MessageActivated)
	if done.Login != "o22502142" || done.UniversityAddress != "jean-pierre.martin@etu.example.org" || done.Code != "" {
		t.Errorf("the last mail is %+v", done)
	}
	p := w.person("p-22502142")
	if p.Account != domain.AccountActive || p.AccountID == "" || !p.ActivatedAt.Equal(start) {
		t.Errorf("the person is %+v", p)
	}
	if err := w.FirstLogin(t.Context(), "o22502142", p.AccountID); err != nil {
		t.Fatal(err)
	}
	if p := w.person("p-22502142"); p.FirstLoginAt.IsZero() {
		t.Error("the first login was not kept")
	}
}

func TestS6_ACodeLivesTenMinutes(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	j, _, err := w.Journey(t.Context(), id)
	if err != nil || !j.Code.ExpiresAt.Equal(start.Add(10*time.Minute)) {
		t.Errorf("it expires at %v, %v", j.Code.ExpiresAt, err)
	}
	w.pass(10*time.Minute - time.Second)
	if err := w.Prove(t.Context(), id, code, "c"); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
}

// A copy of the database contains no code, and no MAC that could be tested
// without the key.
func TestS8_TheDatabaseHoldsNoCode(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.box.failWith(errors.New("450")) // the mail waits in the database
	id := w.ask("etudiant", "jp.martin@example.net")
	j, _, err := w.Journey(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1_000_000 {
		sum := sha256.Sum256([]byte(fmt.Sprintf("%06d", n)))
		if bytes.Equal(sum[:], j.Code.MAC) {
			t.Fatal("the MAC is a bare hash")
		}
	}
	w.box.failWith(nil)
	w.pass(time.Minute)
	raw := w.raw()
	w.Runner.Wake()
	code := w.box.next(t, domain.MessageCode).Code
	if bytes.Contains(raw, []byte(code)) {
		t.Error("the database holds the code")
	}
}

// I4: while Keycloak is unavailable, neither the password nor the credential in
// Keycloak's format is stored.
func TestS24_ThePasswordIsNowhereWhileItsAccountWaits(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Wait = 50 * time.Millisecond
	w.accounts.FailWith(errors.New("connection refused"))
	w.chosen("jp.martin@example.net")
	for _, planted := range []string{strong, `"algorithm":"none"`, strings.Repeat("x", len(strong))} {
		if bytes.Contains(w.raw(), []byte(planted)) {
			t.Errorf("the database holds %q", planted)
		}
	}
}

func TestS22_ALeakedPasswordIsRefused(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Breached = leaked(strong)
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	w.accept(id)
	r := refused(t, w.choose(id, strong), domain.ReasonPasswordRules)
	if len(r.Findings) != 1 || r.Findings[0].Rule != "breached" {
		t.Errorf("found %v", r.Findings)
	}
	if err := w.choose(id, strong+"2"); err != nil {
		t.Error(err)
	}
}

type leaked string

func (l leaked) Has(p secret.Text) (bool, error) { return p.Reveal() == string(l), nil }

// A code fits its own journey and later ones for the same mailbox, never another
// mailbox, purpose or profile, and never an earlier journey.
func TestS7_ACodeBelongsToItsMailboxPurposeAndProfile(t *testing.T) {
	zoe := jeanPierre()
	zoe.ID, zoe.Number, zoe.GivenName, zoe.Email = "p-2", "22502143", "Zoé", "zoe@example.net"
	w := newWorld(t, jeanPierre(), zoe)
	mine := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	w.pass(time.Second)
	for kind, r := range map[domain.MessageKind]activation.Request{
		domain.MessageCode:         {Profile: "etudiant", Address: "zoe@example.net"},
		domain.MessageOtherProfile: {Profile: "personnel", Address: "jp.martin@example.net"},
		domain.MessageNoAccount:    {Profile: "etudiant", Address: "jp.martin@example.net", Purpose: domain.PurposeRecover},
	} {
		r.Client = "c"
		j, err := w.Request(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		w.box.next(t, kind)
		refused(t, w.Prove(t.Context(), j.ID, code, "c"), domain.ReasonCodeWrong)
	}
	later := w.ask("etudiant", "jp.martin@example.net")
	newest := w.box.next(t, domain.MessageCode).Code
	if newest != code { // equal with probability 1 in a million
		refused(t, w.Prove(t.Context(), mine, newest, "c"), domain.ReasonCodeWrong)
	}
	if err := w.Prove(t.Context(), mine, code, "c"); err != nil {
		t.Error(err)
	}
	refused(t, w.Prove(t.Context(), later, code, "c"), domain.ReasonCodeWrong)
}

func TestS10_MailGoesToTheStoredAddressOnly(t *testing.T) {
	p := jeanPierre()
	p.Email = "jp.martin@xn--cole-9oa.example"
	w := newWorld(t, p)
	for _, typed := range []string{"JP.MARTIN@École.example", "jp.martin@XN--COLE-9OA.example"} {
		w.ask("etudiant", typed)
		if m := w.box.next(t, domain.MessageCode); m.To != p.Email {
			t.Errorf("typed %s, sent to %s", typed, m.To)
		}
	}
	w.ask("etudiant", "jp.martın@école.example") // dotless ı: another mailbox
	w.ask("etudiant", "jp.martin@école.example")
	if m := w.box.next(t, domain.MessageCode); m.To != p.Email {
		t.Errorf("sent to %s", m.To)
	}
	if w.box.sent != 3 {
		t.Errorf("%d mails, want 3", w.box.sent)
	}
}

func TestS13_MailsAreLimitedPerAddressAndClient(t *testing.T) {
	w := newWorld(t, jeanPierre())
	for i := range w.Rates.Address.Burst {
		_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "nobody@example.net", Client: fmt.Sprintf("192.0.%d.1/32", i)})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "NOBODY@example.net", Client: "another"})
	if r := refused(t, err, domain.ReasonMailsSpent); r.Retry.Sub(w.clock()) != 24*time.Hour {
		t.Errorf("it goes on at %v", r.Retry)
	}
	w.Rates.Client.Burst = 1
	ask := func(address string) error {
		_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: address, Client: "one network"})
		return err
	}
	if err := ask("a@example.net"); err != nil {
		t.Fatal(err)
	}
	refused(t, ask("b@example.net"), domain.ReasonTooManyRequests)
}

// The journeys of every kind of address are equal byte by byte, except for
// random values.
func TestS14_EveryAddressGetsTheSameJourney(t *testing.T) {
	active, notReady := jeanPierre(), jeanPierre()
	active.ID, active.Number, active.Email = "p-2", "2", "active@example.net"
	notReady.ID, notReady.Number, notReady.Email, notReady.Readiness = "p-3", "3", "not-ready@example.net", domain.NotReady
	w := newWorld(t, jeanPierre(), active, notReady)
	w.chosen("active@example.net")
	w.box.next(t, domain.MessageActivated)

	for address, kind := range map[string]domain.MessageKind{
		"jp.martin@example.net": domain.MessageCode, "active@example.net": domain.MessageActive,
		"not-ready@example.net": domain.MessageNotReady, "nobody@example.net": "",
	} {
		id := w.ask("etudiant", address)
		j, step, err := w.Journey(t.Context(), id)
		if err != nil || step != domain.StepCode || len(j.Code.MAC) != 32 || !j.Code.ExpiresAt.Equal(w.clock().Add(domain.CodeLife)) {
			t.Errorf("%s: step %s, %v", address, step, err)
		}
		if kind == "" {
			refused(t, w.Prove(t.Context(), id, "123456", "c"), domain.ReasonCodeWrong)
			continue
		}
		m := w.box.next(t, kind)
		if kind != domain.MessageCode && m.Code != "" {
			t.Errorf("%s: the mail carries a code", address)
		}
	}
}

func TestVerify_OneAddressSeveralPeople(t *testing.T) {
	twin := jeanPierre()
	twin.ID, twin.Number, twin.GivenName = "p-22502143", "22502143", "Anne"
	w := newWorld(t, jeanPierre(), twin)
	id := w.ask("etudiant", "jp.martin@example.net")
	if m := w.box.next(t, domain.MessageCode); m.GivenName != "" {
		t.Errorf("the mail names %s: it could be the other one", m.GivenName)
	} else if err := w.Prove(t.Context(), id, m.Code, "c"); err != nil {
		t.Fatal(err)
	}
	if got := w.step(id); got != domain.StepVerify {
		t.Fatalf("step %s", got)
	}
	refused(t, w.Verify(t.Context(), id, activation.Answers{}), domain.ReasonProofMissing)
	if r := refused(t, w.Verify(t.Context(), id, activation.Answers{Number: "1"}), domain.ReasonProofWrong); r.TriesLeft != 4 {
		t.Errorf("%d tries left", r.TriesLeft)
	}
	if err := w.Verify(t.Context(), id, activation.Answers{Number: " 2250 2143 "}); err != nil {
		t.Fatal(err)
	}
	j, _, _ := w.Journey(t.Context(), id)
	if j.Person != twin.ID {
		t.Errorf("identified %s", j.Person)
	}
}

func TestVerify_TheBirthDateWhereTheProfileAsksForIt(t *testing.T) {
	p := jeanPierre()
	p.Profile, p.BirthDate = "personnel", "1980-02-29"
	w := newWorld(t, p)
	id := w.ask("personnel", string(p.Email))
	w.prove(id)
	for left := 4; left > 0; left-- {
		refused(t, w.Verify(t.Context(), id, activation.Answers{BirthDate: "1980-02-28"}), domain.ReasonProofWrong)
	}
	refused(t, w.Verify(t.Context(), id, activation.Answers{BirthDate: "1980-02-28"}), domain.ReasonTriesSpent)
	if got := w.step(id); got != domain.StepEnded {
		t.Errorf("step %s", got)
	}
}

func TestI1_TwoBrowsersOnePersonOneAccount(t *testing.T) {
	w := newWorld(t, jeanPierre())
	var journeys []domain.JourneyID
	for range 3 {
		id := w.ask("etudiant", "jp.martin@example.net")
		w.prove(id)
		w.accept(id)
		journeys = append(journeys, id)
	}
	errs := make([]error, len(journeys))
	together(len(journeys), func(i int) { errs[i] = w.choose(journeys[i], strong) })
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			refused(t, err, domain.ReasonElsewhere)
		}
	}
	if won != 1 || w.accounts.Len() != 1 {
		t.Errorf("%d journeys won, %d accounts", won, w.accounts.Len())
	}
}

func TestI1_ADoubleClickOnValiderMakesOneAccount(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	w.accept(id)
	together(4, func(int) {
		if err := w.choose(id, strong); err != nil {
			refusedOneOf(t, err, domain.ReasonStep, domain.ReasonElsewhere)
		}
	})
	if got := w.step(id); got != domain.StepDone || w.accounts.Len() != 1 {
		t.Errorf("step %s, %d accounts", got, w.accounts.Len())
	}
}

func TestI2_NoPasswordBeforeTheCharterInForce(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	refused(t, w.choose(id, strong), domain.ReasonStep)
	w.prove(id)
	refused(t, w.choose(id, strong), domain.ReasonStep)
	old, err := w.CharterFor(domain.Journey{Profile: "etudiant"}, domain.French)
	if err != nil {
		t.Fatal(err)
	}
	w.publish("2027")
	refused(t, w.Accept(t.Context(), id, old.SHA256, domain.French), domain.ReasonCharterChanged)
	w.accept(id)
	w.publish("2028")
	refused(t, w.choose(id, strong), domain.ReasonStep)
	if got := w.step(id); got != domain.StepCharter {
		t.Errorf("step %s", got)
	}
	if w.accounts.Len() != 0 {
		t.Error("an account was made")
	}
}

func TestI3_SuccessIsShownOnlyWhenTheAccountIsThere(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Wait = 50 * time.Millisecond
	w.accounts.FailWith(errors.New("connection refused"))
	id := w.chosen("jp.martin@example.net")
	if got := w.step(id); got != domain.StepWaiting {
		t.Fatalf("with Keycloak away the step is %s", got)
	}
	w.accounts.FailWith(nil)
	w.pass(10 * time.Minute)
	w.Runner.Wake()
	w.box.next(t, domain.MessageActivated)
	if p := w.person("p-22502142"); p.Account != domain.AccountActive {
		t.Errorf("the account is %q", p.Account)
	}
	if got := w.step(id); got != domain.StepDone {
		t.Errorf("step %s", got)
	}
}

func TestS42_SomebodyElsesAccountParksThePerson(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.accounts.Occupy("o22502142", "somebody@example.org")
	id := w.chosen("jp.martin@example.net")
	if got := w.step(id); got != domain.StepParked {
		t.Fatalf("step %s", got)
	}
	j, _, _ := w.Journey(t.Context(), id)
	if m := w.box.next(t, domain.MessageParked); m.Reference == "" || m.Reference != j.Reference {
		t.Errorf("the mail says %q, the page %q", m.Reference, j.Reference)
	}
	if p := w.person("p-22502142"); p.Account != domain.AccountParked {
		t.Errorf("the account is %q", p.Account)
	}
}

func TestS20_APasswordIsJudgedAgainstThePerson(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	w.accept(id)
	r := refused(t, w.choose(id, "J34n-P13rr3-M4rt1n-2026"), domain.ReasonPasswordRules)
	if len(r.Findings) == 0 || r.Findings[0].Rule != "personal" {
		t.Errorf("found %v", r.Findings)
	}
	err := w.ChoosePassword(t.Context(), id, secret.New(strong), secret.New(strong+"!"))
	refused(t, err, domain.ReasonPasswordConfirm)
	if err := w.choose(id, strong); err != nil {
		t.Errorf("nothing was lost, yet: %v", err)
	}
}

func TestS9_ARetriedMailCarriesTheSameCode(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.box.failWith(errors.New("450 try again"))
	id := w.ask("etudiant", "jp.martin@example.net")
	w.pass(time.Minute)
	w.box.failWith(nil)
	w.Runner.Wake()
	m := w.box.next(t, domain.MessageCode)
	if err := w.Prove(t.Context(), id, m.Code, "c"); err != nil {
		t.Errorf("the code of the retried mail: %v", err)
	}
}

func TestS31_AJourneyEndsIdleAndCanBeExtended(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	w.pass(29 * time.Minute)
	if err := w.Extend(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.pass(29 * time.Minute)
	if _, _, err := w.Journey(t.Context(), id); err != nil {
		t.Errorf("extended, yet: %v", err)
	}
	if err := w.Extend(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Minute) // 60 minutes since it began
	if _, _, err := w.Journey(t.Context(), id); !errors.Is(err, activation.ErrExpired) {
		t.Errorf("past the absolute end: %v", err)
	}
	if err := w.Extend(t.Context(), id); !errors.Is(err, activation.ErrExpired) {
		t.Errorf("an ended journey was extended: %v", err)
	}
}

// The activation itself does not make its own person ineligible: the person's
// state is "creating" while the journey waits for Keycloak, and the journey goes on.
func TestEligibilityIsFrozenWhenTheCodeIsProven(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Wait = 50 * time.Millisecond
	w.accounts.FailWith(errors.New("connection refused"))
	id := w.chosen("jp.martin@example.net")
	same := jeanPierre()
	same.Cohort = "2027"
	w.enrol(same)
	w.accounts.FailWith(nil)
	w.pass(10 * time.Minute)
	w.Runner.Wake()
	w.box.next(t, domain.MessageActivated)
	if got := w.step(id); got != domain.StepDone {
		t.Errorf("the journey is at %s", got)
	}
}

// other returns six digits that differ from code.
// other returns a code that is none of the given ones.
func other(codes ...string) string {
	for i := 1; ; i++ {
		if code := fmt.Sprintf("%06d", i*111111%1_000_000); !slices.Contains(codes, code) {
			return code
		}
	}
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-begin; f(i) })
	}
	close(begin)
	wg.Wait()
}

func refusedOneOf(t *testing.T, err error, reasons ...domain.Reason) {
	t.Helper()
	var r *domain.Refusal
	if errors.As(err, &r) {
		for _, want := range reasons {
			if r.Reason == want {
				return
			}
		}
	}
	t.Errorf("got %v, want one of %v", err, reasons)
}
