package web

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
)

const (
	langCookie = "langue"
	langKey    = "lang"
	langYear   = 365 * 24 * 60 * 60 // seconds
)

// language selects the language of the answer: the language in the cookie, else
// the one that the catalog matches with Accept-Language. A request with
// "?lang=en" sets the cookie, which is not encrypted, and is redirected to the
// same page without this parameter.
func (s *Site) language(c *gin.Context) {
	asked, isSwitch := langOf(c.Query("lang"))
	unknown := c.FullPath() == "" // the 404 page is answered in the requested language, without a redirect
	if isSwitch && (s.gets[c.FullPath()] || unknown) && c.Request.Method != http.MethodPost {
		s.keepLang(c, asked)
		if unknown {
			c.Next()
			return
		}
		query := c.Request.URL.Query()
		query.Del("lang")
		c.Redirect(http.StatusSeeOther, (&url.URL{Path: c.Request.URL.Path, RawQuery: query.Encode()}).String())
		c.Abort()
		return
	}
	lang := s.config.Catalog.Match(c.GetHeader("Accept-Language"))
	if cookie, err := c.Request.Cookie(langCookie); err == nil {
		if chosen, ok := langOf(cookie.Value); ok {
			lang = chosen
		}
	}
	c.Set(langKey, lang)
	c.Next()
}

func (s *Site) keepLang(c *gin.Context, lang domain.Lang) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: langCookie, Value: string(lang), Path: "/", MaxAge: langYear,
		Secure: s.base.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	c.Set(langKey, lang)
}

func langOf(s string) (domain.Lang, bool) {
	switch l := domain.Lang(s); l {
	case domain.French, domain.English:
		return l, true
	}
	return domain.French, false
}

// Lang returns the language of the answer.
func (s *Site) Lang(c *gin.Context) domain.Lang {
	if lang, ok := c.Get(langKey); ok {
		return lang.(domain.Lang)
	}
	// The request was refused before the language middleware ran.
	return s.config.Catalog.Match(c.GetHeader("Accept-Language"))
}
