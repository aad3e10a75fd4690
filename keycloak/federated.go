package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Nerzal/gocloak/v13"

	"entree/internal/domain"
)

// Federated finds in Keycloak the accounts that a directory below it holds. It
// never creates a user and never sends a password: a hash in Keycloak would hide
// the directory's password for good.
type Federated struct {
	accounts *Accounts
	searched Searched
	now      func() time.Time

	federations remembered[federations] // one answer, with the key "": every activation needs it
}

// Searched is the part of the directory in which the portal itself looks for a login and
// an address before it asks Keycloak for them.
type Searched struct {
	Base           string // the branch, with everything below it
	Login, Address string // the attributes
}

// Federated returns the realm above a directory. scope is that of [Client.Accounts].
func (c *Client) Federated(scope string, searched Searched) *Federated {
	return &Federated{accounts: c.Accounts(scope), searched: searched, now: time.Now}
}

// federations is what the portal needs to know of all user federations of a realm.
type federations struct {
	describe bool // one of them takes attributes
	// covered means that no federation finds an entry that the portal's own search for
	// the same login or address does not find.
	covered bool
}

// readFederations returns the answer of the last minute, or reads the federations. Two
// of them may be of two servers that name their branches alike, so that only a single one
// is covered.
func (f *Federated) readFederations(ctx context.Context) (federations, error) {
	return f.federations.get(ctx, "", f.now(), func(ctx context.Context) (out federations, keep bool, err error) {
		all, err := f.accounts.components(ctx, storageType, "")
		if err != nil {
			return out, false, err
		}
		var enabled []provider
		for _, p := range all {
			out.describe = out.describe || p.is("editMode", "WRITABLE")
			if !p.is("enabled", "false") {
				enabled = append(enabled, p)
			}
		}
		switch len(enabled) {
		case 0:
			out.covered = true
		case 1:
			out.covered, err = f.isCovered(ctx, enabled[0])
		}
		return out, err == nil, err
	})
}

// isCovered reports whether the portal's own search finds every entry that a federation
// finds by a login or an address: the federation's branch lies in the portal's, and it
// compares the same attributes.
func (f *Federated) isCovered(ctx context.Context, p provider) (bool, error) {
	s := f.searched
	if p.ProviderID != "ldap" || !p.isIn(s.Base) || !p.is("usernameLDAPAttribute", s.Login) {
		return false, nil
	}
	mappers, err := f.accounts.components(ctx, mapperType, p.ID)
	return err == nil && !slices.ContainsFunc(mappers, func(m provider) bool {
		return m.is("user.model.attribute", "username") && !m.is("ldap.attribute", s.Login) ||
			m.is("user.model.attribute", "email") && !m.is("ldap.attribute", s.Address)
	}), err
}

// The attributes by which Keycloak remembers an entry.
const (
	entryAttribute = "LDAP_ENTRY_DN"
	uuidAttribute  = "LDAP_ID"
)

// link is the federation of a user; empty for a user of Keycloak's own.
func link(u gocloak.User) string { return gocloak.PString(u.FederationLink) }

// isEntry reports whether a user stands for an entry.
func isEntry(u gocloak.User, dn, uuid string) bool {
	if id := attributeOf(u, uuidAttribute); id != "" {
		return strings.EqualFold(id, uuid)
	}
	return attributeOf(u, entryAttribute) != "" && strings.EqualFold(attributeOf(u, entryAttribute), dn)
}

func attributeOf(u gocloak.User, name string) string {
	if u.Attributes == nil || len((*u.Attributes)[name]) != 1 {
		return ""
	}
	return (*u.Attributes)[name][0]
}

// exact returns the users whose login or address is exactly this one. Keycloak
// asks the directory too, and imports what it finds there.
func (f *Federated) exact(ctx context.Context, field, value string) (users []gocloak.User, err error) {
	if value == "" {
		return nil, nil
	}
	c := f.accounts
	_, err = c.do(ctx, http.MethodGet, c.path("users")+"?exact=true&briefRepresentation=false&"+field+"="+url.QueryEscape(value), nil, &users)
	return users, err
}

// stored returns the number of users in Keycloak's own store with exactly this login or
// this address: its own users, service accounts and the users that it imported. Keycloak
// counts them without asking an LDAP federation (26.7.4: the federation's provider cannot
// count). A version that does not know the parameter exact counts more users, never fewer.
func (f *Federated) stored(ctx context.Context, field, value string) (int, error) {
	if value == "" {
		return 0, nil
	}
	c := f.accounts
	var n *int
	if _, err := c.do(ctx, http.MethodGet, c.path("users", "count")+"?exact=true&"+field+"="+url.QueryEscape(value), nil, &n); err != nil {
		return 0, err
	}
	if n == nil {
		return 0, &Error{Cause: errors.New("the number of users is null")}
	}
	return *n, nil
}

// Taken reports whether a user other than the one of an entry has this login or
// this address. An empty uuid stands for no entry. The caller has searched the directory:
// where the federations of the realm find nothing more than that search, only Keycloak's
// own store is asked, and the users are read only if there are any.
func (f *Federated) Taken(ctx context.Context, login, address, uuid string) (bool, error) {
	known, err := f.readFederations(ctx)
	if err != nil {
		return false, fmt.Errorf("look up: %w", err)
	}
	for _, by := range [][2]string{{"username", login}, {"email", address}} {
		if known.covered {
			if n, err := f.stored(ctx, by[0], by[1]); err != nil {
				return false, fmt.Errorf("look up: %w", err)
			} else if n == 0 {
				continue
			}
		}
		users, err := f.exact(ctx, by[0], by[1])
		if err != nil {
			return false, fmt.Errorf("look up: %w", err)
		}
		if slices.ContainsFunc(users, func(u gocloak.User) bool { return link(u) == "" || uuid == "" || !isEntry(u, "", uuid) }) {
			return true, nil
		}
	}
	return false, nil
}

// Imported returns the id of the user that stands for an entry. It returns
// domain.ErrForeignAccount if a user of Keycloak's own, or of another entry, has
// the login: Keycloak then never asks the directory. While Keycloak does not find
// the entry, the error is temporary: it answers with an empty list if the
// directory is away.
func (f *Federated) Imported(ctx context.Context, login, dn, uuid string) (string, error) {
	users, err := f.importing(ctx, login)
	if err != nil {
		return "", fmt.Errorf("look up: %w", err)
	}
	if len(users) == 0 {
		return "", fmt.Errorf("keycloak: the entry is in the directory, and the realm does not find it: its federation or the directory is away, another entry has the same address, or `entree realm check` says what differs: %w", domain.ErrNotFound)
	}
	id := locationID(gocloak.PString(users[0].ID))
	if len(users) != 1 || link(users[0]) == "" || !isEntry(users[0], dn, uuid) || id == "" {
		return "", domain.ErrForeignAccount
	}
	return id, nil
}

// importWaits are the times to wait before Keycloak is asked again for an entry that
// it does not find. Of several requests that import one entry at once, all but one
// get an empty list or an error.
var importWaits = []time.Duration{50 * time.Millisecond, 150 * time.Millisecond, 450 * time.Millisecond}

// importing returns the users with exactly this login, and asks again while there
// are none.
func (f *Federated) importing(ctx context.Context, login string) (users []gocloak.User, err error) {
	for i := 0; ; i++ {
		users, err = f.exact(ctx, "username", login)
		if s := status(err); i == len(importWaits) || err == nil && len(users) > 0 || err != nil && s < http.StatusInternalServerError && s != http.StatusConflict {
			return users, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(importWaits[i]):
		}
	}
}

// Entry returns the entryUUID of the entry that a user stands for; empty for a
// user of Keycloak's own. An unknown id is a permanent error.
func (f *Federated) Entry(ctx context.Context, id string) (uuid string, err error) {
	u, err := f.user(ctx, id)
	if err != nil || link(u) == "" {
		return "", err
	}
	return attributeOf(u, uuidAttribute), nil
}

func (f *Federated) user(ctx context.Context, id string) (u gocloak.User, err error) {
	c := f.accounts
	if id == "" || locationID(id) != id {
		return u, domain.Permanent(errors.New("keycloak: the id is not that of a user"))
	}
	_, err = c.do(ctx, http.MethodGet, c.path("users", id), nil, &u)
	if status(err) == http.StatusNotFound {
		err = domain.Permanent(err)
	}
	return u, err
}

// isWritable reports whether Keycloak takes changes of the attributes of a user of
// a federation: in the edit mode READ_ONLY it refuses all of them, mapped or not.
func (f *Federated) isWritable(ctx context.Context, federation string) (bool, error) {
	c := f.accounts
	var component struct{ Config map[string][]string }
	if _, err := c.do(ctx, http.MethodGet, c.path("components", federation), nil, &component); err != nil {
		return false, fmt.Errorf("read the federation: %w", err)
	}
	return slices.Equal(component.Config["editMode"], []string{"WRITABLE"}), nil
}

// Describes reports whether Describe may write attributes: a federation of the realm
// is WRITABLE. It keeps the answer for a minute.
func (f *Federated) Describes(ctx context.Context) (bool, error) {
	known, err := f.readFederations(ctx)
	return known.describe, err
}

// Describe writes the attributes that the user does not have from the directory,
// where the edit mode is WRITABLE, and joins groups of Keycloak in any mode. It
// changes no attribute that has a value, and neither names nor password.
func (f *Federated) Describe(ctx context.Context, id string, a domain.Account, groups []string) error {
	c := f.accounts
	u, err := f.user(ctx, id)
	if err != nil {
		return err
	}
	writable, err := f.isWritable(ctx, link(u))
	if err != nil {
		return err
	}
	if writable {
		var user map[string]any // the whole user: a PUT removes attributes that it leaves out
		if _, err := c.do(ctx, http.MethodGet, c.path("users", id), nil, &user); err != nil {
			return err
		}
		values, _ := user["attributes"].(map[string]any)
		if values == nil {
			values = map[string]any{}
		}
		changed := false
		for _, attribute := range attributes {
			v := attribute.value(a, c.scope)
			if _, there := values[attribute.name]; there || len(v) == 0 || attribute.name == "entreeCharterAcceptedAt" && a.CharterAcceptedAt.IsZero() {
				continue
			}
			values[attribute.name], changed = v, true
		}
		user["attributes"] = values
		delete(user, "credentials")
		if changed {
			if _, err := c.do(ctx, http.MethodPut, c.path("users", id), user, nil); err != nil && status(err) != http.StatusBadRequest {
				return err
			}
		}
	}
	return c.join(ctx, id, groups)
}

// Accepted writes an acceptance into the user where the edit mode is WRITABLE. In
// any other mode the portal's own record is the only one.
func (f *Federated) Accepted(ctx context.Context, id string, a domain.Acceptance) error {
	u, err := f.user(ctx, id)
	if err != nil {
		return err
	}
	if link(u) != "" {
		if writable, err := f.isWritable(ctx, link(u)); err != nil || !writable {
			return err
		}
	}
	return f.accounts.Accepted(ctx, id, a)
}

// WriteAddress writes a personal address into the user where the edit mode is WRITABLE.
// The directory has checked the mark of the entry behind the user.
func (f *Federated) WriteAddress(ctx context.Context, id string, a domain.Account) error {
	u, err := f.user(ctx, id)
	if err != nil {
		return err
	}
	if link(u) != "" {
		if writable, err := f.isWritable(ctx, link(u)); err != nil || !writable {
			return err
		}
	}
	return f.accounts.writeAddress(ctx, id, a, func(gocloak.User) bool { return true })
}

// Holding returns the users of Keycloak's own with this login or this address.
func (f *Federated) Holding(ctx context.Context, login, address string) ([]domain.Existing, error) {
	for field, value := range map[string]*string{"username": &login, "email": &address} {
		n, err := f.stored(ctx, field, *value)
		if err != nil {
			return nil, fmt.Errorf("look up: %w", err)
		}
		if n == 0 {
			*value = "" // is not searched for
		}
	}
	return f.accounts.holding(ctx, login, address, func(u gocloak.User) bool { return link(u) == "" })
}
