// Package web contains the parts that all pages share: rendering, sessions,
// headers, limits, metrics, and the only place where an error becomes a page.
package web

import (
	"html/template"
	"maps"
	"math"
	"net/url"
	"strings"
	"time"
	"unicode"

	"entree/internal/domain"
)

// View is the data of every template: the values of the layout, and in Data the
// page's own typed data. Templates translate with {{.T "key"}} and {{.T "key"
// "Name" value …}}. Templates are shared between requests, so no function is
// bound to them.
type View struct {
	Lang        domain.Lang
	Translate   func(lang domain.Lang, key string, args ...any) template.HTML
	Institution Institution
	Asset       func(name string) string // "app.css" → its address with a hash
	TitleKey    string                   // message key of the page's title and h1
	Step        int                      // position in the step bar; 0: no bar; len(Bar)+1: all steps are done
	Words       string                   // prefix of the keys that F translates, "recover."; empty: none
	Bar         []BarStep                // steps of the bar
	Path        string                   // path of this page, for the language switch
	Query       url.Values               // query parameters of this page that the language switch keeps
	Token       string                   // for <input type="hidden" name="jeton">
	Errors      []FieldError             // the error summary, in the order of the fields
	Notice      template.HTML            // a message above the card, such as "a new code has been sent"; may be empty
	SessionEnds time.Time                // idle expiry of the session; zero: no session and no warning
	Reference   string                   // correlation id, on error pages
	Now         time.Time                // current time, for relative times such as "3 minutes ago"
	Zone        *time.Location           // time zone of the times that are shown; nil: UTC
	Frame       any                      // data that the layout of a section needs in addition
	Data        any
}

// T translates a message into the page's language. args are pairs of a name and
// a value.
func (v View) T(key string, args ...any) template.HTML { return v.Translate(v.Lang, key, args...) }

// Breaks returns a text with places where a narrow screen may break it: before
// capital letters, @, dots and other signs. A copied text does not hold them.
func (v View) Breaks(text string) template.HTML { return breaks(text) }

func breaks(text string) template.HTML {
	var b strings.Builder
	var before rune
	for i, r := range text {
		if i > 0 && (unicode.IsUpper(r) && !unicode.IsUpper(before) || strings.ContainsRune("@.-_/+", r) && !strings.ContainsRune("@.-_/+", before)) {
			b.WriteString("<wbr>")
		}
		b.WriteString(template.HTMLEscapeString(string(r)))
		before = r
	}
	return template.HTML(b.String())
}

// F translates a message that has other words in another flow than the activation:
// the key with the prefix Words.
func (v View) F(key string, args ...any) template.HTML { return v.T(v.Words+key, args...) }

// BarStep is one step of the step bar.
type BarStep struct {
	N   int
	Key string // message key of its name
}

// Other returns the language that the language switch leads to.
func (v View) Other() domain.Lang { return other(v.Lang) }

func other(lang domain.Lang) domain.Lang {
	if lang == domain.French {
		return domain.English
	}
	return domain.French
}

// SwitchTo returns the address of this page in another language.
func (v View) SwitchTo(lang domain.Lang) string {
	if len(v.Query) == 0 {
		return v.Path + "?" + langKey + "=" + string(lang)
	}
	query := url.Values{}
	maps.Copy(query, v.Query)
	query.Set(langKey, string(lang))
	return v.Path + "?" + query.Encode()
}

// SessionLeft returns the seconds until SessionEnds, at least 1. The page
// counts them down without the time of day, because the clock of a telephone
// may be wrong by hours.
func (v View) SessionLeft() int { return SecondsUntil(v.SessionEnds, v.Now) }

// SecondsUntil returns the whole seconds from now until at, at least 1.
func SecondsUntil(at, now time.Time) int { return max(1, int(math.Ceil(at.Sub(now).Seconds()))) }

// FieldError is one line of the error summary. The same message is shown at its
// field.
type FieldError struct {
	Field   string // id of the input, "adresse"
	Message template.HTML
}

// ErrorAt returns the message for a field, or an empty value if the field has
// no error.
func (v View) ErrorAt(field string) template.HTML { return errorAt(v.Errors, field) }

func errorAt(errors []FieldError, field string) template.HTML {
	for _, e := range errors {
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
	LogoURL       string // address or name of a static file; empty: only the name is shown
	HelpURL       string
	HelpEmail     string
	HelpPhone     string
	LegalURL      string
	AccessibleURL string
}

// Dial returns the telephone number for a tel: address: digits and a leading
// plus only (RFC 3966), without the "(0)" that is not dialled after a country
// code.
func (i Institution) Dial() string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, strings.ReplaceAll(i.HelpPhone, "(0)", ""))
}
