package activation

import (
	"context"
	"time"
)

// PersonEdit is what an operator changes of a person. Before guards it: the
// store refuses the whole transaction with ErrConflict unless the person is
// still as it says in every field, and with ErrTaken where the identifier or
// the address that After holds is somebody else's.
type PersonEdit struct {
	Before, After Person
	// Ends, where set, closes the journeys under way for this person: whoever
	// proved another mailbox, or was stopped, begins again.
	Ends time.Time
}

// DeskSpent spends a code of the desk, in one statement: it has to be there
// and in its time (S2, S5), or the whole transaction is refused with
// ErrConflict.
type DeskSpent struct {
	MAC []byte
	At  time.Time
}

// CodeAgain sends a new code in a journey that waits for one, for an operator:
// without the visitor's limits and waits, and together with what the operator's
// act wants besides. The tries stay as they are.
func (s *Service) CodeAgain(ctx context.Context, j Journey, with Effects) error {
	return s.sendAgain(ctx, &j, j.Lang, with)
}

// MailJob gives the job that sends a mail.
func (s *Service) MailJob(m Message, person PersonID) (Job, error) {
	now := s.now()
	m.AskedAt = now
	return s.mailJob(m, person, "", now, now.Add(mailDeadline))
}

// LimitsAt names what may hold somebody with this address back: the tries of
// its code, the wrong ones in a row, the mails asked for, and the networks
// that its journeys came from.
func LimitsAt(a Address, journeys []Journey) []string {
	keys := []string{addressKey("try", a), addressKey("strike", a), addressKey("mail-address", a)}
	for _, j := range journeys {
		if j.Client != "" {
			keys = append(keys, "mail-client:"+j.Client, "desk-client:"+j.Client)
		}
	}
	return keys
}
