package helpdesk_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// The overview counts claims that wait and decisions of the last thirty days, with the
// median time. The export has the changes that are final.
func TestClaim_FiguresAndExport(t *testing.T) {
	w := newWorld(t)
	exported := func() (out []string) {
		w.must(w.Service.AcceptedChanges(t.Context(), func(c helpdesk.AddressChange) error {
			out = append(out, fmt.Sprintf("%s %s %s %s/%s", c.Number, c.Old, c.New, c.By, c.Second))
			return nil
		}))
		return out
	}
	wait := func(d time.Duration, decide func(id string)) {
		w.file(func(r *activation.ClaimRequest) { r.Client = "" })
		w.pass(d)
		decide(w.queue(domain.ClaimWaiting)[0].ID)
	}
	refuse := func(id string) {
		w.must(w.RefuseClaim(t.Context(), w.by("Ada"), helpdesk.ClaimDecision{ID: id, Reason: "no"}))
		w.mail(domain.MessageClaimRefused)
	}
	wait(time.Hour, refuse)
	wait(3*time.Hour, refuse)
	wait(48*time.Hour, func(id string) { w.must(w.accept("Ada", id)) })
	w.mail(domain.MessageClaimNotice)
	if out := exported(); len(out) != 0 {
		t.Errorf("a change that is not in effect is exported: %q", out)
	}
	w.pass(domain.ObjectionTime)
	w.Runner.Wake()
	w.mail(domain.MessageClaimOpen)
	w.file(func(r *activation.ClaimRequest) { r.Address = "third@example.fr" })
	proven := w.clock()
	w.pass(time.Hour)
	o, err := w.store.Overview(t.Context(), w.clock())
	w.must(err)
	if c := o.Claims; c.Waiting != 1 || !c.Oldest.Equal(proven) || c.Median != 3*time.Hour || c.Decided[domain.ClaimRefused] != 2 || c.Decided[domain.ClaimDone] != 1 {
		t.Errorf("the figures are %+v", c)
	}
	if out := exported(); len(out) != 1 || out[0] != "22502142 jp.martin@example.net jp@example.fr Ada/" {
		t.Errorf("exported: %q", out)
	}
	c, err := w.Case(t.Context(), jean)
	w.must(err)
	if len(c.Claimed) != 4 || c.Claimed[2].State != domain.ClaimDone || c.SourceEmail != "jp.martin@example.net" {
		t.Errorf("the person's page has %+v", c.Claimed)
	}
	d, err := w.store.Dossier(t.Context(), jean)
	w.must(err)
	raw, err := d.JSON(w.clock())
	w.must(err)
	var file struct {
		Claims []map[string]any `json:"claims_of_another_address"`
	}
	w.must(json.Unmarshal(raw, &file))
	if len(file.Claims) != 4 || file.Claims[2]["address"] != claimed || file.Claims[2]["replaced"] != "jp.martin@example.net" || strings.Contains(string(raw), "third@example.fr") {
		t.Errorf("the export of the person has %v", file.Claims)
	}
	w.pass(32 * 24 * time.Hour)
	if o, err = w.store.Overview(t.Context(), w.clock()); err != nil || len(o.Claims.Decided) != 0 || o.Claims.Median != 0 || o.Claims.Waiting != 1 {
		t.Errorf("a month later: %+v, %v", o.Claims, err)
	}
}

// A change by the student is exported when the old address can no longer undo it, and
// the person's page names it until then.
func TestClaim_AStudentsOwnChangeIsExportedWhenItIsFinal(t *testing.T) {
	w := newWorld(t)
	exported := func() (n int) {
		w.must(w.Service.AcceptedChanges(t.Context(), func(c helpdesk.AddressChange) error {
			if c.By != "" || c.New != "new@example.org" {
				t.Errorf("exported: %+v", c)
			}
			n++
			return nil
		}))
		return n
	}
	p := w.active()
	j, err := w.ChangeAddress(t.Context(), activation.ChangeOfAddress{Login: p.Login, AccountID: p.AccountID, Address: "new@example.org", Lang: domain.English})
	w.must(err)
	w.must(w.Prove(t.Context(), j.ID, w.mail(domain.MessageContactCode).Code, "c"))
	if c, err := w.Case(t.Context(), jean); err != nil || c.Undoable.Old != "jp.martin@example.net" || exported() != 0 {
		t.Errorf("undoable is %+v, %v", c.Undoable, err)
	}
	w.pass(domain.TakeBackTime)
	if c, err := w.Case(t.Context(), jean); err != nil || c.Undoable.ID != "" || exported() != 1 {
		t.Errorf("after seven days: %+v, %v", c.Undoable, err)
	}
}
