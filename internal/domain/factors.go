package domain

import (
	"fmt"
	"slices"
	"time"
)

// Factor is a credential of an account besides its password: a passkey or a second
// factor.
type Factor struct {
	ID      string // in the store of accounts
	Kind    FactorKind
	Label   string    // chosen by the student or the device; may be empty
	Model   string    // AAGUID of a passkey's or security key's authenticator, as a UUID; may be empty
	Device  string    // name of the authenticator by its Model; empty: unknown
	AddedAt time.Time // zero: unknown
	Left    int       // unused codes, of FactorCodes
}

// FactorKind is the kind of a factor.
type FactorKind string

// The kinds of factors.
const (
	FactorPasskey FactorKind = "passkey" // logs in without a password
	FactorTOTP    FactorKind = "totp"    // the codes of an application
	FactorKey     FactorKind = "key"     // a security key, asked for after the password
	FactorCodes   FactorKind = "codes"   // recovery codes
	FactorOther   FactorKind = "other"   // of an extension of the store of accounts
)

// FactorKinds returns all kinds.
func FactorKinds() []FactorKind {
	return []FactorKind{FactorPasskey, FactorTOTP, FactorKey, FactorCodes, FactorOther}
}

// IsSecond reports whether a factor of this kind is asked for after a password. Recovery
// codes only stand in for such a factor.
func (k FactorKind) IsSecond() bool { return k == FactorTOTP || k == FactorKey || k == FactorOther }

// Protects reports whether a factor of this kind protects an account beyond its password:
// a passkey or a second factor.
func (k FactorKind) Protects() bool { return k == FactorPasskey || k.IsSecond() }

// HeldFactors are the credentials of an account.
type HeldFactors struct {
	HasPassword bool     // in the store of accounts, or in a directory below it
	List        []Factor // in the order in which they were added
}

// Find returns the factor with an id.
func (h HeldFactors) Find(id string) (Factor, bool) {
	i := slices.IndexFunc(h.List, func(f Factor) bool { return f.ID == id })
	if i < 0 {
		return Factor{}, false
	}
	return h.List[i], true
}

// HasSecond reports whether the account has a factor that is asked for after a password.
func (h HeldFactors) HasSecond() bool {
	return slices.ContainsFunc(h.List, func(f Factor) bool { return f.Kind.IsSecond() })
}

// Removal returns the factors that the removal of one factor takes away, or the reason
// for which it is refused. The list is empty if the account does not have the factor.
//
// Recovery codes go with the last second factor, since alone they would be asked for,
// and used up, at every login. The last way to log in stays, and where factors are
// required the last factor stays.
func (h HeldFactors) Removal(id string, required bool) (gone []Factor, refused Reason) {
	f, has := h.Find(id)
	if !has {
		return nil, ""
	}
	left := HeldFactors{HasPassword: h.HasPassword, List: slices.DeleteFunc(slices.Clone(h.List), func(o Factor) bool { return o.ID == id })}
	gone = []Factor{f}
	switch {
	case f.Kind == FactorPasskey && !left.HasPassword && !slices.Contains(left.Kinds(), FactorPasskey):
		return nil, ReasonFactorOnly
	case required && !slices.ContainsFunc(left.Kinds(), FactorKind.Protects) && f.Kind != FactorCodes:
		return nil, ReasonFactorRequired
	case f.Kind.IsSecond() && !left.HasSecond():
		for _, o := range left.List {
			if o.Kind == FactorCodes {
				gone = append(gone, o)
			}
		}
	}
	return gone, ""
}

// FactorDeclined is no factor: it says that a second factor was offered and declined for
// now.
const FactorDeclined FactorKind = "later"

// FactorNews is what the portal learned of the factors of a person's account: from an act
// of the person, or from the events of the store of accounts.
type FactorNews struct {
	Person PersonID
	At     time.Time
	Kinds  []FactorKind
	All    bool // the account has no other kinds
}

// FactorEvent is one change of an account's factors, as an event of the store of accounts
// reports it.
type FactorEvent struct {
	At         time.Time
	AccountID  string
	Kind       FactorKind
	Removed    bool   // not added
	Credential string // id of the removed factor; may be empty
}

// Key identifies the change among all of them. The removal of a factor has the same key
// if the portal made it (DropKey).
func (e FactorEvent) Key() string {
	if e.Removed && e.Credential != "" {
		return DropKey(e.Credential)
	}
	return fmt.Sprintf("%s/%s/%d/%t", e.AccountID, e.Kind, e.At.UnixMilli(), e.Removed)
}

// DropKey identifies the removal of a factor by its id.
func DropKey(factor string) string { return "removed/" + factor }

// FactorChange is the news that one factor was added or removed. The store commits its
// events and jobs once for its key: events of the store of accounts are read more than
// once and by every instance, and two acts may remove one factor.
type FactorChange struct {
	Key     string
	Person  PersonID
	Kind    FactorKind
	Removed bool // not added
	At      time.Time
	Events  []Event
	Jobs    []Job
}

// KeepFactorChange is how long the store keeps the key of a change: longer than an event
// of the store of accounts is read again, and than a removal is tried.
const KeepFactorChange = 8 * 24 * time.Hour

// Kinds returns the kinds of the factors, each once.
func (h HeldFactors) Kinds() (kinds []FactorKind) {
	for _, f := range h.List {
		if !slices.Contains(kinds, f.Kind) {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

// KnownFactor is a kind of factor that a person's account has, and since when the portal
// knows it.
type KnownFactor struct {
	Kind FactorKind
	At   time.Time
}

// MaxFactorLabel is the longest name of a factor, in characters.
const MaxFactorLabel = 40

// FactorDrop is the payload of a JobDrop.
type FactorDrop struct {
	ID   string // of the factor
	Kind FactorKind
	Lang Lang // of the notices
}

// The events of factors that students add and remove on the page of the account.
const (
	EventFactorAdded   EventKind = "person.factor_added"   // details: kind; by: ByAccounts and at
	EventFactorDropped EventKind = "person.factor_removed" // details: kind; factor (its id); by: ByAccounts
	EventFactorKept    EventKind = "person.factor_kept"    // details: why, a Reason or a Bar
	EventFactorLater   EventKind = "person.factor_later"   // offered after the first login, and declined for now
)

// ByAccounts as the detail "by" says that the factor was added or removed on a page of the
// store of accounts that the portal did not ask for. The detail "at" is then the time of
// an addition (RFC 3339); the time of the event is when the portal told it.
const ByAccounts = "accounts"

// JobDrop removes one factor that a student does not want any more. Its payload is a
// FactorDrop.
const JobDrop = "factor_drop"

// JobFactorNews sends the notices of a factor that was added on a page of the store of
// accounts, unless a page of the portal recorded it. Its payload is a FactorAddition.
const JobFactorNews = "factor_news"

// FactorAddition is the payload of a JobFactorNews.
type FactorAddition struct {
	Kind FactorKind
	At   time.Time
}
