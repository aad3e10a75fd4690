package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/portal/web"
)

const pathClaims = "/admin/adresses"

// ClaimsPage is the data of templates/admin/claims.html, GET /admin/adresses.
// Filter: etat.
type ClaimsPage struct {
	List    List
	State   domain.ClaimState
	States  []ClaimOption
	Rows    []ClaimRow
	Decides bool   // the operator may accept and refuse
	Refused string // id of the claim whose decision was refused
	Reason  string // typed with it
}

// ClaimOption is a state with the number of its claims.
type ClaimOption struct {
	Option
	Count int64
}

// ClaimRow is one claim beside the registry.
type ClaimRow struct {
	helpdesk.ClaimCase
	PersonURL string // empty: no person has the number
}

var claimDecisionFields = []web.Field{{Name: "motif", Max: 1500, Prose: true, Optional: true}}

// claimsTable adds the routes of the queue of addresses.
func (a *Console) claimsTable() {
	a.get(pathClaims, a.claims, registrars...)
	a.post(pathClaims+"/:id/accepter", a.acceptClaim, claimDecisionFields, deciders...).stepUp()
	a.post(pathClaims+"/:id/refuser", a.refuseClaim, claimDecisionFields, deciders...)
}

func (a *Console) claims(v *visit) error {
	page, err := a.claimsPage(v)
	if err != nil {
		return err
	}
	return v.show("claims", page)
}

func (a *Console) claimsPage(v *visit) (ClaimsPage, error) {
	ctx := v.Request.Context()
	page := ClaimsPage{List: v.list([]string{"etat"}, []string{"demande"}), State: domain.ClaimWaiting, Decides: v.may(http.MethodPost, pathClaims+"/:id/accepter")}
	counts, err := a.Desk.ClaimCounts(ctx)
	if err != nil {
		return page, err
	}
	if s := domain.ClaimState(page.List.Filter("etat")); slices.Contains(domain.ClaimStates(), s) {
		page.State = s
	}
	for _, s := range domain.ClaimStates() {
		page.States = append(page.States, ClaimOption{Option{Value: string(s), Text: string(s), Chosen: s == page.State}, counts[s]})
	}
	cases, more, err := a.Desk.ClaimQueue(ctx, page.State, page.List.Skip(), page.List.Per)
	if err != nil {
		return page, err
	}
	page.List.More, page.List.Count = more, len(cases)
	for _, c := range cases {
		row := ClaimRow{ClaimCase: c}
		if c.Registry.ID != "" {
			row.PersonURL = personURL(c.Registry.ID)
		}
		page.Rows = append(page.Rows, row)
	}
	return page, nil
}

func (a *Console) acceptClaim(v *visit, form web.Form) error {
	return a.decideClaim(v, form, a.Desk.AcceptClaim, "console.claims.done.accepted")
}

func (a *Console) refuseClaim(v *visit, form web.Form) error {
	return a.decideClaim(v, form, a.Desk.RefuseClaim, "console.claims.done.refused")
}

// decideClaim carries out a decision. A refused one shows the page again with the
// reason that was typed.
func (a *Console) decideClaim(v *visit, form web.Form, act func(context.Context, audit.Entry, string, string) error, key string) error {
	id := v.Param("id")
	err := act(v.Request.Context(), v.entry("", "", nil), id, strings.TrimSpace(form["motif"]))
	var refused *helpdesk.Refusal
	if !errors.As(err, &refused) {
		if err != nil {
			return err
		}
		return v.done(pathClaims, key)
	}
	page, err := a.claimsPage(v)
	if err != nil {
		return err
	}
	page.Refused, page.Reason = id, form["motif"]
	return v.again("claims", page, wrong("motif-"+id, "console.refused."+string(refused.Reason)))
}

func claimsSamples() []any {
	at := time.Unix(0, 0)
	c := helpdesk.ClaimCase{
		Claim: domain.Claim{
			ID: "c1", State: domain.ClaimWaiting, Number: "22502142", GivenName: "Jeanne", FamilyName: "Martin", BirthDate: "2004-03-17", Address: "j@exemple.fr",
			Client: "192.0.2.0/32", AskedAt: at, ProvenAt: at,
		},
		Registry: domain.Person{ID: "p1", Number: "22502142", GivenName: "Jeanne", FamilyName: "Martin", BirthDate: "2004-03-17", Email: "jeanne@exemple.fr"},
		For:      []string{"number", "birth", "name", "unreachable"}, Earlier: 2,
		Against: []string{"number", "birth", "name", "name_near", "used", "earlier", "shared"},
	}
	decided := c
	decided.State, decided.DecidedAt, decided.OpensAt, decided.Operator, decided.Reason = domain.ClaimAccepted, at, at, "Ada Admin", "…"
	unknown := helpdesk.ClaimCase{Claim: c.Claim, Against: []string{"number"}}
	unknown.ID = "c2"
	var states []ClaimOption
	for _, s := range domain.ClaimStates() {
		states = append(states, ClaimOption{Option{Value: string(s), Text: string(s), Chosen: s == domain.ClaimWaiting}, 2})
	}
	return []any{
		ClaimsPage{State: domain.ClaimWaiting},
		ClaimsPage{State: domain.ClaimWaiting, States: states, Decides: true, Rows: []ClaimRow{{c, root}, {unknown, ""}}, Refused: "c1", Reason: "…"},
		ClaimsPage{State: domain.ClaimAccepted, States: states, Rows: []ClaimRow{{decided, root}}},
	}
}
