package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"entree/internal/config"
	"entree/internal/directory"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/secret"
	"entree/keycloak"
)

// Keycloak above a directory must also implement the parts of directory.Realm that are
// optional: a store without them works and has no second factors.
var _ interface {
	directory.Realm
	directory.Signins
	directory.Factors
} = (*keycloak.Federated)(nil)

// accountStore is where accounts are kept: Keycloak, or a directory below it.
type accountStore interface {
	domain.Accounts
	helpdesk.Accounts
}

// schemeHashers returns the hash function of each scheme of a directory.
func schemeHashers(atOnce int) (map[string]credentialHasher, error) {
	out := map[string]credentialHasher{directory.Crypt: directory.NewCryptHasher(atOnce, rand.Reader)}
	for _, scheme := range []string{directory.Argon2, directory.PBKDF2SHA256, directory.PBKDF2SHA512} {
		h, err := keycloak.NewHasher(scheme, 0, atOnce, rand.Reader)
		if err != nil {
			return nil, err
		}
		out[scheme] = h
	}
	return out, nil
}

// openAccounts returns the configured store of accounts. For a directory it also
// sets the policy's hash function, which is then that of the directory's scheme,
// and the check of the directory.
func (a *App) openAccounts() (accountStore, error) {
	c := a.config
	if !c.InDirectory() {
		return a.realmAccounts, nil
	}
	hashers, err := schemeHashers(c.Limits.HashesAtOnce)
	if err != nil {
		return nil, err
	}
	a.policy.fixed = hashers[c.Directory.Scheme]
	store := newDirectory(c, hashers)
	if a.realm != nil {
		a.federated = a.realm.Federated(c.Institution.Scope, keycloak.Searched{Base: store.Search, Login: store.Login, Address: store.Address})
		store.Realm, store.IDAtOnce = a.federated, len(c.Webhooks) > 0
	}
	a.inDirectory = store
	a.directory = newDirectoryFindings(store, c, a.log)
	return store, nil
}

func newDirectory(c config.Config, hashers map[string]credentialHasher) *directory.Store {
	o := c.AccountDirectory()
	o.Clock, o.Random = time.Now, rand.Reader
	o.Hashers = map[string]func(context.Context, secret.Text) (domain.Credential, error){}
	for scheme, h := range hashers {
		o.Hashers[scheme] = h.Hash
	}
	return directory.New(o)
}

func newDirectoryFindings(store *directory.Store, c config.Config, log *slog.Logger) *findings {
	return &findings{what: "the directory", log: log, read: func(ctx context.Context) ([]keycloak.Finding, error) {
		var out []keycloak.Finding
		for _, f := range store.Check(ctx, c.Directory.Scheme) {
			out = append(out, keycloak.Finding(f))
		}
		return out, nil
	}}
}

// CheckDirectory returns what keeps the portal from making accounts in the
// configured directory; nothing if accounts are kept in Keycloak.
func CheckDirectory(ctx context.Context, c config.Config) ([]keycloak.Finding, error) {
	if !c.InDirectory() {
		return nil, nil
	}
	hashers, err := schemeHashers(c.Limits.HashesAtOnce)
	if err != nil {
		return nil, err
	}
	return newDirectoryFindings(newDirectory(c, hashers), c, slog.New(slog.DiscardHandler)).read(ctx)
}
