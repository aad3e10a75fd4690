package webhook_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"entree/internal/domain"
	"entree/internal/jobs"
	"entree/internal/secret"
	"entree/internal/store"
	"entree/internal/store/litetest"
	"entree/internal/webhook"
)

// receiver verifies messages with a library of another project.
type receiver struct {
	*httptest.Server
	t       *testing.T
	checker *standard.Webhook
	answer  func(n int, w http.ResponseWriter) // n counts from 1

	mu   sync.Mutex
	ids  []string
	news []map[string]any
}

func newReceiver(t *testing.T, key string, answer func(int, http.ResponseWriter)) *receiver {
	t.Helper()
	checker, err := standard.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, checker: checker, answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, q *http.Request) {
	raw, err := io.ReadAll(q.Body)
	if err == nil {
		err = r.checker.Verify(raw, q.Header)
	}
	if err != nil {
		r.t.Errorf("the receiver refuses: %v", err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		r.t.Errorf("%v: %s", err, raw)
	}
	r.mu.Lock()
	r.ids, r.news = append(r.ids, q.Header.Get("webhook-id")), append(r.news, got)
	n := len(r.ids)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(n, w)
	}
}

func (r *receiver) got() ([]string, []map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.ids...), append([]map[string]any(nil), r.news...)
}

func newKey(t *testing.T) (string, webhook.Key) {
	t.Helper()
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	text := "whsec_" + base64.StdEncoding.EncodeToString(raw)
	key, err := webhook.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return text, key
}

// world is the webhook service over a real store and the real runner. Its clock
// moves only when a test advances it.
type world struct {
	*webhook.Webhooks
	t     *testing.T
	store *store.Store
	run   *jobs.Runner

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T, endpoints ...webhook.Endpoint) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()} // receivers refuse messages that were signed long ago
	var err error
	if w.store, err = store.Open(t.Context(), litetest.DSN(t, t.TempDir()), w.clock); err != nil {
		t.Fatal(err)
	}
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	w.Webhooks = webhook.New(webhook.Options{Endpoints: endpoints, Keys: keys, Clock: w.clock, Random: rand.Reader})
	w.run = jobs.New(jobs.Options{Queue: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler)})
	for queue, h := range w.Handlers() {
		w.run.Handle(queue, h)
	}
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// tell commits the jobs of an event and returns their ids.
func (w *world) tell(kind domain.EventKind) []string {
	w.t.Helper()
	told, err := w.Notify(domain.Event{At: w.clock().UTC(), Kind: kind, Person: "p", Details: map[string]string{"version": "2026-09"}}, domain.Person{
		ID: "p", Number: "22502142", Profile: "etudiant", Login: "o22502142", UniversityAddress: "jean-pierre.martin@etu.example.org", AccountID: "f3b1",
		GivenName: "Jean-Pierre", BirthDate: "2007-03-17", Email: "jp@example.net",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Apply(w.t.Context(), domain.Effects{Jobs: told}); err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, j := range told {
		if strings.Contains(string(j.Payload), "22502142") {
			w.t.Error("the job holds whom it is about in the clear")
		}
		ids = append(ids, j.ID)
	}
	return ids
}

// once runs a single try of a job, as the runner does when the job is due.
func (w *world) once(id string) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	stop() // RunNow waits for this try only
	if err := w.run.RunNow(context.WithoutCancel(ctx), id); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheReceiverReadsWhatHappened(t *testing.T) {
	text, key := newKey(t)
	r := newReceiver(t, text, nil)
	w := newWorld(t, webhook.Endpoint{Name: "ent", URL: r.URL, Secrets: []webhook.Key{key}, Kinds: webhook.Kinds, Local: true})
	for _, id := range w.tell(domain.EventAccountCreated) {
		w.once(id)
	}
	_, news := r.got()
	if len(news) != 1 || news[0]["type"] != "account.activated" || news[0]["timestamp"] == "" {
		t.Fatalf("%v", news)
	}
	data, _ := news[0]["data"].(map[string]any)
	if data["number"] != "22502142" || data["login"] != "o22502142" || data["account_id"] != "f3b1" || data["university_address"] != "jean-pierre.martin@etu.example.org" {
		t.Errorf("%v", data)
	}
	for _, private := range []string{"jp@example.net", "2007-03-17"} {
		if strings.Contains(fmt.Sprint(data), private) {
			t.Errorf("the news hold %s, which nobody asked for", private)
		}
	}
}

func TestOnlyWhoWantsAnEventIsTold(t *testing.T) {
	_, key := newKey(t)
	w := newWorld(t,
		webhook.Endpoint{Name: "logins", URL: "https://a.example", Secrets: []webhook.Key{key}, Kinds: []domain.EventKind{domain.EventFirstLogin}},
		webhook.Endpoint{Name: "all", URL: "https://b.example", Secrets: []webhook.Key{key}, Kinds: webhook.Kinds})
	if n := len(w.tell(domain.EventAccountCreated)); n != 1 {
		t.Errorf("%d are told of an account, want 1", n)
	}
	if n := len(w.tell(domain.EventFirstLogin)); n != 2 {
		t.Errorf("%d are told of a login, want 2", n)
	}
	if n := len(w.tell(domain.EventCodeWrong)); n != 0 {
		t.Errorf("%d are told of a wrong code", n)
	}
}

// While two secrets are listed, a receiver that knows only the old one and a
// receiver that knows only the new one both accept a message.
func TestSecretsAreRotatedByAList(t *testing.T) {
	oldText, oldKey := newKey(t)
	newText, newerKey := newKey(t)
	before, after := newReceiver(t, oldText, nil), newReceiver(t, newText, nil)
	both := []webhook.Key{newerKey, oldKey}
	w := newWorld(t,
		webhook.Endpoint{Name: "before", URL: before.URL, Secrets: both, Kinds: webhook.Kinds, Local: true},
		webhook.Endpoint{Name: "after", URL: after.URL, Secrets: both, Kinds: webhook.Kinds, Local: true})
	for _, id := range w.tell(domain.EventFirstLogin) {
		w.once(id)
	}
	for name, r := range map[string]*receiver{"before": before, "after": after} {
		if ids, _ := r.got(); len(ids) != 1 {
			t.Errorf("%s got %d messages", name, len(ids))
		}
	}
}

// A message keeps its id over its tries, waits longer after each one, becomes a
// dead letter, and can be sent again.
func TestRetriesThenADeadLetterThenAgain(t *testing.T) {
	text, key := newKey(t)
	down := true
	r := newReceiver(t, text, func(_ int, w http.ResponseWriter) {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	e := webhook.Endpoint{Name: "ent", URL: r.URL, Secrets: []webhook.Key{key}, Kinds: webhook.Kinds, Local: true}
	w := newWorld(t, e)
	handler := w.Handlers()[e.Queue()]
	patient, ok := handler.(jobs.Patient)
	if !ok {
		t.Fatal("the runner will not take a dead letter for one")
	}
	last := time.Duration(0)
	for n := 1; n < 12; n++ {
		if wait := patient.Wait(n); wait < last {
			t.Errorf("after try %d the wait is %v, after the one before %v", n, wait, last)
		} else {
			last = wait
		}
	}
	w.tell(domain.EventAccountCreated)
	try := func(n int) {
		t.Helper()
		leased, err := w.store.Lease(t.Context(), e.Queue(), fmt.Sprint("test", n), 9, w.clock().Add(time.Minute))
		if err != nil || len(leased) != 1 {
			t.Fatalf("try %d: %d jobs, %v", n, len(leased), err)
		}
		_, err = handler.Run(t.Context(), leased[0])
		if err == nil || domain.IsPermanent(err) || !strings.Contains(err.Error(), "503") {
			t.Fatalf("try %d: %v", n, err)
		}
		if n == 2 {
			effects, err := handler.Abandon(t.Context(), leased[0], err)
			if err != nil || len(effects.Events) != 1 {
				t.Fatalf("%+v, %v", effects, err)
			}
			if err := w.store.GiveUp(t.Context(), leased[0], "503", true, effects); err != nil {
				t.Fatal(err)
			}
			return
		}
		if err := w.store.Retry(t.Context(), leased[0], w.clock().Add(patient.Wait(n)), "503"); err != nil {
			t.Fatal(err)
		}
		w.pass(patient.Wait(n))
	}
	try(1)
	try(2)
	letters, err := w.store.DeadLetters(t.Context(), 10)
	if err != nil || len(letters) != 1 || letters[0].Reason != "503" || letters[0].Kind != e.Queue() || letters[0].Person != "p" {
		t.Fatalf("%+v, %v", letters, err)
	}
	down = false
	if err := w.store.SendAgain(t.Context(), letters[0].ID, w.Deadline()); err != nil {
		t.Fatal(err)
	}
	if err := w.store.SendAgain(t.Context(), letters[0].ID, w.Deadline()); err == nil {
		t.Error("a letter is sent again twice")
	}
	w.once(letters[0].ID)
	ids, _ := r.got()
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("the tries have the ids %v", ids)
	}
	if left, _ := w.store.DeadLetters(t.Context(), 10); len(left) != 0 {
		t.Errorf("%d letters are left", len(left))
	}
}

func TestAnswersThatAreNoSuccess(t *testing.T) {
	text, key := newKey(t)
	elsewhere := newReceiver(t, text, func(int, http.ResponseWriter) { t.Error("a redirect was followed") })
	for name, c := range map[string]struct {
		answer    func(int, http.ResponseWriter)
		says      string
		permanent bool
	}{
		"redirects": {func(_ int, w http.ResponseWriter) { w.Header().Set("Location", elsewhere.URL); w.WriteHeader(307) }, "redirects are not followed", false},
		"410":       {func(_ int, w http.ResponseWriter) { w.WriteHeader(410) }, "wants no more", true},
		"400":       {func(_ int, w http.ResponseWriter) { w.WriteHeader(400) }, "answers 400", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, text, c.answer)
			w := newWorld(t, webhook.Endpoint{Name: "ent", URL: r.URL, Secrets: []webhook.Key{key}, Kinds: webhook.Kinds, Local: true})
			job, err := w.Try("ent")
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Handlers()[job.Kind].Run(t.Context(), job)
			if err == nil || !strings.Contains(err.Error(), c.says) || domain.IsPermanent(err) != c.permanent {
				t.Errorf("%v", err)
			}
		})
	}
}

// A call to a receiver that hangs ends with the caller's context, here the
// test's.
func TestAReceiverThatHangs(t *testing.T) {
	text, key := newKey(t)
	arrived, leave := make(chan struct{}), make(chan struct{})
	r := newReceiver(t, text, func(int, http.ResponseWriter) { close(arrived); <-leave })
	defer close(leave)
	w := newWorld(t, webhook.Endpoint{Name: "ent", URL: r.URL, Secrets: []webhook.Key{key}, Kinds: webhook.Kinds, Local: true})
	job, err := w.Try("ent")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-arrived; stop() }()
	if _, err := w.Handlers()[job.Kind].Run(ctx, job); err == nil || domain.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}

// Addresses of the machine itself are refused, both in the configuration and
// when a name resolves to one.
func TestThisMachineIsRefusedUnlessAllowedByName(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://ent.example/hooks": true, "https://10.1.2.3/hooks": true,
		"http://ent.example/hooks": false, "https://127.0.0.1/": false, "https://localhost:8443/": false, "https://[::1]/": false,
		"https://169.254.169.254/latest": false, "https://0.0.0.0/": false, "https://[::ffff:127.0.0.1]/": false,
		"ftp://ent.example/": false, "https://user:pw@ent.example/": false, "ent.example": false,
	} {
		if err := webhook.CheckURL(address, ""); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := webhook.CheckURL("http://127.0.0.1:9/", "127.0.0.1"); err != nil {
		t.Errorf("allowed by name, and still: %v", err)
	}
	if err := webhook.CheckURL("http://127.0.0.1:9/", "ent.example"); err == nil {
		t.Error("another host's name allows this machine")
	}
	text, key := newKey(t)
	r := newReceiver(t, text, func(int, http.ResponseWriter) { t.Error("the machine itself was reached") })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(r.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	// "localhost" resolves to this machine; the URL itself does not contain an
	// address.
	w := newWorld(t, webhook.Endpoint{Name: "ent", URL: "http://localhost:" + port, Secrets: []webhook.Key{key}, Kinds: webhook.Kinds})
	job, err := w.Try("ent")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Handlers()[job.Kind].Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "allow_host") {
		t.Errorf("%v", err)
	}
}

func TestKeys(t *testing.T) {
	for _, bad := range []string{"", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"} {
		if _, err := webhook.ParseKey(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	text, key := newKey(t)
	if printed := fmt.Sprintf("%v %+v %#v", key, key, key); strings.Contains(printed, text[8:]) || !strings.Contains(printed, "[secret]") {
		t.Errorf("a key prints as %s", printed)
	}
}

func TestWants_OnlyWhatAnEndpointHasSubscribedTo(t *testing.T) {
	w := newWorld(t, webhook.Endpoint{Name: "a", Kinds: []domain.EventKind{domain.EventAccountCreated}}, webhook.Endpoint{Name: "b", Kinds: []domain.EventKind{domain.EventFirstLogin}})
	for kind, want := range map[domain.EventKind]bool{domain.EventAccountCreated: true, domain.EventFirstLogin: true, domain.EventCharterAccepted: false} {
		if got := w.Wants(kind); got != want {
			t.Errorf("%s is wanted: %t", kind, got)
		}
	}
	if newWorld(t).Wants(domain.EventAccountCreated) {
		t.Error("no endpoint wants an event")
	}
}
