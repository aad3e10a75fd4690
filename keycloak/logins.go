package keycloak

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"entree/internal/domain"
)

// Login is one login event of the realm.
type Login struct {
	At        time.Time
	AccountID string
}

// loginsPage is the number of events in one request.
const loginsPage = 200

// Logins calls see with the login events of the realm since a time, oldest first,
// in pages of loginsPage events. It needs the role view-events and a realm that
// stores events.
//
// Keycloak compares with dateFrom in milliseconds and counts from first. Events
// that are written meanwhile come at the end, so no page shifts.
func (c *Client) Logins(ctx context.Context, since time.Time, see func([]Login) error) error {
	return c.events(ctx, "type=LOGIN", since, func(events []event) error {
		page := make([]Login, 0, len(events))
		for _, e := range events {
			page = append(page, Login{At: time.UnixMilli(e.Time).UTC(), AccountID: e.UserID})
		}
		return see(page)
	})
}

// FactorEvents calls see with the changes of users' factors since a time, in pages, as
// Logins does. A page may be empty: changes of passwords are left out. Changes by the admin
// API are no such events.
func (c *Client) FactorEvents(ctx context.Context, since time.Time, see func(changes []domain.FactorEvent, until time.Time) error) error {
	return c.events(ctx, "type=UPDATE_CREDENTIAL&type=REMOVE_CREDENTIAL", since, func(events []event) error {
		var page []domain.FactorEvent
		for _, e := range events {
			if kind, is := FactorKind(e.Details.CredentialType); is {
				page = append(page, domain.FactorEvent{
					At: time.UnixMilli(e.Time).UTC(), AccountID: e.UserID, Kind: kind, Removed: e.Type == "REMOVE_CREDENTIAL",
					Credential: cmp.Or(e.Details.CredentialID, e.Details.SelectedCredentialID),
				})
			}
		}
		return see(page, time.UnixMilli(events[len(events)-1].Time).UTC())
	})
}

// event is Keycloak's representation of a user's event.
type event struct {
	Time    int64  `json:"time"` // in milliseconds
	Type    string `json:"type"`
	UserID  string `json:"userId"`
	Details struct {
		CredentialType       string `json:"credential_type"`
		CredentialID         string `json:"credential_id"`          // of a removal by an action
		SelectedCredentialID string `json:"selected_credential_id"` // of a removal by the account API
	} `json:"details"`
}

// events calls see with the events of some types since a time, oldest first, in pages
// that are not empty.
func (c *Client) events(ctx context.Context, types string, since time.Time, see func([]event) error) error {
	for first := 0; ; first += loginsPage {
		var events []event
		query := fmt.Sprintf("?%s&direction=asc&dateFrom=%d&first=%d&max=%d", types, since.UnixMilli(), first, loginsPage)
		if _, err := c.do(ctx, http.MethodGet, c.path("events")+query, nil, &events); err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		if err := see(events); err != nil {
			return err
		}
		if len(events) < loginsPage {
			return nil
		}
	}
}
