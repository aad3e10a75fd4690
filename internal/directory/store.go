// Package directory keeps accounts in an LDAP directory: Keycloak, CAS, Wi-Fi and
// workstations find the student there.
//
//	job ──► search ──┬─ nothing ──► one ADD with password and mark ──┐
//	                 ├─ the enrolment's entry ──► one guarded MODIFY ─┼─► groups ──► Keycloak's id
//	                 ├─ our mark ────────────────────────────────────┘
//	                 └─ any other ──► domain.ErrForeignAccount
//
// Keycloak's id is asked for if the account needs something that only Keycloak holds.
// Otherwise the account has the id of its entry (domain.EntryID) until Keycloak reports
// its own at a login: asking for it makes Keycloak import the entry, which costs more
// than the entry itself.
//
// Each step may run again from the start: the mark tells the portal's entries from
// all others. The password is written as a hash in one of the schemes of
// password.go, which are proven by a probe entry before the first account is made
// (probe.go). errors.go holds what an answer of the directory means.
package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/domain"
	"entree/internal/ldapconn"
	"entree/internal/secret"
)

// The ways to an account.
const (
	Add      = "add"      // the portal adds the entry
	Activate = "activate" // the enrolment made the entry; the portal adds the password
)

// Options are the settings of a Store.
type Options struct {
	ldapconn.Server
	Base          string // the branch of the people, "ou=people,dc=univ,dc=example"
	Search        string // the branch in which a login or an address may not occur twice; empty: Base
	Way           string // Add or Activate
	ObjectClasses []string
	Login         string // the attribute of the identifier, and of the RDN
	Address       string // the attribute of the university address
	Attributes    []Attribute
	Groups        map[string]string // path of a profile's group → DN
	Policy        string            // DN for pwdPolicySubentry; empty: none
	MarkAttribute string            // the attribute of the mark
	MarkPrefix    string            // text before the activation's id in the mark
	Probe         string            // the branch of the probe entries
	Numbers       []string          // attributes, beside those of Attributes, in which entries that exist hold a number
	// Hashers holds the hash function of each scheme that credentials may have.
	Hashers map[string]func(context.Context, secret.Text) (domain.Credential, error)
	// Realm is the Keycloak above the directory; nil: none.
	Realm Realm
	// IDAtOnce makes Create return Keycloak's id in any case: relying parties are told
	// of it.
	IDAtOnce bool
	InFlight int // accounts made at once; 0: 8
	Clock    func() time.Time
	Random   io.Reader
}

// Realm is the part of a Keycloak above the directory that the store needs.
type Realm interface {
	// Taken reports whether an account other than that of the entry with this
	// UUID has the login or the address. An empty uuid stands for no entry.
	Taken(ctx context.Context, login, address, uuid string) (bool, error)
	// Imported returns the id of the account that stands for an entry. It returns
	// domain.ErrForeignAccount if an account of Keycloak's own has the login, and a
	// temporary error that wraps domain.ErrNotFound while Keycloak finds none.
	Imported(ctx context.Context, login, dn, uuid string) (id string, err error)
	// Entry returns the entryUUID of the entry behind an account; empty if the
	// account is Keycloak's own. An id of no account is a permanent error.
	Entry(ctx context.Context, id string) (entryUUID string, err error)
	// Describes reports whether Describe, Accepted and WriteAddress may write attributes of
	// entries.
	Describes(ctx context.Context) (bool, error)
	// Describe writes the attributes that the directory does not hold, and joins
	// groups, as far as the realm allows it.
	Describe(ctx context.Context, id string, a domain.Account, groups []string) error
	// Accepted writes the newest acceptance into the account, as far as the realm
	// allows it.
	Accepted(ctx context.Context, id string, a domain.Acceptance) error
	// WriteAddress writes the personal address into the account, as far as the realm
	// allows it.
	WriteAddress(ctx context.Context, id string, a domain.Account) error
	// Holding returns Keycloak's own accounts with this login or this address.
	Holding(ctx context.Context, login, address string) ([]domain.Existing, error)
}

// Store creates accounts in a directory. It implements domain.Accounts and
// helpdesk.Accounts, and is safe for concurrent use.
type Store struct {
	Options
	inFlight chan struct{}

	probing sync.Mutex           // one probe at a time
	mu      sync.Mutex           // guards the outcomes of probes
	proven  map[string]time.Time // scheme → time of the last successful probe
	refuse  map[string]refusedProbe
}

// New returns a store. It does not connect.
func New(o Options) *Store {
	if o.InFlight == 0 {
		o.InFlight = 8
	}
	if o.Search == "" {
		o.Search = o.Base
	}
	return &Store{Options: o, inFlight: make(chan struct{}, o.InFlight), proven: map[string]time.Time{}, refuse: map[string]refusedProbe{}}
}

// Create implements domain.Accounts: it makes the entry, or adds the password to
// the entry of the enrolment, and returns Keycloak's id of the account, the id of its
// entry, or the entry's UUID without Keycloak. It never changes an entry that has a
// password.
func (s *Store) Create(ctx context.Context, a domain.Account) (string, error) {
	if a.ActivationID == "" {
		return "", domain.Permanent(errors.New("directory: an account without an activation id could not be recognised"))
	}
	scheme, password, err := UserPassword(a.Credential)
	if err != nil {
		return "", err
	}
	select {
	case s.inFlight <- struct{}{}:
		defer func() { <-s.inFlight }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := s.Proven(ctx, scheme); err != nil {
		return "", err
	}
	e, err := s.make(ctx, a, password)
	if err != nil {
		return "", err
	}
	if s.Realm == nil {
		return e.uuid, nil
	}
	_, elsewhere := s.groups(a)
	if len(elsewhere) == 0 && !s.IDAtOnce {
		if describes, err := s.Realm.Describes(ctx); err != nil || !describes {
			return domain.EntryID(e.uuid), err
		}
	}
	id, err := s.Realm.Imported(ctx, a.Login, e.dn, e.uuid)
	if err != nil {
		return "", err
	}
	return id, s.Realm.Describe(ctx, id, a, elsewhere)
}

// make returns the entry of an account with its groups. A lost answer leaves the
// outcome unknown: the entry is then looked for once more, on a new connection.
func (s *Store) make(ctx context.Context, a domain.Account, password string) (entry, error) {
	e, err := s.tryMake(ctx, a, password)
	if l := (lost{}); errors.As(err, &l) && ctx.Err() == nil {
		if again, lookErr := s.tryMake(ctx, a, ""); lookErr == nil {
			return again, nil
		}
	}
	return e, err
}

// errAbsent is returned by tryMake without a password if there is no entry.
var errAbsent = errors.New("directory: the entry was not created")

// tryMake makes the entry on one connection. Without a password it only looks.
func (s *Store) tryMake(ctx context.Context, a domain.Account, password string) (entry, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return entry{}, s.meaning("connect", err)
	}
	defer release()
	e, err := s.entryOf(ctx, conn, a, password)
	if err != nil {
		return entry{}, err
	}
	return e, s.join(conn, e, a)
}

// join makes an entry a member of the account's groups that the directory holds. An
// entry that is a member already stays one.
func (s *Store) join(conn *ldap.Conn, e entry, a domain.Account) error {
	dns, _ := s.groups(a)
	for _, dn := range dns {
		m := ldap.NewModifyRequest(dn, nil)
		m.Add("member", []string{e.dn})
		if err := conn.Modify(m); err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultAttributeOrValueExists) {
			return s.meaning("join "+dn, err)
		}
	}
	return nil
}

func (s *Store) entryOf(ctx context.Context, conn *ldap.Conn, a domain.Account, password string) (entry, error) {
try:
	for n := range 2 {
		found, err := s.look(conn, a)
		switch {
		case err != nil:
			return entry{}, err
		case found.ours != nil:
			return *found.ours, nil
		case found.foreign:
			return entry{}, domain.ErrForeignAccount
		case password == "":
			return entry{}, errAbsent
		}
		if s.Way == Activate && found.open == nil {
			return entry{}, errNotEnrolled
		}
		if s.Realm != nil {
			uuid := ""
			if found.open != nil {
				uuid = found.open.uuid
			}
			if taken, err := s.Realm.Taken(ctx, a.Login, a.UniversityAddress, uuid); err != nil {
				return entry{}, err
			} else if taken {
				break try // unless another instance made the entry since it was looked for
			}
		}
		if s.Way == Activate {
			err = s.activate(conn, a, *found.open, password)
		} else {
			err = conn.Add(s.addition(a, password))
		}
		// Success and conflict alike are judged by what the directory holds now.
		switch {
		case err == nil || isConflict(err) && n == 0:
		case isConflict(err):
			return entry{}, domain.ErrForeignAccount
		case isLost(err):
			return entry{}, lost{s.meaning("write the entry", err)}
		default:
			return entry{}, s.refusal("write the entry", err, a)
		}
	}
	found, err := s.look(conn, a)
	switch {
	case err != nil:
		return entry{}, err
	case found.ours != nil:
		return *found.ours, nil
	}
	return entry{}, domain.ErrForeignAccount
}

// errNotEnrolled is returned in the way Activate while the enrolment has not made
// the person's entry.
var errNotEnrolled = errors.New("directory: no entry has the person's number yet: another system creates the entries (directory.way is activate)")

// mark returns the value of the mark's attribute for an account.
func (s *Store) mark(a domain.Account) string { return s.MarkPrefix + a.ActivationID }

// addition returns the request that makes the whole entry.
func (s *Store) addition(a domain.Account, password string) *ldap.AddRequest {
	add := ldap.NewAddRequest(s.Login+"="+ldap.EscapeDN(a.Login)+","+s.Base, nil)
	all := map[string][]string{}
	var order []string
	set := func(name string, v ...string) {
		key := strings.ToLower(name)
		if len(v) == 0 || len(v) == 1 && v[0] == "" {
			return
		}
		if _, there := all[key]; !there {
			order = append(order, name)
		}
		for _, one := range v {
			if !slices.Contains(all[key], one) {
				all[key] = append(all[key], one)
			}
		}
	}
	set("objectClass", s.ObjectClasses...)
	set(s.Login, a.Login)
	set(s.Address, a.UniversityAddress)
	for _, t := range s.Attributes {
		set(t.Name, values(t.Value, a)...)
	}
	set(s.MarkAttribute, s.mark(a))
	set("userPassword", password)
	set("pwdPolicySubentry", s.Policy)
	for _, name := range order {
		add.Attribute(name, all[strings.ToLower(name)])
	}
	return add
}

// activate adds password and mark to an entry of the enrolment in one MODIFY. The
// directory refuses it, with assertionFailed, if the entry has a password or a
// mark of the portal by now.
func (s *Store) activate(conn *ldap.Conn, a domain.Account, e entry, password string) error {
	guard, err := assertion("(&(!(userPassword=*))(!(" + s.MarkAttribute + "=" + ldap.EscapeFilter(s.MarkPrefix) + "*)))")
	if err != nil {
		return err
	}
	m := ldap.NewModifyRequest(e.dn, []ldap.Control{guard})
	m.Add("userPassword", []string{password})
	m.Add(s.MarkAttribute, []string{s.mark(a)})
	if s.Policy != "" {
		m.Replace("pwdPolicySubentry", []string{s.Policy})
	}
	return conn.Modify(m)
}

// assertionControl is the assertion control of RFC 4528.
const assertionControl = "1.3.6.1.1.12"

func assertion(filter string) (ldap.Control, error) {
	packet, err := ldap.CompileFilter(filter)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return ldap.NewControlString(assertionControl, true, string(packet.Bytes())), nil
}

// groups returns the DNs of an account's groups, and the paths of those that the
// directory does not hold.
func (s *Store) groups(a domain.Account) (dns, elsewhere []string) {
	for _, path := range a.Groups {
		if dn := s.Groups[path]; dn != "" {
			dns = append(dns, dn)
		} else {
			elsewhere = append(elsewhere, path)
		}
	}
	return dns, elsewhere
}

// Accepted implements domain.Accounts. It writes the attributes whose templates
// name the charter, if there are any, and the account in Keycloak.
func (s *Store) Accepted(ctx context.Context, id string, acceptance domain.Acceptance) error {
	a := domain.Account{CharterVersion: acceptance.Version, CharterSHA256: acceptance.SHA256, CharterAcceptedAt: acceptance.At}
	changed := map[string][]string{}
	for _, t := range s.Attributes {
		if strings.Contains(t.Value, "{charter_") {
			changed[t.Name] = values(t.Value, a)
		}
	}
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	e, err := s.byID(ctx, conn, id)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		m := ldap.NewModifyRequest(e.dn, nil)
		for name, v := range changed {
			m.Replace(name, v)
		}
		if err := conn.Modify(m); err != nil {
			return s.refusal("write the charter", err, a)
		}
	}
	return s.inRealm(ctx, id, e, func(id string) error { return s.Realm.Accepted(ctx, id, acceptance) })
}

// inRealm calls write with Keycloak's id of an account, if there is a Keycloak. It does
// not let Keycloak import the entry of an account for a write that the realm would not
// take.
func (s *Store) inRealm(ctx context.Context, id string, e entry, write func(id string) error) error {
	if s.Realm == nil {
		return nil
	}
	if _, isEntry := domain.EntryOf(id); isEntry {
		if describes, err := s.Realm.Describes(ctx); err != nil || !describes {
			return err
		}
	}
	realmID, err := s.realmID(ctx, id, e)
	if err != nil {
		return err
	}
	return write(realmID)
}
