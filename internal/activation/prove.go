package activation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Prove compares a typed code. Only six digits that are compared cost a try:
// one of the journey's and one of the address's, which all journeys for that
// address share. Both are counted before the comparison (S3, S4).
func (s *Service) Prove(ctx context.Context, j *Journey, typed, client string) error {
	digits, ok := CleanDigits(typed)
	if !ok {
		return &Refusal{Reason: ReasonCodeFormat}
	}
	if err := s.stands(j, StepCode); err != nil {
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
	return s.act(ctx, j, StepCode, func(j *Journey, at time.Time) (Effects, *Refusal) {
		if !at.Before(j.Code.ExpiresAt) {
			return s.tell(j, at, EventCodeExpired), &Refusal{Reason: ReasonCodeExpired}
		}
		still := slices.DeleteFunc(slices.Clone(now), func(p Person) bool { return !slices.Contains(j.Candidates, p.ID) })
		j.Code.Tries++
		if fits := codeFits(s.Keys, j, digits); !fits || len(still) == 0 {
			return s.tell(j, at, EventCodeWrong), s.wrong(j, at, j.Code.Tries, ReasonCodeWrong)
		}
		j.Code.MAC, j.ProvenAt, j.Candidates = nil, at, ids(still)
		if birth, number := s.Asks(*j); !birth && !number {
			j.Person, j.VerifiedAt = still[0].ID, at
		}
		return s.proven(j, at, EventCodeProven), nil
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
func (s *Service) Asks(j Journey) (birthDate, number bool) {
	p, _ := s.Profile(j.Profile)
	return p.Proof == ProofBirthDate, p.Proof == ProofNumber || len(j.Candidates) > 1
}

// Verify finds which of the candidates a person is. A wrong answer costs a
// try and says nothing about the others.
func (s *Service) Verify(ctx context.Context, j *Journey, a Answers) error {
	if err := s.stands(j, StepVerify); err != nil {
		return err
	}
	birth, number := s.Asks(*j)
	a.BirthDate, a.Number = strings.TrimSpace(a.BirthDate), foldNumber(a.Number)
	if birth && a.BirthDate == "" || number && a.Number == "" {
		return &Refusal{Reason: ReasonProofMissing}
	}
	if err := s.takeTry(ctx, j); err != nil {
		return err
	}
	people, err := s.peopleAt(ctx, j)
	if err != nil {
		return err
	}
	return s.act(ctx, j, StepVerify, func(j *Journey, at time.Time) (Effects, *Refusal) {
		j.VerifyTries++
		var matches []Person
		for _, p := range people {
			if slices.Contains(j.Candidates, p.ID) &&
				(!birth || p.BirthDate == a.BirthDate) && (!number || foldNumber(p.Number) == a.Number) {
				matches = append(matches, p)
			}
		}
		if len(matches) != 1 {
			return s.tell(j, at, EventIdentityWrong), s.wrong(j, at, j.VerifyTries, ReasonProofWrong)
		}
		j.Person, j.VerifiedAt = matches[0].ID, at
		return s.proven(j, at, EventIdentified), nil
	})
}

// peopleAt gives the people of the journey's profile behind its address.
func (s *Service) peopleAt(ctx context.Context, j *Journey) ([]Person, error) {
	people, err := s.Store.PeopleAt(ctx, j.Address)
	return slices.DeleteFunc(people, func(p Person) bool { return p.Profile != j.Profile }), err
}

// foldNumber forgives case and spaces, as on a student card.
func foldNumber(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), "")) }

// wrong refuses a wrong answer, and ends the journey at its last try. A new
// journey can begin at once; its first code is compared when the address's
// tries have come back.
func (s *Service) wrong(j *Journey, at time.Time, tries int, reason Reason) *Refusal {
	if tries < MaxTries {
		return &Refusal{Reason: reason, TriesLeft: MaxTries - tries}
	}
	j.EndedAt = at
	j.RetryAt = at.Add(s.Rates.Tries.Per)
	return &Refusal{Reason: ReasonTriesSpent, Retry: j.RetryAt}
}

func (s *Service) takeTry(ctx context.Context, j *Journey) error {
	err := s.take(ctx, ReasonCodeBlocked,
		Act{addressKey("try", j.Address), s.Rates.Tries},
		Act{addressKey("strike", j.Address), s.Rates.Strikes})
	var refusal *Refusal
	if errors.As(err, &refusal) { // every outcome of a code is an event (S39)
		return errors.Join(s.Store.Apply(ctx, s.tell(j, s.now(), EventCodeBlocked)), err)
	}
	return err
}

// proven gives the effects of a right answer: the address has its tries back.
func (s *Service) proven(j *Journey, at time.Time, kind EventKind) Effects {
	e := s.tell(j, at, kind)
	e.Forget = []string{addressKey("strike", j.Address), addressKey("try", j.Address)}
	return e
}

// tell gives the event of an act on a journey.
func (s *Service) tell(j *Journey, at time.Time, kind EventKind) Effects {
	return Effects{Events: []Event{{At: at, Kind: kind, Person: j.Person, Journey: j.ID}}}
}
