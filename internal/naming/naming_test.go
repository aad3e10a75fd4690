package naming_test

import (
	"iter"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entree/internal/naming"
)

func TestLatin(t *testing.T) {
	for in, want := range map[string]string{
		"Jean-Pierre":         "jean-pierre",
		"MARTIN":              "martin",
		"d'Arc":               "darc",
		"d’Arc":               "darc",
		"de La Tour":          "de-la-tour",
		"Nuñez":               "nunez",
		"Nun\u0303ez":         "nunez",
		"Łukasz":              "lukasz",
		"Groß":                "gross",
		"Sœur":                "soeur",
		"Ægir":                "aegir",
		"Øystein":             "oystein",
		"Þór":                 "thor",
		"Đorđević":            "dordevic",
		"Şahin":               "sahin",
		"İbrahim":             "ibrahim",
		"Kılıç":               "kilic",
		"Nguyễn":              "nguyen",
		"Παπαδόπουλος":        "papadopoulos",
		"Чайковский":          "chaikovskii",
		"Щербаков":            "shcherbakov",
		"王":                   "",
		"محمد":                "",
		"O'Brien-O’Neill":     "obrien-oneill",
		"  Anne   Marie ":     "anne-marie",
		"Jean – Luc":          "jean-luc",
		"St. John":            "st-john",
		"-":                   "",
		"Martin (ép. Durand)": "martin-ep-durand",
		"=cmd|' /C calc'!A0":  "cmd-c-calca0",
		"Ｗｉｄｅ":                "wide",
	} {
		if got := naming.Latin(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCandidates(t *testing.T) {
	martin := naming.Parts{GivenName: "Jean-Pierre", FamilyName: "Martin", Number: "22502142"}
	for _, c := range []struct {
		pattern string
		of      naming.Parts
		want    []string
	}{
		{"o{number}", martin, []string{"o22502142", "o225021422"}},
		{"{first}.{last}@etu.example.org", martin, []string{"jean-pierre.martin@etu.example.org", "jean-pierre.martin2@etu.example.org"}},
		{"{f}{last}", martin, []string{"jpmartin", "jpmartin2", "jpmartin3"}},
		{"{first}.{l}", martin, []string{"jean-pierre.m"}},
		{"{first}.{last}@x.example", naming.Parts{GivenName: "小明", FamilyName: "王", Number: "E17"}, []string{"e17.e17@x.example"}},
		{"{first}.{last}@x.example", naming.Parts{GivenName: "Madonna", Number: "17"}, []string{"madonna.17@x.example"}},
		{"{f}{last}", naming.Parts{GivenName: "小明", FamilyName: "Wang", Number: "17"}, []string{"17wang"}},
		{"{first}.{last}", naming.Parts{FamilyName: "Wang"}, []string{"wang"}},
	} {
		p, err := naming.Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range take(p.Candidates(c.of), len(c.want)) {
			if got != c.want[i] {
				t.Errorf("%s of %+v: %q, want %q", c.pattern, c.of, got, c.want[i])
			}
		}
	}
}

func TestParse_SaysWhatIsWrong(t *testing.T) {
	for pattern, want := range map[string]string{
		"{name}":          "{name} is unknown",
		"{first":          "without its }",
		"student":         "needs a placeholder",
		"":                "needs a placeholder",
		"{first} {last}":  "cannot stand in a name",
		"{first}@":        "no domain",
		"{first}@a@b.org": "no domain",
		"É{number}":       "cannot stand in a name",
	} {
		if _, err := naming.Parse(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}

var grammar = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*(@etu\.example\.org)?$`)

func TestCandidates_AlwaysKeepTheGrammar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := naming.Parts{
			GivenName:  rapid.String().Draw(t, "given"),
			FamilyName: rapid.String().Draw(t, "family"),
			Number:     rapid.StringMatching(`[0-9]{1,12}`).Draw(t, "number"),
		}
		pattern := rapid.SampledFrom([]string{"o{number}", "{first}.{last}@etu.example.org", "{f}{last}", "{f}.{l}", "{first}_{last}"}).Draw(t, "pattern")
		p, err := naming.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, c := range take(p.Candidates(of), 20) {
			local, _, _ := strings.Cut(c, "@")
			if !grammar.MatchString(c) || len(local) > naming.MaxPart || seen[c] {
				t.Fatalf("%+v gives %q", of, c)
			}
			seen[c] = true
		}
	})
}

func TestCandidates_LongNamesAreCutAtAHyphen(t *testing.T) {
	p, err := naming.Parse("{first}.{last}")
	if err != nil {
		t.Fatal(err)
	}
	got := take(p.Candidates(naming.Parts{GivenName: "Maximilien-François-Marie-Isidore", FamilyName: "de Robespierre de la Tour du Pin Gouvernet"}), 2)
	if got[0] != "maximilien-francois-marie-isidore.de-robespierre-de-la-tour-du" || !strings.HasSuffix(got[1], "2") {
		t.Errorf("got %q", got)
	}
}

func take(s iter.Seq[string], n int) []string {
	var out []string
	for v := range s {
		if out = append(out, v); len(out) == n {
			break
		}
	}
	return out
}
