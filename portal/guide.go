package portal

import (
	"html/template"
	"strings"

	"entree/internal/domain"
	"entree/portal/web"
)

// GuidePage is drawn by templates/guide.html, GET and POST /activation/entre-mdp
type GuidePage struct {
	Phrases []Phrase
	Rules   PasswordRules
	Example string
}

// MoreThan returns the number of characters that a password must exceed, in the words
// of the guide.
func (g GuidePage) MoreThan() int { return max(0, g.Rules.Length-1) }

// Phrase is a suggestion of the generator.
type Phrase struct {
	Text     string        // LesTicketsDeBusForr1CielBleu
	Scene    template.HTML // the words as drawn, with accents, by which to remember it
	Strength template.HTML // "environ 3 siècles"
}

var guideSamples = []any{GuidePage{}, GuidePage{Phrases: samplePhrases, Rules: sampleRules, Example: sampleRules.Example}}

// phraseCount is the number of suggestions on a page.
const phraseCount = 3

func (p *Portal) showGuide(v *visit) error {
	page, err := p.guidePage(v)
	if err != nil {
		return err
	}
	return v.show("guide", page, nil, "")
}

func (p *Portal) guidePage(v *visit) (GuidePage, error) {
	person, err := p.Service.PersonOf(v.Request.Context(), v.journey)
	if err != nil {
		return GuidePage{}, err
	}
	phrases, err := p.suggest(v, person)
	return GuidePage{Phrases: phrases, Rules: p.rules(v, domain.Person{}), Example: p.Example}, err
}

// suggest draws new phrases. They are not stored, so a GET may draw them.
func (p *Portal) suggest(v *visit, person domain.Person) ([]Phrase, error) {
	drawn, err := p.Service.Phrases(person, p.site.Lang(v.Context), phraseCount)
	if err != nil {
		return nil, err
	}
	view := p.site.View(v.Context, "")
	phrases := make([]Phrase, len(drawn))
	for i, d := range drawn {
		phrases[i] = Phrase{
			Text:     d.Text.Reveal(), // the page that the suggestion is for
			Scene:    scene(d.Words...),
			Strength: view.T("strength."+d.Unit, "Count", d.Count),
		}
	}
	return phrases, nil
}

// scene returns the words of a phrase with commas between them. They are text that is not
// to be translated.
func scene(words ...string) template.HTML {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`<em translate="no">` + template.HTMLEscapeString(w) + "</em>")
	}
	return template.HTML(b.String())
}

// phrases answers a script with the list of new suggestions, and a browser that
// follows the link with the whole page.
func (p *Portal) phrases(v *visit) error {
	if v.GetHeader("Sec-Fetch-Dest") == "document" {
		return web.SeeOther(v.path())
	}
	page, err := p.guidePage(v)
	if err != nil {
		return err
	}
	return p.site.Fragment(v.Context, "guide", "phrases", p.site.View(v.Context, "guide.title").With(page))
}
