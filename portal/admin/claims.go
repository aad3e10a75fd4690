package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/clean"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/spreadsheet"
	"entree/portal/web"
)

const pathClaims = "/admin/adresses"

// ClaimsPage is the data of templates/admin/claims.html, GET /admin/adresses.
// Filters: etat, q.
type ClaimsPage struct {
	List    List
	States  []ClaimOption
	Rows    []ClaimRow
	Certain []ClaimRow // those of Rows that can be accepted together
	Decides bool       // the operator may accept and refuse
	Days    int        // in which the old address can object
	Card    bool       // claimants are asked for an identity card
	Refused string     // id of the claim whose decision was refused, or bulk
	Reason  string     // typed with it
	Picked  []string   // ids of the claims that were ticked
}

// IsPicked reports whether a claim was ticked in the form that is shown again.
func (p ClaimsPage) IsPicked(id string) bool { return slices.Contains(p.Picked, id) }

// ClaimOption is a filter with the number of its claims.
type ClaimOption struct {
	Option
	Count int64
}

// ClaimRow is one claim beside the registry.
type ClaimRow struct {
	helpdesk.ClaimCase
	PersonURL string // empty: no person has the number
	Mine      bool   // this operator agreed to it: a second one must accept it
}

// Filters of the queue that stand for more than one state.
const (
	claimsOpen    = "open"    // waits for an operator
	claimsDecided = "decided" // by operators
)

// bulkClaims is the part of a route and of a field's id for the form that accepts
// claims together.
const bulkClaims = "lot"

var (
	claimDecisionFields = []web.Field{{Name: "motif", Max: 1500, Prose: true, Optional: true}, {Name: "carte", Max: 3, Optional: true}}
	claimBulkFields     = []web.Field{{Name: "motif", Max: 1500, Prose: true, Optional: true}, {Name: "demande", Max: 64, Many: perPage, Optional: true}}
)

// claimsTable adds the routes of the queue of addresses.
func (a *Console) claimsTable() {
	a.get(pathClaims, a.claims, registrars...)
	a.download(pathClaims+"/export", a.claimsExport, deciders...).stepUp()
	a.post(pathClaims+"/:id/accepter", a.acceptClaim, claimDecisionFields, deciders...).stepUp()
	a.post(pathClaims+"/:id/refuser", a.refuseClaim, claimDecisionFields, deciders...)
	a.post(pathClaims+"/"+bulkClaims, a.acceptClaims, claimBulkFields, deciders...).stepUp()
}

func (a *Console) claims(v *visit) error {
	page, err := a.claimsPage(v)
	if err != nil {
		return err
	}
	return v.show("claims", page)
}

// claimStates returns the states that a filter stands for.
func claimStates(filter string) []domain.ClaimState {
	switch s := domain.ClaimState(filter); {
	case filter == claimsDecided:
		return []domain.ClaimState{domain.ClaimAccepted, domain.ClaimObjected, domain.ClaimDone, domain.ClaimRefused}
	case slices.Contains(domain.ClaimStates(), s):
		return []domain.ClaimState{s}
	}
	return []domain.ClaimState{domain.ClaimWaiting, domain.ClaimAgreed}
}

func (a *Console) claimsPage(v *visit) (ClaimsPage, error) {
	ctx := v.Request.Context()
	page := ClaimsPage{
		List: v.list([]string{"etat", "q"}, []string{"demande"}), Decides: v.may(http.MethodPost, pathClaims+"/:id/accepter"),
		Days: int(a.ClaimRules.ObjectionTime().Hours() / 24), Card: a.ClaimRules.AsksCard(),
	}
	counts, err := a.Desk.ClaimCounts(ctx)
	if err != nil {
		return page, err
	}
	states := claimStates(page.List.Filter("etat"))
	for _, filter := range append([]string{claimsOpen, claimsDecided}, stateNames()...) {
		isPart := filter == string(domain.ClaimWaiting) || filter == string(domain.ClaimAgreed)
		if isPart && a.ClaimRules.Eyes < 2 && counts[domain.ClaimAgreed] == 0 {
			continue // every claim that waits is a waiting one
		}
		of := claimStates(filter)
		option := ClaimOption{Option: Option{Value: filter, Text: filter, Chosen: slices.Equal(of, states)}}
		for _, s := range of {
			option.Count += counts[s]
		}
		page.States = append(page.States, option)
	}
	cases, more, err := a.Desk.ClaimQueue(ctx, helpdesk.ClaimQuery{States: states, Words: clean.Prose(page.List.Filter("q")), Skip: page.List.Skip(), Limit: page.List.Per})
	if err != nil {
		return page, err
	}
	page.List.More, page.List.Count = more, len(cases)
	for _, c := range cases {
		row := ClaimRow{ClaimCase: c, Mine: c.State == domain.ClaimAgreed && c.OperatorID == v.by.Subject}
		if c.Registry.ID != "" {
			row.PersonURL = personURL(c.Registry.ID)
		}
		page.Rows = append(page.Rows, row)
		if c.Certain && !row.Mine {
			page.Certain = append(page.Certain, row)
		}
	}
	return page, nil
}

func stateNames() (names []string) {
	for _, s := range domain.ClaimStates() {
		names = append(names, string(s))
	}
	return names
}

func (a *Console) acceptClaim(v *visit, form web.Form) error {
	return a.decideClaim(v, form, a.Desk.AcceptClaim, "console.claims.done.accepted")
}

func (a *Console) refuseClaim(v *visit, form web.Form) error {
	return a.decideClaim(v, form, a.Desk.RefuseClaim, "console.claims.done.refused")
}

// decideClaim carries out a decision. A refused one shows the page again with the
// reason that was typed.
func (a *Console) decideClaim(v *visit, form web.Form, act func(context.Context, audit.Entry, helpdesk.ClaimDecision) error, key string) error {
	id := v.Param("id")
	err := act(v.Request.Context(), v.entry("", "", nil), helpdesk.ClaimDecision{ID: id, Reason: strings.TrimSpace(form["motif"]), CardSeen: form["carte"] != ""})
	if err == nil {
		return v.done(pathClaims, key)
	}
	return a.claimsAgain(v, form, id, err)
}

// acceptClaims accepts the ticked claims that are certain.
func (a *Console) acceptClaims(v *visit, form web.Form) error {
	ids := form.All("demande")
	if len(ids) == 0 {
		return a.claimsAgain(v, form, bulkClaims, &helpdesk.Refusal{Reason: noneTicked})
	}
	accepted, left, err := a.Desk.AcceptCertain(v.Request.Context(), v.entry("", "", nil), ids, strings.TrimSpace(form["motif"]))
	if err != nil {
		return a.claimsAgain(v, form, bulkClaims, err)
	}
	return v.done(pathClaims, "console.claims.done.bulk", "Count", accepted, "Left", left)
}

// noneTicked is the reason of a form that names no claim.
const noneTicked helpdesk.Reason = "none_ticked"

// claimsAgain shows the page again after a refused decision, with what was typed. It
// returns any other error.
func (a *Console) claimsAgain(v *visit, form web.Form, id string, err error) error {
	var refused *helpdesk.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	page, err := a.claimsPage(v)
	if err != nil {
		return err
	}
	page.Refused, page.Reason, page.Picked = id, form["motif"], form.All("demande")
	return v.again("claims", page, wrong("motif-"+id, "console.refused."+string(refused.Reason)))
}

// claimsExport writes the final changes of addresses for the enrolment system. The
// export is recorded in the audit before the first line is sent.
func (a *Console) claimsExport(v *visit) error {
	if err := v.note("claims.exported", "", nil); err != nil {
		return err
	}
	header := []string{"profile", "number", "old_address", "new_address", "at", "by", "second"}
	return v.csv("adresses", header, func(sheet *spreadsheet.Writer) error {
		return a.Desk.AcceptedChanges(v.Request.Context(), func(c helpdesk.AddressChange) error {
			return sheet.Write(c.Profile, c.Number, string(c.Old), string(c.New), c.At.UTC().Format(time.RFC3339), or(c.By, "student"), c.Second)
		})
	})
}

func claimsSamples() []any {
	at := time.Unix(0, 0)
	c := helpdesk.ClaimCase{
		Claim: domain.Claim{
			ID: "c1", State: domain.ClaimWaiting, Number: "22502142", GivenName: "Jeane", FamilyName: "Martin", BirthDate: "2004-03-17", Address: "j@exemple.fr",
			Client: "192.0.2.0/32", AskedAt: at, ProvenAt: at,
		},
		Registry: domain.Person{ID: "p1", Number: "22502142", GivenName: "Jeanne", FamilyName: "Martin", BirthDate: "2004-03-17", Email: "jeanne@exemple.fr"},
		Typed:    []helpdesk.NamePart{{Text: "Jeane", Differs: true}, {Text: "Martin"}}, Known: []helpdesk.NamePart{{Text: "Jeanne", Differs: true}, {Text: "Martin"}},
	}
	for _, key := range []string{"number", "ine", "birth", "name", "unreachable"} {
		c.For = append(c.For, helpdesk.Point{Key: key})
	}
	for _, key := range []string{"number", "birth", "birth_unknown", "name_other", "name_near", "used", "open", "earlier", "earlier_refused", "network", "network_refused", "shared"} {
		c.Against = append(c.Against, helpdesk.Point{Key: key, Count: 2})
	}
	agreed := c
	agreed.ID, agreed.State, agreed.DecidedAt, agreed.Operator, agreed.Reason, agreed.CardSeen = "c3", domain.ClaimAgreed, at, "Ada Admin", "…", true
	decided := agreed
	decided.State, decided.OpensAt, decided.Second, decided.SecondReason = domain.ClaimAccepted, at, "Bob", "…"
	unknown := helpdesk.ClaimCase{Claim: c.Claim, Typed: c.Typed, Against: []helpdesk.Point{{Key: "number", Count: 1}}}
	unknown.ID = "c2"
	certain := c
	certain.ID, certain.Against, certain.Certain = "c4", nil, true
	var states []ClaimOption
	for _, s := range append([]string{claimsOpen, claimsDecided}, stateNames()...) {
		states = append(states, ClaimOption{Option{Value: s, Text: s, Chosen: s == claimsOpen}, 2})
	}
	return []any{
		ClaimsPage{Days: 3, States: states},
		ClaimsPage{
			Days: 3, States: states, Decides: true, Rows: []ClaimRow{{certain, root, false}, {c, root, false}, {unknown, "", false}, {agreed, root, true}}, Certain: []ClaimRow{{certain, root, false}},
			Refused: "c1", Reason: "…", Card: true,
		},
		ClaimsPage{Days: 1, States: states, Decides: true, Rows: []ClaimRow{{certain, root, false}}, Certain: []ClaimRow{{certain, root, false}}, Refused: bulkClaims, Reason: "…", Picked: []string{"c4"}},
		ClaimsPage{Days: 1, States: states, Rows: []ClaimRow{{decided, root, false}}},
	}
}
