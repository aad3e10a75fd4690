package portal_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"entree/internal/activation"
	"entree/internal/domain"
)

const rightObjection = "objection"

func (f *fakeService) AskClaim(_ context.Context, r activation.ClaimRequest) (domain.Journey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.Profile != "etudiant":
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonProfileMissing}
	case r.BirthDate == "":
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonClaimBirth}
	}
	f.acts++
	f.mails++
	now := f.now()
	j := domain.Journey{
		ID: domain.JourneyID(rand.Text()), Purpose: domain.PurposeClaim, Profile: r.Profile, Lang: r.Lang, Address: domain.Address(r.Address), Candidates: []domain.PersonID{domain.Claimant},
		Reference: "7K3F-9Q2M", RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(journeyLife), Code: domain.Code{SentAt: now, ExpiresAt: now.Add(domain.CodeLife), Sent: 1},
	}
	f.journeys[j.ID] = &j
	return j, nil
}

func (f *fakeService) NoticedClaim(_ context.Context, token string) (domain.Claim, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch token {
	case rightObjection:
		return domain.Claim{State: f.claim, Address: otherAddress}, f.claim == "", nil
	case lateTakeBack:
		return domain.Claim{State: domain.ClaimDone}, false, nil
	}
	return domain.Claim{}, false, domain.ErrNotFound
}

func (f *fakeService) Object(ctx context.Context, token string) (domain.Claim, error) {
	c, open, err := f.NoticedClaim(ctx, token)
	if err != nil || !open {
		return c, err
	}
	f.mu.Lock()
	f.acts++
	f.claim = domain.ClaimObjected
	f.mu.Unlock()
	c, _, err = f.NoticedClaim(ctx, token)
	return c, err
}

var claimAnswers = []string{
	"profil", "etudiant", "numero", rightNumber, "prenom", "Jeanne", "nom", "Martin", "naissance-jour", "17", "naissance-mois", "3", "naissance-annee", "2004", "adresse", otherAddress,
}

func TestAClaimIsFiledOnceItsMailboxIsProven(t *testing.T) {
	w := newWorld(t, delivered(t))
	b := w.browser(t)
	code := b.to("/activation/identification")
	if code.Find("a[href='/adresse-perdue']").Length() != 1 {
		t.Error("the code page does not lead to the claim")
	}
	p := b.get("/adresse-perdue").want("/adresse-perdue", 200)
	p = b.submit(p, "/adresse-perdue", append(claimAnswers, "naissance-jour", "41")...).want("/adresse-perdue", 422)
	if p.Find("[aria-describedby~=naissance-error]").Length() != 1 || p.Find("[name=prenom]").AttrOr("value", "") != "Jeanne" || p.Find("[name=adresse]").AttrOr("value", "") != otherAddress {
		t.Error("the error is not at the date, or what was typed is lost")
	}
	p = b.submit(p, "/adresse-perdue", claimAnswers...).want("/activation/identification", 200)
	p = b.submit(p, "/activation/recommencer").want("/adresse-perdue", 200)
	p = b.submit(p, "/adresse-perdue", claimAnswers...)
	p = b.submit(p, "/activation/identification", "code", "999999").want("/activation/identification", 422)
	p = b.submit(p, "/activation/identification", "code", rightCode).want("/adresse-perdue/demande", 200)
	if !strings.Contains(p.body, "7K3F-9Q2M") {
		t.Error("the page does not name the reference")
	}
	b.get("/adresse-perdue/demande").want("/adresse-perdue/demande", 200)
	b.get("/activation/mot-de-passe").want("/adresse-perdue/demande", 200) // a claim leads to no password
}

// TestTheNoticeOfAClaimChangesNothingUntilItIsSent opens the page on which the old
// address objects as a mail scanner does, and then sends its form twice.
func TestTheNoticeOfAClaimChangesNothingUntilItIsSent(t *testing.T) {
	w := newWorld(t, delivered(t))
	b := w.browser(t)
	at := "/adresse-perdue/pas-moi/" + rightObjection
	before, _ := w.service.count()
	p := b.get(at).want(at, 200)
	if now, _ := w.service.count(); now != before || strings.Contains(p.body, otherAddress) {
		t.Error("the GET changed something, or shows the new address")
	}
	for range 2 {
		if done := b.submit(p, at).want(at, 200); done.Find("form[action='"+at+"']").Length() != 0 {
			t.Error("an objection is asked for again")
		}
	}
	if now, _ := w.service.count(); now != before+1 {
		t.Errorf("%d acts", now-before)
	}
	b.get("/adresse-perdue/pas-moi/"+lateTakeBack).want("/adresse-perdue/pas-moi/"+lateTakeBack, 200)
	b.get("/adresse-perdue/pas-moi/wrong").want("/adresse-perdue/pas-moi/wrong", http.StatusNotFound)
}
