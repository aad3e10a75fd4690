package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"
)

// notFound redirects GET and HEAD requests to a page if the path differs from
// the page's path only in case, in slashes or in punctuation copied from the
// surrounding text. It answers 404 to all other requests.
func (s *Site) notFound(c *gin.Context) {
	if m := c.Request.Method; m == http.MethodGet || m == http.MethodHead {
		if path, ok := s.canonical(c.Request.URL.Path); ok {
			c.Redirect(http.StatusMovedPermanently, (&url.URL{Path: path, RawQuery: c.Request.URL.RawQuery}).String())
			return
		}
	}
	s.sectionOf(c).fail(c, &Error{Status: http.StatusNotFound, Key: "not_found"})
}

// canonical returns the address of the page that matches path without regard to
// case, slashes and trailing punctuation. If several pages match, it returns
// the one with the fewest parameters. ok is false if no page matches or if path
// is that address already.
func (s *Site) canonical(path string) (to string, ok bool) {
	if slices.Contains(segments(path), "..") { // browsers resolve "..": a program sent this path
		return "", false
	}
	words, parameters := segments(strings.TrimLeftFunc(strings.TrimRightFunc(path, isLeftover), isBlank)), 0
	words = slices.DeleteFunc(words, func(word string) bool { return word == "." })
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

// fits reports whether words equal the segments of a page's path without regard
// to case, and returns that path. Parameters keep the value from words.
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

// isBlank reports whether a character at the beginning of a path is a slash or
// cannot be seen.
func isBlank(r rune) bool { return r == '/' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// isLeftover reports whether a character at the end of a path belongs to the
// text around the address: a slash, a space, punctuation, an invisible
// character. It is false for - and _, because identifiers may end with them.
func isLeftover(r rune) bool {
	return r != '-' && r != '_' && (unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.Is(unicode.Cf, r))
}
