package portal_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
)

const (
	otherAddress  = "jeanne@exemple.org"
	rightTakeBack = "right"
	lateTakeBack  = "late"
	finalTakeBack = "final"
)

func (f *fakeService) ChangeAddress(_ context.Context, c activation.ChangeOfAddress) (domain.Journey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	address, err := domain.ParseAddress(c.Address)
	if err != nil {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonAddressSyntax}
	}
	if c.Login != "o"+rightNumber {
		return domain.Journey{}, domain.ErrNotFound
	}
	f.acts++
	now := f.now()
	j := domain.Journey{
		ID: domain.JourneyID(rand.Text()), Purpose: domain.PurposeAddress, Profile: "etudiant", Lang: c.Lang, Address: address, Second: c.Second, Person: "jeanne", Candidates: []domain.PersonID{"jeanne"},
		RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(journeyLife), Code: domain.Code{SentAt: now, ExpiresAt: now.Add(domain.CodeLife), Sent: 1},
	}
	f.journeys[j.ID] = &j
	return j, nil
}

func (f *fakeService) NoticedChange(_ context.Context, token string) (domain.ContactChange, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := domain.ContactChange{ID: token, Old: known, New: otherAddress, At: f.now(), Until: f.now().Add(domain.TakeBackTime)}
	switch token {
	case rightTakeBack:
		c.Closed = f.takenBack
	case lateTakeBack:
		c.Until = f.now()
	case finalTakeBack:
		c.Closed = domain.ClosedOperator
	default:
		return c, false, domain.ErrNotFound
	}
	return c, c.Closed == "" && token == rightTakeBack, nil
}

func (f *fakeService) TakeBack(ctx context.Context, token string, _ domain.Lang) (domain.ContactChange, error) {
	c, open, err := f.NoticedChange(ctx, token)
	if err != nil || !open {
		return c, err
	}
	f.mu.Lock()
	f.acts++
	f.takenBack = domain.ClosedTakenBack
	f.mu.Unlock()
	c, _, err = f.NoticedChange(ctx, token)
	return c, err
}

func (f *fakeAccounts) ContactChanges(context.Context, domain.PersonID) ([]domain.ContactChange, error) {
	return f.changes, nil
}

// The change of an address begins on the page of the account, goes by the code page of
// every flow, and ends where it began, still logged in.
func TestTheAddressIsChangedFromTheAccount(t *testing.T) {
	w, provider, accounts := withAccount(t)
	b := w.browser(t)
	if p := b.do("GET", "/compte/adresse", nil); p.header.Get("Location") != "/connexion?compte" {
		t.Fatalf("without a login: %d", p.status)
	}
	b.toAccount(t, provider)
	p := b.get("/compte/adresse").want("/compte/adresse", 200)
	p = b.submit(p, "/compte/adresse", "adresse", "jeanne").want("/compte/adresse", 422).shows(".summary", "refused.address_syntax")
	if p.Find("[name=adresse]").AttrOr("value", "") != "jeanne" {
		t.Error("the typed address is lost")
	}
	p = b.submit(p, "/compte/adresse", "adresse", otherAddress).want("/activation/identification", 200).shows(".given", otherAddress)
	if !strings.Contains(p.Find("title").Text(), "address.code.title") {
		t.Errorf("the code page has the words of another flow: %q", p.Find("title").Text())
	}
	p = b.submit(p, "/activation/identification", "code", "999999").want("/activation/identification", 422)
	accounts.changes = []domain.ContactChange{{Until: w.now().Add(domain.TakeBackTime)}}
	b.submit(p, "/activation/identification", "code", rightCode).want("/compte", 200).shows(".notice", "account.outcome.address").shows(".until", "…")
	accounts.changes[0].Until = w.now()
	if p := b.get("/compte"); p.Find(".until").Length() != 0 {
		t.Error("the page says for ever that the change can be taken back")
	}
}

func TestTheAddressIsNotChangedByAnOldOrForgedForm(t *testing.T) {
	w, provider, _ := withAccount(t)
	b := w.browser(t)
	b.toAccount(t, provider)
	form := b.get("/compte/adresse").fill("/compte/adresse", "adresse", otherAddress)
	before, _ := w.service.count()
	forged := url.Values{"adresse": {otherAddress}, "jeton": {"x"}}
	if p := b.do("POST", "/compte/adresse", &forged); p.status < 400 {
		t.Errorf("a forged form: %d", p.status)
	}
	w.sleep(15 * time.Minute)
	if p := b.do("POST", "/compte/adresse", &form); p.header.Get("Location") != "/connexion?compte" {
		t.Errorf("an old form: %d", p.status)
	}
	if now, _ := w.service.count(); now != before {
		t.Errorf("%d acts", now-before)
	}
}

// Going back, and waiting for too long, leave the login as it is.
func TestAChangeOfAddressCanBeLeft(t *testing.T) {
	w, provider, _ := withAccount(t)
	b := w.browser(t)
	b.toAccount(t, provider)
	begin := func() *page {
		return b.submit(b.get("/compte/adresse"), "/compte/adresse", "adresse", otherAddress).want("/activation/identification", 200)
	}
	b.submit(begin(), "/activation/recommencer").want("/compte/adresse", 200)
	begin()
	w.service.set(func(j *domain.Journey) { j.ExpiresAt = w.now() })
	b.get("/activation/identification").want("/compte/adresse", 200)
	begin()
	w.service.set(func(j *domain.Journey) { j.EndedAt, j.Revoked = w.now(), true })
	b.submit(b.get("/activation/identification").want("/activation/identification", 200), "/activation/recommencer").want("/compte/adresse", 200)
	b.get("/compte").want("/compte", 200)
}

// TestTheNoticeOfANewAddressChangesNothingUntilItIsSent opens the page that takes a
// change back as a mail scanner does, and then sends its form twice.
func TestTheNoticeOfANewAddressChangesNothingUntilItIsSent(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	at := "/compte/adresse/pas-moi/" + rightTakeBack
	before, _ := w.service.count()
	p := b.get(at).want(at, 200).shows(".state", "open")
	if now, _ := w.service.count(); now != before {
		t.Error("the GET changed something")
	}
	if strings.Contains(p.body, otherAddress) {
		t.Error("the page shows the new address to the reader of the old mailbox")
	}
	b.submit(p, at).want(at, 200).shows(".state", "done")
	b.submit(p, at).want(at, 200).shows(".state", "done")
	if now, _ := w.service.count(); now != before+1 {
		t.Errorf("%d acts", now-before)
	}
	for token, state := range map[string]string{lateTakeBack: "late", finalTakeBack: "final"} {
		b.get("/compte/adresse/pas-moi/"+token).want("/compte/adresse/pas-moi/"+token, 200).shows(".state", state)
	}
	b.get("/compte/adresse/pas-moi/wrong").want("/compte/adresse/pas-moi/wrong", http.StatusNotFound)
}
