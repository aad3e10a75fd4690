// Package webhook sends signed messages about accounts to relying parties.
//
//	event ── Notify ──► one sealed job for each subscribed endpoint,
//	                  in the event's own transaction
//	job ── Run ──► POST, signed by the Standard Webhooks conventions
//	   ├── 2xx ────────────────────────────────► done
//	   ├── any other answer, or none ──────────► a retry with backoff, for three days
//	   └── 410, or after three days ───────────► a dead letter, which an operator can send again
//
// Each endpoint has its own queue, so that an endpoint that hangs does not delay
// the others. A message keeps its id over all attempts: a receiver that has stored
// the id can drop the repetition.
//
// The conventions: https://www.standardwebhooks.com (1.0.0).
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
)

// Kinds are the events that an endpoint can subscribe to.
var Kinds = []domain.EventKind{domain.EventAccountCreated, domain.EventFirstLogin, domain.EventCharterAccepted, domain.EventPasswordReplaced, domain.EventContactChanged}

// KindTest is the kind of the message that an operator sends to test an endpoint.
const KindTest domain.EventKind = "entree.test"

// Endpoint is one receiver.
type Endpoint struct {
	Name    string // "ent", in queues, logs and commands
	URL     string
	Secrets []Key              // each message carries one signature per key, for rotation
	Kinds   []domain.EventKind // the subscribed events
	// Local allows a URL that is plain http or leads to this machine. Without it
	// such a URL is refused.
	Local bool
}

// Queue returns the kind of the endpoint's jobs.
func (e Endpoint) Queue() string { return QueuePrefix + e.Name }

// QueuePrefix is the prefix of the kind of every webhook job.
const QueuePrefix = "webhook:"

// Key is a signing secret, 24 to 64 bytes.
type Key struct{ secret.Text }

// keyPrefix is the prefix of a secret in its text form.
const keyPrefix = "whsec_"

// ParseKey parses the text form of a secret: whsec_ and standard base64 of 24 to
// 64 bytes (Standard Webhooks 1.0.0).
func ParseKey(s string) (Key, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(s), keyPrefix))
	switch {
	case !strings.HasPrefix(strings.TrimSpace(s), keyPrefix), err != nil:
		return Key{}, errors.New("want whsec_ and base64; make one with: echo whsec_$(openssl rand -base64 32)")
	case len(raw) < 24 || len(raw) > 64:
		return Key{}, fmt.Errorf("%d bytes: want 24 to 64", len(raw))
	}
	return Key{secret.New(string(raw))}, nil
}

// sign returns the value of the webhook-signature header: one signature per key.
func sign(keys []Key, id string, at time.Time, body []byte) string {
	signatures := make([]string, len(keys))
	for i, k := range keys {
		mac := hmac.New(sha256.New, []byte(k.Reveal()))
		mac.Write(fmt.Appendf(nil, "%s.%d.%s", id, at.Unix(), body))
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

// Options configures the webhooks. All fields but Endpoints must be set.
type Options struct {
	Endpoints []Endpoint
	Keys      secret.Keyring
	Clock     func() time.Time
	Random    io.Reader
	Roots     *x509.CertPool // nil: the authorities of the system
}

// Webhooks creates the jobs that send messages. It implements domain.Subscribers.
type Webhooks struct{ Options }

// New returns webhooks. [Webhooks.Handlers] returns the handlers of their jobs.
func New(o Options) *Webhooks { return &Webhooks{o} }

// giveUpAfter is the time after which a message becomes a dead letter.
const giveUpAfter = 72 * time.Hour

// Deadline returns the time at which a message created now becomes a dead letter.
func (w *Webhooks) Deadline() time.Time { return w.Clock().Add(giveUpAfter) }

// message is the sealed payload of a job.
type message struct {
	ID   string          `json:"id"`
	Body json.RawMessage `json:"body"`
}

// body is the JSON body of a request. docs/webhooks.md documents each field.
type body struct {
	Type      domain.EventKind `json:"type"`
	Timestamp time.Time        `json:"timestamp"`
	Data      any              `json:"data"`
}

type person struct {
	Number            string            `json:"number"`
	Profile           string            `json:"profile"`
	Cohort            string            `json:"cohort,omitempty"`
	Login             string            `json:"login,omitempty"`
	UniversityAddress string            `json:"university_address,omitempty"`
	AccountID         string            `json:"account_id,omitempty"`
	Charter           map[string]string `json:"charter,omitempty"`
}

// Wants implements domain.Subscribers.
func (w *Webhooks) Wants(kind domain.EventKind) bool {
	return slices.ContainsFunc(w.Endpoints, func(e Endpoint) bool { return slices.Contains(e.Kinds, kind) })
}

// Notify returns one job for each endpoint that is subscribed to the event.
func (w *Webhooks) Notify(v domain.Event, p domain.Person) ([]domain.Job, error) {
	id := p.AccountID
	if _, isEntry := domain.EntryOf(id); isEntry { // Keycloak's id is not known yet
		id = ""
	}
	about := person{Number: p.Number, Profile: p.Profile, Cohort: p.Cohort, Login: p.Login, UniversityAddress: p.UniversityAddress, AccountID: id}
	if v.Kind == domain.EventCharterAccepted {
		about.Charter = v.Details
	}
	return w.jobs(body{v.Kind, v.At, about}, p.ID, v.Journey, func(e Endpoint) bool { return slices.Contains(e.Kinds, v.Kind) })
}

// Try returns the job of a test message to one endpoint. It returns an error if no
// endpoint has this name.
func (w *Webhooks) Try(name string) (domain.Job, error) {
	jobs, err := w.jobs(body{KindTest, w.Clock().UTC(), map[string]string{"endpoint": name}}, "", "", func(e Endpoint) bool { return e.Name == name })
	if err == nil && len(jobs) == 0 {
		err = fmt.Errorf("there is no webhook %q", name)
	}
	if err != nil {
		return domain.Job{}, err
	}
	return jobs[0], nil
}

func (w *Webhooks) jobs(b body, p domain.PersonID, j domain.JourneyID, wants func(Endpoint) bool) ([]domain.Job, error) {
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	id, err := domain.NewID(w.Random)
	if err != nil {
		return nil, err
	}
	m := message{ID: "msg_" + id, Body: raw}
	now := w.Clock()
	var jobs []domain.Job
	for _, e := range w.Endpoints {
		if !wants(e) {
			continue
		}
		job, err := domain.NewJob(w.Random, w.Keys, e.Queue(), m, now, w.Deadline())
		if err != nil {
			return nil, err
		}
		job.Person, job.Journey = p, j
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// request returns the signed request of one attempt. The signature covers the time
// of the attempt, so that a receiver can refuse an old request that is replayed.
func (e Endpoint) request(m message, at time.Time) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, e.URL, strings.NewReader(string(m.Body)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "entree")
	r.Header.Set("webhook-id", m.ID)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", sign(e.Secrets, m.ID, at, m.Body))
	return r, nil
}
