package registry

import (
	"testing"

	"entree/internal/domain"
)

// Each field that the domain takes from a source can be held by a column, and a
// header of this name is recognized.
func TestEverySourceFieldHasAColumn(t *testing.T) {
	key := func(name string) string {
		if name == "readiness" {
			return "ready"
		}
		return name
	}
	for _, f := range domain.Fields() {
		if f.Source != domain.SourceWins && f.Source != domain.SourceFills {
			continue
		}
		column := fieldOf(key(f.Name))
		if column < 0 {
			t.Errorf("no column can hold %s", f.Name)
			continue
		}
		if text := table[column].text; text != nil {
			p := domain.Person{}
			*text(&p) = "x"
			if f.Text(&p) != "x" {
				t.Errorf("%s is stored elsewhere", f.Name)
			}
		}
	}
	for f, row := range table {
		found := false
		for _, m := range words().meaningsOf(row.usual) {
			found = found || m.field == field(f)
		}
		if !found {
			t.Errorf("the header %q is not recognized as %s", row.usual, row.key)
		}
	}
}
