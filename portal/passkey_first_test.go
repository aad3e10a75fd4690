package portal_test

import (
	"strings"
	"testing"
)

// toOffer walks to the choice between a passkey and a password.
func (b *browser) toOffer() *page {
	b.t.Helper()
	return b.submit(b.to("/activation/charte"), "/activation/charte", "charte", "oui").want("/activation/cle", 200)
}

func TestAPasskeyBeforeAPassword(t *testing.T) {
	w := newWorld(t, delivered(t))
	w.service.passkeys = true
	b := w.browser(t)
	b.header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 16) Mobile Safari/537.36")
	p := b.submit(b.toOffer(), "/activation/cle", "choix", "cle").want("/activation/cle", 200)
	if options, ok := p.Find("form.register").Attr("data-options"); !ok || !strings.Contains(options, `"challenge":"AAECAw"`) {
		t.Fatalf("the options are %q", options)
	}
	p = b.submit(p, "/activation/cle", "reponse", "wrong").want("/activation/cle", 422)
	p.shows(".summary", "choisissez un mot de passe")
	b.submit(p, "/activation/cle", "reponse", "right").want("/activation/accueil-succes", 200)
	if w.service.label != "Téléphone" {
		t.Errorf("the label is %q", w.service.label)
	}
}

// Without JavaScript the one button that works leads to the password, also back from
// the advice and from the registration.
func TestThePasswordIsAlwaysReached(t *testing.T) {
	w := newWorld(t, delivered(t))
	w.service.passkeys = true
	b := w.browser(t)
	p := b.toOffer()
	if hidden := p.Find("button[value=cle][hidden]").Length(); hidden != 1 {
		t.Errorf("%d hidden buttons", hidden)
	}
	p = b.submit(p, "/activation/cle", "choix", "mot-de-passe").want("/activation/entre-mdp", 200)
	b.get("/activation/cle").want("/activation/cle", 200)
	p = b.submit(p, "/activation/entre-mdp").want("/activation/mot-de-passe", 200)
	again := b.get("/activation/cle").want("/activation/cle", 200)
	b.submit(again, "/activation/cle", "choix", "mot-de-passe").want("/activation/mot-de-passe", 200)
	b.submit(again, "/activation/cle", "choix", "cle").want("/activation/cle", 200)
	p = b.get("/activation/mot-de-passe").want("/activation/mot-de-passe", 200)
	b.submit(p, "/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", goodPhrase).want("/activation/accueil-succes", 200)
}

func TestTheOfferWhileTheRealmTakesNoPasskeys(t *testing.T) {
	w := newWorld(t, delivered(t))
	w.service.passkeys, w.service.away = true, true
	b := w.browser(t)
	p := b.submit(b.toOffer(), "/activation/cle", "choix", "cle").want("/activation/cle", 422)
	p.shows(".summary", "ne sont pas disponibles en ce moment")
	b.submit(p, "/activation/cle", "choix", "mot-de-passe").want("/activation/entre-mdp", 200)
}

func TestAProfileWithPasskeysOnlyShowsNoPassword(t *testing.T) {
	w := newWorld(t, delivered(t))
	w.service.passkeys, w.service.only = true, true
	b := w.browser(t)
	p := b.toOffer()
	if p.Find("button[value=mot-de-passe]").Length() != 0 {
		t.Error("a password is offered")
	}
	p.shows(".passkey-absent", "l'assistance vous aidera")
	b.submit(p, "/activation/cle", "choix", "mot-de-passe").want("/activation/cle", 200)
	p = b.submit(p, "/activation/cle", "choix", "cle").want("/activation/cle", 200)
	if p.Find("a[href='/activation/mot-de-passe']").Length() != 0 {
		t.Error("a password is offered")
	}
}
