package naming_test

import (
	"fmt"
	"iter"
	"regexp"
	"strings"
	"testing"
	"unicode"

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
		"Jean 王":              "",
		"Наталья":             "natalia",
		"Наталʼя":             "natalia",
		"Kealiʻi":             "kealii",
		"d´Arc":               "darc",
		"O`Neill":             "oneill",
		"M'Bappé":             "mbappe",
		"Großẞ":               "grossss",
		"Ĳsbrand":             "ijsbrand",
		"Ǆordan":              "dzordan",
		"Ћирић":               "ciric",
		"Sam 2nd":             "sam-2nd",
		"J.-P.":               "j-p",
		"Anne‑Marie":          "anne-marie",
		"ɛ":                   "e",
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
		{"o{number}", martin, []string{"o22502142", "o22502142.2"}},
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

// TestV12_EveryLetterOfAName: a letter is spelled, or the number takes the place
// of the whole name. No letter is dropped.
func TestV12_EveryLetterOfAName(t *testing.T) {
	for in, want := range map[string]string{
		"Қанат": "kanat", "Әлия": "aliia", "Нұрсұлтан": "nursultan", "Ғалым": "galym", "Өмірбек": "omirbek", "Жұмабаев": "zhumabaev", "Айгүл": "aigul",
		"Ҳасан": "hasan", "Ҷамшед": "jamshed", "Сӯзангаронӣ": "suzangaroni", "Өнөрбаяр": "onorbaiar", "Ўктам": "uktam", "Җәмилә": "jamila", "Ґалаґан": "galagan",
		"Əliyev": "aliyev", "Ɓala": "bala", "Ɗanladi": "danladi", "Ƙasim": "kasim", "Ŋuyen": "nuyen", "Гиорги": "giorgi", "გიორგი": "giorgi", "ქეთევან": "ketevan",
		"Հայկ": "hayk", "Ελένη": "eleni", "Ƴar": "yar", "Ưng Ơi": "ung-oi", "Đặng": "dang",
		"王": "", "محمد": "", "יוסף": "", "प्रिया": "", "สมชาย": "", "김민준": "", "さくら": "", "ኃይለ": "", "Anna김": "", "Ꭰ": "", "Ǿ𐐀": "",
	} {
		if got := naming.Latin(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for r := rune(0x41); r < 0x3000; r++ {
		if !unicode.IsLetter(r) || unicode.Is(unicode.Lm, r) {
			continue
		}
		if got := naming.Latin("a" + string(r) + "a"); got == "aa" && !strings.ContainsRune("ьӏЬӀ", r) {
			t.Errorf("U+%04X %c is dropped", r, r)
		}
	}
	p, err := naming.Parse("{first}.{last}")
	if err != nil {
		t.Fatal(err)
	}
	if got := take(p.Candidates(naming.Parts{GivenName: "Anna김", FamilyName: "Martin", Number: "17"}), 1)[0]; got != "17.martin" {
		t.Errorf("got %q", got)
	}
}

func TestV13_ReservedLogins(t *testing.T) {
	reserved := naming.NewReserved("cri", "Chef.de-Cabinet")
	for _, login := range []string{"admin", "root", "helpdesk", "postmaster", "Admin", "ad.min", "web-master", "postmaster@univ.example", "cri", "chefdecabinet", "no_reply", "mailer-daemon", "accueil", "etudiants", "Personnels", "direction", "tous", "all", "ssh", "assistance"} {
		if !reserved.Has(login) {
			t.Errorf("%s is not reserved", login)
		}
	}
	for pattern, of := range map[string]naming.Parts{
		"{last}":                     {FamilyName: "Root", Number: "17"},
		"{first}":                    {GivenName: "Admin", Number: "17"},
		"{f}{last}":                  {GivenName: "Hélène", FamilyName: "Elp-Desk", Number: "17"},
		"{first}{last}@univ.example": {GivenName: "Post", FamilyName: "Master", Number: "17"},
		"{first}.{last}":             {GivenName: "Web", FamilyName: "Mäster", Number: "17"},
	} {
		p, err := naming.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range take(p.Avoiding(reserved.Has).Candidates(of), 5) {
			if reserved.Has(got) || i == 0 && !strings.Contains(got, ".17") {
				t.Errorf("%s: %q", pattern, got)
			}
		}
	}
	if naming.NewReserved().Has("jmartin") || naming.Reserved(nil).Has("admin") {
		t.Error("too much is reserved")
	}
}

// TestV14_SuffixesAreNobodysNaturalLogin: among people with numbers and names
// that are alike, no suffix is the natural login of another person.
func TestV14_SuffixesAreNobodysNaturalLogin(t *testing.T) {
	numbers := []string{"99_622157", "99622157", "996221572", "9962215722", "99-622157", "E17", "E172", "e17-2", "17", "172", "2", "1", "12", "A1", "A12", "٩٩", "p"}
	given := []string{"Jean", "王", "E", "Jean2", "Jean 2", "Anna", "Jean-2"}
	family := []string{"Martin", "Martin2", "Martin 2", "Martin22", "王", "E", "Ng", "Ng2", "", "2", "22", "Martin-2", "e17"}
	for _, pattern := range []string{"o{number}", "{number}", "{f}{last}", "{first}.{last}@x.example", "{first}.{l}", "{last}", "{first}_{last}", "{last}-{number}", "{f}.{number}"} {
		p, err := naming.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		natural := map[string]string{}
		var people []naming.Parts
		for _, n := range numbers {
			for _, g := range given {
				for _, f := range family {
					of := naming.Parts{GivenName: g, FamilyName: f, Number: n}
					people = append(people, of)
					natural[take(p.Candidates(of), 1)[0]] = fmt.Sprintf("%+v", of)
				}
			}
		}
		for _, of := range people {
			for _, c := range take(p.Candidates(of), 25)[1:] {
				if whose, is := natural[c]; is {
					t.Fatalf("%s: %+v gets %q, the natural login of %s", pattern, of, c, whose)
				}
			}
		}
	}
	p, _ := naming.Parse("o{number}")
	a, b := take(p.Candidates(naming.Parts{Number: "99_622157"}), 3), take(p.Candidates(naming.Parts{Number: "99622157"}), 3)
	if a[0] != "o99_622157" || b[0] != "o99622157" || a[1] == "o996221572" || b[1] == "o996221572" {
		t.Errorf("%q, %q", a, b)
	}
}

// TestV25_MissingNames: the number takes the place of a missing name.
func TestV25_MissingNames(t *testing.T) {
	p, err := naming.Parse("{first}.{last}")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of   naming.Parts
		want string
	}{
		{naming.Parts{GivenName: "Suharto", Number: "17"}, "suharto.17"},
		{naming.Parts{FamilyName: "Suharto", Number: "17"}, "17.suharto"},
		{naming.Parts{Number: "17"}, "17.17"},
	} {
		if got := take(p.Candidates(c.of), 1)[0]; got != c.want {
			t.Errorf("%+v: %q, want %q", c.of, got, c.want)
		}
	}
}

func TestParse_SaysWhatIsWrong(t *testing.T) {
	for pattern, want := range map[string]string{
		"{name}":          "{name} is unknown",
		"{first":          "without its }",
		"student":         "needs a placeholder",
		"":                "needs a placeholder",
		"{first} {last}":  "is not allowed in a name",
		"{first}@":        "no domain",
		"{first}@a@b.org": "no domain",
		"É{number}":       "is not allowed in a name",
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
