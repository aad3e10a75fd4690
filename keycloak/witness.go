package keycloak

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/Nerzal/gocloak/v13"
)

// witnessAttribute is an attribute of the service account. It holds the time up
// to which Keycloak has seen the work of the portal, in microseconds.
const witnessAttribute = "entreeWitness"

// Witness returns the time that SetWitness stored, or the zero time if there is
// none. It is stored in Keycloak, so a restored database of the portal does not
// change it.
func (c *Client) Witness(ctx context.Context) (time.Time, error) {
	user, err := c.itself(ctx)
	if err != nil || user.Attributes == nil || len((*user.Attributes)[witnessAttribute]) != 1 {
		return time.Time{}, err
	}
	us, err := strconv.ParseInt((*user.Attributes)[witnessAttribute][0], 10, 64)
	if err != nil {
		return time.Time{}, nil // the attribute was edited by hand
	}
	return time.UnixMicro(us).UTC(), nil
}

// SetWitness stores a time in the portal's service account.
func (c *Client) SetWitness(ctx context.Context, at time.Time) error {
	user, err := c.itself(ctx)
	if err != nil {
		return err
	}
	if user.Attributes == nil {
		user.Attributes = &map[string][]string{}
	}
	(*user.Attributes)[witnessAttribute] = []string{strconv.FormatInt(at.UnixMicro(), 10)}
	_, err = c.do(ctx, http.MethodPut, c.path("users", *user.ID), user, nil)
	return err
}

// itself reads the user of the service account.
func (c *Client) itself(ctx context.Context) (gocloak.User, error) {
	var claims struct{ Sub string }
	if err := c.claims(ctx, &claims); err != nil {
		return gocloak.User{}, err
	}
	var user gocloak.User
	if _, err := c.do(ctx, http.MethodGet, c.path("users", claims.Sub), nil, &user); err != nil {
		return user, err
	}
	if user.ID == nil {
		return user, &Error{Cause: errors.New("the response has no user id")}
	}
	return user, nil
}
