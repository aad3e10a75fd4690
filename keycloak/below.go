package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entree/internal/secret"
)

// Directory describes the directory in which the portal keeps accounts, below the
// realm.
type Directory struct {
	Base          string   // the branch of the people
	Login         string   // the attribute of the identifier
	Address       string   // the attribute of the university address
	ObjectClasses []string // of the portal's entries
	Attributes    []string // the attributes that the portal writes
}

// provider is an LDAP federation of a realm.
type provider struct {
	ID         string              `json:"id,omitempty"`
	Name       string              `json:"name"`
	ProviderID string              `json:"providerId"`
	Type       string              `json:"providerType"`
	ParentID   string              `json:"parentId,omitempty"`
	Config     map[string][]string `json:"config"`
}

func (p provider) is(key, value string) bool {
	return len(p.Config[key]) == 1 && strings.EqualFold(p.Config[key][0], value)
}

func (p provider) value(key string) string {
	if len(p.Config[key]) != 1 {
		return ""
	}
	return p.Config[key][0]
}

const (
	storageType = "org.keycloak.storage.UserStorageProvider"
	mapperType  = "org.keycloak.storage.ldap.mappers.LDAPStorageMapper"
)

func (c *Client) components(ctx context.Context, kind, parent string) (found []provider, err error) {
	query := "?type=" + url.QueryEscape(kind)
	if parent != "" {
		query += "&parent=" + url.QueryEscape(parent)
	}
	if _, err := c.do(ctx, http.MethodGet, c.path("components")+query, nil, &found); err != nil {
		return nil, fmt.Errorf("read the user federations: %w", err)
	}
	return found, nil
}

// needed is one value that a federation must have for the portal's entries.
type needed struct{ key, want, why string }

var always = []needed{
	{"syncRegistrations", "false", "Keycloak would make entries of its own, without a password"},
	{"importEnabled", "true", "without import, users have ids that start with f:, and Keycloak drops their groups and attributes without an error"},
	{"uuidLDAPAttribute", "entryUUID", "the portal recognises its entries in Keycloak by it"},
	{"trustEmail", "true", "the university address would count as unverified"},
	{"connectionPooling", "true", "without a pool each login opens connections to the directory"},
}

var whereWritable = []needed{
	{"usePasswordModifyExtendedOp", "true", "a password changed at Keycloak would lie in the directory in clear text"},
	{"validatePasswordPolicy", "true", "a password changed at Keycloak would not be checked"},
}

// federationOf checks the federation that finds the portal's entries: exactly one
// holds their branch, and no setting of it hides them or makes entries of its own.
func (c *Client) federationOf(ctx context.Context, d Directory) ([]Finding, error) {
	all, err := c.components(ctx, storageType, "")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p provider) bool {
		return p.ProviderID != "ldap" || p.is("enabled", "false") || !p.covers(d.Base)
	})
	switch len(all) {
	case 0:
		return []Finding{{"no LDAP federation of the realm holds " + d.Base, "Keycloak does not find the accounts that the portal makes: no activation ends",
			"add one (User federation → Add LDAP provider), see docs/directory.md"}}, nil
	case 1:
	default:
		return []Finding{{fmt.Sprintf("%d LDAP federations of the realm hold %s", len(all), d.Base), "which of them an account belongs to is not defined",
			"keep one enabled (User federation)"}}, nil
	}
	p := all[0]
	where := "(User federation → " + p.Name + ")"
	var found []Finding
	report := func(what, why, do string) {
		found = append(found, Finding{"the LDAP federation " + p.Name + ": " + what, why, do + " " + where})
	}
	settings := append(slices.Clone(always), needed{"usernameLDAPAttribute", d.Login, "Keycloak looks for another identifier than the portal writes"}, needed{"rdnLDAPAttribute", d.Login, "Keycloak names entries otherwise than the portal"})
	switch mode := p.value("editMode"); mode {
	case "WRITABLE":
		settings = append(settings, whereWritable...)
	case "READ_ONLY":
	default:
		report("editMode is "+mode, "a password changed at Keycloak would stay there and hide the directory's", "set Edit Mode to READ_ONLY, or to WRITABLE if people change their passwords at Keycloak")
	}
	for _, s := range settings {
		if !p.is(s.key, s.want) {
			report(s.key+" is "+orNotSet(p.value(s.key)), s.why, "set it to "+s.want)
		}
	}
	if p.value("readTimeout") == "" {
		report("no read timeout", "a directory that hangs blocks Keycloak's threads", "set Connection Timeout and Read Timeout, to 2000 and 3000 for example")
	}
	if filter := p.value("customUserSearchFilter"); filter != "" {
		report("a search filter "+filter, "it may hide entries of the portal", "remove it, or make sure that accounts.directory.attributes fulfil it")
	}
	for class := range strings.SplitSeq(p.value("userObjectClasses"), ",") {
		if class = strings.TrimSpace(class); class != "" && !within(class, d.ObjectClasses) {
			report("userObjectClasses holds "+class, "Keycloak finds only entries with all of these classes", "remove it there, or add it to accounts.directory.object_classes")
		}
	}
	more, err := c.mappersOf(ctx, p, d)
	return append(found, more...), err
}

// covers reports whether the federation searches a branch.
func (p provider) covers(base string) bool {
	users := p.value("usersDn")
	return strings.EqualFold(users, base) || p.is("searchScope", "2") && isBelow(base, users)
}

// isIn reports whether everything that the federation searches lies in a branch. It is
// false for a DN in another spelling.
func (p provider) isIn(branch string) bool {
	users := p.value("usersDn")
	return branch != "" && (strings.EqualFold(users, branch) || isBelow(users, branch))
}

// isBelow reports whether a DN lies below a branch, if both are spelt alike but for case.
func isBelow(dn, branch string) bool {
	return strings.HasSuffix(strings.ToLower(dn), ","+strings.ToLower(branch))
}

func orNotSet(value string) string {
	if value == "" {
		return "not set"
	}
	return value
}

// above holds the classes that each entry of a class has as well.
var above = map[string][]string{
	"inetorgperson":        {"organizationalperson", "person", "top"},
	"organizationalperson": {"person", "top"},
	"person":               {"top"},
}

func within(class string, classes []string) bool {
	class = strings.ToLower(class)
	return slices.ContainsFunc(classes, func(c string) bool {
		c = strings.ToLower(c)
		return c == class || slices.Contains(above[c], class)
	})
}

// mappersOf finds attributes of the portal's entries that no mapper brings into
// Keycloak.
func (c *Client) mappersOf(ctx context.Context, p provider, d Directory) ([]Finding, error) {
	mappers, err := c.components(ctx, mapperType, p.ID)
	if err != nil {
		return nil, err
	}
	var missing []string
	for model, attribute := range d.mapped() {
		if !slices.ContainsFunc(mappers, func(m provider) bool {
			return m.is("user.model.attribute", model) && m.is("ldap.attribute", attribute)
		}) {
			missing = append(missing, attribute+" → "+model)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	slices.Sort(missing)
	return []Finding{{"the LDAP federation " + p.Name + " lacks mappers (" + strings.Join(missing, ", ") + ")", "Keycloak and relying parties do not see these values",
		"add a user-attribute-ldap-mapper for each (User federation → " + p.Name + " → Mappers)"}}, nil
}

// mapped returns the attribute of the directory for each attribute of Keycloak
// that the portal's entries hold.
func (d Directory) mapped() map[string]string {
	out := map[string]string{"username": d.Login, "email": d.Address}
	writes := func(name string) bool {
		return slices.ContainsFunc(d.Attributes, func(a string) bool { return strings.EqualFold(a, name) })
	}
	for model, attribute := range map[string]string{"firstName": "givenName", "lastName": "sn"} {
		if writes(attribute) {
			out[model] = attribute
		}
	}
	for _, a := range attributes {
		if writes(a.name) {
			out[a.name] = a.name
		}
	}
	return out
}

// Federation is an LDAP federation to add to a realm.
type Federation struct {
	Directory
	Name, URL, BindDN string
	Password          secret.Text
	// Extra maps attributes of Keycloak to attributes of the directory with other
	// names.
	Extra map[string]string
}

// AddFederation adds a federation in the edit mode READ_ONLY with the settings that
// Check asks for, or updates the one with the same name.
func (c *Client) AddFederation(ctx context.Context, f Federation) error {
	var realm struct{ ID string }
	if _, err := c.do(ctx, http.MethodGet, c.path(), nil, &realm); err != nil {
		return err
	}
	p := provider{Name: f.Name, ProviderID: "ldap", Type: storageType, ParentID: realm.ID, Config: map[string][]string{}}
	for key, value := range map[string]string{
		"enabled": "true", "vendor": "other", "priority": "0", "editMode": "READ_ONLY", "connectionUrl": f.URL, "usersDn": f.Base, "authType": "simple", "bindDn": f.BindDN, "bindCredential": f.Password.Reveal(),
		"searchScope": "1", "usernameLDAPAttribute": f.Login, "rdnLDAPAttribute": f.Login, "userObjectClasses": strings.Join(f.ObjectClasses, ", "),
		"connectionTimeout": "2000", "readTimeout": "3000", "pagination": "false", "cachePolicy": "DEFAULT", "useTruststoreSpi": "always",
	} {
		p.Config[key] = []string{value}
	}
	for _, s := range always {
		p.Config[s.key] = []string{s.want}
	}
	there, err := c.components(ctx, storageType, "")
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(there, func(x provider) bool { return x.Name == f.Name }); i >= 0 {
		p.ID = there[i].ID
		if _, err := c.do(ctx, http.MethodPut, c.path("components", p.ID), p, nil); err != nil {
			return err
		}
	} else {
		header, err := c.do(ctx, http.MethodPost, c.path("components"), p, nil)
		if err != nil {
			return err
		}
		p.ID = header.Get("Location")[strings.LastIndexByte(header.Get("Location"), '/')+1:]
	}
	return c.addMappers(ctx, p, f)
}

// addMappers creates the mappers of a federation, or corrects those that Keycloak
// created with it: its own one maps firstName to cn.
func (c *Client) addMappers(ctx context.Context, p provider, f Federation) error {
	mappers, err := c.components(ctx, mapperType, p.ID)
	if err != nil {
		return err
	}
	mapped := f.mapped()
	for model, attribute := range f.Extra {
		mapped[model] = attribute
	}
	for model, attribute := range mapped {
		m := provider{Name: model, ProviderID: "user-attribute-ldap-mapper", Type: mapperType, ParentID: p.ID, Config: map[string][]string{
			"ldap.attribute": {attribute}, "user.model.attribute": {model}, "read.only": {"true"}, "always.read.value.from.ldap": {"false"}, "is.mandatory.in.ldap": {"false"},
		}}
		i := slices.IndexFunc(mappers, func(x provider) bool { return x.is("user.model.attribute", model) })
		switch {
		case i < 0:
			_, err = c.do(ctx, http.MethodPost, c.path("components"), m, nil)
		case mappers[i].is("ldap.attribute", attribute):
			continue
		default:
			m.ID, m.Name = mappers[i].ID, mappers[i].Name
			_, err = c.do(ctx, http.MethodPut, c.path("components", m.ID), m, nil)
		}
		if err != nil {
			return fmt.Errorf("the mapper of %s: %w", model, err)
		}
	}
	return nil
}
