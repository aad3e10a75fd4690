// Package i18n holds the messages of the pages in French and English, by key. Plurals
// follow the rules of CLDR: French uses the singular for 0 and 1.
package i18n

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"

	"entree/internal/domain"
)

//go:embed messages/*.yaml messages/directory/*.yaml messages/alone/*.yaml
var files embed.FS

// Languages lists the languages, the default first.
var Languages = []domain.Lang{domain.French, domain.English}

// Catalog returns messages by language and key. It is safe for concurrent use.
type Catalog struct {
	localizers map[domain.Lang]*i18n.Localizer
	messages   map[domain.Lang]map[string]message // those without conditions: nearly all
	keys       map[domain.Lang][]string
	matcher    language.Matcher
	matches    sync.Map // language by Accept-Language header
	matched    atomic.Int32
}

// mostMatches and longestMatch bound the headers that are kept with their language.
const (
	mostMatches  = 1000
	longestMatch = 200 // bytes
)

// InDirectory names the messages of portals whose accounts are in a directory.
const InDirectory = "directory"

// WithoutKeycloak names the messages of portals whose accounts are in a directory that
// has no Keycloak above it. They add to those of InDirectory.
const WithoutKeycloak = "alone"

// Load reads the embedded messages. Messages of a variant, such as InDirectory,
// replace those of the same keys. It returns an error if a file is malformed.
func Load(variants ...string) (*Catalog, error) {
	bundle := i18n.NewBundle(language.French)
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	c := &Catalog{
		localizers: map[domain.Lang]*i18n.Localizer{}, messages: map[domain.Lang]map[string]message{}, keys: map[domain.Lang][]string{},
		matcher: language.NewMatcher([]language.Tag{language.French, language.English}),
	}
	for _, lang := range Languages {
		c.messages[lang] = map[string]message{}
		names, err := Files(lang)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			file, err := bundle.LoadMessageFileFS(files, name)
			if err != nil {
				return nil, fmt.Errorf("messages: %w", err)
			}
			for _, m := range file.Messages {
				c.keys[lang] = append(c.keys[lang], m.ID)
				c.keep(lang, m)
			}
		}
		for _, v := range variants {
			file, err := bundle.LoadMessageFileFS(files, "messages/"+v+"/"+v+"."+string(lang)+".yaml")
			if err != nil {
				return nil, fmt.Errorf("messages: %w", err)
			}
			for _, m := range file.Messages {
				c.keep(lang, m)
			}
		}
		slices.Sort(c.keys[lang])
		c.localizers[lang] = i18n.NewLocalizer(bundle, string(lang))
	}
	return c, nil
}

// Files returns the files of a language: fr.yaml for the students' pages and
// PART.fr.yaml for other parts.
func Files(lang domain.Lang) ([]string, error) {
	parts, err := fs.Glob(files, "messages/*."+string(lang)+".yaml")
	return append([]string{"messages/" + string(lang) + ".yaml"}, parts...), err
}

// T returns a message. args are name–value pairs; values are escaped unless they have
// the type template.HTML. The text of the message is trusted, since it is embedded. A
// missing key is returned as it is; a test finds missing keys.
func (c *Catalog) T(lang domain.Lang, key string, args ...any) template.HTML {
	if _, known := c.messages[lang]; !known {
		lang = Languages[0]
	}
	if m, ok := c.messages[lang][key]; ok {
		if said, ok := m.say(lang, args); ok {
			return said
		}
	}
	return c.localize(lang, key, args)
}

// localize executes a message as a template.
func (c *Catalog) localize(lang domain.Lang, key string, args []any) template.HTML {
	config := &i18n.LocalizeConfig{MessageID: key}
	data := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		name, value := fmt.Sprint(args[i]), args[i+1]
		if name == "Count" {
			config.PluralCount = value
		}
		data[name] = escaped(value)
	}
	config.TemplateData = data
	localizer := c.localizers[lang]
	said, err := localizer.Localize(config)
	if err != nil && config.PluralCount != nil {
		config.PluralCount = nil // a message that counts nothing was given a number
		said, err = localizer.Localize(config)
	}
	if err != nil {
		return template.HTML(template.HTMLEscapeString(key))
	}
	return template.HTML(said)
}

// Match returns the language that suits an Accept-Language header best.
func (c *Catalog) Match(acceptLanguage string) domain.Lang {
	if lang, ok := c.matches.Load(acceptLanguage); ok {
		return lang.(domain.Lang)
	}
	lang := c.match(acceptLanguage)
	if len(acceptLanguage) <= longestMatch && c.matched.Load() < mostMatches {
		c.matched.Add(1)
		c.matches.Store(strings.Clone(acceptLanguage), lang)
	}
	return lang
}

func (c *Catalog) match(acceptLanguage string) domain.Lang {
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(wanted) == 0 || strings.TrimSpace(acceptLanguage) == "*" {
		return Languages[0]
	}
	_, i, confidence := c.matcher.Match(wanted...)
	if confidence == language.No {
		// A visitor who reads neither language is more likely to read English.
		return domain.English
	}
	return Languages[i]
}

// Keys lists the keys of a language, sorted.
func (c *Catalog) Keys(lang domain.Lang) []string { return c.keys[lang] }
