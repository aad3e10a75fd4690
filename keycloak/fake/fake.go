// Package fake implements the accounts of Keycloak in memory, for fast tests of the
// journey. It passes the same contract suite as the real Keycloak (package
// accountstest).
package fake

import (
	"context"
	"errors"
	"fmt"
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
}

type account struct {
	id string
	domain.Account
	standing  domain.Standing
	passwords int // replaced so far
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
		if a.Seek && there.Number != "" && there.Number == a.Number && there.Profile == a.Profile && there.ActivationID != a.ActivationID {
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
			out = append(out, domain.Existing{
				ID: a.id, Login: a.Login, Address: a.UniversityAddress, GivenName: a.GivenName, FamilyName: a.FamilyName, Enabled: true, Mark: a.ActivationID,
			})
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
