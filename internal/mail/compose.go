package mail

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	text "text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"entree/internal/domain"
	mailtemplates "entree/templates/mail"
)

// composed is the subject and text of one mail.
type composed struct{ subject, text, html string }

// composer renders mails from the templates.
type composer struct {
	institution Institution
	baseURL     string
	zone        *time.Location
	profiles    []domain.Profile
	texts       map[string]*text.Template // "code.fr"
	frame       *template.Template
}

func newComposer(o Options) (*composer, error) {
	c := &composer{institution: o.Institution, baseURL: o.BaseURL, zone: o.Zone, profiles: o.Profiles, texts: map[string]*text.Template{}}
	if c.zone == nil {
		c.zone = time.UTC
	}
	files, err := mailtemplates.FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name, is := strings.CutSuffix(f.Name(), ".txt")
		if !is {
			continue
		}
		raw, err := mailtemplates.FS.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		if c.texts[name], err = text.New(name).Option("missingkey=error").Parse(string(raw)); err != nil {
			return nil, err
		}
	}
	c.frame, err = template.ParseFS(mailtemplates.FS, "frame.html")
	return c, err
}

// words is the data of a text template.
type words struct {
	Institution, GivenName        string
	Code, SpacedCode              string
	Long, LongPage                string // the long code and where it is typed
	Minutes                       int
	Until, AskedAt                string
	Login, UniversityAddress      string
	Passkey                       bool // the account has a passkey and no password
	Reference, Start, Field       string
	Recovery                      bool   // the mail answers a request for a new password
	Forgotten, Freeze             string // pages of a recovery: its first one, and the one that stops it
	ProfileName, OtherProfileName string
	Charter                       receipt
	Recovers                      bool   // the person of the mail has an account
	ByDesk                        bool   // an operator did it, not the person
	TakeBack, Address, UntilDay   string // of a change of address: the page that takes it back, the address in use, and until when
	Factor                        domain.FactorKind
	Added                         bool   // the factor was added, not removed
	Note                          string // paragraphs
	Begin, Renewal, Account       string // addresses of the portal's pages without a language
	InFrench, InEnglish           string // the same pages in French and in English
}

// receipt describes an accepted charter: its version, the time, and where it can
// be read.
type receipt struct{ Version, SHA256, At, URL string }

func (c *composer) receipt(r domain.Receipt, lang domain.Lang) receipt {
	if r.SHA256 == "" {
		return receipt{}
	}
	return receipt{line(r.Version), line(r.SHA256), c.moment(r.At, lang), c.baseURL + "/charte/" + line(r.SHA256)}
}

func (c *composer) compose(m domain.Message) (composed, error) {
	lang := m.Lang
	if lang != domain.English {
		lang = domain.French
	}
	t, ok := c.texts[string(m.Kind)+"."+string(lang)]
	if !ok {
		return composed{}, domain.Permanent(fmt.Errorf("mail: there is no text for %q in %s", m.Kind, lang))
	}
	w := words{
		Institution: c.institution.Name, GivenName: line(m.GivenName), Code: line(m.Code), Minutes: m.Minutes,
		Long: line(m.Long), LongPage: c.baseURL + "/activation/code-long",
		Until: c.clock(m.ExpiresAt, lang) + " " + domain.ZoneName(m.ExpiresAt, c.zone, lang), AskedAt: c.moment(m.AskedAt, lang), Login: line(m.Login), UniversityAddress: line(m.UniversityAddress),
		Reference: line(m.Reference), Field: m.Field, Start: c.baseURL + "/activation",
		Recovery: m.Purpose == domain.PurposeRecover, Forgotten: c.baseURL + "/mot-de-passe-oublie?profil=" + url.QueryEscape(m.Profile), Freeze: c.baseURL + line(m.Freeze),
		ProfileName: c.profile(m.Profile, lang), OtherProfileName: c.profile(m.OtherProfile, lang),
		Charter: c.receipt(m.Charter, lang), Note: note(m.Note),
		Factor: m.Factor, Added: m.Added,
		Passkey: m.Passkey, Recovers: m.Recovers, ByDesk: m.ByDesk, TakeBack: c.baseURL + line(m.TakeBack), Address: line(m.Address.Display()),
		Begin: c.baseURL + "/activation?profil=" + url.QueryEscape(m.Profile), Renewal: c.baseURL + "/charte", Account: c.baseURL + "/compte",
	}
	if m.ExpiresAt.After(m.AskedAt) {
		w.UntilDay = c.moment(m.ExpiresAt, lang)
	}
	if w.Recovery {
		w.Start = c.baseURL + "/mot-de-passe-oublie"
	}
	other := w.Begin + "&lang="
	switch m.Kind {
	case domain.MessageCharter:
		other = w.Renewal + "?lang="
	case domain.MessageSecondFactor:
		other = w.Account + "?lang="
	}
	w.InFrench, w.InEnglish = other+"fr", other+"en"
	if len(w.Code) == 6 {
		w.SpacedCode = w.Code[:3] + "\u00a0" + w.Code[3:]
	}
	var b bytes.Buffer
	if err := t.Execute(&b, w); err != nil {
		return composed{}, domain.Permanent(fmt.Errorf("mail: %w", err))
	}
	subject, body, _ := strings.Cut(b.String(), "\n")
	blocks := split(body)
	foot := c.foot(lang)
	html, err := c.html(lang, subject, blocks, foot, w.Code)
	if err != nil {
		return composed{}, domain.Permanent(fmt.Errorf("mail: %w", err))
	}
	return composed{line(subject), strings.Join(append(blocks, "-- \n"+strings.Join(foot, "\n")), "\n\n") + "\n", html}, nil
}

// block is a paragraph, or a group of highlighted lines.
type block struct {
	Paragraph template.HTML
	Code      string
	Lines     []fact
	Button    *fact // the page that the mail leads to; its address is the value
}

// fact is a line. Broken is its value with places between which a narrow screen may break it.
type fact struct {
	Label, Value string
	Broken       template.HTML
}

// letter is the data of the frame.
type letter struct {
	Lang                 domain.Lang
	Subject, Institution string
	Accent               template.CSS
	Blocks               []block
	Foot                 []template.HTML
}

// breakable cuts an address or a hash into pieces: after a slash, before the other
// marks of an address, and after 16 bytes.
func breakable(s string) []string {
	var pieces []string
	start := 0
	for i := 1; i < len(s); i++ {
		if s[i-1] == '/' && s[i] != '/' || strings.IndexByte("@.?&=", s[i]) >= 0 || i-start >= 16 && utf8.RuneStart(s[i]) {
			pieces = append(pieces, s[start:i])
			start = i
		}
	}
	return append(pieces, s[start:])
}

func split(body string) []string {
	var out []string
	for part := range strings.SplitSeq(body, "\n\n") {
		if part = strings.Trim(part, "\n"); strings.TrimSpace(part) != "" {
			out = append(out, part)
		}
	}
	return out
}

func (c *composer) html(lang domain.Lang, subject string, parts []string, foot []string, code string) (string, error) {
	var blocks []block
	for _, part := range parts {
		switch {
		case code != "" && strings.TrimSpace(part) == code:
			blocks = append(blocks, block{Code: code})
		case strings.HasPrefix(part, "    "):
			var lines []fact
			for l := range strings.SplitSeq(part, "\n") {
				label, value, has := strings.Cut(strings.TrimSpace(l), ": ")
				if !has {
					label, value = "", strings.TrimSpace(l)
				}
				lines = append(lines, fact{strings.TrimRight(label, "\u00a0 "), value, template.HTML(withBreaks(value))})
			}
			if len(lines) == 1 && c.isOurs(lines[0].Value) {
				blocks = append(blocks, block{Button: &lines[0]})
				continue
			}
			blocks = append(blocks, block{Lines: lines})
		default:
			blocks = append(blocks, block{Paragraph: c.linked(part)})
		}
	}
	var footer []template.HTML
	for _, f := range foot {
		footer = append(footer, c.linked(f))
	}
	var b bytes.Buffer
	b.Grow(8 << 10) // a mail has 3 to 6 KB
	err := c.frame.Execute(&b, &letter{
		Lang: lang, Subject: subject, Institution: c.institution.Name, Accent: template.CSS(c.institution.Accent), Blocks: blocks, Foot: footer,
	})
	return b.String(), err
}

var address = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,]|[^\s<>"@]+@[^\s<>"@]+[^\s<>".,@]`)

// withBreaks escapes an address and marks where its line may break.
func withBreaks(address string) string {
	var b strings.Builder
	for i, piece := range breakable(address) {
		if i > 0 {
			b.WriteString("<wbr>")
		}
		b.WriteString(template.HTMLEscapeString(piece))
	}
	return b.String()
}

// isOurs reports whether an address is a page of the portal.
func (c *composer) isOurs(address string) bool { return strings.HasPrefix(address, c.baseURL+"/") }

// linked escapes a paragraph and turns the addresses of the portal and of the help
// desk into links. Other addresses stay plain text.
func (c *composer) linked(s string) template.HTML {
	if !strings.Contains(s, "://") && !strings.Contains(s, "@") { // the expression is slow
		return template.HTML(template.HTMLEscapeString(s))
	}
	var b strings.Builder
	last := 0
	for _, at := range address.FindAllStringIndex(s, -1) {
		found := s[at[0]:at[1]]
		b.WriteString(template.HTMLEscapeString(s[last:at[0]]))
		e := template.HTMLEscapeString(found)
		switch {
		case c.isOurs(found) || found == c.institution.HelpURL:
			b.WriteString(`<a href="` + e + `">` + withBreaks(found) + `</a>`)
		case found == c.institution.HelpEmail:
			b.WriteString(`<a href="mailto:` + e + `">` + withBreaks(found) + `</a>`)
		default:
			b.WriteString(template.HTMLEscapeString(found))
		}
		last = at[1]
	}
	b.WriteString(template.HTMLEscapeString(s[last:]))
	return template.HTML(b.String())
}

// foot returns the footer: the institution and its help desk.
func (c *composer) foot(lang domain.Lang) []string {
	i := c.institution
	out := []string{i.Name}
	help := "Assistance\u00a0: "
	if lang == domain.English {
		help = "Help: "
	}
	for _, way := range []string{i.HelpURL, i.HelpEmail, i.HelpPhone} {
		if way != "" {
			out = append(out, help+way)
		}
	}
	return out
}

func (c *composer) profile(key string, lang domain.Lang) string {
	for _, p := range c.profiles {
		if p.Key == key {
			return p.Names[lang]
		}
	}
	return key
}

// clock is the time of day in the institution's zone: "14 h 05", "14:05".
func (c *composer) clock(t time.Time, lang domain.Lang) string {
	if lang == domain.English {
		return t.In(c.zone).Format("15:04")
	}
	return t.In(c.zone).Format("15\u00a0h\u00a004")
}

// moment is a day and a time of day, with the zone for readers in another one (V23).
func (c *composer) moment(t time.Time, lang domain.Lang) string {
	t = t.In(c.zone)
	at := " à "
	if lang == domain.English {
		at = " at "
	}
	return domain.DayAndMonth(t, lang) + at + c.clock(t, lang) + " " + domain.ZoneName(t, c.zone, lang)
}

// note converts an institution's own text to paragraphs. It removes the markup
// by which the portal highlights lines.
func note(s string) string {
	var lines []string
	for l := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		lines = append(lines, line(l))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// line joins a value to one line, so that a name cannot start a header or a
// paragraph (S37).
func line(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r != '\u00a0' && r != '\u202f' && unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}
