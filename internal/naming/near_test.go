package naming_test

import (
	"slices"
	"testing"

	"entree/internal/naming"
)

func TestEdits(t *testing.T) {
	edits := naming.Edits("nguyen")
	for _, w := range []string{"nguien", "nguyn", "nguyeen", "ngyuen", "guyen", "nguyenx"} {
		if !slices.Contains(edits, w) {
			t.Errorf("%q is one edit from nguyen", w)
		}
		if d := naming.Distance("nguyen", w); d != 1 {
			t.Errorf("distance to %q is %d", w, d)
		}
	}
	for _, w := range edits {
		if naming.Distance("nguyen", w) != 1 {
			t.Errorf("%q is not one edit from nguyen", w)
		}
	}
	if naming.Edits("22502142") != nil || naming.Edits("o2250") != nil || naming.Edits("li") != nil || naming.Edits("王小明王小") != nil {
		t.Error("numbers, short words and words outside a to z have edits")
	}
}

func TestSound(t *testing.T) {
	for one, other := range map[string]string{
		"mohamed": "muhammad", "cristophe": "christophe", "hakonson": "hakansson", "schmitt": "schmit", "katherine": "catrine",
		"philippe": "filip", "gauthier": "gautier", "alexandre": "aleksandr", "zidane": "sidane",
	} {
		if a, b := naming.Sound(one), naming.Sound(other); a != b || a == "" {
			t.Errorf("%s sounds %q, %s sounds %q", one, a, other, b)
		}
	}
	for _, w := range []string{"li", "leo", "22502142", "王小明", ""} {
		if s := naming.Sound(w); s != "" {
			t.Errorf("%q sounds %q", w, s)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"matrin", "martin", 1}, {"hakonson", "hakansson", 2}, {"王小明", "王小", 1}, {"kitten", "sitting", 3}} {
		if got := naming.Distance(c.a, c.b); got != c.want || naming.Distance(c.b, c.a) != c.want {
			t.Errorf("%s, %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
