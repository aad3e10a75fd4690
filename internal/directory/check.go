package directory

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Finding is something that the directory lacks: what it is, why it matters, and
// what to do.
type Finding struct{ What, Why, Do string }

// Check returns what keeps the portal from making accounts: the bind, the branch,
// the schema, the groups, the assertion control and the scheme of the passwords,
// which it proves by a probe entry.
func (s *Store) Check(ctx context.Context, scheme string) []Finding {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return []Finding{{"the directory " + s.URL + " cannot be used", s.meaning("connect", err).Error(), "check directory.url, ca, bind_dn and its password"}}
	}
	defer release()
	var found []Finding
	branches := map[string]string{"base": s.Base, "probe": s.Probe, "policy": s.Policy}
	if s.Search != s.Base {
		branches["search_base"] = s.Search
	}
	for key, dn := range branches {
		if dn != "" && !there(conn, dn) {
			found = append(found, Finding{"the directory has no entry " + dn, "directory." + key + " names it, or bind_dn may not see it", "make it, or correct directory." + key})
		}
	}
	for path, dn := range s.Groups {
		if !there(conn, dn) {
			found = append(found, Finding{"the directory has no group " + dn, "people of " + path + " cannot join it: their activations wait", "make it, or correct directory.groups"})
		}
	}
	found = append(found, s.checkSchema(conn)...)
	if err := s.Prove(ctx, scheme); err != nil {
		f := Finding{"the scheme of the passwords is not proven", err.Error(), "no account is made until it is: see docs/directory.md"}
		var refused *ErrScheme
		if errors.As(err, &refused) {
			f.What = "the directory does not verify passwords in the scheme {" + strings.ToUpper(scheme) + "}"
		}
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.What, b.What) })
	return found
}

// there reports whether an entry exists. The portal's least rights do not let it
// read the branch of the people: such an entry is found and not returned.
func there(conn *ldap.Conn, dn string) bool {
	_, err := conn.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 5, false, "(objectClass=*)", []string{"1.1"}, nil))
	return err == nil
}

var (
	nameOfOne  = regexp.MustCompile(`NAME '([^']+)'`)
	nameOfMany = regexp.MustCompile(`NAME \(([^)]+)\)`)
	quoted     = regexp.MustCompile(`'([^']+)'`)
)

// namesIn returns the names of definitions of the schema, in lower case.
func namesIn(definitions []string) map[string]bool {
	out := map[string]bool{}
	for _, d := range definitions {
		text := ""
		if m := nameOfMany.FindStringSubmatch(d); m != nil {
			text = m[1]
		} else if m := nameOfOne.FindString(d); m != "" {
			text = m
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			out[strings.ToLower(m[1])] = true
		}
	}
	return out
}

// checkSchema compares the configuration with the root and the schema of the
// server.
func (s *Store) checkSchema(conn *ldap.Conn) (found []Finding) {
	read := func(dn, filter string, names ...string) *ldap.Entry {
		result, err := conn.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 5, false, filter, names, nil))
		if err != nil || len(result.Entries) != 1 {
			return nil
		}
		return result.Entries[0]
	}
	root := read("", "(objectClass=*)", "supportedControl", "subschemaSubentry")
	if root == nil {
		return []Finding{{"the root of the directory cannot be read", "its schema cannot be checked", "let bind_dn read the root (OpenLDAP: access to dn.base=\"\" by * read)"}}
	}
	if controls := root.GetAttributeValues("supportedControl"); !slices.Contains(controls, assertionControl) {
		found = append(found, Finding{"the directory lacks the assertion control (RFC 4528)", "an entry that exists cannot be changed safely: the way activate, and the adoption of accounts, fail", "use the way add, or a server with this control"})
	}
	schema := read(root.GetAttributeValue("subschemaSubentry"), "(objectClass=subschema)", "objectClasses", "attributeTypes")
	if schema == nil {
		return append(found, Finding{"the schema of the directory cannot be read", "unknown object classes are found only when an account is made", "let bind_dn read the subschema (OpenLDAP: access to dn.base=\"cn=Subschema\" by * read)"})
	}
	classes, attributes := namesIn(schema.GetAttributeValues("objectClasses")), namesIn(schema.GetAttributeValues("attributeTypes"))
	for _, c := range s.ObjectClasses {
		if !classes[strings.ToLower(c)] {
			found = append(found, Finding{"the schema has no object class " + c, "no account can be made", "load its schema, or correct directory.object_classes"})
		}
	}
	names := []string{s.Login, s.Address, s.MarkAttribute}
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	for _, name := range names {
		base, _, _ := strings.Cut(name, ";")
		if !attributes[strings.ToLower(base)] {
			found = append(found, Finding{"the schema has no attribute " + name, "no account can be made", "load its schema, or correct directory.attributes"})
		}
	}
	return found
}

// ValidDN reports whether a text is a distinguished name.
func ValidDN(dn string) bool {
	_, err := ldap.ParseDN(dn)
	return err == nil
}

// Within reports whether a DN is another one or below it.
func Within(dn, of string) bool {
	a, errA := ldap.ParseDN(dn)
	b, errB := ldap.ParseDN(of)
	return errA == nil && errB == nil && (a.EqualFold(b) || b.AncestorOfFold(a))
}
