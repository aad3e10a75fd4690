package activation

import (
	"errors"

	"entree/secret"
)

// ErrExpired says that a journey's idle or absolute limit is over.
var ErrExpired = errors.New("activation: journey expired")

// Request asks for a journey, with what was typed, as it was typed.
type Request struct {
	Profile string
	Address string
	Lang    Lang
	Client  string // the network that asks, for the limits
}

// Answers is the second proof. BirthDate is ISO 8601.
type Answers struct {
	BirthDate string
	Number    string
}

// Phrase is a suggestion of the generator. Unit and Count say how long it
// holds: ("century", 3).
type Phrase struct {
	Text  secret.Text
	Words []string
	Bits  float64
	Unit  string
	Count int
}

// PasswordRules are the numbers that a password is held to; 0: not asked for.
type PasswordRules struct {
	Length, MaxLength, Upper, Lower, Digits, Special int
}
