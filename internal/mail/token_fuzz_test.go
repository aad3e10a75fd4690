package mail

import (
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/internal/secret"
)

// A forged Message-ID is not accepted, and a genuine one is accepted only with its
// own recipient.
func FuzzMessageID(f *testing.F) {
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		f.Fatal(err)
	}
	const to = domain.Address("jp.martin@example.net")
	real := token(keys, "0123abcd", to)
	for _, seed := range []string{"", ".", "@", "0123abcd.@x", "0123abcd.ff@x", "<" + real[:len(real)-20] + "@example.org>", strings.Repeat("a.", 50), "0123abcd.\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if whose, ours := Ours(keys, id, to); ours {
			t.Errorf("%q is taken for the mail %q", id, whose)
		}
		if _, ours := Ours(keys, real+"@"+id, to); !ours {
			t.Errorf("ours is not known at %q", id)
		}
		if _, ours := Ours(keys, real+"@x", domain.Address(id)); ours && id != string(to) {
			t.Errorf("ours is taken for a mail to %q", id)
		}
	})
}
