package portal_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal"
)

// Every text about the length of a password takes it from the rule in force.
func TestV11_TextsTakeTheNumberFromTheRule(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		w := newWorld(t, delivered(t))
		w.service.length = 23
		b := w.browser(t)
		b.header.Set("Accept-Language", lang)
		for _, path := range []string{"/activation/entre-mdp", "/activation/mot-de-passe"} {
			p := b.to(path)
			text := p.Find("main").Text()
			if !regexp.MustCompile(`\b(22|23)\b`).MatchString(text) || // "more than 22"
				regexp.MustCompile(`\b(1[4-7]|256)\b`).MatchString(text) {
				t.Errorf("%s in %s does not say 23, or another number: %q", path, lang, text)
			}
			if path == "/activation/mot-de-passe" && p.Find("[passwordrules*='minlength: 23']").Length() != 1 {
				t.Error("the browser's generator is told another length")
			}
		}
		p := b.submit(b.to("/activation/mot-de-passe"), "/activation/mot-de-passe", "mot-de-passe", "LesGirafesDansent3", "confirmation", "LesGirafesDansent3")
		if text := p.Find(".summary").Text(); !strings.Contains(text, "23") {
			t.Errorf("the refusal in %s says %q", lang, text)
		}
	}
}

// Values that the student copies or types are marked as not to be translated.
func TestV21_DataIsNotTranslated(t *testing.T) {
	b := newWorld(t, delivered(t)).browser(t)
	for path, selectors := range map[string][]string{
		"/activation/identification": {"#code, .mono, code"},
		"/activation/entre-mdp":      {".phrase code", ".scene em"},
		"/activation/mot-de-passe":   {"#identifiant", "#mot-de-passe", "#confirmation", ".phrase code", ".rules .example"},
		"/activation/accueil-succes": {".mono, code"},
	} {
		p := b.to(path)
		for _, selector := range selectors {
			found := p.Find(selector)
			if found.Length() == 0 {
				t.Errorf("%s has no %s", path, selector)
			}
			found.Each(func(_ int, s *goquery.Selection) {
				if s.Closest("[translate=no]").Length() == 0 && goquery.NodeName(s) != "input" || goquery.NodeName(s) == "input" && s.AttrOr("type", "text") != "hidden" && s.AttrOr("translate", "") != "no" && s.AttrOr("id", "") != "code" {
					t.Errorf("%s: %s may be translated", path, selector)
				}
			})
		}
	}
}

// A time of day is told with its zone, or as a wait.
func TestV23_TimesHaveAZoneOrAreWaits(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		raw, err := os.ReadFile("i18n/messages/" + lang + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(raw), "\n") {
			if regexp.MustCompile(`\b\d{1,2} ?[h:] ?\d{2}\b`).MatchString(line) {
				t.Errorf("%s: a time of day without a zone: %s", lang, line)
			}
		}
	}
	w := newWorld(t, delivered(t))
	b := w.browser(t)
	b.begin(known)
	w.service.set(func(j *domain.Journey) { j.EndedAt, j.RetryAt = w.now(), w.now().Add(7*time.Minute) })
	text := b.get("/activation/identification").Find("main").Text()
	if !strings.Contains(text, "dans 7") || regexp.MustCompile(`\d{1,2} ?h ?\d{2}`).MatchString(text) {
		t.Errorf("the wait is told as %q", text)
	}
}

// Each time of day on a student's page is followed by its zone.
func TestV23_EveryTimeOnAStudentsPageHasAZone(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, delivered(t), func(o *portal.Options) { o.Zone = paris })
	bare := regexp.MustCompile(`\b\d{1,2}(?:[ \x{a0}]h[ \x{a0}]|:)\d{2}\b.{0,25}`)
	times := 0
	check := func(name, text string) {
		for _, found := range bare.FindAllString(text, -1) {
			if times++; !regexp.MustCompile(`^[\d: \x{a0}h]+ \((heure de Paris|Paris time|UTC)\)`).MatchString(found) {
				t.Errorf("%s: a time of day without its zone: %q", name, found)
			}
		}
	}
	err = w.portal.DrawSamples(func(name string, page []byte) error {
		doc, err := goquery.NewDocumentFromReader(bytes.NewReader(page))
		if err == nil {
			check(name, doc.Find("main").Text())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	for _, path := range []string{activation.TakeBackPath + rightTakeBack, activation.ObjectPath + rightObjection} {
		for _, lang := range []string{"fr", "en"} {
			b.header.Set("Accept-Language", lang)
			check(path, b.get(path).want(path, 200).Find("main").Text())
		}
	}
	if times < 12 {
		t.Errorf("only %d times were found", times)
	}
}

// A telephone neither corrects nor capitalises a password that is shown.
func TestV27_AShownPasswordIsNotCorrected(t *testing.T) {
	b := newWorld(t, delivered(t)).browser(t)
	p := b.to("/activation/mot-de-passe")
	for _, id := range []string{"#mot-de-passe", "#confirmation"} {
		for name, want := range map[string]string{"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false", "autocomplete": "new-password"} {
			if got := p.Find(id).AttrOr(name, ""); got != want {
				t.Errorf("%s: %s is %q, want %q", id, name, got, want)
			}
		}
	}
}
