package crash_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/sync/errgroup"

	"entree/internal/activation"
	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/devenv/localldap"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/jobs"
	"entree/internal/ldapconn"
	"entree/internal/secret"
	"entree/keycloak"
)

// accounts is the number of accounts that are made under kills.
var accounts = flag.Int("accounts", 400, "accounts that are made in a directory while the program is killed")

const kills = 6

// chosen is the password of all students of this test.
const chosen = "Vitrail-Ardoise-Noisette-27"

// TestI1_AccountsInADirectoryUnderSixKills has students choose their passwords and kills
// the program six times while it makes their accounts. Each student has one entry, with
// the mark, and the registry knows its id.
func TestI1_AccountsInADirectoryUnderSixKills(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	program, err := outside.Build(dir)
	must(err)
	ldapServer, err := localldap.Start(t.Context(), localldap.Options{Dir: filepath.Join(dir, "ldap"), Modules: []string{"argon2"}})
	must(err)
	t.Cleanup(ldapServer.Stop)
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	must(err)
	t.Cleanup(func() { _ = box.Close() })
	listen, err := outside.FreeAddress()
	must(err)
	instance := &outside.Instance{
		Program: program, Listen: listen, Log: filepath.Join(dir, "entree.log"), Env: []string{"ENTREE_DIRECTORY_BIND_PASSWORD=" + ldapServer.Password.Reveal()},
		Config: outside.Config{
			Dir: dir, Database: "sqlite:entree.db", BaseURL: "http://" + listen, SMTP: box.SMTPAddr(), Secret: secret.GenerateKey().Reveal(),
			More: fmt.Sprintf(`accounts: {store: directory}
directory: {url: "%s", bind_dn: "%s", base: "%s", probe: "%s", groups: {/etudiants: "%s", /personnels: "%s"}}
sso: {kind: link, ent_url: "http://%s"}
limits: {jobs_at_once: 2, mails_per_network_per_10_minutes: 1000000, mails_altogether_per_10_minutes: 1000000}
`, ldapServer.URL, localldap.Portal, localldap.People, localldap.Probe, localldap.Students, localldap.Staff, listen),
		},
	}
	file, err := instance.Config.Write()
	must(err)
	var people []scripted.Person
	for n := range *accounts {
		// Names differ, so that no address is tried thousands of times.
		people = append(people, scripted.Person{
			Number: fmt.Sprintf("76%06d", n), GivenName: "Zoé", FamilyName: "Delorme" + strings.Map(func(d rune) rune { return d - '0' + 'a' }, fmt.Sprint(n)), Profile: "etudiant", BirthDate: "2006-02-03", Email: fmt.Sprintf("zoe.%d@example.org", n),
		})
	}
	must(instance.Config.Import(program, people))
	c, err := config.Load(file, []string{"ENTREE_SECRET=" + instance.Config.Secret, "ENTREE_DIRECTORY_BIND_PASSWORD=" + ldapServer.Password.Reveal()})
	must(err)
	begun := time.Now()
	choose(t, c, people)
	t.Logf("%d passwords were chosen after %v", *accounts, time.Since(begun).Round(time.Second))

	conn, release, err := ldapconn.Server{URL: ldapServer.URL, BindDN: localldap.Admin, Password: ldapServer.Password, Timeout: 30 * time.Second}.Dial(t.Context())
	must(err)
	defer release()
	entries := func(attributes ...string) []*ldap.Entry {
		t.Helper()
		found, err := conn.Search(ldap.NewSearchRequest(localldap.People, ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 0, 30, false, "(uid=*)", attributes, nil))
		must(err)
		return found.Entries
	}
	if n := len(entries("1.1")); n != 0 {
		t.Fatalf("%d entries before the program runs", n)
	}
	ctx := deadline(t, 5*time.Minute+time.Duration(*accounts)*100*time.Millisecond)
	for k := range kills {
		must(instance.Start())
		for len(entries("1.1")) < *accounts*(k+1)/(kills+1) {
			select {
			case <-ctx.Done():
				t.Fatalf("kill %d: %d entries after a long time", k+1, len(entries("1.1")))
			case <-time.After(5 * time.Millisecond):
			}
		}
		instance.Kill()
		t.Logf("kill %d at %d entries, after %v", k+1, len(entries("1.1")), time.Since(begun).Round(time.Second))
	}
	must(instance.Start())
	t.Cleanup(func() { instance.Stop() })

	db, err := app.OpenStore(t.Context(), c)
	must(err)
	defer db.Close()
	var all []domain.Person
	for active := 0; active < *accounts; {
		if all, err = db.People(ctx); err != nil {
			t.Fatalf("%d of %d accounts are known to the registry: %v", active, *accounts, err)
		}
		active = 0
		for _, p := range all {
			if p.Account == domain.AccountActive {
				active++
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	byLogin := map[string][]*ldap.Entry{}
	for _, e := range entries("uid", "entryUUID", "supannRefId", "userPassword", "supannEtuId") {
		byLogin[e.GetAttributeValue("uid")] = append(byLogin[e.GetAttributeValue("uid")], e)
	}
	if len(byLogin) != *accounts {
		t.Errorf("%d entries, want %d", len(byLogin), *accounts)
	}
	for _, p := range all {
		e := byLogin[p.Login]
		if len(e) != 1 || p.Account != domain.AccountActive || e[0].GetAttributeValue("entryUUID") != p.AccountID ||
			len(e[0].GetAttributeValues("supannRefId")) != 1 || e[0].GetAttributeValue("supannRefId") != "{ENTREE}"+p.ActivationID ||
			len(e[0].GetAttributeValues("userPassword")) != 1 || e[0].GetAttributeValue("supannEtuId") != p.Number {
			t.Errorf("%s (%s): account %s, %d entries", p.Number, p.Account, p.AccountID, len(e))
		}
	}
	for _, p := range []domain.Person{all[0], all[len(all)/2], all[len(all)-1]} {
		if err := conn.Bind("uid="+p.Login+","+localldap.People, chosen); err != nil {
			t.Errorf("%s does not bind: %v", p.Login, err)
		}
	}
}

// codes is a mail server that remembers the codes.
type codes struct {
	mu   sync.Mutex
	last map[domain.Address]chan string
}

// of returns the channel with the codes of an address.
func (c *codes) of(a domain.Address) chan string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last[a] == nil {
		c.last[a] = make(chan string, 8)
	}
	return c.last[a]
}

func (c *codes) Send(_ context.Context, m domain.Message) error {
	if m.Code != "" {
		c.of(m.To) <- m.Code
	}
	return nil
}

// hashed returns one credential for every password, which is that of chosen.
type hashed struct{ domain.Credential }

func (h hashed) Ready() error { return nil }
func (h hashed) Hash(context.Context, secret.Text) (domain.Credential, error) {
	return h.Credential, nil
}

// lazy is a runner that makes no account.
type lazy struct{ *jobs.Runner }

func (lazy) RunNow(context.Context, string) error { return nil }

// choose has each person choose the password, in this process. The jobs that make the
// accounts stay in the database.
func choose(t *testing.T, c config.Config, people []scripted.Person) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	a, err := app.New(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	hasher, err := keycloak.NewHasher("argon2", 0, 2, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	credential, err := hasher.Hash(t.Context(), secret.New(chosen))
	if err != nil {
		t.Fatal(err)
	}
	runner := jobs.New(jobs.Options{Queue: a.Store(), Clock: time.Now, Log: log, Workers: 4})
	mails := &codes{last: map[domain.Address]chan string{}}
	s := a.Service()
	s.Notifier, s.Hasher, s.Runner, s.Wait = mails, hashed{credential}, lazy{runner}, 0
	runner.Handle(domain.JobMail, s.MailJobs())
	ctx, stop := context.WithCancel(deadline(t, time.Minute+time.Duration(len(people))*100*time.Millisecond))
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, p := range people {
		group.Go(func() error {
			if err := chooseOne(ctx, s, mails, p); err != nil {
				return fmt.Errorf("%s: %w", p.Number, err)
			}
			return nil
		})
	}
	err = group.Wait()
	stop()
	if runErr := <-ended; err != nil || runErr != nil && !strings.Contains(runErr.Error(), "canceled") {
		t.Fatal(err, runErr)
	}
}

func chooseOne(ctx context.Context, s *activation.Service, mails *codes, p scripted.Person) error {
	address := domain.Address(p.Email)
	j, err := s.Request(ctx, activation.Request{Profile: p.Profile, Address: p.Email, Lang: domain.French, Client: "192.0.2.1"})
	if err != nil {
		return err
	}
	var code string
	select {
	case code = <-mails.of(address):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.Prove(ctx, &j, code, "192.0.2.1"); err != nil {
		return err
	}
	charter, err := s.CharterFor(j, domain.French)
	if err != nil {
		return err
	}
	if err := s.Accept(ctx, &j, charter.SHA256, domain.French); err != nil {
		return err
	}
	if err := s.Pass(ctx, &j, domain.StepGuide); err != nil {
		return err
	}
	return s.ChoosePassword(ctx, &j, secret.New(chosen), secret.New(chosen))
}
