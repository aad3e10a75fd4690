package admin

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal/web"
)

// Times for the check of an operator's account and roles (R10). An operator
// whose account is disabled or whose role is withdrawn is logged out after
// recheckEvery at most, and after recheckLimit at most if the provider does not
// answer.
const (
	recheckEvery = 2 * time.Minute
	recheckLimit = 5 * time.Minute
	// recheckPause is the time without a new attempt after a failed one, so
	// that a provider that does not answer does not delay every page.
	recheckPause = 15 * time.Second
)

// errLoggedOut means that the session has ended: the operator must log in
// again.
var errLoggedOut = errors.New("console: the session has ended")

// recheck asks the provider for the operator's account and roles if the last
// answer is older than recheckEvery, and stores the answer in the session.
// Concurrent requests of one session share one call, because a refresh token
// may be valid only once. It returns errLoggedOut if the account, the
// provider's session or the operator's last role is gone.
func (a *Console) recheck(v *visit) error {
	age := a.Now().Sub(v.checked)
	if age >= 0 && age < recheckEvery {
		return nil
	}
	session, err := a.site.Session(v.Context)
	if err != nil {
		return err
	}
	refresh := web.SessionValue(session, keyRefresh)
	if refresh == "" { // without a refresh token only a login can ask the provider; in an existing session it needs no password
		if age >= 0 && age < recheckLimit {
			return nil
		}
		return errors.Join(errLoggedOut, a.site.EndSession(v.Context))
	}
	result, err, _ := a.renewals.Do(session.ID, func() (any, error) { return a.renew(v, refresh) })
	switch {
	case errors.Is(err, errLoggedOut):
		return err
	case err != nil && (age < 0 || age >= recheckLimit):
		return &web.Error{Status: http.StatusServiceUnavailable, Key: "console_unchecked", Cause: err, GoOn: root, Label: "error.try_again", Retry: a.Now().Add(recheckPause)}
	case err != nil:
		a.site.Log(v.Context).Warn("account and roles of an operator could not be checked", "cause", err.Error())
		return nil
	}
	values := result.(map[string]string)
	for key, value := range values {
		session.Values[key] = value // also for the requests that waited for this call
	}
	fresh, err := a.who(v.Context)
	if err != nil || fresh == nil {
		return errors.Join(errLoggedOut, err)
	}
	v.roles, v.checked = fresh.roles, fresh.checked
	return nil
}

// renew asks the provider and returns the changed values of the session.
func (a *Console) renew(v *visit, refresh string) (map[string]string, error) {
	if failed := a.recheckFailed.Load(); failed != nil {
		if since := a.Now().Sub(*failed); since >= 0 && since < recheckPause {
			return nil, sso.ErrUnavailable
		}
	}
	who, err := a.SSO.Renew(v.Request.Context(), v.by.Subject, secret.New(refresh))
	if errors.Is(err, sso.ErrEnded) {
		// Another instance may have used the token a moment ago.
		now, err := a.site.ReadSession(v.Context)
		if err == nil && now[keyRefresh] != refresh && now[keyRefresh] != "" {
			return now, nil
		}
		return nil, a.end(v, "operator.ended")
	}
	if err != nil {
		now := a.Now()
		a.recheckFailed.Store(&now)
		return nil, err
	}
	roles := rolesOf(who)
	if len(roles) == 0 {
		return nil, a.end(v, "operator.no_role")
	}
	values := map[string]string{keyRoles: rolesText(roles), keyRefresh: who.Refresh.Reveal(), keyChecked: strconv.FormatInt(a.Now().UnixMicro(), 10)}
	if err := a.site.KeepInSession(v.Context, values); err != nil {
		if errors.Is(err, domain.ErrNotFound) {
			return nil, errLoggedOut
		}
		return nil, err
	}
	return values, nil
}

// end ends the session of an operator whose account or last role is gone. It
// returns errLoggedOut.
func (a *Console) end(v *visit, act string) error {
	if err := v.note(act, "", nil); err != nil {
		return err
	}
	return errors.Join(errLoggedOut, a.site.EndSession(v.Context))
}

// Facts about sessions that the provider ended, for web.Site.Note.
func endedSession(sid string) string     { return "console-ended-sid:" + sid }
func endedSubject(subject string) string { return "console-ended-sub:" + subject }

// loggedOut reports whether the provider has ended this session, or all
// sessions of the operator after this one began.
func (a *Console) loggedOut(c *gin.Context, subject, sid string, began time.Time) (bool, error) {
	ctx := c.Request.Context()
	if sid != "" {
		if at, err := a.site.Noted(ctx, endedSession(sid)); err != nil || !at.IsZero() {
			return true, err
		}
	}
	at, err := a.site.Noted(ctx, endedSubject(subject))
	return !at.Before(began) && !at.IsZero(), err
}

// backChannel receives the provider's logout tokens (OpenID Connect
// Back-Channel Logout 1.0 §2.5). It is a request between servers, without a
// cookie and a form token.
func (a *Console) backChannel(c *gin.Context) error {
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" || c.Request.ParseForm() != nil {
		return a.refuseLogout(c, "not a form", nil)
	}
	tokens := c.Request.PostForm["logout_token"]
	if len(tokens) != 1 {
		return a.refuseLogout(c, "not one logout token", nil)
	}
	ctx := c.Request.Context()
	out, err := a.SSO.Logout(ctx, tokens[0])
	if errors.Is(err, sso.ErrUnavailable) {
		return &web.Error{Status: http.StatusServiceUnavailable, Key: "sso", Cause: err}
	}
	if err != nil {
		return a.refuseLogout(c, "the token failed validation", err)
	}
	isNew, err := a.site.Note(ctx, "console-logout-token:"+out.ID, out.Expires.Add(time.Minute))
	if err != nil {
		return err
	}
	if !isNew {
		return a.refuseLogout(c, "the token was used before", nil)
	}
	if err := a.endSessions(ctx, out); err != nil {
		return err
	}
	entry := audit.Entry{At: a.Now().UTC(), By: audit.System, From: a.site.ClientKey(c), Act: "operator.logged_out", What: map[string]string{"operator": out.Subject}}
	if err := a.Journal.Note(ctx, entry); err != nil {
		return err
	}
	c.Status(http.StatusOK)
	return nil
}

func (a *Console) endSessions(ctx context.Context, out sso.Logout) error {
	fact := endedSubject(out.Subject)
	if out.SessionID != "" {
		fact = endedSession(out.SessionID)
	}
	return a.site.NoteAgain(ctx, fact, a.Now().Add(Absolute))
}

// refuseLogout answers as required by OpenID Connect Back-Channel Logout 1.0
// §2.8.
func (a *Console) refuseLogout(c *gin.Context, why string, cause error) error {
	a.site.Log(c).Warn("a back-channel logout was refused", "why", why, "cause", errText(cause))
	c.JSON(http.StatusBadRequest, gin.H{"error": "invalid_request", "error_description": why})
	return nil
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
