package portal_test

import (
	"html/template"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"entree/internal/domain"
	"entree/portal"
	"entree/portal/web"
)

// Above the capacity, new visitors get a refusal at once, in their language and
// with a time to come back. Visitors whose journey has begun are served until
// the last place is taken, and the health checks always answer.
func TestOverload_ThoseOnTheWayGoFirst(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	var started atomic.Bool
	w := newWorld(t, func(o *portal.Options) {
		o.AtOnce = 8 // two of them are reserved for journeys that have begun
		o.Catalog = held{o.Catalog, &started, inside, leave}
	})
	started.Store(true)
	b := w.browser(t)
	b.get("/activation").fill("/activation", "profil", "etudiant", "adresse", known) // the browser has a cookie from here on
	var wg sync.WaitGroup
	hold := func(who *browser) {
		wg.Go(func() {
			if p := who.do(http.MethodGet, "/", nil); p.status != http.StatusOK {
				t.Errorf("one of those inside got %d", p.status)
			}
		})
		<-inside
	}
	for range 6 {
		hold(w.browser(t))
	}
	stranger := w.browser(t)
	stranger.header.Set("Accept-Language", "en")
	p := stranger.do(http.MethodGet, "/activation", nil)
	if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") != "10" || p.Find("html").AttrOr("lang", "") != "en" {
		t.Errorf("a newcomer: %d, Retry-After %q, in %q", p.status, p.header.Get("Retry-After"), p.Find("html").AttrOr("lang", ""))
	}
	if p := b.do(http.MethodGet, "/activation", nil); p.status != http.StatusOK {
		t.Errorf("somebody on the way: %d", p.status)
	}
	if p := stranger.do(http.MethodGet, "/healthz", nil); p.status != http.StatusOK {
		t.Errorf("health: %d", p.status)
	}
	second := *b
	second.header = http.Header{}
	hold(&second)
	third := *b
	third.header = http.Header{}
	hold(&third)
	if p := b.do(http.MethodGet, "/activation", nil); p.status != http.StatusServiceUnavailable {
		t.Errorf("beyond the last place: %d", p.status)
	}
	close(leave)
	wg.Wait()
	if p := stranger.do(http.MethodGet, "/activation", nil); p.status != http.StatusOK {
		t.Errorf("when it is over: %d", p.status)
	}
}

// held blocks requests for the welcome page while it is rendered.
type held struct {
	web.Catalog
	drawn         *atomic.Bool // the sample pages were rendered at the portal's start
	inside, leave chan struct{}
}

func (h held) T(lang domain.Lang, key string, args ...any) template.HTML {
	if key == "welcome.title" && h.drawn.Load() {
		select {
		case <-h.leave:
		case h.inside <- struct{}{}:
			<-h.leave
		}
	}
	return h.Catalog.T(lang, key, args...)
}
