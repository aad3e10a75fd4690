package keycloak

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/Nerzal/gocloak/v13"
)

// witnessAttribute of the service account holds the time until which Keycloak
// has seen the portal's work, in microseconds.
const witnessAttribute = "entreeWitness"

// Witness gives the time that SetWitness left; zero where it never did. It lies
// in Keycloak, so a restored database of the portal does not take it back.
func (c *Client) Witness(ctx context.Context) (time.Time, error) {
	user, err := c.itself(ctx)
	if err != nil || user.Attributes == nil || len((*user.Attributes)[witnessAttribute]) != 1 {
		return time.Time{}, err
	}
	us, err := strconv.ParseInt((*user.Attributes)[witnessAttribute][0], 10, 64)
	if err != nil {
		return time.Time{}, nil // somebody wrote something else
	}
	return time.UnixMicro(us).UTC(), nil
}

// SetWitness leaves a time with the portal's own service account.
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

// itself reads the service account.
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
		return user, &Error{Cause: errors.New("a user without an id")}
	}
	return user, nil
}
