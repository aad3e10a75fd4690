package accountstest

import (
	"crypto/rand"
	"errors"
	"testing"

	"entree/internal/domain"
)

// PasskeySubject is a store of accounts that takes passkeys.
type PasskeySubject struct {
	domain.Accounts
	domain.Passkeys
	// Credentials returns the label of each passkey of an account, and whether the
	// account has a password.
	Credentials func(t *testing.T, id string) (passkeys []string, password bool)
}

// key is a public key on P-256 as a COSE key.
func key() domain.Passkey {
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	point := make([]byte, 64)
	_, _ = rand.Read(point)
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[:32]...)
	cose = append(append(cose, 0x22, 0x58, 32), point[32:]...)
	return domain.Passkey{Label: "Téléphone", Model: "fbfc3007-154e-4ecc-8c0b-6e020557d7bd", ID: id, PublicKey: cose, Transports: []string{"internal", "hybrid"}}
}

// RunPasskeys tests a subject whose realm accepts passkeys of the host party.
func RunPasskeys(t *testing.T, s PasskeySubject, party string) {
	made := func(t *testing.T) domain.AccountRef {
		t.Helper()
		a := New()
		a.Credential = domain.Credential{}
		id, err := s.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		return domain.AccountRef{ID: id, ActivationID: a.ActivationID, Login: a.Login}
	}
	t.Run("the realm says to which host passkeys belong", func(t *testing.T) {
		if got, err := s.RelyingParty(t.Context()); err != nil || got != party {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("an account without a password gets a passkey, once", func(t *testing.T) {
		ref, p := made(t), key()
		for range 2 {
			if err := s.AddPasskey(t.Context(), ref, p); err != nil {
				t.Fatal(err)
			}
		}
		passkeys, password := s.Credentials(t, ref.ID)
		if len(passkeys) != 1 || passkeys[0] != p.Label || password {
			t.Errorf("%q, a password: %t", passkeys, password)
		}
		if standing, err := s.Standing(t.Context(), ref); err != nil || standing.Bar != "" || !standing.HasFactor {
			t.Errorf("%+v, %v", standing, err)
		}
	})
	t.Run("the password of such an account can be chosen later, with another proof", func(t *testing.T) {
		ref := made(t)
		if err := s.SetPassword(t.Context(), ref, New().Credential, false); err != nil {
			t.Fatal(err)
		}
		if passkeys, password := s.Credentials(t, ref.ID); len(passkeys) != 0 || !password {
			t.Errorf("%q, a password: %t", passkeys, password)
		}
		ref = made(t)
		if err := s.AddPasskey(t.Context(), ref, key()); err != nil {
			t.Fatal(err)
		}
		var barred *domain.AccountBarred
		if err := s.SetPassword(t.Context(), ref, New().Credential, false); !errors.As(err, &barred) || barred.Bar != domain.BarFactor {
			t.Errorf("the mailbox alone replaces a passkey: %v", err)
		}
		if err := s.SetPassword(t.Context(), ref, New().Credential, true); err != nil {
			t.Fatal(err)
		}
		if passkeys, password := s.Credentials(t, ref.ID); len(passkeys) != 1 || !password {
			t.Errorf("%q, a password: %t", passkeys, password)
		}
	})
	t.Run("S42 an account of another origin gets none", func(t *testing.T) {
		ref := made(t)
		ref.ActivationID = "another"
		var barred *domain.AccountBarred
		if err := s.AddPasskey(t.Context(), ref, key()); !errors.As(err, &barred) || !domain.IsPermanent(err) {
			t.Errorf("%v", err)
		}
		if passkeys, _ := s.Credentials(t, ref.ID); len(passkeys) != 0 {
			t.Errorf("%q", passkeys)
		}
		ref.ID = "00000000-0000-4000-8000-000000000000"
		if err := s.AddPasskey(t.Context(), ref, key()); !errors.As(err, &barred) || barred.Bar != domain.BarGone {
			t.Errorf("%v", err)
		}
	})
}
