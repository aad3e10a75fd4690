package audit

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Line is the JSON form of an entry, one per line. The field names are
// documented and must not change.
type Line struct {
	Seq     int64             `json:"seq"`
	At      time.Time         `json:"at"`
	Subject string            `json:"subject"`
	Name    string            `json:"name"`
	Role    string            `json:"role"`
	Act     string            `json:"act"`
	Whom    string            `json:"whom,omitempty"`
	From    string            `json:"from,omitempty"`
	What    map[string]string `json:"what,omitempty"`
	Erased  bool              `json:"erased,omitempty"` // the details were erased with the person
	Salt    string            `json:"salt,omitempty"`
	Digest  string            `json:"digest"`
	Prev    string            `json:"prev"`
	Hash    string            `json:"hash"`
}

// WriteJSON writes one entry as a line of JSON. The line contains all fields
// that its hash covers.
func WriteJSON(w io.Writer, l Link) error {
	return json.NewEncoder(w).Encode(Line{
		l.Seq, l.At, l.By.Subject, l.By.Name, l.By.Role, l.Act, l.Whom, l.From, l.What, l.Erased, l.Salt, l.Digest, l.Prev, l.Hash,
	})
}

// Header lists the columns of Cells.
var Header = []string{"seq", "at", "subject", "name", "role", "act", "whom", "from", "what", "hash"}

// Cells returns an entry as the cells of a table row.
func Cells(l Link) []string {
	return []string{
		strconv.FormatInt(l.Seq, 10), l.At.Format(time.RFC3339), l.By.Subject, l.By.Name, l.By.Role, l.Act, l.Whom, l.From, l.Details(), l.Hash,
	}
}

// Details returns the details of an entry as "name: value", sorted by name.
func (e Entry) Details() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.What)) {
		out = append(out, name+": "+e.What[name])
	}
	return strings.Join(out, "; ")
}
