package directory

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/domain"
	"entree/internal/ldapconn"
)

// The results of a write have these meanings:
//
//	 0                              done
//	20                              of a group: a member already
//	68, 122, 19 of overlay unique   look again: the portal's, or foreign
//	17, 19, 21, 65 of a value       *domain.AccountRefused: the person or the schema must change
//	19 of a password policy         try again later: the policy refuses every hash
//	10, 53, 32, 50, 13, 49, 8, 80   try again later: an administrator must act
//	51, 52, 3, 11                   try again later: the server is busy or full
//	200, or no LDAP result at all   the outcome is unknown: look again
//
// Nothing but a conflict and a refused identifier parks a person: every other
// error is retried, and its text says what to do.

// assertionFailed is the result code of RFC 4528, which go-ldap does not name.
const assertionFailed = 122

// advice says what an administrator does about a result.
var advice = map[uint16]string{
	ldap.LDAPResultReferral:                     "this server refers writes to another one: set directory.url to the server that takes writes",
	ldap.LDAPResultUnwillingToPerform:           "the server takes no writes: it is read-only, or a replica",
	ldap.LDAPResultNoSuchObject:                 "the entry does not exist, or bind_dn may not see it: check directory.base and groups",
	ldap.LDAPResultInsufficientAccessRights:     "bind_dn lacks the right: see deploy/openldap",
	ldap.LDAPResultConfidentialityRequired:      "the server requires TLS: use ldaps:// or start_tls",
	ldap.LDAPResultStrongAuthRequired:           "the server requires a stronger bind: use ldaps:// or start_tls",
	ldap.LDAPResultInvalidCredentials:           "the server refuses bind_dn with this password",
	ldap.LDAPResultBusy:                         "the server is busy",
	ldap.LDAPResultUnavailable:                  "the server is shutting down or unavailable",
	ldap.LDAPResultTimeLimitExceeded:            "the server's time limit: index the attributes that the portal searches by",
	ldap.LDAPResultAdminLimitExceeded:           "the server's limit: index the attributes that the portal searches by",
	ldap.LDAPResultSizeLimitExceeded:            "more entries than the server returns have this login, address or number",
	ldap.LDAPResultOther:                        "an error inside the server: its disk or its database may be full (OpenLDAP: maxsize)",
	ldap.LDAPResultUndefinedAttributeType:       "the schema lacks an attribute of directory.attributes",
	ldap.LDAPResultUnavailableCriticalExtension: "the server lacks the assertion control (1.3.6.1.1.12)",
}

// meaning returns the error of an operation with what to do about it. The text
// holds no value of a person: the server's own words are kept only for results
// that are not about values.
func (s *Store) meaning(act string, err error) error {
	if errors.Is(err, ldapconn.ErrPassword) {
		return &Answer{act, ldap.LDAPResultInvalidCredentials, advice[ldap.LDAPResultInvalidCredentials]}
	}
	var answer *ldap.Error
	if !errors.As(err, &answer) || answer.ResultCode >= ldap.ErrorNetwork {
		return fmt.Errorf("directory: %s: no answer: %w", act, err)
	}
	say := advice[answer.ResultCode]
	if say == "" {
		say = "unexpected result"
	}
	return &Answer{Act: act, Code: answer.ResultCode, Advice: say}
}

// Answer is a result of the directory other than success.
type Answer struct {
	Act    string
	Code   uint16
	Advice string
}

func (a *Answer) Error() string {
	return fmt.Sprintf("directory: %s: %d %s: %s", a.Act, a.Code, ldap.LDAPResultCodeMap[a.Code], a.Advice)
}

// lost is the error of a write whose answer did not come: its outcome is unknown.
type lost struct{ error }

func (l lost) Unwrap() error { return l.error }

// isLost reports whether no answer came to a request that was sent.
func isLost(err error) bool {
	var answer *ldap.Error
	return !errors.As(err, &answer) || answer.ResultCode >= ldap.ErrorNetwork
}

// isConflict reports whether a write failed because another entry is there
// already, or because the entry changed since it was read.
func isConflict(err error) bool {
	return ldap.IsErrorAnyOf(err, ldap.LDAPResultEntryAlreadyExists, assertionFailed, ldap.LDAPResultAttributeOrValueExists) ||
		ldap.IsErrorWithCode(err, ldap.LDAPResultConstraintViolation) && strings.Contains(said(err), "non-unique")
}

// said returns the server's words.
func said(err error) string {
	var answer *ldap.Error
	if !errors.As(err, &answer) || answer.Err == nil {
		return ""
	}
	return answer.Err.Error()
}

// named finds the attribute in OpenLDAP's and 389-ds' words: "mail: value #0
// invalid per syntax", "object class 'person' requires attribute 'sn'".
var named = []*regexp.Regexp{
	regexp.MustCompile(`requires attribute '([A-Za-z0-9-]+)'`),
	regexp.MustCompile(`attribute '([A-Za-z0-9-]+)' not allowed`),
	regexp.MustCompile(`(?:^|\s)<?([A-Za-z][A-Za-z0-9-]*)>?: value #`),
	regexp.MustCompile(`missing attribute "([A-Za-z0-9-]+)"`),
	regexp.MustCompile(`attribute '([A-Za-z0-9-]+)' cannot have multiple values`),
	regexp.MustCompile(`(?:modify/|add: |^)<?([A-Za-z][A-Za-z0-9-]*)>?: `),
}

func attributeIn(text string) string {
	for _, n := range named {
		if m := n.FindStringSubmatch(text); m != nil && !strings.EqualFold(m[1], "objectClass") {
			return m[1]
		}
	}
	return ""
}

// refusal returns the meaning of a failed write of an account: a permanent
// *domain.AccountRefused if the directory refuses a value of the person.
func (s *Store) refusal(act string, err error, a domain.Account) error {
	var answer *ldap.Error
	if !errors.As(err, &answer) {
		return s.meaning(act, err)
	}
	text := said(err)
	attribute := attributeIn(text)
	switch answer.ResultCode {
	case ldap.LDAPResultConstraintViolation:
		if attribute == "" || strings.EqualFold(attribute, "userPassword") || strings.Contains(strings.ToLower(text), "password") {
			return &Answer{act, answer.ResultCode, "a password policy refuses hashed passwords (pwdCheckQuality 2): set directory.policy to a policy with pwdCheckQuality 1"}
		}
	case ldap.LDAPResultInvalidAttributeSyntax, ldap.LDAPResultObjectClassViolation:
		if attribute == "" || strings.Contains(text, "not allowed") {
			return &Answer{act, answer.ResultCode, "the schema does not fit directory.object_classes and attributes"}
		}
	case ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultNamingViolation:
		attribute = s.Login
	default:
		return s.meaning(act, err)
	}
	if !s.fills(attribute) {
		return &Answer{act, answer.ResultCode, "the schema requires or refuses the attribute " + attribute + ": see directory.attributes"}
	}
	value := ""
	if v := s.valueOf(attribute, a); len(v) > 0 {
		value = v[0]
	}
	return domain.Permanent(&domain.AccountRefused{Field: s.fieldOf(attribute), Rule: strings.ToLower(strings.ReplaceAll(ldap.LDAPResultCodeMap[answer.ResultCode], " ", "-")), Class: domain.ValueClass(value)})
}

func (s *Store) valueOf(attribute string, a domain.Account) []string {
	for _, v := range s.addition(a, "").Attributes {
		if strings.EqualFold(v.Type, attribute) {
			return v.Vals
		}
	}
	return nil
}
