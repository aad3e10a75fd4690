package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Nerzal/gocloak/v13"

	"entree/internal/domain"
)

// Holding returns the accounts that have this login or this address, for an
// operator to compare. It does not search for an empty value.
func (c *Accounts) Holding(ctx context.Context, login, address string) ([]domain.Existing, error) {
	return c.holding(ctx, login, address, func(gocloak.User) bool { return true })
}

// holding returns the same as Holding, without the users for which keep returns
// false.
func (c *Accounts) holding(ctx context.Context, login, address string, keep func(gocloak.User) bool) ([]domain.Existing, error) {
	var out []domain.Existing
	for _, by := range []struct{ field, value string }{{"username", login}, {"email", address}} {
		if by.value == "" {
			continue
		}
		var users []gocloak.User
		if _, err := c.do(ctx, http.MethodGet, c.path("users")+"?exact=true&briefRepresentation=false&"+by.field+"="+url.QueryEscape(by.value), nil, &users); err != nil {
			return nil, fmt.Errorf("look up: %w", err)
		}
		for _, u := range users {
			id := locationID(gocloak.PString(u.ID))
			if id == "" || !keep(u) || slices.ContainsFunc(out, func(x domain.Existing) bool { return x.ID == id }) {
				continue
			}
			x := existing(u)
			x.LastLogin = c.lastLogin(ctx, id)
			out = append(out, x)
		}
	}
	return out, nil
}

// lastLogin returns the time of the last login in the realm's events. It
// returns the zero time if there is none, or if the service account may not
// read them: the comparison does without it.
func (c *Accounts) lastLogin(ctx context.Context, id string) time.Time {
	var events []struct{ Time int64 }
	_, err := c.do(ctx, http.MethodGet, c.path("events")+"?type=LOGIN&max=1&user="+url.QueryEscape(id), nil, &events)
	if err != nil || len(events) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(events[0].Time).UTC()
}

// Adopt writes the portal's mark, attributes and groups into an existing
// account. Login, names, address and password are unchanged (S42). An account
// with another mark belongs to another activation and is not changed.
func (c *Accounts) Adopt(ctx context.Context, id string, a domain.Account) error {
	if id == "" || locationID(id) != id || a.ActivationID == "" {
		return domain.Permanent(fmt.Errorf("keycloak: %q is no account's id", id))
	}
	user, values, err := c.userAttributes(ctx, id, a.ActivationID)
	if err != nil {
		return err
	}
	for _, attribute := range attributes {
		if v := attribute.value(a, c.scope); len(v) > 0 && (attribute.name != "entreeCharterAcceptedAt" || !a.CharterAcceptedAt.IsZero()) {
			values[attribute.name] = v
		}
	}
	if _, err := c.do(ctx, http.MethodPut, c.path("users", id), user, nil); err != nil {
		return lasting(err)
	}
	return c.join(ctx, id, a.Groups)
}

// userAttributes reads a whole user, because a PUT removes what it leaves out, and
// returns it with its attributes, which the caller may change. It returns
// domain.ErrForeignAccount, marked permanent, if the user has another mark.
func (c *Accounts) userAttributes(ctx context.Context, id, mark string) (user, attributes map[string]any, err error) {
	if _, err := c.do(ctx, http.MethodGet, c.path("users", id), nil, &user); err != nil {
		if status(err) == http.StatusNotFound {
			return nil, nil, domain.Permanent(err)
		}
		return nil, nil, err
	}
	if attributes, _ = user["attributes"].(map[string]any); attributes == nil {
		attributes = map[string]any{}
		user["attributes"] = attributes
	}
	if there, _ := attributes[markAttribute].([]any); len(there) > 0 && there[0] != mark {
		return nil, nil, domain.Permanent(domain.ErrForeignAccount)
	}
	delete(user, "credentials")
	return user, attributes, nil
}

// join adds a user to groups.
func (c *Accounts) join(ctx context.Context, id string, groups []string) error {
	for _, path := range groups {
		var group named
		if _, err := c.do(ctx, http.MethodGet, c.path(append([]string{"group-by-path"}, strings.Split(strings.Trim(path, "/"), "/")...)...), nil, &group); err != nil {
			return fmt.Errorf("group %s: %w", path, err)
		}
		put := func() error {
			_, err := c.do(ctx, http.MethodPut, c.path("users", id, "groups", group.ID), nil, nil)
			return err
		}
		err := put()
		if status(err) == http.StatusConflict { // another run adds the user at this moment
			err = put()
		}
		if err != nil {
			return fmt.Errorf("group %s: %w", path, err)
		}
	}
	return nil
}
