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

// Line is an entry as JSON, one a line. The names are those of the record's
// documentation and stay.
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
	Erased  bool              `json:"erased,omitempty"` // the details went with a person
	Salt    string            `json:"salt,omitempty"`
	Digest  string            `json:"digest"`
	Prev    string            `json:"prev"`
	Hash    string            `json:"hash"`
}

// WriteJSON writes one entry as a line of JSON. What is needed to compute its
// hash again is in it.
func WriteJSON(w io.Writer, l Link) error {
	return json.NewEncoder(w).Encode(Line{
		l.Seq, l.At, l.By.Subject, l.By.Name, l.By.Role, l.Act, l.Whom, l.From, l.What, l.Erased, l.Salt, l.Digest, l.Prev, l.Hash,
	})
}

// Header are the columns of Cells.
var Header = []string{"seq", "at", "subject", "name", "role", "act", "whom", "from", "what", "hash"}

// Cells gives one entry as the cells of a table.
func Cells(l Link) []string {
	return []string{
		strconv.FormatInt(l.Seq, 10), l.At.Format(time.RFC3339), l.By.Subject, l.By.Name, l.By.Role, l.Act, l.Whom, l.From, l.Details(), l.Hash,
	}
}

// Details gives what an entry tells beside, as "name: value" in the order of
// the names.
func (e Entry) Details() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.What)) {
		out = append(out, name+": "+e.What[name])
	}
	return strings.Join(out, "; ")
}
