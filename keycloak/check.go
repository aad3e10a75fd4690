package keycloak

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Finding is something that a realm lacks or a danger in it: what it is, why it
// matters, and what to do.
type Finding struct{ What, Why, Do string }

// String returns the finding in one line. It contains no secret and no personal
// data.
func (f Finding) String() string { return f.What + ": " + f.Why + "; " + f.Do }

// Check returns, as an administrator, everything that Plan would change or refuses
// to change, and dangers that the portal does not change.
func (c *Client) Check(ctx context.Context, w Wanted) ([]Finding, error) {
	found, err := findings(c.Plan(ctx, w))
	if err != nil {
		return nil, err
	}
	realm, err := c.readRealm(ctx)
	if err != nil || realm == nil {
		return found, err
	}
	for _, look := range []func(context.Context, Wanted, map[string]any) ([]Finding, error){
		c.dangers, c.logins, c.ownIdentity, c.federations, c.unjudgeable, c.neverAskedWanted, c.collisions, c.serviceAccountRoles, c.themeThere,
	} {
		more, err := look(ctx, w, realm)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// Notes returns findings that an operator should know and may leave as they are.
func (c *Client) Notes(ctx context.Context) ([]Finding, error) {
	realm, err := c.readRealm(ctx)
	if err != nil || realm == nil {
		return nil, err
	}
	notes := passkeyNotes(realm)
	if realm["bruteForceProtected"] == true {
		what := fmt.Sprintf("a temporary lock answers in a quarter of the time of a wrong password (failureFactor is %v, maxFailureWaitSeconds is %v)", realm["failureFactor"], realm["maxFailureWaitSeconds"])
		notes = append(notes, Finding{what, "the time tells which identifiers exist and are locked (docs/threat-model.md)",
			"set failureFactor to 30 or more and maxFailureWaitSeconds to 300 or less, so that few accounts are locked, and limit requests per network in front of Keycloak"})
	}
	for _, note := range []func(context.Context) ([]Finding, error){c.neverAsked, c.searchNote} {
		more, err := note(ctx)
		if err != nil {
			return notes, err
		}
		notes = append(notes, more...)
	}
	return notes, nil
}

// RealmExists reports whether the realm exists.
func (c *Client) RealmExists(ctx context.Context) (bool, error) {
	realm, err := c.readRealm(ctx)
	return realm != nil, err
}

// CheckSelf returns the part of Check that the portal's service account can see:
// its login, the realm's settings, the attributes, the groups, the second factors, the
// federations, the secrets of clients and its own roles. It plans no clients and no
// client scopes.
func (c *Client) CheckSelf(ctx context.Context, w Wanted) ([]Finding, error) {
	found, err := c.checkSelf(ctx, w)
	id := c.config.ClientID
	switch status(err) {
	case http.StatusUnauthorized:
		return []Finding{{"the portal cannot log in to Keycloak as " + id, "the client is missing or has another secret",
			"copy its secret (Clients → " + id + " → Credentials) to keycloak.client_secret, or run `entree realm apply`"}}, nil
	case http.StatusForbidden:
		return []Finding{{"the service account " + id + " lacks a role", "the portal cannot work without " + strings.Join(leastRoles, " and "), "run `entree realm apply`"}}, nil
	}
	return found, err
}

func (c *Client) checkSelf(ctx context.Context, w Wanted) ([]Finding, error) {
	realm, err := c.readRealm(ctx)
	if err != nil {
		return nil, err
	}
	if realm == nil {
		return []Finding{Change{New: true, What: "realm " + c.config.Realm, Why: "people have no place to log in"}.finding()}, nil
	}
	var found []Finding
	for _, plan := range []func(context.Context, Wanted) ([]Change, error){c.planRealm, c.planProfile, c.planGroups, c.planFactors} {
		more, err := findings(plan(ctx, w))
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	for _, look := range []func(context.Context, Wanted, map[string]any) ([]Finding, error){c.dangers, c.logins, c.ownIdentity, c.federations, c.unjudgeable, c.neverAskedWanted, c.clientSecrets, c.ownRoles} {
		more, err := look(ctx, w, realm)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// findings returns the changes of a plan and the Foreign errors in err as findings. It
// returns any other error.
func findings(changes []Change, err error) (found []Finding, _ error) {
	for _, theirs := range foreign(err) {
		found = append(found, Finding(*theirs))
	}
	if err != nil && len(found) == 0 {
		return nil, err
	}
	for _, change := range changes {
		found = append(found, change.finding())
	}
	return found, nil
}

// foreign returns the Foreign errors that Plan joined.
func foreign(err error) []*Foreign {
	var one *Foreign
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Foreign
		for _, e := range several.Unwrap() {
			all = append(all, foreign(e)...)
		}
		return all
	}
	if errors.As(err, &one) {
		return []*Foreign{one}
	}
	return nil
}

func (c Change) finding() Finding {
	f := Finding{"missing: " + c.What, c.Why, "`entree realm plan` shows it, `entree realm apply` mends it"}
	if c.New {
		return f
	}
	differ := make([]string, len(c.Fields))
	for i, field := range c.Fields {
		if differ[i] = field.Name + " is " + field.Is; field.Is == "" {
			differ[i] = "no " + field.Name
		}
	}
	f.What = "differs: " + c.What + " (" + strings.Join(differ, ", ") + ")"
	return f
}

// dangers finds dangerous settings that the portal does not change, because they
// are decisions of the institution.
func (c *Client) dangers(_ context.Context, w Wanted, realm map[string]any) ([]Finding, error) {
	var found []Finding
	text, _ := realm["passwordPolicy"].(string)
	policy, err := ParsePolicy(text)
	if err != nil {
		return nil, err
	}
	for _, term := range policy.Unjudgeable {
		if !slices.Contains(w.Waived, term) {
			found = append(found, Finding{"the password policy holds " + term, "the portal hashes first passwords itself and cannot judge this term",
				"remove it (Authentication → Policies), or name it under keycloak.waive_policy"})
		}
	}
	if least, weak := weakHash(policy.HashAlgorithm, policy.HashIterations); weak {
		found = append(found, Finding{fmt.Sprintf("the password policy hashes with %d iterations", policy.HashIterations), "a stolen hash is guessed faster than OWASP's Password Storage Cheat Sheet allows; the portal hashes first passwords with " + fmt.Sprint(least),
			fmt.Sprintf("set hashIterations to %d or more, or remove it (Authentication → Policies)", least)})
	}
	if _, err := NewHasher(policy.HashAlgorithm, policy.HashIterations, 1, nil); err != nil {
		found = append(found, Finding{"the password policy hashes with " + policy.HashAlgorithm, "the portal does not know this algorithm and can take no password",
			"set hashAlgorithm to argon2 or pbkdf2-sha512 (Authentication → Policies)"})
	}
	switch kept := eventsKept(realm); {
	case realm["eventsEnabled"] != true:
	case kept == 0:
		found = append(found, Finding{"login events are kept for ever", "they are personal data; six months to a year is what the CNIL recommends (2021-122)",
			"set an expiration of 180 to 400 days (Realm settings → Events)"})
	case kept > eventsMost:
		found = append(found, Finding{fmt.Sprintf("login events are kept for %.0f days", kept.Hours()/24), "they are personal data; six months to a year is what the CNIL recommends (2021-122)",
			"set an expiration of 180 to 400 days (Realm settings → Events)"})
	}
	return found, nil
}

// serviceAccountRoles finds roles that the service account does not need.
func (c *Client) serviceAccountRoles(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	user, err := c.serviceAccount(ctx, w.Portal.ID)
	if user == nil {
		return nil, err
	}
	var roles struct {
		RealmMappings  []named
		ClientMappings map[string]struct{ Mappings []named }
	}
	if _, err := c.do(ctx, http.MethodGet, c.path(append(user, "role-mappings")...), nil, &roles); err != nil {
		return nil, fmt.Errorf("read the service account's roles: %w", err)
	}
	var more []string
	for _, r := range roles.RealmMappings {
		if r.Name != "default-roles-"+strings.ToLower(c.config.Realm) {
			more = append(more, r.Name)
		}
	}
	for client, mapped := range roles.ClientMappings {
		for _, r := range mapped.Mappings {
			if client != "realm-management" || !slices.Contains(leastRoles, r.Name) {
				more = append(more, client+"."+r.Name)
			}
		}
	}
	var groups []struct{ Path string }
	if _, err := c.do(ctx, http.MethodGet, c.path(append(user, "groups")...), nil, &groups); err != nil {
		return nil, fmt.Errorf("read the service account's groups: %w", err)
	}
	for _, g := range groups {
		more = append(more, "the group "+g.Path)
	}
	return tooMuch(w.Portal.ID, more), nil
}

// ownRoles finds the unneeded roles in the service account's own token.
func (c *Client) ownRoles(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	var claims struct {
		Access map[string]struct{ Roles []string } `json:"resource_access"`
	}
	if err := c.claims(ctx, &claims); err != nil {
		return nil, err
	}
	var more []string
	for client, access := range claims.Access {
		for _, role := range access.Roles {
			// view-clients includes query-clients; every user has the roles of account.
			isNeeded := client == managementClient && (slices.Contains(leastRoles, role) || role == "query-clients")
			if client != "account" && !isNeeded {
				more = append(more, client+"."+role)
			}
		}
	}
	return tooMuch(w.Portal.ID, more), nil
}

// claims reads the claims of the service account's own token, unverified: only
// Keycloak verifies it. A token that is no JWT has no claims.
func (c *Client) claims(ctx context.Context, into any) error {
	token, err := c.login.get(ctx, "")
	if err != nil {
		return err
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
		_ = json.Unmarshal(raw, into)
	}
	return nil
}

func tooMuch(client string, more []string) []Finding {
	if len(more) == 0 {
		return nil
	}
	slices.Sort(more)
	return []Finding{{"the service account " + client + " has more than it needs (" + strings.Join(more, ", ") + ")", "whoever gets its secret gets all of it",
		"keep " + strings.Join(leastRoles, " and ") + " of realm-management and take the rest away (Clients → " + client + " → Service account roles)"}}
}

// themeThere finds a configured theme that the server does not have.
func (c *Client) themeThere(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	if w.LoginTheme == "" {
		return nil, nil
	}
	var server struct {
		Themes map[string][]struct{ Name string }
	}
	if _, err := c.doAt(ctx, http.MethodGet, "/admin/serverinfo", nil, &server); err != nil {
		return nil, fmt.Errorf("read the themes: %w", err)
	}
	if slices.ContainsFunc(server.Themes["login"], func(t struct{ Name string }) bool { return t.Name == w.LoginTheme }) {
		return nil, nil
	}
	return []Finding{{"Keycloak has no login theme " + w.LoginTheme, "it shows its own page, without the way to the portal",
		"put the folder that `entree realm theme` writes into Keycloak's themes and restart it"}}, nil
}
