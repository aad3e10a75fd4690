package keycloak

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// Passkeys is the policy for logins without a password that a realm needs.
type Passkeys struct {
	Institution string // shown by the browser when it asks for a passkey
	Host        string // that passkeys belong to (RpId): Keycloak's host or a parent domain; empty: what the realm has
}

// passwordless begins the name of every setting of the policy.
const passwordless = "webAuthnPolicyPasswordless"

// planPasskeys plans the policy for passkeys. Keycloak 26.7.4 replaces the policy as a
// whole, and resets what a representation leaves out (K10): all of its settings are
// sent, those that the portal does not need with the values that they have.
func (c *Client) planPasskeys(ctx context.Context, w Wanted) ([]Change, error) {
	if w.Passkeys == nil {
		return nil, nil
	}
	policy := func(ctx context.Context) (map[string]any, error) {
		realm, err := c.readRealm(ctx)
		if err != nil || realm == nil {
			return map[string]any{}, err // a new realm has Keycloak's defaults
		}
		maps.DeleteFunc(realm, func(name string, _ any) bool { return !strings.HasPrefix(name, passwordless) })
		return realm, nil
	}
	has, err := policy(ctx)
	if err != nil {
		return nil, err
	}
	want := map[string]any{
		passwordless + "PasskeysEnabled":             true,
		passwordless + "RequireResidentKey":          "Yes",
		passwordless + "UserVerificationRequirement": "required",
		passwordless + "RpEntityName":                w.Passkeys.Institution,
	}
	if name, _ := has[passwordless+"RpEntityName"].(string); name != "" && name != "keycloak" {
		want[passwordless+"RpEntityName"] = name // a name of the realm's own stays
	}
	host, _ := has[passwordless+"RpId"].(string)
	switch {
	case w.Passkeys.Host == "" || w.Passkeys.Host == host:
	case host != "" || has[passwordless+"PasskeysEnabled"] == true:
		return nil, &Foreign{
			What: "the host of the realm's passkeys", Why: fmt.Sprintf("is %q, not %q: a change would lose every passkey that exists", host, w.Passkeys.Host),
			Do: "set sso.passkey_host to the realm's value, or change the realm by hand if it has no passkeys",
		}
	default:
		want[passwordless+"RpId"] = w.Passkeys.Host
	}
	return object{
		what: "policy for passkeys", why: "a profile offers a passkey after the first login", want: want,
		find: policy, update: c.send(http.MethodPut),
	}.hold(ctx)
}
