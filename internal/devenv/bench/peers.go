package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"

	xcrypto "golang.org/x/crypto/argon2"

	"entree/internal/argon2"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
)

// The names of the contestants.
const (
	NameActivation   = "activation"
	NameRegistration = "registration"
	NameReset        = "reset"
	NamePlain        = "plain"
	NameLimit        = "limit"
	NameFastest      = "fastest"
	NameKratos       = "kratos"
)

// peersRealm is the name of the alternatives' realm, deleted with the run's
// Keycloak.
const peersRealm = "bench"

// Peers creates a realm for the alternatives beside the portal's realm: the
// same policy, hash and kept events, and registration allowed. It returns their
// contestants.
func Peers(ctx context.Context, portal, peers *realm.Realm) ([]Contestant, error) {
	if err := peersIn(ctx, portal, peers, map[string]any{"registrationAllowed": true}); err != nil {
		return nil, err
	}
	hashes := make(chan struct{}, runtime.NumCPU())
	others := []Contestant{
		{Name: NameRegistration, One: func(ctx context.Context, i int, seen *Journey) error { return register(ctx, peers, i) }},
		{Name: NameReset, One: func(ctx context.Context, i int, _ *Journey) error {
			id, err := peers.Create(ctx, peer(NameReset, i))
			if err != nil {
				return err
			}
			_, err = peers.Call(ctx, http.MethodPut, peers.At("users", id, "reset-password"), credential(i), nil)
			return err
		}},
	}
	fastest := limit(NameFastest, peers, hashes, argon2.NewPool(cap(hashes)).IDKey)
	return slices.Concat(others, hashPeers(peers, hashes), []Contestant{fastest}), nil
}

// HashPeers creates the same realm and returns only the two contestants that show what
// Keycloak's hash costs: one POST with the password, and one with a hash of x/crypto.
func HashPeers(ctx context.Context, portal, peers *realm.Realm) ([]Contestant, error) {
	if err := peersIn(ctx, portal, peers, nil); err != nil {
		return nil, err
	}
	return hashPeers(peers, make(chan struct{}, runtime.NumCPU())), nil
}

func hashPeers(peers *realm.Realm, hashes chan struct{}) []Contestant {
	return []Contestant{
		{Name: NamePlain, One: func(ctx context.Context, i int, _ *Journey) error {
			user := peer(NamePlain, i)
			user["credentials"] = []any{credential(i)}
			_, err := peers.Create(ctx, user)
			return err
		}},
		limit(NameLimit, peers, hashes, xcrypto.IDKey),
	}
}

// limit returns the contestant that computes one hash and creates one bare user with it.
// Places bounds the hashes under way: more at once than cores would only use more memory.
func limit(name string, peers *realm.Realm, places chan struct{}, key argon2id) Contestant {
	return Contestant{Name: name, One: func(ctx context.Context, i int, _ *Journey) error {
		user := peer(name, i)
		places <- struct{}{}
		hashed, err := hash(password(i), key)
		<-places
		if err != nil {
			return err
		}
		user["credentials"] = []any{hashed}
		_, err = peers.Create(ctx, user)
		return err
	}}
}

// argon2id is the signature that x/crypto's function and the portal's share.
type argon2id func(password, salt []byte, iterations, memory uint32, lanes uint8, length uint32) []byte

// peersIn creates the realm of the alternatives with the settings of the portal's realm
// and the given ones.
func peersIn(ctx context.Context, portal, peers *realm.Realm, more map[string]any) error {
	policy, err := portal.PasswordPolicy(ctx)
	if err != nil {
		return err
	}
	peers.Name = peersRealm
	settings := map[string]any{
		"realm": peersRealm, "enabled": true, "passwordPolicy": policy,
		"bruteForceProtected": true, "eventsEnabled": true, "eventsExpiration": 180 * 24 * 3600,
		"internationalizationEnabled": true, "supportedLocales": []string{"en", "fr"}, "defaultLocale": "fr",
		"clients": []any{map[string]any{"clientId": "ent", "publicClient": true, "standardFlowEnabled": true, "redirectUris": []string{back}}},
	}
	maps.Copy(settings, more)
	if _, err := peers.Call(ctx, http.MethodPost, "", settings, nil); err != nil {
		return fmt.Errorf("the peers' realm: %w", err)
	}
	return nil
}

// back is the redirect URI of a registration. No server listens there, and the browser stops before it.
const back = "http://127.0.0.1:9/back"

func peer(way string, i int) map[string]any {
	name := fmt.Sprintf("%s%07d", way, i)
	return map[string]any{"username": name, "email": name + "@example.org", "firstName": "Camille", "lastName": "Moreau", "enabled": true, "emailVerified": true}
}

func password(i int) string { return fmt.Sprintf("LesNaviresDansentSurLaMer%d", i) }

func credential(i int) map[string]any {
	return map[string]any{"type": "password", "value": password(i), "temporary": false}
}

// hash creates a credential with Keycloak 26's default parameters: Argon2id, 5
// iterations, 7 MiB, 1 lane, 32 bytes.
func hash(text string, key argon2id) (map[string]any, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	sum := key([]byte(text), salt, 5, 7168, 1, 32)
	secret, err := json.Marshal(map[string]any{"value": base64.StdEncoding.EncodeToString(sum), "salt": base64.StdEncoding.EncodeToString(salt), "additionalParameters": map[string]any{}})
	return map[string]any{
		"type":           "password",
		"credentialData": `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"hashLength":["32"],"memory":["7168"],"type":["id"],"version":["1.3"],"parallelism":["1"]}}`,
		"secretData":     string(secret), "temporary": false,
	}, err
}

// register uses Keycloak's registration page as a browser does. In its favour,
// the page's style sheets and scripts are not fetched.
func register(ctx context.Context, realm *realm.Realm, i int) error {
	b := scripted.NewBrowser(nil, patience)
	defer b.Close()
	b.Leave = func(to *url.URL) bool { return strings.HasPrefix(to.String(), back) }
	err := b.Get(ctx, realm.URL+"/realms/"+realm.Name+"/protocol/openid-connect/registrations?"+url.Values{
		"client_id": {"ent"}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {back}, "state": {"s"},
	}.Encode())
	if err != nil {
		return err
	}
	user := peer(NameRegistration, i)
	err = b.Submit(ctx, "/login-actions/registration", map[string]string{
		"username": user["username"].(string), "email": user["email"].(string), "firstName": user["firstName"].(string), "lastName": user["lastName"].(string),
		"password": password(i), "password-confirm": password(i),
	})
	if err == nil && b.Status != http.StatusFound {
		err = fmt.Errorf("the registration was refused at %s: %s", b.Where(), b.Errors())
	}
	return err
}
