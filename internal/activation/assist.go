package activation

import (
	"context"

	"entree/internal/domain"
)

// CodeAgain sends a new code in a journey that waits for one, for an operator:
// without the visitor's limits and waits, and together with what the operator's
// act wants besides. The tries stay as they are.
func (s *Service) CodeAgain(ctx context.Context, j domain.Journey, with domain.Effects) error {
	return s.sendAgain(ctx, &j, j.Lang, with)
}

// MailJob gives the job that sends a mail.
func (s *Service) MailJob(m domain.Message, person domain.PersonID) (domain.Job, error) {
	now := s.now()
	m.AskedAt = now
	return s.mailJob(m, person, "", now, now.Add(mailDeadline))
}

// LimitsAt names what may hold somebody with this address back: the tries of
// its code, the wrong ones in a row, the mails asked for, and the networks
// that its journeys came from.
func LimitsAt(a domain.Address, journeys []domain.Journey) []string {
	keys := []string{addressKey("try", a), addressKey("strike", a), addressKey("mail-address", a)}
	for _, j := range journeys {
		if j.Client != "" {
			keys = append(keys, "mail-client:"+j.Client, "desk-client:"+j.Client)
		}
	}
	return keys
}
