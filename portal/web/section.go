package web

import (
	"io/fs"
	"strings"

	"github.com/gin-gonic/gin"
)

// Section configures a part of the site with its own layout, session and error
// page, such as the console. All fields but AddFrame must be set.
type Section struct {
	Path      string // prefix of all its addresses: "/admin"
	Cookie    string // name of its session cookie: "entree-admin"
	Templates fs.FS
	PageNames []string
	ErrorPage ErrorPage
	// AddFrame adds to a view the data that the section's layout needs; nil:
	// nothing. It is also called for a request that was refused before its user
	// was known.
	AddFrame func(*gin.Context, *View)
}

// Section adds a section to the site. The section shares the site's routes,
// headers, guards, logs and static files. Its templates, sessions and error
// pages are separate, so that a user who is signed in to one section is not
// signed in to another.
func (s *Site) Section(o Section) (*Site, error) {
	part := *s
	var err error
	if part.pages, err = part.loadPages(o.Templates, o.PageNames); err != nil {
		return nil, err
	}
	part.sessions = newSessions(o.Cookie, s.config, s.base.Scheme == "https")
	part.config.ErrorPage, part.addFrame = o.ErrorPage, o.AddFrame
	s.sections[o.Path] = &part
	return &part, nil
}

// sectionOf returns the section that the path of the request belongs to, or the
// site itself.
func (s *Site) sectionOf(c *gin.Context) *Site {
	for path, part := range s.sections {
		if at := c.Request.URL.Path; at == path || strings.HasPrefix(at, path+"/") {
			return part
		}
	}
	return s
}
