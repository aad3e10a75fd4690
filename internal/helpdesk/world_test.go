package helpdesk_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/charter"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/jobs"
	"entree/internal/password"
	"entree/internal/secret"
	"entree/internal/store"
	"entree/internal/store/litetest"
	"entree/keycloak/fake"
)

// world is a help desk and an activation service on a real store, with the real
// runner, a fake Keycloak and a mailbox. Its clock moves only when a test
// advances it.
type world struct {
	*helpdesk.Service
	t        *testing.T
	store    *store.Store
	accounts *fake.Accounts
	mails    chan domain.Message
	sent     map[string]bool // the mails that mail returned, by id
	mu       sync.Mutex
	now      time.Time
}

var start = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

const (
	jean   = domain.PersonID("p-22502142")
	strong = "LesGirafesDansentSous3Parapluies"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: start, accounts: fake.New(), mails: make(chan domain.Message, 100), sent: map[string]bool{}}
	var err error
	w.store, err = store.Open(t.Context(), litetest.DSN(t, t.TempDir()), w.clock)
	w.must(err)
	keys, err := secret.ParseKeys(secret.GenerateKey())
	w.must(err)
	runner := jobs.New(jobs.Options{Queue: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler), Workers: 2})
	service, err := activation.New(activation.Options{
		Store: w.store, Limits: w.store, Runner: runner, Accounts: w.accounts, Factors: w.accounts, Hasher: hasher{}, Notifier: mailer{w.mails}, Charters: charters{}, Keys: keys,
		Clock: w.clock, Random: rand.Reader, Policy: password.Default, CodeLife: domain.CodeLife, Idle: 30 * time.Minute, Absolute: time.Hour,
		Wait: 5 * time.Second, Rates: activation.DefaultRates(), Profiles: []domain.Profile{{
			Key: "etudiant", Login: "o{number}", Address: "{first}.{last}@etu.example.org", Groups: []string{"/etudiants"},
			Affiliation: "student", Affiliations: []string{"student"},
		}},
	})
	w.must(err)
	w.Service = helpdesk.New(helpdesk.Options{Service: service, People: w.store, Claims: w.store, Accounts: w.accounts})
	runner.Handle(domain.JobMail, service.MailJobs())
	runner.Handle(domain.JobAccount, service.AccountJobs())
	runner.Handle(domain.JobPassword, service.PasswordJobs())
	runner.Handle(domain.JobClaim, service.ClaimJobs())
	runner.Handle(domain.JobFactor, service.FactorJobs())
	runner.Handle(domain.JobAddress, service.AddressJobs())
	runner.Handle(helpdesk.JobAdopt, w.AdoptJobs())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		_ = w.store.Close()
	})
	c, _ := charters{}.InForce("", domain.French)
	w.must(w.store.Publish(t.Context(), charter.Version{ID: "v", Name: c.Version, From: start, PublishedAt: start,
		Texts: charter.Texts{French: charter.Text{Title: c.Title, Markdown: c.Text, SHA256: c.SHA256}}}, "", 0, domain.Effects{}))
	w.enrol(domain.Person{
		ID: jean, Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "Martin", BirthDate: "2007-03-17",
		Email: "jp.martin@example.net", Readiness: domain.Ready, Cohort: "2026",
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func (w *world) enrol(p domain.Person) {
	w.t.Helper()
	w.must(w.store.Enrol(w.t.Context(), p))
}

// by returns an audit entry as a page creates it, with the operator and the
// network.
func (w *world) by(name string) audit.Entry {
	return audit.Entry{At: w.clock(), By: audit.Operator{Subject: "s-" + name, Name: name, Role: "helpdesk"}, From: "192.0.2.0"}
}

func (w *world) person() domain.Person {
	w.t.Helper()
	p, err := w.store.Person(w.t.Context(), jean)
	w.must(err)
	return p
}

// seen returns the person as a page shows it now.
func (w *world) seen() helpdesk.Seen {
	return helpdesk.Seen{Person: jean, Version: helpdesk.Version(w.person())}
}

// acts returns the audit's entries about the person.
func (w *world) acts() (out []audit.Entry) {
	w.t.Helper()
	out, err := w.store.Acts(w.t.Context(), jean)
	w.must(err)
	return out
}

// last returns the newest of these entries, which must be of this act.
func (w *world) last(act string) audit.Entry {
	w.t.Helper()
	all := w.acts()
	if len(all) == 0 || all[len(all)-1].Act != act {
		w.t.Fatalf("the audit has %+v, want %s", all, act)
	}
	return all[len(all)-1]
}

// ask begins a journey.
func (w *world) ask() domain.JourneyID {
	w.t.Helper()
	j, err := w.Request(w.t.Context(), activation.Request{Profile: "etudiant", Address: string(w.person().Email), Lang: domain.English, Client: "192.0.2.9/32"})
	w.must(err)
	return j.ID
}

// press calls act with the journey as it is stored now, as a page that was just
// read does.
func (w *world) press(id domain.JourneyID, act func(*domain.Journey) error) error {
	j, _, err := w.Journey(w.t.Context(), id)
	if err != nil {
		return err
	}
	return act(&j)
}

func (w *world) Prove(ctx context.Context, id domain.JourneyID, typed, client string) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.Prove(ctx, j, typed, client) })
}

// finish completes a journey from the proven mailbox to the end.
func (w *world) finish(id domain.JourneyID) {
	w.t.Helper()
	c, _ := charters{}.InForce("", domain.French)
	w.must(w.press(id, func(j *domain.Journey) error { return w.Accept(w.t.Context(), j, c.SHA256, domain.French) }))
	w.must(w.press(id, func(j *domain.Journey) error { return w.Pass(w.t.Context(), j, domain.StepGuide) }))
	w.finishPassword(id)
}

func (w *world) finishPassword(id domain.JourneyID) {
	w.t.Helper()
	w.must(w.press(id, func(j *domain.Journey) error {
		return w.ChoosePassword(w.t.Context(), j, secret.New(strong), secret.New(strong))
	}))
}

func (w *world) step(id domain.JourneyID) domain.Step {
	w.t.Helper()
	_, step, err := w.Journey(w.t.Context(), id)
	w.must(err)
	return step
}

// mail returns the next mail, which has to be of a kind. A mail that was sent already is
// passed over: where the clock of a test jumps while a mail is sent, the job's lease
// ends, and it is sent once more.
func (w *world) mail(kind domain.MessageKind) domain.Message {
	w.t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case m := <-w.mails:
			if w.sent[m.ID] {
				continue
			}
			if w.sent[m.ID] = true; m.Kind != kind {
				w.t.Fatalf("the mail is %q, want %q", m.Kind, kind)
			}
			return m
		case <-late:
			w.t.Fatalf("no %s mail came", kind)
		}
	}
}

func refused(t *testing.T, err error, want helpdesk.Reason) *helpdesk.Refusal {
	t.Helper()
	var r *helpdesk.Refusal
	if !errors.As(err, &r) || r.Reason != want {
		t.Fatalf("got %v, want a refusal for %s", err, want)
	}
	return r
}

// mailer collects the sent mails.
type mailer struct{ to chan domain.Message }

func (m mailer) Send(_ context.Context, message domain.Message) error {
	m.to <- message
	return nil
}

type hasher struct{}

func (hasher) Ready() error { return nil }

func (hasher) Hash(context.Context, secret.Text) (domain.Credential, error) {
	return domain.Credential{Data: `{"algorithm":"none"}`, Secret: "x"}, nil
}

type charters struct{}

func (charters) InForce(_ string, lang domain.Lang) (domain.Charter, error) {
	return domain.Charter{Lang: lang, Version: "2026", Title: "Charte", Text: "# Charte", SHA256: domain.HashCharter("# Charte")}, nil
}

func (charters) Current(string) []string { return []string{domain.HashCharter("# Charte")} }

func (charters) Refresh(context.Context) error { return nil }
