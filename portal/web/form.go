package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"entree/internal/clean"
)

// Field is one input of a form.
type Field struct {
	Name     string
	Max      int  // bytes
	Optional bool // a checkbox or radio group, which browsers leave out if none is checked
	Prose    bool // free text: characters that a reader cannot see are removed (V4)
	Many     int  // a group of checkboxes: up to Many values of Max bytes each; 0: exactly one value
}

// Form holds the submitted values by field name. The values of a field with
// Many > 0 are joined by newlines.
type Form map[string]string

// All returns the values of a field with Many > 0.
func (f Form) All(name string) []string {
	if f[name] == "" {
		return nil
	}
	return strings.Split(f[name], "\n")
}

// TokenField is the name of the hidden field that binds a form to its session.
const TokenField = "jeton"

// ReadForm reads a form from the body, never from the query. It returns an
// error for a field that is repeated, missing, named as an array ("adresse[]"),
// longer than Field.Max bytes, or not valid text: the portal's own forms send
// none of these. Choosing one of two values would be unsafe: a code could be
// sent to an address other than the one that was checked.
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
		// The parser's error is dropped, because it quotes the submitted text.
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
		if form[f.Name] = values[0]; f.Prose {
			form[f.Name] = clean.Prose(values[0])
		}
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

// plainName returns the field name of the array notations of common frameworks
// ("name[]", "name.0"), trimmed and in lower case.
func plainName(name string) string {
	if i := strings.IndexAny(name, "[].%"); i >= 0 {
		name = name[:i]
	}
	return strings.ToLower(strings.TrimSpace(name))
}
