package portal

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// drawNotice answers with the page behind the link of a mail that tells of a change. Its
// path holds the right to undo the change. The page is no step of a flow.
func (p *Portal) drawNotice(c *gin.Context, path, name, title string, page any) error {
	view, _, err := p.firstPage(c, title)
	if err != nil {
		return err
	}
	view.Step, view.Path = 0, path
	return p.answer(c, name, view.With(page), nil, "")
}

// noSuchNotice answers a token that is not one of a notice like an address that does
// not exist.
func noSuchNotice(err error) error {
	if errors.Is(err, domain.ErrNotFound) {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	return err
}
