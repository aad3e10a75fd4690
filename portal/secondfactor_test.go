package portal_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/portal"
)

func withRule(rule domain.FactorRule) func(*portal.Options) {
	return func(o *portal.Options) { o.Profiles[0].Factors = rule }
}

// Without the level that a profile requires, a login opens neither the ENT nor the page
// of the account. An account without a second factor sees the choice first.
func TestARequiredSecondFactorIsAskedFor(t *testing.T) {
	w, provider, _ := withAccount(t, withRule(domain.FactorsRequired))
	level := ""
	provider.Edit = func(claims map[string]any) {
		claims["auth_time"] = w.now().Unix()
		if level != "" {
			claims["acr"] = level
		}
	}
	back := func(b *browser, to string) *page {
		return b.do("GET", "/connexion/retour?"+provider.Login(t, to).Encode(), nil)
	}
	for name, held := range map[string][]domain.Factor{
		"/connexion/second-facteur?compte": nil,
		"/connexion?niveau&compte":         {{ID: idOf(totpPage), Kind: domain.FactorTOTP}},
	} {
		w.service.held, level = domain.HeldFactors{HasPassword: true, List: held}, "pwd"
		b := w.browser(t)
		p := back(b, b.do("GET", "/connexion?compte", nil).header.Get("Location"))
		if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != name {
			t.Fatalf("%d factors: %d to %q, want %q", len(held), p.status, to, name)
		}
		if p := b.do("GET", "/compte", nil); p.status != http.StatusSeeOther {
			t.Errorf("a login without a second factor opens the account: %d", p.status)
		}
		to := b.do("GET", "/connexion?niveau&compte", nil).header.Get("Location")
		asked, err := url.Parse(to)
		if err != nil || asked.Query().Get("acr_values") != "mfa" || asked.Query().Has("prompt") { // the password was just given
			t.Fatalf("%q", to)
		}
		refused := back(b, to)
		if refused.status != http.StatusBadGateway || titleKey(refused) != "error.sso_level" {
			t.Errorf("a provider that does not ask for it: %d, %q", refused.status, titleKey(refused))
		}
		level = "mfa"
		b.follow(back(b, b.do("GET", "/connexion?niveau&compte", nil).header.Get("Location"))).want("/compte", 200)
	}

	// The choice leads to the flow that registers a code app, and to Keycloak's action.
	b := w.browser(t)
	p := b.get("/connexion/second-facteur?compte&offre&lang=xx").shows(".state", "choose required")
	if to := p.Find("a.lang").AttrOr("href", ""); to != "/connexion/second-facteur?compte=&lang=en&offre=" {
		t.Errorf("the other language is at %q", to)
	}
	var links []string
	for _, a := range p.Find(".choices a").EachIter() {
		links = append(links, a.AttrOr("href", ""))
	}
	if !slices.Equal(links, []string{"/connexion?niveau&compte&offre", "/connexion?changer=cle-de-securite&compte&offre"}) {
		t.Errorf("%v", links)
	}
	if p.Find("form[action='/compte/second-facteur']").Length() != 0 {
		t.Error("a required factor can be declined")
	}

	// A passkey is both factors: it is offered where the profile has passkeys.
	w, _, _ = withAccount(t, withRule(domain.FactorsRequired), func(o *portal.Options) { o.Profiles[0].Credential = domain.PasswordOrPasskey })
	if to := w.browser(t).get("/connexion/second-facteur?compte&lang=xx").Find(".choices a").First().AttrOr("href", ""); to != "/connexion?changer=cle&compte" {
		t.Errorf("the first choice leads to %q", to)
	}
}

// A security key that is cancelled where a second factor is required leads back to the
// choice, which says so once.
func TestACancelledSecurityKeyLeadsBackToTheChoice(t *testing.T) {
	w, provider, _ := withAccount(t, withRule(domain.FactorsRequired))
	provider.Edit = func(claims map[string]any) { claims["auth_time"], claims["acr"] = w.now().Unix(), "pwd" }
	w.service.held = domain.HeldFactors{HasPassword: true}
	b := w.browser(t)
	q := provider.Login(t, b.do("GET", "/connexion?changer=cle-de-securite&offre", nil).header.Get("Location"))
	q.Set("kc_action_status", "cancelled")
	b.follow(b.comeBack(q)).want("/connexion/second-facteur", 200).shows(".notice", "account.outcome.cancelled")
	if again := b.get("/connexion/second-facteur?compte&offre"); strings.Contains(again.Text(), "account.outcome") {
		t.Errorf("said twice: %s", again.Text())
	}
}

// Of a logged-in person the page of the account asks for both the password and the second
// factor again.
func TestAFreshLoginAsksForBothFactors(t *testing.T) {
	w, provider, _ := withAccount(t, withRule(domain.FactorsRequired))
	provider.Edit = func(claims map[string]any) { claims["auth_time"], claims["acr"] = w.now().Unix(), "mfa" }
	b := w.browser(t)
	b.toAccount(t, provider)
	to, err := url.Parse(b.do("GET", "/connexion?compte", nil).header.Get("Location"))
	if err != nil || to.Query().Get("prompt") != "login" || to.Query().Get("acr_values") != "mfa" {
		t.Errorf("%v, %v", to, err)
	}
}

func TestASecondFactorIsOfferedAfterTheFirstLogin(t *testing.T) {
	w, provider, _ := withAccount(t, withRule(domain.FactorsOffered))
	w.service.held = domain.HeldFactors{HasPassword: true}
	b := w.browser(t)
	b.to("/activation/accueil-succes")
	p := b.follow(b.comeBack(provider.Login(t, b.beginLogin(t)))).want("/compte/second-facteur", 200).shows(".state", "choose")
	if p.Find(".choices a").Length() != 2 {
		t.Errorf("%d choices", p.Find(".choices a").Length())
	}
	form := p.fill("/compte/second-facteur", "choix", "plus-tard")
	if p := b.do("POST", "/compte/second-facteur", &form); p.header.Get("Location") != "https://ent.exemple.fr/" || !slices.Contains(w.service.logins, "o22502142 later") {
		t.Errorf("later: %d to %q, recorded %v", p.status, p.header.Get("Location"), w.service.logins)
	}
	if p := b.do("GET", "/compte", nil); p.status != http.StatusSeeOther {
		t.Errorf("the session goes on beside that of the ENT: %d", p.status)
	}

	// A factor that was added leads to recovery codes, and a passkey to no offer at all.
	w, provider, _ = withAccount(t, withRule(domain.FactorsOffered), withPasskeys)
	w.service.held = domain.HeldFactors{HasPassword: true, List: []domain.Factor{{ID: idOf(totpPage), Kind: domain.FactorTOTP}}}
	for status, want := range map[string]string{"success": "https://ent.exemple.fr/", "cancelled": "/compte/second-facteur"} {
		b := w.browser(t)
		b.to("/activation/accueil-succes")
		q := provider.Login(t, b.beginLogin(t))
		q.Set("kc_action_status", status)
		p := b.comeBack(q)
		if p.header.Get("Location") != want {
			t.Errorf("a passkey, %s: %d to %q", status, p.status, p.header.Get("Location"))
		}
		if status == "cancelled" {
			b.get("/compte/second-facteur").shows(".state", "codes")
		}
	}
}

// A login with the level follows the offer of a passkey: a student who added one is not
// offered a second factor after it, as without the level.
func TestAnAddedPasskeyEndsTheOfferWhereAFactorIsRequired(t *testing.T) {
	w, provider, _ := withAccount(t, withRule(domain.FactorsRequired), withPasskeys)
	w.service.held = domain.HeldFactors{HasPassword: true, List: []domain.Factor{{ID: idOf(keyPage), Kind: domain.FactorPasskey}}}
	for status, want := range map[string]string{"success": "/connexion?niveau", "cancelled": "/connexion?niveau&offre"} {
		b := w.browser(t)
		b.to("/activation/accueil-succes")
		q := provider.Login(t, b.beginLogin(t))
		q.Set("kc_action_status", status)
		if p := b.comeBack(q); p.header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", status, p.status, p.header.Get("Location"), want)
		}
	}
}

// A login depends on the store only if some profile requires second factors.
func TestAStoreThatFailsEndsNoLoginWithoutARequiredFactor(t *testing.T) {
	for rule, want := range map[domain.FactorRule]int{domain.FactorsNone: http.StatusSeeOther, domain.FactorsOffered: http.StatusSeeOther, domain.FactorsRequired: http.StatusInternalServerError} {
		w, provider, _ := withAccount(t, withRule(rule))
		b := w.browser(t)
		to := b.beginLogin(t)
		w.service.broken = errors.New("the store is away")
		if p := b.comeBack(provider.Login(t, to)); p.status != want {
			t.Errorf("%q: %d to %q, want %d", rule, p.status, p.header.Get("Location"), want)
		}
	}
}
