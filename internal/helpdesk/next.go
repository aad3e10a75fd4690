package helpdesk

import (
	"slices"
	"strings"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
)

// Next says what happens next with a person and why, in one line for an operator
// on the telephone.
type Next struct {
	Key    string    // message key console.next.KEY
	At     time.Time // time of the cause; zero: unknown
	Import string    // id of the import that is the cause; empty: none
	Field  string    // field that Keycloak refused
}

// chosen are the kinds of the event that orders an account.
var chosen = []string{string(domain.EventPasswordChosen), string(domain.EventPasskeyChosen)}

// Next returns the first obstacle of the person, or the step of the journey that is
// under way.
func (c Case) Next() Next {
	switch {
	case !c.ErasedAt.IsZero():
		return Next{Key: "erased", At: c.ErasedAt}
	case !c.EraseAt.IsZero():
		return Next{Key: "erasing", At: c.EraseAt}
	case c.Account == domain.AccountParked:
		return Next{Key: "parked", At: c.last(string(domain.EventAccountParked)).At}
	case c.Account == domain.AccountCreating:
		if refused := c.last(string(domain.EventAccountRefused)); !refused.At.IsZero() && !refused.At.Before(c.last(chosen...).At) {
			return Next{Key: "refused", At: refused.At, Field: refused.What["field"]}
		}
		return Next{Key: "creating", At: c.last(chosen...).At}
	case c.Account == domain.AccountActive && !c.RecoveryFrozenAt.IsZero():
		return Next{Key: "frozen", At: c.RecoveryFrozenAt}
	case c.Account == domain.AccountActive && c.FirstLoginAt.IsZero():
		for _, w := range c.Under {
			if w.Step == domain.StepPasskey {
				return Next{Key: "step_passkey", At: c.ActivatedAt}
			}
		}
		return Next{Key: "unused", At: c.ActivatedAt}
	case c.Account == domain.AccountActive:
		return Next{Key: "active", At: c.FirstLoginAt}
	case c.Hold != "":
		return Next{Key: "held", At: c.last(ActHeld).At}
	}
	if c.Readiness != domain.Ready {
		return c.barred()
	}
	switch {
	case c.Email == "":
		return Next{Key: "no_address"}
	case c.AddressWrong():
		return Next{Key: "address_wrong", At: c.WrongSince}
	case spent(c.Proofs):
		return Next{Key: "proofs_spent", At: c.Proofs.Until}
	}
	for _, w := range c.Under {
		if wrong := c.last(string(domain.EventCodeWrong)); w.Sent && w.Step == domain.StepCode && wrong.At.After(c.last(string(domain.EventMailSent)).At) {
			return Next{Key: "step_code_wrong", At: wrong.At}
		}
		if w.Sent {
			return Next{Key: "step_" + string(w.Step), At: w.RequestedAt}
		}
	}
	if failed := c.last(string(domain.EventMailAbandoned)); !failed.At.IsZero() && failed.At.After(c.last(string(domain.EventMailSent)).At) {
		return Next{Key: "mail_failed", At: failed.At}
	}
	return Next{Key: "not_begun"}
}

// barred returns why the enrolment does not allow an account: the person is no
// longer in the file, or the last import that set the readiness says so.
func (c Case) barred() Next {
	n := Next{Key: "not_ready"}
	if c.Readiness == domain.Held {
		n.Key = "held_by_import"
	}
	for _, m := range c.Story {
		switch {
		case m.Kind == string(domain.EventPersonGone):
			n = Next{Key: "gone", At: m.At, Import: m.What["import"]}
		case m.Kind == Imported, m.Kind == string(domain.EventPersonChanged) && (n.Key == "gone" || strings.Contains(m.What["fields"], "readiness")):
			n.At, n.Import = m.At, m.What["import"]
			if n.Key == "gone" {
				n.Key = map[bool]string{true: "held_by_import", false: "not_ready"}[c.Readiness == domain.Held]
			}
		}
	}
	return n
}

// spent reports whether the person has no second proof left today or at all.
func spent(t activation.ProofTries) bool {
	return t.DayOf > 0 && t.Day >= t.DayOf || t.AllOf > 0 && t.All >= t.AllOf
}

// last returns the newest entry of one of the kinds, or a zero one.
func (c Case) last(kinds ...string) (m HistoryEntry) {
	for _, other := range c.Story {
		if slices.Contains(kinds, other.Kind) {
			m = other
		}
	}
	return m
}
