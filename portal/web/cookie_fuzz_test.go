package web

import (
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"entree/internal/secret"
)

// A cookie with any other content than one made with the site's own keys
// results in a new session, and no row is read for it (nil rows would panic).
func FuzzCookie(f *testing.F) {
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		f.Fatal(err)
	}
	other, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		f.Fatal(err)
	}
	ours := newSessions("entree", Config{Keys: keys, Now: time.Now, Random: rand.Reader}, true)
	theirs := newSessions("entree", Config{Keys: other, Now: time.Now, Random: rand.Reader}, true)
	forged, err := theirs.codecs[0].Encode(theirs.name, ticket{ID: "x", Row: true})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "x", forged, forged[:len(forged)/2], "MTc2NDE1NjAwMHx7fXw=", "|||", "\x00", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := &http.Request{Header: http.Header{"Cookie": {ours.name + "=" + value}}}
		session, err := ours.New(r, ours.name)
		if err != nil || !session.IsNew || session.ID != "" || len(session.Values) != 0 {
			t.Errorf("%q is taken for a session: %+v, %v", value, session, err)
		}
	})
}
