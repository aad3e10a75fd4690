package password

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A word is found wherever it can be read, also where the set of a place has characters
// that it shares with others.
func TestAWordIsFoundWhereItCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringMatching(`[a-eo01345$éжр明]{0,12}`)
		m, text := disguise(letters.Draw(t, "text")), letters.Draw(t, "word")
		w := newWord(fold(text))
		want := false
		for i := range m {
			want = want || len(w.forward) > 0 && m.at(i, w.forward) || len(w.backward) > 0 && m.at(i, w.backward)
		}
		if got := newIndex(m).holds(w); got != want {
			t.Fatalf("%v: found %v, can be read %v", text, got, want)
		}
		if len(m) > 0 { // some texts hold their own parts
			from := rapid.IntRange(0, len(m)-1).Draw(t, "from")
			to := rapid.IntRange(from+1, len(m)).Draw(t, "to")
			var part []rune
			for _, place := range m[from:to] {
				part = append(part, place[0])
			}
			x := newIndex(m)
			slices.Reverse(part)
			if !x.holds(newWord(string(part))) && len(part) >= shortestBackward {
				t.Fatalf("%q is not found backwards", string(part))
			}
		}
	})
}
