package admin_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"html/template"
	"net/http"
	"strings"
	"testing"
	"time"

	"entree/internal/campaign"
	"entree/internal/charter"
	"entree/internal/domain"
	"entree/internal/store"
	"entree/internal/store/litetest"
	"entree/portal/admin"
)

// desk is a console with charters and campaigns over a real store.
type desk struct {
	*world
	store *store.Store
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{}
	d.world = newWorld(t, func(o *admin.Options) {
		var err error
		if d.store, err = store.Open(t.Context(), litetest.DSN(t, t.TempDir()), o.Now); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.store.Close() })
		o.Profiles = []domain.Profile{{Key: "etudiant", Names: map[domain.Lang]string{"fr": "Étudiant", "en": "Student"}}, {Key: "personnel", Names: map[domain.Lang]string{"fr": "Personnel"}}}
		o.Journal = d.store
		o.Charters = &charter.Service{Store: d.store, Cache: charter.NewCache(d.store, o.Now), Profiles: o.Profiles, Clock: o.Now, Random: rand.Reader}
		o.Campaigns = &campaign.Service{Store: d.store, Runner: asleep{}, Charters: o.Charters.Cache, Profiles: o.Profiles, Clock: o.Now, Random: rand.Reader}
		o.Lists, o.Letters = d.store, letters{}
		o.Markdown = func(s string) (template.HTML, error) {
			return template.HTML("<p>" + template.HTMLEscapeString(s) + "</p>"), nil
		}
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		o.Evidence = admin.EvidenceKey{Institution: "Université d'Exemple", Portal: base, Key: key}
	})
	return d
}

type asleep struct{ domain.Runner }

func (asleep) Wake(...string) {}

type letters struct{}

func (letters) Preview(m domain.Message) (string, string, error) {
	return string(m.Kind) + " " + string(m.Lang), m.Note, nil
}

// enrol adds n people to the registry. The first of them has an account.
func (d *desk) enrol(n int) {
	d.t.Helper()
	for i := range n {
		id := string(rune('a' + i))
		d.must(d.store.Enrol(d.t.Context(), domain.Person{ID: domain.PersonID(id), Profile: "etudiant", Number: id, GivenName: "Ada", FamilyName: "M" + id, Email: domain.Address(id + "@example.net"), Readiness: domain.Ready, Cohort: "2026"}))
	}
	d.must(d.store.Apply(d.t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "a", From: []domain.AccountState{""}, To: domain.AccountActive, AccountID: "kc"}}}))
}

func TestACharterFromDraftToEvidence(t *testing.T) {
	d := newDesk(t)
	d.enrol(3)
	b := d.operator("admin")
	p := b.get("/admin/chartes").shows(".empty", "Aucune charte")
	p = b.submit(p, "/admin/chartes/nouveau", "profil", "")
	draft := p.path
	p.shows("h1", "Projet de charte")
	// An incomplete draft is stored, and not published.
	p = b.submit(p, draft, "profil", "", "texte-fr", "# Un\r\n\r\nSoyez <b>bons</b>.", "vers", "publier")
	if p.status != 422 || p.Find(".dangerous").Length() != 0 || p.Find(".summary li").Length() != 2 {
		t.Fatalf("%d, %d faults", p.status, p.Find(".summary li").Length())
	}
	p = b.submit(b.get(draft), draft, "profil", "", "version", "2026-09", "titre-fr", "Charte", "vers", "apercu")
	if p.shows("h1", "2026-09").Find(".text b").Length() != 0 || !strings.Contains(p.Find(".text").Text(), "<b>bons</b>") {
		t.Error("raw HTML reached the preview")
	}
	p = b.get(draft+"/publier").shows(".lead", "1 compte actif")
	d.sleep(10 * time.Minute)
	p = b.submit(p, draft+"/publier", "quand", "maintenant").want("/admin/confirmer", 200)
	p = b.submit(p, draft+"/publier").want("/admin/chartes", 200).shows(".notice", "1 personne sera invitée").shows("tbody", "en vigueur")
	owed := p.Find("td.n a").AttrOr("href", "")
	b.get(owed).shows("tbody", "Ada Ma")
	versions, err := d.store.Versions(t.Context())
	d.must(err)
	if len(versions) != 1 || versions[0].Texts.French.Markdown != "# Un\n\nSoyez <b>bons</b>.\n" || versions[0].PublishedBy != "Ada admin" {
		t.Errorf("%+v", versions)
	}
	b.get("/admin/personnes/a/charte").shows(".empty", "rien accepté").shows("dl", "accord à redemander")
	accepted := domain.Acceptance{Person: "a", Profile: "etudiant", Lang: "fr", Version: "2026-09", SHA256: versions[0].Texts.French.SHA256, At: d.now()}
	d.must(d.store.Apply(t.Context(), domain.Effects{
		Acceptances: []domain.Acceptance{accepted},
		Events: []domain.Event{{At: accepted.At, Kind: domain.EventCharterAccepted, Person: "a", Details: map[string]string{
			"version": accepted.Version, "sha256": accepted.SHA256, "lang": string(accepted.Lang),
		}}},
	}))
	p = b.get("/admin/personnes/a/charte").shows("tbody", "2026-09")
	file := b.do("GET", p.Find("a[download]").AttrOr("href", ""), nil)
	s, _, err := charter.Verify([]byte(file.body), "")
	if err != nil || len(s.Acceptances) != 1 || s.Person.Number != "a" || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%+v, %v", s, err)
	}
	if b.get(owed).Find(".empty").Length() != 1 {
		t.Error("somebody owes what they accepted")
	}
}

func TestAVersionForLaterIsCalledOffInTime(t *testing.T) {
	d := newDesk(t)
	b := d.operator("admin")
	p := b.submit(b.get("/admin/chartes"), "/admin/chartes/nouveau", "profil", "personnel")
	draft := p.path
	p = b.submit(p, draft, "profil", "personnel", "version", "2027", "titre-fr", "Charte", "texte-fr", "Un.", "vers", "publier")
	for _, past := range []string{"", "2001-01-01T00:00", "demain"} {
		if p := b.submit(p, draft+"/publier", "quand", "le", "le", past); p.status != 422 {
			t.Errorf("%q: %d", past, p.status)
		}
	}
	p = b.submit(p, draft+"/publier", "quand", "le", "le", d.now().Add(48*time.Hour).UTC().Format("2006-01-02T15:04")).want("/admin/chartes", 200).shows("tbody", "programmée")
	version := p.Find("tbody th a").AttrOr("href", "")
	p = b.submit(b.get(version), version+"/retirer").shows("tbody", "retirée")
	if p.Find(".notice").Length() != 1 {
		t.Error("nothing is said")
	}
}

func TestTwoWhoWriteOneDraft(t *testing.T) {
	d := newDesk(t)
	b, other := d.operator("admin"), d.operator("admin")
	other.claims["sub"], other.claims["name"] = "other", "Bruno"
	p := b.submit(b.get("/admin/chartes"), "/admin/chartes/nouveau", "profil", "")
	draft := p.path
	other.submit(other.get(draft), draft, "profil", "", "texte-fr", "De Bruno.")
	p = b.submit(p, draft, "profil", "", "texte-fr", "D'Ada.")
	if p.status != 422 || !strings.Contains(p.Find("#texte-fr").Text(), "D'Ada.") {
		t.Fatalf("%d, %q", p.status, p.Find("#texte-fr").Text())
	}
	p.shows(".summary", "Bruno")
	if p := b.submit(p, draft, "profil", ""); p.status != 200 || !strings.Contains(p.Find("#texte-fr").Text(), "D'Ada.") {
		t.Errorf("%d: the second save", p.status)
	}
	p = b.submit(b.get(draft), draft+"/supprimer").shows(".lead", "jeter ce projet")
	b.submit(p, draft+"/supprimer").want("/admin/chartes", 200)
	if p := b.get(draft); p.status != http.StatusNotFound {
		t.Errorf("%d", p.status)
	}
}

// A campaign starts in the morning unless the operator says otherwise.
func TestU15_ACampaignStartsInTheMorning(t *testing.T) {
	d := newDesk(t)
	d.enrol(1)
	if at := d.operator("admin").get("/admin/campagnes/nouvelle").Find("#le").AttrOr("value", ""); !strings.HasSuffix(at, "T09:00") {
		t.Errorf("the proposed start is %q", at)
	}
}

func TestACampaignFromTheFormToTheProgress(t *testing.T) {
	d := newDesk(t)
	d.enrol(4)
	b := d.operator("admin")
	form := b.get("/admin/campagnes").shows(".empty", "Aucune campagne")
	form = b.get(form.Find("a.primary").AttrOr("href", ""))
	const act = "/admin/campagnes/nouvelle"
	if p := b.submit(form, act, "nom", "", "genre", "invitation", "profil", "", "cohorte", "", "langue", "fr", "debit", "0", "quand", "le", "le", "x", "etape", "account", "dernier", "before"); p.status != 422 || p.Find(".summary li").Length() != 5 {
		t.Errorf("%d, %q", p.status, p.Find(".summary").Text())
	}
	typed := []string{"nom", "Rentrée", "genre", "invitation", "profil", "etudiant", "cohorte", "2026", "etape", "imported", "dernier", "", "langue", "fr", "quand", "maintenant", "mot-fr", "Un mot <b>."}
	p := b.submit(form, act, typed...).shows(".lead", "3 personnes").shows(".letter", "invitation fr").shows(".letter", "reminder en").shows(".letter pre", "Un mot <b>.")
	if all, _ := d.store.Campaigns(t.Context()); len(all) != 0 {
		t.Fatal("it began before it was confirmed")
	}
	p = b.submit(p, act).shows("h1", "Rentrée").shows(".notice", "3 personnes").shows("[data-live]", "en cours")
	to := p.path
	p = b.submit(p, to+"/suspendre").shows("[data-live]", "suspendue")
	p = b.submit(p, to+"/reprendre").shows("[data-live]", "en cours")
	p = b.submit(b.submit(p, to+"/arreter").shows(".lead", "pour de bon"), to+"/arreter").shows("[data-live]", "arrêtée")
	if p.Find(".actions form").Length() != 0 {
		t.Error("something is left to do")
	}
	b.get("/admin/campagnes").shows("tbody", "Rentrée")
	if p := b.submit(form, act, "nom", "x", "profil", "personnel", "cohorte", "", "etape", "", "dernier", "", "langue", "fr", "genre", "invitation", "quand", "maintenant"); !strings.Contains(p.Find(".lead").Text(), "Personne") {
		t.Errorf("nobody: %q", p.Find("main").Text())
	}
}

func TestWhatEachRoleMay(t *testing.T) {
	d := newDesk(t)
	d.enrol(1)
	for _, tt := range []struct {
		role, path string
		status     int
	}{
		{"helpdesk", "/admin/chartes", 200}, {"auditor", "/admin/chartes", 200}, {"helpdesk", "/admin/campagnes", 200}, {"auditor", "/admin/campagnes/nouvelle", 403},
		{"helpdesk", "/admin/personnes/a/charte", 200}, {"helpdesk", "/admin/personnes/a/charte/preuve", 403}, {"auditor", "/admin/personnes/a/charte/preuve", 200},
		{"admin", "/admin/personnes/none/charte", 404}, {"admin", "/admin/chartes/version/none", 404}, {"admin", "/admin/campagnes/suivi/none", 404},
	} {
		if p := d.operator(tt.role).get(tt.path); p.status != tt.status {
			t.Errorf("%s as %s: %d, want %d", tt.path, tt.role, p.status, tt.status)
		}
	}
	if p := d.operator("auditor").get("/admin/chartes"); p.Find("form[action='/admin/chartes/nouveau']").Length() != 0 {
		t.Error("an auditor sees a button that ends at a refusal")
	}
}
