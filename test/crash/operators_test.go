package crash_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/config"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/secret"
	"entree/internal/store"
	"entree/keycloak"
)

// acts lists the boundaries of the effects of operators' acts and of
// notifications to relying parties, in the order in which they are tested. A
// bounce needs the mail of a campaign.
var acts = []struct {
	name   string
	points []string
}{
	{"a campaign writes", []string{"lease.campaign", "campaign.saved", "finish.campaign", "lease.campaign.mail", "mail.send.invitation", "campaign.settled", "finish.campaign.mail"}},
	{"a webhook tells", []string{"finish.webhook:ent"}}, // leased with the commit of its event
	{"an account is adopted", []string{"lease.adopt", "finish.account.adopted"}},
	// The single job that reads the mailbox must wait for the lease of its dead
	// holder each time. It is killed only at the boundary where a repetition
	// would record the bounce twice.
	{"a mail comes back", []string{"campaign.settled.after"}},
}

// office is a portal with operators. Their acts run in the test's process; the
// process that handles the effects is killed.
type office struct {
	*world
	db        *store.Store
	desk      *helpdesk.Service
	campaigns *campaign.Service
	keys      secret.Keyring

	mu      sync.Mutex
	news    map[string]map[string]int // number of deliveries of each message, by content and by id
	cohorts []string
	adopted []domain.PersonID
	bounced []domain.Address
}

// noJobs is a runner that runs no jobs.
type noJobs struct{}

func (noJobs) Lease([]domain.Job) func(bool)        { return func(bool) {} }
func (noJobs) Wake(...string)                       {}
func (noJobs) RunNow(context.Context, string) error { return nil }

func operators(t *testing.T, w *world) {
	o := &office{world: w, news: map[string]map[string]int{}}
	receiver := httptest.NewServer(http.HandlerFunc(o.told))
	defer receiver.Close()
	at, err := url.Parse(receiver.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"ent.secrets": "whsec_" + strings.Repeat("A", 43) + "=\n", "bounces/new/none": "no report\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(w.dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := w.build(t, fmt.Sprintf(`limits: {mails_per_network_per_10_minutes: 6000}
webhooks: [{name: ent, url: "%s", allow_host: "%s", secrets_file: ent.secrets, events: [account.activated]}]
bounces: {kind: folder, folder: bounces, every: 1s}`, receiver.URL, at.Hostname()))
	defer w.box.Close()
	var kinds []string
	for _, act := range acts {
		for _, point := range act.points {
			kinds = append(kinds, slices.Repeat([]string{act.name}, len(boundaries(point)))...)
		}
	}
	w.enrol(t, c, kinds...)
	o.work(t, c)
	defer o.db.Close()
	w.start(t)

	next := 0
	for _, act := range acts {
		for _, point := range act.points {
			for _, boundary := range boundaries(point) {
				if act.name == "a mail comes back" {
					w.settle(t) // campaigns settle their mails at the same failpoint
				}
				if err := os.WriteFile(w.armed, []byte(boundary), 0o600); err != nil {
					t.Fatal(err)
				}
				o.act(t, act.name, boundary, &next)
				select {
				case <-w.instance.Done():
				case <-time.After(time.Minute):
					t.Fatalf("%s: nobody came to %s; the log is %s", act.name, boundary, w.instance.Log)
				}
				w.start(t)
			}
		}
	}
	w.going.Wait()
	w.settle(t)
	o.allRead(t)
	o.judge(t)
	w.check(t, c)
	w.instance.Stop()
}

// work creates the data that the operators act on.
func (o *office) work(t *testing.T, written outside.Config) {
	c, err := config.Load(filepath.Join(o.dir, "entree.yaml"), []string{"ENTREE_SECRET=" + written.Secret, "ENTREE_KEYCLOAK_CLIENT_SECRET=" + written.Client})
	if err != nil {
		t.Fatal(err)
	}
	o.db, o.keys = o.open(t), c.Keys
	realm, err := keycloak.NewClient(keycloak.Config{URL: c.Keycloak.URL, Realm: c.Keycloak.Realm, ClientID: c.Keycloak.ClientID, ClientSecret: c.Keycloak.ClientSecret, Timeout: 10 * time.Second, InFlight: 2})
	if err != nil {
		t.Fatal(err)
	}
	accounts := realm.Accounts(c.Institution.Scope)
	service, err := activation.New(activation.Options{Store: o.db, Limits: o.db, Runner: noJobs{}, Accounts: accounts, Keys: c.Keys, Clock: time.Now, Random: rand.Reader, Profiles: c.Domain(), Rates: c.Rates()})
	if err != nil {
		t.Fatal(err)
	}
	o.desk = helpdesk.New(helpdesk.Options{Service: service, People: o.db, Accounts: accounts})
	o.campaigns = &campaign.Service{Store: o.db, Runner: noJobs{}, Profiles: c.Domain(), Clock: time.Now, Random: rand.Reader}
}

// told is the handler of the relying party.
func (o *office) told(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Type string
		Data struct{ Number string }
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	of := message.Type + " " + message.Data.Number
	if o.news[of] == nil {
		o.news[of] = map[string]int{}
	}
	o.news[of][r.Header.Get("webhook-id")]++
}

func (o *office) entry(act string) audit.Entry {
	return audit.Entry{At: time.Now().UTC(), By: audit.Operator{Subject: "c", Name: "Claire", Role: "admin"}, Act: act}
}

// act performs the act that leads to a boundary.
func (o *office) act(t *testing.T, name, boundary string, next *int) {
	t.Helper()
	switch name {
	case "a campaign writes":
		cohort := strings.NewReplacer(".", "-").Replace(boundary)
		for i := range 2 {
			id := fmt.Sprintf("%s-%d", cohort, i)
			if err := o.db.Enrol(t.Context(), domain.Person{
				ID: domain.PersonID(id), Profile: "etudiant", Number: id, GivenName: "Zoé", FamilyName: "Invitée", BirthDate: "2006-02-03",
				Email: domain.Address(id + "@example.org"), Readiness: domain.Ready, Cohort: cohort,
			}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := o.campaigns.Start(t.Context(), campaign.Campaign{
			Name: cohort, Kind: campaign.Invitation, Segment: campaign.Segment{Cohort: cohort}, Lang: domain.French, Rate: 600,
		}, o.entry("campaign.started")); err != nil {
			t.Fatal(err)
		}
		o.cohorts = append(o.cohorts, cohort)
	case "a webhook tells":
		s := o.student(t, *next, "activates", boundary)
		*next++
		ctx := deadline(t, 2*time.Minute)
		o.going.Go(func() { _ = s.Go(ctx) }) // the outcome is checked below
	case "an account is adopted":
		s := o.student(t, *next, "is taken for another", boundary)
		*next++
		if err := s.Go(deadline(t, 30*time.Second)); err != nil {
			t.Fatal(err)
		}
		p, err := o.db.PersonByLogin(t.Context(), s.Login())
		if err != nil {
			t.Fatal(err)
		}
		found, err := o.desk.Conflict(t.Context(), p)
		if err != nil || len(found) != 1 {
			t.Fatalf("%d accounts in the way, %v", len(found), err)
		}
		if err := o.desk.Adopt(t.Context(), o.entry(helpdesk.ActAdopted), helpdesk.Seen{Person: p.ID, Version: helpdesk.Version(p)}, found[0].ID); err != nil {
			t.Fatal(err)
		}
		s.Outcome = "" // the student's outcome was a conflict, which the operator has resolved
		o.students = slices.DeleteFunc(o.students, func(x *scripted.Student) bool { return x == s })
		o.adopted = append(o.adopted, p.ID)
	case "a mail comes back":
		to := o.cohorts[len(o.bounced)] + "-0@example.org"
		all := o.box.Messages(to)
		if len(all) == 0 {
			t.Fatalf("%s got no mail", to)
		}
		report, err := os.ReadFile("../../internal/mail/bounce/testdata/postfix.eml")
		if err != nil {
			t.Fatal(err)
		}
		report = bytes.ReplaceAll(report, []byte("{ID}"), []byte(strings.Trim(all[0].ID, "<>")))
		report = bytes.ReplaceAll(report, []byte("jp.martin@example.net"), []byte(to))
		if err := os.WriteFile(filepath.Join(o.dir, "bounces/new", boundary), report, 0o600); err != nil {
			t.Fatal(err)
		}
		o.bounced = append(o.bounced, domain.Address(to))
	}
}

// allRead waits until every bounce was read by the process that takes the job
// over when the dead holder's lease ends.
func (o *office) allRead(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		left, err := os.ReadDir(filepath.Join(o.dir, "bounces/new"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d reports are still to be read; the log is %s", len(left), o.instance.Log)
		}
	}
}

// judge checks that each person got the intended mails and messages, once each:
// a second one is recognised by its id.
func (o *office) judge(t *testing.T) {
	t.Helper()
	written, err := o.campaigns.Store.Campaigns(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range written {
		if c.State != campaign.Done {
			t.Errorf("the campaign %s is %s", c.Name, c.State)
		}
	}
	twice := 0
	for _, cohort := range o.cohorts {
		for i := range 2 {
			to := fmt.Sprintf("%s-%d@example.org", cohort, i)
			ids := map[string]bool{}
			for _, m := range o.box.Messages(to) {
				ids[m.ID] = true
			}
			if twice += len(o.box.Messages(to)) - len(ids); len(ids) != 1 {
				t.Errorf("I5: after %s, %s got %d mails", cohort, to, len(ids))
			}
		}
	}
	if most := len(o.cohorts); twice > most { // a kill catches at most one mail between the mail server and the store
		t.Errorf("%d mails were sent again, %d at most can be", twice, most)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.students {
		if ids := o.news["account.activated "+s.Number]; len(ids) != 1 {
			t.Errorf("I5: after %s, the relying party was told %d times of %s: %v", o.why[s], len(ids), s.Number, ids)
		}
	}
	users, err := o.realm.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range o.adopted {
		p, err := o.db.Person(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		mine := 0
		for _, u := range users {
			if u.Attribute("supannEtuId") == p.Number {
				mine++
				if u.ID != p.AccountID || u.Attribute("entreeActivationId") != p.ActivationID || u.Username != p.Login {
					t.Errorf("I1: the account of %s is another one: %+v", p.Number, u)
				}
			}
		}
		if mine != 1 || p.Account != domain.AccountActive {
			t.Errorf("I1: %s has %d accounts and is %q", p.Number, mine, p.Account)
		}
	}
	for _, to := range o.bounced {
		at, err := o.db.PeopleAt(t.Context(), to)
		if err != nil || len(at) != 1 || !at[0].AddressWrong() {
			t.Errorf("I5: the mail to %s came back, and nobody sees it: %+v, %v", to, at, err)
		}
	}
}
