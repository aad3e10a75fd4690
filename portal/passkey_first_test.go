package portal_test

import (
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/portal"
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

// Without JavaScript a profile that offers no password says what to do, and how to reach
// the help desk; no page and no refusal speaks of a password.
func TestAProfileWithPasskeysOnlyShowsNoPassword(t *testing.T) {
	for _, words := range []struct{ lang, absent, away, failed, password string }{
		{"fr", "Ouvrez cette page sur votre téléphone", "Réessayez dans quelques minutes", "l'assistance vous aidera", "mot de passe"},
		{"en", "Open this page on your phone", "Try again in a few minutes", "the help desk will help you", "a password"},
	} {
		w := newWorld(t, delivered(t), func(o *portal.Options) { o.Institution.HelpEmail = "aide@exemple.fr" })
		w.service.passkeys, w.service.only, w.service.away = true, true, true
		b := w.browser(t)
		b.header.Set("Accept-Language", words.lang)
		helps := func(p *page) {
			t.Helper()
			p.shows(".passkey-absent", words.absent).shows(".passkey-absent a[href^='mailto:']", "aide@exemple.fr")
			if p.Find("button[value=mot-de-passe], main a[href='/activation/mot-de-passe']").Length() != 0 {
				t.Error("a password is offered")
			}
			if p.Find("main button:not([hidden])").Length() != 0 {
				t.Error("a button does nothing without JavaScript")
			}
		}
		offer := b.toOffer()
		helps(offer)
		b.submit(offer, "/activation/cle", "choix", "mot-de-passe").want("/activation/cle", 200)
		p := b.submit(offer, "/activation/cle", "choix", "cle").want("/activation/cle", 422).shows(".summary", words.away)
		if strings.Contains(p.Find(".summary").Text(), words.password) {
			t.Errorf("%s: the refusal speaks of a password", words.lang)
		}
		w.service.away = false
		p = b.submit(p, "/activation/cle", "choix", "cle").want("/activation/cle", 200)
		helps(p)
		p = b.submit(p, "/activation/cle", "reponse", "").want("/activation/cle", 422).shows(".summary", words.failed)
		if strings.Contains(p.Find(".summary").Text(), words.password) {
			t.Errorf("%s: the refusal speaks of a password", words.lang)
		}
	}
}

// Where Wi-Fi and workstations ask for a password, the offer and the page of success say
// so, and what to do.
func TestAPasskeyBesideAPasswordOfTheNetwork(t *testing.T) {
	for _, words := range []struct{ lang, offer, lacks, keep string }{
		{"fr", "vous pourrez en choisir un plus tard, sur la page «\u00a0Mon compte\u00a0»", "si vous n'en avez pas, vous pourrez en choisir un", "Gardez aussi votre mot de passe"},
		{"en", "you can choose one later, on the page “My account”", "if you do not have one, you can choose one", "Keep your password too"},
	} {
		w := newWorld(t, delivered(t), func(o *portal.Options) {
			o.Profiles[0].Credential, o.Profiles[0].PasswordElsewhere = domain.PasskeyOrPassword, true
		})
		w.service.passkeys = true
		with, without := w.browser(t), w.browser(t)
		for _, b := range []*browser{with, without} {
			b.header.Set("Accept-Language", words.lang)
		}
		p := with.toOffer().shows(".hint", words.offer)
		p = with.submit(p, "/activation/cle", "choix", "cle").want("/activation/cle", 200)
		with.submit(p, "/activation/cle", "reponse", "right").want("/activation/accueil-succes", 200).shows(".hint", words.lacks)
		p = without.submit(without.toOffer(), "/activation/cle", "choix", "mot-de-passe").want("/activation/entre-mdp", 200)
		p = without.submit(p, "/activation/entre-mdp").want("/activation/mot-de-passe", 200)
		without.submit(p, "/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", goodPhrase).want("/activation/accueil-succes", 200).shows(".hint", words.keep)
	}
	w := newWorld(t, delivered(t))
	w.service.passkeys = true
	if strings.Contains(w.browser(t).toOffer().Find("main").Text(), "Wi-Fi") {
		t.Error("the Wi-Fi is spoken of where it asks for no password")
	}
}
