package admin_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/overview"
)

// record holds the data that the pages of the audit and of a person's rights
// read.
type record struct {
	links   []audit.Link
	asked   audit.Query
	dossier overview.Dossier
	erased  []audit.Entry
	err     error
}

func (r *record) Audit(_ context.Context, q audit.Query, see func(audit.Link) error) error {
	r.asked = q
	for _, l := range r.links {
		if err := see(l); err != nil {
			return err
		}
	}
	return nil
}

func (r *record) AuditActs(context.Context) (map[string]int64, error) {
	return map[string]int64{"person.held": 1, "operator.login": 2}, nil
}

func (r *record) AuditHead(context.Context) (audit.Head, error) {
	return audit.Head{Seq: 7, Hash: audit.Origin}, nil
}

func (r *record) Dossier(_ context.Context, id domain.PersonID) (overview.Dossier, error) {
	if id != r.dossier.Person.ID {
		return overview.Dossier{}, domain.ErrNotFound
	}
	return r.dossier, nil
}

func (r *record) OrderErasure(_ context.Context, _ domain.PersonID, e audit.Entry) error {
	if r.err == nil {
		r.erased = append(r.erased, e)
		r.dossier.Person.EraseAt = e.At.Add(domain.ErasureDelay)
	}
	return r.err
}

func (r *record) TakeBackErasure(context.Context, domain.PersonID, audit.Entry) error {
	if r.dossier.Person.EraseAt.IsZero() {
		return domain.ErrConflict
	}
	r.dossier.Person.EraseAt = time.Time{}
	return nil
}

func TestOverview_TheFunnelAndItsTable(t *testing.T) {
	w := newWorld(t)
	w.figures.all = overview.Overview{
		Funnel: []overview.Standing{
			{Profile: "etudiant", Cohort: "L1", Stage: domain.StageImported, Count: 1200},
			{Profile: "etudiant", Cohort: "L1", Stage: domain.StageAccount, Count: 300},
			{Profile: "etudiant", Cohort: "M1", Stage: domain.StageFirstLogin, Count: 500},
			{Profile: "personnel", Stage: domain.StageCharter, Count: 7},
		},
		Quarters:   []overview.Quarter{{At: w.now().Add(-time.Minute).Truncate(15 * time.Minute), Count: 4}},
		Recoveries: overview.Recoveries{Asked: 1200, Chosen: 9, Replaced: 8, Refused: 3},
		Claims:     overview.Claims{Waiting: 4, Oldest: w.now().Add(-50 * time.Hour), Median: 26 * time.Hour, Decided: map[domain.ClaimState]int64{domain.ClaimDone: 5}},
		Jobs: []overview.JobStanding{
			{Kind: domain.JobPassword, Waiting: 1, Planned: 1, Oldest: w.now()},
			{Kind: domain.JobMail, Waiting: 3, GivenUp: 2, Oldest: w.now().Add(-3 * time.Minute)},
			{Kind: domain.JobAccount, Waiting: 1, Oldest: w.now().Add(-5 * time.Second)},
		}, Parked: 1, Wrong: 2,
	}
	b := w.operator("helpdesk")
	p := b.get("/admin")
	p.shows(".funnel div:nth-child(1) .count", "2 007").shows(".funnel div:nth-child(6) .count", "800").shows(".funnel div:nth-child(6) .share", "39,9 %")
	p.shows("tfoot", "2 007").shows(".cards", "2 mails n'ont pas pu être envoyés").shows(".cards", "1 conflit de compte à trancher").shows(".day + details td", "4")
	if said := strings.Join(strings.Fields(p.Find("#day ~ .facts").First().Find("dd").Text()), " "); said != "1 2009832" { // 1 200, 9, 8, 3 and 2
		t.Errorf("the recoveries of today: %q", said)
	}
	if waiting := p.Find(".cards .warn"); waiting.Length() != 2 {
		t.Errorf("%d things wait; a job of five seconds is on its way", waiting.Length())
	}
	p.shows(".cards .warn", "4 demandes d'une autre adresse à décider").shows("#day ~ .facts", "26 heures")
	if to := p.Find(".cards .bad a").First().AttrOr("href", ""); to != "/admin/travaux?etat=abandonnes&genre=mail" {
		t.Errorf("the list is at %q", to)
	}
	if p.Find(`.cards .bad a[href="/admin/personnes?etat=wrong"]`).Length() != 1 {
		t.Error("wrong addresses lead to no list")
	}
	w.sleep(3 * time.Second)
	p = b.get("/admin?profil=etudiant&cohorte=L1").shows(".funnel div:nth-child(1) .count", "1 500")
	if rows := p.Find("#funnel ~ .table tbody tr").Length(); rows != 1 {
		t.Errorf("%d rows", rows)
	}
	if midnight := w.figures.since; midnight.Hour() != 0 || w.now().Sub(midnight) >= 24*time.Hour {
		t.Errorf("counted since %s", midnight)
	}
}

func TestOverview_Empty(t *testing.T) {
	w := newWorld(t)
	w.operator("auditor").get("/admin").shows(".empty", "Personne n'a encore été importé.")
}

func TestJobs(t *testing.T) {
	w := newWorld(t)
	w.figures.jobs = []overview.JobLine{{Kind: domain.JobMail, Attempts: 3, Created: w.now(), GivenUp: w.now(), Reason: "550 <nobody>"}}
	b := w.operator("helpdesk")
	b.get("/admin/travaux").shows(".empty", "Rien n'attend.")
	b.get("/admin/travaux?etat=abandonnes").shows("tbody", "550 <nobody>").shows("tbody", "à l'instant")
}

// Refusals of the portal's mails are shown on the overview. An administrator
// removes the marks of a wrong rule, with a reason and after a confirmation.
func TestReturnedMails(t *testing.T) {
	w := newWorld(t)
	w.figures.all.Funnel = []overview.Standing{{Profile: "etudiant", Cohort: "L1", Count: 1}}
	w.figures.all.Refusals = []overview.MailRefusals{{Provider: "Orange", Reason: "policy", Since: w.now(), Last: w.now(), Count: 312, Words: "550 refused"}}
	w.figures.marks = []overview.WrongMarks{
		{Provider: "Gmail", Status: "5.1.1", Rule: "gmail-unknown", Count: 3, Since: w.now(), Last: w.now()},
		{Provider: "Yahoo", Status: "5.0.0", Rule: "yahoo-unknown", Count: 2, Since: w.now(), Last: w.now()},
	}
	w.operator("auditor").get("/admin").shows(".stuck", "312 messages refusés par Orange").shows(".stuck", "règle du fournisseur")
	if p := w.operator("helpdesk").get("/admin/retours").shows("main", "550 refused").shows("main", "gmail-unknown"); p.Find("form[method=post][action='/admin/retours/lever']").Length() != 0 {
		t.Error("the help desk is offered what it may not do")
	}
	b := w.operator("admin")
	p := b.get("/admin/retours?fournisseur=Gmail&code=5.1.1").shows("main", "gmail-unknown")
	if n := p.Find("form[action='/admin/retours/lever']").Length(); n != 1 {
		t.Errorf("%d forms after filtering", n)
	}
	if p := b.submit(p, "/admin/retours/lever", "motif", " "); p.status != 422 || len(w.figures.cleared) != 0 {
		t.Errorf("without a reason: %d, %v", p.status, w.figures.cleared)
	}
	asked := b.submit(p, "/admin/retours/lever", "motif", "la règle s'est trompée").shows("main", "gmail-unknown")
	if len(w.figures.cleared) != 0 {
		t.Error("removed before the confirmation")
	}
	b.submit(asked, "/admin/retours/lever").shows(".notice", "3 adresses ne sont plus marquées.")
	if got := w.figures.cleared; len(got) != 1 || got[0] != (overview.WrongMarks{Provider: "Gmail", Status: "5.1.1", Rule: "gmail-unknown"}) {
		t.Errorf("%+v", got)
	}
	if got := w.figures.again; len(got) != 1 || got[0].Act != "address.cleared" || got[0].What["reason"] != "la règle s'est trompée" || got[0].By.Role != "admin" {
		t.Errorf("%+v", got)
	}
}

// An administrator sends a letter again that was given up and kept. This works
// once, and the audit contains the operator's name.
func TestJobs_ADeadLetterIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.figures.jobs = []overview.JobLine{{ID: "l1", Kind: "webhook:ent", Attempts: 9, Created: w.now(), GivenUp: w.now(), Reason: "503", Letter: true}}
	if p := w.operator("helpdesk").get("/admin/travaux?etat=abandonnes").shows("tbody", "Webhook ent"); p.Find("tbody form").Length() != 0 {
		t.Error("the help desk is offered what it may not do")
	}
	b := w.operator("admin")
	p := b.get("/admin/travaux?etat=abandonnes")
	b.submit(p, "/admin/travaux/renvoyer").shows(".notice", "C'est reparti")
	b.submit(p, "/admin/travaux/renvoyer").shows(".notice", "déjà été renvoyé")
	if got := w.figures.again; len(got) != 1 || got[0].Act != "job.sent_again" || got[0].What["job"] != "l1" || got[0].By.Role != "admin" {
		t.Errorf("%+v", got)
	}
}

// An entry links to the page about which it is, and its details have words.
func TestO9_TheAuditLinksToThePageOfItsAct(t *testing.T) {
	w := newWorld(t)
	for i, act := range []string{"person.held", "limit.lifted"} {
		w.record.links = append(w.record.links, audit.Chain(audit.Entry{At: w.now(), By: audit.Operator{Name: "Ada", Role: "admin"}, Act: act, Whom: "x1", What: map[string]string{"reason": "doute"}}, int64(i+1), audit.Origin, "s"))
	}
	p := w.operator("admin").get("/admin/audit").shows("tbody", "motif: doute").shows("tbody", "Activation bloquée").shows("tbody", "Limite levée")
	if n := p.Find(`tbody a[href="/admin/personnes/x1"]`).Length(); n != 1 {
		t.Errorf("%d links to the person; only the act on the person leads there", n)
	}
}

// TestU13: the pale bars of the overview have a legend.
func TestU13_TheFunnelHasALegend(t *testing.T) {
	w := newWorld(t)
	w.figures.all.Funnel = []overview.Standing{{Profile: "etudiant", Cohort: "L1", Stage: domain.StageAccount, Count: 3}}
	w.operator("auditor").get("/admin").shows(".legend", "arrêtés à l'étape d'avant").shows(".funnel", "venus d'eux-mêmes")
}

func TestAuditPage_SearchAndExport(t *testing.T) {
	w := newWorld(t)
	for i := range 51 {
		w.record.links = append(w.record.links, audit.Chain(audit.Entry{At: w.now(), By: audit.Operator{Name: "=Ada", Role: "admin"}, Act: "person.held", Whom: "p1", What: map[string]string{"n": "<b>"}}, int64(i+1), audit.Origin, "s"))
	}
	b := w.operator("auditor")
	p := b.get("/admin/audit?operateur=ada&acte=person.held&du=2026-09-01&au=2026-09-02").shows("tbody", "n: <b>").shows("main > .hint", "7:0000")
	want := audit.Query{Operator: "ada", Act: "person.held", Since: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 9, 3, 0, 0, 0, 0, time.UTC), Limit: 51}
	if w.record.asked != want {
		t.Errorf("asked %+v, want %+v", w.record.asked, want)
	}
	if rows := p.Find("tbody tr").Length(); rows != 50 || p.Find("[rel=next]").Length() != 1 {
		t.Errorf("%d rows", rows)
	}
	if said := p.Find("option[selected]").Text(); said != "Activation bloquée" {
		t.Errorf("chosen: %q", said)
	}
	b.get("/admin/audit?du=hier").shows(".error", "Une date")
	w.journal.acts()
	csv := b.get("/admin/audit/export/csv?acte=person.held")
	if !strings.HasPrefix(csv.body, "\ufeff") || !strings.Contains(csv.body, ";'=Ada;admin;person.held;p1;") || w.record.asked.Act != "person.held" || w.record.asked.Limit != 0 {
		t.Errorf("%.200s", csv.body)
	}
	lines := b.get("/admin/audit/export/jsonl").body
	if strings.Count(lines, "\n") != 51 || !json.Valid([]byte(lines[:strings.IndexByte(lines, '\n')])) {
		t.Errorf("%.200s", lines)
	}
	if acts := w.journal.acts(); !slices.Equal(acts, []string{"auditor audit.exported", "auditor audit.exported"}) {
		t.Errorf("noted: %v", acts)
	}
	if p := b.get("/admin/audit/export/xlsx"); p.status != http.StatusNotFound {
		t.Errorf("%d", p.status)
	}
	if p := w.operator("helpdesk").get("/admin/audit/export/csv"); p.status != http.StatusForbidden {
		t.Errorf("the help desk exports: %d", p.status)
	}
}

func TestRights_ErasureIsTypedProvenAndAskedTwice(t *testing.T) {
	w := newWorld(t)
	w.record.dossier = overview.Dossier{Person: domain.Person{ID: "p1", Number: "22502142", GivenName: "Jeanne", FamilyName: "Martin", Login: "o22502142"}}
	b := w.operator("admin")
	const path = "/admin/personnes/p1/effacer"
	p := b.get(path).shows("main", "Jeanne Martin").shows("main", "le numéro 22502142").shows("main", "l'identifiant o22502142")
	form := func(p *page, typed ...string) *page {
		p.Find("form.box").SetAttr("action", path) // the form has no action: it is submitted to the page itself
		return b.submit(p, path, typed...)
	}
	p = form(p, "numero", "1", "motif", "")
	if p.status != http.StatusUnprocessableEntity || p.Find(".summary li").Length() != 2 || p.Find("#numero").AttrOr("value", "") != "1" {
		t.Fatalf("%d %s", p.status, p.Find(".summary").Text())
	}
	w.sleep(6 * time.Minute)
	p = form(p, "numero", "22502142", "motif", "demande du 3 octobre").want("/admin/confirmer", 200).shows("form.box", "l'effacement peut être annulé")
	if len(w.record.erased) != 0 {
		t.Fatal("erased before it was confirmed")
	}
	p = b.submit(p, path).want(path, 200).shows(".notice", "La fiche est fermée.").shows("main", "La fiche est déjà fermée")
	if len(w.record.erased) != 1 || w.record.erased[0].What["reason"] != "demande du 3 octobre" || w.record.erased[0].By.Role != "admin" {
		t.Errorf("%+v", w.record.erased)
	}
	// U19: the erasure can be taken back.
	if n := p.Find(`form[action="` + path + `/annuler"]`).Length(); n != 2 {
		t.Errorf("%d ways to take the erasure back, want one in the notice and one on the page", n)
	}
	b.submit(p, path+"/annuler")
	if !w.record.dossier.Person.EraseAt.IsZero() {
		t.Error("the erasure was not taken back")
	}
	if b.get("/admin/personnes/nobody/effacer").status != http.StatusNotFound {
		t.Error("nobody has a page")
	}
	for role, status := range map[string]int{"auditor": 403, "helpdesk": 403} {
		if p := w.operator(role).get(path); p.status != status {
			t.Errorf("%s: %d", role, p.status)
		}
	}
}

func TestRights_TheExportIsForThoseWhoMay(t *testing.T) {
	w := newWorld(t)
	w.record.dossier = overview.Dossier{Person: domain.Person{ID: "p1", GivenName: "Jeanne"}}
	for role, status := range map[string]int{"admin": 200, "auditor": 200, "helpdesk": 403} {
		p := w.operator(role).get("/admin/personnes/p1/donnees")
		if p.status != status || status == 200 && (!json.Valid([]byte(p.body)) || !strings.Contains(p.body, `"given_name": "Jeanne"`)) {
			t.Errorf("%s: %d %.200s", role, p.status, p.body)
		}
	}
}

// K2: a cause that many jobs share is one line of the overview, and
// administrators retry one job or all of them.
func TestK2_CausesAndRetriesInTheConsole(t *testing.T) {
	w := newWorld(t)
	const cause = "keycloak refuses the account: error-user-attribute-required (phone)"
	for i := range 7 {
		w.figures.jobs = append(w.figures.jobs, overview.JobLine{ID: string(rune('a' + i)), Kind: domain.JobAccount, Attempts: 2, Created: w.now(), RunAt: w.now(), Reason: cause})
	}
	w.figures.all = overview.Overview{Funnel: []overview.Standing{{Profile: "etudiant", Count: 7}}, Causes: []overview.JobCause{{Kind: domain.JobAccount, Reason: cause, Count: 7, Since: w.now()}}}
	b := w.operator("admin")
	b.get("/admin").shows(".stuck", cause).shows(".stuck", "comptes attendent, pour une même cause")
	p := b.get("/admin/travaux").shows("tbody", cause).shows("tbody", "Réessayer les 7 comptes de même cause")
	b.submit(p, "/admin/travaux/reessayer").shows(".notice", "L'essai repart")
	if got := w.figures.hurried; len(got) != 1 || got[0].ID == "" || got[0].Kind != domain.JobAccount {
		t.Errorf("%+v", got)
	}
	if p := w.operator("helpdesk").get("/admin/travaux"); p.Find("tbody form").Length() != 0 {
		t.Error("the help desk is offered what it may not do")
	}
}
