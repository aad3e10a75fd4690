package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/secret"
)

// PutSealed stores a value in a cookie of the visitor's browser, encrypted and
// bound to its name. It is for data that is needed before a session row exists,
// because a GET must not write to the database. The browser drops the cookie
// after life; the value should contain its own expiry time as well.
func (s *Site) PutSealed(c *gin.Context, name string, value any, life time.Duration) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("cookie %s: %w", name, err)
	}
	box, err := s.config.Keys.Seal(secret.UseCookie.Of(s.sessions.site), "cookie:"+name, plain)
	if err != nil {
		return fmt.Errorf("cookie %s: %w", name, err)
	}
	s.setSealed(c, name, base64.RawURLEncoding.EncodeToString(box), int(life.Seconds()))
	return nil
}

// TakeSealed decodes the value that PutSealed stored under name into value and
// removes the cookie. It returns false if there is no such cookie, more than
// one, or one that was not made with the keys of this site.
func (s *Site) TakeSealed(c *gin.Context, name string, value any) bool {
	cookies := c.Request.CookiesNamed(s.sealedName(name))
	if len(cookies) == 0 {
		return false
	}
	s.setSealed(c, name, "", -1)
	box, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil || len(cookies) > 1 {
		return false
	}
	plain, err := s.config.Keys.Open(secret.UseCookie.Of(s.sessions.site), "cookie:"+name, box)
	return err == nil && json.Unmarshal(plain, value) == nil
}

// DropSealed removes the oldest sealed cookies whose names begin with prefix
// and keeps the given number of the newest ones. Browsers send the newest
// cookies last (RFC 6265 §5.4).
func (s *Site) DropSealed(c *gin.Context, prefix string, keep int) {
	var names []string
	for _, cookie := range c.Request.Cookies() {
		if name, ok := strings.CutPrefix(cookie.Name, s.sealedName(prefix)); ok {
			names = append(names, prefix+name)
		}
	}
	for i := 0; i < len(names)-keep; i++ {
		s.setSealed(c, names[i], "", -1)
	}
}

func (s *Site) sealedName(name string) string { return s.sessions.name + "-" + name }

func (s *Site) setSealed(c *gin.Context, name, value string, maxAge int) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: s.sealedName(name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: s.base.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
