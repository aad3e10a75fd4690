package domain

import "fmt"

// AccountRef names an account that exists. A store of accounts acts on it only if
// the account bears the mark ActivationID: an id or a login alone may belong to
// another person.
type AccountRef struct {
	ID           string // the store's own id: Person.AccountID
	ActivationID string
	Login        string
}

// AccountRef returns the reference of the person's account.
func (p Person) AccountRef() AccountRef {
	return AccountRef{ID: p.AccountID, ActivationID: p.ActivationID, Login: p.Login}
}

// Bar is the reason why the portal does not replace the password of an account.
type Bar string

// The bars. An account with one of them is left to the help desk.
const (
	BarGone       Bar = "gone"       // the account no longer exists
	BarForeign    Bar = "foreign"    // it does not bear the mark of the activation
	BarDisabled   Bar = "disabled"   // it is disabled or locked by an administrator
	BarFederated  Bar = "federated"  // its password belongs to another directory
	BarPrivileged Bar = "privileged" // it has a role of administration
	BarFactor     Bar = "factor"     // it has a second factor, and the mailbox is the only proof
	BarFrozen     Bar = "frozen"     // its recovery was stopped by the student or an operator
	BarAway       Bar = "away"       // the store of accounts did not answer before the deadline
)

// Standing is the state of an account before its password is replaced.
type Standing struct {
	Bar       Bar  // empty: the password may be replaced
	HasFactor bool // a one-time password, a security key, a passkey or recovery codes
}

// AccountBarred is the error of Accounts.SetPassword if the account has a bar.
type AccountBarred struct{ Bar Bar }

func (b *AccountBarred) Error() string {
	return fmt.Sprintf("the password of the account is not replaced: %s", b.Bar)
}
