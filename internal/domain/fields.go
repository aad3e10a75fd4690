package domain

import (
	"fmt"
	"reflect"
	"time"
)

// Person is one enrolment in the registry and the state of its account. Each
// field has a row in the table below.
type Person struct {
	ID         PersonID
	Profile    string // key of a Profile
	Number     string // student or staff number, unique within a profile
	INE        string // the national student number, in capitals; empty if unknown
	GivenName  string
	FamilyName string
	BirthDate  string  // ISO 8601, "2004-03-17"; empty if unknown
	Email      Address // the personal address in use
	Phone      string  // the mobile number of the source: a Phone
	Cohort     string
	Readiness  Readiness

	// ChosenEmail is the personal address that the student proved, or that an operator
	// set. It counts only while it equals Email. An import then leaves Email alone and
	// stores the address of the source in SourceEmail.
	ChosenEmail Address
	SourceEmail Address

	// ChosenPhone is the mobile number that the student proved, or PhoneNone if the
	// student wants none. It counts before Phone.
	ChosenPhone string

	// SecondEmail is a second personal address that the student proved. It counts
	// only while it differs from Email. No import changes it.
	SecondEmail Address

	// Login and UniversityAddress come from the source or are reserved by the
	// portal. Once set they never change and are never given to another person.
	Login             string
	UniversityAddress string

	Account      AccountState
	ActivationID string // set when the account's creation is ordered; Keycloak holds the same value
	AccountID    string // Keycloak's id of the user
	ActivatedAt  time.Time
	FirstLoginAt time.Time

	// PasswordJob is the job of the newest password that was chosen in a recovery.
	// An older job does nothing. It is cleared when an operator ends the stop of the
	// recovery.
	PasswordJob string
	// RecoveryFrozenAt is set while the student or an operator has stopped the
	// recovery of the account.
	RecoveryFrozenAt time.Time

	Hold string // why an operator stopped this person; empty: not stopped

	// Matching is MatchOpen while an account of the realm may belong to the
	// person: then no other account is created.
	Matching  MatchState
	MatchedAt time.Time // the first pass over the realm's accounts that included the person

	// WrongAddress is the personal address that a mail server refused, the first or the
	// second one.
	WrongAddress Address
	WrongWhy     string // the mail server's status
	WrongRule    string // id of the bounce rule that decided
	WrongSince   time.Time
	ErasedAt     time.Time // erased on request; no import fills the person again
	EraseAt      time.Time // when the data will be erased; until then the erasure can be taken back
}

// SourceRule is the treatment of a field when an import brings a known person again.
type SourceRule int

// The source rules.
const (
	SourceNever SourceRule = iota // the source does not have the field
	SourceKey                     // the field is part of the person's key
	SourceWins                    // the source's value replaces the stored one
	SourceFills                   // the source's value is taken only while none is stored
	SourceAside                   // the import fills it with a value of the source that it does not take
)

// Field is one row of the table of a person's fields. The store's columns, the
// import, an operator's edit, the export, the erasure and the attributes of the
// account are driven by it.
type Field struct {
	Name   string            // the column, and the field's name in the configuration
	Of     func(*Person) any // pointer to the value: a string type or time.Time
	Source SourceRule        //
	Erased bool              // emptied when the person is erased on request
	Export string            // key in the export of a person's data; empty: not exported
	// Attribute is the user attribute in Keycloak that holds the value; empty:
	// none, or one that package keycloak computes.
	Attribute string
}

var fields = []Field{
	{Name: "id", Of: func(p *Person) any { return &p.ID }, Source: SourceKey, Export: "id"},
	{Name: "profile", Of: func(p *Person) any { return &p.Profile }, Source: SourceKey, Export: "profile", Attribute: AttributeProfile},
	{Name: "number", Of: func(p *Person) any { return &p.Number }, Source: SourceKey, Export: "number"},
	{Name: "ine", Of: func(p *Person) any { return &p.INE }, Source: SourceWins, Erased: true, Export: "ine"},
	{Name: "given_name", Of: func(p *Person) any { return &p.GivenName }, Source: SourceWins, Erased: true, Export: "given_name"},
	{Name: "family_name", Of: func(p *Person) any { return &p.FamilyName }, Source: SourceWins, Erased: true, Export: "family_name"},
	{Name: "birth_date", Of: func(p *Person) any { return &p.BirthDate }, Source: SourceWins, Erased: true, Export: "birth_date", Attribute: "supannOIDCDateDeNaissance"},
	{Name: "email", Of: func(p *Person) any { return &p.Email }, Source: SourceWins, Erased: true, Export: "personal_address", Attribute: AttributeAddress},
	{Name: "chosen_email", Of: func(p *Person) any { return &p.ChosenEmail }, Erased: true, Export: "chosen_address"},
	{Name: "source_email", Of: func(p *Person) any { return &p.SourceEmail }, Source: SourceAside, Erased: true, Export: "address_of_source"},
	{Name: "phone", Of: func(p *Person) any { return &p.Phone }, Source: SourceWins, Erased: true, Export: "telephone"},
	{Name: "chosen_phone", Of: func(p *Person) any { return &p.ChosenPhone }, Erased: true, Export: "chosen_telephone"},
	{Name: "second_email", Of: func(p *Person) any { return &p.SecondEmail }, Erased: true, Export: "second_address"},
	{Name: "cohort", Of: func(p *Person) any { return &p.Cohort }, Source: SourceWins, Erased: true, Export: "cohort"},
	{Name: "readiness", Of: func(p *Person) any { return &p.Readiness }, Source: SourceWins, Export: "enrolment"},
	{Name: "login", Of: func(p *Person) any { return &p.Login }, Source: SourceFills, Export: "login"},
	{Name: "university_address", Of: func(p *Person) any { return &p.UniversityAddress }, Source: SourceFills, Export: "university_address"},
	{Name: "account", Of: func(p *Person) any { return &p.Account }, Export: "account"},
	{Name: "activation_id", Of: func(p *Person) any { return &p.ActivationID }, Erased: true},
	{Name: "account_id", Of: func(p *Person) any { return &p.AccountID }, Erased: true, Export: "account_id"},
	{Name: "activated_at", Of: func(p *Person) any { return &p.ActivatedAt }, Export: "activated_at"},
	{Name: "first_login_at", Of: func(p *Person) any { return &p.FirstLoginAt }, Export: "first_login_at"},
	{Name: "password_job", Of: func(p *Person) any { return &p.PasswordJob }, Erased: true},
	{Name: "recovery_frozen_at", Of: func(p *Person) any { return &p.RecoveryFrozenAt }, Export: "recovery_frozen_at"},
	{Name: "hold", Of: func(p *Person) any { return &p.Hold }, Erased: true, Export: "hold"},
	{Name: "wrong_address", Of: func(p *Person) any { return &p.WrongAddress }, Erased: true, Export: "wrong_address"},
	{Name: "wrong_why", Of: func(p *Person) any { return &p.WrongWhy }, Erased: true, Export: "wrong_address_why"},
	{Name: "wrong_rule", Of: func(p *Person) any { return &p.WrongRule }, Erased: true, Export: "wrong_address_rule"},
	{Name: "wrong_since", Of: func(p *Person) any { return &p.WrongSince }, Erased: true, Export: "wrong_address_since"},
	{Name: "matching", Of: func(p *Person) any { return &p.Matching }, Erased: true},
	{Name: "matched_at", Of: func(p *Person) any { return &p.MatchedAt }, Erased: true},
	{Name: "erase_at", Of: func(p *Person) any { return &p.EraseAt }, Erased: true, Export: "erase_at"},
	{Name: "erased_at", Of: func(p *Person) any { return &p.ErasedAt }, Export: "erased_at"},
}

// Fields returns the table of a person's fields. The caller must not change it.
func Fields() []Field { return fields }

// FieldNamed returns the field with a name, or the zero Field.
func FieldNamed(name string) Field {
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	return Field{}
}

// OfAccount reports whether an account in a directory may hold the field: the
// source or the portal sets it, and it is not the portal's own key or state.
func (f Field) OfAccount() bool {
	return f.Source != SourceNever && f.Source != SourceAside && f.Name != "id" && f.Name != "readiness"
}

// Text returns the value of a string field of p.
func (f Field) Text(p *Person) string {
	switch v := f.Of(p).(type) {
	case *string:
		return *v
	case *time.Time:
		panic(fmt.Sprintf("domain: the field %s is a time", f.Name))
	default:
		return reflect.ValueOf(v).Elem().String()
	}
}

// Exported returns the value of the field as the export of a person's data shows
// it: nil for a zero time.
func (f Field) Exported(p *Person) any {
	if t, ok := f.Of(p).(*time.Time); ok {
		if t.IsZero() {
			return nil
		}
		return *t
	}
	return f.Text(p)
}
