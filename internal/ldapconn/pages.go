package ldapconn

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Pages reads the entries below a branch page by page, by the paging control (RFC
// 2696). It holds one page in memory. Referrals to other servers are collected and not
// followed.
type Pages struct {
	Conn       *ldap.Conn
	Base       string
	Filter     string
	Attributes []string
	Size       int           // of a page
	SizeKey    string        // key of the configuration that sets Size; empty if none does
	Timeout    time.Duration // of the search of a page, at the server

	Referrals []string // of the pages read

	paging *ldap.ControlPaging
	last   bool
}

// Next returns the next page. more is false after the last one. An error says what an
// administrator can do about it.
func (p *Pages) Next() (page []*ldap.Entry, more bool, err error) {
	if p.last {
		return nil, false, nil
	}
	if p.paging == nil {
		p.paging = ldap.NewControlPaging(uint32(p.Size))
	}
	result, err := p.Conn.Search(ldap.NewSearchRequest(p.Base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, int(p.Timeout/time.Second), false,
		p.Filter, p.Attributes, []ldap.Control{p.paging}))
	if err != nil {
		return nil, false, p.advice(err, result)
	}
	p.Referrals = append(p.Referrals, result.Referrals...)
	p.last = true
	if control, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok && len(control.Cookie) > 0 {
		p.paging.SetCookie(control.Cookie)
		p.last = false
	}
	return result.Entries, true, nil
}

// advice adds what to do to an error of the server.
func (p *Pages) advice(err error, result *ldap.SearchResult) error {
	var answer *ldap.Error
	if !errors.As(err, &answer) {
		return err
	}
	lower := ""
	if p.SizeKey != "" {
		lower = fmt.Sprintf(" or lower %s, which is %d", p.SizeKey, p.Size)
	}
	var say string
	switch answer.ResultCode {
	case ldap.LDAPResultSizeLimitExceeded:
		say = "the server returns fewer entries than there are; raise its size limit for bind_dn (OpenLDAP: limits … size.pr=unlimited size.prtotal=unlimited; 389 Directory Server: nsSizeLimit)" + lower
	case ldap.LDAPResultAdminLimitExceeded:
		say = "the server looks through too many entries for this filter; index its attributes or raise the limit for bind_dn (389 Directory Server: nsLookThroughLimit)"
	case ldap.LDAPResultTimeLimitExceeded:
		say = "the server's time limit; raise it for bind_dn" + lower
	case ldap.LDAPResultReferral:
		say = "this base is on another server"
		if to := referredTo(answer, result); to != "" {
			say += ": set url and base to " + to
		} else {
			say += ": set url to the server that holds it"
		}
	case ldap.LDAPResultNoSuchObject:
		say = fmt.Sprintf("there is no base %q, or bind_dn may not see it", p.Base)
	case ldap.LDAPResultInsufficientAccessRights:
		say = "bind_dn may not search here"
	case ldap.LDAPResultUnavailableCriticalExtension:
		say = "the server does not return results in pages"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", say, err)
}

// referredTo returns the address in a referral.
func referredTo(answer *ldap.Error, result *ldap.SearchResult) string {
	if result != nil && len(result.Referrals) > 0 {
		return result.Referrals[0]
	}
	if answer.Packet != nil {
		if at := strings.Index(string(answer.Packet.Bytes()), "ldap"); at >= 0 {
			to := string(answer.Packet.Bytes()[at:])
			if end := strings.IndexFunc(to, func(c rune) bool { return c <= ' ' || c > '~' }); end >= 0 {
				to = to[:end]
			}
			return to
		}
	}
	return ""
}
