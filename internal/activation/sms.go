package activation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
)

// Keys of the limits that all SMS share.
const (
	keySMSDay   = "sms-day"
	keySMSMonth = "sms-month"
)

// leftToNotices is the number of SMS to one number in a day that visitors who ask for
// codes cannot use.
const leftToNotices = 2

// sendsSMS reports whether SMS are sent at all.
func (s *Service) sendsSMS() bool { return s.Rates.SMSDay.Burst > 0 }

// takeSMS counts one SMS in all limits of spending, or in none, and returns an error if
// one of them refuses it. A further attempt to send the same message is not counted
// again. A code that a visitor asked for cannot use the part of a limit that is left to
// notices and to people who are logged in: otherwise a stranger could hold back the
// notice of a new password. A refused notice is sent later; a refused code never is,
// since it would be useless by then.
func (s *Service) takeSMS(ctx context.Context, m domain.Message) error {
	phone := domain.Phone(m.To)
	if !s.sendsSMS() || !phone.Begins(s.SMSPrefixes) {
		return domain.Permanent(errors.New("sms: the number does not begin with a prefix of sms.allowed_prefixes"))
	}
	acts := []domain.Act{
		{Key: "sms-message:" + m.ID, Rate: domain.Rate{Burst: 1, Per: day, Window: true}},
		{Key: s.addressKey("sms-number", domain.Address(phone)), Rate: s.Rates.SMSNumber},
		{Key: s.addressKey("sms-block", domain.Address(phone.Block())), Rate: s.Rates.SMSBlock},
		{Key: keySMSMonth, Rate: s.Rates.SMSMonth},
		{Key: keySMSDay, Rate: s.Rates.SMSDay},
	}
	if m.HasCode() && (m.Purpose == domain.PurposeActivate || m.Purpose == domain.PurposeRecover) {
		acts[1].Leave = leftToNotices
		for i := 2; i < len(acts); i++ {
			acts[i].Leave = acts[i].Rate.Burst / 5
		}
	}
	_, err := s.Limits.TakeAll(ctx, acts, s.now())
	var spent *domain.LimitError
	switch {
	case !errors.As(err, &spent):
		return err
	case spent.Act == 0: // counted at an earlier attempt
		return nil
	}
	what := []string{"", "one number", "one block of numbers", "30 days", "a day"}[spent.Act]
	err = fmt.Errorf("sms: the limit of SMS for %s is spent", what)
	if m.HasCode() {
		return domain.Permanent(err)
	}
	return err
}

// OffersSMS reports whether the page of a journey's code offers a code by SMS. It
// depends on the profile alone, not on the people behind the address (S14).
func (s *Service) OffersSMS(j domain.Journey) bool {
	p, _ := s.Profile(j.Profile)
	return s.offersSMS(p) && (j.Purpose == domain.PurposeActivate || j.Purpose == domain.PurposeRecover)
}

func (s *Service) offersSMS(p domain.Profile) bool { return p.SMS && s.sendsSMS() }

// contacts returns the contacts of a person on the channels that the profile offers.
func (s *Service) contacts(p domain.Person) (out []domain.Contact) {
	profile, _ := s.Profile(p.Profile)
	for _, c := range p.Contacts() {
		if c.Channel != domain.ChannelSMS || s.offersSMS(profile) {
			out = append(out, c)
		}
	}
	return out
}

// ResendBySMS sends a code to the mobile number in the registry of the people behind
// the journey's address. It does the same work, and leaves a journey that looks the
// same, if there is no such number: then the code in force stays.
func (s *Service) ResendBySMS(ctx context.Context, j *domain.Journey, lang domain.Lang, client string) error {
	if err := s.requireStep(j, domain.StepCode); err != nil {
		return err
	}
	if !s.OffersSMS(*j) {
		return &domain.Refusal{Reason: domain.ReasonStep}
	}
	if at := s.ResendAt(*j); s.now().Before(at) {
		return &domain.Refusal{Reason: domain.ReasonResendTooSoon, Retry: at}
	}
	if err := s.takeCodeBySMS(ctx, *j, client); err != nil {
		return err
	}
	next := *j
	text, err := s.codeBySMS(ctx, &next, lang)
	if err != nil {
		return err
	}
	return s.replaceCode(ctx, j, next, text, domain.Effects{})
}

// takeCodeBySMS counts one code by SMS that a visitor asks for, by address and by
// network. The limits of a number are counted when an SMS is sent: their refusal would
// show that the address has a number.
func (s *Service) takeCodeBySMS(ctx context.Context, j domain.Journey, client string) error {
	acts := []domain.Act{
		{Key: s.addressKey(own(j.Purpose, "sms-from"), j.Address) + ":" + widest(client), Rate: s.Rates.SMSAddress, Few: 1, Soft: true},
		{Key: s.addressKey("sms-address", j.Address), Rate: s.Rates.SMSAddress, Reserve: 1},
	}
	acts = append(acts, networkActs("mail-client", client, s.Rates.Client, 5)...)
	acts = append(acts, domain.Act{Key: "mail-total", Rate: s.Rates.Total, Reserve: s.Rates.Total.Burst / 4})
	return s.take(ctx, domain.ReasonSMSSpent, acts...)
}

// codeBySMS draws a code for the journey and returns the job that sends it. The people
// of the address must share one number: a code at one number proves nothing about a
// person with another.
func (s *Service) codeBySMS(ctx context.Context, j *domain.Journey, lang domain.Lang) (domain.Effects, error) {
	people, err := s.peopleAt(ctx, j)
	if err != nil {
		return domain.Effects{}, err
	}
	digits, err := domain.NewDigits(s.Random)
	if err != nil {
		return domain.Effects{}, err
	}
	now := s.now()
	expires := now.Add(s.CodeLife)
	mac := j.CodeMAC(s.Keys, digits.Reveal())
	m := domain.Message{Kind: domain.MessageNobody, Channel: domain.ChannelSMS, Purpose: j.Purpose, Lang: lang, Profile: j.Profile, AskedAt: now, Reference: j.Reference}
	able := eligible(j.Purpose, people)
	if phone := commonPhone(able); phone != "" {
		j.IssueCodeTo(phone, mac, ids(reachedBy(able, phone)), lang, now, expires)
		m.Kind, m.To, m.Code = domain.MessageCode, domain.Address(phone), digits.Reveal()
		m.Minutes, m.ExpiresAt = int(s.CodeLife/time.Minute), expires
		if j.Purpose == domain.PurposeRecover {
			m.Kind = domain.MessageRecover
		}
	} else {
		j.KeepCode(now, expires)
	}
	job, err := s.mailJob(m, j.Person, j.ID, now, expires)
	return domain.Effects{Jobs: []domain.Job{job}}, err
}

// commonPhone returns the one number that people have, "" if they have none or several.
func commonPhone(people []domain.Person) (phone domain.Phone) {
	for _, p := range people {
		switch mine := p.Mobile(); {
		case mine == "" || mine == phone:
		case phone != "":
			return ""
		default:
			phone = mine
		}
	}
	return phone
}

// reachedBy returns the people who have a number now, or all for a code that was not
// sent to a number.
func reachedBy(people []domain.Person, phone domain.Phone) (out []domain.Person) {
	if phone == "" {
		return people
	}
	for _, p := range people {
		if p.Mobile() == phone {
			out = append(out, p)
		}
	}
	return out
}
