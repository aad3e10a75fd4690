// Package fake implements the accounts of Keycloak in memory, for fast tests of the
// journey. It passes the same contract suite as the real Keycloak (package
// accountstest).
package fake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"entree/internal/domain"
)

// Accounts implements domain.Accounts in memory.
type Accounts struct {
	mu      sync.Mutex
	byLogin map[string]*account
	byEmail map[string]*account
	fail    error
	adopt   error // of Adopt alone
	factors int   // added so far
	keeps   error // of RemoveFactor alone
	loses   int   // answers of RemoveFactor that are lost
}

type account struct {
	id         string
	disabled   bool
	attributes map[string][]string // of an account that the portal did not create
	domain.Account
	standing  domain.Standing
	passwords int // replaced so far
	passkeys  []domain.Passkey
	factors   []domain.Factor
}

// New returns an empty realm.
func New() *Accounts {
	return &Accounts{byLogin: map[string]*account{}, byEmail: map[string]*account{}}
}

// Create implements domain.Accounts. Like Keycloak it compares logins and addresses
// without regard to case.
func (f *Accounts) Create(_ context.Context, a domain.Account) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return "", f.fail
	}
	for _, there := range f.byLogin {
		number := there.Number
		if v := there.attributes["supannEtuId"]; len(v) == 1 {
			number = v[0]
		}
		if a.Seek && number != "" && number == a.Number && (there.Profile == "" || there.Profile == a.Profile) && there.ActivationID != a.ActivationID {
			return "", domain.ErrForeignAccount
		}
	}
	login, email := strings.ToLower(a.Login), strings.ToLower(a.UniversityAddress)
	for _, there := range []*account{f.byLogin[login], f.byEmail[email]} {
		switch {
		case there == nil:
		case there.ActivationID != "" && there.ActivationID == a.ActivationID:
			return there.id, nil
		default:
			return "", domain.ErrForeignAccount
		}
	}
	made := &account{id: fmt.Sprintf("%08d-0000-4000-8000-000000000000", len(f.byLogin)+1), Account: a}
	f.byLogin[login], f.byEmail[email] = made, made
	return made.id, nil
}

// Accepted writes the last accepted charter into an account.
func (f *Accounts) Accepted(_ context.Context, id string, a domain.Acceptance) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	for _, there := range f.byLogin {
		if there.id == id {
			there.CharterVersion, there.CharterSHA256, there.CharterAcceptedAt = a.Version, a.SHA256, a.At
			return nil
		}
	}
	return domain.Permanent(errors.New("fake: no such account"))
}

// WriteAddress implements domain.Accounts.
func (f *Accounts) WriteAddress(_ context.Context, id string, a domain.Account) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	for _, there := range f.byLogin {
		if there.id != id {
			continue
		}
		if there.ActivationID == "" || there.ActivationID != a.ActivationID {
			return domain.Permanent(&domain.AccountBarred{Bar: domain.BarForeign})
		}
		there.Attributes = maps.Clone(there.Attributes)
		if there.Attributes == nil {
			there.Attributes = map[string]string{}
		}
		there.Attributes[domain.AttributeAddress] = a.Attributes[domain.AttributeAddress]
		return nil
	}
	return domain.Permanent(&domain.AccountBarred{Bar: domain.BarGone})
}

// Occupy adds an account that the portal did not create.
func (f *Accounts) Occupy(login, email string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there := &account{id: fmt.Sprintf("%08d-0000-4000-8000-00000000e15e", len(f.byLogin)+1), Account: domain.Account{Login: login, UniversityAddress: email}}
	f.byLogin[strings.ToLower(login)], f.byEmail[strings.ToLower(email)] = there, there
}

// FailWith makes all further calls fail with err; nil ends that.
func (f *Accounts) FailWith(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// FailAdopt makes every further Adopt fail; nil ends that.
func (f *Accounts) FailAdopt(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.adopt = err
}

// Len returns the number of accounts.
func (f *Accounts) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byLogin)
}

// Get returns the account with a login.
func (f *Accounts) Get(login string) (domain.Account, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.byLogin[strings.ToLower(login)]
	if !ok {
		return domain.Account{}, false
	}
	return a.Account, true
}

// Holding returns the accounts with this login or this address.
func (f *Accounts) Holding(_ context.Context, login, address string) ([]domain.Existing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	var out []domain.Existing
	for _, a := range []*account{f.byLogin[strings.ToLower(login)], f.byEmail[strings.ToLower(address)]} {
		if a != nil && (len(out) == 0 || out[0].ID != a.id) {
			out = append(out, a.existing())
		}
	}
	return out, nil
}

// Adopt marks an existing account; its login, names, address and password stay.
func (f *Accounts) Adopt(_ context.Context, id string, a domain.Account) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.adopt != nil {
		return f.adopt
	}
	if f.fail != nil {
		return f.fail
	}
	for _, there := range f.byLogin {
		if there.id != id {
			continue
		}
		if there.ActivationID != "" && there.ActivationID != a.ActivationID {
			return domain.Permanent(domain.ErrForeignAccount)
		}
		there.ActivationID, there.Profile, there.Number, there.Groups = a.ActivationID, a.Profile, a.Number, a.Groups
		return nil
	}
	return domain.Permanent(errors.New("no such account"))
}

// Standing implements domain.Accounts.
func (f *Accounts) Standing(_ context.Context, ref domain.AccountRef) (domain.Standing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return domain.Standing{}, f.fail
	}
	_, standing := f.standing(ref)
	return standing, nil
}

func (f *Accounts) standing(ref domain.AccountRef) (*account, domain.Standing) {
	for _, there := range f.byLogin {
		switch {
		case there.id != ref.ID:
		case ref.ActivationID == "" || there.ActivationID != ref.ActivationID:
			return nil, domain.Standing{Bar: domain.BarForeign}
		default:
			return there, there.standing
		}
	}
	return nil, domain.Standing{Bar: domain.BarGone}
}

// SetPassword implements domain.Accounts.
func (f *Accounts) SetPassword(_ context.Context, ref domain.AccountRef, c domain.Credential, otherProof bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	there, standing := f.standing(ref)
	if standing.Bar == "" && standing.HasFactor && !otherProof {
		standing.Bar = domain.BarFactor
	}
	if standing.Bar != "" {
		return domain.Permanent(&domain.AccountBarred{Bar: standing.Bar})
	}
	there.Credential = c
	there.passwords++
	return nil
}

// RemoveFactors implements domain.Accounts.
func (f *Accounts) RemoveFactors(_ context.Context, ref domain.AccountRef) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	there, err := f.held(ref)
	if err != nil {
		return err
	}
	there.standing.HasFactor = false
	there.factors, there.passkeys = nil, nil
	return nil
}

// Stand sets the standing of the account with a login, as an administrator of the
// realm would change it.
func (f *Accounts) Stand(login string, s domain.Standing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a, ok := f.byLogin[strings.ToLower(login)]; ok {
		a.standing = s
	}
}

// Passwords returns how often the password of an account was replaced.
func (f *Accounts) Passwords(login string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a, ok := f.byLogin[strings.ToLower(login)]; ok {
		return a.passwords
	}
	return 0
}

// Count returns the number of accounts.
func (f *Accounts) Count(context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byLogin), f.fail
}

// Each calls see with all accounts, in pages of two, by login.
func (f *Accounts) Each(_ context.Context, see func([]domain.Existing) error) error {
	f.mu.Lock()
	var all []domain.Existing
	for _, login := range slices.Sorted(maps.Keys(f.byLogin)) {
		all = append(all, f.byLogin[login].existing())
	}
	err := f.fail
	f.mu.Unlock()
	if err != nil {
		return err
	}
	for some := range slices.Chunk(all, 2) {
		if err := see(some); err != nil {
			return err
		}
	}
	return nil
}

// Account returns the account with an id, or domain.ErrNotFound.
func (f *Accounts) Account(_ context.Context, id string) (domain.Existing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.byLogin {
		if a.id == id {
			return a.existing(), f.fail
		}
	}
	return domain.Existing{}, domain.ErrNotFound
}

// Mark writes the mark into an account.
func (f *Accounts) Mark(_ context.Context, id, activationID string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.byLogin {
		switch {
		case f.adopt != nil:
			return f.adopt
		case a.id == id && a.ActivationID != "" && a.ActivationID != activationID:
			return domain.Permanent(domain.ErrForeignAccount)
		case a.id == id:
			a.ActivationID = activationID
			return nil
		}
	}
	return domain.Permanent(errors.New("no such account"))
}

// Put adds an account that the portal did not create, with its attributes, and
// returns its id.
func (f *Accounts) Put(x domain.Existing) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	there := &account{id: fmt.Sprintf("%08d-0000-4000-8000-0000000a77e5", len(f.byLogin)+1), disabled: !x.Enabled, attributes: x.Attributes, Account: domain.Account{
		ActivationID: x.Mark, Login: x.Login, UniversityAddress: x.Address, GivenName: x.GivenName, FamilyName: x.FamilyName,
	}}
	f.byLogin[strings.ToLower(x.Login)] = there
	if x.Address != "" {
		f.byEmail[strings.ToLower(x.Address)] = there
	}
	return there.id
}

func (a *account) existing() domain.Existing {
	x := domain.Existing{
		ID: a.id, Login: a.Login, Address: a.UniversityAddress, GivenName: a.GivenName, FamilyName: a.FamilyName, Enabled: !a.disabled, Mark: a.ActivationID,
		Attributes: maps.Clone(a.attributes),
	}
	if a.Number != "" {
		if x.Attributes == nil {
			x.Attributes = map[string][]string{}
		}
		x.Attributes["supannEtuId"] = []string{a.Number}
	}
	return x
}
