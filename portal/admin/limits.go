package admin

import (
	"errors"
	"net/http"
	"time"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/portal/web"
)

const (
	pathLimits = "/admin/limites"
	pathLift   = "/admin/limites/lever"
)

// LimitsPage is the data of templates/admin/limits.html, GET /admin/limites.
type LimitsPage struct {
	Limits []helpdesk.SharedLimit
	Lifts  bool // the operator may lift a limit
}

var liftFields = []web.Field{{Name: "limite", Max: 128}}

func (a *Console) limits(v *visit) error {
	all, err := a.Desk.SharedLimits(v.Request.Context())
	if err != nil {
		return err
	}
	return v.show("limits", LimitsPage{all, v.may(http.MethodPost, pathLift)})
}

// lift resets the counter of a network or of all visitors.
func (a *Console) lift(v *visit, form web.Form) error {
	err := a.Desk.Lift(v.Request.Context(), v.entry("", "", nil), form["limite"])
	if errors.As(err, new(*helpdesk.Refusal)) {
		return web.Malformed("not a shared limit")
	}
	if err != nil {
		return err
	}
	return v.done(pathLimits, "console.limits.lifted")
}

func limitsSamples() []any {
	free := domain.Level{Counted: 600, Free: time.Unix(0, 0)}
	return []any{LimitsPage{}, LimitsPage{Lifts: true, Limits: []helpdesk.SharedLimit{
		{Kind: "mail-total", Key: "mail-total", Used: 3, Of: 6000},
		{Kind: "wrong-total", Key: "wrong-total", Used: 3, Of: 5000}, {Kind: "desk-total", Key: "desk-total", Used: 3, Of: 5000},
		{Kind: "sms-day", Key: "sms-day", Used: 3, Of: 2000}, {Kind: "sms-month", Key: "sms-month", Used: 3, Of: 20000},
		{Kind: "mail-client", Network: "192.0.2.0/24", Key: "mail-client:192.0.2.0/24", Used: 600, Of: 600, Level: free},
		{Kind: "wrong-client", Network: "192.0.2.0/24", Key: "wrong-client:192.0.2.0/24", Used: 60, Of: 60, Level: free},
	}}}
}
