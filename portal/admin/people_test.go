package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/overview"
	"entree/internal/secret"
	"entree/portal/admin"
)

// deskOfOne is a help desk with one person in memory. It records the requested
// acts.
type deskOfOne struct {
	admin.HelpDesk // methods that a test does not expect panic
	person         domain.Person
	story          []helpdesk.HistoryEntry
	under          []helpdesk.OpenJourney
	factors        []domain.KnownFactor
	refuse         helpdesk.Reason
	asked          []string
}

func (d *deskOfOne) Case(_ context.Context, id domain.PersonID) (helpdesk.Case, error) {
	if id != d.person.ID {
		return helpdesk.Case{}, domain.ErrNotFound
	}
	return helpdesk.Case{Person: d.person, Version: helpdesk.Version(d.person), Can: helpdesk.Offers(d.person), Story: d.story, Under: d.under, HasFactors: d.person.HasLiveAccount(), Factors: d.factors}, nil
}

func (d *deskOfOne) Conflict(context.Context, domain.Person) ([]domain.Existing, error) {
	return []domain.Existing{{ID: "11111111-1111-4111-8111-111111111111", Login: "o22502142", GivenName: "Somebody", Enabled: true}}, nil
}

func (d *deskOfOne) FindPeople(_ context.Context, q helpdesk.Query) (helpdesk.Page, error) {
	switch q.Words {
	case "", "martin", "22502142":
		return helpdesk.Page{People: []domain.Person{d.person}, Count: 1}, nil
	case "matrin":
		return helpdesk.Page{Near: []domain.Person{d.person}}, nil
	}
	return helpdesk.Page{}, nil
}

// TestU9: people who match nearly are shown as such, and every page of the console
// has the search field, which has the focus where the page has no form of its own.
func TestU9_TheSearchFieldIsOnEveryPage(t *testing.T) {
	w, _ := withDesk(t)
	b := w.operator("admin")
	p := b.get("/admin/personnes?q=matrin").shows("[role=status]", "Personne ne correspond exactement.").shows(".near th a", "Martin Jean-Pierre")
	if p.Find("[name=qui]").Length() != 1 || p.Find("[data-all=qui]").Length() != 1 || p.Find("[data-count=qui]").Length() != 1 {
		t.Error("people who match nearly cannot be ticked, all at once or counted")
	}
	for path, focused := range map[string]int{
		"/admin": 1, "/admin/personnes": 1, "/admin/personnes/etudiant-22502142": 1, "/admin/audit": 1, "/admin/limites": 1,
		"/admin/travaux": 0, "/admin/campagnes/nouvelle": 0,
	} {
		p := b.get(path)
		if fields := p.Find("main [role=search] [name=q], header [role=search] [name=q]"); fields.Length() != 1 {
			t.Errorf("%s has %d search fields", path, fields.Length())
		}
		if n := p.Find("[autofocus]").Length(); n != focused {
			t.Errorf("%s has %d focused fields, want %d", path, n, focused)
		}
	}
}

func (d *deskOfOne) CharterText(string) (title, text string) { return "Charte", "# Objet" }

func (d *deskOfOne) Chosen(_ context.Context, ids []domain.PersonID) (out []helpdesk.Chosen, err error) {
	for _, id := range ids {
		p := d.person
		p.ID = id
		out = append(out, helpdesk.Chosen{Person: p, Seen: helpdesk.Seen{Person: id, Version: helpdesk.Version(d.person)}, Able: id == d.person.ID})
	}
	return out, nil
}

func (d *deskOfOne) Sheets(_ context.Context, e audit.Entry, o helpdesk.SheetOrder) ([]helpdesk.Sheet, error) {
	if d.refuse != "" {
		return nil, &helpdesk.Refusal{Reason: d.refuse}
	}
	d.asked = append(d.asked, fmt.Sprintf("%s sheets %s %d", e.By.Role, o.Cohort, o.Days)+fmt.Sprint(o.Chosen))
	return []helpdesk.Sheet{{Person: d.person, Code: secret.New("7K3F-9Q2M-X4T0"), Until: time.Unix(0, 0)}}, nil
}

func (d *deskOfOne) Cohorts(context.Context) ([]string, error) { return []string{"L1"}, nil }

func (d *deskOfOne) ask(e audit.Entry, act string, seen helpdesk.Seen, typed ...string) error {
	if seen.Version != helpdesk.Version(d.person) {
		return &helpdesk.Refusal{Reason: helpdesk.Changed}
	}
	if d.refuse != "" {
		return &helpdesk.Refusal{Reason: d.refuse}
	}
	d.asked = append(d.asked, strings.Join(append([]string{e.By.Role, act}, typed...), " "))
	return nil
}

func (d *deskOfOne) Correct(_ context.Context, e audit.Entry, seen helpdesk.Seen, address, why string) error {
	return d.ask(e, "correct", seen, address, why)
}

func (d *deskOfOne) Send(_ context.Context, e audit.Entry, seen helpdesk.Seen, journey domain.JourneyID) (domain.MessageKind, error) {
	return domain.MessageCode, d.ask(e, "send", seen, string(journey))
}

func (d *deskOfOne) Unlock(_ context.Context, e audit.Entry, seen helpdesk.Seen) error {
	return d.ask(e, "unlock", seen)
}

func (d *deskOfOne) Hold(_ context.Context, e audit.Entry, seen helpdesk.Seen, why string) error {
	return d.ask(e, "hold", seen, why)
}

func (d *deskOfOne) Unfreeze(_ context.Context, e audit.Entry, seen helpdesk.Seen, why string) error {
	return d.ask(e, "unfreeze", seen, why)
}

func (d *deskOfOne) RemovePhone(_ context.Context, e audit.Entry, seen helpdesk.Seen, why string) error {
	return d.ask(e, "remove phone", seen, why)
}

func (d *deskOfOne) Adopt(_ context.Context, e audit.Entry, seen helpdesk.Seen, account string) error {
	return d.ask(e, "adopt", seen, account)
}

func (d *deskOfOne) Code(_ context.Context, e audit.Entry, seen helpdesk.Seen, card, address string) (secret.Text, domain.DeskCode, error) {
	return secret.New("7K3F-9Q2M"), domain.DeskCode{ExpiresAt: time.Unix(0, 0)}, d.ask(e, "code", seen, card)
}

func (d *deskOfOne) SharedLimits(context.Context) ([]helpdesk.SharedLimit, error) {
	return []helpdesk.SharedLimit{{Kind: "mail-total", Key: "mail-total", Used: 3, Of: 6000},
		{Kind: "mail-client", Network: "192.0.2.0/24", Key: "mail-client:192.0.2.0/24", Used: 600, Of: 600}}, nil
}

func (d *deskOfOne) Lift(_ context.Context, e audit.Entry, key string) error {
	d.asked = append(d.asked, e.By.Role+" lift "+key)
	return nil
}

// A pasted reason is recorded without characters that cannot be seen.
func TestV4_ReasonsOfOperators(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("helpdesk")
	b.submit(b.get(jean), jean+"/retenir", "motif", "\u202avu la\u00a0carte\u202c\x07")
	if len(d.asked) != 1 || d.asked[0] != "helpdesk hold vu la\u00a0carte" {
		t.Errorf("asked: %q", d.asked)
	}
}

// R11: the console shows which limits are exhausted, and an administrator lifts
// one.
func TestR11_TheConsoleShowsAndLiftsSpentLimits(t *testing.T) {
	w, d := withDesk(t)
	p := w.operator("helpdesk").get("/admin/limites").shows("tbody", "192.0.2.0/24").shows("tbody .bad", "Épuisée")
	if p.Find("tbody form").Length() != 0 {
		t.Error("the help desk may lift a limit")
	}
	b := w.operator("admin")
	p = b.get("/admin/limites")
	b.submit(p, "/admin/limites/lever").shows(".notice", "La limite est levée")
	if len(d.asked) != 1 || d.asked[0] != "admin lift mail-total" {
		t.Errorf("asked: %v", d.asked)
	}
}

func withDesk(t *testing.T) (*world, *deskOfOne) {
	t.Helper()
	d := &deskOfOne{person: domain.Person{
		ID: "etudiant-22502142", Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "Martin", Email: "jp@example.net", Readiness: domain.Ready,
	}}
	return newWorld(t, func(o *admin.Options) { o.Desk, o.Directory = d, d }), d
}

const jean = "/admin/personnes/etudiant-22502142"

func TestPeople_FoundAndOpened(t *testing.T) {
	w, _ := withDesk(t)
	b := w.operator("helpdesk")
	p := b.get("/admin/personnes?q=martin&etat=ready").shows("tbody th", "Martin Jean-Pierre").shows("main", "1 personne")
	if to := p.Find("tbody a").AttrOr("href", ""); to != jean {
		t.Fatalf("the line leads to %s", to)
	}
	b.get(jean).shows("h1", "Jean-Pierre Martin").shows(".next", "n'a encore rien demandé").shows("main", "Rien ne s'est encore passé.")
	b.get("/admin/personnes?q=nobody").shows(".empty", "Personne ne correspond.")
	if p := b.get("/admin/personnes/nobody"); p.status != http.StatusNotFound {
		t.Errorf("nobody: %d", p.status)
	}
}

// A help desk operator who types the address of an administrator's act receives
// an explanation in their own language. The act is not done, and the attempt is
// recorded in the audit.
func TestPeople_AnAdminsAddressTypedByHand(t *testing.T) {
	w, d := withDesk(t)
	d.person.Account = domain.AccountParked
	b := w.operator("helpdesk")
	b.get("/admin")
	w.journal.acts()
	for lang, says := range map[string]string{"fr": "Votre rôle ne permet pas d'ouvrir cette page", "en": "Your role does not give access to this page"} {
		b.get("/admin?lang=" + lang)
		for _, path := range []string{"/admin/audit", jean + "/effacer", jean + "/donnees", "/admin/audit/export/csv"} {
			if p := b.get(path).shows("h1", says); p.status != http.StatusForbidden {
				t.Errorf("%s: %d", path, p.status)
			}
			if acts := strings.Join(w.journal.acts(), " "); acts != "helpdesk operator.refused" {
				t.Errorf("%s: noted %q", path, acts)
			}
		}
	}
	if len(d.asked) != 0 {
		t.Errorf("done: %v", d.asked)
	}
}

// Each role may perform its acts and no others: an auditor sees no button, and
// a request without the button is refused.
func TestPeople_EachRoleDoesWhatItMay(t *testing.T) {
	for _, c := range []struct {
		role, act string
		status    int
	}{
		{"admin", "adresse", 303}, {"helpdesk", "adresse", 303}, {"auditor", "adresse", 403},
		{"helpdesk", "adopter", 403}, {"auditor", "adopter", 403}, {"helpdesk", "renommer", 403}, {"auditor", "guichet", 403},
	} {
		w, d := withDesk(t)
		b := w.operator(c.role)
		p := b.get(jean)
		if has := p.Find(`form[action="`+jean+`/adresse"]`).Length() > 0; has != (c.role != "auditor") {
			t.Errorf("%s sees the form: %v", c.role, has)
		}
		vu := helpdesk.Version(d.person) + " 0"
		form := url.Values{"jeton": {p.Find("[name=jeton]").AttrOr("value", "")}, "vu": {vu}, "compte": {"x"}, "motif": {"m"}, "adresse": {"a@example.org"}, "piece": {"c"}}
		if got := b.do("POST", jean+"/"+c.act, form); got.status != c.status {
			t.Errorf("%s %s: %d, want %d", c.role, c.act, got.status, c.status)
		}
		if did := len(d.asked) > 0; did != (c.status == 303) {
			t.Errorf("%s %s did %v", c.role, c.act, d.asked)
		}
	}
}

// If two administrators edit the same person, the second one is told what
// changed, and the submitted values are kept.
func TestPeople_TheSecondOfTwoAdminsLosesNothing(t *testing.T) {
	for lang, says := range map[string][3]string{
		"fr": {"Quelqu'un a modifié cette personne", "Bob a bloqué l'activation", "L'adresse est corrigée."},
		"en": {"Someone has changed this person", "Bob put the activation on hold", "The address is corrected."},
	} {
		w, d := withDesk(t)
		b := w.operator("admin")
		b.get(jean + "?lang=" + lang)
		p := b.get(jean)
		w.sleep(time.Minute)
		d.person.Hold = "doute"
		d.story = []helpdesk.HistoryEntry{
			{At: w.now().Add(-time.Hour), Kind: string(domain.EventRequested)},
			{At: w.now(), Kind: helpdesk.ActHeld, By: "Bob", What: map[string]string{"reason": "doute"}},
		}
		p = b.submit(p, jean+"/adresse", "adresse", "new@example.org", "motif", "faute de frappe")
		if p.status != 422 || len(d.asked) != 0 {
			t.Fatalf("%d, done %v", p.status, d.asked)
		}
		p.shows(".summary", says[0]).shows(".box.danger", says[1])
		if n := p.Find(".box.danger .story li").Length(); n != 1 {
			t.Errorf("%d things are shown as new: what they had seen already is among them", n)
		}
		if got := p.Find("#adresse").AttrOr("value", "") + "|" + p.Find("#adresse-motif").AttrOr("value", ""); got != "new@example.org|faute de frappe" {
			t.Errorf("what was typed: %q", got)
		}
		b.submit(p, jean+"/adresse").shows(".notice", says[2])
		if len(d.asked) != 1 {
			t.Errorf("%v", d.asked)
		}
	}
}

func TestPeople_ARefusalStandsAtItsField(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("helpdesk")
	d.refuse = helpdesk.AddressSyntax
	p := b.submit(b.get(jean), jean+"/adresse", "adresse", "nobody", "motif", "x")
	p.shows("#adresse-error", "Cette adresse n'est pas complète.")
	d.refuse = helpdesk.ReasonMissing
	p = b.submit(p, jean+"/retenir", "motif", " ")
	p.shows("#retenir-motif-error", "Dites pourquoi")
	p = b.submit(p, jean+"/guichet", "piece", " ")
	p.shows("#piece-error", "Notez la pièce que vous avez vue")
}

// O9: an address that mails came back from is stored again, and the operator is told,
// with a desk code as well.
func TestO9_AnAddressCorrectedBackToAWrongOneIsTold(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("helpdesk")
	b.submit(b.get(jean), jean+"/adresse", "adresse", string(d.person.Email), "motif", "carte").shows(".notice", "L'adresse est corrigée.")
	d.person.WrongAddress, d.person.WrongSince = d.person.Email, w.now()
	b.submit(b.get(jean), jean+"/adresse", "adresse", string(d.person.Email), "motif", "carte").shows(".notice", "nous a déjà été retourné")
	b.submit(b.get(jean), jean+"/guichet", "piece", "carte", "nouvelle", string(d.person.Email)).shows("main", "relisez l'adresse avec elle")
}

// The answer to the form is a PDF, and a refusal shows the form again with what was
// typed.
func TestSheetsOfCodesArePrintedOnce(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("helpdesk")
	p := b.submit(b.get("/admin/fiches"), "/admin/fiches", "promotion", "L1", "jours", "7")
	if p.status != 200 || p.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(p.body, "%PDF-") || !strings.Contains(p.header.Get("Cache-Control"), "no-store") {
		t.Errorf("%d %v", p.status, p.header)
	}
	if len(d.asked) != 1 || d.asked[0] != "helpdesk sheets L1 7[]" {
		t.Errorf("asked: %v", d.asked)
	}
	for reason, key := range map[helpdesk.Reason]string{
		helpdesk.NobodyThere: "Personne dans cette promotion", helpdesk.TooManySheets: "plus de", helpdesk.LifeBad: "de 1 à 30", helpdesk.TooMany: "dans une heure",
	} {
		d.refuse = reason
		p := b.submit(b.get("/admin/fiches"), "/admin/fiches", "promotion", "L1", "jours", "400").shows(".summary", key)
		if p.status != 422 || p.Find("[name=jours]").AttrOr("value", "") != "400" {
			t.Errorf("%s: %d", reason, p.status)
		}
	}
}

// Sheets are printed for the people who are ticked in the list; a person who cannot
// activate an account is named and left out.
func TestSheetsOfChosenPeople(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("helpdesk")
	pick := string(d.person.ID) + " " + helpdesk.Version(d.person)
	p := b.submit(b.get("/admin/personnes?q=martin"), "/admin/personnes/lot", "geste", "fiches", "qui", pick).want("/admin/fiches?qui="+string(d.person.ID), 200).shows("main li", "Jean-Pierre Martin")
	d.refuse = helpdesk.LifeBad
	p = b.submit(p, "/admin/fiches", "jours", "0").shows(".summary", "de 1 à 30").shows("main li", "Jean-Pierre Martin")
	d.refuse = helpdesk.NobodyThere
	p = b.submit(p, "/admin/fiches", "jours", "3").shows(".summary", "Aucune de ces personnes")
	d.refuse = ""
	p = b.submit(p, "/admin/fiches", "jours", "3")
	if want := fmt.Sprintf("helpdesk sheets  3[{%s %s}]", d.person.ID, helpdesk.Version(d.person)); p.header.Get("Content-Type") != "application/pdf" || len(d.asked) != 1 || d.asked[0] != want {
		t.Errorf("asked: %q, want %q", d.asked, want)
	}
	p = b.get("/admin/fiches?qui="+string(d.person.ID)+"&qui=other").shows("main", "pas de fiche")
	if p.Find("[name=qui]").Length() != 1 || p.Find("[name=promotion]").Length() != 0 {
		t.Error("the form asks for a sheet that would be left out, or for a cohort")
	}
	p = b.get("/admin/fiches?qui=other").shows("main", "Aucune de ces personnes")
	if p.Find("[name=jours]").Length() != 0 || p.Find("main .actions button").Length() != 0 {
		t.Error("the page offers to print no sheet")
	}
}

func TestI4_ACodeOfTheDeskIsShownOnceAndNowhereElse(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("helpdesk")
	p := b.submit(b.get(jean), jean+"/guichet", "piece", "carte d'identité").shows(".big-code", "7K3F-9Q2M")
	if p.status != 200 || len(d.asked) != 1 || !strings.Contains(p.header.Get("Cache-Control"), "no-store") {
		t.Errorf("%d, %v, %q", p.status, d.asked, p.header.Get("Cache-Control"))
	}
	if again := b.get(jean); strings.Contains(again.body, "7K3F") {
		t.Error("it is shown again")
	}
}

func TestPeople_ManyAtOnceAreCountedFirst(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("admin")
	form := url.Values{
		"jeton": {b.get("/admin/personnes").Find("[name=jeton]").AttrOr("value", "")}, "geste": {"retenir"}, "motif": {"doute"},
		"qui": {string(d.person.ID) + " " + helpdesk.Version(d.person), "nobody v"},
	}
	p := b.do("POST", "/admin/personnes/lot", form)
	p.shows("main", "Vous allez bloquer l'activation de 2 personnes. Motif : doute")
	if len(d.asked) != 0 {
		t.Fatalf("done before it was confirmed: %v", d.asked)
	}
	b.submit(p, "/admin/personnes/lot").shows(".notice", "Fait pour 1 personne.").shows(".notice", "1.")
	if len(d.asked) != 1 || d.asked[0] != "admin hold doute" {
		t.Errorf("%v", d.asked)
	}
}

// The selection and the submitted values are kept if a required field is empty.
func TestPeople_ManyAtOnceWithoutAReasonLoseNothing(t *testing.T) {
	for lang, says := range map[string][2]string{
		"fr": {"Indiquez un motif avant de bloquer ou de lever un blocage.", "Cochez d'abord des personnes dans la liste."},
		"en": {"Give a reason before you put people on hold or release them.", "Select people in the list first."},
	} {
		w, d := withDesk(t)
		b := w.operator("admin")
		b.get("/admin/personnes?lang=" + lang)
		const list = "/admin/personnes?etat=ready&q=martin"
		form := url.Values{"jeton": {b.get(list).Find("[name=jeton]").AttrOr("value", "")}, "geste": {"retenir"}, "motif": {" "}, "qui": {string(d.person.ID) + " older"}}
		b.referer = base + list
		p := b.do("POST", "/admin/personnes/lot", form)
		p.shows(".summary", says[0]).shows("#motif-error", says[0])
		if p.status != http.StatusUnprocessableEntity || p.Find("input[name=qui][checked]").Length() != 1 || p.Find("#q").AttrOr("value", "") != "martin" {
			t.Errorf("%d; ticked: %d; sought: %q", p.status, p.Find("input[name=qui][checked]").Length(), p.Find("#q").AttrOr("value", ""))
		}
		form.Del("qui")
		form.Set("motif", "doute")
		p = b.do("POST", "/admin/personnes/lot", form)
		p.shows(".summary", says[1])
		if got := p.Find("#motif").AttrOr("value", ""); got != "doute" {
			t.Errorf("the reason is lost: %q", got)
		}
		if len(d.asked) != 0 {
			t.Errorf("done: %v", d.asked)
		}
	}
}

func TestPeople_AdoptingWantsAFreshLogin(t *testing.T) {
	w, d := withDesk(t)
	d.person.Account, d.person.Login = domain.AccountParked, "o22502142"
	b := w.operator("admin")
	b.get(jean).shows("table", "Somebody")
	w.sleep(10 * time.Minute)
	p := b.submit(b.get(jean), jean+"/adopter").want("/admin/confirmer", 200).shows("main", "Son mot de passe ne change pas.")
	if len(d.asked) != 0 {
		t.Fatalf("%v", d.asked)
	}
	b.submit(p, jean+"/adopter").shows(".notice", "Le compte est adopté.")
	if len(d.asked) != 1 || !strings.HasPrefix(d.asked[0], "admin adopt 11111111") {
		t.Errorf("%v", d.asked)
	}
}

func (d *deskOfOne) Amend(_ context.Context, e audit.Entry, seen helpdesk.Seen, field, value, why string) error {
	return d.ask(e, "amend", seen, field, value, why)
}

// K2: the refused value is shown with its field, corrected, and tried again at once;
// what was typed stays where the correction is refused.
func TestK2_ARefusedValueIsCorrectedOnThePersonsPage(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("admin")
	if b.get(jean).Find("form[action$='/corriger']").Length() != 0 {
		t.Error("a correction is offered though nothing was refused")
	}
	d.person.Account = domain.AccountCreating
	w.figures.jobs = []overview.JobLine{{ID: "a", Kind: domain.JobAccount, Person: d.person.ID}}
	refused := func(field string) {
		d.story = []helpdesk.HistoryEntry{{At: w.now(), Kind: string(domain.EventAccountRefused), What: map[string]string{"field": field, "rule": "length", "class": "300 characters"}}}
	}
	for _, field := range []string{domain.FieldNumber, "phone", domain.FieldEmail} {
		if refused(field); b.get(jean).Find("form[action$='/corriger']").Length() != 0 {
			t.Errorf("%s can be corrected", field)
		}
	}
	refused(domain.FieldFamilyName)
	p := b.get(jean).shows("#amend-title", "Corriger la donnée refusée").shows("label[for=valeur]", "Nom")
	if got := p.Find("#valeur").AttrOr("value", ""); got != "Martin" {
		t.Errorf("the value is %q", got)
	}
	if w.operator("helpdesk").get(jean).Find("form[action$='/corriger']").Length() != 0 {
		t.Error("the help desk is offered the correction")
	}
	d.refuse = helpdesk.ValueBad
	again := b.submit(p, jean+"/corriger", "valeur", "Mar\u200btin", "motif", "carte").want(jean+"/corriger", 422).shows("#valeur-error", "ne peut pas être enregistrée")
	if got := again.Find("#valeur").AttrOr("value", ""); got != "Mar\u200btin" {
		t.Errorf("what was typed became %q", got)
	}
	d.refuse = ""
	b.submit(again, jean+"/corriger", "valeur", "Martine", "motif", "carte").want(jean, 200).shows(".notice", "L'essai repart")
	if len(d.asked) != 1 || d.asked[0] != "admin amend family_name Martine carte" {
		t.Errorf("asked: %v", d.asked)
	}
	if got := w.figures.hurried; len(got) != 1 || got[0].Person != d.person.ID || got[0].Kind != domain.JobAccount {
		t.Errorf("hurried: %+v", got)
	}
}
