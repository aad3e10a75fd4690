package app

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/naming"
	"entree/internal/outage"
	"entree/keycloak"
)

// realmRules holds the realm's rules on accounts, as last read. A realm that was
// never read has no rules: Keycloak then refuses what breaks them. Without Keycloak
// the rules are those of the entries in the directory.
type realmRules struct {
	read     func(ctx context.Context) (*keycloak.Rules, error) // nil without Keycloak
	lacks    func(domain.Account) (fields []string)             // of an entry, without Keycloak
	profiles map[string]ruledProfile
	reserved naming.Reserved
	log      *slog.Logger
	now      atomic.Pointer[keycloak.Rules]
	known    chan struct{} // closed when the rules were read for the first time
	failing  outage.Tracker
}

type ruledProfile struct {
	domain.Profile
	login, address naming.Pattern
}

// newRealmRules returns rules that were not read yet. A nil realm stands for a
// directory without Keycloak. The configuration was
// checked: its patterns parse.
func newRealmRules(realm *keycloak.Client, c config.Config, log *slog.Logger) *realmRules {
	r := &realmRules{
		profiles: map[string]ruledProfile{}, reserved: naming.NewReserved(c.Reserved...), log: log, known: make(chan struct{}),
	}
	if realm != nil {
		r.read = func(ctx context.Context) (*keycloak.Rules, error) { return realm.ReadRules(ctx, c.Institution.Scope) }
	} else {
		r.lacks = c.AccountDirectory().Lacks
	}
	for _, p := range c.Domain() {
		login, _ := naming.Parse(p.Login)
		address, _ := naming.Parse(p.Address)
		r.profiles[p.Key] = ruledProfile{p, login.Avoiding(r.Avoid), address.Avoiding(r.Avoid)}
	}
	return r
}

// ownDomains lists the domains of the university's own addresses.
func ownDomains(c config.Config) []string {
	var out []string
	add := func(domain string) {
		if domain = strings.ToLower(strings.TrimPrefix(domain, "@")); domain != "" && !strings.Contains(domain, "{") && !slices.Contains(out, domain) {
			out = append(out, domain)
		}
	}
	add(c.Institution.Scope)
	for _, p := range c.Profiles {
		_, domain, _ := strings.Cut(p.Address, "@")
		add(domain)
	}
	return out
}

// Avoid reports whether a login or a university address is not given to people:
// it is reserved, or the realm refuses it.
func (r *realmRules) Avoid(name string) bool {
	return r.reserved.Has(name) || !strings.Contains(name, "@") && r.now.Load().Login(name)
}

// Person reports the rules that a person breaks, with the identifier that the
// activation would give. It is a domain.PersonRules.
func (r *realmRules) Person(p domain.Person) []domain.BrokenRule {
	var broken []domain.BrokenRule
	if given := p.Login; given != "" && r.reserved.Has(given) {
		broken = append(broken, domain.BrokenRule{Field: domain.FieldLogin, Rule: "reserved", Detail: "the name of a function or a service"})
	}
	rules, profile := r.now.Load(), r.profiles[p.Profile]
	if r.read == nil {
		for _, field := range r.lacks(domain.NewAccount(p, profile.Profile, domain.French, nil)) {
			broken = append(broken, domain.BrokenRule{Field: field, Rule: "required", Detail: "empty, and an entry of the directory needs it"})
		}
		return broken
	}
	if rules == nil {
		return append(broken, missingNames(p)...)
	}
	parts := naming.Parts{GivenName: p.GivenName, FamilyName: p.FamilyName, Number: p.Number}
	if p.Login == "" {
		for p.Login = range profile.login.Candidates(parts) {
			break
		}
	}
	if p.UniversityAddress == "" {
		for p.UniversityAddress = range profile.address.Candidates(parts) {
			break
		}
	}
	return append(broken, rules.Person(p, profile.Profile)...)
}

// missingNames requires both names while the realm's rules are not known: most
// realms require them.
func missingNames(p domain.Person) (broken []domain.BrokenRule) {
	for field, value := range map[string]string{domain.FieldGivenName: p.GivenName, domain.FieldFamilyName: p.FamilyName} {
		if value == "" {
			broken = append(broken, domain.BrokenRule{Field: field, Rule: "required", Detail: "empty, and the realm's rules are not known"})
		}
	}
	return broken
}

// rulesOf reads the rules that people of an import are judged by. It returns nil
// if neither Keycloak nor a directory is configured, or the realm does not answer;
// warn is called with the reason in the second case.
func rulesOf(ctx context.Context, c config.Config, warn func(error)) domain.PersonRules {
	if c.InDirectory() && !c.HasKeycloak() {
		return newRealmRules(nil, c, slog.New(slog.DiscardHandler)).Person
	}
	if c.Keycloak.URL == "" || c.Keycloak.ClientSecret.Empty() {
		return nil
	}
	realm, err := keycloak.NewClient(keycloakConfig(c))
	if err != nil {
		warn(err)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, rulesWait)
	defer cancel()
	r := newRealmRules(realm, c, slog.New(slog.DiscardHandler))
	if err := r.look(ctx); err != nil {
		warn(err)
		return nil
	}
	return r.Person
}

// rulesWait is how long an import waits for the realm's rules.
const rulesWait = 5 * time.Second

// look reads the rules once.
func (r *realmRules) look(ctx context.Context) error {
	rules, err := r.read(ctx)
	if err == nil && r.now.Swap(rules) == nil {
		close(r.known)
	}
	return err
}

// watch keeps the rules up to date. While Keycloak does not answer, the rules
// that were read last stay in force.
func (r *realmRules) watch(ctx context.Context) error {
	if r.read == nil {
		return nil
	}
	for {
		err, wait := r.look(ctx), policyEvery
		logOnce(ctx, r.log, &r.failing, "reading the realm's rules on accounts", err)
		if r.now.Load() == nil {
			wait = policySoon
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}
