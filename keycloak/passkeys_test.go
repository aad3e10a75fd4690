package keycloak_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entree/internal/accountstest"
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
	if host, err := accounts.RelyingParty(t.Context()); err != nil || host != "univ.example" {
		t.Errorf("%q, %v", host, err)
	}
}
