package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// Field is one input that a form sends.
type Field struct {
	Name     string
	Max      int  // bytes
	Optional bool // a box or choice that a browser leaves out when nothing is ticked
	Many     int  // a column of boxes: up to so many values of Max bytes; 0: one exact value
}

// Form is what was typed, one exact value per field. The values of a field
// that may have many are kept one a line.
type Form map[string]string

// All gives the values of a field that may have many.
func (f Form) All(name string) []string {
	if f[name] == "" {
		return nil
	}
	return strings.Split(f[name], "\n")
}

// TokenField is the name of the hidden field that ties a form to its session.
const TokenField = "jeton"

// ReadForm reads the body, never the query, and refuses what a browser does not
// make of the portal's own forms: a field that is repeated, missing, shaped as
// an array ("adresse[]"), too long or no text. Guessing which of two values
// was meant is how a code once went to somebody else's mailbox.
func ReadForm(c *gin.Context, fields ...Field) (Form, error) {
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, &Error{Status: http.StatusUnsupportedMediaType, Key: "malformed", Cause: errors.New("not a form")}
	}
	if err := c.Request.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		// The parser's error quotes what was sent.
		return nil, Malformed("form does not parse")
	}
	sent := c.Request.PostForm
	fields = append(fields, Field{Name: TokenField, Max: 100})
	for name := range sent {
		for _, f := range fields {
			if name != f.Name && plainName(name) == f.Name {
				return nil, Malformed("field %s: shaped as an array", f.Name)
			}
		}
	}
	form := Form{}
	for _, f := range fields {
		values := sent[f.Name]
		switch {
		case f.Many > 0:
			if err := checkMany(f, values); err != nil {
				return nil, err
			}
			form[f.Name] = strings.Join(values, "\n")
			continue
		case len(values) == 0 && f.Optional:
			continue
		case len(values) != 1:
			return nil, Malformed("field %s: sent %d times", f.Name, len(values))
		case len(values[0]) > f.Max:
			return nil, &Error{Status: http.StatusRequestEntityTooLarge, Key: "too_large", Cause: fmt.Errorf("field %s", f.Name)}
		case !isText(values[0]):
			return nil, Malformed("field %s: no text", f.Name)
		}
		form[f.Name] = values[0]
	}
	return form, nil
}

func checkMany(f Field, values []string) error {
	if len(values) > f.Many {
		return &Error{Status: http.StatusRequestEntityTooLarge, Key: "too_large", Cause: fmt.Errorf("field %s", f.Name)}
	}
	for _, v := range values {
		if v == "" || len(v) > f.Max || !isText(v) || strings.ContainsAny(v, "\r\n") {
			return Malformed("field %s: no value of a column of boxes", f.Name)
		}
	}
	return nil
}

// plainName folds the ways in which frameworks write one field of many.
func plainName(name string) string {
	if i := strings.IndexAny(name, "[].%"); i >= 0 {
		name = name[:i]
	}
	return strings.ToLower(strings.TrimSpace(name))
}
