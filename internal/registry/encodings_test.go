package registry_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"entree/internal/domain"
	"entree/internal/registry"
)

// Code pages that no byte tells from Windows-1252 are read if they are named, and
// Turkish letters are doubted if they are not.
func TestT5_CodePagesThatAreNamed(t *testing.T) {
	for _, c := range []struct {
		name, given, family string
		page                encoding.Encoding
		isDoubted           bool
	}{
		{"Windows-1254", "Şule", "Yılmaz", charmap.Windows1254, true}, {"Windows-1250", "Łucja", "Dvořák", charmap.Windows1250, false}, {"windows-1251", "Анна", "Петрова", charmap.Windows1251, false},
	} {
		raw, err := c.page.NewEncoder().Bytes([]byte("Matricule;Prenom;Nom;Mail\n71234;" + c.given + ";" + c.family + ";a@example.org\n"))
		must(t, err)
		table, err := registry.OpenAs(bytes.NewReader(raw), c.name)
		must(t, err)
		o := &outcome{}
		_, err = registry.Import(t.Context(), o, table, registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant"}}, &domain.ImportOrder{}, registry.Observer{})
		must(t, err, table.Close())
		if len(o.people) != 1 || o.people[0].GivenName != c.given || o.people[0].FamilyName != c.family {
			t.Errorf("%s: %+v", c.name, o.people)
		}
		if o = imported(t, raw); c.isDoubted && !o.has(registry.FindEncoding) {
			t.Errorf("%s without its name: %+v", c.name, o.report.Findings)
		}
	}
	for names, isDoubted := range map[string]bool{"Anne Novotný": false, "Novotný Veselý": false, "Yılmaz Aydın Işık": true, "Ayşe Roy": true, "Anne Gülbağ": true} {
		raw, err := charmap.Windows1254.NewEncoder().Bytes([]byte(strings.ReplaceAll(names, "ý", "ı")))
		must(t, err)
		file := []byte("Matricule;Prenom;Nom;Mail\n")
		for i, name := range bytes.Fields(raw) {
			file = fmt.Appendf(file, "7123%d;Lou;%s;p%d@example.org\n", i, name, i)
		}
		if o := imported(t, file); len(o.people) < 2 || o.has(registry.FindEncoding) != isDoubted {
			t.Errorf("%s: %q %+v", names, o.refused, o.report.Findings)
		}
	}
}
