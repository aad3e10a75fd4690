package directory

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/domain"
)

// entry holds the attributes of an entry that the store reads.
type entry struct {
	dn, uuid string
	login    []string
	address  []string
	mark     string // id of the activation; empty: not the portal's
	created  time.Time
	all      map[string][]string
}

// found is the outcome of a search for an account.
type found struct {
	ours    *entry // the entry with the account's mark and login
	open    *entry // the person's entry of the enrolment, without a mark
	foreign bool   // any other entry has the login, the address or the number
}

// look searches for entries with an account's login, address or mark, and with the
// person's number if it matters: after a restored backup, and where the enrolment
// makes the entries.
func (s *Store) look(conn *ldap.Conn, a domain.Account) (found, error) {
	terms := []string{is(s.Login, a.Login), is(s.Address, a.UniversityAddress), is(s.MarkAttribute, s.mark(a))}
	number := s.numberTerm(a)
	if (a.Seek || s.Way == Activate) && number != "" {
		terms = append(terms, number)
	}
	entries, err := s.search(conn, s.Search, "(|"+strings.Join(terms, "")+")")
	if err != nil {
		return found{}, err
	}
	var f found
	for _, e := range entries {
		same := holds(e.login, a.Login)
		switch {
		case e.mark == a.ActivationID && same && f.ours == nil:
			f.ours = &e
		case s.Way == Activate && e.mark == "" && same && s.hasNumber(e, a) && f.open == nil:
			f.open = &e
		default:
			f.foreign = true
		}
	}
	return f, nil
}

// numbers returns the attributes that hold the person's number, with its value.
func (s *Store) numbers(a domain.Account) (out []Attribute) {
	for _, t := range s.Attributes {
		if slices.Contains([]string{"{number}", "{student_number}", "{staff_number}"}, t.Value) {
			if v := values(t.Value, a); len(v) == 1 {
				out = append(out, Attribute{t.Name, v[0]})
			}
		}
	}
	return out
}

// profile returns the attribute that holds the key of the profile, or an empty
// string if there is none. A search by number needs it, because two profiles may
// have the same number.
func (s *Store) profile() string {
	for _, t := range s.Attributes {
		if t.Value == "{profile}" {
			return t.Name
		}
	}
	return ""
}

// numberTerm returns the filter of entries with the person's number that are not
// of another profile; empty if no attribute holds a number.
func (s *Store) numberTerm(a domain.Account) string {
	var terms []string
	for _, n := range s.numbers(a) {
		terms = append(terms, is(n.Name, n.Value))
	}
	if len(terms) == 0 {
		return ""
	}
	if p := s.profile(); p != "" {
		terms = append(terms, "(|"+is(p, a.Profile)+"(!("+p+"=*)))")
	}
	return "(&" + strings.Join(terms, "") + ")"
}

// hasNumber reports whether numberTerm fits an entry.
func (s *Store) hasNumber(e entry, a domain.Account) bool {
	numbers := s.numbers(a)
	other := slices.ContainsFunc(numbers, func(n Attribute) bool { return !holds(e.all[strings.ToLower(n.Name)], n.Value) })
	profiles := e.all[strings.ToLower(s.profile())]
	return len(numbers) > 0 && !other && (len(profiles) == 0 || holds(profiles, a.Profile))
}

func holds(values []string, value string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) })
}

// is returns a filter term, or one that never matches if the value is empty.
func is(attribute, value string) string {
	if value == "" {
		return "(!(objectClass=*))"
	}
	return "(" + attribute + "=" + ldap.EscapeFilter(value) + ")"
}

// most is the number of entries that one search may return: enough for every
// conflict of one account.
const most = 20

// search returns the entries of a filter. A search that the directory cuts short
// is an error.
func (s *Store) search(conn *ldap.Conn, base, filter string) ([]entry, error) {
	names := s.names()
	result, err := conn.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, most, int(max(s.Timeout, time.Second)/time.Second), false, filter, names, nil))
	if err != nil {
		return nil, s.meaning("search "+base, err)
	}
	if len(result.Entries) == 0 && len(result.Referrals) > 0 {
		return nil, errors.New("directory: " + base + " is on another server: set directory.url to the server that holds it")
	}
	var out []entry
	for _, x := range result.Entries {
		out = append(out, s.entry(x))
	}
	return out, nil
}

// names returns the attributes that are read of an entry.
func (s *Store) names() []string {
	names := []string{"entryUUID", "createTimestamp", s.Login, s.Address, s.MarkAttribute, "pwdAccountLockedTime", "nsAccountLock", "pwdLastSuccess", "authTimestamp", attributePersonal, attributeBirth, "schacDateOfBirth"}
	add := func(name string) {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	for _, t := range s.Attributes {
		add(t.Name)
	}
	for _, name := range s.Numbers {
		add(name)
	}
	return names
}

// entry returns the part of an entry that the store reads.
func (s *Store) entry(x *ldap.Entry) entry {
	e := entry{dn: x.DN, uuid: x.GetEqualFoldAttributeValue("entryUUID"), login: x.GetEqualFoldAttributeValues(s.Login), address: x.GetEqualFoldAttributeValues(s.Address), all: map[string][]string{}}
	for _, v := range x.GetEqualFoldAttributeValues(s.MarkAttribute) {
		if id, ok := strings.CutPrefix(v, s.MarkPrefix); ok && id != "" {
			e.mark = id
		}
	}
	for _, v := range x.Attributes {
		e.all[strings.ToLower(v.Name)] = v.Values
	}
	e.created = instant(x.GetEqualFoldAttributeValue("createTimestamp"))
	return e
}

// instant returns a GeneralizedTime in UTC, or the zero time if it is none.
func instant(text string) time.Time {
	t, _ := time.Parse("20060102150405Z", text) // the fraction of a second is optional
	return t
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// errNoAccount is returned for an id that names no account with an entry.
var errNoAccount = errors.New("directory: the id is that of no account in the directory")

// byID returns the entry of an account's id. An id without an entry is a
// permanent error.
func (s *Store) byID(ctx context.Context, conn *ldap.Conn, id string) (entry, error) {
	uuid, isEntry := domain.EntryOf(id)
	if !isEntry && s.Realm != nil {
		var err error
		uuid, err = s.Realm.Entry(ctx, id)
		if domain.IsPermanent(err) {
			return entry{}, domain.Permanent(fmt.Errorf("%w: %w", errNoAccount, err))
		}
		if err != nil {
			return entry{}, err
		}
	}
	if !uuidForm.MatchString(uuid) {
		return entry{}, domain.Permanent(errNoAccount)
	}
	found, err := s.search(conn, s.Search, "(entryUUID="+uuid+")")
	if err != nil {
		return entry{}, err
	}
	if len(found) != 1 {
		return entry{}, domain.Permanent(errNoAccount)
	}
	return found[0], nil
}

// realmID returns Keycloak's id of the account with an entry. For the id of an entry it
// asks Keycloak, which imports the entry.
func (s *Store) realmID(ctx context.Context, id string, e entry) (string, error) {
	if _, isEntry := domain.EntryOf(id); !isEntry {
		return id, nil
	}
	return s.Realm.Imported(ctx, first(e.login), e.dn, e.uuid)
}
