package helpdesk

import (
	"context"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/clean"
	"entree/internal/domain"
)

// amendable returns a pointer to the value of a field that an operator may correct
// after Keycloak refused it, or nil: identifiers and numbers are not corrected by
// hand, and the address has an act of its own.
func amendable(p *domain.Person, field string) *string {
	switch field {
	case domain.FieldGivenName:
		return &p.GivenName
	case domain.FieldFamilyName:
		return &p.FamilyName
	case domain.FieldBirthDate:
		return &p.BirthDate
	}
	return nil
}

// Amendable returns the current value of the field that Keycloak refused, and
// whether an operator may correct it here.
func (c Case) Amendable() (value string, ok bool) {
	next := c.Next()
	if at := amendable(&c.Person, next.Field); next.Key == "refused" && at != nil {
		return *at, true
	}
	return "", false
}

// Amend corrects the value of a person that Keycloak refused. The account is created
// with the new value and the same identifier when its job runs again.
func (d *Service) Amend(ctx context.Context, e audit.Entry, seen Seen, field, typed, why string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Amend })
	if err != nil {
		return err
	}
	after := p
	at := amendable(&after, field)
	if at == nil {
		return &Refusal{Reason: NotNow}
	}
	value, err := amended(field, typed, d.Clock())
	if err != nil {
		return err
	}
	if value == *at {
		return &Refusal{Reason: ValueSame}
	}
	if why, err = reason(why); err != nil {
		return err
	}
	from := *at
	*at = value
	return d.commit(ctx, domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: after}},
		Audit: done(e, ActAmended, p, map[string]string{"field": field, "from": from, "to": value, "reason": why}),
	})
}

// amended returns a typed value as an import would store it, or a Refusal.
func amended(field, typed string, now time.Time) (string, error) {
	if strings.TrimSpace(typed) == "" {
		return "", &Refusal{Reason: ValueEmpty}
	}
	if field == domain.FieldBirthDate {
		value, err := clean.BirthDate(typed, now)
		if err != nil {
			return "", &Refusal{Reason: ValueBad}
		}
		return value, nil
	}
	value, err := clean.Name(typed)
	if err != nil || value == "" {
		return "", &Refusal{Reason: ValueBad}
	}
	return value, nil
}
