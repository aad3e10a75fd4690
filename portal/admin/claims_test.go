package admin_test

import (
	"context"
	"strings"
	"testing"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/portal/admin"
)

// queueOfOne is a help desk with one waiting claim. It records the decisions.
type queueOfOne struct {
	admin.HelpDesk
	decided []string
}

func (q *queueOfOne) ClaimQueue(_ context.Context, state domain.ClaimState, _, _ int) ([]helpdesk.ClaimCase, bool, error) {
	if state != domain.ClaimWaiting {
		return nil, false, nil
	}
	return []helpdesk.ClaimCase{{
		Claim:    domain.Claim{ID: "c1", State: state, Number: "22502142", GivenName: "Jeanne", FamilyName: "Martin", Address: "jeanne@exemple.org"},
		Registry: domain.Person{ID: "p1", Number: "22502142", FamilyName: "Martin", Email: "j@exemple.fr"},
		For:      []string{"number"}, Against: []string{"birth"},
	}}, false, nil
}

func (q *queueOfOne) ClaimCounts(context.Context) (map[domain.ClaimState]int64, error) {
	return map[domain.ClaimState]int64{domain.ClaimWaiting: 1}, nil
}

func (q *queueOfOne) decide(e audit.Entry, act, id, why string) error {
	if why == "" {
		return &helpdesk.Refusal{Reason: helpdesk.ReasonMissing}
	}
	q.decided = append(q.decided, strings.Join([]string{e.By.Role, act, id, why}, " "))
	return nil
}

func (q *queueOfOne) AcceptClaim(_ context.Context, e audit.Entry, id, why string) error {
	return q.decide(e, "accept", id, why)
}

func (q *queueOfOne) RefuseClaim(_ context.Context, e audit.Entry, id, why string) error {
	return q.decide(e, "refuse", id, why)
}

func TestClaims_ARegistrarDecidesWithAReason(t *testing.T) {
	q := &queueOfOne{}
	w := newWorld(t, func(o *admin.Options) { o.Desk = q })
	b := w.operator("registrar")
	p := b.get("/admin/adresses").want("/admin/adresses", 200).shows("table", "jeanne@exemple.org").shows("table", "j@exemple.fr").shows("main", "le numéro est connu").shows("main", "autre date de naissance")
	p = b.submit(p, "/admin/adresses/c1/refuser", "motif", "").want("/admin/adresses/c1/refuser", 422)
	if p.Find("#motif-c1-error").Length() != 1 {
		t.Error("the missing reason is not told at its field")
	}
	b.submit(p, "/admin/adresses/c1/refuser", "motif", "inconnue").want("/admin/adresses", 200).shows(".notice", "refusée")
	if p.Find(`button[formaction="/admin/adresses/c1/accepter"]`).Length() != 1 {
		t.Error("the claim cannot be accepted")
	}
	if len(q.decided) != 1 || q.decided[0] != "registrar refuse c1 inconnue" {
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
