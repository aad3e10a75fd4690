package keycloak

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"golang.org/x/net/idna"

	"entree/internal/domain"
)

// Rules are the rules of a realm's user profile on a new account: required
// attributes, lengths, characters, patterns and numbers of values. They judge as
// Keycloak 26 judges POST /users of an administrator, before it is called.
type Rules struct {
	attributes []profileAttributeRules
	scope      string // of eduPersonPrincipalName
	Digest     string // of the user profile: equal rules have equal digests
	// Unjudgeable lists the validators that only Keycloak can judge, as
	// "attribute: validator".
	Unjudgeable []string
}

type profileAttributeRules struct {
	name     string
	required bool // for the administrator who creates, or for the owner at the first login
	many     bool
	readOnly bool // not writable for administrators
	least    int  // number of values, also of an attribute that is not required
	most     int  // 0: no limit
	checks   []check
}

// check holds a rule and the function that returns the reason why a value
// breaks it, or "". The value is not empty.
type check struct {
	rule  string
	judge func(value string) string
}

// userProfile is the part of GET users/profile that holds rules.
type userProfile struct {
	Attributes []struct {
		Name        string                            `json:"name"`
		Multivalued bool                              `json:"multivalued"`
		Required    *struct{ Roles, Scopes []string } `json:"required"`
		Permissions *struct{ Edit, View []string }    `json:"permissions"`
		Validations map[string]map[string]any         `json:"validations"`
	} `json:"attributes"`
}

// ReadRules reads the realm's user profile. It needs the role manage-users or
// view-realm.
func (c *Client) ReadRules(ctx context.Context, scope string) (*Rules, error) {
	var raw json.RawMessage
	if _, err := c.do(ctx, http.MethodGet, c.path("users", "profile"), nil, &raw); err != nil {
		return nil, fmt.Errorf("read the user profile: %w", err)
	}
	return ParseRules(raw, scope)
}

// ParseRules parses a user profile as GET users/profile returns it.
func ParseRules(profile []byte, scope string) (*Rules, error) {
	var p userProfile
	if err := json.Unmarshal(profile, &p); err != nil {
		return nil, fmt.Errorf("keycloak: user profile: %w", err)
	}
	sum := sha256.Sum256(profile)
	r := &Rules{scope: scope, Digest: hex.EncodeToString(sum[:])}
	for _, a := range p.Attributes {
		rules := profileAttributeRules{name: a.Name, many: a.Multivalued}
		if a.Required != nil {
			// An attribute that only the owner must have is asked of the owner at the
			// first login, on a page where administrators' attributes cannot be written.
			rules.required = len(a.Required.Roles) == 0 && len(a.Required.Scopes) == 0 || slices.Contains(a.Required.Roles, "admin") || slices.Contains(a.Required.Roles, "user")
		}
		if a.Name == "username" || a.Name == "email" { // Keycloak's own logic wants both
			rules.required = true
		}
		rules.readOnly = a.Permissions != nil && !slices.Contains(a.Permissions.Edit, "admin") && a.Name != "username" && a.Name != "email"
		for _, name := range slices.Sorted(maps.Keys(a.Validations)) {
			one, ok := validator(name, a.Validations[name])
			if !ok {
				r.Unjudgeable = append(r.Unjudgeable, a.Name+": "+name)
				continue
			}
			if name == "multivalued" {
				rules.least, _ = integer(a.Validations[name]["min"])
				rules.most, _ = integer(a.Validations[name]["max"])
				continue
			}
			rules.checks = append(rules.checks, one)
		}
		r.attributes = append(r.attributes, rules)
	}
	return r, nil
}

// refusedInName and refusedInLogin report whether Keycloak refuses a character
// in names and in logins, as Java's regular expressions do: \v is vertical
// white space, \h horizontal, \s and \p{Cntrl} are ASCII.
func refusedInName(r rune) bool {
	return strings.ContainsRune("<>&\"$%!#?§;*~/\\|^=[]{}()", r) || verticalSpace(r) || r < 0x20 || r == 0x7f
}

func refusedInLogin(r rune) bool {
	return strings.ContainsRune("<>&\"'$%!#?§,;:*~/\\|^=[]{}()` ", r) || verticalSpace(r) || r < 0x20 || r == 0x7f ||
		r == 0xa0 || r == 0x1680 || r == 0x180e || r >= 0x2000 && r <= 0x200a || r == 0x202f || r == 0x205f || r == 0x3000
}

func verticalSpace(r rune) bool {
	return r >= 0x0a && r <= 0x0d || r == 0x85 || r == 0x2028 || r == 0x2029
}

// units returns the length of a text in UTF-16 code units, as Java counts it,
// without the characters up to U+0020 at both ends.
func units(s string) int {
	return len(utf16.Encode([]rune(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }))))
}

func refuses(value string, refused func(rune) bool) string {
	if i := strings.IndexFunc(value, refused); i >= 0 {
		r := []rune(value[i:])[0]
		if unicode.IsPrint(r) {
			return fmt.Sprintf("%q is not allowed here", r)
		}
		return fmt.Sprintf("U+%04X is not allowed here", r)
	}
	return ""
}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case float64:
		return int(v), true
	case string:
		n, err := strconv.Atoi(strings.TrimSpace(v))
		return n, err == nil
	}
	return 0, false
}

// validator returns the check of a Keycloak validator, and false if the
// validator is unknown.
func validator(name string, config map[string]any) (check, bool) {
	of := func(judge func(string) string) (check, bool) { return check{name, judge}, true }
	switch name {
	case "length":
		least, hasLeast := integer(config["min"])
		most, hasMost := integer(config["max"])
		return of(func(v string) string {
			switch n := units(v); {
			case hasLeast && n < least:
				return fmt.Sprintf("at least %d characters, has %d", least, n)
			case hasMost && n > most:
				return fmt.Sprintf("at most %d characters, has %d", most, n)
			}
			return ""
		})
	case "person-name-prohibited-characters":
		return of(func(v string) string { return refuses(v, refusedInName) })
	case "username-prohibited-characters":
		return of(func(v string) string { return refuses(v, refusedInLogin) })
	case "up-username-not-idn-homograph":
		return of(func(v string) string {
			return refuses(v, func(r rune) bool { return !unicode.In(r, unicode.Latin, unicode.Common) && r != '|' })
		})
	case "email":
		most, limited := integer(config["max-local-length"])
		if !limited {
			most = 64
		}
		return of(func(v string) string {
			if !validEmail(v, most) {
				return "not an e-mail address that Keycloak takes"
			}
			return ""
		})
	case "pattern":
		text, _ := config["pattern"].(string)
		pattern, err := regexp.Compile(`^(?:` + text + `)$`)
		if err != nil || onlyJava(text) {
			return check{}, false
		}
		return of(func(v string) string {
			if !pattern.MatchString(v) {
				return "does not match the realm's pattern"
			}
			return ""
		})
	case "options":
		options, _ := config["options"].([]any)
		return of(func(v string) string {
			if !slices.Contains(options, any(v)) {
				return "not one of the realm's options"
			}
			return ""
		})
	case "integer", "double":
		least, hasLeast := number(config["min"])
		most, hasMost := number(config["max"])
		return of(func(v string) string {
			n, err := strconv.ParseFloat(v, 64)
			if name == "integer" && err == nil {
				_, err = strconv.ParseInt(v, 10, 64)
			}
			if err != nil || hasLeast && n < least || hasMost && n > most {
				return "not a number in the realm's range"
			}
			return ""
		})
	case "iso-date":
		return of(func(v string) string {
			if _, err := time.Parse(time.DateOnly, v); err != nil {
				return "not a date like 2004-12-31"
			}
			return ""
		})
	case "multivalued":
		return check{}, true
	}
	return check{}, false
}

// otherFlags matches flags that mean something else in Java: (?i) folds ASCII letters
// only, and (?U) is the classes of Unicode.
var otherFlags = regexp.MustCompile(`\(\?[a-zA-Z]*[iU]`)

// onlyJava reports whether a pattern means something else in Java than in Go, although
// both compile it: Java joins and intersects the classes within a class.
func onlyJava(pattern string) bool {
	if otherFlags.MatchString(pattern) {
		return true
	}
	within := false
	for i := 0; i < len(pattern); i++ {
		switch rest := pattern[i:]; {
		case strings.HasPrefix(rest, `\Q`):
			end := strings.Index(rest, `\E`)
			if end < 0 {
				return false
			}
			i += end + 1
		case pattern[i] == '\\':
			i++
		case !within:
			within = pattern[i] == '['
		case pattern[i] == '[' || strings.HasPrefix(rest, "&&"):
			return true
		case pattern[i] == ']':
			within = false
		}
	}
	return false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

var (
	localPart  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x{80}-\\x{10FFFF}-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x{80}-\\x{10FFFF}-]+)*$")
	domainPart = regexp.MustCompile(`^[A-Za-z0-9](?:-*[A-Za-z0-9])*(\.[A-Za-z0-9](?:-*[A-Za-z0-9])*)*$`)
)

func validEmail(v string, local int) bool {
	at := strings.LastIndexByte(v, '@')
	if at < 0 || units(v[:at]) > local || !localPart.MatchString(v[:at]) {
		return false
	}
	ascii, err := idna.Punycode.ToASCII(v[at+1:])
	return err == nil && len(ascii) <= 255 && domainPart.MatchString(ascii)
}

// Account returns the rules that an account breaks.
func (r *Rules) Account(a domain.Account) []domain.BrokenRule {
	return r.judge(valuesOf(a, r.scope), nil)
}

// Person returns the rules that an account of a person would break, as far as
// the values are known before the activation. It skips a login or an address
// that is not assigned yet. affiliations are those of the person's profile.
func (r *Rules) Person(p domain.Person, profile domain.Profile) []domain.BrokenRule {
	a := domain.NewAccount(p, profile, domain.French, nil)
	return r.judge(valuesOf(a, r.scope), func(attribute string) bool {
		switch {
		case attribute == "username":
			return p.Login == ""
		case attribute == "email":
			return p.UniversityAddress == ""
		case attribute == "eduPersonPrincipalName":
			return p.Login == ""
		case strings.HasPrefix(attribute, charterAttributes), attribute == markAttribute, attribute == witnessAttribute:
			return true
		}
		return false
	})
}

// Login reports whether the realm refuses a login.
func (r *Rules) Login(login string) bool {
	return r != nil && len(r.judge(map[string][]string{"username": {login}}, func(name string) bool { return name != "username" })) > 0
}

// valuesOf returns the values of an account under Keycloak's names.
func valuesOf(a domain.Account, scope string) map[string][]string {
	values := map[string][]string{
		"username": one(a.Login), "email": one(a.UniversityAddress), "firstName": one(a.GivenName), "lastName": one(a.FamilyName), "locale": one(string(a.Lang)),
	}
	for _, attribute := range attributes {
		if v := attribute.value(a, scope); len(v) > 0 {
			values[attribute.name] = v
		}
	}
	return values
}

// judge applies the rules to values. It skips attributes for which unknown
// returns true.
func (r *Rules) judge(values map[string][]string, unknown func(attribute string) bool) []domain.BrokenRule {
	if r == nil {
		return nil
	}
	var broken []domain.BrokenRule
	for _, a := range r.attributes {
		if unknown != nil && unknown(a.name) {
			continue
		}
		all := slices.DeleteFunc(slices.Clone(values[a.name]), func(v string) bool { return strings.TrimSpace(v) == "" })
		add := func(rule, detail string) {
			broken = append(broken, domain.BrokenRule{Field: fieldOf(a.name), Rule: rule, Detail: detail})
		}
		if len(all) == 0 {
			switch {
			case a.required:
				add("required", "the realm requires a value")
			case a.least > 0:
				add("multivalued", fmt.Sprintf("at least %d values, has none", a.least))
			}
			continue
		}
		if a.readOnly {
			add("read-only", "administrators may not write it")
			continue
		}
		if len(all) > 1 && !a.many {
			add("multivalued", fmt.Sprintf("one value only, has %d", len(all)))
		} else if len(all) < a.least || a.most > 0 && len(all) > a.most {
			add("multivalued", fmt.Sprintf("at least %d and at most %d values, has %d", a.least, a.most, len(all)))
		}
		for _, c := range a.checks {
			for _, v := range all {
				if detail := c.judge(v); detail != "" {
					add(c.rule, detail)
					break
				}
			}
		}
	}
	return broken
}

// fieldOf returns the field of a person from which a Keycloak attribute is
// made.
func fieldOf(attribute string) string {
	switch attribute {
	case "username", "eduPersonPrincipalName":
		return domain.FieldLogin
	case "email":
		return domain.FieldUniversityAddress
	case "firstName":
		return domain.FieldGivenName
	case "lastName":
		return domain.FieldFamilyName
	case "supannEtuId", "supannEmpId":
		return domain.FieldNumber
	}
	for _, f := range domain.Fields() {
		if f.Attribute == attribute && f.Source != domain.SourceKey {
			return f.Name
		}
	}
	return attribute
}
