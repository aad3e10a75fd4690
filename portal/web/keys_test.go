package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/secret"
)

// oneRow is a table of sessions with one row, which two sites share.
type oneRow struct {
	data  []byte
	until time.Time
}

func (r *oneRow) Session(context.Context, string) ([]byte, time.Time, error) {
	if r.data == nil {
		return nil, time.Time{}, domain.ErrNotFound
	}
	return r.data, r.until, nil
}

func (r *oneRow) SaveSession(_ context.Context, _ string, data []byte, until time.Time) error {
	r.data, r.until = data, until
	return nil
}

func (r *oneRow) RenewSession(ctx context.Context, _, id string, data []byte, until time.Time) error {
	return r.SaveSession(ctx, id, data, until)
}

func (r *oneRow) DeleteSession(context.Context, string) error            { return nil }
func (r *oneRow) ExtendSession(context.Context, string, time.Time) error { return nil }

// The portal and the console have one secret, from which each derives its own
// keys: a signature, a session row, a sealed cookie and a form token of one
// site are refused by the other, even under the other's cookie name.
func TestR23_ASiteHasKeysOfItsOwn(t *testing.T) {
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	rows := &oneRow{}
	config := Config{Keys: keys, Now: time.Now, Random: rand.Reader, Sessions: rows}
	site := func(name string) *Site {
		s := &Site{config: config, base: &url.URL{Scheme: "http"}, sessions: newSessions(name, config, false)}
		s.sessions.name = "same"
		return s
	}
	portal, console := site("entree"), site("entree-admin")
	begin := func() *gin.Context {
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = httptest.NewRequest(http.MethodGet, "/", nil)
		return c
	}
	// back returns the next request of the browser that received the answer to
	// c.
	back := func(c *gin.Context) *gin.Context {
		next := begin()
		for _, cookie := range (&http.Response{Header: c.Writer.Header()}).Cookies() {
			next.Request.AddCookie(cookie)
		}
		return next
	}

	c := begin()
	if err := portal.PutSealed(c, "sso", "state", time.Minute); err != nil {
		t.Fatal(err)
	}
	var got string
	if console.TakeSealed(back(c), "sso", &got) {
		t.Error("the console opens a login under way of the portal")
	}
	if !portal.TakeSealed(back(c), "sso", &got) || got != "state" {
		t.Error("the portal does not open its own")
	}

	c = begin()
	session, err := portal.sessions.New(c.Request, "same")
	if err != nil {
		t.Fatal(err)
	}
	session.ID, session.Options.MaxAge = "0123456789abcdef", 60
	session.Values["journey"] = "j1"
	if err := portal.sessions.Save(c.Request, c.Writer, session); err != nil {
		t.Fatal(err)
	}
	request := back(c).Request
	if s, err := console.sessions.New(request, "same"); err != nil || !s.IsNew {
		t.Errorf("the console takes a session cookie of the portal: %+v %v", s, err)
	}
	if s, err := portal.sessions.New(request, "same"); err != nil || s.IsNew || s.Values["journey"] != "j1" {
		t.Errorf("the portal does not take its own: %+v %v", s, err)
	}
	if _, _, err := console.sessions.read(t.Context(), session.ID); err == nil {
		t.Error("the console opens a session row of the portal")
	}
	form := keys.MAC(secret.UseForm.Of(portal.sessions.site), session.ID, "about")
	if keys.Verify(secret.UseForm.Of(console.sessions.site), form, session.ID, "about") {
		t.Error("one key makes the form tokens of both sites")
	}
}
