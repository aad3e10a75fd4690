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
	"entree/internal/matching"
	"entree/portal/web"
)

const (
	pathAccounts = "/admin/comptes"
	pathMatch    = "/admin/comptes/personne"
)

// Matching carries out decisions about accounts that may belong to a person.
type Matching interface {
	// Case returns a person with the open matches, and each account as the realm
	// has it now.
	Case(ctx context.Context, id domain.PersonID) (domain.Person, []matching.Candidate, error)
	Confirm(ctx context.Context, e audit.Entry, p domain.PersonID, account, reason string) error
	Reject(ctx context.Context, e audit.Entry, p domain.PersonID, account, reason string) error
	// Order begins a comparison in the background and, if adopt is set, adopts
	// the certain matches after it. It returns at once.
	Order(e audit.Entry, adopt bool)
}

// Matches reads what the last comparison found.
type Matches interface {
	LastPass(ctx context.Context) (domain.MatchPass, error)
	MatchCounts(ctx context.Context) (map[domain.MatchClass]int, error)
	// MatchLines returns open matches of a class with their people. It returns
	// limit+1 matches if there are more.
	MatchLines(ctx context.Context, class domain.MatchClass, skip, limit int) ([]domain.Match, []domain.Person, error)
}

// AccountsPage is the data of templates/admin/accounts.html, GET /admin/comptes.
// Filter: classe.
type AccountsPage struct {
	Pass    domain.MatchPass
	Never   bool // no comparison was ever begun
	Running bool
	Percent int
	List    List
	Classes []Option
	Certain int // people with a certain match
	Rows    []MatchRow
	Decides bool // the operator may begin a comparison, adopt and decide
}

// MatchRow is one open match.
type MatchRow struct {
	domain.Match
	Name, Number, Kind, URL string
}

var (
	orderFields    = []web.Field{{Name: "confirme", Max: 3, Optional: true}}
	decisionFields = []web.Field{{Name: "compte", Max: 400}, {Name: "motif", Max: 1500, Prose: true, Optional: true}}
)

// accountsTable adds the routes of the existing accounts.
func (a *Console) accountsTable() {
	a.get(pathAccounts, a.accounts, everybody...)
	a.stream(pathAccounts+"/direct", a.accountsLive, everybody...)
	a.post(pathAccounts+"/comparer", a.compareAccounts, nil, admins...)
	a.post(pathAccounts+"/adopter", a.adoptAccounts, orderFields, admins...).stepUpConfirmed()
	a.get(pathMatch+"/:id", a.match, everybody...)
	a.post(pathMatch+"/:id/confirmer", a.confirmMatch, decisionFields, admins...).stepUp()
	a.post(pathMatch+"/:id/rejeter", a.rejectMatch, decisionFields, admins...).stepUp()
}

func (a *Console) accounts(v *visit) error {
	ctx := v.Request.Context()
	page, err := a.pass(ctx)
	if err != nil {
		return err
	}
	page.List = v.list([]string{"classe"}, []string{"nom"})
	page.Decides = v.may(http.MethodPost, pathAccounts+"/comparer")
	counts, err := a.Matches.MatchCounts(ctx)
	if err != nil {
		return err
	}
	page.Certain = counts[domain.MatchCertain]
	chosen := domain.MatchClass("")
	for _, class := range domain.MatchClasses() {
		if page.List.Filter("classe") == string(class) {
			chosen = class
		}
		page.Classes = append(page.Classes, Option{Value: string(class), Text: string(class), Chosen: chosen == class})
	}
	matches, people, err := a.Matches.MatchLines(ctx, chosen, page.List.Skip(), page.List.Per)
	if err != nil {
		return err
	}
	if page.List.More = len(matches) > page.List.Per; page.List.More {
		matches = matches[:page.List.Per]
	}
	page.List.Count = len(matches)
	kinds := a.profileNames(a.site.Lang(v.Context))
	for _, m := range matches {
		i := slices.IndexFunc(people, func(p domain.Person) bool { return p.ID == m.Person })
		if i < 0 {
			continue // erased meanwhile
		}
		p := people[i]
		page.Rows = append(page.Rows, MatchRow{m, strings.TrimSpace(p.FamilyName + " " + p.GivenName), p.Number, or(kinds[p.Profile], p.Profile), pathMatch + "/" + string(p.ID)})
	}
	return v.show("accounts", page)
}

// pass returns the state of the last comparison.
func (a *Console) pass(ctx context.Context) (AccountsPage, error) {
	var page AccountsPage
	var err error
	page.Pass, err = a.Matches.LastPass(ctx)
	if page.Never = errors.Is(err, domain.ErrNotFound); page.Never {
		err = nil
	}
	page.Running = page.Pass.IsRunning(a.Now())
	if page.Pass.Expected > 0 {
		page.Percent = min(99, 100*page.Pass.Accounts/page.Pass.Expected)
	}
	return page, err
}

func (a *Console) accountsLive(v *visit) error {
	return v.live("accounts", "pass", 2*time.Second, func(ctx context.Context) (any, error) { return a.pass(ctx) })
}

func (a *Console) compareAccounts(v *visit, _ web.Form) error {
	e := v.entry("accounts.compared", "", nil)
	if err := a.Journal.Note(v.Request.Context(), e); err != nil {
		return err
	}
	a.Matching.Order(e, false)
	return v.done(pathAccounts, "console.accounts.ordered")
}

func (a *Console) adoptAccounts(v *visit, form web.Form) error {
	if form["confirme"] == "" {
		counts, err := a.Matches.MatchCounts(v.Request.Context())
		if err != nil {
			return err
		}
		return v.ask(ConfirmPage{Act: "console.act.comptes.adopter.tous", Args: []any{"Count", counts[domain.MatchCertain]}}, form)
	}
	a.Matching.Order(v.entry("", "", nil), true)
	return v.done(pathAccounts, "console.accounts.ordered")
}

// MatchPage is the data of templates/admin/match.html, GET
// /admin/comptes/personne/:id.
type MatchPage struct {
	domain.Person
	Name, Kind, Path, PersonURL string
	Candidates                  []matching.Candidate
	Silent                      bool // Keycloak did not answer
	Decides                     bool
	Account, Why                string // values of a refused decision
}

func (a *Console) match(v *visit) error {
	page, err := a.matchPage(v)
	if err != nil {
		return err
	}
	return v.show("match", page)
}

func (a *Console) matchPage(v *visit) (MatchPage, error) {
	id := domain.PersonID(v.Param("id"))
	p, found, err := a.Matching.Case(v.Request.Context(), id)
	page := MatchPage{Person: p, Candidates: found, Path: pathMatch + "/" + string(id), PersonURL: personURL(id), Decides: v.may(http.MethodPost, pathMatch+"/:id/confirmer")}
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return page, &web.Error{Status: http.StatusNotFound, Key: "not_found", GoOn: pathAccounts, Label: "console.accounts.back"}
	case err != nil && p.ID != "": // the person was read: Keycloak does not answer
		a.site.Log(v.Context).Warn("an account could not be read", "error", err)
		page.Silent, page.Candidates = true, nil
	case err != nil:
		return page, err
	}
	page.Name = strings.TrimSpace(p.GivenName + " " + p.FamilyName)
	page.Kind = or(a.profileNames(a.site.Lang(v.Context))[p.Profile], p.Profile)
	return page, nil
}

func (a *Console) confirmMatch(v *visit, form web.Form) error {
	return a.decide(v, form, a.Matching.Confirm, "console.match.confirmed")
}

func (a *Console) rejectMatch(v *visit, form web.Form) error {
	return a.decide(v, form, a.Matching.Reject, "console.match.rejected")
}

// decide carries out a decision. A refused one shows the page again with the reason
// that was typed.
func (a *Console) decide(v *visit, form web.Form, act func(context.Context, audit.Entry, domain.PersonID, string, string) error, key string) error {
	id, fault := domain.PersonID(v.Param("id")), "console.refused.reason_missing"
	if strings.TrimSpace(form["motif"]) != "" {
		err := act(v.Request.Context(), v.entry("", "", nil), id, form["compte"], strings.TrimSpace(form["motif"]))
		switch {
		case err == nil:
			return v.done(pathAccounts, key)
		case errors.Is(err, matching.ErrTaken):
			fault = "console.match.taken"
		case errors.Is(err, domain.ErrConflict):
			fault = "console.match.changed"
		default:
			return err
		}
	}
	page, err := a.matchPage(v)
	if err != nil {
		return err
	}
	page.Account, page.Why = form["compte"], form["motif"]
	return v.again("match", page, wrong("motif", fault))
}

func accountsSamples() map[string][]any {
	at := time.Unix(0, 0)
	m := domain.Match{Person: "p", Account: "x", Login: "o1", Class: domain.MatchLikely, Evidence: []domain.Evidence{
		domain.EvidenceMark, domain.EvidenceNumber, domain.EvidenceLogin, domain.EvidenceAddress, domain.EvidencePersonal, domain.EvidenceNames,
		domain.AgainstNumber, domain.AgainstNames, domain.AgainstBirth, domain.AgainstDisabled, domain.AgainstOwned, domain.AgainstLogin,
	}}
	pass := domain.MatchPass{ID: "1", By: "Ada", Begun: at, Ended: at, State: domain.PassDone, Accounts: 2, People: 2, NoPerson: 1}
	failed := pass
	failed.State, failed.Error = domain.PassFailed, "keycloak: 403"
	var classes []Option
	for _, c := range domain.MatchClasses() {
		classes = append(classes, Option{string(c), string(c), false})
	}
	list := List{Total: -1, Count: 1, Page: 1, Per: 1}
	gone := m
	gone.Account, gone.Login = "y", "o2"
	account := domain.Existing{ID: "x", Login: "o1", Enabled: true, CreatedAt: at, LastLogin: at, Attributes: map[string][]string{"a": {"b", "c"}}}
	return map[string][]any{
		"accounts": {
			AccountsPage{Never: true, List: List{Total: -1}, Classes: classes, Decides: true},
			AccountsPage{Pass: failed, List: List{Total: -1}, Classes: classes},
			AccountsPage{Pass: pass, Running: true, Percent: 3, List: list, Classes: classes, Certain: 2, Decides: true, Rows: []MatchRow{{m, "Jeanne d’Arc", "1", "Étudiant", root}}},
			AccountsPage{Pass: pass, List: list, Classes: classes, Certain: 2, Decides: true, Rows: []MatchRow{{m, "Jeanne d’Arc", "1", "Étudiant", root}}},
		},
		"match": {
			MatchPage{Name: "Jeanne d’Arc", Path: root, PersonURL: root, Silent: true},
			MatchPage{Name: "Jeanne d’Arc", Path: root, PersonURL: root, Decides: true, Account: "x", Why: "?", Candidates: []matching.Candidate{{Match: m, Existing: account}, {Match: gone, Gone: true}}},
		},
	}
}
