package admin_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/portal/admin"
)

func TestFactors_WhoHasNone(t *testing.T) {
	w := newWorld(t, func(o *admin.Options) { o.Directory, o.Campaigns = &deskOfOne{}, &campaign.Service{} })
	b := w.operator("admin")
	p := b.get("/admin/facteurs?profil=etudiant&promotion=L1&avant=2026-09-01").want("/admin/facteurs?profil=etudiant&promotion=L1&avant=2026-09-01", 200).shows("table", "L1").shows("main", "Jeanne Martin")
	if strings.Contains(p.Find("tbody").First().Text(), "L2") {
		t.Error("the figures of another cohort are shown")
	}
	if q := w.figures.without; q.Profile != "etudiant" || q.Cohort != "L1" || q.Before.Format(time.DateOnly) != "2026-09-01" || q.Limit == 0 {
		t.Errorf("the list was asked for by %+v", q)
	}
	if p.Find(".actions a.primary").Length() != 0 {
		t.Error("a campaign would write to people who are not in the list")
	}
	p = b.get("/admin/facteurs?profil=etudiant&promotion=L1")
	to, err := url.Parse(p.Find(".actions a.primary").AttrOr("href", ""))
	if err != nil || to.Path != "/admin/campagnes/nouvelle" || to.Query().Get("genre") != "factor" || to.Query().Get("cohorte") != "L1" {
		t.Errorf("the campaign: %v, %v", to, err)
	}
	b.get("/admin/facteurs?avant=hier")
	if !w.figures.without.Before.IsZero() {
		t.Error("a date that is none filters")
	}
	if w.operator("helpdesk").get("/admin/facteurs").Find(".actions a").Length() != 0 {
		t.Error("the help desk may write or download")
	}
	file := b.get("/admin/facteurs/export?promotion=L1")
	if !slices.ContainsFunc(w.journal.entries(), func(e audit.Entry) bool { return e.Act == "factors.exported" && e.What["filters"] == "promotion=L1" }) {
		t.Errorf("the audit does not say which people are in the file: %+v", w.journal.entries())
	}
	if file.status != 200 || !strings.Contains(file.body, "etudiant;'=1+1;Jeanne;Martin;L1;") || w.figures.without.Limit != 0 || w.figures.without.Cohort != "L1" || !slices.Contains(w.journal.acts(), "admin factors.exported") {
		t.Errorf("%d: %q", file.status, file.body)
	}
}

func TestFactors_OfAPerson(t *testing.T) {
	w, d := withDesk(t)
	b := w.operator("helpdesk")
	const title = "Clés d'accès et seconds facteurs"
	if p := b.get(jean); strings.Contains(p.Find(".facts").Text(), title) {
		t.Error("a person without an account has a list of factors")
	}
	d.person.Account, d.person.AccountID, d.person.Login = domain.AccountActive, "kc", "o22502142"
	b.get(jean).shows(".facts", title).shows(".facts", "aucun connu")
	at := time.Date(2026, 9, 7, 8, 0, 0, 0, time.UTC)
	d.factors = []domain.KnownFactor{{Kind: domain.FactorDeclined, At: at}, {Kind: domain.FactorPasskey, At: at}}
	d.story = []helpdesk.HistoryEntry{
		{At: at, Kind: helpdesk.FactorKnown, What: map[string]string{"kind": "passkey"}},
		{At: at, Kind: string(domain.EventFactorAdded), What: map[string]string{"kind": "key"}},
		{At: at, Kind: string(domain.EventFactorDropped), What: map[string]string{"kind": "totp", "by": domain.ByAccounts}},
	}
	p := b.get(jean).shows(".facts", "Clé d'accès ").shows(".facts", "A répondu « plus tard »").shows(".facts time", "2026")
	p.shows(".story", "A ajouté un moyen de connexion (Clé d'accès)").shows(".story", "A ajouté un second facteur (Clé de sécurité)").
		shows(".story", "A retiré un moyen de connexion sur la page de connexion unique (Application de codes)")
}
