package web

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// crowd limits the number of requests that are processed at the same time, and
// with it memory, goroutines and the queue before the database. Beyond the
// limit the portal answers 503 at once, which costs little, instead of
// answering every request slowly.
//
// The last quarter of the places is reserved for requests with a session
// cookie, so that students in the middle of an activation go before new
// visitors. The value of the cookie is not checked here: a forged cookie
// obtains such a place, but no access.
//
// Time that depends on the client does not occupy a place: bodies are read
// before (takeBody), event streams and uploads are counted separately
// (lasting).
type crowd struct {
	inside atomic.Int64
	most   int64 // maximum; 0: no limit
}

// comeBack is the Retry-After of a request that is refused with 503. A request
// occupies a place for a few milliseconds, and for some seconds on the last
// page.
const comeBack = 10 * time.Second

func (c *crowd) enter(known bool) bool {
	most := c.most
	if !known {
		most -= most / 4
	}
	if n := c.inside.Add(1); c.most > 0 && n > most {
		c.inside.Add(-1)
		return false
	}
	return true
}

// placeKey is the context key of the function that releases the place of a
// request.
const placeKey = "place"

// admit answers 503 if all places are taken. Health checks, metrics and static
// files need no place.
func (s *Site) admit(c *gin.Context) {
	if path := c.Request.URL.Path; probes[path] || strings.HasPrefix(path, "/static/") {
		c.Next()
		return
	}
	if !s.crowd.enter(len(c.Request.CookiesNamed(s.sectionOf(c).sessions.name)) > 0) {
		s.sectionOf(c).fail(c, &Error{
			Status: http.StatusServiceUnavailable, Key: "busy", Cause: errors.New("all request places are taken"), Retry: s.config.Now().Add(comeBack),
		})
		return
	}
	leave := sync.OnceFunc(func() { s.crowd.inside.Add(-1) })
	defer leave()
	c.Set(placeKey, leave)
	c.Next()
}

// Maximum numbers of event streams and uploads at the same time.
const (
	lastingMost     = 256 // of all operators, per instance
	lastingPerOwner = 12  // of one operator; a browser opens up to 6 connections over HTTP/1.1
)

// lasting counts the open event streams and uploads, in total and by operator.
type lasting struct {
	mu     sync.Mutex
	total  int
	owners map[string]int
}

// Lasting releases the request's place in crowd and counts the request as an
// event stream or upload of owner, the operator: its duration depends on the
// client. The caller must call leave when the request ends. The error is a 429
// page if the operator has too many such requests, or a 503 page if the
// instance has.
func (s *Site) Lasting(c *gin.Context, owner string) (leave func(), err error) {
	l := s.lasting
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.owners[owner] >= lastingPerOwner:
		return nil, &Error{Status: http.StatusTooManyRequests, Key: "too_many", Cause: errors.New("the operator has too many event streams and uploads at once"), Retry: s.config.Now().Add(time.Minute)}
	case l.total >= lastingMost:
		return nil, &Error{Status: http.StatusServiceUnavailable, Key: "busy", Cause: errors.New("the instance has too many event streams and uploads at once"), Retry: s.config.Now().Add(time.Minute)}
	}
	l.total++
	l.owners[owner]++
	if place, ok := c.Get(placeKey); ok {
		place.(func())()
	}
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.total--
		if l.owners[owner]--; l.owners[owner] == 0 {
			delete(l.owners, owner)
		}
	}), nil
}
