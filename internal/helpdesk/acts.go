package helpdesk

import (
	"context"
	"errors"
	"slices"
	"time"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/secret"
)

// address parses and checks a new personal address for p.
func address(p domain.Person, typed string) (domain.Address, error) {
	a, err := domain.ParseAddress(typed)
	switch {
	case errors.Is(err, domain.ErrAddressEmpty):
		return "", &Refusal{Reason: AddressEmpty}
	case errors.Is(err, domain.ErrAddressSeveral):
		return "", &Refusal{Reason: AddressSeveral}
	case err != nil:
		return "", &Refusal{Reason: AddressSyntax}
	case a == p.Email:
		return "", &Refusal{Reason: AddressSame}
	}
	return a, nil
}

// Correct replaces a person's personal address, and removes the second one. The old
// addresses are notified, and journeys that asked for or proved one of them end, because
// its mailbox may belong to another person.
func (d *Service) Correct(ctx context.Context, e audit.Entry, seen Seen, typed, why string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Correct })
	if err != nil {
		return err
	}
	effects, err := d.correct(ctx, e, p, typed, why)
	if err != nil {
		return err
	}
	return d.commit(ctx, effects)
}

func (d *Service) correct(ctx context.Context, e audit.Entry, p domain.Person, typed, why string) (domain.Effects, error) {
	to, err := address(p, typed)
	if err != nil {
		return domain.Effects{}, err
	}
	if why, err = reason(why); err != nil {
		return domain.Effects{}, err
	}
	after := p
	after.Choose(to)
	after.SecondEmail = ""
	effects := domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: after, Ends: e.At}},
		Audit: done(e, ActCorrected, p, map[string]string{"from": string(p.Email), "to": string(to), "reason": why}),
	}
	if err := d.CopyAddress(&effects, p); err != nil {
		return domain.Effects{}, err
	}
	journeys, err := d.People.JourneysOf(ctx, p)
	if err != nil {
		return domain.Effects{}, err
	}
	for _, old := range []domain.Address{p.Email, p.Second()} {
		if old == "" || old == to {
			continue
		}
		notice, err := d.MailJob(domain.Message{
			Kind: domain.MessageAddressChanged, Lang: lang(journeys), To: old, Profile: p.Profile, GivenName: p.CalledBy(),
		}, p.ID)
		if err != nil {
			return domain.Effects{}, err
		}
		effects.Jobs = append(effects.Jobs, notice)
	}
	return effects, nil
}

// Send sends a new code in the journey that the operator saw, or how to begin if
// journey is empty, and returns which of the two. The newest journey to an address
// may be a stranger's, so none is chosen here.
func (d *Service) Send(ctx context.Context, e audit.Entry, seen Seen, journey domain.JourneyID) (domain.MessageKind, error) {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Send })
	if err != nil {
		return "", err
	}
	journeys, err := d.People.JourneysOf(ctx, p)
	if err != nil {
		return "", err
	}
	if journey != "" {
		return domain.MessageCode, d.sendCode(ctx, e, p, journey, journeys)
	}
	if err := d.takeMail(ctx, e, p.ID); err != nil {
		return "", err
	}
	long, kept, err := domain.NewLongCode(d.Random, d.Keys, domain.PurposeActivate, p.Profile, p.Email, e.At)
	if err != nil {
		return "", err
	}
	mail, err := d.MailJob(domain.Message{
		Kind: domain.MessageBegin, Lang: lang(journeys), To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(), Long: long.Reveal(),
	}, p.ID)
	if err != nil {
		return "", err
	}
	return domain.MessageBegin, d.commit(ctx, domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: p}}, Jobs: []domain.Job{mail}, Long: &kept,
		Audit: done(e, ActSent, p, map[string]string{"mail": string(domain.MessageBegin)}),
	})
}

// sendCode sends a new code in one of the person's journeys. It refuses a journey
// that no longer waits for a code.
func (d *Service) sendCode(ctx context.Context, e audit.Entry, p domain.Person, id domain.JourneyID, journeys []domain.Journey) error {
	changed := &Refusal{Reason: Changed}
	if !slices.ContainsFunc(journeys, func(j domain.Journey) bool { return j.ID == id }) {
		return changed
	}
	j, step, err := d.Journey(ctx, id)
	if errors.Is(err, domain.ErrNotFound) || errors.Is(err, activation.ErrExpired) {
		return changed
	}
	if err != nil {
		return err
	}
	if step != domain.StepCode || j.Profile != p.Profile || j.Address != p.Email {
		return changed
	}
	if err := d.takeMail(ctx, e, p.ID); err != nil {
		return err
	}
	err = d.CodeAgain(ctx, j, domain.Effects{
		Audit: done(e, ActSent, p, map[string]string{"mail": string(domain.MessageCode), "reference": j.Reference}),
	})
	var moved *domain.Refusal
	if errors.As(err, &moved) || errors.Is(err, activation.ErrExpired) {
		return changed // the journey changed in the meantime
	}
	return err
}

// Unlock clears the limits that hold a person back after too many tries or mails.
// Later acts of other visitors do not undo it: they cannot use up the tries of the
// student's journey, a part of the address's mails is reserved for networks that
// have not requested any, and every further mail contains a long code (ADR 0037).
func (d *Service) Unlock(ctx context.Context, e audit.Entry, seen Seen) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Unlock })
	if err != nil {
		return err
	}
	journeys, err := d.People.JourneysOf(ctx, p)
	if err != nil {
		return err
	}
	return d.commit(ctx, domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: p}}, Forget: d.LimitsOf(p, journeys), Audit: done(e, ActUnlocked, p, nil),
	})
}

// Hold blocks a person until Release, independently of the enrolment.
func (d *Service) Hold(ctx context.Context, e audit.Entry, seen Seen, why string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Hold })
	if err != nil {
		return err
	}
	if why, err = reason(why); err != nil {
		return err
	}
	after := p
	after.Hold = why
	return d.commit(ctx, domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: after, Ends: e.At}}, Audit: done(e, ActHeld, p, map[string]string{"reason": why}),
	})
}

// Release ends a hold; the state of the enrolment applies again.
func (d *Service) Release(ctx context.Context, e audit.Entry, seen Seen, why string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Release })
	if err != nil {
		return err
	}
	if why, err = reason(why); err != nil {
		return err
	}
	after := p
	after.Hold = ""
	return d.commit(ctx, domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: after}}, Audit: done(e, ActReleased, p, map[string]string{"reason": why, "held_for": p.Hold}),
	})
}

// Unfreeze ends the stop that the link of a notice put on the recovery of a person's
// account. A password that was chosen before the stop and still waits is never set:
// the person who stopped the recovery may not have chosen it.
func (d *Service) Unfreeze(ctx context.Context, e audit.Entry, seen Seen, why string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Unfreeze })
	if err != nil {
		return err
	}
	if why, err = reason(why); err != nil {
		return err
	}
	after := p
	after.RecoveryFrozenAt, after.PasswordJob = time.Time{}, ""
	return d.commit(ctx, domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: after}},
		Audit: done(e, ActUnfrozen, p, map[string]string{"reason": why, "frozen_at": p.RecoveryFrozenAt.UTC().Format(time.RFC3339)}),
	})
}

// RemovePhone puts a person's telephone out of use, also one of the enrolment. An
// operator cannot set a number: a code sent there would be a way to a new password.
func (d *Service) RemovePhone(ctx context.Context, e audit.Entry, seen Seen, why string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Phone })
	if err != nil {
		return err
	}
	if why, err = reason(why); err != nil {
		return err
	}
	journeys, err := d.People.JourneysOf(ctx, p)
	if err != nil {
		return err
	}
	effects, err := d.DropPhone(p, lang(journeys))
	if err != nil {
		return err
	}
	effects.Audit = done(e, ActPhone, p, map[string]string{"reason": why})
	return d.commit(ctx, effects)
}

// Code issues a code of the help desk, to be read out or printed once: only its
// MAC is stored. It begins an activation, or a recovery if the person's account is
// active. If another address is given as well, the address is corrected in the same
// transaction.
func (d *Service) Code(ctx context.Context, e audit.Entry, seen Seen, card, typed string) (secret.Text, domain.DeskCode, error) {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Code })
	if err != nil {
		return secret.Text{}, domain.DeskCode{}, err
	}
	if card, err = reason(card); err != nil {
		return secret.Text{}, domain.DeskCode{}, err
	}
	effects := domain.Effects{Edits: []domain.PersonEdit{{Before: p, After: p}}}
	if typed != "" {
		if effects, err = d.correct(ctx, e, p, typed, card); err != nil {
			return secret.Text{}, domain.DeskCode{}, err
		}
	}
	if err := d.take(ctx, e.At, domain.Act{Key: "desk-code:" + string(p.ID), Rate: domain.Rate{Burst: codesPerPerson, Per: time.Hour}}); err != nil {
		return secret.Text{}, domain.DeskCode{}, err
	}
	code, kept, err := domain.NewDeskCode(d.Random, d.Keys, p.ID, e.By.Name, e.At)
	if err != nil {
		return secret.Text{}, domain.DeskCode{}, err
	}
	effects.Desk = &kept
	effects.Audit = append(effects.Audit, done(e, ActDeskCode, p, map[string]string{"card": card})...)
	return code, kept, d.commit(ctx, effects)
}

// Lift clears a limit that the visitors of a network, or all visitors, share.
func (d *Service) Lift(ctx context.Context, e audit.Entry, key string) error {
	if !d.IsSharedLimit(key) {
		return &Refusal{Reason: NotNow}
	}
	e.Act, e.What = ActLifted, map[string]string{"limit": key}
	return d.commit(ctx, domain.Effects{Forget: []string{key}, Audit: []audit.Entry{e}})
}
