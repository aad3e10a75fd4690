package config

import (
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"entree/internal/directory"
	"entree/internal/ldapconn"
	"entree/internal/loopback"
	"entree/internal/secret"
)

// The stores of accounts.
const (
	StoreKeycloak  = "keycloak"
	StoreDirectory = "directory"
)

// Accounts chooses where accounts are kept.
type Accounts struct {
	Store string `yaml:"store"`
}

// Directory is the LDAP directory that keeps the accounts, if accounts.store says
// so.
type Directory struct {
	URL           string            `yaml:"url"`
	StartTLS      bool              `yaml:"start_tls"`
	CA            string            `yaml:"ca"`
	BindDN        string            `yaml:"bind_dn"`
	Password      secret.Text       `yaml:"bind_password"`
	Timeout       time.Duration     `yaml:"timeout"`
	Base          string            `yaml:"base"`
	Search        string            `yaml:"search_base"`
	Way           string            `yaml:"way"`
	ObjectClasses []string          `yaml:"object_classes"`
	Login         string            `yaml:"login"`
	Address       string            `yaml:"address"`
	Attributes    map[string]string `yaml:"attributes"`
	Groups        map[string]string `yaml:"groups"`
	Policy        string            `yaml:"policy"`
	Mark          string            `yaml:"mark"`
	MarkPrefix    string            `yaml:"mark_prefix"`
	Scheme        string            `yaml:"scheme"`
	Probe         string            `yaml:"probe"`
	LoginsEvery   time.Duration     `yaml:"logins_every"`
}

func defaultDirectory() Directory {
	return Directory{
		Timeout: 5 * time.Second, Way: directory.Add, ObjectClasses: []string{"inetOrgPerson", "eduPerson", "supannPerson"}, Login: "uid", Address: "mail",
		Attributes: map[string]string{
			"cn": "{given_name} {family_name}", "sn": "{family_name}", "givenName": "{given_name}", "displayName": "{given_name} {family_name}",
			"eduPersonAffiliation": "{affiliations}", "eduPersonPrimaryAffiliation": "{affiliation}", "supannEtuId": "{student_number}", "supannEmpId": "{staff_number}",
		},
		Mark: "supannRefId", MarkPrefix: "{ENTREE}", Scheme: directory.Argon2, LoginsEvery: time.Minute,
	}
}

// InDirectory reports whether accounts are kept in a directory.
func (c Config) InDirectory() bool { return c.Accounts.Store == StoreDirectory }

// HasKeycloak reports whether there is a Keycloak. Without one, accounts are in a
// directory, and the single sign-on stands on the same directory.
func (c Config) HasKeycloak() bool { return c.Keycloak.URL != "" }

// AccountDirectory returns the options of the directory, without its hashers,
// realm, clock and random numbers.
func (c Config) AccountDirectory() directory.Options {
	d := c.Directory
	o := directory.Options{
		Server: ldapconn.Server{URL: d.URL, StartTLS: d.StartTLS, Roots: c.roots, BindDN: d.BindDN, Password: d.Password, Timeout: d.Timeout},
		Base:   d.Base, Search: d.Search, Way: d.Way, ObjectClasses: d.ObjectClasses, Login: d.Login, Address: d.Address, Groups: d.Groups,
		Policy: d.Policy, MarkAttribute: d.Mark, MarkPrefix: d.MarkPrefix, Probe: d.Probe, InFlight: c.Keycloak.CreatesInFlight,
	}
	if d.CA != "" {
		o.CA = c.path(d.CA)
	}
	o.Numbers = slices.Sorted(maps.Keys(c.Matching.Numbers))
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		o.Attributes = append(o.Attributes, directory.Attribute{Name: name, Value: d.Attributes[name]})
	}
	return o
}

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*(;[A-Za-z0-9-]+)*$`)

// reservedAttributes are written by the portal itself.
var reservedAttributes = []string{"objectclass", "userpassword", "pwdpolicysubentry"}

func (c *Config) checkAccounts(f *faults) {
	switch c.Accounts.Store {
	case StoreKeycloak:
		return
	case StoreDirectory:
	default:
		f.add("accounts.store", "%q: want keycloak or directory", c.Accounts.Store)
		return
	}
	d := c.Directory
	u, err := url.Parse(d.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "ldap" && u.Scheme != "ldaps":
		f.add("directory.url", "%q: want ldaps://host or ldap://host", d.URL)
	case u.Scheme == "ldap" && !d.StartTLS && !loopback.IsHost(u.Hostname()):
		f.add("directory.start_tls", "is off: ldap:// without it is allowed to a server on this machine only")
	case u.Scheme == "ldaps" && d.StartTLS:
		f.add("directory.start_tls", "is on, and ldaps:// is TLS from the beginning: turn it off or use ldap://")
	}
	if d.CA != "" {
		if _, err := os.Stat(c.path(d.CA)); err != nil {
			f.add("directory.ca", "%v", err)
		}
	}
	if d.Password.Empty() {
		f.add("directory.bind_password", "is missing: give it as ENTREE_DIRECTORY_BIND_PASSWORD or ENTREE_DIRECTORY_BIND_PASSWORD_FILE")
	}
	for key, dn := range map[string]string{"bind_dn": d.BindDN, "base": d.Base, "probe": d.Probe} {
		f.need("directory."+key, dn)
		checkDN(f, "directory."+key, dn)
	}
	checkDN(f, "directory.search_base", d.Search)
	checkDN(f, "directory.policy", d.Policy)
	if d.Probe != "" && d.Base != "" && directory.Within(d.Probe, d.Base) {
		f.add("directory.probe", "%q is inside base: Wi-Fi and Keycloak would see the probe entries as people", d.Probe)
	}
	if d.Search != "" && !directory.Within(d.Base, d.Search) {
		f.add("directory.search_base", "%q does not hold base", d.Search)
	}
	if d.LoginsEvery != 0 {
		between(f, "directory.logins_every", d.LoginsEvery, 5*time.Second, time.Hour)
	}
	between(f, "directory.timeout", d.Timeout, time.Second, time.Minute)
	if d.Way != directory.Add && d.Way != directory.Activate {
		f.add("directory.way", "%q: want add or activate", d.Way)
	}
	if !slices.Contains(directory.Schemes(), d.Scheme) {
		f.add("directory.scheme", "%q: want %s", d.Scheme, strings.Join(directory.Schemes(), ", "))
	}
	c.checkEntries(f)
}

// checkEntries checks what the portal writes into entries.
func (c *Config) checkEntries(f *faults) {
	d := c.Directory
	if len(d.ObjectClasses) == 0 {
		f.add("directory.object_classes", "is missing")
	}
	for key, name := range map[string]string{"login": d.Login, "address": d.Address, "mark": d.Mark} {
		if !attributeName.MatchString(name) {
			f.add("directory."+key, "%q: want the name of an attribute", name)
		}
	}
	if d.MarkPrefix == "" {
		f.add("directory.mark_prefix", "is missing: without it, any value of %s could be taken for the portal's mark", d.Mark)
	}
	number := false
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		key, template := "directory.attributes."+name, d.Attributes[name]
		if !attributeName.MatchString(name) || slices.Contains(reservedAttributes, strings.ToLower(name)) || strings.EqualFold(name, d.Mark) {
			f.add(key, "is no attribute to set here: the portal writes objectClass, userPassword, pwdPolicySubentry and the mark itself")
		}
		if err := directory.CheckTemplate(template); err != nil {
			f.add(key, "%v", err)
		}
		number = number || slices.Contains([]string{"{number}", "{student_number}", "{staff_number}"}, template)
	}
	if !number {
		f.add("directory.attributes", "no attribute holds {number}, {student_number} or {staff_number} alone: the portal finds entries by it after a restored backup, and if directory.way is activate")
	}
	for _, path := range slices.Sorted(maps.Keys(d.Groups)) {
		checkDN(f, "directory.groups."+path, d.Groups[path])
		if !slices.ContainsFunc(c.Profiles, func(p Profile) bool { return slices.Contains(p.Groups, path) }) {
			f.add("directory.groups."+path, "no profile has this group")
		}
	}
}

func checkDN(f *faults, key, dn string) {
	if dn != "" && !directory.ValidDN(dn) {
		f.add(key, "%q is no distinguished name", dn)
	}
}
