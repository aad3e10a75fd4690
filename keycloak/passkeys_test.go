package keycloak_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/accountstest"
	"entree/internal/domain"
	"entree/keycloak"
)

// The policy for passkeys is sent as a whole, so that a setting of the realm's own does
// not go back to its default.
func TestK10_ThePolicyForPasskeysKeepsWhatTheRealmSet(t *testing.T) {
	r, admin := emptied(t)
	apply(t, admin, r.wanted)
	policy := func() map[string]any {
		var realm map[string]any
		r.call(http.MethodGet, "", nil, &realm)
		for name := range realm {
			if !strings.HasPrefix(name, "webAuthnPolicyPasswordless") {
				delete(realm, name)
			}
		}
		return realm
	}
	own := policy()
	own["webAuthnPolicyPasswordlessRpEntityName"] = "Theirs"
	own["webAuthnPolicyPasswordlessCreateTimeout"] = 77
	own["webAuthnPolicyPasswordlessAvoidSameAuthenticatorRegister"] = true
	own["webAuthnPolicyPasswordlessRpId"] = "univ.example"
	r.call(http.MethodPut, "", own, nil)
	want := policy()
	want["webAuthnPolicyPasswordlessPasskeysEnabled"] = true
	want["webAuthnPolicyPasswordlessRequireResidentKey"] = "Yes"
	want["webAuthnPolicyPasswordlessUserVerificationRequirement"] = "required"

	r.wanted.Passkeys = &keycloak.Passkeys{Institution: "Ours"}
	if done := apply(t, admin, r.wanted); !strings.Contains(done, "policy for passkeys") {
		t.Errorf("nothing was planned:\n%s", done)
	}
	if diff := cmp.Diff(want, policy()); diff != "" {
		t.Errorf("the policy (-want +got):\n%s", diff)
	}
	if again := apply(t, admin, r.wanted); again != "" {
		t.Errorf("applying again does\n%s", again)
	}

	r.wanted.Passkeys.Host = "sso.univ.example"
	_, err := admin.Plan(t.Context(), r.wanted)
	var theirs *keycloak.Foreign
	if !errors.As(err, &theirs) || !strings.Contains(err.Error(), "lose every passkey") {
		t.Errorf("another host: %v", err)
	}
}

// Keycloak does not document that an update of a user adds a passkey. If this test
// fails with a new Keycloak, compare a passkey that Keycloak's own page registered
// (GET users/ID/credentials) with storedPasskey, and set no profile to
// passkey_or_password or passkey before it passes.
func TestContract_APasskeyIsAddedToAnAccount(t *testing.T) {
	r, admin := emptied(t)
	r.wanted.Passkeys = &keycloak.Passkeys{Institution: "Ours"}
	accounts := r.service(portalSecret).Accounts("example.org")
	accounts.PasskeyHost = "sso.univ.example"
	now := time.Now()
	accounts.Clock = func() time.Time { return now }
	apply(t, admin, keycloak.Wanted{Portal: r.wanted.Portal, Groups: []string{"/etudiants"}, PasswordPolicy: r.wanted.PasswordPolicy, DisplayName: r.wanted.DisplayName, ENT: r.wanted.ENT, RedirectURIs: r.wanted.RedirectURIs, LogoutURIs: r.wanted.LogoutURIs})
	if host, err := accounts.RelyingParty(t.Context()); err == nil {
		t.Errorf("a realm without passkeys takes those of %q", host)
	}
	apply(t, admin, r.wanted)
	credentials := func(t *testing.T, id string) (labels []string, password bool) {
		t.Helper()
		var all []struct{ Type, UserLabel string }
		r.call(http.MethodGet, "/users/"+id+"/credentials", nil, &all)
		for _, c := range all {
			if c.Type == "password" {
				password = true
			} else {
				labels = append(labels, c.UserLabel)
			}
		}
		return labels, password
	}
	accountstest.RunPasskeys(t, accountstest.PasskeySubject{Accounts: accounts, Passkeys: accounts, Credentials: credentials}, "sso.univ.example")
	r.call(http.MethodPut, "", map[string]any{"webAuthnPolicyPasswordlessRpEntityName": "Ours", "webAuthnPolicyPasswordlessPasskeysEnabled": true, "webAuthnPolicyPasswordlessRpId": "univ.example"}, nil)
	if host, err := accounts.RelyingParty(t.Context()); err != nil || host != "sso.univ.example" {
		t.Errorf("within the minute: %q, %v", host, err)
	}
	now = now.Add(time.Minute)
	if host, err := accounts.RelyingParty(t.Context()); err != nil || host != "univ.example" {
		t.Errorf("%q, %v", host, err)
	}
}

// Keycloak documents neither the data of its credentials nor the content type of a name.
// If this test fails with a new Keycloak, compare the answer of GET users/ID/credentials
// with storedCredential and factorKinds: until it passes, the page of the account shows
// wrong factors.
func TestContract_FactorsAreListedAndChanged(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	ref := r.account(accounts, strong)
	for _, c := range []map[string]any{
		{"type": "otp", "userLabel": "Téléphone", "secretData": `{"value":"AAAAAAAAAAAAAAAAAAAA"}`, "credentialData": `{"subType":"totp","digits":6,"counter":0,"period":30,"algorithm":"HmacSHA1"}`},
		{"type": "webauthn", "userLabel": "Clé", "secretData": "{}", "credentialData": `{"aaguid":"fbfc3007-154e-4ecc-8c0b-6e020557d7bd","credentialId":"AAAA","counter":0,"credentialPublicKey":"AAAA","attestationStatementFormat":"none","transports":["usb"]}`},
		{"type": "webauthn-passwordless", "userLabel": "Portable", "secretData": "{}", "credentialData": `{"aaguid":"fbfc3007-154e-4ecc-8c0b-6e020557d7bd","credentialId":"AAAB","counter":0,"credentialPublicKey":"AAAA","attestationStatementFormat":"none","transports":["internal"]}`},
		{"type": "recovery-authn-codes", "userLabel": "Codes", "secretData": `{"codes":[]}`, "credentialData": `{"hashIterations":1,"algorithm":"RS512","totalCodes":12,"remainingCodes":9}`},
	} {
		r.call(http.MethodPut, "/users/"+ref.ID, map[string]any{"credentials": []any{c}}, nil)
	}
	held, err := accounts.Factors(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[domain.FactorKind]domain.Factor{}
	for _, f := range held.List {
		byKind[f.Kind] = f
	}
	if len(held.List) != 4 || len(byKind) != 4 || !held.HasPassword || byKind[domain.FactorTOTP].Label != "Téléphone" || byKind[domain.FactorCodes].Left != 9 ||
		byKind[domain.FactorPasskey].Model != "fbfc3007-154e-4ecc-8c0b-6e020557d7bd" || byKind[domain.FactorKey].ID == "" {
		t.Fatalf("%+v", held)
	}
	key, password := byKind[domain.FactorKey], ""
	var all []struct{ ID, Type string }
	r.call(http.MethodGet, "/users/"+ref.ID+"/credentials", nil, &all)
	for _, c := range all {
		if c.Type == "password" {
			password = c.ID
		}
	}
	if err := accounts.RenameFactor(t.Context(), ref, key.ID, "Ma clé « bleue »"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := accounts.RemoveFactor(t.Context(), ref, byKind[domain.FactorTOTP].ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := accounts.RemoveFactor(t.Context(), ref, password); err != nil {
		t.Fatal(err)
	}
	if held, err = accounts.Factors(t.Context(), ref); err != nil || len(held.List) != 3 || !held.HasPassword {
		t.Fatalf("%+v, %v", held, err)
	}
	if f, _ := held.Find(key.ID); f.Label != "Ma clé « bleue »" {
		t.Errorf("the name is %q", f.Label)
	}
	if err := accounts.RenameFactor(t.Context(), ref, "00000000-0000-4000-8000-000000000000", "x"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("a factor that is not there: %v", err)
	}
	foreign := ref
	foreign.ActivationID = "another"
	var barred *domain.AccountBarred
	if _, err := accounts.Factors(t.Context(), foreign); !errors.As(err, &barred) {
		t.Errorf("an account of another origin is listed: %v", err)
	}
	if err := accounts.RemoveFactor(t.Context(), foreign, key.ID); !errors.As(err, &barred) || !domain.IsPermanent(err) {
		t.Errorf("an account of another origin is changed: %v", err)
	}
}
