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

// Prove compares a typed code with the journey's own, and with those of earlier
// journeys for the same address whose session the browser has lost (see
// domain.Journey.InHand). Each comparison costs one of the journey's tries. A
// wrong code also counts for the address, the network and altogether; a right one
// has to be possible there and is not counted. Outcome and counters are one
// transaction, so the outcome is not known before it is counted (S3, S4). The rows of
// the session that a right code begins are committed with it.
func (s *Service) Prove(ctx context.Context, j *domain.Journey, typed, client string, session ...domain.SessionRow) error {
	digits, ok := domain.CleanDigits(typed)
	if !ok {
		return &domain.Refusal{Reason: domain.ReasonCodeFormat}
	}
	err := s.requireStep(j, domain.StepCode)
	if err != nil {
		return err
	}
	// Everything is read for every address alike, and before the comparison, so
	// that neither an unknown address nor a wrong code answers sooner.
	for range mostAtOnce {
		var people []domain.Person
		var others []domain.Journey
		if people, err = s.peopleAt(ctx, j); err != nil {
			return err
		}
		if others, err = s.Store.JourneysAt(ctx, j.Address, s.now()); err != nil {
			return err
		}
		err = s.prove(ctx, j, digits, client, people, others, session)
		if !errors.Is(err, domain.ErrConflict) {
			break // otherwise an earlier journey whose code fits changed after it was read
		}
	}
	return s.blocked(ctx, j, err, domain.ReasonCodeBlocked, domain.EventCodeBlocked)
}

// mostAtOnce limits how often a code is compared again after a conflict. In each
// round another writer changed the earlier journey, which bears few changes.
const mostAtOnce = 20

func (s *Service) prove(ctx context.Context, j *domain.Journey, digits, client string, people []domain.Person, others []domain.Journey, session []domain.SessionRow) error {
	now := eligible(j.Purpose, people)
	var change domain.Effects
	var err error
	switch {
	case j.Purpose == domain.PurposeAddress && len(people) > 0 && j.Address.IsPhone():
		change, err = s.phoneChange(people[0], string(j.Address), j.Lang, j.ID)
	case j.Purpose == domain.PurposeAddress && len(people) > 0 && j.Second:
		change, err = s.secondChange(people[0], j.Address, j.Lang, j.ID)
	case j.Purpose == domain.PurposeAddress && len(people) > 0:
		change, err = s.contactChange(people[0], j.Address, j.Lang, j.ID)
	case j.Purpose == domain.PurposeClaim:
		change.Jobs = make([]domain.Job, 1)
		change.Jobs[0], err = s.filedMail(*j)
	}
	if err != nil {
		return err
	}
	return s.act(ctx, j, domain.StepCode, func(j *domain.Journey, at time.Time) (domain.Effects, *domain.Refusal) {
		if !at.Before(j.Code.ExpiresAt) { // not compared, so it costs nothing
			return domain.Effects{Tallies: s.eventOf(j, at, domain.EventCodeExpired).Events}, &domain.Refusal{Reason: domain.ReasonCodeExpired}
		}
		inHand := j.InHand(at, others)
		if j.CodeIsEarlier(s.Keys, digits) || slices.ContainsFunc(inHand, func(o domain.Journey) bool { return o.CodeIsEarlier(s.Keys, digits) && !j.CodeFits(s.Keys, digits) }) {
			return domain.Effects{}, &domain.Refusal{Reason: domain.ReasonCodeEarlier} // no try is counted: only a mail can have contained this code
		}
		fits := j.CodeFits(s.Keys, digits)
		if fits && !j.Code.SpentAt.IsZero() {
			return domain.Effects{}, s.spentElsewhere(j, people)
		}
		spend := &domain.Spend{At: at, Acts: s.wrongCode(j, client)}
		tries := j.CountCodeTry()
		still := reachedBy(among(now, j.Candidates), j.Code.Phone)
		var other *domain.Journey
		for i := range inHand {
			if o := inHand[i]; o.CodeFits(s.Keys, digits) && !fits && other == nil {
				other = &o
				still = reachedBy(among(now, o.Candidates), o.Code.Phone)
			}
		}
		if fits && len(still) == 0 && len(j.Candidates) > 0 {
			// Only the holder of the mailbox knows the right code, so only that
			// person is told what has changed since the mail was sent.
			e := s.eventOf(j, at, domain.EventCodeWrong)
			e.Spend = spend
			if j.Purpose != domain.PurposeAddress && hasAccount(j, people) {
				return e, &domain.Refusal{Reason: domain.ReasonElsewhere} // activated on another device
			}
			j.Withdraw(at)
			return e, &domain.Refusal{Reason: domain.ReasonStep}
		}
		if !fits && other == nil || len(still) == 0 {
			spend.Count = true
			e := s.eventOf(j, at, domain.EventCodeWrong)
			e.Spend = spend
			return e, wrong(j, at, time.Time{}, tries, domain.ReasonCodeWrong)
		}
		bySMS := j.Code.Phone != "" && other == nil || other != nil && other.Code.Phone != ""
		j.Prove(at, ids(still))
		if birth, number := s.RequiredProofs(*j); !birth && !number && j.Purpose != domain.PurposeClaim {
			j.Identify(at, still[0].ID)
		}
		e := s.eventOf(j, at, domain.EventCodeProven)
		if bySMS {
			e.Events[0].Details = map[string]string{"code": string(domain.ChannelSMS)}
		}
		e.Spend, e.Forget, e.Sessions = spend, []string{s.strikeKey(j)}, session
		if j.Purpose == domain.PurposeClaim {
			j.Complete(at)
			e.ClaimMove = &domain.ClaimMove{Journey: j.ID, From: domain.ClaimUnproven, To: domain.ClaimWaiting, At: at}
			e.Jobs, e.Events = change.Jobs, append(e.Events, domain.Event{At: at, Kind: domain.EventClaimFiled, Journey: j.ID})
		}
		if j.Purpose == domain.PurposeAddress {
			j.Complete(at)
			e.Contact, e.Second, e.Phone = change.Contact, change.Second, change.Phone
			e.Jobs, e.Events = change.Jobs, append(e.Events, change.Events...)
		}
		if other != nil {
			other.SpendCode(at)
			e.CodeOf = other
		}
		return e, nil
	})
}

// among returns the people whose ids are in a list.
func among(people []domain.Person, list []domain.PersonID) (out []domain.Person) {
	for _, p := range people {
		if slices.Contains(list, p.ID) {
			out = append(out, p)
		}
	}
	return out
}

// spentElsewhere refuses a right code that proved another journey. Only the holder
// of the mailbox can type it, so it costs no try.
func (s *Service) spentElsewhere(j *domain.Journey, people []domain.Person) *domain.Refusal {
	if j.Purpose != domain.PurposeAddress && hasAccount(j, people) {
		return &domain.Refusal{Reason: domain.ReasonElsewhere}
	}
	return &domain.Refusal{Reason: domain.ReasonCodeUsed}
}

// hasAccount reports whether one of the journey's candidates has an account.
func hasAccount(j *domain.Journey, people []domain.Person) bool {
	return slices.ContainsFunc(among(people, j.Candidates), domain.Person.HasAccount)
}

// blocked turns the refusal of a limit into one with reason, and writes the event
// that every outcome of a code has (S39).
func (s *Service) blocked(ctx context.Context, j *domain.Journey, err error, reason domain.Reason, kind domain.EventKind) error {
	if !errors.As(err, new(*domain.LimitError)) {
		return err
	}
	told := domain.Effects{Tallies: s.eventOf(j, s.now(), kind).Events}
	return errors.Join(s.Store.Apply(ctx, told), limited(err, reason))
}

// Answers are the student's answers on the page of the second proof.
type Answers struct {
	BirthDate string // ISO 8601
	Number    string
}

// RequiredProofs reports what the second proof asks for: the proof that the profile
// requires for the journey's purpose, and the number if one address belongs to several
// people. It depends on nothing but the profile and the proven journey.
func (s *Service) RequiredProofs(j domain.Journey) (birthDate, number bool) {
	p, _ := s.Profile(j.Profile)
	proof := p.ProofFor(j.Purpose)
	return proof == domain.ProofBirthDate, proof == domain.ProofNumber || len(j.Candidates) > 1
}

// Verify finds which of the candidates the student is. A wrong answer costs one
// of the journey's tries and one of each person's whom it could have proved: the
// person with the typed number, or every candidate if the number is not asked for
// or belongs to none of them. The answer does not say which part was wrong.
func (s *Service) Verify(ctx context.Context, j *domain.Journey, a Answers) error {
	if err := s.requireStep(j, domain.StepVerify); err != nil {
		return err
	}
	birth, number := s.RequiredProofs(*j)
	a.BirthDate, a.Number = strings.TrimSpace(a.BirthDate), foldNumber(a.Number)
	if birth && a.BirthDate == "" || number && a.Number == "" {
		return &domain.Refusal{Reason: domain.ReasonProofMissing}
	}
	people, err := s.peopleAt(ctx, j)
	if err != nil {
		return err
	}
	var named, meant, matches []domain.PersonID
	for _, p := range among(people, j.Candidates) {
		meant = append(meant, p.ID)
		if number && foldNumber(p.Number) != a.Number {
			continue
		}
		named = append(named, p.ID)
		if !birth || p.BirthDate == a.BirthDate {
			matches = append(matches, p.ID)
		}
	}
	if number && len(named) > 0 {
		meant = named
	}
	slices.Sort(meant) // one order of keys for all transactions
	desk := j.Desk != ""
	left, until, err := s.proofsLeft(ctx, j.Purpose, meant, desk)
	if err != nil {
		return err
	}
	err = s.act(ctx, j, domain.StepVerify, func(j *domain.Journey, at time.Time) (domain.Effects, *domain.Refusal) {
		tries := j.CountVerifyTry()
		if len(matches) != 1 {
			e := s.eventOf(j, at, domain.EventIdentityWrong)
			e.Spend = &domain.Spend{At: at, Acts: s.proofActs(j.Purpose, meant, desk), Count: true}
			r := wrong(j, at, until, tries, domain.ReasonProofWrong)
			r.TriesLeft = min(r.TriesLeft, left-1)
			return e, r
		}
		j.Identify(at, matches[0])
		e := s.eventOf(j, at, domain.EventIdentified)
		e.Spend = &domain.Spend{At: at, Acts: s.proofActs(j.Purpose, matches, desk)}
		e.Forget = purposeProofLimits(j.Purpose, matches[0])
		return e, nil
	})
	var spent *domain.LimitError
	if errors.As(err, &spent) && spent.Act%2 == 1 { // in all: no wait helps
		return s.blocked(ctx, j, err, domain.ReasonProofStopped, domain.EventIdentityBlocked)
	}
	return s.blocked(ctx, j, err, domain.ReasonProofBlocked, domain.EventIdentityBlocked)
}

// proofsLeft returns how many wrong second proofs all of the people can still
// bear today, and when the last of their days ends.
func (s *Service) proofsLeft(ctx context.Context, purpose domain.Purpose, people []domain.PersonID, desk bool) (left int, until time.Time, err error) {
	left = domain.MaxTries
	for _, p := range people {
		t, err := s.WrongProofs(ctx, purpose, p, desk)
		if err != nil {
			return 0, until, err
		}
		left = min(left, t.DayOf-t.Day, t.AllOf-t.All)
		if t.Until.After(until) {
			until = t.Until
		}
	}
	return max(0, left), until, nil
}

// ProofsLeft returns how many wrong second proofs a journey can still bear.
func (s *Service) ProofsLeft(ctx context.Context, j domain.Journey) (int, error) {
	left, _, err := s.proofsLeft(ctx, j.Purpose, j.Candidates, j.Desk != "")
	return min(left, max(0, domain.MaxTries-j.VerifyTries)), err
}

// peopleAt returns the people of the journey's profile behind its address.
func (s *Service) peopleAt(ctx context.Context, j *domain.Journey) ([]domain.Person, error) {
	people, err := s.peopleOf(ctx, j)
	return slices.DeleteFunc(people, func(p domain.Person) bool { return p.Profile != j.Profile }), err
}

// peopleOf returns the people of all profiles whom the journey's code is for: those
// with its address, or the logged-in person.
func (s *Service) peopleOf(ctx context.Context, j *domain.Journey) ([]domain.Person, error) {
	switch j.Purpose {
	case domain.PurposeClaim:
		return []domain.Person{{ID: domain.Claimant, Profile: j.Profile}}, nil
	case domain.PurposeAddress:
	default:
		return s.Store.PeopleAt(ctx, j.Address)
	}
	p, err := s.Store.Person(ctx, j.Person)
	return []domain.Person{p}, err
}

// foldNumber returns a number as it is compared: clean, without case and without
// the spaces of a student card.
func foldNumber(s string) string {
	if number, err := clean.Number(s); err == nil {
		s = number
	}
	return strings.ToUpper(strings.Join(strings.Fields(s), ""))
}

// wrong refuses a wrong answer and ends the journey at its last try. Another
// journey can begin at once; what it then asks for is possible at retry.
func wrong(j *domain.Journey, at, retry time.Time, tries int, reason domain.Reason) *domain.Refusal {
	if tries < domain.MaxTries {
		return &domain.Refusal{Reason: reason, TriesLeft: domain.MaxTries - tries}
	}
	j.End(at, retry)
	return &domain.Refusal{Reason: domain.ReasonTriesSpent, Retry: retry}
}

// eventOf returns the event of an act on a journey.
func (s *Service) eventOf(j *domain.Journey, at time.Time, kind domain.EventKind) domain.Effects {
	return domain.Effects{Events: []domain.Event{{At: at, Kind: kind, Person: j.Person, Journey: j.ID}}}
}
