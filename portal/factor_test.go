package portal_test

import (
	"context"
	"net/http"
	"testing"

	"entree/internal/domain"
)

const rightFactor = "factor"

func (f *fakeService) NoticedFactor(_ context.Context, token string) (domain.FactorRemoval, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch token {
	case rightFactor:
		state := domain.FactorAsked
		if f.factorStopped {
			state = domain.FactorStopped
		}
		return domain.FactorRemoval{State: state, DueAt: f.now().Add(domain.FactorDelay)}, nil
	case lateTakeBack:
		return domain.FactorRemoval{State: domain.FactorRemoved}, nil
	}
	return domain.FactorRemoval{}, domain.ErrNotFound
}

func (f *fakeService) StopFactor(ctx context.Context, token string) (domain.FactorRemoval, error) {
	r, err := f.NoticedFactor(ctx, token)
	if err != nil || !r.IsOpen() {
		return r, err
	}
	f.mu.Lock()
	f.acts++
	f.factorStopped = true
	f.mu.Unlock()
	return f.NoticedFactor(ctx, token)
}

// TestTheNoticeOfALostFactorChangesNothingUntilItIsSent opens the page as a mail scanner
// does, and then sends its form twice.
func TestTheNoticeOfALostFactorChangesNothingUntilItIsSent(t *testing.T) {
	w := newWorld(t, delivered(t))
	b := w.browser(t)
	at := "/compte/second-facteur/pas-moi/" + rightFactor
	before, _ := w.service.count()
	p := b.get(at).want(at, 200)
	if now, _ := w.service.count(); now != before {
		t.Error("the GET changed something")
	}
	for range 2 {
		if done := b.submit(p, at).want(at, 200); done.Find("form[action='"+at+"']").Length() != 0 {
			t.Error("the form is shown again")
		}
	}
	if now, _ := w.service.count(); now != before+1 {
		t.Errorf("%d acts", now-before)
	}
	b.get("/compte/second-facteur/pas-moi/"+lateTakeBack).want("/compte/second-facteur/pas-moi/"+lateTakeBack, 200)
	b.get("/compte/second-facteur/pas-moi/wrong").want("/compte/second-facteur/pas-moi/wrong", http.StatusNotFound)
}
