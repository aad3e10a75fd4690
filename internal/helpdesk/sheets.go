package helpdesk

import (
	"context"
	"errors"
	"strconv"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/secret"
)

// MostSheets is the largest number of sheets that one act prints.
const MostSheets = 500

// SheetOrder asks for the sheets of a cohort, or of chosen people.
type SheetOrder struct {
	Cohort string
	Chosen []Seen // empty: the cohort
	Days   int    // lifetime of the codes
}

// Chosen is a person whom an operator chose for a sheet.
type Chosen struct {
	domain.Person
	Seen Seen
	Able bool // the person can activate an account, so that a sheet is of use
}

// Chosen returns the people with these ids as they are now. Unknown ids are left out.
func (d *Service) Chosen(ctx context.Context, ids []domain.PersonID) (out []Chosen, err error) {
	for _, id := range ids {
		p, err := d.Store.Person(ctx, id)
		if errors.Is(err, domain.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Chosen{p, Seen{p.ID, Version(p)}, p.MayActivate()})
	}
	return out, nil
}

// Sheet is one person with a code. The code is known only here: the store keeps its
// MAC.
type Sheet struct {
	Person domain.Person
	Code   secret.Text
	Until  time.Time
}

// Sheets issues a help desk code to each person of a cohort, or of the chosen ones, who
// can activate an account, for sheets that are handed out against an identity card. Each
// code is an entry of the audit, and replaces an earlier code of the person. People who
// change while the codes are issued, or changed since they were chosen, are left out.
func (d *Service) Sheets(ctx context.Context, e audit.Entry, o SheetOrder) ([]Sheet, error) {
	life := time.Duration(o.Days) * 24 * time.Hour
	if o.Days < 1 || life > domain.LongestSheet {
		return nil, &Refusal{Reason: LifeBad}
	}
	var people []domain.Person
	var err error
	switch {
	case len(o.Chosen) > 0:
		people, err = d.readyAmong(ctx, o.Chosen)
	case o.Cohort != "":
		people, err = d.readyOf(ctx, o.Cohort)
	}
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		return nil, &Refusal{Reason: NobodyThere}
	}
	if err := d.take(ctx, e.At, domain.Act{Key: "desk-sheets:" + e.By.Subject, Rate: domain.Rate{Burst: 10, Per: time.Hour}}); err != nil {
		return nil, err
	}
	var out []Sheet
	for _, p := range people {
		code, kept, err := domain.NewSheetCode(d.Random, d.Keys, p.ID, e.By.Name, e.At, e.At.Add(life))
		if err != nil {
			return nil, err
		}
		err = d.Store.Apply(ctx, domain.Effects{
			Edits: []domain.PersonEdit{{Before: p, After: p}}, Desk: &kept,
			Audit: done(e, ActSheet, p, map[string]string{"days": strconv.Itoa(o.Days)}),
		})
		if errors.Is(err, domain.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Sheet{p, code, kept.ExpiresAt})
	}
	if len(out) == 0 {
		return nil, &Refusal{Reason: NobodyThere}
	}
	return out, nil
}

// readyAmong returns the chosen people who can activate an account and are as they were
// seen.
func (d *Service) readyAmong(ctx context.Context, chosen []Seen) (people []domain.Person, err error) {
	if len(chosen) > MostSheets {
		return nil, &Refusal{Reason: TooManySheets}
	}
	for _, seen := range chosen {
		p, err := d.person(ctx, seen, func(Can) bool { return true })
		var changed *Refusal
		if errors.As(err, &changed) || errors.Is(err, domain.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.MayActivate() {
			people = append(people, p)
		}
	}
	return people, nil
}

// readyOf returns the people of a cohort who can activate an account, by name.
func (d *Service) readyOf(ctx context.Context, cohort string) ([]domain.Person, error) {
	q := Query{State: domain.StateReady, Cohort: cohort, Sort: ByName}
	var people []domain.Person
	for {
		page, err := d.People.FindPeople(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, p := range page.People {
			if p.MayActivate() {
				people = append(people, p)
			}
		}
		switch {
		case len(people) > MostSheets:
			return nil, &Refusal{Reason: TooManySheets}
		case page.Next == Cursor{}:
			return people, nil
		}
		q.From = page.Next
	}
}

// CharterText returns the charter in force for a profile in French, and "" if there is
// none.
func (d *Service) CharterText(profile string) (title, text string) {
	c, err := d.Charters.InForce(profile, domain.French)
	if err != nil {
		return "", ""
	}
	return c.Title, c.Text
}
