package web

import (
	"io/fs"
	"strings"

	"github.com/gin-gonic/gin"
)

// Section is a part of the site with a layout of its own.
type Section struct {
	Path      string // prefix of all its addresses: "/admin"
	Cookie    string // name of its session: "entree-admin"
	Templates fs.FS
	PageNames []string
	ErrorPage ErrorPage
	// Dress adds to a view the data of the section's layout. It may be called for
	// a request that was refused before a login was checked.
	Dress func(*gin.Context, *View)
}

// Section adds a section. It shares the site's routes, headers, guards, logs and
// files; its templates, session and error pages are its own, so that a login in
// one part is none in the other.
func (s *Site) Section(o Section) (*Site, error) {
	part := *s
	var err error
	if part.pages, err = part.loadPages(o.Templates, o.PageNames); err != nil {
		return nil, err
	}
	part.sessions = newSessions(o.Cookie, s.config, s.base.Scheme == "https")
	part.config.ErrorPage, part.dress = o.ErrorPage, o.Dress
	s.sections[o.Path] = &part
	return &part, nil
}

// sectionOf returns the section to which an address belongs.
func (s *Site) sectionOf(c *gin.Context) *Site {
	for path, part := range s.sections {
		if at := c.Request.URL.Path; at == path || strings.HasPrefix(at, path+"/") {
			return part
		}
	}
	return s
}
