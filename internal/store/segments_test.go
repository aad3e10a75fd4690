package store_test

import (
	"fmt"
	"slices"
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
		if after := segments(); after > 1 || before > 0 && before <= 3 {
			t.Errorf("%d segments after the large import, %d before", after, before)
		}
		collects, err := w.Collects(t.Context())
		w.must(err)
		if before > 0 && !slices.Equal(collects, []string{"automerge 4", "hashsize 1048576", "automerge 4", "hashsize 1048576"}) {
			t.Errorf("after the large import: %v", collects)
		}
		w.enrol(with(person("later"), func(p *domain.Person) { p.FamilyName = "Håkansson" }))
		if got := nearly(mustFind(t, w, helpdesk.Query{Words: "hakanson"})); got != "later" {
			t.Errorf("found %q after the merge", got)
		}
	})
}

// The IDs of new people share no more than their beginning, and nothing with the line.
func TestImport_GivesNewPeopleRandomIDs(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for _, numbers := range []string{"a", "b"} {
			var people []domain.Person
			for i := range 50 {
				people = append(people, with(person(fmt.Sprint(numbers, i)), func(p *domain.Person) { p.ID, p.Number = "", fmt.Sprint(numbers, 100+i) }))
			}
			w.enrol(people...)
		}
		people, err := w.People(t.Context())
		w.must(err)
		beginnings, rests := map[domain.PersonID]int{}, map[domain.PersonID]int{}
		for _, p := range people {
			beginnings[p.ID[:4]]++
			rests[p.ID[4:]]++
		}
		if len(people) != 100 || len(beginnings) > 2 || len(rests) != 100 {
			t.Errorf("%d people have IDs with %d beginnings and %d other parts", len(people), len(beginnings), len(rests))
		}
	})
}
