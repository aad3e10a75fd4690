package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// Field is one input of a form.
type Field struct {
	Name     string
	Max      int  // bytes
	Optional bool // a checkbox or radio button, which browsers omit if it is not ticked
	Many     int  // checkboxes of one name: the most values of Max bytes; 0: exactly one value
}

// Form holds the values of a form, one per field. Several values of one field are
// joined by line feeds.
type Form map[string]string

// All returns the values of a field that may have many.
func (f Form) All(name string) []string {
	if f[name] == "" {
		return nil
	}
	return strings.Split(f[name], "\n")
}

// TokenField is the name of the hidden field that binds a form to its session.
const TokenField = "jeton"

// ReadForm reads the body, never the query. It refuses a body that no browser
// makes of the portal's own forms: with a field that is repeated, missing, shaped
// as an array ("adresse[]"), too long or not text. Taking one of two values has
// sent codes to an attacker's mailbox in other software.
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
		// The parser's error quotes the body.
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

// plainName returns the name of a field without the array notations of frameworks.
func plainName(name string) string {
	if i := strings.IndexAny(name, "[].%"); i >= 0 {
		name = name[:i]
	}
	return strings.ToLower(strings.TrimSpace(name))
}
