package directory

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/ldapconn"
	"entree/internal/secret"
)

// A directory stores a hash in a scheme that it does not know without an error,
// and refuses every password from then on. So the portal writes a probe entry
// with a fresh password, binds as it, and removes it, before it makes accounts.

// refusedProbe is the outcome of a failed probe. It holds for a while, so that
// many waiting jobs do not each write a probe.
type refusedProbe struct {
	err error
	at  time.Time
}

const (
	probeAgain = 5 * time.Second  // after a failed probe
	probeStale = 10 * time.Minute // age of a probe entry whose portal died
	probeName  = "entree-probe-"
)

// ErrScheme means that the directory does not verify passwords in a scheme.
type ErrScheme struct{ Scheme string }

func (e *ErrScheme) Error() string {
	return fmt.Sprintf("directory: the server stored a password in the scheme {%s} and then refused it at a bind: %s, or set directory.scheme to one of %s; no account is created until then",
		strings.ToUpper(e.Scheme), modules[e.Scheme], strings.Join(Schemes(), ", "))
}

// Proven returns nil if the directory verifies passwords in a scheme. It probes
// the directory if that was not proven yet.
func (s *Store) Proven(ctx context.Context, scheme string) error {
	if known, err := s.outcome(scheme); known {
		return err
	}
	s.probing.Lock()
	defer s.probing.Unlock()
	if known, err := s.outcome(scheme); known { // another caller probed while this one waited
		return err
	}
	return s.probeOnce(ctx, scheme)
}

// outcome returns the outcome of the last probe of a scheme. known is false if a new
// probe is needed. It does not wait for a probe that is running.
func (s *Store) outcome(scheme string) (known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.proven[scheme].IsZero() {
		return true, nil
	}
	r := s.refuse[scheme]
	return r.err != nil && s.Clock().Sub(r.at) < probeAgain, r.err
}

// Prove probes the directory, also if the scheme was proven before: a server may
// have lost a module since.
func (s *Store) Prove(ctx context.Context, scheme string) error {
	s.probing.Lock()
	defer s.probing.Unlock()
	return s.probeOnce(ctx, scheme)
}

func (s *Store) probeOnce(ctx context.Context, scheme string) error {
	err := s.probe(ctx, scheme)
	s.mu.Lock()
	defer s.mu.Unlock()
	var refused *ErrScheme
	switch {
	case err == nil:
		s.proven[scheme] = s.Clock()
		delete(s.refuse, scheme)
	case errors.As(err, &refused):
		delete(s.proven, scheme)
		fallthrough
	default:
		s.refuse[scheme] = refusedProbe{err, s.Clock()}
	}
	return err
}

func (s *Store) probe(ctx context.Context, scheme string) error {
	hash := s.Hashers[scheme]
	if hash == nil {
		return fmt.Errorf("directory: the scheme %q is not known: want one of %s", scheme, strings.Join(Schemes(), ", "))
	}
	raw := make([]byte, 24)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return fmt.Errorf("directory: draw a password: %w", err)
	}
	name, password := probeName+hex.EncodeToString(raw[:8]), secret.New("Aa1-"+hex.EncodeToString(raw[8:]))
	credential, err := hash(ctx, password)
	if err != nil {
		return err
	}
	_, value, err := UserPassword(credential)
	if err != nil {
		return err
	}
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	s.sweep(conn)
	dn := "cn=" + name + "," + s.Probe
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"person"})
	add.Attribute("cn", []string{name})
	add.Attribute("sn", []string{name})
	add.Attribute("userPassword", []string{value})
	if s.Policy != "" {
		add.Attribute("pwdPolicySubentry", []string{s.Policy})
	}
	if err := conn.Add(add); err != nil {
		if ldap.IsErrorWithCode(err, ldap.LDAPResultConstraintViolation) {
			return &Answer{"write the probe entry", ldap.LDAPResultConstraintViolation, "a password policy refuses hashed passwords (pwdCheckQuality 2): set directory.policy to a policy with pwdCheckQuality 1"}
		}
		return s.meaning("write the probe entry below "+s.Probe, err)
	}
	bound := s.bindAs(ctx, dn, password)
	if err := conn.Del(ldap.NewDelRequest(dn, nil)); err != nil && bound == nil {
		return s.meaning("remove the probe entry", err)
	}
	if errors.Is(bound, ldapconn.ErrPassword) {
		return &ErrScheme{scheme}
	}
	return bound
}

// bindAs binds as an entry on a connection of its own.
func (s *Store) bindAs(ctx context.Context, dn string, password secret.Text) error {
	server := s.Server
	server.BindDN, server.Password = dn, password
	_, release, err := server.Dial(ctx)
	if err == nil {
		release()
		return nil
	}
	if errors.Is(err, ldapconn.ErrPassword) {
		return err
	}
	return s.meaning("bind as the probe entry", err)
}

// sweep removes probe entries of portals that died. It does its best: a probe
// entry that stays opens nothing, since its password was never stored.
func (s *Store) sweep(conn *ldap.Conn) {
	before := s.Clock().Add(-probeStale).UTC().Format("20060102150405Z")
	result, err := conn.Search(ldap.NewSearchRequest(s.Probe, ldap.ScopeSingleLevel, ldap.NeverDerefAliases, most, 5, false,
		"(&(objectClass=person)(cn="+probeName+"*)(createTimestamp<="+before+"))", []string{"1.1"}, nil))
	if err != nil {
		return
	}
	for _, e := range result.Entries {
		_ = conn.Del(ldap.NewDelRequest(e.DN, nil))
	}
}
