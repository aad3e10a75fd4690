package admin_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/portal/admin"
)

// queueOfOne is a help desk with a waiting claim, one that an operator agreed to, and a
// certain one. It records the decisions.
type queueOfOne struct {
	admin.HelpDesk
	decided []string
	query   helpdesk.ClaimQuery
}

func (q *queueOfOne) ClaimQueue(_ context.Context, query helpdesk.ClaimQuery) ([]helpdesk.ClaimCase, bool, error) {
	q.query = query
	if !slices.Contains(query.States, domain.ClaimWaiting) {
		return nil, false, nil
	}
	c := helpdesk.ClaimCase{
		Claim:    domain.Claim{ID: "c1", State: domain.ClaimWaiting, Number: "22502142", GivenName: "Jeanne", FamilyName: "Martin", Address: "jeanne@exemple.org"},
		Registry: domain.Person{ID: "p1", Number: "22502142", FamilyName: "Martin", Email: "j@exemple.fr"},
		Typed:    []helpdesk.NamePart{{Text: "Jeanne", Differs: true}, {Text: "Martin"}}, Known: []helpdesk.NamePart{{Text: "Martin"}},
		For: []helpdesk.Point{{Key: "number"}}, Against: []helpdesk.Point{{Key: "birth", Count: 1}, {Key: "network_refused", Count: 2}},
	}
	agreed := c
	agreed.ID, agreed.State, agreed.Operator, agreed.OperatorID, agreed.Reason, agreed.DecidedAt = "c2", domain.ClaimAgreed, "Ada", "s-registrar", "rappelée", time.Unix(1, 0)
	certain := c
	certain.ID, certain.Against, certain.Certain, certain.Address = "c3", nil, true, "certaine@exemple.org"
	return []helpdesk.ClaimCase{c, agreed, certain}, false, nil
}

func (q *queueOfOne) ClaimCounts(context.Context) (map[domain.ClaimState]int64, error) {
	return map[domain.ClaimState]int64{domain.ClaimWaiting: 2, domain.ClaimAgreed: 1, domain.ClaimDone: 7, domain.ClaimRefused: 3}, nil
}

func (q *queueOfOne) decide(e audit.Entry, act string, by helpdesk.ClaimDecision) error {
	if by.Reason == "" {
		return &helpdesk.Refusal{Reason: helpdesk.ReasonMissing}
	}
	q.decided = append(q.decided, fmt.Sprint(e.By.Role, act, by))
	return nil
}

func (q *queueOfOne) AcceptClaim(_ context.Context, e audit.Entry, by helpdesk.ClaimDecision) error {
	return q.decide(e, "accept", by)
}

func (q *queueOfOne) RefuseClaim(_ context.Context, e audit.Entry, by helpdesk.ClaimDecision) error {
	return q.decide(e, "refuse", by)
}

func (q *queueOfOne) AcceptCertain(_ context.Context, e audit.Entry, ids []string, why string) (int, int, error) {
	if why == "" {
		return 0, 0, &helpdesk.Refusal{Reason: helpdesk.ReasonMissing}
	}
	q.decided = append(q.decided, fmt.Sprint(e.By.Role, ids, why))
	return len(ids), 1, nil
}

func (q *queueOfOne) AcceptedChanges(_ context.Context, see func(helpdesk.AddressChange) error) error {
	return see(helpdesk.AddressChange{Profile: "etudiant", Number: "=1+1", Old: "a@example.org", New: "+b@example.org", At: time.Unix(0, 0), By: "Ada"})
}

// The changes are a file for spreadsheets, in which no cell is a formula. An auditor may
// not download it.
func TestClaims_ExportOfTheChanges(t *testing.T) {
	w := newWorld(t, func(o *admin.Options) { o.Desk = &queueOfOne{} })
	b := w.operator("registrar")
	p := b.get("/admin/adresses/export")
	if p.status != 200 || !strings.Contains(p.body, "etudiant;'=1+1;a@example.org;'+b@example.org;1970-01-01T00:00:00Z;Ada;") || !slices.Contains(w.journal.acts(), "registrar claims.exported") {
		t.Errorf("%d: %q", p.status, p.body)
	}
	if p := w.operator("auditor").get("/admin/adresses/export"); p.status != 403 {
		t.Errorf("an auditor: %d", p.status)
	}
}

func TestClaims_ARegistrarDecidesWithAReason(t *testing.T) {
	q := &queueOfOne{}
	w := newWorld(t, func(o *admin.Options) { o.Desk = q })
	b := w.operator("registrar")
	p := b.get("/admin/adresses").want("/admin/adresses", 200).shows("table", "jeanne@exemple.org").shows("table", "j@exemple.fr").shows("main", "le numéro est connu").shows("main", "autre date de naissance").shows("main", "2 demandes de ce réseau ont été refusées").shows("mark", "Jeanne")
	p = b.submit(p, "/admin/adresses/c1/refuser", "motif", "").want("/admin/adresses/c1/refuser", 422)
	if p.Find("#motif-c1-error").Length() != 1 {
		t.Error("the missing reason is not told at its field")
	}
	b.submit(p, "/admin/adresses/c1/refuser", "motif", "inconnue").want("/admin/adresses", 200).shows(".notice", "refusée")
	if p.Find(`button[formaction="/admin/adresses/c1/accepter"]`).Length() != 1 {
		t.Error("the claim cannot be accepted")
	}
	if len(q.decided) != 1 || q.decided[0] != "registrarrefuse{c1 inconnue false}" {
		t.Errorf("decided %q", q.decided)
	}
	b.get("/admin/adresses?etat=done").shows(".empty", "Aucune demande.")
	for role, status := range map[string]int{"auditor": 200, "admin": 200, "helpdesk": 403} {
		p := w.operator(role).get("/admin/adresses")
		if p.status != status {
			t.Errorf("%s reads the queue: %d", role, p.status)
		}
		if has := p.Find("form[action$=refuser]").Length() > 0; has != (role == "admin") {
			t.Errorf("%s is shown the decision: %v", role, has)
		}
	}
}

// The operator who agreed to a claim is not offered to accept it; another one is. The
// certain claims have one form with one checkbox each.
func TestClaims_SecondEyesAndBulk(t *testing.T) {
	q := &queueOfOne{}
	w := newWorld(t, func(o *admin.Options) {
		o.Desk, o.ClaimRules = q, domain.ClaimRules{Eyes: 2, CardURL: "https://example.org", CardRequired: true}
	})
	b := w.operator("registrar")
	p := b.get("/admin/adresses?q=Martin").shows("main", "Une autre personne doit accepter aussi.")
	if p.Find(`[formaction="/admin/adresses/c2/accepter"]`).Length() != 0 || p.Find(`[formaction="/admin/adresses/c1/accepter"]`).Length() != 1 || q.query.Words != "Martin" || len(q.query.States) != 2 {
		t.Errorf("the offer or the query %+v is wrong", q.query)
	}
	if w.operator("admin").get("/admin/adresses").Find(`[formaction="/admin/adresses/c2/accepter"]`).Length() != 1 {
		t.Error("another operator cannot accept the claim")
	}
	if n := p.Find(`form[action="/admin/adresses/lot"] [name=demande]`).Length(); n != 1 || p.Find(`form[action="/admin/adresses/c1/refuser"] [name=carte]`).Length() != 1 {
		t.Errorf("%d claims are certain, or the card is not asked for", n)
	}
	bulk := b.submit(p, "/admin/adresses/lot", "motif", "").want("/admin/adresses/lot", 422)
	if bulk.Find("#motif-lot-error").Length() != 1 || bulk.Find("[name=demande][checked]").Length() != 1 {
		t.Error("the missing reason is not told, or the ticks are lost")
	}
	b.submit(bulk, "/admin/adresses/lot", "motif", "certaines").want("/admin/adresses", 200).shows(".notice", "1 demande acceptée")
	b.submit(p, "/admin/adresses/c1/refuser", "motif", "vue").want("/admin/adresses", 200)
	if want := []string{"registrar[c3]certaines", "registrarrefuse{c1 vue true}"}; !slices.Equal(q.decided, want) {
		t.Errorf("decided %q", q.decided)
	}
	if n := p.Find("#etat option").Length(); n != 8 {
		t.Errorf("%d filters", n)
	}
	b.get("/admin/adresses?etat=decided").shows(".empty", "Essayez un autre état")
	if len(q.query.States) != 4 {
		t.Errorf("decided are %v", q.query.States)
	}
}
