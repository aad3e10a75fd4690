package store_test

import (
	"fmt"
	"testing"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// A large import merges the segments of the text indexes, and a small one does not.
func TestImport_MergesTheTextIndexes(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		segments := func() int {
			n, err := w.Segments(t.Context())
			w.must(err)
			return n
		}
		before := 0
		for i := range 10 {
			w.enrol(person(fmt.Sprint("small", i)))
			before = max(before, segments())
		}
		var many []domain.Person
		for i := range 200 {
			many = append(many, person(fmt.Sprint("large", i)))
		}
		w.enrol(many...)
		if after := segments(); after > 1 || before > 0 && before <= 6 {
			t.Errorf("%d segments after the large import, %d before", after, before)
		}
		w.enrol(with(person("later"), func(p *domain.Person) { p.FamilyName = "Håkansson" }))
		if got := nearly(mustFind(t, w, helpdesk.Query{Words: "hakanson"})); got != "later" {
			t.Errorf("found %q after the merge", got)
		}
	})
}
