package helpdesk

import (
	"context"
	"errors"
	"slices"
	"time"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/domain"
)

// Case is one person with all data that an operator sees.
type Case struct {
	domain.Person
	Version string
	Can     Can
	Story   []HistoryEntry // oldest first
	Under   []OpenJourney  // journeys that have not ended, newest first
	// Proofs and DeskProofs are the person's wrong second proofs, after a code by
	// mail and after a desk code.
	Proofs, DeskProofs activation.ProofTries
	// Undoable is the newest change of address that the old address can undo; zero:
	// none.
	Undoable domain.ContactChange
	Factor   domain.FactorRemoval // that is to come; zero: none
	Claimed  []domain.Claim       // claims of another address, oldest first
	// Factors are the kinds of factors that the portal knows of, oldest first.
	// HasFactors is false if there is no account, or the store of accounts lists no
	// factors.
	Factors    []domain.KnownFactor
	HasFactors bool
}

// OpenJourney is a journey that has not ended, with its current step.
type OpenJourney struct {
	domain.Journey
	Step domain.Step
	Ends time.Time
	// Sent reports whether the journey can lead to this person's account. If not, a
	// mail said why instead of a code.
	Sent bool
}

// HistoryEntry is one line of a person's history: an event, or an operator's act.
type HistoryEntry struct {
	At   time.Time
	Kind string // kind of the event, or name of the act
	By   string // the operator; empty: the person, or the portal itself
	What map[string]string
}

// Case returns a person with the person's history.
func (d *Service) Case(ctx context.Context, id domain.PersonID) (Case, error) {
	p, err := d.Store.Person(ctx, id)
	if err != nil {
		return Case{}, err
	}
	c := Case{Person: p, Version: Version(p), Can: Offers(p)}
	record, err := d.People.ImportOf(ctx, id)
	if err == nil {
		c.Story = append(c.Story, imported(record))
	} else if !errors.Is(err, domain.ErrNotFound) {
		return Case{}, err
	}
	events, err := d.People.Events(ctx, id)
	if err != nil {
		return Case{}, err
	}
	for _, e := range events {
		c.Story = append(c.Story, HistoryEntry{At: e.At, Kind: string(e.Kind), What: e.Details})
	}
	acts, err := d.People.Acts(ctx, id)
	if err != nil {
		return Case{}, err
	}
	for _, a := range acts {
		c.Story = append(c.Story, act(a))
	}
	if c.HasFactors = p.HasLiveAccount() && d.ListsFactors(); c.HasFactors {
		if c.Factors, err = d.People.KnownFactors(ctx, id); err != nil {
			return Case{}, err
		}
		c.Story = append(c.Story, registered(c.Factors, c.Story)...)
	}
	slices.SortStableFunc(c.Story, func(a, b HistoryEntry) int { return a.At.Compare(b.At) })
	if c.Proofs, err = d.WrongProofs(ctx, domain.PurposeActivate, id, false); err != nil {
		return Case{}, err
	}
	if c.DeskProofs, err = d.WrongProofs(ctx, domain.PurposeActivate, id, true); err != nil {
		return Case{}, err
	}
	changes, err := d.People.ContactChanges(ctx, id)
	if err != nil {
		return Case{}, err
	}
	for _, change := range changes {
		if change.MayTakeBack(d.Clock()) {
			c.Undoable = change
		}
	}
	if c.Claimed, err = d.Claims.ClaimsOf(ctx, id); err != nil {
		return Case{}, err
	}
	if c.Factor, err = d.openFactor(ctx, id); err != nil {
		return Case{}, err
	}
	journeys, err := d.People.JourneysOf(ctx, p)
	if err != nil {
		return Case{}, err
	}
	for _, j := range journeys {
		if now, step, err := d.Journey(ctx, j.ID); err == nil && now.Profile == p.Profile && step != domain.StepDone {
			c.Under = append(c.Under, OpenJourney{now, step, d.Ends(now), now.Person == p.ID || now.Person == "" && slices.Contains(now.Candidates, p.ID)})
		}
	}
	return c, nil
}

// Imported is the first line of a history. It is not a stored event, so that
// the import of a million people does not write a million events.
const Imported = "person.imported"

func imported(r domain.ImportRecord) HistoryEntry {
	return HistoryEntry{At: r.Ended, Kind: Imported, By: r.Operator, What: map[string]string{"import": r.ID, "file": r.File, "source": r.Source}}
}

func act(a audit.Entry) HistoryEntry {
	return HistoryEntry{At: a.At, Kind: a.Act, By: a.By.Name, What: a.What}
}

// FactorKnown is the line of a factor that no event of the portal is about. Like Imported
// it is not a stored event: the portal knows such factors from events of the store of
// accounts, which are read more than once, and keeps its own events for a year.
const FactorKnown = "factor.known"

// sameAct is the time within which an event of the portal and one of the store of
// accounts are about the same act: the student comes back from a page of the latter.
const sameAct = 10 * time.Minute

// registered returns the lines of the factors that no event of the portal is about.
func registered(known []domain.KnownFactor, story []HistoryEntry) (lines []HistoryEntry) {
	for _, f := range known {
		told := func(m HistoryEntry) bool {
			kind := domain.FactorKind(m.What["kind"])
			switch domain.EventKind(m.Kind) {
			case domain.EventPasskeyAdded:
				kind = domain.FactorPasskey
			case domain.EventFactorAdded:
			default:
				return false
			}
			at := m.At
			if t, err := time.Parse(time.RFC3339, m.What["at"]); err == nil {
				at = t
			}
			return kind == f.Kind && at.Sub(f.At).Abs() < sameAct
		}
		if f.Kind != domain.FactorDeclined && !slices.ContainsFunc(story, told) {
			lines = append(lines, HistoryEntry{At: f.At, Kind: FactorKnown, What: map[string]string{"kind": string(f.Kind)}})
		}
	}
	return lines
}

// Since returns the operators' acts on a person after a time, for an operator
// whose own act came too late.
func (c Case) Since(at time.Time) []HistoryEntry {
	return slices.DeleteFunc(slices.Clone(c.Story), func(m HistoryEntry) bool { return !m.At.After(at) })
}
