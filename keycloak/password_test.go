package keycloak_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"entree/internal/accountstest"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

const renewed = "LesTramwaysRevent5Fois"

// account creates an account with a password that logs in.
func (r *realm) account(a *keycloak.Accounts, password string) domain.AccountRef {
	r.t.Helper()
	account := accountstest.New()
	account.Credential = r.hashed(password)
	id, err := a.Create(r.t.Context(), account)
	if err != nil {
		r.t.Fatal(err)
	}
	return domain.AccountRef{ID: id, ActivationID: account.ActivationID, Login: account.Login}
}

func (r *realm) hashed(password string) domain.Credential {
	r.t.Helper()
	hasher, err := keycloak.NewHasher("argon2", 0, 1, rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := hasher.Hash(r.t.Context(), secret.New(password))
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// TestAReplacedPasswordEndsWhatTheOldOneOpened checks on a real Keycloak that the
// old password and its sessions end, that a lock is lifted, and that everything
// else of the account stays.
func TestAReplacedPasswordEndsWhatTheOldOneOpened(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	ref := r.account(accounts, strong)
	if !r.canLogIn(ref.Login, strong) {
		t.Fatal("the first password does not log in")
	}
	var sessions []struct{ ID string }
	if r.call(http.MethodGet, "/users/"+ref.ID+"/sessions", nil, &sessions); len(sessions) == 0 {
		t.Fatal("the login began no session")
	}
	before := r.users(ref.Login)[0]
	r.call(http.MethodPut, "/users/"+ref.ID, map[string]any{"requiredActions": []string{"UPDATE_PASSWORD", "CONFIGURE_RECOVERY_AUTHN_CODES"}}, nil)
	r.call(http.MethodPut, "", map[string]any{"bruteForceProtected": true, "failureFactor": 2}, nil)
	t.Cleanup(func() { r.call(http.MethodPut, "", map[string]any{"bruteForceProtected": false}, nil) })
	for range 3 {
		r.canLogIn(ref.Login, "wrong")
	}
	var lock struct{ Disabled bool }
	if r.call(http.MethodGet, "/attack-detection/brute-force/users/"+ref.ID, nil, &lock); !lock.Disabled {
		t.Fatal("wrong passwords locked nothing")
	}
	for range 2 { // a job may run again
		if err := accounts.SetPassword(t.Context(), ref, r.hashed(renewed), false); err != nil {
			t.Fatal(err)
		}
	}
	var user struct{ RequiredActions []string }
	if r.call(http.MethodGet, "/users/"+ref.ID, nil, &user); !slices.Equal(user.RequiredActions, []string{"CONFIGURE_RECOVERY_AUTHN_CODES"}) {
		t.Errorf("the required actions are %v", user.RequiredActions)
	}
	if r.call(http.MethodGet, "/users/"+ref.ID+"/sessions", nil, &sessions); len(sessions) != 0 {
		t.Errorf("%d sessions are left", len(sessions))
	}
	if r.call(http.MethodGet, "/attack-detection/brute-force/users/"+ref.ID, nil, &lock); lock.Disabled {
		t.Error("the lock is not lifted")
	}
	r.call(http.MethodPut, "/users/"+ref.ID, map[string]any{"requiredActions": []string{}}, nil)
	// Keycloak counts a wrong password after its answer: the last one above and the old
	// one below may lock the account again.
	r.call(http.MethodPut, "", map[string]any{"bruteForceProtected": false}, nil)
	if r.canLogIn(ref.Login, strong) || !r.canLogIn(ref.Login, renewed) {
		t.Error("the old password logs in, or the new one does not")
	}
	if now := r.users(ref.Login)[0]; !equalUsers(now, before) {
		t.Errorf("the account was %+v and is %+v", before, now)
	}
}

func equalUsers(a, b user) bool {
	return a.ID == b.ID && a.Username == b.Username && a.Email == b.Email && a.FirstName == b.FirstName && a.LastName == b.LastName && a.Enabled == b.Enabled &&
		len(a.Attributes) == len(b.Attributes)
}

// TestTheAccountsThatARecoveryNeverTouches checks each bar on a real Keycloak: the
// service account may set the password even of an administrator of the realm.
func TestTheAccountsThatARecoveryNeverTouches(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	accounts.Console = "entree-console"
	client := func(name string) string {
		var found []struct{ ID string }
		r.call(http.MethodGet, "/clients?clientId="+url.QueryEscape(name), nil, &found)
		if len(found) != 1 {
			t.Fatalf("no client %s", name)
		}
		return found[0].ID
	}
	role := func(of, name string) map[string]any {
		var out map[string]any
		r.call(http.MethodGet, "/clients/"+client(of)+"/roles/"+name, nil, &out)
		return out
	}
	management := client("realm-management")
	group := func(name string, roles ...map[string]any) string {
		var found []struct{ ID string }
		r.call(http.MethodPost, "/groups", map[string]any{"name": name}, nil)
		r.call(http.MethodGet, "/groups?exact=true&search="+name, nil, &found)
		for _, role := range roles {
			r.call(http.MethodPost, "/groups/"+found[0].ID+"/role-mappings/clients/"+role["containerId"].(string), []any{role}, nil)
		}
		return found[0].ID
	}
	for name, c := range map[string]struct {
		make func(id string)
		want domain.Bar
	}{
		"disabled": {func(id string) { r.call(http.MethodPut, "/users/"+id, map[string]any{"enabled": false}, nil) }, domain.BarDisabled},
		"a role of administration": {func(id string) {
			r.call(http.MethodPost, "/users/"+id+"/role-mappings/clients/"+management, []any{role("realm-management", "realm-admin")}, nil)
		}, domain.BarPrivileged},
		"the same by a group": {func(id string) {
			r.call(http.MethodPut, "/users/"+id+"/groups/"+group("admins", role("realm-management", "manage-users")), nil, nil)
		}, domain.BarPrivileged},
		"the same by a composite role": {func(id string) {
			r.call(http.MethodPost, "/roles", map[string]any{"name": "it"}, nil)
			r.call(http.MethodPost, "/roles/it/composites", []any{role("realm-management", "manage-realm")}, nil)
			var it map[string]any
			r.call(http.MethodGet, "/roles/it", nil, &it)
			r.call(http.MethodPost, "/users/"+id+"/role-mappings/realm", []any{it}, nil)
		}, domain.BarPrivileged},
		"an operator": {func(id string) {
			r.call(http.MethodPost, "/users/"+id+"/role-mappings/clients/"+client("entree-console"), []any{role("entree-console", "helpdesk")}, nil)
		}, domain.BarPrivileged},
		"an operator by a group": {func(id string) {
			r.call(http.MethodPut, "/users/"+id+"/groups/"+group("desk", role("entree-console", "helpdesk")), nil, nil)
		}, domain.BarPrivileged},
	} {
		t.Run(name, func(t *testing.T) {
			ref := r.account(accounts, strong)
			c.make(ref.ID)
			standing, err := accounts.Standing(t.Context(), ref)
			if err != nil || standing.Bar != c.want {
				t.Errorf("standing %+v, %v", standing, err)
			}
			var barred *domain.AccountBarred
			if err := accounts.SetPassword(t.Context(), ref, r.hashed(renewed), true); !errors.As(err, &barred) || barred.Bar != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			if c.want == domain.BarDisabled {
				if r.users(ref.Login)[0].Enabled {
					t.Error("it was enabled")
				}
				r.call(http.MethodPut, "/users/"+ref.ID, map[string]any{"enabled": true}, nil)
			}
			if !r.canLogIn(ref.Login, strong) {
				t.Error("its password was changed")
			}
		})
	}
}

// otpCredential is a code app as a page of Keycloak stores it.
var otpCredential = map[string]any{
	"type": "otp", "secretData": `{"value":"AAAAAAAAAAAAAAAAAAAA"}`, "credentialData": `{"subType":"totp","digits":6,"counter":0,"period":30,"algorithm":"HmacSHA1"}`,
}

// An earlier password, which Keycloak keeps for its policy passwordHistory, is no factor:
// it does not bar a recovery, and the removal of the factors leaves it.
func TestAnEarlierPasswordIsNoFactor(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	ref := r.account(accounts, strong)
	var realm map[string]any
	r.call(http.MethodGet, "", nil, &realm)
	policy, _ := realm["passwordPolicy"].(string)
	r.call(http.MethodPut, "", map[string]any{"passwordPolicy": policy + " and passwordHistory(3)"}, nil)
	t.Cleanup(func() { r.call(http.MethodPut, "", map[string]any{"passwordPolicy": policy}, nil) })
	r.call(http.MethodPut, "/users/"+ref.ID+"/reset-password", map[string]any{"type": "password", "value": renewed + "A", "temporary": false}, nil)
	types := func() (out []string) {
		var credentials []struct{ Type string }
		r.call(http.MethodGet, "/users/"+ref.ID+"/credentials", nil, &credentials)
		for _, c := range credentials {
			out = append(out, c.Type)
		}
		return out
	}
	if got := types(); !slices.Equal(got, []string{"password", "password-history"}) {
		t.Fatalf("the account has %v", got)
	}
	if s, err := accounts.Standing(t.Context(), ref); err != nil || s != (domain.Standing{}) {
		t.Errorf("standing %+v, %v", s, err)
	}
	if err := accounts.SetPassword(t.Context(), ref, r.hashed(renewed), false); err != nil {
		t.Errorf("by the mailbox alone: %v", err)
	}
	before := types()
	if err := accounts.RemoveFactors(t.Context(), ref); err != nil {
		t.Error(err)
	}
	if got := types(); !slices.Equal(got, before) || !slices.Contains(got, "password-history") || !r.canLogIn(ref.Login, renewed) {
		t.Errorf("the account had %v and has %v", before, got)
	}
}

// TestASecondFactorStaysAndNeedsAnotherProof checks that a mailbox alone does not
// replace the password of an account with a one-time password, and that the removal of
// the factors leaves the password.
func TestASecondFactorStaysAndNeedsAnotherProof(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	ref := r.account(accounts, strong)
	r.call(http.MethodPut, "/users/"+ref.ID, map[string]any{"credentials": []any{otpCredential}}, nil)
	if s, err := accounts.Standing(t.Context(), ref); err != nil || s != (domain.Standing{HasFactor: true}) {
		t.Fatalf("standing %+v, %v", s, err)
	}
	var barred *domain.AccountBarred
	if err := accounts.SetPassword(t.Context(), ref, r.hashed(renewed), false); !errors.As(err, &barred) || barred.Bar != domain.BarFactor {
		t.Errorf("by the mailbox alone: %v", err)
	}
	if err := accounts.SetPassword(t.Context(), ref, r.hashed(renewed), true); err != nil {
		t.Error(err)
	}
	var credentials []struct{ Type string }
	r.call(http.MethodGet, "/users/"+ref.ID+"/credentials", nil, &credentials)
	if !slices.ContainsFunc(credentials, func(c struct{ Type string }) bool { return c.Type == "otp" }) {
		t.Errorf("the one-time password is gone: %v", credentials)
	}
	for range 2 {
		if err := accounts.RemoveFactors(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	credentials = nil
	r.call(http.MethodGet, "/users/"+ref.ID+"/credentials", nil, &credentials)
	if len(credentials) != 1 || credentials[0].Type != "password" || !r.canLogIn(ref.Login, renewed) {
		t.Errorf("after the removal of the factor the account has %v", credentials)
	}
}
