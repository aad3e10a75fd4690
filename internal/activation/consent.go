package activation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
	"entree/internal/naming"
)

// CharterFor returns the charter that the journey's student must read.
func (s *Service) CharterFor(j domain.Journey, lang domain.Lang) (domain.Charter, error) {
	return s.Charters.InForce(j.Profile, lang)
}

// Accept records that the student accepted the charter whose text has this
// hash. A text that is no longer in force is refused, and the student must read
// the new one.
func (s *Service) Accept(ctx context.Context, j *domain.Journey, sha256 string, lang domain.Lang) error {
	if err := s.requireStep(j, domain.StepCharter); err != nil {
		return err
	}
	charter, err := s.asShown(ctx, j.Profile, lang, sha256)
	if err != nil {
		return err
	}
	accepted := domain.Event{
		At: s.now(), Kind: domain.EventCharterAccepted, Person: j.Person, Journey: j.ID,
		Details: map[string]string{"version": charter.Version, "sha256": charter.SHA256, "lang": string(charter.Lang)},
	}
	var news []domain.Job
	if s.Subscribers != nil && s.Subscribers.Wants(accepted.Kind) { // the person is not read for nothing
		p, err := s.Store.Person(ctx, j.Person)
		if err != nil {
			return err
		}
		if news, err = s.notifyJobs(accepted, p); err != nil {
			return err
		}
	}
	err = s.act(ctx, j, domain.StepCharter, func(j *domain.Journey, _ time.Time) (domain.Effects, *domain.Refusal) {
		j.Accept(accepted.At, charter, lang)
		if profile, ok := s.Profile(j.Profile); ok && s.Passkeys != nil && profile.Credential.PasskeyFirst() {
			j.OfferPasskey(profile.Credential == domain.PasskeyOnly)
		}
		e := domain.Effects{Events: []domain.Event{accepted}, Jobs: news}
		e.Acceptances = []domain.Acceptance{{
			Person: j.Person, Journey: j.ID, Profile: j.Profile, Lang: charter.Lang,
			Version: charter.Version, SHA256: charter.SHA256, At: accepted.At,
		}}
		e.Charter = &domain.InForce{Profile: j.Profile, SHA256: charter.SHA256}
		return e, nil
	})
	return s.replaced(ctx, err, domain.ReasonCharterChanged)
}

// asShown returns the charter in force if its text is the one that the page
// showed. If it is not, another instance may have published a new one, and the board is
// refreshed. A board that still has the replaced charter does no harm: the transaction of
// the acceptance checks the charter in force.
func (s *Service) asShown(ctx context.Context, profile string, lang domain.Lang, sha256 string) (domain.Charter, error) {
	charter, err := s.Charters.InForce(profile, lang)
	if err == nil && charter.SHA256 == sha256 {
		return charter, nil
	}
	if err := s.Charters.Refresh(ctx); err != nil {
		return domain.Charter{}, err
	}
	charter, err = s.Charters.InForce(profile, lang)
	if err == nil && charter.SHA256 != sha256 {
		err = &domain.Refusal{Reason: domain.ReasonCharterChanged}
	}
	return charter, err
}

// replaced turns ErrCharterReplaced into a refusal with reason and refreshes
// the board, so that the next page shows the new charter.
func (s *Service) replaced(ctx context.Context, err error, reason domain.Reason) error {
	if !errors.Is(err, domain.ErrCharterReplaced) {
		return err
	}
	if err := s.Charters.Refresh(ctx); err != nil {
		return err
	}
	return &domain.Refusal{Reason: reason}
}

// Pass records that the student read the page of a step that asks for nothing
// else. At StepGuide of an activation it reserves the identifier and the university address,
// because the page of the password shows them; of a recovery it asks the store of
// accounts whether the password may be replaced.
func (s *Service) Pass(ctx context.Context, j *domain.Journey, step domain.Step) error {
	if err := s.requireStep(j, step); err != nil {
		return err
	}
	var e domain.Effects
	if step == domain.StepGuide {
		if j.Purpose == domain.PurposeRecover {
			if barred, err := s.barred(ctx, j); barred || err != nil {
				return err
			}
		} else {
			_, reservation, err := s.reservation(ctx, j.Person)
			if err != nil {
				return err
			}
			e.Reserve = reservation
		}
	}
	err := s.act(ctx, j, step, func(j *domain.Journey, at time.Time) (domain.Effects, *domain.Refusal) {
		j.Pass(step, at)
		return e, nil
	})
	if !errors.Is(err, domain.ErrTaken) {
		return err
	}
	if err := s.park(ctx, j.ID, j.Person, map[string]string{"why": "no name is free"}); err != nil {
		return err
	}
	return s.reread(ctx, j)
}

// PersonOf returns the person of a journey that has identified one.
func (s *Service) PersonOf(ctx context.Context, j domain.Journey) (domain.Person, error) {
	if !j.IsIdentified() {
		return domain.Person{}, domain.ErrNotFound
	}
	return s.Store.Person(ctx, j.Person)
}

// reservation returns the person, and the reservation of an identifier and an address
// for ever (step "reserve" of the model). It is nil if the person has both.
func (s *Service) reservation(ctx context.Context, id domain.PersonID) (domain.Person, *domain.Reservation, error) {
	p, err := s.Store.Person(ctx, id)
	if err != nil || p.Login != "" && p.UniversityAddress != "" {
		return p, nil, err
	}
	pattern, ok := s.patterns[p.Profile]
	if !ok {
		return p, nil, fmt.Errorf("profile %q is no longer configured", p.Profile)
	}
	parts := naming.Parts{GivenName: p.GivenName, FamilyName: p.FamilyName, Number: p.Number}
	return p, &domain.Reservation{Person: id, Logins: pattern.login.Candidates(parts), Addresses: pattern.address.Candidates(parts)}, nil
}

// reserve reserves the names of a person alone.
func (s *Service) reserve(ctx context.Context, id domain.PersonID) (domain.Person, error) {
	p, r, err := s.reservation(ctx, id)
	if err == nil && r != nil {
		p.Login, p.UniversityAddress, err = s.Store.Reserve(ctx, id, r.Logins, r.Addresses)
	}
	return p, err
}
