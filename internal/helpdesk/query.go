package helpdesk

import (
	"encoding/base64"
	"encoding/json"

	"entree/internal/domain"
)

// Enough is how many people are counted and sorted at most where filters find
// them, and EnoughWords where words do. Among more the filters are walked along
// the order; whoever's words find more has not said enough to find anybody.
const (
	Enough      = 5000
	EnoughWords = 1000
)

// PageSize is how many people stand on a page.
const PageSize = 50

// Sort is what a list is ordered by.
type Sort string

// The orders there are.
const (
	ByName       Sort = "name" // family name, given name, number
	ByNumber     Sort = "number"
	ByActivation Sort = "activation" // when the account was activated
)

// Query is what somebody looks for. Empty fields ask for nothing.
type Query struct {
	Words   string // beginnings of words, in any order: names, number, identifier, addresses
	State   domain.PersonState
	Profile string
	Cohort  string
	Wrong   bool // the personal address was found wrong
	Sort    Sort
	Down    bool // the last one first
	From    Cursor
}

// Cursor is where a page begins: after a row, or before it. A list that is
// paged so skips nobody and shows nobody twice while people come and go.
type Cursor struct {
	Key    string `json:"k,omitempty"` // of the order; times as integers
	ID     string `json:"i,omitempty"`
	Before bool   `json:"b,omitempty"`
}

// String writes a cursor into an address; empty for the beginning.
func (c Cursor) String() string {
	if c.ID == "" {
		return ""
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return "" // three plain fields always marshal
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseCursor reads one back. What is no cursor is the beginning.
func ParseCursor(s string) Cursor {
	var c Cursor
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return Cursor{}
	}
	return c
}

// Page is one page of a list.
type Page struct {
	People []domain.Person
	Count  int  // of all that fit, up to Enough
	More   bool // there are more than Count
	// Loose says that the words alone fit more than Enough people: these are
	// some of them, and one more word is needed.
	Loose      bool
	Prev, Next Cursor // zero: there is none
}
