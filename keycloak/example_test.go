package keycloak_test

import (
	"bytes"
	"context"
	"fmt"

	"entree/internal/secret"
	"entree/keycloak"
)

// The credential has the form in which Keycloak stores it: the parameters, and the
// hash with its salt. A fixed source of randomness makes this example repeatable;
// the product uses crypto/rand.
func ExampleHasher_Hash() {
	h, err := keycloak.NewHasher("argon2", 0, 1, bytes.NewReader(make([]byte, 16)))
	if err != nil {
		panic(err)
	}
	c, err := h.Hash(context.Background(), secret.New("UneBougieRaconte7Secrets"))
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Data)
	fmt.Println(len(c.Secret), "bytes of secret data")
	// Output:
	// {"additionalParameters":{"hashLength":["32"],"memory":["7168"],"parallelism":["1"],"type":["id"],"version":["1.3"]},"algorithm":"argon2","hashIterations":5}
	// 116 bytes of secret data
}
