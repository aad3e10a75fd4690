package portal_test

import (
	"context"
	"net/url"
	"testing"

	"entree/internal/domain"
)

func (f *fakeService) RemoveSecond(context.Context, string, string, domain.Lang) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acts++
	f.second = ""
	return nil
}

func (f *fakeService) PreferSecond(context.Context, string, string, domain.Lang) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acts++
	f.first, f.second = f.second, f.first
	return nil
}

// A second address is given from the page of the account with a code, made the first one
// and removed. A person without a first address gives that one.
func TestASecondAddressIsGivenFromTheAccount(t *testing.T) {
	w, provider, _ := withAccount(t)
	b := w.browser(t)
	if p := b.do("GET", "/compte/adresse/seconde", nil); p.header.Get("Location") != "/connexion?compte" {
		t.Fatalf("without a login: %d", p.status)
	}
	b.toAccount(t, provider)
	b.get("/compte/adresse/seconde").want("/compte/adresse", 200)
	w.service.first = known
	p := b.get("/compte/adresse/seconde").want("/compte/adresse/seconde", 200)
	if p.Find(`form[action$="/retirer"], form[action$="/principale"]`).Length() != 0 {
		t.Error("the page offers to remove an address that there is not")
	}
	p = b.submit(p, "/compte/adresse/seconde", "adresse", "jeanne").want("/compte/adresse/seconde", 422).shows(".summary", "refused.address_syntax")
	if p.Find("[name=adresse]").AttrOr("value", "") != "jeanne" {
		t.Error("the typed address is lost")
	}
	p = b.submit(p, "/compte/adresse/seconde", "adresse", otherAddress).want("/activation/identification", 200)
	b.submit(p, "/activation/recommencer").want("/compte/adresse/seconde", 200)
	p = b.submit(b.get("/compte/adresse/seconde"), "/compte/adresse/seconde", "adresse", otherAddress).want("/activation/identification", 200)
	b.submit(p, "/activation/identification", "code", rightCode).want("/compte", 200).shows(".notice", "account.outcome.second")

	w.service.second = otherAddress
	b.get("/compte").shows(".contacts", otherAddress)
	p = b.get("/compte/adresse/seconde").want("/compte/adresse/seconde", 200)
	b.submit(p, "/compte/adresse/seconde/principale").want("/compte", 200).shows(".notice", "account.outcome.second_first")
	if w.service.first != otherAddress {
		t.Error("the second address is not the first one")
	}
	p = b.get("/compte/adresse/seconde")
	acts := w.service.acts
	if got := b.do("POST", "/compte/adresse/seconde/retirer", &url.Values{}); got.status < 400 || w.service.acts != acts {
		t.Errorf("without a token: %d", got.status)
	}
	b.submit(p, "/compte/adresse/seconde/retirer").want("/compte", 200).shows(".notice", "account.outcome.second_removed")
	if b.get("/compte/adresse/seconde").Find(`form[action$="/retirer"]`).Length() != 0 {
		t.Error("a removed address can be removed")
	}
}

// A person whose only address is the second one, because the enrolment has no other, can
// remove it or make it the first one.
func TestTheOnlyAddressCanBeTheSecondOne(t *testing.T) {
	for path, outcome := range map[string]string{"/retirer": "second_removed", "/principale": "second_first"} {
		w, provider, _ := withAccount(t)
		w.service.second = otherAddress
		b := w.browser(t)
		b.toAccount(t, provider)
		p := b.get("/compte/adresse/seconde").want("/compte/adresse/seconde", 200).shows(".current", otherAddress)
		form := p.fill("/compte/adresse/seconde"+path, "adresse", "x@example.net")
		if to := b.do("POST", "/compte/adresse/seconde", &form).header.Get("Location"); to != "/compte/adresse" || w.service.acts != 0 {
			t.Errorf("another second address without a first one leads to %q", to)
		}
		b.submit(p, "/compte/adresse/seconde"+path).want("/compte", 200).shows(".notice", "account.outcome."+outcome)
	}
}
