package i18n

import (
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"

	"entree/internal/domain"
)

// message holds the forms of a message that consist of text and places for values only,
// cut up when the catalog is loaded. Executing them as templates would cost a page more
// than all of its other values.
type message struct{ one, other form }

// form is a text that is cut at the places for its values: len(values) == len(texts)-1.
// The zero form is a form that the message does not have.
type form struct {
	texts  []string
	values []string // name of the value after each text
}

// place matches the place of a value: {{.Address}}.
var place = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

// keep stores a message, if all of its forms can be cut up. It replaces a message of the
// same key.
func (c *Catalog) keep(lang domain.Lang, m *i18n.Message) {
	delete(c.messages[lang], m.ID)
	one, okOne := cut(m.One)
	other, okOther := cut(m.Other)
	if okOne && okOther && m.Other != "" && m.Zero+m.Two+m.Few+m.Many == "" {
		c.messages[lang][m.ID] = message{one, other}
	}
}

// cut returns the form of a text. ok is false if the text has more than places for
// values.
func cut(text string) (f form, ok bool) {
	if text == "" {
		return form{}, true
	}
	for _, at := range place.FindAllStringSubmatch(text, -1) {
		f.values = append(f.values, at[1])
	}
	f.texts = place.Split(text, -1)
	return f, !strings.Contains(strings.Join(f.texts, ""), "{{")
}

// say returns the message with its values. ok is false if the plural form depends on
// more than a whole number.
func (m message) say(lang domain.Lang, args []any) (said template.HTML, ok bool) {
	f := m.other
	if n := value(args, "Count"); n != nil && m.one.texts != nil {
		count, whole := whole(n)
		if !whole {
			return "", false
		}
		if count == 1 || count == 0 && lang == domain.French {
			f = m.one
		}
	}
	if len(f.values) == 0 {
		return template.HTML(f.texts[0]), true
	}
	var b strings.Builder
	for i, name := range f.values {
		b.WriteString(f.texts[i])
		if v := value(args, name); v != nil {
			b.WriteString(escaped(v))
		} else {
			b.WriteString("<no value>") // as a template has it: the start of the program refuses it
		}
	}
	b.WriteString(f.texts[len(f.values)])
	return template.HTML(b.String()), true
}

// value returns the value of a name, or nil if there is none. The last pair of a name
// counts.
func value(args []any, name string) (v any) {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			v = args[i+1]
		}
	}
	return v
}

// whole returns a number that is not negative. ok is false for every other value.
func whole(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case int:
		n, ok = int64(v), true
	case int64:
		n, ok = v, true
	}
	return n, ok && n >= 0
}

// escaped returns a value as it stands in a message. Only template.HTML is not escaped.
func escaped(v any) string {
	switch v := v.(type) {
	case template.HTML:
		return string(v)
	case string:
		return template.HTMLEscapeString(v)
	case int:
		return strconv.Itoa(v)
	}
	return template.HTMLEscapeString(fmt.Sprint(v))
}
