package activation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entree/internal/naming"
)

// CharterFor gives the charter that a journey's person has to read.
func (s *Service) CharterFor(j Journey, lang Lang) (Charter, error) {
	return s.Charters.InForce(j.Profile, lang)
}

// Accept keeps that a person accepted the charter whose text has this hash. A
// text that is no longer in force is refused, and the new one is to be read.
func (s *Service) Accept(ctx context.Context, j *Journey, sha256 string, lang Lang) error {
	if err := s.stands(j, StepCharter); err != nil {
		return err
	}
	charter, err := s.asShown(ctx, j.Profile, lang, sha256)
	if err != nil {
		return err
	}
	accepted := Event{
		At: s.now(), Kind: EventCharterAccepted, Person: j.Person, Journey: j.ID,
		Details: map[string]string{"version": charter.Version, "sha256": charter.SHA256, "lang": string(charter.Lang)},
	}
	p, err := s.Store.Person(ctx, j.Person)
	if err != nil {
		return err
	}
	news, err := s.news(accepted, p)
	if err != nil {
		return err
	}
	err = s.act(ctx, j, StepCharter, func(j *Journey, _ time.Time) (Effects, *Refusal) {
		at := accepted.At
		j.AcceptedAt, j.Charter, j.CharterName, j.Lang = at, charter.SHA256, charter.Version, lang
		e := Effects{Events: []Event{accepted}, Jobs: news}
		e.Acceptances = []Acceptance{{
			Person: j.Person, Journey: j.ID, Profile: j.Profile, Lang: charter.Lang,
			Version: charter.Version, SHA256: charter.SHA256, At: at,
		}}
		e.Charter = &InForce{j.Profile, charter.SHA256}
		return e, nil
	})
	return s.replaced(ctx, err, ReasonCharterChanged)
}

// asShown gives the charter in force if its text is the one that was shown.
// Another instance may have put a new one in force a moment ago, so the answer
// is read afresh.
func (s *Service) asShown(ctx context.Context, profile string, lang Lang, sha256 string) (Charter, error) {
	if err := s.Charters.Refresh(ctx); err != nil {
		return Charter{}, err
	}
	charter, err := s.Charters.InForce(profile, lang)
	if err == nil && charter.SHA256 != sha256 {
		err = &Refusal{Reason: ReasonCharterChanged}
	}
	return charter, err
}

// replaced makes a refusal of a charter that was replaced between the look and
// the transaction, and sees to it that the next page shows the new one.
func (s *Service) replaced(ctx context.Context, err error, reason Reason) error {
	if !errors.Is(err, ErrCharterReplaced) {
		return err
	}
	if err := s.Charters.Refresh(ctx); err != nil {
		return err
	}
	return &Refusal{Reason: reason}
}

// Guided goes on from the guide to the password. The identifier and the
// university address are reserved here, because the next page shows them.
func (s *Service) Guided(ctx context.Context, j *Journey) error {
	if err := s.stands(j, StepGuide); err != nil {
		return err
	}
	if _, err := s.reserve(ctx, j.Person); errors.Is(err, ErrTaken) {
		if err := s.park(ctx, j.ID, j.Person, "no name is free"); err != nil {
			return err
		}
		return s.reread(ctx, j)
	} else if err != nil {
		return err
	}
	return s.act(ctx, j, StepGuide, func(j *Journey, at time.Time) (Effects, *Refusal) {
		j.GuidedAt = at
		return Effects{}, nil
	})
}

// Behind gives the person of a journey that has identified one.
func (s *Service) Behind(ctx context.Context, j Journey) (Person, error) {
	if j.Person == "" || j.VerifiedAt.IsZero() {
		return Person{}, ErrNotFound
	}
	return s.Store.Person(ctx, j.Person)
}

// reserve gives the person an identifier and an address for ever (the model's
// step "reserve").
func (s *Service) reserve(ctx context.Context, id PersonID) (Person, error) {
	p, err := s.Store.Person(ctx, id)
	if err != nil || p.Login != "" && p.UniversityAddress != "" {
		return p, err
	}
	pattern, ok := s.patterns[p.Profile]
	if !ok {
		return p, fmt.Errorf("profile %q is no longer configured", p.Profile)
	}
	parts := naming.Parts{GivenName: p.GivenName, FamilyName: p.FamilyName, Number: p.Number}
	p.Login, p.UniversityAddress, err = s.Store.Reserve(ctx, id, pattern.login.Candidates(parts), pattern.address.Candidates(parts))
	return p, err
}
