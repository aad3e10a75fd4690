package naming_test

import (
	"fmt"

	"entree/internal/naming"
)

// The first candidate has no number; the next ones are for other people of the
// same name.
func ExamplePattern_Candidates() {
	p, err := naming.Parse("{first}.{last}@etu.example.org")
	if err != nil {
		panic(err)
	}
	n := 0
	for name := range p.Candidates(naming.Parts{GivenName: "Łucja", FamilyName: "de La Tour", Number: "22502142"}) {
		fmt.Println(name)
		if n++; n == 2 {
			break
		}
	}
	// Output:
	// lucja.de-la-tour@etu.example.org
	// lucja.de-la-tour2@etu.example.org
}

// The parts of a name are written in the letters a to z.
func ExampleLatin() {
	for _, name := range []string{"Groß", "d'Arc", "Muñoz"} {
		fmt.Println(naming.Latin(name))
	}
	// Output:
	// gross
	// darc
	// munoz
}
