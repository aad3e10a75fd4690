package activation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"entree/internal/charter"
	"entree/internal/domain"
)

// remembers is a charter board whose Refresh does nothing, as if another
// instance's publication had not reached it yet.
type remembers struct{ domain.Charters }

func (remembers) Refresh(context.Context) error { return nil }

func TestI2_ACharterReplacedByAnotherInstanceSendsBackToIt(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	real, stale := w.Charters, charter.NewCache(w.store, w.clock)
	if err := stale.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Charters = remembers{stale}
	old, err := w.CharterFor(domain.Journey{Profile: "etudiant"}, domain.French)
	if err != nil {
		t.Fatal(err)
	}
	w.publish("2027")
	refused(t, w.Accept(t.Context(), id, old.SHA256, domain.French), domain.ReasonCharterChanged)
	if _, err := w.store.LastAcceptance(t.Context(), "p-22502142"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("evidence of what was refused: %v", err)
	}
	w.Charters = real
	w.accept(id)
	if err := stale.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Charters = remembers{stale}
	w.publish("2028")
	refused(t, w.choose(id, strong), domain.ReasonStep)
	w.Charters = real
	if got := w.step(id); got != domain.StepCharter || w.accounts.Len() != 0 {
		t.Errorf("step %s, %d accounts", got, w.accounts.Len())
	}
}

func TestS47_SomebodyActiveAcceptsTheNextVersionToo(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.chosen("jp.martin@example.net")
	first := w.box.next(t, domain.MessageActivated).Charter
	p := w.person("p-22502142")
	if _, owes, err := w.Reader(t.Context(), p.Login, p.AccountID); err != nil || owes {
		t.Errorf("owes the charter of a moment ago: %v, %v", owes, err)
	}
	w.publish("2027")
	if _, owes, err := w.Reader(t.Context(), p.Login, p.AccountID); err != nil || !owes {
		t.Errorf("owes nothing: %v, %v", owes, err)
	}
	for _, other := range [][2]string{{p.Login, "another"}, {"nobody", p.AccountID}, {"", ""}} {
		if err := w.AcceptAgain(t.Context(), other[0], other[1], first.SHA256, domain.French); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%v accepted: %v", other, err)
		}
	}
	refused(t, w.AcceptAgain(t.Context(), p.Login, p.AccountID, first.SHA256, domain.French), domain.ReasonCharterChanged)
	now, err := w.CharterOf(p, domain.English)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	for range 2 {
		if err := w.AcceptAgain(t.Context(), p.Login, p.AccountID, now.SHA256, domain.English); err != nil {
			t.Fatal(err)
		}
	}
	receipt := w.box.next(t, domain.MessageAccepted).Charter
	if receipt.SHA256 != now.SHA256 || receipt.Version != "2027" || !receipt.At.Equal(w.clock()) || first.Version != "2026" {
		t.Errorf("receipts %+v, %+v", first, receipt)
	}
	acceptances, texts, err := w.store.Evidence(t.Context(), p.ID)
	if err != nil || len(acceptances) != 2 || acceptances[1].Lang != domain.English || texts[1].Text != now.Text {
		t.Errorf("%+v, %v", acceptances, err)
	}
	if _, err := w.CharterJobs().Run(t.Context(), domain.Job{Person: p.ID}); err != nil { // again, as after a crash
		t.Fatal(err)
	}
	if a, _ := w.accounts.Get(p.Login); a.CharterVersion != "2027" || a.CharterSHA256 != now.SHA256 || a.Number != p.Number {
		t.Errorf("the account says %+v", a)
	}
}
