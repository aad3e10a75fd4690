package directory_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/accountstest"
	"entree/internal/devenv/localldap"
	"entree/internal/directory"
	"entree/internal/domain"
	"entree/internal/ldapconn"
	"entree/internal/secret"
)

// outcome is the meaning of a failed creation for its job.
type outcome string

const (
	again   outcome = "again"   // the job waits and runs again
	foreign outcome = "foreign" // the person is parked: a human must look
	refused outcome = "refused" // a value must be corrected; the job waits
)

func outcomeOf(err error) outcome {
	var value *domain.AccountRefused
	switch {
	case errors.Is(err, domain.ErrForeignAccount):
		return foreign
	case errors.As(err, &value) && domain.IsPermanent(err):
		return refused
	case domain.IsPermanent(err):
		return "permanent"
	}
	return again
}

// Each failure of a real directory, with its meaning and what the operator reads.
func TestEachFailureOfTheDirectoryHasItsMeaning(t *testing.T) {
	replace := func(pairs ...string) func(string) string {
		return func(conf string) string {
			for i := 0; i < len(pairs); i += 2 {
				if !strings.Contains(conf, pairs[i]) {
					t.Fatalf("the configuration does not hold %q", pairs[i])
				}
				conf = strings.Replace(conf, pairs[i], pairs[i+1], 1)
			}
			return conf
		}
	}
	const overlays = "index objectClass"
	for name, c := range map[string]struct {
		conf    func(string) string                                        // change of the running server's configuration
		options func(*directory.Options)                                   // change of the portal's configuration
		account func(t *testing.T, s *localldap.Server, a *domain.Account) // what is there already, or in the account
		want    outcome
		say     string              // in the error
		mended  func(string) string // after it, the same job succeeds
	}{
		"another entry with the login":   {account: func(t *testing.T, s *localldap.Server, a *domain.Account) { enrol(t, s, a.Login, "x@univ.example") }, want: foreign},
		"another entry with the address": {account: func(t *testing.T, s *localldap.Server, a *domain.Account) { enrol(t, s, "x", a.UniversityAddress) }, want: foreign},
		"an entry elsewhere that the overlay unique sees": {
			conf: replace("moduleload back_mdb", "moduleload back_mdb\nmoduleload unique", overlays, "overlay unique\nunique_uri ldap:///?mail?sub?\n"+overlays),
			account: func(t *testing.T, s *localldap.Server, a *domain.Account) {
				other(t, s, "cn=alias,"+localldap.Groups, a.UniversityAddress)
			},
			want: foreign,
		},
		"an address that is not ASCII":         {account: func(_ *testing.T, _ *localldap.Server, a *domain.Account) { a.UniversityAddress = "é@univ.example" }, want: refused, say: "university_address"},
		"a personal address that is not ASCII": {account: func(_ *testing.T, _ *localldap.Server, a *domain.Account) { a.Fields["email"] = "é@example.net" }, want: refused, say: "(email)"},
		"no family name":                       {account: func(_ *testing.T, _ *localldap.Server, a *domain.Account) { a.Fields["family_name"] = "" }, want: refused, say: "(family_name)"},
		"an unknown object class":              {options: func(o *directory.Options) { o.ObjectClasses = append(o.ObjectClasses, "frPerson") }, want: again, say: "object_classes"},
		"an unknown attribute": {options: func(o *directory.Options) {
			o.Attributes = append(o.Attributes, directory.Attribute{Name: "frName", Value: "x"})
		}, want: again, say: "the schema lacks"},
		"an attribute that no class allows": {options: func(o *directory.Options) { o.ObjectClasses = []string{"inetOrgPerson"} }, want: again, say: "the schema does not fit"},
		"a fixed value that the schema refuses": {options: func(o *directory.Options) {
			o.Attributes = append(o.Attributes, directory.Attribute{Name: "seeAlso", Value: "no DN"})
		}, want: refused, say: "seeAlso"},
		"no branch of people":        {options: func(o *directory.Options) { o.Base = "ou=gone," + localldap.Suffix }, want: again, say: "32"},
		"no such group":              {options: func(o *directory.Options) { o.Groups = map[string]string{"/etudiants": "cn=gone," + localldap.Groups} }, want: again, say: "join cn=gone"},
		"a wrong service password":   {options: func(o *directory.Options) { o.Password = secret.New("changed") }, want: again, say: "refuses bind_dn"},
		"a service that may not add": {options: func(o *directory.Options) { o.BindDN = localldap.Keycloak; o.Probe = localldap.People }, want: again, say: "50"},
		"a read-only directory":      {conf: replace(overlays, "restrict add\n"+overlays), want: again, say: "53", mended: replace("restrict add\n", "")},
		"a replica that refers to another server": {
			conf: replace(overlays, "syncrepl rid=1 provider=ldap://127.0.0.1:1 searchbase=\""+localldap.Suffix+"\" bindmethod=simple retry=\"3600 +\"\nupdateref ldap://127.0.0.1:1\n"+overlays),
			want: again, say: "server that takes writes",
		},
		"a replica that refers to none": {
			conf: replace(overlays, "syncrepl rid=1 provider=ldap://127.0.0.1:1 searchbase=\""+localldap.Suffix+"\" bindmethod=simple retry=\"3600 +\"\n"+overlays),
			want: again, say: "53",
		},
		"a server that requires TLS":  {conf: replace(overlays, "security update_tls=128\n"+overlays), want: again, say: "13"},
		"a full database":             {conf: replace(overlays, "maxsize 114688\n"+overlays), want: again, say: "80"},
		"a limit that stops searches": {conf: replace(overlays, "limits dn.exact=\""+localldap.Portal+"\" size.unchecked=1\n"+overlays, "index objectClass,uid,mail,supannEtuId,supannEmpId,supannRefId eq\n", ""), want: again, say: "index"},
		"a directory that is away":    {options: func(o *directory.Options) { o.URL = "ldap://127.0.0.1:1" }, want: again, say: "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDirectory(t, localldap.Options{Modules: []string{"argon2"}})
			o := options(t, s)
			a := hashed(t, o, directory.Argon2)
			if c.account != nil {
				c.account(t, s, &a)
			}
			if c.options != nil {
				c.options(&o)
			}
			if c.conf != nil {
				s.Stop()
				if err := s.Again(t.Context(), c.conf); err != nil {
					t.Fatal(err)
				}
			}
			store := directory.New(o)
			_, err := store.Create(t.Context(), a)
			if got := outcomeOf(err); err == nil || got != c.want || !strings.Contains(err.Error(), c.say) {
				t.Fatalf("%s: %v; want %s and %q", got, err, c.want, c.say)
			}
			for _, personal := range []string{a.FamilyName, a.UniversityAddress, a.Login, a.Number} {
				if personal != "" && strings.Contains(err.Error(), personal) {
					t.Errorf("the error tells %q: %v", personal, err)
				}
			}
			if c.mended != nil {
				s.Stop()
				if err := s.Again(t.Context(), c.mended); err != nil {
					t.Fatal(err)
				}
				o.Clock = func() time.Time { return time.Now().Add(time.Minute) }
				if _, err := directory.New(o).Create(t.Context(), a); err != nil {
					t.Errorf("after it was mended: %v", err)
				}
			}
		})
	}
}

// other adds an entry outside the branch of people with an address.
func other(t *testing.T, s *localldap.Server, dn, mail string) {
	t.Helper()
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("sn", []string{"x"})
	add.Attribute("mail", []string{mail})
	if err := admin(t, s).Add(add); err != nil {
		t.Fatal(err)
	}
}

func TestAPasswordPolicyThatRefusesHashesIsNamedAndPassed(t *testing.T) {
	s := newDirectory(t, localldap.Options{Modules: []string{"argon2"}, Policies: true})
	o := options(t, s)
	a := hashed(t, o, directory.Argon2)
	if _, err := directory.New(o).Create(t.Context(), a); outcomeOf(err) != again || !strings.Contains(err.Error(), "directory.policy") {
		t.Errorf("%v", err)
	}
	o.Policy = localldap.Policy
	if _, err := directory.New(o).Create(t.Context(), a); err != nil || !binds(t, s, a.Login, password) {
		t.Errorf("%v", err)
	}
	if got := byLogin(t, s, a.Login).GetAttributeValue("pwdPolicySubentry"); got != localldap.Policy {
		t.Errorf("policy %q", got)
	}
}

// proxy forwards to a directory and loses the answer of each write until it is
// told otherwise.
type proxy struct {
	address string
	lose    atomic.Bool
	silent  atomic.Bool // an answer does not come, instead of the end of the connection
	lost    atomic.Int64
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{address: l.Addr().String()}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(in, strings.TrimPrefix(to, "ldap://"))
		}
	}()
	return p
}

func (p *proxy) forward(in net.Conn, to string) {
	defer in.Close()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() { _, _ = io.Copy(out, in) }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := out.Read(buffer)
		if err != nil {
			return
		}
		// 0x69 is the tag of an AddResponse, 0x67 of a ModifyResponse, behind a short message id.
		if p.lose.Load() && n > 5 && (buffer[5] == 0x69 || buffer[5] == 0x67 || n > 6 && (buffer[6] == 0x69 || buffer[6] == 0x67)) {
			p.lost.Add(1)
			if p.silent.Load() {
				_, _ = io.Copy(io.Discard, out)
			}
			return
		}
		if _, err := in.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// I1: the answer to each write is lost, and the job runs again until it has an id.
func TestALostAnswerMakesOneEntry(t *testing.T) {
	s := commonDirectory(t)
	for _, silent := range []bool{false, true} {
		o := options(t, s)
		p := newProxy(t, s.URL)
		if err := directory.New(o).Proven(t.Context(), directory.Argon2); err != nil {
			t.Fatal(err)
		}
		o.URL, o.Timeout = "ldap://"+p.address, time.Second
		store := directory.New(o)
		a := hashed(t, o, directory.Argon2)
		if err := store.Proven(t.Context(), directory.Argon2); err != nil {
			t.Fatal(err)
		}
		p.lose.Store(true)
		p.silent.Store(silent)
		var id string
		var err error
		for range 6 {
			if id, err = store.Create(t.Context(), a); err == nil {
				break
			}
			if outcomeOf(err) != again {
				t.Fatalf("%v", err)
			}
			if p.lost.Load() > 1 {
				p.lose.Store(false)
			}
		}
		if err != nil || id != byLogin(t, s, a.Login).GetAttributeValue("entryUUID") || p.lost.Load() == 0 {
			t.Errorf("%q, %v; %d answers were lost", id, err, p.lost.Load())
		}
	}
}

// I1: jobs of two instances run at once while slapd is killed again and again.
func TestKilledDirectoriesAndTwoInstancesMakeOneEntryEach(t *testing.T) {
	s := newDirectory(t, localldap.Options{Modules: []string{"argon2"}})
	o := options(t, s)
	credential := hashed(t, o, directory.Argon2).Credential
	stores := []*directory.Store{directory.New(o), directory.New(o)}
	for _, store := range stores {
		if err := store.Proven(t.Context(), directory.Argon2); err != nil {
			t.Fatal(err)
		}
	}
	const people = 120
	accounts := make([]domain.Account, people)
	ids := make([][2]string, people)
	for i := range accounts {
		accounts[i] = hashedLike(credential)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var done atomic.Int64
	var jobs sync.WaitGroup
	free := make(chan struct{}, 8)
	for i := range accounts {
		for n, store := range stores {
			jobs.Go(func() {
				free <- struct{}{}
				defer func() { <-free }()
				for ctx.Err() == nil {
					id, err := store.Create(ctx, accounts[i])
					if err == nil {
						ids[i][n] = id
						done.Add(1)
						return
					}
					if outcomeOf(err) != again {
						t.Errorf("%v", err)
						return
					}
				}
			})
		}
	}
	for kill := int64(1); kill <= 6; kill++ {
		for done.Load() < kill*2*people/8 && ctx.Err() == nil {
			_ = binds(t, s, "nobody", "x") // one round trip
		}
		s.Kill()
		if err := s.Again(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	jobs.Wait()
	for i, a := range accounts {
		found := entries(t, s, "(|(uid="+a.Login+")(mail="+a.UniversityAddress+"))")
		if len(found) != 1 || ids[i][0] != ids[i][1] || found[0].GetAttributeValue("entryUUID") != ids[i][0] || found[0].GetAttributeValue("supannRefId") != "{ENTREE}"+a.ActivationID {
			t.Errorf("%s: %d entries, ids %v", a.Login, len(found), ids[i])
		}
	}
	if n := len(entries(t, s, "(objectClass=supannPerson)")); n != people {
		t.Errorf("%d entries of %d people", n, people)
	}
	if members := entries(t, s, "(cn=etudiants)")[0].GetAttributeValues("member"); len(members) != people+1 {
		t.Errorf("%d members", len(members))
	}
}

// A directory that hangs delays a job by its time limit, and only as many jobs as
// may create accounts at the same time.
func TestAHangingDirectoryIsGivenUpInTime(t *testing.T) {
	s := newDirectory(t, localldap.Options{Modules: []string{"argon2"}})
	o := options(t, s)
	o.Timeout = 3 * time.Second
	a := hashed(t, o, directory.Argon2)
	hash, begun := o.Hashers[directory.Argon2], make(chan bool, 8)
	o.Hashers[directory.Argon2] = func(ctx context.Context, p secret.Text) (domain.Credential, error) {
		begun <- true
		return hash(ctx, p)
	}
	store := directory.New(o)
	if err := store.Proven(t.Context(), directory.Argon2); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	// A probe that hangs does not keep accounts in a proven scheme waiting for it.
	<-begun
	probed := make(chan error, 1)
	go func() { probed <- store.Prove(t.Context(), directory.Argon2) }()
	<-begun
	if err := store.Proven(t.Context(), directory.Argon2); err != nil {
		t.Errorf("a proven scheme: %v", err)
	}
	select {
	case <-probed:
		t.Error("Proven waited for a probe")
	default:
	}
	if err := <-probed; err == nil {
		t.Error("a probe of a hanging directory succeeded")
	}
	since := time.Now()
	_, err := store.Create(t.Context(), a)
	if took := time.Since(since); outcomeOf(err) != again || took > 20*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Create(t.Context(), a); err != nil {
		t.Errorf("%v", err)
	}
	server := ldapconn.Server{URL: s.URL, BindDN: localldap.Portal, Password: s.Password, Timeout: time.Second}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := server.Dial(ended); err == nil {
		t.Error("a connection of an ended context")
	}
}

func hashedLike(c domain.Credential) domain.Account {
	a := accountstest.New()
	a.Credential = c
	return a
}
