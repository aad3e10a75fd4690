// Package web holds the parts that all pages share: rendering, sessions, headers,
// limits, metrics, and the conversion of errors into pages.
package web

import (
	"html/template"
	"math"
	"net/url"
	"strings"
	"time"

	"entree/internal/domain"
)

// View is the data of every template: the data of the layout, and in Data the
// page's own typed data. Templates translate by {{.T "key"}} and by
// {{.T "key" "Name" value …}}.
type View struct {
	Lang        domain.Lang
	Translate   func(lang domain.Lang, key string, args ...any) template.HTML
	Institution Institution
	Asset       func(name string) string // "app.css" → its fingerprinted address
	TitleKey    string                   // message key of the page's title and h1
	Step        int                      // 1 to 3 in the step bar; 0: no bar; 4: all done
	Path        string                   // this page, for the language switch
	Query       url.Values               // the parameters of this page that the language switch keeps
	Token       string                   // for <input type="hidden" name="jeton">
	Errors      []FieldError             // the error summary, in the order of the fields
	Notice      template.HTML            // a line above the card ("a new code has been sent"); may be empty
	SessionEnds time.Time                // idle end of the session; zero: no session, no warning
	Reference   string                   // correlation id, on error pages
	Now         time.Time                // for times written as "3 minutes ago"
	Zone        *time.Location           // of the times that are shown; nil: UTC
	Frame       any                      // further data of a section's layout
	Data        any
}

// T translates a message into the page's language. args are name–value pairs.
func (v View) T(key string, args ...any) template.HTML { return v.Translate(v.Lang, key, args...) }

// Other returns the language that the switch leads to.
func (v View) Other() domain.Lang {
	if v.Lang == domain.French {
		return domain.English
	}
	return domain.French
}

// SwitchTo returns the address of this page in another language.
func (v View) SwitchTo(lang domain.Lang) string {
	query := url.Values{langKey: {string(lang)}}
	for name, values := range v.Query {
		query[name] = values
	}
	return v.Path + "?" + query.Encode()
}

// SessionLeft returns the seconds until SessionEnds, at least 1. The page counts them
// down by itself: the clock of a telephone may be wrong by hours.
func (v View) SessionLeft() int { return SecondsUntil(v.SessionEnds, v.Now) }

// SecondsUntil returns the whole seconds from now until at, at least 1.
func SecondsUntil(at, now time.Time) int { return max(1, int(math.Ceil(at.Sub(now).Seconds()))) }

// FieldError is one line of the error summary, and the message at its field.
type FieldError struct {
	Field   string // id of the input, "adresse"
	Message template.HTML
}

// ErrorAt returns the message of a field, or "".
func (v View) ErrorAt(field string) template.HTML {
	for _, e := range v.Errors {
		if e.Field == field {
			return e.Message
		}
	}
	return ""
}

// Institution describes the university, from the configuration.
type Institution struct {
	Name          string // "Université d'Orléans"
	ShortName     string // "Orléans"
	LogoURL       string // an asset; empty: the name is shown without a logo
	HelpURL       string
	HelpEmail     string
	HelpPhone     string
	LegalURL      string
	AccessibleURL string
}

// Dial returns the telephone number for a tel: address: figures and a leading plus
// only (RFC 3966), without the "(0)" that is not dialled after a country code.
func (i Institution) Dial() string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, strings.ReplaceAll(i.HelpPhone, "(0)", ""))
}
