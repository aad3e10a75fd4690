package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/domain"
	"entree/internal/ldapconn"
)

// Without a Keycloak, the accounts that people are compared with are the entries of the
// directory.

// readPage is the number of entries in one page.
const readPage = 500

// The attributes under which the comparison of people with accounts expects a personal
// address and a birth date.
const (
	attributePersonal = "supannMailPerso"
	attributeBirth    = "supannOIDCDateDeNaissance"
)

// pages calls see with the entries of a filter below the branch, page by page.
func (s *Store) pages(ctx context.Context, filter string, attributes []string, see func(*ldap.Conn, []*ldap.Entry) error) error {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	p := ldapconn.Pages{Conn: conn, Base: s.Search, Filter: filter, Attributes: attributes, Size: readPage, Timeout: max(s.Timeout, time.Second)}
	for read := 0; ; {
		page, more, err := p.Next()
		if err != nil {
			return fmt.Errorf("directory: %s, after %d entries: %w", s.URL, read, err)
		}
		if !more {
			break
		}
		read += len(page)
		if err := see(conn, page); err != nil {
			return err
		}
	}
	if len(p.Referrals) > 0 {
		return fmt.Errorf("directory: a part of %s is on another server, %s: its entries were not read; set directory.search_base to a branch that this server holds", s.Search, p.Referrals[0])
	}
	return nil
}

// people is the filter of the entries that have a login.
func (s *Store) people() string { return "(" + s.Login + "=*)" }

// Count returns the number of accounts that Each sees. It reads the ids of all entries:
// LDAP cannot count.
func (s *Store) Count(ctx context.Context) (n int, err error) {
	err = s.pages(ctx, s.people(), []string{"entryUUID"}, func(conn *ldap.Conn, page []*ldap.Entry) error {
		open, err := s.open(conn, page)
		n += len(page) - len(open)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Each calls see with all accounts, in pages: the entries with a login, and in the way
// Activate with a password.
func (s *Store) Each(ctx context.Context, see func([]domain.Existing) error) error {
	return s.pages(ctx, s.people(), s.names(), func(conn *ldap.Conn, page []*ldap.Entry) error {
		open, err := s.open(conn, page)
		if err != nil {
			return err
		}
		var some []domain.Existing
		for _, x := range page {
			if e := s.entry(x); e.uuid != "" && !open[strings.ToLower(e.uuid)] {
				some = append(some, s.existing(e))
			}
		}
		return see(some)
	})
}

// open returns the UUIDs, in lower case, of the entries that wait for an activation:
// in the way Activate those without a password. The portal's least rights let it see
// that an entry has no password, and never that an entry has one.
func (s *Store) open(conn *ldap.Conn, page []*ldap.Entry) (map[string]bool, error) {
	if s.Way != Activate || len(page) == 0 {
		return nil, nil
	}
	var terms strings.Builder
	for _, x := range page {
		if uuid := x.GetEqualFoldAttributeValue("entryUUID"); uuidForm.MatchString(uuid) {
			terms.WriteString("(entryUUID=" + uuid + ")")
		}
	}
	filter := "(&(!(userPassword=*))(!(" + s.MarkAttribute + "=" + ldap.EscapeFilter(s.MarkPrefix) + "*))(|" + terms.String() + "))"
	result, err := conn.Search(ldap.NewSearchRequest(s.Search, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, int(max(s.Timeout, time.Second)/time.Second), false, filter, []string{"entryUUID"}, nil))
	if err != nil {
		return nil, s.meaning("search the entries without a password", err)
	}
	out := map[string]bool{}
	for _, x := range result.Entries {
		out[strings.ToLower(x.GetEqualFoldAttributeValue("entryUUID"))] = true
	}
	return out, nil
}

// existing returns an entry as an account that people are compared with.
func (s *Store) existing(e entry) domain.Existing {
	x := domain.Existing{
		ID: e.uuid, Login: first(e.login), Address: first(e.address), GivenName: first(e.all[strings.ToLower(s.attributeOf("given_name", "givenName"))]), FamilyName: first(e.all[strings.ToLower(s.attributeOf("family_name", "sn"))]),
		Enabled: len(e.all["pwdaccountlockedtime"]) == 0 && !holds(e.all["nsaccountlock"], "true"), CreatedAt: e.created, LastLogin: e.lastBind(), Attributes: map[string][]string{}, Mark: e.mark,
	}
	for _, name := range s.names() {
		if v := e.all[strings.ToLower(name)]; len(v) > 0 && !slices.Contains(operational, name) {
			x.Attributes[name] = v
		}
	}
	if v := e.all[strings.ToLower(s.attributeOf("email", attributePersonal))]; len(v) > 0 {
		x.Attributes[attributePersonal] = v
	}
	for _, name := range []string{s.attributeOf("birth_date", attributeBirth), attributeBirth, "schacDateOfBirth"} {
		if v := e.all[strings.ToLower(name)]; len(v) > 0 {
			x.Attributes[attributeBirth] = []string{day(v[0])}
			break
		}
	}
	return x
}

// operational lists the attributes that Existing holds in fields of its own.
var operational = []string{"entryUUID", "createTimestamp", "pwdAccountLockedTime", "nsAccountLock", "pwdLastSuccess", "authTimestamp"}

// attributeOf returns the attribute whose template is one field alone, or else.
func (s *Store) attributeOf(field, or string) string {
	for _, t := range s.Attributes {
		if t.Value == "{"+field+"}" {
			return t.Name
		}
	}
	return or
}

// day returns a date as the registry writes it. Directories also write 20040317, or a
// GeneralizedTime.
func day(text string) string {
	text = strings.TrimSpace(text)
	if len(text) >= 8 && strings.Trim(text[:8], "0123456789") == "" {
		if t, err := time.Parse("20060102", text[:8]); err == nil {
			return t.Format(time.DateOnly)
		}
	}
	return text
}

// lastBind returns the last successful bind that the overlay lastbind, or OpenLDAP's
// own lastbind, recorded; zero without one.
func (e entry) lastBind() time.Time {
	for _, name := range []string{"pwdlastsuccess", "authtimestamp"} {
		if at := instant(first(e.all[name])); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// Binds returns the last successful bind of the accounts with these ids, as far as the
// directory records and shows it. It asks for at most readPage ids at once.
func (s *Store) Binds(ctx context.Context, ids []string) (map[string]time.Time, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return nil, s.meaning("connect", err)
	}
	defer release()
	out := map[string]time.Time{}
	for some := range slices.Chunk(ids, readPage) {
		var terms strings.Builder
		for _, id := range some {
			if uuidForm.MatchString(id) {
				terms.WriteString("(entryUUID=" + id + ")")
			}
		}
		if terms.Len() == 0 {
			continue
		}
		filter := "(&(|(pwdLastSuccess=*)(authTimestamp=*))(|" + terms.String() + "))"
		result, err := conn.Search(ldap.NewSearchRequest(s.Search, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, int(max(s.Timeout, time.Second)/time.Second), false, filter, []string{"entryUUID", "pwdLastSuccess", "authTimestamp"}, nil))
		if err != nil {
			return nil, s.meaning("read the last binds", err)
		}
		for _, x := range result.Entries {
			if e := s.entry(x); !e.lastBind().IsZero() {
				out[e.uuid] = e.lastBind()
			}
		}
	}
	return out, nil
}

// Account returns the account with an id, or domain.ErrNotFound.
func (s *Store) Account(ctx context.Context, id string) (domain.Existing, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return domain.Existing{}, s.meaning("connect", err)
	}
	defer release()
	e, err := s.byID(ctx, conn, id)
	if errors.Is(err, errNoAccount) {
		return domain.Existing{}, domain.ErrNotFound
	}
	if err != nil {
		return domain.Existing{}, err
	}
	return s.existing(e), nil
}

// Mark writes the portal's mark into an account and changes nothing else. It returns
// domain.ErrForeignAccount, marked permanent, if the account has another mark.
func (s *Store) Mark(ctx context.Context, id, activationID string) error {
	if activationID == "" {
		return domain.Permanent(fmt.Errorf("directory: no activation for the mark of %q", id))
	}
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	e, err := s.byID(ctx, conn, id)
	if err != nil {
		return err
	}
	return s.addMark(conn, e, activationID)
}
