package activation_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/charter"
	"entree/internal/domain"
	"entree/internal/jobs"
	"entree/internal/password"
	"entree/internal/secret"
	"entree/internal/store"
	"entree/internal/store/litetest"
	"entree/keycloak/fake"
)

// world is a service on a real store, with the real runner, a fake Keycloak and
// a mailbox. Its clock moves only when a test advances it.
type world struct {
	*activation.Service
	t        *testing.T
	store    *store.Store
	dir      string  // directory of the database
	beside   *sql.DB // the same database, read beside the store
	end      func()  // called at the test's end, or earlier
	accounts *fake.Accounts
	desk     *charter.Service
	box      *box

	mu  sync.Mutex
	now time.Time
}

var start = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

const strong = "LesGirafesDansentSous3Parapluies"

func newWorld(t *testing.T, people ...domain.Person) *world {
	t.Helper()
	w := &world{t: t, now: start.Add(-time.Microsecond), dir: t.TempDir(), box: newBox(), accounts: fake.New()}
	var err error
	w.store, err = store.Open(t.Context(), litetest.DSN(t, w.dir), w.clock)
	if err != nil {
		t.Fatal(err)
	}
	if w.beside, err = sql.Open("sqlite", filepath.Join(w.dir, "entree.db")); err != nil {
		t.Fatal(err)
	}
	board := charter.NewCache(w.store, w.clock)
	w.desk = &charter.Service{Store: w.store, Cache: board, Clock: w.clock, Random: rand.Reader}
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	runner := jobs.New(jobs.Options{Queue: w.store, Clock: w.clock, Log: quiet, Workers: 4})
	w.Service, err = activation.New(activation.Options{
		Passkeys: w.accounts, Factors: w.accounts, Origin: "https://mon-compte.univ.example", Institution: "Université",
		Store: w.store, Limits: w.store, Runner: runner, Accounts: w.accounts, Hasher: hasher{}, Notifier: w.box,
		Charters: board, Keys: keys, Clock: w.clock, Random: rand.Reader,
		Profiles: []domain.Profile{
			{Key: "etudiant", Login: "o{number}", Address: "{first}.{last}@etu.example.org", Groups: []string{"/etudiants"},
				Affiliation: "student", Affiliations: []string{"student", "member"}, RecoveryProof: domain.ProofNumber},
			{Key: "personnel", Login: "{f}{last}", Address: "{first}.{last}@example.org", Proof: domain.ProofBirthDate, RecoveryProof: domain.ProofBirthDate,
				Affiliation: "employee", Affiliations: []string{"employee", "member"}},
			{Key: "invite", Login: "i{number}", Address: "{first}.{last}@invite.example.org", Affiliation: "affiliate", Affiliations: []string{"affiliate"}, Credential: domain.PasskeyOrPassword, RecoveryProof: domain.ProofNumber},
			{Key: "doctorant", Login: "d{number}", Address: "{first}.{last}@doc.example.org", Affiliation: "student", Affiliations: []string{"student"}, Credential: domain.PasskeyOnly, RecoveryProof: domain.ProofNumber},
			{Key: "chercheur", Login: "c{number}", Address: "{first}.{last}@lab.example.org", Affiliation: "faculty", Affiliations: []string{"faculty"}, Factors: domain.FactorsRequired, RecoveryProof: domain.ProofNumber},
		},
		Policy: password.Default, CodeLife: domain.CodeLife, Idle: 30 * time.Minute, Absolute: time.Hour,
		Wait: 5 * time.Second, Rates: activation.DefaultRates(),
	})
	if err != nil {
		t.Fatal(err)
	}
	runner.Handle(domain.JobMail, w.MailJobs())
	runner.Handle(domain.JobAccount, w.AccountJobs())
	runner.Handle(domain.JobCharter, w.CharterJobs())
	runner.Handle(domain.JobPassword, w.PasswordJobs())
	runner.Handle(domain.JobAddress, w.AddressJobs())
	runner.Handle(domain.JobClaim, w.ClaimJobs())
	runner.Handle(domain.JobPasskey, w.PasskeyJobs())
	runner.Handle(domain.JobDrop, w.DropJobs())
	runner.Handle(domain.JobFactorNews, w.FactorNewsJobs())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	w.end = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the runner ended with %v", err)
		}
		if err := errors.Join(w.beside.Close(), w.store.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.end)
	w.publish("2026")
	w.enrol(people...)
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass waits until the jobs that are due have run, and moves the clock on: a job that
// ran later would be put off by the clock of the time after.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.settle()
	w.jump(d)
}

// jump moves the clock on while jobs may run.
func (w *world) jump(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// settle returns when no job is due and none runs.
func (w *world) settle() {
	w.t.Helper()
	for late := time.After(20 * time.Second); ; {
		now := w.clock().UnixMicro()
		var due int
		err := w.beside.QueryRowContext(w.t.Context(), `SELECT count(*) FROM jobs WHERE given_up_at = 0 AND (run_at <= $1 OR lease_until > $1)`, now).Scan(&due)
		if err != nil {
			w.t.Fatal(err)
		}
		if due == 0 {
			return
		}
		w.Runner.Wake()
		select {
		case <-time.After(2 * time.Millisecond):
		case <-late:
			w.t.Fatalf("%d jobs are due or run", due)
		}
	}
}

func (w *world) enrol(people ...domain.Person) {
	w.t.Helper()
	if err := w.store.Enrol(w.t.Context(), people...); err != nil {
		w.t.Fatal(err)
	}
}

// raw returns all bytes of the database files.
func (w *world) raw() []byte {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no database: %v", err)
	}
	var all []byte
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, raw...)
	}
	return all
}

// jeanPierre returns the student of the how-to.
func jeanPierre() domain.Person {
	return domain.Person{
		ID: "p-22502142", Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "Martin",
		BirthDate: "2007-03-17", Email: "jp.martin@example.net", Readiness: domain.Ready, Cohort: "2026",
	}
}

// ask begins a journey for an address.
func (w *world) ask(profile, address string) domain.JourneyID {
	w.t.Helper()
	j, err := w.Request(w.t.Context(), activation.Request{Profile: profile, Address: address, Lang: domain.French, Client: "192.0.2.0"})
	if err != nil {
		w.t.Fatalf("ask for a code: %v", err)
	}
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

func (w *world) Extend(ctx context.Context, id domain.JourneyID) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.Extend(ctx, j) })
}

func (w *world) Resend(ctx context.Context, id domain.JourneyID, lang domain.Lang, client string) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.Resend(ctx, j, lang, client) })
}

func (w *world) Prove(ctx context.Context, id domain.JourneyID, typed, client string) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.Prove(ctx, j, typed, client) })
}

func (w *world) Verify(ctx context.Context, id domain.JourneyID, a activation.Answers) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.Verify(ctx, j, a) })
}

func (w *world) Accept(ctx context.Context, id domain.JourneyID, sha256 string, lang domain.Lang) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.Accept(ctx, j, sha256, lang) })
}

func (w *world) Guided(ctx context.Context, id domain.JourneyID) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.Pass(ctx, j, domain.StepGuide) })
}

func (w *world) ChoosePassword(ctx context.Context, id domain.JourneyID, chosen, confirmation secret.Text) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.ChoosePassword(ctx, j, chosen, confirmation) })
}

// prove proves the journey with the code from the mailbox.
func (w *world) prove(id domain.JourneyID) {
	w.t.Helper()
	if err := w.Prove(w.t.Context(), id, w.box.next(w.t, domain.MessageCode).Code, "192.0.2.0"); err != nil {
		w.t.Fatalf("prove the code: %v", err)
	}
}

// accept accepts the charter and passes the guide.
func (w *world) accept(id domain.JourneyID) {
	w.t.Helper()
	w.acceptCharter(id)
	if err := w.Guided(w.t.Context(), id); err != nil {
		w.t.Fatalf("pass the guide: %v", err)
	}
}

// acceptCharter accepts the charter in force.
func (w *world) acceptCharter(id domain.JourneyID) {
	w.t.Helper()
	j, _, err := w.Journey(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.CharterFor(j, domain.French)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Accept(w.t.Context(), id, c.SHA256, domain.French); err != nil {
		w.t.Fatalf("accept: %v", err)
	}
}

// chosen leads a new journey of a student through all pages up to the password.
func (w *world) chosen(address string) domain.JourneyID {
	w.t.Helper()
	id := w.ask("etudiant", address)
	w.prove(id)
	w.accept(id)
	if err := w.choose(id, strong); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) choose(id domain.JourneyID, text string) error {
	return w.ChoosePassword(w.t.Context(), id, secret.New(text), secret.New(text))
}

func (w *world) step(id domain.JourneyID) domain.Step {
	w.t.Helper()
	_, step, err := w.Journey(w.t.Context(), id)
	if err != nil {
		w.t.Fatalf("journey: %v", err)
	}
	return step
}

func (w *world) person(id domain.PersonID) domain.Person {
	w.t.Helper()
	p, err := w.store.Person(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// refused checks that an act was refused with a reason, and returns the
// refusal.
func refused(t *testing.T, err error, want domain.Reason) *domain.Refusal {
	t.Helper()
	var r *domain.Refusal
	if !errors.As(err, &r) || r.Reason != want {
		t.Fatalf("got %v, want a refusal for %s", err, want)
	}
	return r
}

// box is the mail server: it collects mails, and tests can make it fail.
type box struct {
	seen  map[string]bool // mails that next returned, by id
	mails chan domain.Message
	mu    sync.Mutex
	fail  error
	sent  int
}

func newBox() *box { return &box{mails: make(chan domain.Message, 1000)} }

func (b *box) Send(_ context.Context, m domain.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.sent++
	b.mails <- m
	return nil
}

func (b *box) failWith(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// next waits for the next mail, which must be of the given kind. A mail that was returned
// already is passed over: if the clock of a test jumps while a mail is sent, the job's
// lease ends, and the mail is sent once more.
func (b *box) next(t *testing.T, kind domain.MessageKind) domain.Message {
	t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case m := <-b.mails:
			if b.isSeen(m.ID) {
				continue
			}
			if m.Kind != kind {
				t.Fatalf("the mail is %q, want %q", m.Kind, kind)
			}
			return m
		case <-late:
			t.Fatalf("no %s mail came", kind)
			return domain.Message{}
		}
	}
}

// isSeen reports whether next returned the mail before.
func (b *box) isSeen(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[id] {
		return true
	}
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	b.seen[id] = true
	return false
}

// publish puts a new version in force.
func (w *world) publish(version string) {
	w.t.Helper()
	w.pass(time.Microsecond) // so that no two versions have the same start time
	text := func(lang domain.Lang) charter.Text {
		t := "# Charte " + version + " " + string(lang) + "\n"
		return charter.Text{Title: "Charte", Markdown: t, SHA256: domain.HashCharter(t)}
	}
	d, err := w.desk.Save(w.t.Context(), charter.Draft{Name: version, Texts: charter.Texts{French: text(domain.French), English: text(domain.English)}}, audit.Entry{At: start})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.desk.Publish(w.t.Context(), d.ID, d.Revision, time.Time{}, audit.Entry{At: start}); err != nil {
		w.t.Fatal(err)
	}
}

// hasher replaces the hash, which has its own tests. It keeps no trace of the
// password.
type hasher struct{}

func (hasher) Ready() error { return nil }

func (hasher) Hash(_ context.Context, p secret.Text) (domain.Credential, error) {
	return domain.Credential{Data: `{"algorithm":"none"}`, Secret: strings.Repeat("x", len(p.Reveal()))}, nil
}
