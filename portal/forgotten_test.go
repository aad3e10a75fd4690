package portal_test

import (
	"strings"
	"testing"
)

func TestTheWayOfAForgottenPassword(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.get("/mot-de-passe-oublie?profil=etudiant").want("/mot-de-passe-oublie", 200)
	if p.Find("form[action='/mot-de-passe-oublie']").Length() != 1 {
		t.Fatal("the form leads elsewhere")
	}
	p = b.submit(p, "/mot-de-passe-oublie", "adresse", known).want("/activation/identification", 200)
	p = b.submit(p, "/activation/identification", "code", "012 345").want("/activation/entre-mdp", 200) // no charter
	b.get("/activation/charte").want("/activation/entre-mdp", 200)
	p = b.submit(p, "/activation/entre-mdp").want("/activation/mot-de-passe", 200)
	b.submit(p, "/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", goodPhrase).
		want("/activation/accueil-succes", 200).shows(".login", "o22502142")
}

// TestBothFlowsAnswerAnUnknownAddressAlike compares the pages for a known and an
// unknown address in a recovery.
func TestBothFlowsAnswerAnUnknownAddressAlike(t *testing.T) {
	w := newWorld(t)
	body := func(address string) string {
		b := w.browser(t)
		p := b.get("/mot-de-passe-oublie?profil=etudiant")
		p = b.submit(p, "/mot-de-passe-oublie", "adresse", address).want("/activation/identification", 200)
		token := p.Find("[name=jeton]").First().AttrOr("value", "")
		return strings.NewReplacer(address, "…", token, "…").Replace(p.body)
	}
	if a, b := body(known), body("nobody"+known); a != b {
		t.Errorf("the pages differ:\n%s\n%s", a, b)
	}
}

func TestARefusedRecoveryKeepsItsOwnPage(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.submit(b.get("/mot-de-passe-oublie"), "/mot-de-passe-oublie", "profil", "etudiant", "adresse", "jeanne").
		want("/mot-de-passe-oublie", 422).shows(".summary", "refused.address_syntax")
	p := b.submit(b.get("/mot-de-passe-oublie"), "/mot-de-passe-oublie", "profil", "etudiant", "adresse", known).want("/activation/identification", 200)
	b.submit(p, "/activation/recommencer").want("/mot-de-passe-oublie", 200)
}

// TestTheNoticesPageChangesNothingUntilItIsSent opens the page that stops a recovery as
// a mail scanner does, and then sends its form.
func TestTheNoticesPageChangesNothingUntilItIsSent(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	at := "/mot-de-passe-oublie/pas-moi/" + rightFreeze
	before, _ := w.service.count()
	p := b.get(at).want(at, 200)
	if now, _ := w.service.count(); now != before {
		t.Error("the GET changed something")
	}
	if p = b.submit(p, at).want(at, 200); p.Find(".done").Length() != 1 {
		t.Errorf("not confirmed:\n%s", p.body)
	}
	if now, _ := w.service.count(); now != before+1 {
		t.Errorf("%d acts", now-before)
	}
	b.get("/mot-de-passe-oublie/pas-moi/wrong").want("/mot-de-passe-oublie/pas-moi/wrong", 404)
}
