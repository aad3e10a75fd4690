package activation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"entree/internal/clean"
	"entree/internal/domain"
)

// Prove compares a typed code. Only six digits that are compared cost a try:
// one of the journey's and one of the address's, which all journeys for that
// address share. Both are counted before the comparison (S3, S4).
func (s *Service) Prove(ctx context.Context, j *domain.Journey, typed, client string) error {
	digits, ok := domain.CleanDigits(typed)
	if !ok {
		return &domain.Refusal{Reason: domain.ReasonCodeFormat}
	}
	if err := s.stands(j, domain.StepCode); err != nil {
		return err
	}
	if s.now().Before(j.Code.ExpiresAt) { // an expired code is not compared, so it costs nothing
		if err := s.takeTry(ctx, j); err != nil {
			return err
		}
	}
	// The people are read for every address alike, and before the comparison,
	// so that neither an unknown address nor a wrong code answers sooner.
	people, err := s.peopleAt(ctx, j)
	if err != nil {
		return err
	}
	now := eligible(people)
	return s.act(ctx, j, domain.StepCode, func(j *domain.Journey, at time.Time) (domain.Effects, *domain.Refusal) {
		if !at.Before(j.Code.ExpiresAt) {
			return s.tell(j, at, domain.EventCodeExpired), &domain.Refusal{Reason: domain.ReasonCodeExpired}
		}
		still := slices.DeleteFunc(slices.Clone(now), func(p domain.Person) bool { return !slices.Contains(j.Candidates, p.ID) })
		tries := j.CountCodeTry()
		if fits := j.CodeFits(s.Keys, digits); !fits || len(still) == 0 {
			return s.tell(j, at, domain.EventCodeWrong), s.wrong(j, at, tries, domain.ReasonCodeWrong)
		}
		j.Prove(at, ids(still))
		if birth, number := s.Asks(*j); !birth && !number {
			j.Identify(at, still[0].ID)
		}
		return s.proven(j, at, domain.EventCodeProven), nil
	})
}

// Answers is what a person says of themself on the second proof's page.
type Answers struct {
	BirthDate string // ISO 8601
	Number    string
}

// Asks tells what the second proof asks for: what the profile wants, and the
// number wherever one address belongs to several people. It is known from the
// proven journey alone.
func (s *Service) Asks(j domain.Journey) (birthDate, number bool) {
	p, _ := s.Profile(j.Profile)
	return p.Proof == domain.ProofBirthDate, p.Proof == domain.ProofNumber || len(j.Candidates) > 1
}

// Verify finds which of the candidates a person is. A wrong answer costs a
// try and says nothing about the others.
func (s *Service) Verify(ctx context.Context, j *domain.Journey, a Answers) error {
	if err := s.stands(j, domain.StepVerify); err != nil {
		return err
	}
	birth, number := s.Asks(*j)
	a.BirthDate, a.Number = strings.TrimSpace(a.BirthDate), foldNumber(a.Number)
	if birth && a.BirthDate == "" || number && a.Number == "" {
		return &domain.Refusal{Reason: domain.ReasonProofMissing}
	}
	if err := s.takeTry(ctx, j); err != nil {
		return err
	}
	people, err := s.peopleAt(ctx, j)
	if err != nil {
		return err
	}
	return s.act(ctx, j, domain.StepVerify, func(j *domain.Journey, at time.Time) (domain.Effects, *domain.Refusal) {
		tries := j.CountVerifyTry()
		var matches []domain.Person
		for _, p := range people {
			if slices.Contains(j.Candidates, p.ID) &&
				(!birth || p.BirthDate == a.BirthDate) && (!number || foldNumber(p.Number) == a.Number) {
				matches = append(matches, p)
			}
		}
		if len(matches) != 1 {
			return s.tell(j, at, domain.EventIdentityWrong), s.wrong(j, at, tries, domain.ReasonProofWrong)
		}
		j.Identify(at, matches[0].ID)
		return s.proven(j, at, domain.EventIdentified), nil
	})
}

// peopleAt gives the people of the journey's profile behind its address.
func (s *Service) peopleAt(ctx context.Context, j *domain.Journey) ([]domain.Person, error) {
	people, err := s.Store.PeopleAt(ctx, j.Address)
	return slices.DeleteFunc(people, func(p domain.Person) bool { return p.Profile != j.Profile }), err
}

// foldNumber returns a number as it is compared: clean, without case and without
// the spaces of a student card.
func foldNumber(s string) string {
	if number, err := clean.Number(s); err == nil {
		s = number
	}
	return strings.ToUpper(strings.Join(strings.Fields(s), ""))
}

// wrong refuses a wrong answer, and ends the journey at its last try. A new
// journey can begin at once; its first code is compared when the address's
// tries have come back.
func (s *Service) wrong(j *domain.Journey, at time.Time, tries int, reason domain.Reason) *domain.Refusal {
	if tries < domain.MaxTries {
		return &domain.Refusal{Reason: reason, TriesLeft: domain.MaxTries - tries}
	}
	j.End(at, at.Add(s.Rates.Tries.Per))
	return &domain.Refusal{Reason: domain.ReasonTriesSpent, Retry: j.RetryAt}
}

func (s *Service) takeTry(ctx context.Context, j *domain.Journey) error {
	err := s.take(ctx, domain.ReasonCodeBlocked,
		domain.Act{Key: addressKey("try", j.Address), Rate: s.Rates.Tries},
		domain.Act{Key: addressKey("strike", j.Address), Rate: s.Rates.Strikes})
	var refusal *domain.Refusal
	if errors.As(err, &refusal) { // every outcome of a code is an event (S39)
		return errors.Join(s.Store.Apply(ctx, s.tell(j, s.now(), domain.EventCodeBlocked)), err)
	}
	return err
}

// proven gives the effects of a right answer: the address has its tries back.
func (s *Service) proven(j *domain.Journey, at time.Time, kind domain.EventKind) domain.Effects {
	e := s.tell(j, at, kind)
	e.Forget = []string{addressKey("strike", j.Address), addressKey("try", j.Address)}
	return e
}

// tell gives the event of an act on a journey.
func (s *Service) tell(j *domain.Journey, at time.Time, kind domain.EventKind) domain.Effects {
	return domain.Effects{Events: []domain.Event{{At: at, Kind: kind, Person: j.Person, Journey: j.ID}}}
}
