package activation

import (
	"context"
	"errors"
	"fmt"

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
