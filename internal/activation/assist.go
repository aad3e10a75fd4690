package activation

import (
	"context"

	"entree/internal/domain"
)

// CodeAgain sends a new code for a journey that waits for one, on behalf of an
// operator: without the visitor's rate limits and delays, and in one
// transaction with the effects of the operator's act. The tries stay as they
// are.
func (s *Service) CodeAgain(ctx context.Context, j domain.Journey, with domain.Effects) error {
	return s.sendAgain(ctx, &j, j.Lang, with)
}

// MailJob returns the job that sends a mail.
func (s *Service) MailJob(m domain.Message, person domain.PersonID) (domain.Job, error) {
	now := s.now()
	m.AskedAt = now
	return s.mailJob(m, person, "", now, now.Add(mailDeadline))
}

// LimitsOf returns the keys of the limits that can hold a person back: the wrong
// second proofs, the wrong codes and the mails of the address, and those of the
// networks that the journeys came from.
func (s *Service) LimitsOf(p domain.Person, journeys []domain.Journey) []string {
	keys := append(ProofLimits(p.ID), personKey("person", p.ID), personKey("strike", p.ID), personKey("phone", p.ID), personKey("factor", p.ID),
		s.addressKey("sms-number", domain.Address(p.Mobile())))
	addresses := []domain.Address{p.Email}
	if second := p.Second(); second != "" {
		addresses = append(addresses, second)
	}
	for _, a := range addresses {
		keys = append(keys, s.addressKey("sms-address", a))
		for _, f := range domain.Flows() {
			keys = append(keys, s.addressKey(own(f.Purpose, "strike"), a), s.addressKey(own(f.Purpose, "mail-address"), a))
		}
	}
	for _, j := range journeys {
		if j.Client == "" {
			continue
		}
		for _, a := range addresses {
			keys = append(keys, s.addressKey(own(j.Purpose, "mail-from"), a)+":"+widest(j.Client))
		}
		for _, network := range prefixes(j.Client) {
			keys = append(keys, "mail-client:"+network, "wrong-client:"+network, "desk-client:"+network)
		}
	}
	return keys
}
