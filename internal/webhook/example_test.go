package webhook_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"entree/internal/secret"
	"entree/internal/webhook"
)

// A receiver verifies the signature of each message with any library of the
// Standard Webhooks conventions, and refuses a message that fails.
func ExampleWebhooks_Try() {
	const key = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	verifier, err := standard.NewWebhook(key)
	if err != nil {
		panic(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println("verified:", verifier.Verify(body, r.Header) == nil)
		fmt.Println("a changed body:", verifier.Verify(append(body, ' '), r.Header))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()

	signing, err := webhook.ParseKey(key)
	if err != nil {
		panic(err)
	}
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		panic(err)
	}
	w := webhook.New(webhook.Options{
		Endpoints: []webhook.Endpoint{{Name: "ent", URL: receiver.URL, Secrets: []webhook.Key{signing}, Local: true}},
		Keys:      keys, Clock: time.Now, Random: rand.Reader,
	})
	job, err := w.Try("ent")
	if err != nil {
		panic(err)
	}
	if _, err := w.Handlers()[job.Kind].Run(context.Background(), job); err != nil {
		panic(err)
	}
	// Output:
	// verified: true
	// a changed body: unable to verify payload, err: no matching signature found
}
