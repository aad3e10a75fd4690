package keycloak

import (
	"crypto/rand"
	"testing"

	"entree/internal/secret"
)

// BenchmarkHash measures one hash, the largest cost of an activation.
func BenchmarkHash(b *testing.B) {
	h, err := NewHasher("argon2", 0, 1, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := h.Hash(b.Context(), secret.New("LesTicketsDeBusForr1CielBleu")); err != nil {
			b.Fatal(err)
		}
	}
}
