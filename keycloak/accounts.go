package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Nerzal/gocloak/v13"

	"entree/internal/domain"
)

// Accounts creates accounts in the client's realm and replaces their passwords. It
// implements domain.Accounts.
type Accounts struct {
	*Client
	// Console is the client id of the portal's console: an account with a role of
	// it is privileged. Empty: there is none.
	Console string
	// PasskeyHost is the host at which browsers reach Keycloak: passkeys belong to it
	// unless the realm's policy names another one.
	PasskeyHost string
	Clock       func() time.Time    // nil: time.Now
	scope       string              // of eduPersonPrincipalName
	numbers     map[string][]string // see WithNumbers
	page        int                 // accounts in one request of Each; 0: readPage
	// relyingParties and clientIDs are asked for once a minute. Their keys are empty, and
	// the names of clients.
	relyingParties, clientIDs *remembered[string]
}

// Accounts returns the accounts of the realm. scope is the domain after the @ of
// eduPersonPrincipalName.
func (c *Client) Accounts(scope string) *Accounts {
	return &Accounts{Client: c, scope: scope, relyingParties: &remembered[string]{}, clientIDs: &remembered[string]{}}
}

func (c *Accounts) now() time.Time {
	if c.Clock == nil {
		return time.Now()
	}
	return c.Clock()
}

// Create creates an account with one POST that carries everything, the hashed
// password included (S41). The answers mean:
//
//	201 with the user's id             created
//	201 without one, another 2xx, 409  look it up: the portal's by its mark, or foreign
//	no answer, 5xx                     look it up: if it is not there, try again later
//	400 that names a field             *domain.AccountRefused: the value or the rule must change
//	any other 400                      try again later: "Could not create user" is what Keycloak
//	                                   answers while a federated directory is slow or away
//	401, 403, 404, 429                 try again later: an administrator must repair the realm
//
// If a.Seek is set, the person is looked up by number first: after a restored
// backup, or in a realm with accounts of another origin, the portal may not know an
// account of the person, and would assign another identifier (docs/model, the step
// "seek"). Keycloak reads all its users for that, so Seek is set only then.
//
// Create never changes an account that exists already (S42).
func (c *Accounts) Create(ctx context.Context, a domain.Account) (string, error) {
	if a.ActivationID == "" {
		return "", domain.Permanent(errors.New("keycloak: an account without an activation id could not be recognised"))
	}
	select {
	case c.inFlight <- struct{}{}:
		defer func() { <-c.inFlight }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if a.Seek {
		if id, err := c.seek(ctx, a); err != nil || id != "" {
			return id, err
		}
	}
	header, err := c.do(ctx, http.MethodPost, c.path("users"), c.representation(a), nil)
	if err == nil {
		if id := locationID(header.Get("Location")); id != "" {
			return id, nil
		}
		err = &Error{Cause: errors.New("the response has no user id")}
	}
	switch s := status(err); {
	case s == http.StatusBadRequest:
		return "", refusal(err, a, c.scope)
	case s == 0, s == http.StatusConflict, s >= 500:
		return c.find(ctx, a, err)
	default:
		return "", err
	}
}

// refusal returns a permanent *domain.AccountRefused if Keycloak's answer names
// the field that it refuses, and err otherwise.
func refusal(err error, a domain.Account, scope string) error {
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Field == "" {
		return err
	}
	r := &domain.AccountRefused{Field: fieldOf(e.Field), Rule: e.Code}
	if values := valuesOf(a, scope)[e.Field]; len(values) > 0 {
		r.Class = domain.ValueClass(values[0])
	} else {
		r.Class = domain.ValueClass("")
	}
	return domain.Permanent(r)
}

// lasting marks a refusal of a value as permanent: the job that wrote it ends.
func lasting(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusBadRequest && e.Field != "" {
		return domain.Permanent(err)
	}
	return err
}

func (c *Accounts) representation(a domain.Account) gocloak.User {
	values := map[string][]string{"locale": {string(a.Lang)}}
	for _, attribute := range attributes {
		if v := attribute.value(a, c.scope); len(v) > 0 {
			values[attribute.name] = v
		}
	}
	groups := a.Groups
	user := gocloak.User{
		Username: &a.Login, Email: &a.UniversityAddress, EmailVerified: gocloak.BoolP(true), Enabled: gocloak.BoolP(true),
		FirstName: &a.GivenName, LastName: &a.FamilyName, Attributes: &values, Groups: &groups,
	}
	if a.Credential != (domain.Credential{}) { // an account that gets a passkey has no password
		user.Credentials = &[]gocloak.CredentialRepresentation{{
			Type: gocloak.StringP("password"), CredentialData: &a.Credential.Data, SecretData: &a.Credential.Secret, Temporary: gocloak.BoolP(false),
		}}
	}
	return user
}

// find looks the account up by its exact login and by its exact address. If there
// is neither, it returns cause: the account was not created.
func (c *Accounts) find(ctx context.Context, a domain.Account, cause error) (string, error) {
	for _, by := range []string{"username=" + url.QueryEscape(a.Login), "email=" + url.QueryEscape(a.UniversityAddress)} {
		id, err := c.ours(ctx, a, by, nil)
		if err != nil && !errors.Is(err, domain.ErrForeignAccount) {
			return "", fmt.Errorf("after %w: look up: %w", cause, err)
		}
		if err != nil || id != "" {
			return id, err
		}
	}
	return "", cause
}

// Accepted writes the charter that was accepted last into an account. Keycloak
// replaces all attributes at once, so the user is read first and every other
// attribute is sent back unchanged.
func (c *Accounts) Accepted(ctx context.Context, id string, a domain.Acceptance) error {
	if locationID(id) != id || id == "" {
		return domain.Permanent(errors.New("keycloak: the id is not that of a user"))
	}
	var user gocloak.User
	if _, err := c.do(ctx, http.MethodGet, c.path("users", id), nil, &user); err != nil {
		if status(err) == http.StatusNotFound {
			return domain.Permanent(err)
		}
		return err
	}
	if user.Attributes == nil {
		user.Attributes = &map[string][]string{}
	}
	now := domain.Account{CharterVersion: a.Version, CharterSHA256: a.SHA256, CharterAcceptedAt: a.At}
	for _, attribute := range attributes {
		if strings.HasPrefix(attribute.name, charterAttributes) {
			(*user.Attributes)[attribute.name] = attribute.value(now, c.scope)
		}
	}
	_, err := c.do(ctx, http.MethodPut, c.path("users", id), user, nil)
	return lasting(err)
}

// WriteAddress implements domain.Accounts. Keycloak has no condition for an update: if
// another writer sends older attributes between the reading and the writing, the
// address is read again and written once more.
func (c *Accounts) WriteAddress(ctx context.Context, id string, a domain.Account) error {
	return c.writeAddress(ctx, id, a, func(u gocloak.User) bool {
		return a.ActivationID != "" && u.Attributes != nil && slices.Equal((*u.Attributes)[markAttribute], []string{a.ActivationID}) && gocloak.PString(u.FederationLink) == ""
	})
}

// writes limits how often an address is written that other writers overwrite.
const writes = 3

func (c *Accounts) writeAddress(ctx context.Context, id string, a domain.Account, isOurs func(gocloak.User) bool) error {
	if locationID(id) != id || id == "" {
		return domain.Permanent(&domain.AccountBarred{Bar: domain.BarGone})
	}
	for written := range writes {
		var user gocloak.User
		if _, err := c.do(ctx, http.MethodGet, c.path("users", id), nil, &user); err != nil {
			if status(err) == http.StatusNotFound {
				return domain.Permanent(&domain.AccountBarred{Bar: domain.BarGone})
			}
			return err
		}
		if !isOurs(user) {
			return domain.Permanent(&domain.AccountBarred{Bar: domain.BarForeign})
		}
		if user.Attributes == nil {
			user.Attributes = &map[string][]string{}
		}
		want := one(a.Attributes[domain.AttributeAddress])
		has := (*user.Attributes)[domain.AttributeAddress]
		if slices.Equal(has, want) || written > 0 && len(has) == 0 { // the realm does not declare the attribute
			return nil
		}
		if (*user.Attributes)[domain.AttributeAddress] = want; len(want) == 0 {
			delete(*user.Attributes, domain.AttributeAddress)
		}
		if _, err := c.do(ctx, http.MethodPut, c.path("users", id), user, nil); err != nil {
			return lasting(err)
		}
	}
	return errOverwritten
}

// errOverwritten is returned while another writer overwrites the address.
var errOverwritten = errors.New("keycloak: the personal address did not stay in the account as it was written")

// ours returns the id of the account that a search finds, if it has the mark and
// the login of this activation, and domain.ErrForeignAccount for any other. Found
// accounts for which counts returns false do not count; counts may be nil.
func (c *Accounts) ours(ctx context.Context, a domain.Account, search string, counts func(gocloak.User) bool) (string, error) {
	var users []gocloak.User
	if _, err := c.do(ctx, http.MethodGet, c.path("users")+"?exact=true&briefRepresentation=false&"+search, nil, &users); err != nil {
		return "", err
	}
	if counts != nil {
		users = slices.DeleteFunc(users, func(u gocloak.User) bool { return !counts(u) })
	}
	if len(users) == 0 {
		return "", nil
	}
	u := users[0] // if there are several, none of them is the portal's alone
	id := locationID(gocloak.PString(u.ID))
	if len(users) == 1 && u.Attributes != nil && len((*u.Attributes)[markAttribute]) == 1 && (*u.Attributes)[markAttribute][0] == a.ActivationID &&
		strings.EqualFold(gocloak.PString(u.Username), a.Login) && id != "" {
		return id, nil
	}
	return "", domain.ErrForeignAccount
}

// userID matches a UUID, or the id of a user of a federation that does not import
// users: f:COMPONENT:NAME.
var userID = regexp.MustCompile(`(?:^|/)((?:f:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?::[^/:?#%\s\\]{1,255})?)$`)

// locationID returns the user's id at the end of a Location, or an empty string
// if it has none of the right form.
func locationID(location string) string {
	m := userID.FindStringSubmatch(location)
	if m == nil || strings.HasPrefix(m[1], "f:") != (strings.Count(m[1], ":") == 2) || !strings.HasPrefix(m[1], "f:") && strings.Contains(m[1], ":") {
		return ""
	}
	return m[1]
}
