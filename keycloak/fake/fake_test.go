package fake_test

import (
	"testing"

	"entree/internal/accountstest"
	"entree/internal/domain"
	"entree/keycloak/fake"
)

func TestContract(t *testing.T) {
	f := fake.New()
	subject := accountstest.Subject{
		Accounts: f,
		Occupy:   func(_ *testing.T, login, email string) { f.Occupy(login, email) },
		Untouched: func(t *testing.T, login string) {
			if a, ok := f.Get(login); !ok || a.ActivationID != "" {
				t.Errorf("the account is %+v", a)
			}
		},
		Attributes: func(_ *testing.T, login string) (string, string, string) {
			a, _ := f.Get(login)
			return a.CharterVersion, a.Number, a.Attributes[domain.AttributeAddress]
		},
		Count: func(_ *testing.T, login string) int {
			if _, ok := f.Get(login); ok {
				return 1
			}
			return 0
		},
	}
	accountstest.Run(t, subject)
	accountstest.RunConflicts(t, subject, f)
	accountstest.RunPasskeys(t, accountstest.PasskeySubject{Accounts: f, Passkeys: f, Credentials: func(_ *testing.T, id string) (labels []string, password bool) {
		passkeys, password := f.Passkeys(id)
		for _, p := range passkeys {
			labels = append(labels, p.Label)
		}
		return labels, password
	}}, "univ.example")
}
