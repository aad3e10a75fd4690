package web

import (
	"io/fs"
	"strings"

	"github.com/gin-gonic/gin"
)

// Section is a part of the site with a frame of its own.
type Section struct {
	Path      string // every address of it begins so: "/admin"
	Cookie    string // name of its session: "entree-admin"
	Templates fs.FS
	PageNames []string
	ErrorPage ErrorPage
	// Dress adds to a view what the section's layout needs. It may be asked for
	// a request that was refused before anybody was known.
	Dress func(*gin.Context, *View)
}

// Section adds a part. It has the site's addresses, headers, guards, logs and
// files; templates, session and error pages are its own, so that who is known
// in one is nobody in the other.
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

// sectionOf gives the part that an address belongs to.
func (s *Site) sectionOf(c *gin.Context) *Site {
	for path, part := range s.sections {
		if at := c.Request.URL.Path; at == path || strings.HasPrefix(at, path+"/") {
			return part
		}
	}
	return s
}
