package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"time"
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
	for first := 0; ; first += loginsPage {
		var events []struct {
			Time   int64  `json:"time"`
			UserID string `json:"userId"`
		}
		query := fmt.Sprintf("?type=LOGIN&direction=asc&dateFrom=%d&first=%d&max=%d", since.UnixMilli(), first, loginsPage)
		if _, err := c.do(ctx, http.MethodGet, c.path("events")+query, nil, &events); err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		page := make([]Login, 0, len(events))
		for _, e := range events {
			page = append(page, Login{At: time.UnixMilli(e.Time).UTC(), AccountID: e.UserID})
		}
		if err := see(page); err != nil {
			return err
		}
		if len(events) < loginsPage {
			return nil
		}
	}
}
