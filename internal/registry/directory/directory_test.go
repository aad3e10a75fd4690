package directory_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entree/internal/devenv/localldap"
	"entree/internal/domain"
	"entree/internal/ldapconn"
	"entree/internal/registry"
	"entree/internal/registry/directory"
	"entree/internal/secret"
	"entree/internal/store"
)

const people = 25

// slapd is a real directory on a port of loopback.
type slapd struct {
	plain, tls string
	ca         string
}

func start(t *testing.T) slapd {
	t.Helper()
	dir := t.TempDir()
	key, cert := certificate(t, dir)
	s := slapd{plain: freeAddress(t), tls: freeAddress(t), ca: cert}
	conf := fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
TLSCertificateFile %[2]s
TLSCertificateKeyFile %[3]s
database mdb
suffix "dc=univ,dc=example"
rootdn "cn=entree,dc=univ,dc=example"
rootpw right
directory %[1]s/data
limits dn.exact="cn=entree,dc=univ,dc=example" size.pr=unlimited size.prtotal=unlimited
sizelimit 10
`, dir, cert, key)
	server, err := localldap.Serve(t.Context(), dir, conf, ldif(), "ldap://"+s.plain, "ldaps://"+s.tls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return s
}

func ldif() string {
	var b strings.Builder
	b.WriteString("dn: dc=univ,dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Univ\ndc: univ\n\n")
	for n := range people {
		fmt.Fprintf(&b, "dn: uid=u%[1]d,dc=univ,dc=example\nobjectClass: inetOrgPerson\nuid: u%[1]d\nemployeeNumber: %[1]d\ngivenName: Zoé\nsn: Nuñez\ncn: Zoé Nuñez\nmail: u%[1]d@example.org\nmail: second%[1]d@example.org\n", n)
		if n == 7 {
			b.WriteString("userPassword:: gP//AA==\n") // bytes that are no text
		}
		b.WriteString("\n")
	}
	b.WriteString("dn: ou=elsewhere,dc=univ,dc=example\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://192.0.2.1/dc=other\n\n")
	return b.String()
}

func (s slapd) source() directory.Source {
	return directory.Source{
		Server: ldapconn.Server{URL: "ldap://" + s.plain, BindDN: "cn=entree,dc=univ,dc=example", Password: secret.New("right"), Timeout: 10 * time.Second},
		Base:   "dc=univ,dc=example", Filter: "(objectClass=inetOrgPerson)", PageSize: 4,
		Columns: map[string]string{"number": "employeeNumber", "given_name": "givenName", "family_name": "sn", "email": "mail"},
	}
}

// bring imports a source into a store.
func bring(t *testing.T, db *store.Store, s directory.Source) (domain.ImportCounts, []registry.Refusal, error) {
	t.Helper()
	table, err := directory.Open(t.Context(), s)
	if err != nil {
		return domain.ImportCounts{}, nil, err
	}
	defer table.Close()
	var refused []registry.Refusal
	m := registry.Mapping{Profile: "personnel", Profiles: []string{"personnel"}, Columns: s.Columns}
	counts, err := registry.Import(t.Context(), db, table, m, &domain.ImportOrder{Import: domain.Import{Source: "annuaire"}, MaxGone: 0.1},
		registry.Observer{Refused: func(r registry.Refusal) error { refused = append(refused, r); return nil }})
	return counts, refused, err
}

func database(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "entree.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestDirectory_EveryPageIsRead(t *testing.T) {
	s := start(t)
	db := database(t)
	startTLS := s.source()
	startTLS.URL = strings.Replace(startTLS.URL, "127.0.0.1", "localhost", 1)
	startTLS.StartTLS, startTLS.CA = true, s.ca
	overTLS := s.source()
	overTLS.URL, overTLS.CA = "ldaps://"+strings.Replace(s.tls, "127.0.0.1", "localhost", 1), s.ca
	for i, source := range []directory.Source{s.source(), startTLS, overTLS} {
		counts, refused, err := bring(t, db, source)
		want := domain.ImportCounts{New: people}
		if i > 0 {
			want = domain.ImportCounts{Unchanged: people}
		}
		if err != nil || counts != want {
			t.Errorf("%s: %+v %v %v", source.URL, counts, refused, err)
		}
	}
	p, err := db.PersonByNumber(t.Context(), "personnel", "3")
	if err != nil || p.GivenName != "Zoé" || p.Email != "u3@example.org" {
		t.Errorf("%+v, %v", p, err)
	}
	// A binary attribute refuses its entry, and no other.
	binary := s.source()
	binary.Columns = map[string]string{"number": "employeeNumber", "given_name": "givenName", "family_name": "sn", "email": "mail", "cohort": "userPassword"}
	counts, refused, err := bring(t, db, binary)
	if err != nil || counts.Unchanged != people-1 || len(refused) != 1 || refused[0].Column != "userPassword" {
		t.Errorf("%+v %v %v", counts, refused, err)
	}
	// Fewer than were there stop the import.
	few := s.source()
	few.Filter = "(employeeNumber=1*)"
	if _, _, err := bring(t, db, few); err == nil || !strings.Contains(err.Error(), `of the 25 people of the source "annuaire" are not in it`) {
		t.Errorf("%v", err)
	}
}

// A refused entry is named by its DN, a misspelt attribute stops the import, and
// the stored address stays while it is among the values, in any order.
func TestT13_EntriesAreNamedAndAddressesStay(t *testing.T) {
	s := start(t)
	db := database(t)
	binary := s.source()
	binary.Columns = map[string]string{"number": "employeeNumber", "given_name": "givenName", "family_name": "sn", "email": "mail", "cohort": "userPassword"}
	if _, refused, err := bring(t, db, binary); err != nil || len(refused) != 1 || refused[0].Where != "uid=u7,dc=univ,dc=example" || !strings.Contains(refused[0].String(), "uid=u7,") {
		t.Errorf("%v %v", refused, err)
	}
	for field, attribute := range map[string]string{"email": "maill", "cohort": "departmentNumber"} {
		misspelt := s.source()
		misspelt.Columns = map[string]string{"number": "employeeNumber", "given_name": "givenName", "family_name": "sn", "email": "mail"}
		misspelt.Columns[field] = attribute
		if _, _, err := bring(t, db, misspelt); err == nil || !strings.Contains(err.Error(), "no entry has a value for "+attribute) {
			t.Errorf("%s: %v", attribute, err)
		}
	}
	none := s.source()
	none.Filter = "(objectClass=nothing)"
	if _, _, err := bring(t, db, none); err == nil || !strings.Contains(err.Error(), "check base and filter") {
		t.Errorf("%v", err)
	}
	// The directory now returns the second address first: nothing changes.
	p, err := db.PersonByNumber(t.Context(), "personnel", "3")
	if err != nil || p.Email != "u3@example.org" {
		t.Fatalf("%+v %v", p, err)
	}
	for column, want := range map[string]string{"second3@example.org" + registry.Several + "u3@example.org": "u3@example.org", "second3@example.org" + registry.Several + "third3@example.org": "second3@example.org"} {
		m := registry.Mapping{Profile: "personnel", Profiles: []string{"personnel"}, Columns: map[string]string{"number": "n", "given_name": "g", "family_name": "s", "email": "m"}}
		if _, err := registry.Import(t.Context(), db, one(t, column), m, &domain.ImportOrder{Part: true}, registry.Observer{}); err != nil {
			t.Error(err)
		}
		if p, err := db.Person(t.Context(), p.ID); err != nil || string(p.Email) != want {
			t.Errorf("%q: %s %v", column, p.Email, err)
		}
		if _, err := registry.Import(t.Context(), db, one(t, "u3@example.org"), m, &domain.ImportOrder{Part: true}, registry.Observer{}); err != nil {
			t.Error(err)
		}
	}
	// Limits and referrals say what to do.
	limited := s.source()
	limited.BindDN, limited.PageSize = "", 1000
	if _, _, err := bring(t, db, limited); err == nil || !strings.Contains(err.Error(), "raise its size limit for bind_dn") {
		t.Errorf("%v", err)
	}
	elsewhere := s.source()
	elsewhere.Base = "ou=elsewhere,dc=univ,dc=example"
	if _, _, err := bring(t, db, elsewhere); err == nil || !strings.Contains(err.Error(), "on another server: set url and base to ldap://192.0.2.1/") {
		t.Errorf("%v", err)
	}
}

// one returns a table of one person with an address.
func one(t *testing.T, address string) registry.Table {
	t.Helper()
	done := false
	return registry.Table{Headers: []string{"n", "g", "s", "m"}, Done: func() float64 { return 0 }, Close: func() error { return nil }, Next: func() ([]string, int, error) {
		if done {
			return nil, 0, io.EOF
		}
		done = true
		return []string{"3", "Zoé", "Nuñez", address}, 1, nil
	}}
}

func TestDirectory_WhatIsWrongImportsNothing(t *testing.T) {
	s := start(t)
	for name, c := range map[string]struct {
		change func(*directory.Source)
		want   string
	}{
		"a wrong password":                 {func(d *directory.Source) { d.Password = secret.New("wrong") }, "refuses this bind_dn"},
		"nobody there":                     {func(d *directory.Source) { d.URL = "ldap://127.0.0.1:1" }, "connection refused"},
		"a certificate that nobody trusts": {func(d *directory.Source) { d.URL = "ldaps://" + s.tls }, "certificate"},
		"no such base":                     {func(d *directory.Source) { d.Base = "dc=nowhere" }, "after 0 entries"},
		"a filter that is none":            {func(d *directory.Source) { d.Filter = "(((" }, "after 0 entries"},
		"the server's own limit":           {func(d *directory.Source) { d.BindDN, d.PageSize = "", 1000 }, "Size Limit Exceeded"},
		"half an answer":                   {func(d *directory.Source) { d.URL = "ldap://" + through(t, s.plain, 3000, false) }, "after "},
		"a server that falls asleep":       {func(d *directory.Source) { d.URL, d.Timeout = "ldap://"+through(t, s.plain, 3000, true), time.Second }, "after "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t)
			source := s.source()
			c.change(&source)
			if _, _, err := bring(t, db, source); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if all, err := db.People(context.Background()); err != nil || len(all) != 0 {
				t.Errorf("%d people, %v", len(all), err)
			}
		})
	}
}

// through returns the address of a proxy to another address. After this number of
// bytes from there, the proxy stalls if silent is set, or closes the connection.
func through(t *testing.T, to string, bytes int64, silent bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			_ = in.Close()
			return
		}
		go func() { _, _ = io.Copy(out, in) }()
		_, _ = io.CopyN(in, out, bytes)
		if !silent {
			_ = in.Close()
		}
	}()
	return l.Addr().String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate makes one for localhost, signed by itself.
func certificate(t *testing.T, dir string) (keyFile, certFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keyFile, certFile = filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	for file, block := range map[string]*pem.Block{keyFile: {Type: "PRIVATE KEY", Bytes: raw}, certFile: {Type: "CERTIFICATE", Bytes: cert}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return keyFile, certFile
}
