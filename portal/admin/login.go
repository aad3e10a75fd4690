package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/audit"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal/web"
)

// stateCookie is the name of the sealed cookie with the state of a login in
// progress.
const stateCookie = "sso"

// underWay is the state of a login in progress and the address to which it
// leads.
type underWay struct {
	sso.State
	To string
}

// toLogin redirects to the single sign-on and, after the login, to an address
// of the console. A fresh login asks for the password again.
func (a *Console) toLogin(c *gin.Context, to string, fresh bool) error {
	begin := a.SSO.AuthURL
	if fresh {
		begin = a.SSO.FreshAuthURL
	}
	address, state, err := begin(c.Request.Context(), "", string(a.site.Lang(c)))
	if err != nil {
		return loginError(err)
	}
	if to != root && !strings.HasPrefix(to, root+"/") && !strings.HasPrefix(to, root+"?") {
		to = root
	}
	if err := a.site.PutSealed(c, stateCookie, underWay{state, to}, sso.StateLife); err != nil {
		return err
	}
	return web.SeeOther(address)
}

// login begins a login that asks for the password, for example for another
// account.
func (a *Console) login(c *gin.Context) error { return a.toLogin(c, root, true) }

// loggedIn handles the provider's redirect after a login.
func (a *Console) loggedIn(c *gin.Context) error {
	var state underWay
	if !a.site.TakeSealed(c, stateCookie, &state) {
		return loginError(sso.ErrState)
	}
	who, err := a.SSO.Exchange(c.Request.Context(), state.State, c.Request.URL.Query())
	if err != nil {
		return loginError(err)
	}
	roles := rolesOf(who)
	// The login identifies the operator, who may change their display name
	// (R9). The entries that follow have the same subject.
	entry := audit.Entry{
		At: a.Now().UTC(), By: audit.Operator{Subject: who.Subject, Name: displayName(who.Name, who.Login)}, From: a.site.ClientKey(c), Act: "operator.login",
		What: map[string]string{"login": who.Login},
	}
	if len(roles) == 0 {
		entry.Act = "operator.no_role"
		if err := a.noteOnce(c, entry); err != nil {
			return err
		}
		return &web.Error{Status: http.StatusForbidden, Key: "console_no_role", GoOn: pathLogin, Label: "console.other"}
	}
	// A request that waits for a fresh login is kept only if the same operator
	// logged in.
	pending := ""
	if v, err := a.who(c); err != nil {
		return err
	} else if v != nil && v.by.Subject == who.Subject && state.Fresh {
		session, err := a.site.Session(c)
		if err != nil {
			return err
		}
		pending = web.SessionValue(session, keyPending)
	}
	if err := a.begin(c, who, roles, pending); err != nil {
		return err
	}
	entry.By.Role = string(roles[0])
	if err := a.Journal.Note(c.Request.Context(), entry); err != nil {
		return err
	}
	return web.SeeOther(state.To)
}

// strangerEvery is the time in which further logins of one account without a role
// leave no audit entry: every student can log in here, again and again.
const strangerEvery = time.Hour

func (a *Console) noteOnce(c *gin.Context, e audit.Entry) error {
	ctx := c.Request.Context()
	isNew, err := a.site.Note(ctx, "console-no-role:"+e.By.Subject, a.Now().Add(strangerEvery))
	if err != nil || !isNew {
		return err
	}
	return a.Journal.Note(ctx, e)
}

func loginError(err error) error {
	e := &web.Error{Status: sso.Status(err), Key: "sso", Cause: err, GoOn: root, Label: "error.try_again"}
	if e.Status == http.StatusForbidden {
		e.Key = "sso_denied"
	}
	return e
}

// logout ends the console's session and then the provider's.
func (a *Console) logout(v *visit, _ web.Form) error {
	session, err := a.site.Session(v.Context)
	if err != nil {
		return err
	}
	if err := v.note("operator.logout", "", nil); err != nil {
		return err
	}
	idToken := secret.New(web.SessionValue(session, keyIDToken))
	if err := a.site.EndSession(v.Context); err != nil {
		return err
	}
	if to := a.SSO.LogoutURL(v.Request.Context(), idToken, a.site.Base()+root); to != "" {
		return web.SeeOther(to)
	}
	return web.SeeOther("/")
}
