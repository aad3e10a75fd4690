package admin

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/audit"
	"entree/internal/sso"
	"entree/portal/web"
)

// Keys of the values of a session.
const (
	keySubject = "subject"
	keyName    = "name"
	keyRoles   = "roles"
	keyAuth    = "auth"  // time of the last authentication, in Unix seconds
	keyBegan   = "began" // start of the session, in Unix microseconds
	keyIDToken = "id_token"
	keyPending = "pending" // a request that waits for a fresh login, as JSON
	keySession = "sid"     // session id at the provider
	keyRefresh = "refresh" // refresh token; empty: the provider issued none
	keyChecked = "checked" // when the provider last confirmed account and roles, in Unix microseconds
)

// Times of a session.
const (
	Idle      = 30 * time.Minute
	Absolute  = 8 * time.Hour
	freshness = 5 * time.Minute // maximum age of a login, for an act that requires a fresh one
	// touchEvery is the minimum time between two writes that extend a session.
	touchEvery = time.Minute
)

// begin starts a session for an operator, with a new id. pending is a request
// that waited for this login; it may be empty.
func (a *Console) begin(c *gin.Context, who sso.Identity, roles []Role, pending string) error {
	now := strconv.FormatInt(a.Now().UnixMicro(), 10)
	values := map[string]string{
		keySubject: who.Subject, keyName: displayName(who.Name, who.Login), keyRoles: rolesText(roles), keyIDToken: who.IDToken.Reveal(),
		keyAuth: strconv.FormatInt(who.AuthTime.Unix(), 10), keyBegan: now,
		keySession: who.SessionID, keyRefresh: who.Refresh.Reveal(), keyChecked: now,
	}
	if pending != "" {
		values[keyPending] = pending
	}
	return a.site.RenewSession(c, values, Idle)
}

func rolesText(roles []Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}

// rolesOf returns the roles of the console that an identity has, the strongest
// first.
func rolesOf(who sso.Identity) (roles []Role) {
	for _, r := range everybody {
		if slices.Contains(who.Roles, string(r)) {
			roles = append(roles, r)
		}
	}
	return roles
}

// who returns the visit of the operator who is logged in, or nil if there is
// none.
func (a *Console) who(c *gin.Context) (*visit, error) {
	session, err := a.site.Session(c)
	if err != nil {
		return nil, err
	}
	began := time.UnixMicro(number(web.SessionValue(session, keyBegan)))
	subject := web.SessionValue(session, keySubject)
	if subject == "" || !a.Now().Before(began.Add(Absolute)) {
		return nil, nil
	}
	if loggedOut, err := a.loggedOut(c, subject, web.SessionValue(session, keySession), began); err != nil || loggedOut {
		return nil, err
	}
	v := &visit{
		Context: c, console: a,
		by:      audit.Operator{Subject: subject, Name: web.SessionValue(session, keyName)},
		proved:  time.Unix(number(web.SessionValue(session, keyAuth)), 0),
		ends:    began.Add(Absolute),
		checked: time.UnixMicro(number(web.SessionValue(session, keyChecked))),
	}
	for _, r := range strings.Fields(web.SessionValue(session, keyRoles)) {
		v.roles = append(v.roles, Role(r))
	}
	return v, nil
}

// displayName returns the name of an operator, or the login if the name is
// empty.
func displayName(name, login string) string {
	if name == "" {
		return login
	}
	return name
}

// stay extends the session by Idle, up to its absolute end.
func (a *Console) stay(v *visit) error {
	session, err := a.site.Session(v.Context)
	if err != nil {
		return err
	}
	until := a.Now().Add(Idle)
	if v.ends.Before(until) {
		until = v.ends
	}
	if until.Sub(web.SessionEnds(session)) < touchEvery {
		return nil
	}
	return a.site.ExtendSession(v.Context, session, until)
}

// number parses an integer that begin stored. It returns 0 if there is none.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
