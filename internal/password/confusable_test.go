package password_test

import (
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"entree/internal/password"
	"entree/internal/secret"
)

// TestR21_LookAlikesOfPersonalData: names and numbers in look-alike letters, small
// capitals, another alphabet or the digits of another script.
func TestR21_LookAlikesOfPersonalData(t *testing.T) {
	ivanov := password.Personal{GivenName: "Сергей", FamilyName: "Иванов", BirthDate: "2007-03-17", Number: "22502142"}
	papas := password.Personal{GivenName: "Ελένη", FamilyName: "Παπαδόπουλος"}
	for in, c := range map[string]struct {
		about password.Personal
		want  string
	}{
		"Girafe1Маrtіn1Mer":       {martin, "family_name"}, // Cyrillic М and і
		"Girafe1ΜΑRΤΙΝ1Mer":       {martin, "family_name"}, // Greek capitals
		"GirafeᴍᴀʀᴛɪɴLune1x":      {martin, "family_name"}, // small capitals
		"GirafeＭａｒｔｉｎLune1":       {martin, "family_name"}, // full width
		"Girafe𝓜𝓪𝓻𝓽𝓲𝓷Lune1":       {martin, "family_name"}, // mathematical
		"GirafeⓜⓐⓡⓣⓘⓝLune1":       {martin, "family_name"}, // circled
		"GirafeМартинLune1":       {martin, "family_name"}, // Cyrillic spelling
		"GirafeΜαρτινLune1":       {martin, "family_name"}, // Greek spelling
		"Girafe٢٠٠٧LuneMer1":      {martin, "birth_date"},
		"Girafe۲۰۰۷LuneMer1":      {martin, "birth_date"},
		"Girafe２００７LuneMer1":      {martin, "birth_date"},
		"Girafe٢٢٥٠LuneMer1":      {martin, "number"},
		"GirafeIvanovLune1xy":     {ivanov, "family_name"},
		"GirafeИвановLune1xy":     {ivanov, "family_name"},
		"GirafeSergei1LuneMer":    {ivanov, "given_name"},
		"GirafePapadopoulosLune1": {papas, "family_name"},
		"GirafeΠαπαδοπουλοςLune1": {papas, "family_name"},
	} {
		if got := check(in, c.about); !slices.Contains(got, "personal:"+c.want) {
			t.Errorf("%q: found %v, want %s", in, got, c.want)
		}
	}
}

// TestV10_LettersAreNotDigits: a word is not a number, a disguised number is one.
func TestV10_LettersAreNotDigits(t *testing.T) {
	about := password.Personal{GivenName: "Ana", FamilyName: "Lu", Number: "50107315", BirthDate: "2005-11-15"}
	for _, in := range []string{"SoloGirafeLune1x", "Girafe1SoloTelsx", "GirafeIslesZoo1xy", "LeSilo5GirafeZooi"} {
		if got := check(in, about); len(got) != 0 {
			t.Errorf("%q: found %v", in, got)
		}
	}
	for _, in := range []string{"Girafe5o1oLuneMers", "Girafe2oo5LuneMers", "Girafe5010LuneMers", "Girafe2005LuneMers"} {
		if got := check(in, about); len(got) == 0 {
			t.Errorf("%q passes", in)
		}
	}
}

// TestV10_GeneratedPhrasesAreNotRefused: among phrases for 1,000 people, fewer
// than one in 1,000 breaks a rule without holding a fragment as it is written.
func TestV10_GeneratedPhrasesAreNotRefused(t *testing.T) {
	given := []string{"Jean", "Marie", "Léa", "Ana", "Mohamed", "Chloé", "Zoé", "Lou", "Noé", "Élisabeth", "Қанат", "小明", "Ines", "Tom", "Rose"}
	family := []string{"Martin", "Bernard", "Petit", "Durand", "Leroy", "Moreau", "Garcia", "Nguyễn", "Le", "Da Silva", "Иванов", "Blanc", "Roux"}
	const people, each = 1000, 10
	random := mrand.NewChaCha8([32]byte{10}) // the same phrases in each run
	wrong, all := 0, 0
	for i := range people {
		about := password.Personal{
			GivenName: given[i%len(given)], FamilyName: family[i%len(family)], BirthDate: fmt.Sprintf("200%d-%02d-%02d", i%9, i%12+1, i%28+1),
			Number: fmt.Sprint(22500000 + i*7919%99999), Login: fmt.Sprint("o", 22500000+i), Addresses: []string{fmt.Sprintf("%s%d@example.net", strings.ToLower(given[i%len(given)]), i)},
			Institution: []string{"Université d’Orléans"},
		}
		judge := password.Checker(password.Default(), about)
		for range each {
			words := []password.Vocabulary{password.French, password.English}[i%2]
			p, err := password.Generate(random, words, nil)
			if err != nil {
				t.Fatal(err)
			}
			all++
			text := p.Text.Reveal()
			if found := judge(secret.New(text)); len(found) > 0 && !slices.ContainsFunc(about.Fragments(), func(f string) bool { return strings.Contains(strings.ToLower(text), f) }) {
				wrong++
				t.Logf("%q: %v, %+v", text, found, about)
			}
		}
	}
	if wrong*1000 > all {
		t.Errorf("%d of %d phrases are refused without reason", wrong, all)
	}
}

// TestR15_TheBrowserGetsNoSecondProof: neither the birth date nor the number is
// among the fragments.
func TestR15_TheBrowserGetsNoSecondProof(t *testing.T) {
	for _, f := range martin.Fragments() {
		if strings.ContainsAny(f, "0123456789") || strings.Contains(f, "mars") || strings.Contains(f, "march") {
			t.Errorf("the browser gets %q", f)
		}
	}
	if len(martin.Fragments()) == 0 {
		t.Error("nothing is left to tick the rule by")
	}
}

// TestV4_PasswordsThatCannotBeTypedAgain are refused with the rule "invalid".
func TestV4_PasswordsThatCannotBeTypedAgain(t *testing.T) {
	for _, in := range []string{"GirafeBleu\u200bMer1xy", "\ufeffGirafeBleuMer1xy", "Girafe\u00adBleuMer1xy", "Girafe\u202eBleuMer1xy", "GirafeBleu\ufffdMer1xy", "Girafe\u2028BleuMer1x"} {
		if got := check(in, password.Personal{}); !slices.Equal(got, []string{"invalid"}) {
			t.Errorf("%q: %v", in, got)
		}
	}
}
