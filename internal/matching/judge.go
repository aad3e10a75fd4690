package matching

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"entree/internal/domain"
	"entree/internal/naming"
)

// Rules say what the attributes of accounts mean, and what makes a match certain.
type Rules struct {
	// Numbers maps an attribute that holds a number to the profiles whose people
	// have it; none: all profiles.
	Numbers map[string][]string
	// Certain lists the reasons of which one makes a match certain.
	Certain []domain.Evidence
}

// Attributes of the accounts that the comparison reads beside the numbers.
const (
	attributePersonal = "supannMailPerso"
	attributeBirth    = "supannOIDCDateDeNaissance"
)

// account is the part of an account that is compared, in the form in which it is
// compared.
type account struct {
	Login    string              `json:"l,omitempty"`
	Mails    []string            `json:"m,omitempty"` // the account's address first
	Given    []string            `json:"g,omitempty"` // words
	Family   []string            `json:"f,omitempty"`
	Birth    string              `json:"b,omitempty"`
	Mark     string              `json:"k,omitempty"`
	Numbers  map[string][]string `json:"n,omitempty"` // by attribute
	Disabled bool                `json:"d,omitempty"`
}

// fold returns a value in the form in which it is compared: without case and
// surrounding spaces.
func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// index returns the entry of an account in the index.
func (r Rules) index(x domain.Existing) (domain.MatchAccount, error) {
	a := account{
		Login: fold(x.Login), Given: naming.Words(x.GivenName), Family: naming.Words(x.FamilyName), Mark: x.Mark, Disabled: !x.Enabled,
		Numbers: map[string][]string{},
	}
	keys := map[string]bool{}
	for _, mail := range append([]string{x.Address}, x.Attributes[attributePersonal]...) {
		a.Mails = append(a.Mails, fold(mail))
		keys["mail:"+fold(mail)] = mail != ""
	}
	for name := range r.Numbers {
		for _, v := range x.Attributes[name] {
			if v = fold(v); v != "" {
				a.Numbers[name] = append(a.Numbers[name], v)
				keys[domain.MatchKeyNumber+v] = true
			}
		}
	}
	for _, v := range x.Attributes[attributeBirth] {
		a.Birth = strings.TrimSpace(v)
		keys["born:"+a.Birth] = a.Birth != ""
	}
	keys["login:"+a.Login] = a.Login != ""
	keys["mark:"+a.Mark] = a.Mark != ""
	doc, err := json.Marshal(a)
	out := domain.MatchAccount{ID: x.ID, Entry: x.Entry, Doc: doc}
	for k, is := range keys {
		if is {
			out.Keys = append(out.Keys, k)
		}
	}
	return out, err
}

// keysOf returns the keys under which an account of the person can be found.
func keysOf(p domain.Person) []string {
	var out []string
	for _, k := range []struct{ kind, value string }{
		{domain.MatchKeyNumber, p.Number}, {"login:", p.Login}, {"mail:", p.UniversityAddress}, {"mail:", string(p.Email)}, {"born:", p.BirthDate}, {"mark:", p.ActivationID},
	} {
		if value := fold(k.value); value != "" {
			out = append(out, k.kind+value)
		}
	}
	return out
}

// judge compares a person with an account. ok is false if they have nothing in
// common that matters, or if it is another person's account by its values. owner is
// the person to whom the account belongs, empty if to none.
func (r Rules) judge(p domain.Person, id string, a account, owner domain.PersonID) (m domain.Match, ok bool) {
	m = domain.Match{Person: p.ID, Account: id, Login: a.Login, State: domain.MatchOpen}
	if len(a.Mails) > 0 {
		m.Address = a.Mails[0]
	}
	is := func(e domain.Evidence, holds bool) bool {
		if holds {
			m.Evidence = append(m.Evidence, e)
		}
		return holds
	}
	mark := is(domain.EvidenceMark, a.Mark != "" && a.Mark == p.ActivationID)
	same, differs := r.number(p, a)
	is(domain.EvidenceNumber, same)
	login := is(domain.EvidenceLogin, a.Login != "" && a.Login == fold(p.Login))
	address := is(domain.EvidenceAddress, p.UniversityAddress != "" && len(a.Mails) > 0 && a.Mails[0] == fold(p.UniversityAddress))
	is(domain.EvidencePersonal, p.Email != "" && slices.Contains(a.Mails, fold(string(p.Email))))
	born := p.BirthDate != "" && a.Birth == p.BirthDate
	given, family := naming.Words(p.GivenName), naming.Words(p.FamilyName)
	is(domain.EvidenceNames, born && agree(given, family, a))
	if len(m.Evidence) == 0 {
		return m, false
	}
	strangers := strange(given, family, a)
	otherBirth := p.BirthDate != "" && a.Birth != "" && !born
	is(domain.AgainstNumber, differs)
	is(domain.AgainstNames, strangers)
	is(domain.AgainstBirth, otherBirth)
	is(domain.AgainstDisabled, a.Disabled)
	owned := is(domain.AgainstOwned, owner != "" && owner != p.ID)
	contradicted := differs || strangers || otherBirth
	strong := mark || same || login || address
	switch {
	case !strong && (contradicted || owned):
		return m, false // relatives share a mailbox, and people a birthday
	case owned, (login || address) && !mark && !same && contradicted:
		m.Class = domain.MatchContradictory
	case contradicted && !mark, a.Disabled && !mark, !r.isCertain(m.Evidence):
		m.Class = domain.MatchLikely
	default:
		m.Class = domain.MatchCertain
	}
	return m, true
}

func (r Rules) isCertain(found []domain.Evidence) bool {
	return slices.ContainsFunc(r.Certain, func(e domain.Evidence) bool { return slices.Contains(found, e) })
}

// number reports whether one of the account's numbers is the person's, and whether
// the account has numbers for people of this profile and all are others'.
func (r Rules) number(p domain.Person, a account) (same, differs bool) {
	for name, values := range a.Numbers {
		if profiles := r.Numbers[name]; p.Number == "" || len(profiles) > 0 && !slices.Contains(profiles, p.Profile) {
			continue
		}
		if slices.Contains(values, fold(p.Number)) {
			return true, false
		}
		differs = true
	}
	return false, differs
}

// agree reports whether a given name and a family name are those of the account,
// as far as they are written there: one word of each suffices, since people have
// several given names and change a family name's parts.
func agree(given, family []string, a account) bool {
	return share(given, a.Given) && share(family, a.Family) || share(given, a.Family) && share(family, a.Given)
}

// strange reports whether the names have no word in common. Names that are missing
// are not strange.
func strange(given, family []string, a account) bool {
	mine, theirs := slices.Concat(given, family), slices.Concat(a.Given, a.Family)
	return len(mine) > 0 && len(theirs) > 0 && !share(mine, theirs)
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(w string) bool { return slices.Contains(b, w) })
}

// matchesOf returns the matches of a person among the accounts that were found
// under the person's keys, in a fixed order.
func (r Rules) matchesOf(p domain.Person, found map[string][]domain.MatchAccount, owners map[string]domain.PersonID) ([]domain.Match, error) {
	var out []domain.Match
	seen := map[string]bool{}
	for _, key := range keysOf(p) {
		for _, f := range found[key] {
			if seen[f.ID] {
				continue
			}
			seen[f.ID] = true
			var a account
			if err := json.Unmarshal(f.Doc, &a); err != nil {
				return nil, err
			}
			if m, ok := r.judge(p, f.ID, a, owners[f.ID]); ok {
				out = append(out, m)
			}
		}
	}
	slices.SortFunc(out, func(a, b domain.Match) int { return cmp.Compare(a.Account, b.Account) })
	return out, nil
}
