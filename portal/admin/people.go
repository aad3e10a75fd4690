package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/clean"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/secret"
	"entree/portal/web"
)

// HelpDesk performs the acts of operators on people.
type HelpDesk interface {
	Case(ctx context.Context, id domain.PersonID) (helpdesk.Case, error)
	Conflict(ctx context.Context, p domain.Person) ([]domain.Existing, error)
	Correct(ctx context.Context, e audit.Entry, seen helpdesk.Seen, address, why string) error
	Amend(ctx context.Context, e audit.Entry, seen helpdesk.Seen, field, value, why string) error
	Send(ctx context.Context, e audit.Entry, seen helpdesk.Seen, journey domain.JourneyID) (domain.MessageKind, error)
	Unlock(ctx context.Context, e audit.Entry, seen helpdesk.Seen) error
	Hold(ctx context.Context, e audit.Entry, seen helpdesk.Seen, why string) error
	Release(ctx context.Context, e audit.Entry, seen helpdesk.Seen, why string) error
	Unfreeze(ctx context.Context, e audit.Entry, seen helpdesk.Seen, why string) error
	RemovePhone(ctx context.Context, e audit.Entry, seen helpdesk.Seen, why string) error
	Code(ctx context.Context, e audit.Entry, seen helpdesk.Seen, card, address string) (secret.Text, domain.DeskCode, error)
	AskFactor(ctx context.Context, e audit.Entry, seen helpdesk.Seen, why string) error
	AgreeFactor(ctx context.Context, e audit.Entry, seen helpdesk.Seen, why string) error
	CancelFactor(ctx context.Context, e audit.Entry, seen helpdesk.Seen, why string) error
	Adopt(ctx context.Context, e audit.Entry, seen helpdesk.Seen, account string) error
	Rename(ctx context.Context, e audit.Entry, seen helpdesk.Seen) error
	ClaimQueue(ctx context.Context, q helpdesk.ClaimQuery) (cases []helpdesk.ClaimCase, more bool, err error)
	ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error)
	AcceptClaim(ctx context.Context, e audit.Entry, by helpdesk.ClaimDecision) error
	RefuseClaim(ctx context.Context, e audit.Entry, by helpdesk.ClaimDecision) error
	AcceptedChanges(ctx context.Context, see func(helpdesk.AddressChange) error) error
	AcceptCertain(ctx context.Context, e audit.Entry, ids []string, why string) (accepted, left int, err error)
	SharedLimits(ctx context.Context) ([]helpdesk.SharedLimit, error)
	Lift(ctx context.Context, e audit.Entry, key string) error
	Chosen(ctx context.Context, ids []domain.PersonID) ([]helpdesk.Chosen, error)
	Sheets(ctx context.Context, e audit.Entry, o helpdesk.SheetOrder) ([]helpdesk.Sheet, error)
	CharterText(profile string) (title, text string)
}

// People searches the registry.
type People interface {
	FindPeople(ctx context.Context, q helpdesk.Query) (helpdesk.Page, error)
	Cohorts(ctx context.Context) ([]string, error)
}

const (
	pathPeople = "/admin/personnes"
	pathBulk   = "/admin/personnes/lot"
)

// PeoplePage is the data of templates/admin/people.html, GET /admin/personnes.
type PeoplePage struct {
	List          List
	States        []domain.PersonState
	Profiles      []Choice
	Cohorts       []string
	Rows          []PersonRow
	Near          []PersonRow // people who match nearly
	Count         int
	More, Loose   bool
	Before, After string
	Acts          bool // checkboxes and the bulk acts are shown
	Reason        string
}

// Choice is one value of a list to choose from, with its name in the page's
// language.
type Choice struct{ Key, Name string }

// PersonRow is one line of the list.
type PersonRow struct {
	domain.Person
	URL     string
	Profile string
	State   domain.PersonState
	Pick    string // id and version, the value of the checkbox for the bulk acts
	Picked  bool
	Acts    bool // the row has a checkbox
}

// In returns the row for a list with or without checkboxes.
func (r PersonRow) In(acts bool) PersonRow {
	r.Acts = acts
	return r
}

var peopleFilters = []string{"q", "etat", "profil", "cohorte"}

// wrongAddress is a value of the state filter in addition to the states of
// accounts. It selects the people whose address is marked as wrong, in any
// state.
const wrongAddress = "wrong"

// sorts maps the names of columns in the address to sort orders.
var sorts = map[string]helpdesk.Sort{"nom": helpdesk.ByName, "numero": helpdesk.ByNumber, "activation": helpdesk.ByActivation}

func (a *Console) people(v *visit) error {
	page, err := a.peoplePage(v)
	if err != nil {
		return err
	}
	if p, ok := page.only(); ok && v.Query("direct") != "" {
		return web.SeeOther(p.URL)
	}
	return v.show("people", page)
}

// only returns the one person whom the words of the search mean: the only match, or the
// only exact match if the words are the person's whole number, identifier or address.
// The search field of the frame opens this person at once.
func (p PeoplePage) only() (PersonRow, bool) {
	words := strings.TrimSpace(p.List.Filter("q"))
	if words == "" || len(p.Rows) != 1 || p.More || p.Before != "" {
		return PersonRow{}, false
	}
	row := p.Rows[0]
	isWhole := words == row.Number || strings.EqualFold(words, row.Login) || strings.EqualFold(words, string(row.Email)) || strings.EqualFold(words, string(row.Second()))
	return row, len(p.Near) == 0 || isWhole
}

// peoplePage returns the page of the list that the query of the address
// selects.
func (a *Console) peoplePage(v *visit) (PeoplePage, error) {
	list := v.list(peopleFilters, []string{"nom", "numero", "activation"})
	state, wrong := domain.PersonState(list.Filter("etat")), list.Filter("etat") == wrongAddress
	if wrong {
		state = ""
	}
	page, err := a.Directory.FindPeople(v.Request.Context(), helpdesk.Query{
		Words: clean.Prose(list.Filter("q")), State: state, Wrong: wrong, Profile: list.Filter("profil"), Cohort: list.Filter("cohorte"),
		Sort: sorts[list.Sort], Down: list.Desc, From: helpdesk.ParseCursor(v.Query("depuis")),
	})
	if err != nil {
		return PeoplePage{}, err
	}
	out := PeoplePage{
		List: list, States: append(domain.PersonStates(), wrongAddress), Count: page.Count, More: page.More, Loose: page.Loose, Acts: v.may(http.MethodPost, pathBulk),
	}
	if out.Cohorts, err = a.Directory.Cohorts(v.Request.Context()); err != nil {
		return out, err
	}
	names := map[string]string{}
	for _, p := range a.Profiles {
		name := p.Names[a.site.Lang(v.Context)]
		names[p.Key] = name
		out.Profiles = append(out.Profiles, Choice{p.Key, name})
	}
	rows := func(people []domain.Person) (rows []PersonRow) {
		for _, p := range people {
			rows = append(rows, PersonRow{Person: p, URL: personURL(p.ID), Profile: or(names[p.Profile], p.Profile), State: p.State(), Pick: string(p.ID) + " " + helpdesk.Version(p)})
		}
		return rows
	}
	out.Rows, out.Near = rows(page.People), rows(page.Near)
	turn := func(c helpdesk.Cursor) string {
		if c.ID == "" {
			return ""
		}
		return list.address(url.Values{"depuis": {c.String()}})
	}
	out.Before, out.After = turn(page.Prev), turn(page.Next)
	return out, nil
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

func personURL(id domain.PersonID) string { return pathPeople + "/" + url.PathEscape(string(id)) }

var bulkFields = []web.Field{
	{Name: "qui", Max: 200, Many: helpdesk.PageSize, Optional: true}, {Name: "geste", Max: 16}, {Name: "motif", Max: 1500, Prose: true, Optional: true},
	{Name: "confirme", Max: 3, Optional: true},
}

// bulk performs one act on each selected person, each in its own transaction.
// People who changed in the meantime or to whom the act does not apply are
// skipped and counted.
func (a *Console) bulk(v *visit, form web.Form) error {
	who := form.All("qui")
	if len(who) == 0 {
		return a.bulkAgain(v, form, wrong("", "console.people.none"))
	}
	var act func(helpdesk.Seen) error
	ctx := v.Request.Context()
	switch form["geste"] {
	case "fiches":
		return web.SeeOther(sheetsURL(who))
	case "retenir":
		act = func(s helpdesk.Seen) error { return a.Desk.Hold(ctx, v.entry("", "", nil), s, form["motif"]) }
	case "liberer":
		act = func(s helpdesk.Seen) error { return a.Desk.Release(ctx, v.entry("", "", nil), s, form["motif"]) }
	case "renvoyer":
		act = func(s helpdesk.Seen) error {
			_, err := a.Desk.Send(ctx, v.entry("", "", nil), s, "")
			return err
		}
	default:
		return web.Malformed("no such act")
	}
	if form["geste"] != "renvoyer" && strings.TrimSpace(form["motif"]) == "" {
		return a.bulkAgain(v, form, wrong("motif", "console.people.reason"))
	}
	if form["confirme"] == "" {
		return v.ask(ConfirmPage{Act: "console.act.personnes.lot." + form["geste"], Args: []any{"Count", len(who), "Reason", form["motif"]}}, form)
	}
	done, left := 0, 0
	for _, pick := range who {
		var refusal *helpdesk.Refusal
		switch err := act(picked(pick)); {
		case err == nil:
			done++
		case errors.As(err, &refusal), errors.Is(err, domain.ErrNotFound):
			left++
		default:
			return err
		}
	}
	return v.done(pathPeople, "console.people.done", "Count", done, "Left", left)
}

// bulkAgain shows the list again with the submitted selection and reason.
func (a *Console) bulkAgain(v *visit, form web.Form, f fault) error {
	back, err := url.Parse(backOf(v.Context))
	if err != nil || back.Path != pathPeople {
		back = &url.URL{Path: pathPeople}
	}
	v.Request.URL = back
	page, err := a.peoplePage(v)
	if err != nil {
		return err
	}
	page.Reason = form["motif"]
	for i, row := range page.Rows {
		page.Rows[i].Picked = slices.ContainsFunc(form.All("qui"), func(pick string) bool {
			return picked(pick).Person == row.ID
		})
	}
	return v.again("people", page, f)
}

func peopleSamples() []any {
	p := domain.Person{ID: "p", Profile: "etudiant", Number: "22502142", GivenName: "Jeanne", FamilyName: "d’Arc", Email: "a@exemple.fr", Hold: "doute", ActivatedAt: time.Unix(0, 0)}
	return []any{PeoplePage{}, PeoplePage{
		States: domain.PersonStates(), Profiles: []Choice{{"etudiant", "Étudiant"}}, Cohorts: []string{"L1"}, Count: 1000, More: true, Loose: true,
		Rows: []PersonRow{{p, "/admin/personnes/p", "Étudiant", domain.StateHeld, "p v", true, false}}, Near: []PersonRow{{p, "/admin/personnes/p", "Étudiant", domain.StateHeld, "p v", false, false}}, Before: "/", After: "/", Acts: true, Reason: "doute",
	}}
}
