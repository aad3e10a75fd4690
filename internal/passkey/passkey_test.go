package passkey_test

import (
	"encoding/json"
	"strings"
	"testing"

	"entree/internal/passkey"
	"entree/internal/passkey/passkeytest"
)

const origin = "https://mon-compte.univ.example"

func ceremony() passkey.Ceremony {
	return passkey.Ceremony{
		RelyingParty: "univ.example", Origin: origin, Institution: "Université", Handle: "0b3f3b3e-8d3c-4d5e-9f57-0f3f1b2c4d5e",
		Login: "o22502142", Name: "Jeanne Martin", Challenge: []byte("0123456789abcdef0123456789abcdef"),
	}
}

func register(t *testing.T, c passkey.Ceremony, d passkeytest.Device) []byte {
	t.Helper()
	options, err := c.Options()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.Register(options)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAPasskeyIsRegistered(t *testing.T) {
	c := ceremony()
	made, err := c.Check(register(t, c, passkeytest.Device{Origin: origin}))
	if err != nil {
		t.Fatal(err)
	}
	if len(made.ID) != 16 || len(made.PublicKey) == 0 || made.Model != "00000000-0000-0000-0000-000000000000" || strings.Join(made.Transports, " ") != "internal hybrid" {
		t.Errorf("%+v", made)
	}
}

// Keycloak's default policy has the same demands, and finds the user by the handle.
func TestTheOptionsAskForADiscoverablePasskeyThatVerifiesItsUser(t *testing.T) {
	raw, err := ceremony().Options()
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Attestation            string
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
		PubKeyCredParams       []struct{ Alg int }
		User                   struct{ ID, Name string }
		RP                     struct{ ID, Name string }
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	if o.Attestation != "none" && o.Attestation != "" || o.AuthenticatorSelection.ResidentKey != "required" || o.AuthenticatorSelection.UserVerification != "required" {
		t.Errorf("%s", raw)
	}
	if o.User.ID != "MGIzZjNiM2UtOGQzYy00ZDVlLTlmNTctMGYzZjFiMmM0ZDVl" || o.User.Name != "o22502142" || o.RP.ID != "univ.example" || o.RP.Name != "Université" {
		t.Errorf("%s", raw)
	}
	if len(o.PubKeyCredParams) != 2 || o.PubKeyCredParams[0].Alg != -7 || o.PubKeyCredParams[1].Alg != -257 {
		t.Errorf("%s", raw)
	}
}

func TestAnAnswerThatIsNotForTheCeremonyIsRefused(t *testing.T) {
	for name, d := range map[string]passkeytest.Device{
		"another origin":        {Origin: "https://univ.example.evil.example"},
		"another relying party": {Origin: origin, RelyingParty: "evil.example"},
		"another challenge":     {Origin: origin, Challenge: "MDEyMzQ1Njc4OWFiY2RlZg"},
		"no verified user":      {Origin: origin, Unverified: true},
		"a login":               {Origin: origin, Type: "webauthn.get"},
	} {
		c := ceremony()
		if made, err := c.Check(register(t, c, d)); err == nil {
			t.Errorf("%s: accepted as %+v", name, made)
		}
	}
	whole := register(t, ceremony(), passkeytest.Device{Origin: origin})
	for _, broken := range [][]byte{nil, []byte("{}"), []byte("null"), whole[:len(whole)/2], []byte(strings.Replace(string(whole), "public-key", "password", 1))} {
		if made, err := ceremony().Check(broken); err == nil {
			t.Errorf("%s: accepted as %+v", broken, made)
		}
	}
}

func TestAPageRegistersPasskeysOfItsHostAndOfHostsAbove(t *testing.T) {
	for _, c := range []struct {
		origin, party string
		fits          bool
	}{
		{origin, "univ.example", true}, {origin, "mon-compte.univ.example", true}, {"http://localhost:8080", "localhost", true},
		{origin, "sso.univ.example", false}, {origin, "compte.univ.example", false}, {origin, "", false}, {origin, "niv.example", false}, {"", "univ.example", false},
	} {
		if passkey.Fits(c.origin, c.party) != c.fits {
			t.Errorf("%s and %q: %t", c.origin, c.party, !c.fits)
		}
	}
}

// Check returns a whole passkey or an error for every answer of a browser.
func FuzzCheck(f *testing.F) {
	c := ceremony()
	options, err := c.Options()
	if err != nil {
		f.Fatal(err)
	}
	answer, err := passkeytest.Device{Origin: origin}.Register(options)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		made, err := c.Check(answer)
		if err == nil && (len(made.ID) == 0 || len(made.PublicKey) == 0) {
			t.Errorf("%q is accepted as %+v", answer, made)
		}
	})
}
