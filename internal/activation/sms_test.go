package activation_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
)

const (
	phone  = "+33612345642"
	phone2 = "+33712345678"
)

// withSMS is a world whose students are offered SMS.
func withSMS(t *testing.T, people ...domain.Person) *world {
	t.Helper()
	w := newWorld(t, people...)
	w.Profiles[0].SMS = true
	w.Rates.SMSDay = domain.Rate{Burst: 100, Per: 24 * time.Hour, Window: true}
	w.SMSPrefixes = []string{"+33"}
	return w
}

func withPhone(p domain.Person, number string) domain.Person {
	p.Phone = number
	return p
}

// bySMS asks for a code by SMS after the wait.
func (w *world) bySMS(id domain.JourneyID, client string) error {
	w.pass(6 * time.Minute)
	return w.press(id, func(j *domain.Journey) error { return w.ResendBySMS(w.t.Context(), j, domain.French, client) })
}

// asked begins a journey and drops the mail with its code.
func (w *world) asked(address string) domain.JourneyID {
	w.t.Helper()
	id := w.ask("etudiant", address)
	w.box.next(w.t, domain.MessageCode)
	return id
}

func TestI2_ACodeBySMSProvesTheNumberOfTheRegistry(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	id := w.ask("etudiant", "jp.martin@example.net")
	mailed := w.box.next(t, domain.MessageCode).Code
	if err := w.bySMS(id, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	m := w.box.next(t, domain.MessageCode)
	if m.Channel != domain.ChannelSMS || m.To != phone || m.Long != "" || m.GivenName != "" || m.Login != "" || m.Minutes != 10 {
		t.Errorf("the SMS is %+v", m)
	}
	refused(t, w.Prove(t.Context(), id, mailed, "c"), domain.ReasonCodeEarlier)
	if err := w.Prove(t.Context(), id, m.Code, "c"); err != nil {
		t.Fatal(err)
	}
	w.accept(id)
	if err := w.choose(id, strong); err != nil {
		t.Fatal(err)
	}
}

// Two siblings at one mailbox have a number each, or one of them has: a code by SMS
// never proves a person who does not have the number.
func TestS7_ACodeBySMSProvesOnlyWhoHasTheNumber(t *testing.T) {
	one := withPhone(jeanPierre(), phone)
	sister := jeanPierre()
	sister.ID, sister.Number, sister.GivenName = "p-2", "2", "Jeanne"

	w := withSMS(t, one, sister)
	id := w.asked("jp.martin@example.net")
	if err := w.bySMS(id, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	if err := w.Prove(t.Context(), id, w.box.next(t, domain.MessageCode).Code, "c"); err != nil {
		t.Fatal(err)
	}
	if j, _, err := w.Journey(t.Context(), id); err != nil || len(j.Candidates) != 1 || j.Candidates[0] != one.ID {
		t.Errorf("proven: %v, %v", j.Candidates, err)
	}

	w = withSMS(t, one, withPhone(sister, phone2))
	id = w.asked("jp.martin@example.net")
	if err := w.bySMS(id, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	w.box.none(t)
}

func TestS5_ANumberThatTheEnrolmentChangedEndsTheCode(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	id := w.asked("jp.martin@example.net")
	if err := w.bySMS(id, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	code := w.box.next(t, domain.MessageCode).Code
	w.enrol(withPhone(jeanPierre(), phone2))
	refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonStep)
}

// A visitor sees no difference between an address with a number, one without, and one
// that is unknown.
func TestS14_AnSMSIsAnsweredAlikeForEveryAddress(t *testing.T) {
	without := jeanPierre()
	without.ID, without.Number, without.Email = "p-2", "2", "without@example.net"
	abroad := withPhone(jeanPierre(), "+4915112345678")
	abroad.ID, abroad.Number, abroad.Email = "p-3", "3", "abroad@example.net"
	var answers []string
	for _, address := range []string{"jp.martin@example.net", "without@example.net", "abroad@example.net", "nobody@example.net"} {
		w := withSMS(t, withPhone(jeanPierre(), phone), without, abroad)
		id := w.ask("etudiant", address)
		said := ""
		for n := range 5 {
			err := w.bySMS(id, fmt.Sprintf("192.0.%d.1/32", n))
			j, step, readErr := w.Journey(t.Context(), id)
			if readErr != nil {
				t.Fatal(readErr)
			}
			said += fmt.Sprintf("%v %s sent %d at %v until %v tries %d again %v offers %v\n", err, step, j.Code.Sent, j.Code.SentAt, j.Code.ExpiresAt, j.Code.Tries, w.ResendAt(j), w.OffersSMS(j))
		}
		answers = append(answers, said)
	}
	for i, a := range answers {
		if a != answers[0] {
			t.Errorf("address %d:\n%s\nwant\n%s", i, a, answers[0])
		}
	}
	if !strings.Contains(answers[0], string(domain.ReasonSMSSpent)) {
		t.Errorf("five SMS at one address were not limited:\n%s", answers[0])
	}
}

// The code that was mailed stays good where no SMS can be sent.
func TestI7_WithoutANumberTheMailedCodeStaysGood(t *testing.T) {
	w := withSMS(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	mailed := w.box.next(t, domain.MessageCode).Code
	if err := w.bySMS(id, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	w.pass(9 * time.Minute)
	if err := w.Prove(t.Context(), id, mailed, "c"); err != nil {
		t.Error(err)
	}
}

func TestSMSIsNotOfferedWhereTheProfileOrTheFlowHasNone(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	id := w.asked("jp.martin@example.net")
	w.Profiles[0].SMS = false
	refused(t, w.bySMS(id, "192.0.2.0"), domain.ReasonStep)
	w.Profiles[0].SMS, w.Rates.SMSDay.Burst = true, 0
	refused(t, w.bySMS(id, "192.0.2.0"), domain.ReasonStep)
	if w.OffersSMS(domain.Journey{Purpose: domain.PurposeClaim, Profile: "etudiant"}) {
		t.Error("a claim offers SMS to the number of the registry")
	}
}

// text returns the job of one SMS.
func (w *world) text(m domain.Message) domain.Job {
	w.t.Helper()
	m.Channel, m.ExpiresAt = domain.ChannelSMS, w.clock().Add(time.Hour)
	job, err := domain.NewJob(w.Random, w.Keys, domain.JobMail, &m, w.clock(), w.clock().Add(time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	job.Person = jeanPierre().ID
	return job
}

// run runs the job of one SMS once.
func (w *world) run(job domain.Job) error {
	_, err := w.MailJobs().Run(w.t.Context(), job)
	return err
}

// send sends a new SMS.
func (w *world) send(m domain.Message) error { return w.run(w.text(m)) }

// Strangers who ask for codes cannot hold back the notice of a new password.
func TestStrangersDoNotSpendWhatNoticesNeed(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	code := domain.Message{Kind: domain.MessageCode, Purpose: domain.PurposeActivate, To: phone, Code: "123456"}
	notice := domain.Message{Kind: domain.MessageReplaced, Purpose: domain.PurposeRecover, To: phone}
	sent := 0
	for range 10 {
		if err := w.send(code); err == nil {
			sent++
		} else if !domain.IsPermanent(err) || strings.Contains(err.Error(), "612345642") {
			t.Errorf("a code beyond the limit: %v", err)
		}
	}
	if want := w.Rates.SMSNumber.Burst - 2; sent != want {
		t.Errorf("%d codes were sent to one number, want %d", sent, want)
	}
	for n := range 2 {
		if err := w.send(notice); err != nil {
			t.Errorf("notice %d: %v", n, err)
		}
	}
	if err := w.send(notice); err == nil || domain.IsPermanent(err) {
		t.Errorf("a notice beyond the limit waits: %v", err)
	}
	w.pass(25 * time.Hour)
	if err := w.send(notice); err != nil {
		t.Error(err)
	}
}

// A range of numbers, a day and 30 days are limited for any numbers.
func TestTollFraudIsLimited(t *testing.T) {
	for name, set := range map[string]func(w *world, n int) string{
		"a range": func(_ *world, n int) string { return fmt.Sprintf("+3361234%04d", n) },
		"a day": func(w *world, n int) string {
			w.Rates.SMSDay.Burst = 20
			return fmt.Sprintf("+336%04d5678", n)
		},
		"30 days": func(w *world, n int) string {
			w.Rates.SMSMonth.Burst = 20
			return fmt.Sprintf("+336%04d5678", n)
		},
	} {
		w := withSMS(t, jeanPierre())
		sent, want := 0, 16
		if name == "a range" {
			want = w.Rates.SMSBlock.Burst * 4 / 5
		}
		for n := range 60 {
			to := set(w, n)
			if err := w.send(domain.Message{Kind: domain.MessageCode, Purpose: domain.PurposeActivate, To: domain.Address(to), Code: "123456"}); err == nil {
				sent++
			}
		}
		if sent != want {
			t.Errorf("%s: %d were sent, want %d", name, sent, want)
		}
	}
}

func TestAPrefixThatIsNotAllowedIsNeverWrittenTo(t *testing.T) {
	w := withSMS(t, jeanPierre())
	for _, to := range []domain.Address{"+4915112345678", "+590690123456", "+881612345678", ""} {
		err := w.send(domain.Message{Kind: domain.MessageReplaced, To: to})
		if !domain.IsPermanent(err) || to != "" && strings.Contains(err.Error(), string(to)) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if w.box.sent != 0 {
		t.Error("an SMS was sent")
	}
}

// Each attempt at the same SMS is counted once.
func TestARetriedSMSIsCountedOnce(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	w.box.failWith(errors.New("throttled"))
	code := domain.Message{Kind: domain.MessageCode, Purpose: domain.PurposeActivate, To: phone, Code: "123456"}
	job := w.text(code)
	for range 20 {
		if err := w.run(job); err == nil || domain.IsPermanent(err) {
			t.Fatalf("%v", err)
		}
	}
	w.box.failWith(nil)
	if err := w.run(job); err != nil {
		t.Error(err)
	}
	limits, err := w.SharedLimits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, l := range limits {
		if strings.HasPrefix(l.Kind, "sms-") {
			seen++
			if l.Used != 1 {
				t.Errorf("%s: %d are counted, want 1", l.Kind, l.Used)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d limits of SMS are shown, want 2", seen)
	}
}

func TestANoticeOfANewPasswordGoesToTheTelephoneToo(t *testing.T) {
	p := withPhone(jeanPierre(), phone)
	w := withSMS(t, p)
	p = w.active(p)
	id := w.forget("etudiant", "jp.martin@example.net")
	w.toPassword(id, p.Number)
	if err := w.choose(id, renewed); err != nil {
		t.Fatal(err)
	}
	var channels []string
	for range 3 {
		m := w.box.next(t, domain.MessageReplaced)
		channels = append(channels, string(m.Channel)+" "+string(m.To))
	}
	if !strings.Contains(strings.Join(channels, ","), "sms "+phone) {
		t.Errorf("notices went to %v", channels)
	}
}
