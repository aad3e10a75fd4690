package password_test

import (
	"crypto/rand"
	"fmt"

	"entree/internal/password"
	"entree/internal/secret"
)

// A password is checked against the policy and against its owner's data. The
// findings name the rules, never the parts of the password.
func ExampleCheck() {
	owner := password.Personal{GivenName: "Jean-Pierre", FamilyName: "Martin", BirthDate: "2007-03-17", Number: "22502142"}
	for _, typed := range []string{"J34nPierre", "UneBougieRaconte7Secrets"} {
		var rules []string
		for _, f := range password.Check(password.Default(), password.Normalize(secret.New(typed)), owner) {
			rules = append(rules, f.Rule)
		}
		fmt.Println(len(typed), "characters:", rules)
	}
	// Output:
	// 10 characters: [length personal]
	// 24 characters: []
}

// A suggested phrase always satisfies the default policy.
func ExampleGenerate() {
	p, err := password.Generate(rand.Reader, password.French, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(p.Words), "words,", len(password.Check(password.Default(), p.Text, password.Personal{})), "findings")
	// Output: 6 words, 0 findings
}
