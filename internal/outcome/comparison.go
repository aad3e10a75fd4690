package outcome

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"entree/internal/domain"
	"entree/internal/matching"
)

// Comparison is the outcome of one comparison of people with the accounts of the
// realm.
type Comparison struct {
	Pass    domain.MatchPass
	Adopted *matching.Adopted // nil if nothing was to be adopted
	// EachOpen calls see with the open matches and their people, class by class, at
	// most limit of each class, or all if limit is negative.
	EachOpen func(limit int, see func(domain.Match, domain.Person) error) error
}

// comparisonDocument is the JSON form of a Comparison without its last field, matches,
// which is a list of matchDocument.
type comparisonDocument struct {
	Pass    passDocument      `json:"pass"`
	Adopted *matching.Adopted `json:"adopted,omitempty"`
}

type passDocument struct {
	Accounts      int     `json:"accounts"`
	People        int     `json:"people"`
	Own           int     `json:"accounts_of_people"`
	Certain       int     `json:"certain"`
	Likely        int     `json:"likely"`
	Contradictory int     `json:"contradictory"`
	NoAccount     int     `json:"people_without_match"`
	NoPerson      int     `json:"accounts_without_match"`
	Seconds       float64 `json:"seconds"`
}

type matchDocument struct {
	Class    domain.MatchClass `json:"class"`
	Person   domain.PersonID   `json:"person"`
	Profile  string            `json:"profile"`
	Number   string            `json:"number"`
	Account  string            `json:"account"`
	Login    string            `json:"login"`
	Evidence []domain.Evidence `json:"evidence"`
}

// WriteJSON prints the comparison as one JSON object with all open matches. It holds
// one match in memory.
func (c Comparison) WriteJSON(out io.Writer) error {
	p := c.Pass
	head, err := json.Marshal(comparisonDocument{
		Pass:    passDocument{p.Accounts, p.People, p.Own, p.Certain, p.Likely, p.Contradictory, p.NoAccount, p.NoPerson, p.Ended.Sub(p.Begun).Seconds()},
		Adopted: c.Adopted,
	})
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, `%s,"matches":[`, bytes.TrimSuffix(head, []byte("}")))
	separator := ""
	err = c.EachOpen(-1, func(m domain.Match, p domain.Person) error {
		line, err := json.Marshal(matchDocument{m.Class, m.Person, p.Profile, p.Number, m.Account, m.Login, m.Evidence})
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n%s", separator, line)
		}
		separator = ","
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "]}")
	return w.Flush()
}

// WriteText prints the comparison with the first show open matches of each class, or
// all if show is negative.
func (c Comparison) WriteText(out io.Writer, show int) error {
	p := c.Pass
	fmt.Fprintf(out, "%d accounts and %d people without an account were compared in %.0f s; %d accounts belong to people already\n\n", p.Accounts, p.People, p.Ended.Sub(p.Begun).Seconds(), p.Own)
	class := domain.MatchClass("")
	err := c.EachOpen(show, func(m domain.Match, p domain.Person) error {
		if m.Class != class {
			class = m.Class
			fmt.Fprintln(out, class)
		}
		words := make([]string, len(m.Evidence))
		for i, e := range m.Evidence {
			words[i] = strings.ReplaceAll(string(e), "_", " ")
		}
		_, err := fmt.Fprintf(out, "  %s %s → %s: %s\n", p.Profile, cmp.Or(p.Number, string(m.Person)), m.Login, strings.Join(words, ", "))
		return err
	})
	if err != nil {
		return err
	}
	if class != "" {
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "people: %d certain, %d likely, %d contradictory, %d without a match; accounts without a person: %d\n",
		p.Certain, p.Likely, p.Contradictory, p.NoAccount, p.NoPerson)
	switch {
	case c.Adopted != nil:
		fmt.Fprintf(out, "adopted: %d", c.Adopted.Adopted)
		if n := c.Adopted.Refused + c.Adopted.Changed; n > 0 {
			fmt.Fprintf(out, "; %d were not: their login is taken, or they changed meanwhile", n)
		}
		fmt.Fprintln(out)
	case p.Certain > 0:
		fmt.Fprintln(out, "no account was changed; `entree accounts apply` adopts the certain ones")
	default:
		fmt.Fprintln(out, "no account was changed")
	}
	if p.Likely+p.Contradictory > 0 {
		fmt.Fprintln(out, "the likely and the contradictory ones are decided in the console, under Existing accounts")
	}
	return nil
}
