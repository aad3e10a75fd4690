package keycloak

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/Nerzal/gocloak/v13"

	"entree/internal/domain"
)

// readPage is the number of accounts in one request: about a second of Keycloak's
// time.
const readPage = 500

// Count returns the number of accounts in the realm, without service accounts.
// Keycloak counts accounts of a directory only once it has imported them.
func (c *Accounts) Count(ctx context.Context) (n int, err error) {
	_, err = c.do(ctx, http.MethodGet, c.path("users", "count"), nil, &n)
	return n, err
}

// Each calls see with all accounts of the realm, in pages. Keycloak sorts them by
// login and counts from the first one, so that accounts which are created or deleted
// meanwhile shift the pages. Each request therefore asks for the last account of the
// page before once more. If the answer lacks it, Each goes back until it is found, or
// to the first page, and see gets some accounts twice.
func (c *Accounts) Each(ctx context.Context, see func([]domain.Existing) error) error {
	size := cmp.Or(c.page, readPage)
	for first, last := 0, ""; ; {
		users, err := c.usersFrom(ctx, first, &size)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(users, func(u gocloak.User) bool { return last != "" && gocloak.PString(u.ID) == last })
		if last != "" && at < 0 && first > 0 {
			first = max(0, first-size)
			continue
		}
		some := make([]domain.Existing, 0, len(users))
		for _, u := range users[at+1:] {
			if x := existing(u); x.ID != "" {
				some = append(some, x)
			}
		}
		if err := see(some); err != nil {
			return err
		}
		if len(users) < size {
			return nil
		}
		last = gocloak.PString(users[len(users)-1].ID)
		first += len(users) - 1
	}
}

// pageTries is the number of times that a page is asked for.
const pageTries = 4

// usersFrom returns a page of the realm's users. While Keycloak does not answer in time,
// because it is busy or has to ask a directory for each user, it asks again for half of
// the page, and leaves the size so.
func (c *Accounts) usersFrom(ctx context.Context, first int, size *int) (users []gocloak.User, err error) {
	for range pageTries {
		query := fmt.Sprintf("?briefRepresentation=false&first=%d&max=%d", first, *size)
		_, err = c.do(ctx, http.MethodGet, c.path("users")+query, nil, &users)
		var answer *Error
		if err == nil || !errors.As(err, &answer) || answer.Status != 0 && answer.Status < 500 || ctx.Err() != nil {
			return users, err
		}
		users, *size = nil, max(2, *size/2) // one of them is the last user of the page before
	}
	return nil, err
}

// existing returns a user of Keycloak as an account. Its ID is empty if it is none
// of Keycloak's.
func existing(u gocloak.User) domain.Existing {
	x := domain.Existing{
		ID: locationID(gocloak.PString(u.ID)), Login: gocloak.PString(u.Username), Address: gocloak.PString(u.Email), GivenName: gocloak.PString(u.FirstName), FamilyName: gocloak.PString(u.LastName),
		Enabled: gocloak.PBool(u.Enabled), CreatedAt: time.UnixMilli(gocloak.PInt64(u.CreatedTimestamp)).UTC(), Federated: gocloak.PString(u.FederationLink) != "",
	}
	if u.Attributes != nil {
		x.Attributes, x.Entry = *u.Attributes, attributeOf(u, uuidAttribute)
		if mark := x.Attributes[markAttribute]; len(mark) == 1 {
			x.Mark = mark[0]
		}
	}
	return x
}

// Account returns the account with an id and its last login, or domain.ErrNotFound.
func (c *Accounts) Account(ctx context.Context, id string) (domain.Existing, error) {
	if id == "" || locationID(id) != id {
		return domain.Existing{}, domain.ErrNotFound
	}
	var user gocloak.User
	if _, err := c.do(ctx, http.MethodGet, c.path("users", id), nil, &user); err != nil {
		if status(err) == http.StatusNotFound {
			return domain.Existing{}, domain.ErrNotFound
		}
		return domain.Existing{}, err
	}
	x := existing(user)
	x.LastLogin = c.lastLogin(ctx, id)
	return x, nil
}

// Mark writes the portal's mark into an account and changes nothing else. It returns
// domain.ErrForeignAccount, marked permanent, if the account has another mark.
func (c *Accounts) Mark(ctx context.Context, id, activationID string) error {
	if id == "" || locationID(id) != id || activationID == "" {
		return domain.Permanent(fmt.Errorf("keycloak: %q is no account's id", id))
	}
	user, values, err := c.userAttributes(ctx, id, activationID)
	if err != nil {
		return err
	}
	if mark, _ := values[markAttribute].([]any); len(mark) > 0 {
		return nil // the account has the mark already
	}
	values[markAttribute] = []string{activationID}
	_, err = c.do(ctx, http.MethodPut, c.path("users", id), user, nil)
	return lasting(err)
}

// WithNumbers returns the accounts with the attributes in which a person's number
// is sought before an account is created: each with the profiles whose people have
// it, none for all.
func (c *Accounts) WithNumbers(numbers map[string][]string) *Accounts {
	with := *c
	with.numbers = numbers
	return &with
}

// seek returns the id of an account with the person's number, under any
// identifier, or an empty string. Each attribute that may hold the number is asked
// for: the portal's own, and those of accounts that existed before it. The number
// has no spaces or colons: an import refuses them.
func (c *Accounts) seek(ctx context.Context, a domain.Account) (string, error) {
	var names []string
	for _, attribute := range attributes {
		if attribute.person && len(attribute.value(a, c.scope)) == 1 {
			names = append(names, attribute.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.numbers)) {
		if profiles := c.numbers[name]; !slices.Contains(names, name) && (len(profiles) == 0 || slices.Contains(profiles, a.Profile)) {
			names = append(names, name)
		}
	}
	if a.Number == "" {
		return "", nil
	}
	for _, name := range names {
		id, err := c.ours(ctx, a, "q="+url.QueryEscape(name+":"+a.Number), func(u gocloak.User) bool {
			if u.Attributes == nil {
				return true
			}
			profile := (*u.Attributes)[profileAttribute] // a number is unique within a profile
			return len(profile) == 0 || slices.Contains(profile, a.Profile)
		})
		if err != nil || id != "" {
			return id, err
		}
	}
	return "", nil
}
