package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/matching"
	"entree/portal/admin"
)

// oneMatch is a comparison with one open match, in memory.
type oneMatch struct {
	pass  domain.MatchPass
	never bool
	match domain.Match
	gone  bool
	asked []string
	err   error
}

func (m *oneMatch) LastPass(context.Context) (domain.MatchPass, error) {
	if m.never {
		return domain.MatchPass{}, domain.ErrNotFound
	}
	return m.pass, nil
}

func (m *oneMatch) MatchCounts(context.Context) (map[domain.MatchClass]int, error) {
	return map[domain.MatchClass]int{domain.MatchCertain: 3, domain.MatchLikely: 1}, nil
}

func (m *oneMatch) MatchLines(_ context.Context, class domain.MatchClass, _, _ int) ([]domain.Match, []domain.Person, error) {
	if m.match.Person == "" || class != "" && class != m.match.Class {
		return nil, nil, nil
	}
	return []domain.Match{m.match}, []domain.Person{m.person()}, nil
}

func (m *oneMatch) person() domain.Person {
	return domain.Person{ID: "p1", Number: "22502142", Profile: "etudiant", GivenName: "Zoé", FamilyName: "Martin", Matching: domain.MatchOpen}
}

func (m *oneMatch) Case(_ context.Context, id domain.PersonID) (domain.Person, []matching.Candidate, error) {
	if id != "p1" {
		return domain.Person{}, nil, domain.ErrNotFound
	}
	return m.person(), []matching.Candidate{{Match: m.match, Existing: domain.Existing{ID: "kc1", Login: "zmartin", GivenName: "Zoé", Enabled: true}, Gone: m.gone}}, nil
}

func (m *oneMatch) Confirm(_ context.Context, e audit.Entry, p domain.PersonID, account, reason string) error {
	m.asked = append(m.asked, fmt.Sprintf("%s confirm %s %s %s", e.By.Role, p, account, reason))
	return m.err
}

func (m *oneMatch) Reject(_ context.Context, e audit.Entry, p domain.PersonID, account, reason string) error {
	m.asked = append(m.asked, fmt.Sprintf("%s reject %s %s %s", e.By.Role, p, account, reason))
	return m.err
}

func (m *oneMatch) Order(e audit.Entry, adopt bool) {
	m.asked = append(m.asked, fmt.Sprintf("%s order %v", e.By.Role, adopt))
}

func withMatch(t *testing.T) (*world, *oneMatch) {
	t.Helper()
	m := &oneMatch{match: domain.Match{Person: "p1", Account: "kc1", Login: "zmartin", Class: domain.MatchLikely, Evidence: []domain.Evidence{domain.EvidencePersonal}, State: domain.MatchOpen}}
	w := newWorld(t, func(o *admin.Options) { o.Matching, o.Matches = m, m })
	m.pass = domain.MatchPass{ID: "1", State: domain.PassDone, Ended: w.now(), Accounts: 30, People: 25, Certain: 3, Likely: 1}
	return w, m
}

func TestK1_TheConsoleShowsAndDecidesMatches(t *testing.T) {
	w, m := withMatch(t)
	b := w.operator("admin")
	p := b.get("/admin/comptes")
	p.shows("main", "30 comptes comparés avec 25 personnes").shows("tbody", "Martin Zoé").shows("tbody", "même adresse personnelle").shows("tbody", "Probable")
	if got := b.get("/admin/comptes?classe=certain").Find("tbody tr").Length(); got != 0 {
		t.Errorf("%d rows of another class", got)
	}
	page := "/admin/comptes/personne/p1"
	p = b.get(page).shows("main", "zmartin").shows("main", "22502142")
	b.submit(p, page+"/confirmer", "motif", "").want(page+"/confirmer", 422).shows(".error", "Dites pourquoi")
	if len(m.asked) != 0 {
		t.Fatalf("a decision without a reason: %v", m.asked)
	}
	b.submit(b.get(page), page+"/confirmer", "motif", "carte vue").want("/admin/comptes", 200).shows("[role=status], .notice", "Le compte est relié")
	m.err = matching.ErrTaken
	b.submit(b.get("/admin/comptes/personne/p1"), page+"/confirmer", "motif", "encore").want(page+"/confirmer", 422)
	if len(m.asked) != 2 || m.asked[0] != "admin confirm p1 kc1 carte vue" {
		t.Errorf("asked: %q", m.asked)
	}
	for _, role := range []string{"helpdesk", "auditor"} {
		p := w.operator(role).get("/admin/comptes")
		if p.Find("main form[method=post]").Length() != 0 {
			t.Errorf("%s may decide", role)
		}
	}
}

func TestK1_TheConsoleShowsTheProgress(t *testing.T) {
	w, m := withMatch(t)
	b := w.operator("admin")
	m.pass.State, m.pass.Seen, m.pass.Expected = domain.PassRunning, w.now(), 60
	p := b.get("/admin/comptes").shows("main", "30 comptes lus sur 60")
	if p.Find("progress[value='50']").Length() != 1 || p.Find("[data-live]").Length() != 1 || p.Find("main form[method=post]").Length() != 0 {
		t.Error("no progress, or a second comparison can be begun")
	}
	m.pass.State, m.pass.Error = domain.PassFailed, "keycloak: 403"
	b.get("/admin/comptes").shows("main .error", "La comparaison a échoué").shows("main code", "403")
	m.never, m.match = true, domain.Match{}
	p = b.get("/admin/comptes").shows("main", "Aucune comparaison").shows(".empty", "Aucun rapprochement")
	b.submit(p, "/admin/comptes/comparer").want("/admin/comptes", 200)
	if strings.Join(m.asked, ";") != "admin order false" {
		t.Errorf("asked: %q", m.asked)
	}
}

func TestK1_TheAdoptionOfAllIsConfirmed(t *testing.T) {
	w, m := withMatch(t)
	b := w.operator("admin")
	p := b.submit(b.get("/admin/comptes"), "/admin/comptes/adopter").shows("main", "3 comptes")
	if len(m.asked) != 0 {
		t.Fatalf("adopted without a confirmation: %v", m.asked)
	}
	w.sleep(time.Second)
	b.submit(p, "/admin/comptes/adopter")
	if strings.Join(m.asked, ";") != "admin order true" {
		t.Errorf("asked: %q", m.asked)
	}
}
