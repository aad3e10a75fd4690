package mail

import (
	"testing"
	"time"

	"entree/internal/domain"
)

// BenchmarkCompose measures the text of the two mails of an activation.
func BenchmarkCompose(b *testing.B) {
	c, err := newComposer(Options{BaseURL: "https://mon-compte.exemple.fr", Institution: Institution{Name: "Université d'Exemple", Accent: "#0b5d4e", HelpURL: "https://aide.exemple.fr/", HelpEmail: "aide@exemple.fr", HelpPhone: "02 38 00 00 00"}})
	if err != nil {
		b.Fatal(err)
	}
	asked := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	message := domain.Message{
		Lang: domain.French, Purpose: domain.PurposeActivate, Profile: "etudiant", GivenName: "Jeanne", Code: "123456", Minutes: 10, AskedAt: asked, ExpiresAt: asked.Add(10 * time.Minute),
		Login: "o22502142", UniversityAddress: "jeanne.martin@exemple.fr", Freeze: "/compte/gel/abc",
	}
	for _, kind := range []domain.MessageKind{domain.MessageCode, domain.MessageActivated} {
		b.Run(string(kind), func(b *testing.B) {
			message.Kind = kind
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.compose(message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
