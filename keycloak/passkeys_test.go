package keycloak_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
