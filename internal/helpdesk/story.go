package helpdesk

import (
	"context"
	"errors"
	"slices"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// Case is one person with everything that an operator sees of them.
type Case struct {
	domain.Person
	Version string
	Can     Can
	Story   []Moment // oldest first
	Under   []Way    // journeys under way, newest first
}

// Way is a journey under way and where it stands.
type Way struct {
	domain.Journey
	Step domain.Step
	Ends time.Time
}

// Moment is one line of a person's story: an event, or an operator's act.
type Moment struct {
	At   time.Time
	Kind string // of the event, or the act
	By   string // the operator; empty: the person, or the portal
	What map[string]string
}

// Case gives a person with their story.
func (d *Desk) Case(ctx context.Context, id domain.PersonID) (Case, error) {
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
		c.Story = append(c.Story, Moment{At: e.At, Kind: string(e.Kind), What: e.Details})
	}
	acts, err := d.People.Acts(ctx, id)
	if err != nil {
		return Case{}, err
	}
	for _, a := range acts {
		c.Story = append(c.Story, act(a))
	}
	slices.SortStableFunc(c.Story, func(a, b Moment) int { return a.At.Compare(b.At) })
	journeys, err := d.People.JourneysOf(ctx, id, p.Email)
	if err != nil {
		return Case{}, err
	}
	for _, j := range journeys {
		if now, step, err := d.Journey(ctx, j.ID); err == nil && now.Profile == p.Profile && step != domain.StepDone {
			c.Under = append(c.Under, Way{now, step, d.Ends(now)})
		}
	}
	return c, nil
}

// Imported is the beginning of a story. It is no event: a million people are
// brought in without a million of them.
const Imported = "person.imported"

func imported(r domain.ImportRecord) Moment {
	return Moment{At: r.Ended, Kind: Imported, By: r.Operator, What: map[string]string{"import": r.ID, "file": r.File, "source": r.Source}}
}

func act(a audit.Entry) Moment { return Moment{At: a.At, Kind: a.Act, By: a.By.Name, What: a.What} }

// Since gives what operators did to a person after a moment: what somebody
// whose act came too late has not seen.
func (c Case) Since(at time.Time) []Moment {
	return slices.DeleteFunc(slices.Clone(c.Story), func(m Moment) bool { return !m.At.After(at) })
}
