package web

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// crowd bounds how many requests are worked on at once, and with that memory,
// goroutines and the queue before the database. Beyond it the portal says so at
// once, which costs next to nothing, instead of slowly to everybody.
//
// Whoever is on the way goes before those who would begin: the last quarter of
// the places is for requests that carry a session's cookie. It may be a forged
// one; that buys a place in the queue and nothing else.
type crowd struct {
	inside atomic.Int64
	most   int64 // 0: no bound
}

// comeBack is how long somebody who was not let in is asked to wait. A place is
// taken for a few milliseconds, and for some seconds at the last page.
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

// admit answers 503 beyond capacity. Health, figures and static files cost
// nothing worth waiting for.
func (s *Site) admit(c *gin.Context) {
	if path := c.Request.URL.Path; probes[path] || strings.HasPrefix(path, "/static/") {
		c.Next()
		return
	}
	if !s.crowd.enter(len(c.Request.CookiesNamed(s.sectionOf(c).sessions.name)) > 0) {
		s.sectionOf(c).fail(c, &Error{
			Status: http.StatusServiceUnavailable, Key: "busy", Cause: errors.New("as many requests as there may be"), Retry: s.config.Now().Add(comeBack),
		})
		return
	}
	defer s.crowd.inside.Add(-1)
	c.Next()
}
