package admin

import (
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/overview"
	"entree/portal/web"
)

// PersonPage is the data of templates/admin/person.html, GET
// /admin/personnes/:id.
type PersonPage struct {
	helpdesk.Case
	Path      string
	Name      string // full name of the person
	Kind      string // name of the profile
	State     domain.PersonState
	Birth     time.Time // zero: unknown
	Next      helpdesk.Next
	Source    string // address of the import that Next names; may be empty
	Forgotten string // address of the page for a forgotten password or username
	Lost      string // address of the page for a lost personal address
	Lines     []StoryLine
	Seen      string // version and current time, for the forms
	Helps     bool   // the operator's role may perform acts on the person
	Resolve   bool   // the operator's role may resolve a conflict
	Held      []domain.Existing
	Silent    bool // Keycloak did not answer
	Changes   []StoryLine
	CodeWaits domain.JourneyID // the newest journey that waits for its code
	Hurry     bool             // the account is waiting, and the operator may retry now
	Amend     string           // field that Keycloak refused and that the operator may correct; empty: none
	Value     string           // its value, or the one of a refused act

	// Values submitted with an act that was refused.
	Act, Address, Why, Card, NewAddress string
	FactorMine                          bool // this operator asked to remove the second factors: another one agrees
	MayClaims                           bool // the operator may open the queue of addresses
	MayExport, MayErase                 bool // the operator may export or erase all data about the person
}

// StoryLine is one line of the person's history, with the arguments of its
// message.
type StoryLine struct {
	At                          time.Time
	Key                         string // message key console.story.KEY
	By, Mail, From, To, Reason  string
	Version, Reference, Details string
	Field, Rule, Class          string            // of a value that Keycloak refused
	Factor                      domain.FactorKind // that was added or removed; empty: the line is about none
	SMS                         bool              // the message went by SMS, or would have
	URL                         string            // address of a page with details; may be empty
}

// FieldWords returns the name of the field whose value was refused.
func (l StoryLine) FieldWords(v web.View) string { return fieldWords(v, l.Field) }

// RuleWords returns why the value was refused.
func (l StoryLine) RuleWords(v web.View) template.HTML { return ruleWords(v, l.Rule, l.Class) }

// FieldWords returns the name of a person's field.
func (p PersonPage) FieldWords(v web.View, field string) string { return fieldWords(v, field) }

// Motive is the field for the reason in one form.
type Motive struct{ ID, Value string }

// Motive returns the field for the reason in a form, with the submitted value
// if the act of this form was refused.
func (p PersonPage) Motive(form string) Motive {
	m := Motive{ID: form + "-motif"}
	if p.Act == form {
		m.Value = p.Why
	}
	return m
}

func (a *Console) person(v *visit) error {
	page, err := a.personPage(v)
	if err != nil {
		return err
	}
	return v.show("person", page)
}

func (a *Console) personPage(v *visit) (PersonPage, error) {
	c, err := a.Desk.Case(v.Request.Context(), domain.PersonID(v.Param("id")))
	if errors.Is(err, domain.ErrNotFound) {
		return PersonPage{}, &web.Error{Status: http.StatusNotFound, Key: "not_found", GoOn: pathPeople, Label: "console.person.back"}
	}
	if err != nil {
		return PersonPage{}, err
	}
	page := PersonPage{
		Case: c, Path: personURL(c.ID), Name: strings.TrimSpace(c.GivenName + " " + c.FamilyName), Kind: or(a.profileNames(a.site.Lang(v.Context))[c.Profile], c.Profile), State: c.Person.State(), Next: c.Next(), Forgotten: a.site.URL("/mot-de-passe-oublie"), Lost: a.site.URL("/adresse-perdue"),
		Seen:       c.Version + " " + strconv.FormatInt(a.Now().UnixMicro(), 10),
		FactorMine: c.Factor.ID != "" && c.Factor.AskedByID == v.by.Subject,
		MayClaims:  v.may(http.MethodGet, pathClaims),
		MayExport:  v.may(http.MethodGet, pathPeople+"/:id/donnees"), MayErase: v.may(http.MethodPost, pathPeople+"/:id/effacer"),
		Helps: v.may(http.MethodPost, pathPeople+"/:id/adresse"), Resolve: v.may(http.MethodPost, pathPeople+"/:id/adopter"),
	}
	if value, ok := c.Amendable(); ok && v.may(http.MethodPost, pathPeople+"/:id/corriger") {
		page.Amend, page.Value = page.Next.Field, value
	}
	page.Hurry = page.State == domain.StateCreating && v.may(http.MethodPost, pathPeople+"/:id/reessayer")
	for _, w := range c.Under {
		if w.Sent && w.Step == domain.StepCode && page.CodeWaits == "" {
			page.CodeWaits = w.ID
		}
	}
	page.Birth, _ = time.Parse(time.DateOnly, c.BirthDate) // a date that is not valid is not shown
	source := func(id string) string {
		if id == "" || !v.may(http.MethodGet, pathImports+"/:id") {
			return ""
		}
		return pathImports + "/" + id
	}
	page.Source = source(page.Next.Import)
	for _, m := range c.Story {
		l := line(m)
		l.URL = source(m.What["import"])
		page.Lines = append(page.Lines, l)
	}
	if c.Can.Resolve && page.Resolve {
		var silent *helpdesk.Refusal
		page.Held, err = a.Desk.Conflict(v.Request.Context(), c.Person)
		if page.Silent = errors.As(err, &silent); page.Silent {
			err = nil
		}
	}
	return page, err
}

func line(m helpdesk.HistoryEntry) StoryLine {
	w := m.What
	kind := m.Kind
	if kind == string(domain.EventAccountParked) && w["why"] == "not adopted" {
		kind = "account.not_adopted"
	}
	var factor domain.FactorKind
	switch {
	case kind == string(domain.EventFactorAdded), kind == helpdesk.FactorKnown:
		factor = domain.FactorKind(w["kind"])
	case kind == string(domain.EventFactorDropped):
		factor = domain.FactorKind(w["kind"])
		if w["by"] == domain.ByAccounts {
			kind = "factor.gone"
		}
	}
	return StoryLine{
		Factor: factor,
		At:     m.At, Key: strings.ReplaceAll(kind, ".", "_"), By: or(m.By, w["operator"]), Mail: w["mail"], From: w["from"], To: w["to"],
		Reason: or(w["reason"], w["card"]), Version: w["version"], Reference: w["reference"], Details: or(or(w["login"], w["why"]), w["file"]),
		SMS: w["channel"] == string(domain.ChannelSMS), Field: w["field"], Rule: w["rule"], Class: w["class"],
	}
}

// Fields of the forms on a person's page. Field vu contains the version of the
// person that the operator saw, and the time.
var (
	seenField     = web.Field{Name: "vu", Max: 64}
	whyField      = web.Field{Name: "motif", Max: 1500, Prose: true}
	seenFields    = []web.Field{seenField}
	whyFields     = []web.Field{seenField, whyField}
	addressFields = []web.Field{seenField, whyField, {Name: "adresse", Max: 1024}}
	deskFields    = []web.Field{seenField, {Name: "piece", Max: 1500, Prose: true}, {Name: "nouvelle", Max: 1024, Optional: true}}
	sendFields    = []web.Field{seenField, {Name: "demande", Max: 64, Optional: true}} // id of the journey; empty: the mail that explains how to begin
	amendFields   = []web.Field{seenField, whyField, {Name: "champ", Max: 64}, {Name: "valeur", Max: 1024}}
	adoptFields   = []web.Field{seenField, {Name: "compte", Max: 64}}
)

func seen(v *visit, form web.Form) (helpdesk.Seen, time.Time) {
	version, at, _ := strings.Cut(form["vu"], " ")
	return helpdesk.Seen{Person: domain.PersonID(v.Param("id")), Version: version}, time.UnixMicro(number(at))
}

// acted ends an act. If err is nil it redirects to the person's page with a
// message; if err is a refusal it shows the page again with the submitted
// values and the reason.
func (a *Console) acted(v *visit, form web.Form, err error, act, field, key string) error {
	var r *helpdesk.Refusal
	if err != nil && !errors.As(err, &r) {
		if errors.Is(err, domain.ErrNotFound) {
			return &web.Error{Status: http.StatusNotFound, Key: "not_found", GoOn: pathPeople, Label: "console.person.back"}
		}
		return err
	}
	if r == nil {
		return v.done(personURL(domain.PersonID(v.Param("id"))), key)
	}
	page, err := a.personPage(v)
	if err != nil {
		return err
	}
	if act == "corriger" && page.Amend != "" {
		page.Value = form["valeur"]
	}
	page.Act, page.Address, page.Why, page.Card, page.NewAddress = act, form["adresse"], form["motif"], form["piece"], form["nouvelle"]
	if r.Reason == helpdesk.Changed {
		_, at := seen(v, form)
		for _, m := range page.Since(at) {
			page.Changes = append(page.Changes, line(m))
		}
	}
	why := "console.refused." + string(r.Reason)
	switch r.Reason {
	case helpdesk.ReasonMissing, helpdesk.ReasonLong:
		field = act + "-motif"
		if act == "guichet" {
			field = "piece"
			if r.Reason == helpdesk.ReasonMissing {
				why = "console.refused.card_missing"
			}
		}
	case helpdesk.Changed, helpdesk.NotNow, helpdesk.TooMany:
		field = ""
	}
	a.site.RetryAfter(v.Context, r.Retry)
	view := v.console.site.View(v.Context, "console.person.title")
	return v.again("person", page, wrong(field, why, "Wait", v.console.site.Wait(view, r.Retry)))
}

func (a *Console) correct(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	err := a.Desk.Correct(v.Request.Context(), v.entry("", "", nil), s, form["adresse"], form["motif"])
	key := "console.person.corrected"
	if err == nil {
		c, err := a.Desk.Case(v.Request.Context(), s.Person)
		switch {
		case err != nil:
			return err
		case c.AddressWrong():
			key = "console.person.corrected.wrong"
		}
	}
	return a.acted(v, form, err, "adresse", "adresse", key)
}

// amend corrects the value that Keycloak refused, and tries again at once.
func (a *Console) amend(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	err := a.Desk.Amend(v.Request.Context(), v.entry("", "", nil), s, form["champ"], form["valeur"], form["motif"])
	if err == nil {
		_, err = a.Figures.Hurry(v.Request.Context(), overview.WaitingJobs{Kind: domain.JobAccount, Person: s.Person}, v.entry("job.hurried", string(s.Person), nil))
		if errors.Is(err, domain.ErrNotFound) { // the job runs already
			err = nil
		}
	}
	return a.acted(v, form, err, "corriger", "valeur", "console.person.amended")
}

func (a *Console) sendAgain(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	kind, err := a.Desk.Send(v.Request.Context(), v.entry("", "", nil), s, domain.JourneyID(form["demande"]))
	key := "console.person.sent.begin"
	if kind == domain.MessageCode {
		key = "console.person.sent.code"
	}
	return a.acted(v, form, err, "renvoyer", "", key)
}

func (a *Console) unlock(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	return a.acted(v, form, a.Desk.Unlock(v.Request.Context(), v.entry("", "", nil), s), "debloquer", "", "console.person.unlocked")
}

func (a *Console) hold(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	return a.acted(v, form, a.Desk.Hold(v.Request.Context(), v.entry("", "", nil), s, form["motif"]), "retenir", "retenir-motif", "console.person.held")
}

func (a *Console) release(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	return a.acted(v, form, a.Desk.Release(v.Request.Context(), v.entry("", "", nil), s, form["motif"]), "liberer", "liberer-motif", "console.person.released")
}

func (a *Console) unfreeze(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	return a.acted(v, form, a.Desk.Unfreeze(v.Request.Context(), v.entry("", "", nil), s, form["motif"]), "degeler", "degeler-motif", "console.person.unfrozen")
}

func (a *Console) removePhone(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	return a.acted(v, form, a.Desk.RemovePhone(v.Request.Context(), v.entry("", "", nil), s, form["motif"]), "telephone", "telephone-motif", "console.person.phone.removed")
}

func (a *Console) adopt(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	err := a.Desk.Adopt(v.Request.Context(), v.entry("", "", nil), s, form["compte"])
	key := "console.person.adopted"
	if err == nil { // the order was committed; the page reports its result
		c, err := a.Desk.Case(v.Request.Context(), s.Person)
		switch {
		case err != nil:
			return err
		case c.Account == domain.AccountCreating:
			key = "console.person.adopting"
		}
	}
	return a.acted(v, form, err, "adopter", "", key)
}

func (a *Console) rename(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	return a.acted(v, form, a.Desk.Rename(v.Request.Context(), v.entry("", "", nil), s), "renommer", "", "console.person.renamed")
}

// DeskCodePage is the data of templates/admin/deskcode.html. It is shown once,
// as the answer to the act: the code is not part of an address and is not
// stored.
type DeskCodePage struct {
	Code, Name, Number, Path string
	Where                    string   // address of the page that takes the code
	Letters                  []string // characters of the code, to be read out one by one
	Until                    time.Time
	Minutes                  int
	Recovers                 bool // the code begins a recovery, not an activation
	AddressWrong             bool // a mail to the personal address came back
}

func (a *Console) deskCode(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	code, kept, err := a.Desk.Code(v.Request.Context(), v.entry("", "", nil), s, form["piece"], form["nouvelle"])
	if err != nil {
		return a.acted(v, form, err, "guichet", "nouvelle", "")
	}
	c, err := a.Desk.Case(v.Request.Context(), s.Person)
	if err != nil {
		return err
	}
	return v.show("deskcode", DeskCodePage{
		Code: code.Reveal(), Name: strings.TrimSpace(c.GivenName + " " + c.FamilyName), Number: c.Number, Path: personURL(c.ID), Where: a.site.URL("/activation/guichet"),
		Letters: strings.Split(strings.ReplaceAll(code.Reveal(), "-", ""), ""), Until: kept.ExpiresAt, Minutes: int(domain.DeskLife.Minutes()),
		Recovers: c.MayRecover(), AddressWrong: c.AddressWrong(),
	})
}

func personSamples() (pages []any) {
	at := time.Unix(0, 0)
	full := PersonPage{
		Path: "/admin/personnes/p", Name: "Jeanne d’Arc", Seen: "v 0", Helps: true, Resolve: true, Silent: true, Birth: at, Next: helpdesk.Next{Key: "held", At: at}, Source: "/admin/imports/0",
		Held:    []domain.Existing{{ID: "x", Login: "o1", Enabled: true, CreatedAt: at, Attributes: map[string][]string{"a": {"b"}}}},
		Changes: []StoryLine{{At: at, Key: "person_held"}},
		Lines:   []StoryLine{{At: at, Key: "person_imported", By: "Ada", Details: "a.csv", URL: "/admin/imports/0"}, {At: at, Key: "mail_sent", Mail: "code"}, {At: at, Key: "mail_abandoned", Mail: "code", SMS: true}, {At: at, Key: "person_address_corrected", By: "Ada", From: "a", To: "b", Reason: "r"}},
	}
	full.Email, full.ChosenEmail, full.SourceEmail = "b@exemple.fr", "b@exemple.fr", "a@exemple.fr"
	full.Phone, full.SecondEmail = "+33639980042", "c@exemple.fr"
	full.Factor = domain.FactorRemoval{ID: "f", AskedBy: "Ada", Reason: "r", AskedAt: at, DueAt: at, State: domain.FactorAsked}
	full.HasFactors, full.Factors = true, []domain.KnownFactor{{Kind: domain.FactorDeclined, At: at}, {Kind: domain.FactorPasskey, At: at}, {Kind: domain.FactorTOTP, At: at}}
	full.Undoable = domain.ContactChange{ID: "x", Old: "a@exemple.fr", Until: at}
	full.Claimed, full.MayClaims = []domain.Claim{{State: domain.ClaimDone, AskedAt: at}, {State: domain.ClaimWaiting, AskedAt: at}}, true
	var journey domain.Journey
	journey.ProveAtDesk(at, "Ada", "p")
	full.Under = []helpdesk.OpenJourney{{Step: domain.StepCode, Ends: at, Journey: journey}}
	full.Can = helpdesk.Can{Correct: true, Send: true, Unlock: true, Hold: true, Release: true, Unfreeze: true, Code: true, Resolve: true, Phone: true}
	for _, state := range domain.PersonStates() {
		page := full
		page.State = state
		pages = append(pages, page)
	}
	for _, key := range []string{"erased", "erasing", "parked", "refused", "creating", "frozen", "unused", "active", "held", "held_by_import", "gone", "not_ready", "no_address", "address_wrong", "proofs_spent", "step_code", "step_code_wrong", "step_verify", "step_charter", "step_offer", "step_guide", "step_password", "step_passkey", "step_waiting", "step_parked", "step_ended", "mail_failed"} {
		pages = append(pages, PersonPage{State: domain.StateReady, Next: helpdesk.Next{Key: key, At: at, Field: "email"}})
	}
	active := full
	active.Factor, active.Can.Factor = domain.FactorRemoval{}, true
	active.ChosenPhone, active.Can.Phone = domain.PhoneNone, false
	active.State, active.Account = domain.StateActive, domain.AccountActive
	refused := full
	refused.State, refused.Next = domain.StateCreating, helpdesk.Next{Key: "refused", At: at, Field: domain.FieldFamilyName}
	for _, refused.Amend = range []string{domain.FieldGivenName, domain.FieldFamilyName, domain.FieldBirthDate} {
		pages = append(pages, refused)
	}
	return append(pages, active, PersonPage{State: domain.StateReady, Next: helpdesk.Next{Key: "not_begun"}})
}

func deskCodeSamples() []any {
	page := DeskCodePage{Code: "7K3F-9Q2M", Name: "Jeanne d’Arc", Where: "https://example.org/activation/guichet", Letters: []string{"7", "K"}, Until: time.Unix(0, 0), Minutes: 15}
	recovers := page
	recovers.Recovers, recovers.AddressWrong = true, true
	return []any{page, recovers}
}
