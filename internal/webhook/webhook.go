// Package webhook brings news of accounts to relying parties, signed.
//
//	event ── Tell ──► one sealed job for each endpoint that wants it,
//	                  in the event's own transaction
//	job ── Run ──► POST, signed by the Standard Webhooks conventions
//	   ├── 2xx ────────────────────────────────► done
//	   ├── anything else, or nothing ──────────► again, later each time, for three days
//	   └── 410, or three days are over ────────► a dead letter, kept whole, to be sent again by hand
//
// Each endpoint has a queue of its own, so that one that hangs holds up nobody
// else. A message keeps its id over all its tries: a receiver that has seen the
// id has seen the message.
//
// The conventions: https://www.standardwebhooks.com (1.0.0).
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

// Kinds are the events that an endpoint can ask for.
var Kinds = []domain.EventKind{domain.EventAccountCreated, domain.EventFirstLogin, domain.EventCharterAccepted}

// KindTest is of a message that an operator sends to try an endpoint.
const KindTest domain.EventKind = "entree.test"

// Endpoint is one receiver.
type Endpoint struct {
	Name    string // "ent", in queues, logs and commands
	URL     string
	Secrets []Key              // each of them signs, so that a receiver can change over in its own time
	Kinds   []domain.EventKind // that it wants
	// Local allows the URL to be plain http or to lead to this machine, which is
	// refused otherwise.
	Local bool
}

// Queue is the kind of the endpoint's jobs.
func (e Endpoint) Queue() string { return QueuePrefix + e.Name }

// QueuePrefix begins the kind of each webhook's job.
const QueuePrefix = "webhook:"

// Key is a signing secret, 24 to 64 bytes.
type Key struct{ secret.Text }

// keyPrefix begins a secret in its written form.
const keyPrefix = "whsec_"

// ParseKey reads a secret as the conventions write it: whsec_ and base64.
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

// sign gives the value of webhook-signature: one signature for each key.
func sign(keys []Key, id string, at time.Time, body []byte) string {
	signatures := make([]string, len(keys))
	for i, k := range keys {
		mac := hmac.New(sha256.New, []byte(k.Reveal()))
		mac.Write(fmt.Appendf(nil, "%s.%d.%s", id, at.Unix(), body))
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

// Options is what webhooks are made of.
type Options struct {
	Endpoints []Endpoint
	Keys      secret.Keyring
	Clock     func() time.Time
	Random    io.Reader
}

// Webhooks tells endpoints. It is an activation.News.
type Webhooks struct{ Options }

// New gives webhooks; their handlers come from [Webhooks.Handlers].
func New(o Options) *Webhooks { return &Webhooks{o} }

// giveUpAfter is how long a message is tried for.
const giveUpAfter = 72 * time.Hour

// Deadline is until when a message that is sent now is tried.
func (w *Webhooks) Deadline() time.Time { return w.Clock().Add(giveUpAfter) }

// message is what a job carries, sealed.
type message struct {
	ID   string          `json:"id"`
	Body json.RawMessage `json:"body"`
}

// body is what a receiver reads. docs/webhooks.md tells of each field.
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

// Tell gives one job for each endpoint that wants the event.
func (w *Webhooks) Tell(v domain.Event, p domain.Person) ([]domain.Job, error) {
	about := person{Number: p.Number, Profile: p.Profile, Cohort: p.Cohort, Login: p.Login, UniversityAddress: p.UniversityAddress, AccountID: p.AccountID}
	if v.Kind == domain.EventCharterAccepted {
		about.Charter = v.Details
	}
	return w.jobs(body{v.Kind, v.At, about}, p.ID, v.Journey, func(e Endpoint) bool { return slices.Contains(e.Kinds, v.Kind) })
}

// Try gives the job of a test message to one endpoint.
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
	id, err := w.newID()
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(message{ID: "msg_" + id, Body: raw})
	if err != nil {
		return nil, err
	}
	now := w.Clock()
	var jobs []domain.Job
	for _, e := range w.Endpoints {
		if !wants(e) {
			continue
		}
		job := domain.Job{Kind: e.Queue(), Person: p, Journey: j, Created: now, RunAt: now, Deadline: w.Deadline()}
		if job.ID, err = w.newID(); err != nil {
			return nil, err
		}
		if job.Payload, err = w.Keys.Seal(secret.UseJob, job.ID, plain); err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

func (w *Webhooks) open(job domain.Job) (message, error) {
	var m message
	plain, err := w.Keys.Open(secret.UseJob, job.ID, job.Payload)
	if err != nil { // it may open later, as Service.OpenJob says
		return m, fmt.Errorf("webhook job: %w", err)
	}
	if err := json.Unmarshal(plain, &m); err != nil {
		return m, domain.Permanent(fmt.Errorf("webhook job: %w", err))
	}
	return m, nil
}

// newID draws 128 bits.
func (w *Webhooks) newID() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(w.Random, b); err != nil {
		return "", fmt.Errorf("draw an id: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// request makes the signed request of one try. The time that is signed is that
// of the try, so that a receiver can refuse what is replayed later.
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
