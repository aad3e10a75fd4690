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

// crowd limits the number of requests that are processed at once, and with it
// memory, goroutines and the queue before the database. Beyond the limit the
// portal answers 503 at once, which costs little, instead of answering every
// request slowly.
//
// The last quarter of the places is for requests with a session cookie: a
// student in the middle of an activation goes before a newcomer. The cookie may
// be forged; a forged one gives a place in the queue and nothing else.
//
// Time that a client decides about is not spent in a place: bodies are read
// before (takeBody), event streams and uploads are counted apart (lasting).
type crowd struct {
	inside atomic.Int64
	most   int64 // 0: no limit
}

// comeBack is the Retry-After of a refused request. A place is taken for a few
// milliseconds, and for some seconds at the last page.
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

// placeKey is the key of the function that gives up the place of a request.
const placeKey = "place"

// admit answers 503 beyond capacity. Health, metrics and static files take no
// place.
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

// Limits of lasting requests.
const (
	lastingMost     = 256 // of the instance
	lastingPerOwner = 12  // of one operator: a browser opens 6 over HTTP/1.1
)

// lasting counts event streams and uploads, in total and by operator.
type lasting struct {
	mu     sync.Mutex
	total  int
	owners map[string]int
}

// Lasting moves a request out of the limit of requests at once: it goes on for
// as long as its client likes. owner is the operator. leave must be called at
// the end. The error is a page if the operator, or all of them, have too many
// such requests already.
func (s *Site) Lasting(c *gin.Context, owner string) (leave func(), err error) {
	l := s.lasting
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.owners[owner] >= lastingPerOwner:
		return nil, &Error{Status: http.StatusTooManyRequests, Key: "too_many", Cause: errors.New("lasting requests of this operator"), Retry: s.config.Now().Add(time.Minute)}
	case l.total >= lastingMost:
		return nil, &Error{Status: http.StatusServiceUnavailable, Key: "busy", Cause: errors.New("lasting requests"), Retry: s.config.Now().Add(time.Minute)}
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
