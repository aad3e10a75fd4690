package portal_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/portal"
)

const (
	keyPage  = "/compte/connexion/00000000-0000-4000-8000-000000000001"
	totpPage = "/compte/connexion/00000000-0000-4000-8000-000000000002"
	codePage = "/compte/connexion/00000000-0000-4000-8000-000000000003"
)

func idOf(page string) string { return page[strings.LastIndexByte(page, '/')+1:] }

// withFactors returns a portal whose student has a passkey, an application of codes and
// recovery codes besides the password.
func withFactors(t *testing.T, change ...func(*portal.Options)) (*world, *browser, *page) {
	t.Helper()
	w, provider, _ := withAccount(t, change...)
	w.service.held = domain.HeldFactors{HasPassword: true, List: []domain.Factor{
		{ID: idOf(keyPage), Kind: domain.FactorPasskey, Label: "Téléphone"}, {ID: idOf(totpPage), Kind: domain.FactorTOTP}, {ID: idOf(codePage), Kind: domain.FactorCodes, Left: 9},
	}}
	b := w.browser(t)
	return w, b, b.toAccount(t, provider)
}

func TestTheAccountListsItsFactorsAndRenamesThem(t *testing.T) {
	w, b, p := withFactors(t)
	if links := p.Find(".factors a"); links.Length() != 3 || links.First().AttrOr("href", "") != keyPage {
		t.Fatalf("%d factors, the first at %s", links.Length(), links.First().AttrOr("href", ""))
	}
	p = b.get(keyPage).want(keyPage, 200).shows(".kind", "passkey Téléphone")
	again := b.submit(p, keyPage+"/nom", "nom", "").want(keyPage+"/nom", http.StatusUnprocessableEntity)
	again.shows(".summary", "refused.factor_label")
	if at := again.Find(".summary a").AttrOr("href", ""); at != "#nom" {
		t.Errorf("the refused name is shown at %q", at)
	}
	b.submit(again, keyPage+"/nom", "nom", "Mon portable").want("/compte", 200).shows(".notice", "account.outcome.factor_renamed").shows(".factors", "Mon portable")
	forged := url.Values{"jeton": {"x"}, "nom": {"y"}}
	if p := b.do("POST", keyPage+"/nom", &forged); p.status < 400 || w.service.held.List[0].Label != "Mon portable" {
		t.Errorf("a forged form: %d", p.status)
	}
}

func TestAFactorIsRemovedAfterAFreshLoginOnly(t *testing.T) {
	w, b, _ := withFactors(t)
	form := b.get(totpPage).want(totpPage, 200).fill(totpPage + "/retirer")
	if b.get(totpPage).Find(".codes").Length() != 1 {
		t.Error("the page does not say that the recovery codes go too")
	}
	w.sleep(5 * time.Minute)
	b.get("/compte").want("/compte", 200)
	for _, p := range []*page{b.do("GET", totpPage, nil), b.do("POST", totpPage+"/retirer", &form)} {
		if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/connexion?compte="+idOf(totpPage) {
			t.Errorf("after five minutes: %d to %q", p.status, to)
		}
	}
	if len(w.service.held.List) != 3 {
		t.Fatal("it was removed")
	}
}

// The login that the page of a factor asks for leads back to that page.
func TestALoginForAFactorLeadsToItsPage(t *testing.T) {
	w, provider, _ := withAccount(t)
	w.service.held = domain.HeldFactors{HasPassword: true, List: []domain.Factor{{ID: idOf(totpPage), Kind: domain.FactorTOTP}}}
	b := w.browser(t)
	to := b.do("GET", totpPage, nil).header.Get("Location")
	if to == "" {
		t.Fatal("no login")
	}
	to = b.do("GET", "/connexion?compte="+idOf(totpPage), nil).header.Get("Location")
	p := b.follow(b.do("GET", "/connexion/retour?"+provider.Login(t, to).Encode(), nil)).want(totpPage, 200)
	b.submit(p, totpPage+"/retirer").want("/compte", 200).shows(".notice", "account.outcome.factor_removed")
	b.get(totpPage).want("/compte", 200).shows(".notice", "account.outcome.factor_gone")
	if p := b.do("POST", totpPage+"/retirer", &url.Values{"jeton": {p.Find("[name=jeton]").First().AttrOr("value", "")}}); p.header.Get("Location") != "/compte" {
		t.Errorf("a second press: %d to %s", p.status, p.header.Get("Location"))
	}
	for _, bad := range []string{"//evil.example", "../x", strings.ToUpper(idOf(totpPage)) + "/..", "x"} {
		to = b.do("GET", "/connexion?compte="+url.QueryEscape(bad), nil).header.Get("Location")
		if p := b.do("GET", "/connexion/retour?"+provider.Login(t, to).Encode(), nil); p.header.Get("Location") != "/compte" {
			t.Errorf("%q leads to %q", bad, p.header.Get("Location"))
		}
	}
}

func TestTheLastFactorStays(t *testing.T) {
	for name, tt := range map[string]struct {
		held  domain.HeldFactors
		rule  domain.FactorRule
		stays domain.Reason
	}{
		"a passkey and no password":                      {domain.HeldFactors{List: []domain.Factor{{ID: idOf(keyPage), Kind: domain.FactorPasskey}}}, domain.FactorsNone, domain.ReasonFactorOnly},
		"the only factor of a profile that requires one": {domain.HeldFactors{HasPassword: true, List: []domain.Factor{{ID: idOf(keyPage), Kind: domain.FactorTOTP}, {ID: idOf(codePage), Kind: domain.FactorCodes}}}, domain.FactorsRequired, domain.ReasonFactorRequired},
	} {
		w, b, p := withFactors(t)
		w.service.held, w.service.rule = tt.held, tt.rule
		page := b.get(keyPage).want(keyPage, 200).shows(".stays", string(tt.stays))
		if page.Find(`form[action$="/retirer"]`).Length() != 0 {
			t.Errorf("%s: the page offers to remove it", name)
		}
		form := p.fill("/compte/sessions") // the same token
		refused := b.do("POST", keyPage+"/retirer", &form).shows(".summary", "refused."+string(tt.stays))
		if refused.status != http.StatusUnprocessableEntity || w.service.acts != 0 {
			t.Errorf("%s: answered with %d, %d acts", name, refused.status, w.service.acts)
		}
		if at := refused.Find(".summary a").AttrOr("href", ""); at != "#" {
			t.Errorf("%s: the refusal of the removal is shown at %q", name, at)
		}
	}
}

// Keycloak away, an account that must not be changed, and a removal that is still to
// come each have their words.
func TestFactorsThatCannotBeReadOrRemovedNow(t *testing.T) {
	w, b, _ := withFactors(t)
	p := b.get(totpPage)
	w.service.heldFails = errors.New("no answer")
	b.get("/compte").want("/compte", 200).shows(".factors", "away")
	b.get(totpPage).want(totpPage, http.StatusServiceUnavailable)
	w.service.heldFails = domain.Permanent(&domain.AccountBarred{Bar: domain.BarPrivileged})
	b.get("/compte").want("/compte", 200).shows(".factors", "barred")
	w.service.heldFails, w.service.slowRemoval = nil, true
	b.submit(p, totpPage+"/retirer").want("/compte", 200).shows(".notice", "account.outcome.factor_pending")
	b.get("/compte/connexion/x").want("/compte/connexion/x", http.StatusNotFound)
}

// Recovery codes alone would be asked for at each login: they are offered beside a
// second factor. A factor that Keycloak added is recorded.
func TestFactorsAreAddedOnKeycloaksPages(t *testing.T) {
	w, provider, _ := withAccount(t, func(o *portal.Options) { o.Profiles[0].Factors = domain.FactorsOffered })
	w.service.held = domain.HeldFactors{HasPassword: true}
	b := w.browser(t)
	offers := func() (names []string) {
		for _, a := range b.get("/compte").Find(".changes a").EachIter() {
			names = append(names, strings.TrimPrefix(a.AttrOr("href", ""), "/connexion?changer="))
		}
		return names
	}
	b.toAccount(t, provider)
	if got := offers(); !slices.Equal(got, []string{"mot-de-passe", "application", "cle-de-securite"}) {
		t.Errorf("without a factor: %v", got)
	}
	w.service.held.List = []domain.Factor{{ID: idOf(totpPage), Kind: domain.FactorTOTP}}
	if got := offers(); !slices.Equal(got, []string{"mot-de-passe", "application", "cle-de-securite", "codes-de-secours"}) {
		t.Errorf("with a factor: %v", got)
	}
	for status, want := range map[string]bool{"success": true, "cancelled": false, "error": false} {
		w.service.logins = nil
		to := b.do("GET", "/connexion?changer=cle-de-securite", nil).header.Get("Location")
		if u, err := url.Parse(to); err != nil || u.Query().Get("kc_action") != "webauthn-register" {
			t.Fatalf("%q", to)
		}
		q := provider.Login(t, to)
		q.Set("kc_action_status", status)
		b.do("GET", "/connexion/retour?"+q.Encode(), nil)
		if got := slices.Contains(w.service.logins, "o22502142 added key"); got != want {
			t.Errorf("%s: %v", status, w.service.logins)
		}
	}
}
