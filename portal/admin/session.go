package admin

import (
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/audit"
	"entree/internal/sso"
	"entree/portal/web"
)

// What a session keeps.
const (
	keySubject = "subject"
	keyName    = "name"
	keyRoles   = "roles"
	keyAuth    = "auth"  // when the password was last asked for, seconds
	keyBegan   = "began" // microseconds
	keyIDToken = "id_token"
	keyPending = "pending" // an act that waits for a fresh login
)

// How long a session lasts.
const (
	Idle      = 30 * time.Minute
	Absolute  = 8 * time.Hour
	freshness = 5 * time.Minute // of a login, for a dangerous act
	// touchEvery keeps reading from being a write on each page.
	touchEvery = time.Minute
)

// begin starts a session for who logged in, and gives it a new id.
func (a *Console) begin(c *gin.Context, who sso.Identity, roles []Role, pending string) error {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	name := who.Name
	if name == "" {
		name = who.Login
	}
	values := map[string]string{
		keySubject: who.Subject, keyName: name, keyRoles: strings.Join(words, " "), keyIDToken: who.IDToken.Reveal(),
		keyAuth: strconv.FormatInt(who.AuthTime.Unix(), 10), keyBegan: strconv.FormatInt(a.Now().UnixMicro(), 10),
	}
	if pending != "" {
		values[keyPending] = pending
	}
	return a.site.RenewSession(c, values, Idle)
}

// who reads the session; nil where nobody is logged in.
func (a *Console) who(c *gin.Context) (*visit, error) {
	session, err := a.site.Session(c)
	if err != nil {
		return nil, err
	}
	began := number(web.SessionValue(session, keyBegan))
	if web.SessionValue(session, keySubject) == "" || !a.Now().Before(time.UnixMicro(began).Add(Absolute)) {
		return nil, nil
	}
	v := &visit{
		Context: c, console: a,
		by:     audit.Operator{Subject: web.SessionValue(session, keySubject), Name: web.SessionValue(session, keyName)},
		proved: time.Unix(number(web.SessionValue(session, keyAuth)), 0),
		ends:   time.UnixMicro(began).Add(Absolute),
	}
	for _, r := range strings.Fields(web.SessionValue(session, keyRoles)) {
		v.roles = append(v.roles, Role(r))
	}
	return v, nil
}

// stay puts the idle end of the session off.
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

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // what the row holds was written here
	return n
}
