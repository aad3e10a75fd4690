package helpdesk

import (
	"context"

	"entree/internal/audit"
	"entree/internal/domain"
)

// AskFactor asks to remove the lost second factors of a person's account. They are
// removed when a second operator agrees, or after the delay. The person is told at every
// address, with a link that stops it.
func (d *Service) AskFactor(ctx context.Context, e audit.Entry, seen Seen, why string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Factor })
	if err != nil {
		return err
	}
	if why, err = reason(why); err != nil {
		return err
	}
	standing, err := d.Service.Accounts.Standing(ctx, p.AccountRef())
	if err != nil {
		return &Refusal{Reason: AccountsSilent}
	}
	if standing.Bar != "" || !standing.HasFactor {
		return &Refusal{Reason: NoFactor}
	}
	journeys, err := d.People.JourneysOf(ctx, p)
	if err != nil {
		return err
	}
	out, err := d.AskFactorRemoval(p, domain.ClaimDecision{By: e.By, Reason: why}, lang(journeys))
	if err != nil {
		return err
	}
	out.Audit = done(e, ActFactorAsked, p, map[string]string{"reason": why})
	return d.commit(ctx, out)
}

// AgreeFactor agrees to a removal that another operator asked for. It happens at once.
func (d *Service) AgreeFactor(ctx context.Context, e audit.Entry, seen Seen, why string) error {
	return d.decideFactor(ctx, e, seen, why, ActFactorAgreed, func(r domain.FactorRemoval, how domain.ClaimDecision) (domain.Effects, error) {
		switch {
		case r.AskedByID == e.By.Subject:
			return domain.Effects{}, &Refusal{Reason: SecondEyes}
		case r.State != domain.FactorAsked:
			return domain.Effects{}, &Refusal{Reason: Changed}
		}
		journeys, err := d.People.JourneysOf(ctx, domain.Person{ID: r.Person})
		if err != nil {
			return domain.Effects{}, err
		}
		return d.AgreeFactorRemoval(r, how, lang(journeys))
	})
}

// CancelFactor ends a removal that is to come.
func (d *Service) CancelFactor(ctx context.Context, e audit.Entry, seen Seen, why string) error {
	return d.decideFactor(ctx, e, seen, why, ActFactorCancelled, func(r domain.FactorRemoval, _ domain.ClaimDecision) (domain.Effects, error) {
		return d.EndFactorRemoval(r, domain.FactorCancelled, domain.EventFactorCancelled), nil
	})
}

func (d *Service) decideFactor(ctx context.Context, e audit.Entry, seen Seen, why, act string, effects func(domain.FactorRemoval, domain.ClaimDecision) (domain.Effects, error)) error {
	p, err := d.person(ctx, seen, func(Can) bool { return true })
	if err != nil {
		return err
	}
	if why, err = reason(why); err != nil {
		return err
	}
	r, err := d.openFactor(ctx, p.ID)
	if err != nil {
		return err
	}
	if r.ID == "" {
		return &Refusal{Reason: Changed}
	}
	out, err := effects(r, domain.ClaimDecision{By: e.By, Reason: why})
	if err != nil {
		return err
	}
	out.Audit = done(e, act, p, map[string]string{"reason": why})
	return d.commit(ctx, out)
}

// openFactor returns the removal of a person that is to come, or a zero one.
func (d *Service) openFactor(ctx context.Context, p domain.PersonID) (open domain.FactorRemoval, err error) {
	all, err := d.People.FactorRemovals(ctx, p)
	for _, r := range all {
		if r.IsOpen() {
			open = r
		}
	}
	return open, err
}
