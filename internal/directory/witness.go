package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Without a Keycloak, the time by which a restored database is recognised lies in an
// entry of the branch of probes. Its name depends on the portal, so that two portals
// on one directory do not share it.

const witnessName = "entree-witness-"

func (s *Store) witness() (cn, dn string) {
	sum := sha256.Sum256([]byte(s.BindDN + "\x00" + s.MarkPrefix))
	cn = witnessName + hex.EncodeToString(sum[:6])
	return cn, "cn=" + cn + "," + s.Probe
}

// Witness returns the time that SetWitness stored, or the zero time if there is none.
func (s *Store) Witness(ctx context.Context) (time.Time, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return time.Time{}, s.meaning("connect", err)
	}
	defer release()
	_, dn := s.witness()
	result, err := conn.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 5, false, "(objectClass=*)", []string{"description"}, nil))
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, s.meaning("read "+dn, err)
	}
	if len(result.Entries) != 1 {
		return time.Time{}, nil
	}
	us, err := strconv.ParseInt(result.Entries[0].GetAttributeValue("description"), 10, 64)
	if err != nil {
		return time.Time{}, nil // the entry was edited by hand
	}
	return time.UnixMicro(us).UTC(), nil
}

// SetWitness stores a time.
func (s *Store) SetWitness(ctx context.Context, at time.Time) error {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	value := []string{strconv.FormatInt(at.UnixMicro(), 10)}
	cn, dn := s.witness()
	m := ldap.NewModifyRequest(dn, nil)
	m.Replace("description", value)
	err = conn.Modify(m)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		add := ldap.NewAddRequest(dn, nil)
		add.Attribute("objectClass", []string{"person"})
		add.Attribute("cn", []string{cn})
		add.Attribute("sn", []string{cn})
		add.Attribute("description", value)
		if err = conn.Add(add); ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
			err = conn.Modify(m) // another instance made it meanwhile
		}
	}
	if err != nil {
		return s.meaning("write "+dn, err)
	}
	return nil
}
