package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"
)

// notFound redirects an address that is a page's but for capitals, for slashes
// or for what a mail or a sentence left at its end, and answers 404 to any
// other. Only GET and HEAD are redirected.
func (s *Site) notFound(c *gin.Context) {
	if m := c.Request.Method; m == http.MethodGet || m == http.MethodHead {
		if path, ok := s.canonical(c.Request.URL.Path); ok {
			c.Redirect(http.StatusMovedPermanently, (&url.URL{Path: path, RawQuery: c.Request.URL.RawQuery}).String())
			return
		}
	}
	s.sectionOf(c).fail(c, &Error{Status: http.StatusNotFound, Key: "not_found"})
}

// canonical returns the address of the page that a path means: the page with
// the fewest parameters, if several fit. ok is false if there is none or if the
// path is that address already.
func (s *Site) canonical(path string) (to string, ok bool) {
	if slices.Contains(segments(path), "..") { // written by a program
		return "", false
	}
	words, parameters := segments(strings.TrimRightFunc(path, isLeftover)), 0
	for page := range s.gets {
		n := strings.Count(page, ":")
		if found, fit := fits(page, words); fit && found != path && (!ok || n < parameters) {
			to, ok, parameters = found, true, n
		}
	}
	return to, ok
}

// segments returns the parts of a path between its slashes, without empty ones.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// fits reports whether words spell the path of a page without regard to case,
// and returns that path. Parameters are kept as they are.
func fits(page string, words []string) (string, bool) {
	parts := segments(page)
	if len(parts) != len(words) {
		return "", false
	}
	for i, part := range parts {
		switch {
		case strings.HasPrefix(part, "*"):
			return "", false
		case strings.HasPrefix(part, ":"):
			parts[i] = words[i]
		case !strings.EqualFold(part, words[i]):
			return "", false
		}
	}
	return "/" + strings.Join(parts, "/"), true
}

// isLeftover reports whether a character at the end of a path belongs to the
// text around the address: a slash, a space, punctuation, an invisible
// character. Identifiers may end with - and _.
func isLeftover(r rune) bool {
	return r != '-' && r != '_' && (unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.Is(unicode.Cf, r))
}
