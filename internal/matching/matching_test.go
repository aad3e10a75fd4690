package matching_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/matching"
	"entree/internal/store"
	"entree/internal/store/litetest"
	"entree/keycloak/fake"
)

// world is a store, a realm in memory and the service between them.
type world struct {
	*matching.Service
	t     *testing.T
	store *store.Store
	realm *fake.Accounts
	now   time.Time
	woken []string
}

var start = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, realm: fake.New(), now: start}
	var err error
	w.store, err = store.Open(t.Context(), litetest.DSN(t, t.TempDir()), func() time.Time { return w.now })
	w.must(err)
	t.Cleanup(func() { _ = w.store.Close() })
	job := func(kind string, payload any, now, deadline time.Time) (domain.Job, error) {
		raw, err := json.Marshal(payload)
		id, _ := domain.NewID(rand.Reader)
		return domain.Job{ID: id, Kind: kind, Payload: raw, Created: now, RunAt: now, Deadline: deadline}, err
	}
	w.Service = matching.New(matching.Options{
		Store: w.store, Sources: []matching.Source{w.realm}, Accounts: w.realm,
		Rules: matching.Rules{
			Numbers: map[string][]string{"supannEtuId": {"etudiant"}, "supannEmpId": {"personnel"}, "employeeNumber": nil},
			Certain: []domain.Evidence{domain.EvidenceNumber, domain.EvidenceMark},
		},
		Domains: map[string]string{"etudiant": "etu.example.org"},
		Clock:   func() time.Time { return w.now }, Random: rand.Reader, NewJob: job,
		OpenJob: func(j domain.Job, into any) error { return json.Unmarshal(j.Payload, into) },
		Mail: func(m domain.Message, p domain.PersonID) (domain.Job, error) {
			j, err := job(domain.JobMail, m, w.now, w.now.Add(time.Hour))
			j.Person = p
			return j, err
		},
		Wake: func(kinds ...string) { w.woken = append(w.woken, kinds...) },
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func person(number string) domain.Person {
	return domain.Person{
		ID: domain.PersonID("p" + number), Profile: "etudiant", Number: number, GivenName: "Zoé", FamilyName: "Lefèvre-" + number, BirthDate: "2007-03-17",
		Email: domain.Address("z" + number + "@mail.example.net"), Readiness: domain.Ready,
	}
}

func account(login string, attributes map[string][]string) domain.Existing {
	return domain.Existing{Login: login, Address: login + "@etu.example.org", GivenName: "Zoé", FamilyName: "Lefèvre-" + strings.TrimLeft(login, "xyz"), Enabled: true, Attributes: attributes}
}

func (w *world) pass() domain.MatchPass {
	w.t.Helper()
	w.now = w.now.Add(time.Hour)
	p, err := w.Pass(w.t.Context(), audit.System, matching.Told{})
	w.must(err)
	return p
}

// open returns the open matches as "person login class reasons".
func (w *world) open() []string {
	w.t.Helper()
	all, err := w.store.OpenMatches(w.t.Context(), "", domain.Match{}, 100)
	w.must(err)
	var out []string
	for _, m := range all {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", m.Person, m.Login, m.Class, strings.Trim(fmt.Sprint(m.Evidence), "[]"))))
	}
	slices.Sort(out)
	return out
}

func (w *world) person(id string) domain.Person {
	w.t.Helper()
	p, err := w.store.Person(w.t.Context(), domain.PersonID(id))
	w.must(err)
	return p
}

var ada = audit.Entry{At: start, By: audit.Operator{Subject: "s", Name: "Ada", Role: "admin"}}

func TestK1_Classes(t *testing.T) {
	number := func(n string) map[string][]string { return map[string][]string{"supannEtuId": {n}} }
	for name, c := range map[string]struct {
		people   []domain.Person
		accounts []domain.Existing
		want     []string
	}{
		"the same number under another login": {
			[]domain.Person{person("1")}, []domain.Existing{account("x1", number("1"))}, []string{"p1 x1 certain number"},
		},
		"the number in capitals and spaces": {
			[]domain.Person{person("1a")}, []domain.Existing{account("x1", number(" 1A "))}, []string{"p1a x1 certain number"},
		},
		"a number attribute for all profiles": {
			[]domain.Person{person("1")}, []domain.Existing{account("x1", map[string][]string{"employeeNumber": {"1"}})}, []string{"p1 x1 certain number"},
		},
		"a number of another profile": {
			[]domain.Person{person("1")}, []domain.Existing{account("x1", map[string][]string{"supannEmpId": {"1"}})}, nil,
		},
		"the number of an account with wholly other names": {
			[]domain.Person{person("1")}, []domain.Existing{{Login: "x1", GivenName: "Karl", FamilyName: "Öhm", Enabled: true, Attributes: number("1")}}, []string{"p1 x1 likely number names_differ"},
		},
		"the number with another birth date": {
			[]domain.Person{person("1")}, []domain.Existing{account("x1", map[string][]string{"supannEtuId": {"1"}, "supannOIDCDateDeNaissance": {"1980-01-01"}})},
			[]string{"p1 x1 likely number birth_date_differs"},
		},
		"a disabled account": {
			[]domain.Person{person("1")}, []domain.Existing{{Login: "x1", GivenName: "Zoé", FamilyName: "Lefèvre-1", Attributes: number("1")}}, []string{"p1 x1 likely number disabled"},
		},
		"the login of the enrolment": {
			[]domain.Person{with(person("1"), func(p *domain.Person) { p.Login = "x1" })}, []domain.Existing{account("X1", nil)}, []string{"p1 x1 likely login"},
		},
		"the login, but the number of another": {
			[]domain.Person{with(person("1"), func(p *domain.Person) { p.Login = "x1" })}, []domain.Existing{account("x1", number("2"))}, []string{"p1 x1 contradictory login number_differs"},
		},
		"the university address": {
			[]domain.Person{with(person("1"), func(p *domain.Person) { p.UniversityAddress = "X1@etu.example.org" })}, []domain.Existing{account("x1", nil)}, []string{"p1 x1 likely university_address"},
		},
		"the personal address as the account's address": {
			[]domain.Person{person("1")}, []domain.Existing{{Login: "x1", Address: "Z1@mail.example.net", GivenName: "Zoé", FamilyName: "Martin", Enabled: true}}, []string{"p1 x1 likely personal_address"},
		},
		"the mailbox of a relative": {
			[]domain.Person{person("1")}, []domain.Existing{{Login: "x1", Address: "z1@mail.example.net", GivenName: "Karl", FamilyName: "Öhm", Enabled: true}}, nil,
		},
		"the mailbox of a sibling with a number of their own": {
			[]domain.Person{person("1")}, []domain.Existing{{Login: "x1", Address: "z1@mail.example.net", FamilyName: "Lefèvre", Enabled: true, Attributes: number("2")}}, nil,
		},
		"names and birth date, spelled otherwise": {
			[]domain.Person{person("1")}, []domain.Existing{{Login: "x1", GivenName: "ZOE Marie", FamilyName: "LEFEVRE", Enabled: true, Attributes: map[string][]string{"supannOIDCDateDeNaissance": {"2007-03-17"}}}},
			[]string{"p1 x1 likely names_birth_date"},
		},
		"only the birth date": {
			[]domain.Person{person("1")}, []domain.Existing{{Login: "x1", GivenName: "Zoé", FamilyName: "Öhm", Enabled: true, Attributes: map[string][]string{"supannOIDCDateDeNaissance": {"2007-03-17"}}}}, nil,
		},
		"two accounts of one person": {
			[]domain.Person{person("1")}, []domain.Existing{account("x1", number("1")), account("y1", number("1"))},
			[]string{"p1 x1 contradictory number", "p1 y1 contradictory number"},
		},
		"a second account without a number": {
			[]domain.Person{person("1")}, []domain.Existing{account("x1", number("1")), {Login: "y1", Address: "z1@mail.example.net", GivenName: "Zoé", FamilyName: "Lefèvre", Enabled: true}},
			[]string{"p1 x1 contradictory number", "p1 y1 contradictory personal_address"},
		},
		"one account of two people": {
			[]domain.Person{person("1"), with(person("1"), func(p *domain.Person) { p.ID, p.Profile = "q1", "personnel" })},
			[]domain.Existing{account("x1", map[string][]string{"supannEtuId": {"1"}, "supannEmpId": {"1"}})},
			[]string{"p1 x1 contradictory number", "q1 x1 contradictory number"},
		},
		"a login that the registry reserves for another": {
			[]domain.Person{person("1"), with(person("2"), func(p *domain.Person) { p.Login = "x1" })}, []domain.Existing{account("x1", map[string][]string{"employeeNumber": {"1"}, "supannEtuId": {"1"}})},
			[]string{"p1 x1 contradictory number login_taken", "p2 x1 contradictory login number_differs"},
		},
		"nothing in common": {
			[]domain.Person{person("1")}, []domain.Existing{account("x2", number("2"))}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.must(w.store.Enrol(t.Context(), c.people...))
			for _, x := range c.accounts {
				w.realm.Put(x)
			}
			p := w.pass()
			if got := w.open(); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if p.Accounts != len(c.accounts) || p.People != len(c.people) || p.State != domain.PassDone {
				t.Errorf("the pass: %+v", p)
			}
			for _, one := range c.people {
				open := slices.ContainsFunc(c.want, func(line string) bool { return strings.HasPrefix(line, string(one.ID)+" ") })
				if now := w.person(string(one.ID)); now.MayActivate() == open || now.MatchedAt.IsZero() {
					t.Errorf("%s may activate: %v; compared at %v", one.ID, now.MayActivate(), now.MatchedAt)
				}
			}
			if n, err := w.store.IndexedAccounts(t.Context()); n != 0 || err != nil {
				t.Errorf("%d accounts are left in the index, %v", n, err)
			}
		})
	}
}

func with(p domain.Person, change func(*domain.Person)) domain.Person { change(&p); return p }

func TestK1_CertainMatchesAreAdopted(t *testing.T) {
	w := newWorld(t)
	const n = 120 // more than two transactions
	var people []domain.Person
	for i := range n {
		number := fmt.Sprintf("%03d", i)
		people = append(people, person(number))
		w.realm.Put(account("x"+number, map[string][]string{"supannEtuId": {number}}))
	}
	people = append(people, with(person("free"), func(p *domain.Person) { p.Login = "x005" })) // its login belongs to another's account
	w.must(w.store.Enrol(t.Context(), people...))
	before := w.accounts()
	if p := w.pass(); p.Certain != n-1 || p.Contradictory != 2 || p.NoPerson != 0 {
		t.Fatalf("%+v", p)
	}
	done, err := w.AdoptCertain(t.Context(), ada, nil)
	w.must(err)
	if done.Adopted != n-1 || done.Refused != 0 {
		t.Errorf("adopted: %+v", done)
	}
	for i := range n {
		number := fmt.Sprintf("%03d", i)
		p := w.person("p" + number)
		if number == "005" {
			if p.Account != domain.NoAccount || p.MayActivate() {
				t.Errorf("005: %q, may activate: %v", p.Account, p.MayActivate())
			}
			continue
		}
		if p.Account != domain.AccountActive || p.Login != "x"+number || p.UniversityAddress != "x"+number+"@etu.example.org" || p.Matching != "" || p.ActivationID != "" {
			t.Fatalf("%+v", p)
		}
	}
	if after := w.accounts(); !maps.Equal(before, after) {
		t.Error("an account was changed")
	}
	acts, err := w.store.Acts(t.Context(), "")
	if err != nil || !slices.ContainsFunc(acts, func(e audit.Entry) bool { return e.Act == matching.ActAdopted && e.What["count"] == fmt.Sprint(n-1) }) {
		t.Errorf("noted: %v, %v", acts, err)
	}
	if p := w.pass(); p.Certain != 0 || p.Own != n-1 || p.Contradictory != 2 {
		t.Errorf("the next pass: %+v, open %q", p, w.open())
	}
}

// A login that another person gets between the pass and the adoption.
func TestK1_ALoginThatIsTakenMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Enrol(t.Context(), person("1"), person("2"), person("3")))
	for _, n := range []string{"1", "2"} {
		w.realm.Put(account("x"+n, map[string][]string{"supannEtuId": {n}}))
	}
	w.pass()
	_, _, err := w.store.Reserve(t.Context(), "p3", slices.Values([]string{"x1"}), slices.Values([]string{"x2@etu.example.org"}))
	w.must(err)
	done, err := w.AdoptCertain(t.Context(), ada, nil)
	if err != nil || done.Adopted != 1 || done.Refused != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if got := w.open(); !slices.Equal(got, []string{"p1 x1 contradictory number login_taken"}) {
		t.Errorf("open: %q", got)
	}
	if p := w.person("p2"); p.Account != domain.AccountActive || p.UniversityAddress != "" {
		t.Errorf("an address that belongs to another person: %+v", p)
	}
}

// accounts returns all accounts of the realm as text.
func (w *world) accounts() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	w.must(w.realm.Each(w.t.Context(), func(some []domain.Existing) error {
		for _, x := range some {
			out[x.ID] = fmt.Sprintf("%+v", x)
		}
		return nil
	}))
	return out
}

func TestK1_AnOperatorConfirmsOrRejects(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Enrol(t.Context(), person("1"), person("2")))
	one := w.realm.Put(account("x1", map[string][]string{"supannEtuId": {"1"}}))
	two := w.realm.Put(account("y1", map[string][]string{"supannEtuId": {"1"}}))
	other := w.realm.Put(domain.Existing{Login: "x2", Address: "z2@mail.example.net", GivenName: "Zoé", Enabled: true})
	w.pass()
	p, found, err := w.Case(t.Context(), "p1")
	if err != nil || p.ID != "p1" || len(found) != 2 || found[0].Existing.Login != "x1" {
		t.Fatalf("%v %+v %v", p, found, err)
	}
	w.must(w.Confirm(t.Context(), ada, "p1", two, "shown at the desk"))
	if p := w.person("p1"); p.AccountID != two || p.Login != "y1" || p.Account != domain.AccountActive {
		t.Errorf("%+v", p)
	}
	if err := w.Confirm(t.Context(), ada, "p1", one, "again"); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("a second account for one person: %v", err)
	}
	w.must(w.Reject(t.Context(), ada, "p2", other, "another Zoé"))
	if err := w.Reject(t.Context(), ada, "p2", other, "another Zoé"); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("rejected twice: %v", err)
	}
	if p := w.person("p2"); !p.MayActivate() {
		t.Error("the person still cannot activate")
	}
	w.pass()
	if open := w.open(); len(open) != 0 {
		t.Errorf("the next pass asks again: %q", open)
	}
	acts, err := w.store.Acts(t.Context(), "p2")
	if err != nil || len(acts) != 1 || acts[0].Act != matching.ActRejected || acts[0].What["reason"] != "another Zoé" {
		t.Errorf("noted: %v, %v", acts, err)
	}
}

// Two operators, or two people with one account: one of them gets it.
func TestK1_OneAccountForOnePerson(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Enrol(t.Context(), person("1"), with(person("1"), func(p *domain.Person) { p.ID, p.Profile = "q1", "personnel" })))
	id := w.realm.Put(account("x1", map[string][]string{"supannEtuId": {"1"}, "supannEmpId": {"1"}}))
	w.pass()
	w.must(w.Confirm(t.Context(), ada, "p1", id, "student"))
	if err := w.Confirm(t.Context(), ada, "q1", id, "staff"); !errors.Is(err, matching.ErrTaken) {
		t.Errorf("one account for two people: %v", err)
	}
	if q := w.person("q1"); q.MayActivate() || q.Account != domain.NoAccount {
		t.Error("the second person may activate before an operator decided")
	}
	w.pass()
	if got := w.open(); !slices.Equal(got, []string{"q1 x1 contradictory number owned"}) {
		t.Errorf("open: %q", got)
	}
}

func TestK1_AParkedPersonIsAdoptedWithAMail(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Enrol(t.Context(), person("1")))
	w.must(w.store.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "p1", From: []domain.AccountState{""}, To: domain.AccountParked}}}))
	w.realm.Put(account("x1", map[string][]string{"supannEtuId": {"1"}}))
	w.pass()
	_, err := w.AdoptCertain(t.Context(), ada, nil)
	w.must(err)
	if p := w.person("p1"); p.Account != domain.AccountActive || !slices.Contains(w.woken, domain.JobMail) {
		t.Errorf("%q, woken %v", p.Account, w.woken)
	}
}

func TestK1_TheMarkIsWrittenOnlyWhereItIsConfigured(t *testing.T) {
	w := newWorld(t)
	w.Mark = true
	w.must(w.store.Enrol(t.Context(), person("1")))
	id := w.realm.Put(account("x1", map[string][]string{"supannEtuId": {"1"}}))
	w.pass()
	_, err := w.AdoptCertain(t.Context(), ada, nil)
	w.must(err)
	jobs, err := w.store.Lease(t.Context(), domain.JobMark, "here", 10, w.now.Add(time.Minute))
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	for range 2 {
		if _, err := w.MarkJobs().Run(t.Context(), jobs[0]); err != nil {
			t.Fatal(err)
		}
	}
	x, err := w.realm.Account(t.Context(), id)
	if p := w.person("p1"); err != nil || x.Mark == "" || x.Mark != p.ActivationID || x.Login != "x1" {
		t.Errorf("%+v, the person's %q, %v", x, p.ActivationID, err)
	}
	e, err := w.MarkJobs().Abandon(t.Context(), jobs[0], errors.New("keycloak: 400 read-only"))
	if err != nil || e.Events[0].Kind != domain.EventMarkNotWritten || e.Events[0].Details["reason"] == "" || len(e.People) != 0 {
		t.Errorf("%+v %v", e, err)
	}
}

func TestK1_OnePassAtATimeAndADeadOneIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Enrol(t.Context(), person("1")))
	w.realm.Put(account("x1", nil))
	inside := false
	_, err := w.Pass(t.Context(), audit.System, matching.Told{Progress: func(domain.MatchPass) {
		if inside {
			return
		}
		inside = true
		if _, err := w.Pass(t.Context(), audit.System, matching.Told{}); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("a second pass: %v", err)
		}
	}})
	w.must(err)
	w.realm.FailWith(errors.New("away"))
	if _, err := w.Pass(t.Context(), audit.System, matching.Told{}); err == nil {
		t.Fatal("a pass without accounts succeeded")
	}
	w.realm.FailWith(nil)
	if last, err := w.store.LastPass(t.Context()); err != nil || last.State != domain.PassFailed && last.State != domain.PassDone {
		t.Errorf("%+v %v", last, err)
	}
	w.must(w.store.BeginPass(t.Context(), domain.MatchPass{ID: "dead", Begun: w.now, Seen: w.now, State: domain.PassRunning}))
	w.now = w.now.Add(domain.MatchPassDead)
	w.pass()
}

// A realm with accounts of another origin: until a pass includes a person, the
// person is sought by number before an account is created.
func TestK1_SoughtUntilCompared(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Enrol(t.Context(), person("1")))
	seek := func() bool {
		t.Helper()
		first, err := w.store.SeekFirst(t.Context(), w.person("p1"))
		w.must(err)
		return first
	}
	if seek() {
		t.Error("sought in a realm of the portal's own")
	}
	w.must(w.store.MarkOthers(t.Context()))
	w.realm.Put(account("x9", map[string][]string{"supannEtuId": {"9"}}))
	if !seek() {
		t.Error("not sought although the realm has other accounts")
	}
	w.pass()
	if seek() {
		t.Error("sought after the pass")
	}
	w.must(w.store.Enrol(t.Context(), person("2")))
	first, err := w.store.SeekFirst(t.Context(), w.person("p2"))
	if err != nil || !first {
		t.Errorf("a person who was imported after the pass is not sought: %v", err)
	}
	other := newWorld(t) // the accounts of operators have no numbers: a search would find none
	other.must(other.store.Enrol(t.Context(), person("1")))
	other.must(other.store.MarkOthers(t.Context()))
	other.realm.Put(account("ada", nil))
	other.pass()
	other.must(other.store.Enrol(t.Context(), person("2")))
	if first, err := other.store.SeekFirst(t.Context(), other.person("p2")); err != nil || first {
		t.Errorf("sought in a realm without numbers: %v", err)
	}
	if found, matched, unmatched, err := w.store.Others(t.Context()); err != nil || found.IsZero() || matched.IsZero() || !unmatched {
		t.Errorf("%v %v %v %v", found, matched, unmatched, err)
	}
}

func TestK1_AccountsWithoutAPersonAreTold(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Enrol(t.Context(), person("1")))
	w.realm.Put(account("x1", map[string][]string{"supannEtuId": {"1"}}))
	w.realm.Put(account("x9", nil))
	var told []string
	p, err := w.Pass(t.Context(), audit.System, matching.Told{Unowned: func(_, login string) error { told = append(told, login); return nil }})
	if err != nil || !slices.Equal(told, []string{"x9"}) || p.NoPerson != 1 || p.NoAccount != 0 {
		t.Errorf("%v %v %+v", told, err, p)
	}
}
