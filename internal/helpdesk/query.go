package helpdesk

import (
	"encoding/base64"
	"encoding/json"

	"entree/internal/domain"
)

// Enough is the maximum number of people that are counted and sorted for a
// query with filters, EnoughWords for a query with words. A filter with more
// matches is read along the index of the sort order. A query whose words have
// more matches shows some of them and asks for another word.
const (
	Enough      = 5000
	EnoughWords = 1000
)

// PageSize is the number of people on a page.
const PageSize = 50

// Sort is the order of a list.
type Sort string

// The orders of a list.
const (
	ByName       Sort = "name" // family name, given name, number
	ByNumber     Sort = "number"
	ByActivation Sort = "activation" // when the account was activated
)

// Query is a search for people. An empty field does not restrict the result.
type Query struct {
	Words   string // prefixes of words, in any order: names, number, identifier, addresses
	State   domain.PersonState
	Profile string
	Cohort  string
	Wrong   bool // the personal address is marked as wrong
	Sort    Sort
	Down    bool // descending order
	From    Cursor
}

// Cursor is the position at which a page begins: after a row, or before it.
// Pages by row and not by number neither skip nor repeat people when rows are
// added or removed.
type Cursor struct {
	Key    string `json:"k,omitempty"` // value of the sort column; times as integers
	ID     string `json:"i,omitempty"`
	Before bool   `json:"b,omitempty"`
}

// String encodes a cursor for a URL; the beginning is the empty string.
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

// ParseCursor decodes a cursor. Invalid input is the beginning of the list.
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
	Count  int  // number of all matches, Enough at most
	More   bool // whether there are more than Count matches
	// Loose reports that the words alone have more than Enough matches: the page
	// shows some of them and asks for another word.
	Loose bool
	// Near holds the people who match nearly, the most similar first: with a word
	// spelled differently, or with a piece of the number or of an address. It is
	// filled only if all matches are on one page.
	Near       []domain.Person
	Prev, Next Cursor // zero: no such page
}
