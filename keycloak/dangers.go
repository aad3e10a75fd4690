package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// loginDangers finds settings of the realm's logins that lock people out for good, or
// let others in. They are decisions of the institution.
func loginDangers(realm map[string]any) []Finding {
	var found []Finding
	is := func(name, value string) bool { return realm[name] == value }
	if realm["bruteForceProtected"] == true && realm["permanentLockout"] == true {
		found = append(found, Finding{"an account is locked for good after repeated wrong passwords",
			"a person who knows the identifiers of students can lock them all out, until an administrator unlocks each one",
			"turn permanent lockout off (Realm settings → Security defenses → Brute force detection)"})
	}
	if factor, ok := integer(realm["failureFactor"]); ok && realm["bruteForceProtected"] == true && factor < 5 {
		found = append(found, Finding{fmt.Sprintf("an account is locked after %d wrong passwords", factor),
			"students with a new passphrase mistype it, and a person who knows an identifier can lock it",
			"set failureFactor to 5 or more (Realm settings → Security defenses → Brute force detection)"})
	}
	if realm[passwordless+"PasskeysEnabled"] == true {
		if is(passwordless+"UserVerificationRequirement", "discouraged") {
			found = append(found, Finding{"a passkey logs in without the PIN or the finger of its owner",
				"a telephone or key that was lost is enough to log in",
				"set User verification requirement to required (Authentication → Policies → Webauthn Passwordless Policy)"})
		}
		if is(passwordless+"RequireResidentKey", "No") {
			found = append(found, Finding{"a passkey need not be stored on the device",
				"the login page cannot offer such a passkey: its owner registers it and cannot use it",
				"set Require discoverable credential to Yes (Authentication → Policies → Webauthn Passwordless Policy)"})
		}
	}
	return found
}

func (c *Client) logins(_ context.Context, _ Wanted, realm map[string]any) ([]Finding, error) {
	return loginDangers(realm), nil
}

// manyUsers is the number of users from which on a search by an attribute is timed.
const manyUsers = 5000

// slowSearch is the time from which on a search by an attribute is told. Tests change
// it.
var slowSearch = 100 * time.Millisecond

// searchNote times a search by an attribute in a large realm: Keycloak's own index
// does not serve it.
func (c *Client) searchNote(ctx context.Context) ([]Finding, error) {
	var users int
	if err := c.get(ctx, c.path("users", "count"), &users); err != nil || users < manyUsers {
		return nil, err
	}
	fastest := time.Hour
	for range 3 {
		begun := time.Now()
		if _, err := c.do(ctx, http.MethodGet, c.path("users")+"?max=1&q="+url.QueryEscape(markAttribute+":absent"), nil, nil); err != nil {
			return nil, err
		}
		fastest = min(fastest, time.Since(begun))
	}
	if fastest < slowSearch {
		return nil, nil
	}
	return []Finding{{fmt.Sprintf("a search by number among %d users takes %d ms", users, fastest.Milliseconds()), "each first activation of a person whom no comparison has included waits for it",
		"create the index in Keycloak's database: create index on user_attribute (name, lower(value))"}}, nil
}

// ownThemes are the login themes whose page registers passkeys as this Keycloak does: its
// own ones, and that of `entree realm theme`, which has no such page.
var ownThemes = []string{"", "keycloak", "keycloak.v2", "entree"}

// passkeyNotes returns notes about the host to which passkeys belong, and about a login
// theme with pages that the admin API does not show.
func passkeyNotes(realm map[string]any) (notes []Finding) {
	if realm[passwordless+"PasskeysEnabled"] != true {
		return nil
	}
	if theme, _ := realm["loginTheme"].(string); !slices.Contains(ownThemes, theme) {
		notes = append(notes, Finding{fmt.Sprintf("the login theme %s may register passkeys by a page of its own", theme),
			"a copy of webauthn-register.ftl from an earlier Keycloak stores passkeys that the login page cannot offer",
			"delete webauthn-register.ftl from the theme, or compare it with that of keycloak.v2, and log in once with a new passkey"})
	}
	if host, _ := realm[passwordless+"RpId"].(string); host != "" {
		return notes
	}
	return append(notes, Finding{"passkeys belong to the host of Keycloak (the policy names none)", "every passkey is lost if Keycloak gets another host name",
		"set Relying party ID to a parent domain before the first passkey is registered (Authentication → Policies → Webauthn Passwordless Policy)"})
}
