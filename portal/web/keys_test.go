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
	domain.SessionRow
	journey domain.Journey // read with the row
}

func (r *oneRow) Session(context.Context, string) (domain.SessionRow, domain.Journey, error) {
	if r.Data == nil {
		return domain.SessionRow{}, domain.Journey{}, domain.ErrNotFound
	}
	return r.SessionRow, r.journey, nil
}

func (r *oneRow) SaveSession(_ context.Context, row domain.SessionRow) error {
	r.SessionRow = row
	return nil
}

func (r *oneRow) RenewSession(ctx context.Context, row domain.SessionRow) error {
	return r.SaveSession(ctx, row)
}

func (r *oneRow) DeleteSession(context.Context, string) error            { return nil }
func (r *oneRow) ExtendSession(context.Context, string, time.Time) error { return nil }

// oneSession returns an empty store of one session, and a configuration of sites with it.
func oneSession(t *testing.T) (*oneRow, Config) {
	t.Helper()
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	rows := &oneRow{}
	return rows, Config{Keys: keys, Now: time.Now, Random: rand.Reader, Sessions: rows}
}

func siteWith(name string, config Config) *Site {
	return &Site{config: config, base: &url.URL{Scheme: "http"}, sessions: newSessions(name, config, false)}
}

// The portal and the console have one secret, from which each derives its own
// keys: a signature, a session row, a sealed cookie and a form token of one
// site are refused by the other, even under the other's cookie name.
func TestR23_ASiteHasKeysOfItsOwn(t *testing.T) {
	_, config := oneSession(t)
	keys := config.Keys
	site := func(name string) *Site {
		s := siteWith(name, config)
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
	if _, _, _, err := console.sessions.read(t.Context(), session.ID); err == nil {
		t.Error("the console opens a session row of the portal")
	}
	form := keys.MAC(secret.UseForm.Of(portal.sessions.site), session.ID, "about")
	if keys.Verify(secret.UseForm.Of(console.sessions.site), form, session.ID, "about") {
		t.Error("one key makes the form tokens of both sites")
	}
}

// A session is read with its journey. The sealed id decides which one it is, not the column
// beside it.
func TestS27_TheSealedIDDecidesTheJourney(t *testing.T) {
	rows, config := oneSession(t)
	s := siteWith("entree", config)
	answer := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(answer)
	c.Request = httptest.NewRequest(http.MethodPost, "/", nil)
	if err := s.RenewSession(c, map[string]string{KeyJourney: "mine"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if rows.Journey != "mine" {
		t.Errorf("the row names the journey %q", rows.Journey)
	}
	for stored, want := range map[domain.JourneyID]bool{"mine": true, "another": false, "": false} {
		rows.Journey, rows.journey = stored, domain.Journey{ID: stored, Version: 3}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(answer.Result().Cookies()[0])
		session, err := s.sessions.New(r, "entree")
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := SessionJourney(session); ok != want || want && j.Version != 3 {
			t.Errorf("%q: %+v, %t", stored, j, ok)
		}
		session.Values[KeyJourney] = "begun since"
		if _, ok := SessionJourney(session); ok {
			t.Error("the journey of before was returned")
		}
	}
}
