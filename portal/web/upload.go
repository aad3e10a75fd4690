package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/clean"
)

// uploadTime is the timeout for receiving an uploaded file.
const uploadTime = 15 * time.Minute

// Upload adds a route for a form with a file of at most most bytes. Other
// routes accept bodies of at most maxBody bytes.
func (s *Site) Upload(path string, most int64, h func(*gin.Context) error) {
	s.uploads[path] = most
	s.Post(path, h)
}

// ReadUpload reads a form that contains the token and one file, in this order.
// The file is a stream that is valid until the handler ends. None of its bytes
// are read before the token.
func ReadUpload(c *gin.Context, field string) (Form, *multipart.Part, error) {
	control := http.NewResponseController(c.Writer)
	for _, set := range []func(time.Time) error{control.SetReadDeadline, control.SetWriteDeadline} {
		if err := set(time.Now().Add(uploadTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil, nil, fmt.Errorf("upload: %w", err)
		}
	}
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return nil, nil, &Error{Status: http.StatusUnsupportedMediaType, Key: "malformed", Cause: errors.New("not a form with a file")}
	}
	token, err := parts.NextPart()
	if err != nil || token.FormName() != TokenField {
		return nil, nil, Malformed("upload: the token does not come first")
	}
	value, err := io.ReadAll(io.LimitReader(token, 101))
	if err != nil || len(value) > 100 {
		return nil, nil, Malformed("upload: no token")
	}
	file, err := parts.NextPart()
	if err != nil || file.FormName() != field {
		return nil, nil, Malformed("upload: no file")
	}
	return Form{TokenField: string(value)}, file, nil
}

// UploadName returns the name of a file as the visitor sent it, without folders
// and control characters, and with at most 120 characters.
func UploadName(file *multipart.Part) string {
	name := clean.Prose(file.FileName()) // without folders, which some browsers send
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > 120 {
		name = string(runes[:120])
	}
	return name
}
