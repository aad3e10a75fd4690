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

// SheetOrder asks for the sheets of a cohort.
type SheetOrder struct {
	Cohort string
	Days   int // that the codes are good for
}

// Sheet is one person with a code. The code is known only here: the store keeps its
// MAC.
type Sheet struct {
	Person domain.Person
	Code   secret.Text
	Until  time.Time
}

// Sheets issues a help desk code to each person of a cohort who can activate an
// account, for sheets that are handed out against an identity card. Each code is an
// entry of the audit, and replaces an earlier code of the person. People who change
// while the codes are issued are left out.
func (d *Service) Sheets(ctx context.Context, e audit.Entry, o SheetOrder) ([]Sheet, error) {
	life := time.Duration(o.Days) * 24 * time.Hour
	if o.Days < 1 || life > domain.LongestSheet {
		return nil, &Refusal{Reason: LifeBad}
	}
	if o.Cohort == "" {
		return nil, &Refusal{Reason: NobodyThere}
	}
	people, err := d.readyOf(ctx, o.Cohort)
	if err != nil {
		return nil, err
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
