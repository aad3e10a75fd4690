package portal_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/domain"
	"entree/portal"
	"entree/portal/i18n"
	"entree/portal/web"
	"entree/static"
	"entree/templates"
)

// delivered makes a world draw the pages as they are delivered.
func delivered(t *testing.T) func(*portal.Options) {
	t.Helper()
	catalog, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return func(o *portal.Options) {
		o.Templates, o.Static, o.Catalog, o.Example = templates.FS, static.FS, catalog, "LesTicketsDeBusForr1CielBleu"
	}
}

// The line that counts the rules is in the field of the password, so that it stays
// in sight above a telephone's keyboard.
func TestU5_TheRulesAreCountedBesideTheField(t *testing.T) {
	p := newWorld(t, delivered(t)).browser(t).to("/activation/mot-de-passe")
	if n := p.Find(".field:has(#mot-de-passe) .rules-line[aria-hidden=true]").Length(); n != 1 {
		t.Errorf("%d lines of rules beside the field", n)
	}
	line := p.Find(".rules").AttrOr("data-line", "")
	if !strings.Contains(line, "{met}") || !strings.Contains(line, "{all}") {
		t.Errorf("the line reads %q", line)
	}
}

// Phrases, the example and addresses break at their words on a narrow screen.
func TestU6_LongWordsBreakAtTheirParts(t *testing.T) {
	for text, want := range map[string]string{
		"LesTicketsForr1Bleu":       "Les<wbr>Tickets<wbr>Forr1<wbr>Bleu",
		"jean-pierre.martin@etu.fr": "jean<wbr>-pierre<wbr>.martin<wbr>@etu<wbr>.fr",
		"A<b&ENT":                   "A&lt;b&amp;<wbr>ENT",
		"":                          "",
	} {
		if got := string((web.View{}).Breaks(text)); got != want {
			t.Errorf("%q breaks as %q, want %q", text, got, want)
		}
	}
	b := newWorld(t, delivered(t)).browser(t)
	for path, selector := range map[string]string{"/activation/entre-mdp": ".hint code", "/activation/mot-de-passe": ".rules .example code"} {
		p := b.to(path)
		if p.Find(selector).Find("wbr").Length() == 0 {
			t.Errorf("%s has a word without a break", path)
		}
	}
}

// The time that the first page names is that of the charter in force and of the rest.
func TestU7_TheTimeIsReckonedFromTheCharter(t *testing.T) {
	w := newWorld(t, delivered(t))
	for words, want := range map[int]string{100: "environ 5 minutes", 1200: "environ 10 minutes"} {
		text := strings.Repeat("mot ", words)
		w.service.mu.Lock()
		w.service.charter.Text, w.service.charter.SHA256 = text, domain.HashCharter(text)
		w.service.mu.Unlock()
		if said := w.browser(t).get("/activation?profil=etudiant").Find("main").Text(); !strings.Contains(said, want) {
			t.Errorf("%d words: the page does not say %q", words, want)
		}
	}
}

// The console shows a charter in both languages on one page: no id may occur twice.
func TestU14_AChartersTextHasNoIDsInTheConsole(t *testing.T) {
	body, err := portal.RenderCharter("## Objet\n\nTexte\n\n## Suite")
	if err != nil || strings.Contains(string(body), "id=") || !strings.Contains(string(body), "<h2>Objet</h2>") {
		t.Errorf("%s, %v", body, err)
	}
}

// A page shows words, never the key of a message.
func TestNoPageShowsTheKeyOfAMessage(t *testing.T) {
	catalog, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]bool{}
	for _, key := range catalog.Keys(domain.French) {
		if parts := strings.Split(key, "."); len(parts) > 2 {
			families[parts[0]+"."+parts[1]+"."] = true
		}
	}
	err = newWorld(t, delivered(t)).portal.DrawSamples(func(name string, page []byte) error {
		doc, err := goquery.NewDocumentFromReader(bytes.NewReader(page))
		if err != nil {
			return err
		}
		text := doc.Find("body").Text()
		for family := range families {
			if at := strings.Index(text, family); at >= 0 {
				t.Errorf("%s: %q", name, text[at:min(len(text), at+40)])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
