package keycloak_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"entree/internal/secret"
	"entree/keycloak"
)

// TestV5_TheHashIsThatOfTheTypedBytes: Keycloak's login page hashes the bytes that
// it receives, so the credential is made of the same bytes, in NFC and in NFD.
func TestV5_TheHashIsThatOfTheTypedBytes(t *testing.T) {
	hasher, err := keycloak.NewHasher("", 0, 1, bytes.NewReader(make([]byte, 64)))
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{norm.NFC.String("Mật khẩu dài 1 é"), norm.NFD.String("Mật khẩu dài 1 é"), "🦒 \u05d0 fin "} {
		c, err := hasher.Hash(t.Context(), secret.New(typed))
		if err != nil {
			t.Fatal(err)
		}
		var hidden struct{ Value, Salt string }
		if err := json.Unmarshal([]byte(c.Secret), &hidden); err != nil {
			t.Fatal(err)
		}
		salt, _ := base64.StdEncoding.DecodeString(hidden.Salt)
		if want := base64.StdEncoding.EncodeToString(argon2.IDKey([]byte(typed), salt, 5, 7168, 1, 32)); want != hidden.Value {
			t.Errorf("%q: another hash", typed)
		}
	}
}

// TestR20_NoHashBelowOWASPsMinimum: a weak policy does not weaken the portal's hash.
func TestR20_NoHashBelowOWASPsMinimum(t *testing.T) {
	for _, c := range []struct {
		algorithm  string
		iterations int
		want       string
	}{
		{"argon2", 1, `"hashIterations":5`}, {"", 0, `"hashIterations":5`}, {"argon2", 7, `"hashIterations":7`},
		{"pbkdf2-sha512", 1000, `"hashIterations":210000`}, {"pbkdf2-sha256", 1, `"hashIterations":600000`},
	} {
		hasher, err := keycloak.NewHasher(c.algorithm, c.iterations, 1, bytes.NewReader(make([]byte, 64)))
		if err != nil {
			t.Fatal(err)
		}
		credential, err := hasher.Hash(t.Context(), secret.New("x"))
		if err != nil || !strings.Contains(credential.Data, c.want) {
			t.Errorf("%s %d: %s, %v; want %s", c.algorithm, c.iterations, credential.Data, err, c.want)
		}
	}
}
