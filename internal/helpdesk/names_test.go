package helpdesk

import (
	"strings"
	"testing"

	"entree/internal/domain"
)

// Names are compared without accents, capitals, hyphens and order. One wrong letter in a
// word makes them nearly the same, and what differs is marked.
func TestCompareNames(t *testing.T) {
	for _, tt := range []struct {
		typed, known string // given name|family name
		want         Likeness
		marked       string // words that are marked, typed and known
	}{
		{"Jean-Pierre|Martin", "Jean-Pierre|Martin", NameSame, ""},
		{"jean pierre|MARTIN", "Jean-Pierre|Martin", NameSame, ""},
		{"Martin|Jean-Pierre", "Jean-Pierre|Martin", NameSame, ""},
		{"Jeanpierre|Martin", "Jean-Pierre|Martin", NameSame, ""},
		{"Zoé|Lefèvre", "ZOE|LEFEVRE", NameSame, ""},
		{"Zoe|d’Arc", "Zoé|D'ARC", NameSame, ""},
		{"Jeane|Martin", "Jeanne|Martin", NameNear, "Jeane Jeanne"},
		{"Jean|Martin", "Jean-Pierre|Martin", NameNear, "Jean-Pierre"},
		{"Jean Pierre Marie|Martin", "Jean-Pierre|Martin", NameNear, "Marie"},
		{"Christofer|Vandenberghe", "Christopher|Vandenberge", NameNear, "Christofer Vandenberghe Christopher Vandenberge"},
		{"Anne|Durand", "Jean-Pierre|Martin", NameOther, "Anne Durand Jean-Pierre Martin"},
		{"Paul|Martin", "Jean-Pierre|Martin", NameOther, "Paul Jean-Pierre"},
		{"Jean|Pierre", "Jean-Pierre|Martin", NameOther, "Martin"},
		{"Li|Wu", "Lu|Wo", NameOther, "Li Wu Lu Wo"},
		{"Martin|Martin", "Jean|Martin", NameOther, "Martin Jean"},
		{"Jeanne|Martin", "|Martin", NameNear, "Jeanne"},
		{"王|伟", "王|伟", NameSame, ""},
		{"王|伟", "李|伟", NameOther, "王 李"},
		{"Jeanne|Martin", "|", NameOther, "Jeanne Martin"},
	} {
		given, family, _ := strings.Cut(tt.typed, "|")
		c := domain.Claim{GivenName: given, FamilyName: family}
		p := domain.Person{}
		p.GivenName, p.FamilyName, _ = strings.Cut(tt.known, "|")
		got, typed, known := compareNames(c, p)
		var marked []string
		for _, part := range append(typed, known...) {
			if part.Differs {
				marked = append(marked, part.Text)
			}
		}
		if got != tt.want || strings.Join(marked, " ") != tt.marked {
			t.Errorf("%s and %s: %s, marked %q; want %s, %q", tt.typed, tt.known, got, marked, tt.want, tt.marked)
		}
	}
}
