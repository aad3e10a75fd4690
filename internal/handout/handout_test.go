package handout_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"entree/internal/handout"
)

var words = handout.Words{
	Institution: "Université d'Orléans", Title: "Activez votre compte numérique", Lead: "Ce code remplace celui que nous envoyons par mail.", Number: "Numéro", Code: "Votre code", Where: "Tapez-le ici",
	Until: "Bon jusqu'au 8 septembre 2026", Handed: "Remis par Ada", Card: "Pièce d'identité vue", Whole: "Le texte entier est sur le portail.", Address: "https://mon-compte.univ.example/activation/guichet",
}

// text returns the text of a PDF, read by poppler.
func text(t *testing.T, pdf []byte) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdftotext: %v (on Debian: apt-get install poppler-utils)", err)
	}
	return string(out)
}

func TestASheetHasAPageAndTheCharterOnItsBack(t *testing.T) {
	long := handout.Charter{Title: "Charte d'usage", Text: "# Objet\n\nLe **réseau** est à tous\u202f; chacun en prend soin.\n\n" + strings.Repeat("Une phrase assez longue pour remplir une ligne entière de la page, et même davantage.\n\n", 200)}
	var sheets []handout.Sheet
	for i := range 3 {
		sheets = append(sheets, handout.Sheet{Name: fmt.Sprintf("Élodie Łukasz-Dvořák %d", i), Number: fmt.Sprintf("2250214%d", i), Code: fmt.Sprintf("7K3F-9Q2M-X4T%d", i), Charter: long})
	}
	var pdf bytes.Buffer
	if err := handout.Write(&pdf, words, sheets); err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.TrimSuffix(text(t, pdf.Bytes()), "\f"), "\f")
	if len(pages) != 6 {
		t.Fatalf("%d pages, want 6", len(pages))
	}
	for i, s := range sheets {
		front, back := pages[2*i], pages[2*i+1]
		for _, want := range []string{s.Name, s.Number, s.Code, words.Address, words.Until, words.Handed, words.Institution} {
			if !strings.Contains(front, want) {
				t.Errorf("page %d lacks %q:\n%s", 2*i+1, want, front)
			}
		}
		if !strings.Contains(strings.ReplaceAll(back, "\u00a0", " "), "Le réseau est à tous ; chacun") || !strings.Contains(back, words.Whole) || strings.Contains(back, "**") || strings.Contains(back, "#") {
			t.Errorf("the back is\n%s", back)
		}
		for j, other := range sheets {
			if i != j && strings.Contains(front, other.Code) {
				t.Errorf("page %d holds the code of another person", 2*i+1)
			}
		}
	}
}

// A name in any script, and an empty charter, break no sheet.
func TestASheetTakesAnyName(t *testing.T) {
	var pdf bytes.Buffer
	names := []string{"", "Қанат Әбіш", "محمد", "山田太郎", "🎓 Zoé\x00", strings.Repeat("Très-long ", 60)}
	var sheets []handout.Sheet
	for _, n := range names {
		sheets = append(sheets, handout.Sheet{Name: n, Number: "1", Code: "7K3F-9Q2M-X4T0"})
	}
	if err := handout.Write(&pdf, words, sheets); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(text(t, pdf.Bytes()), "7K3F-9Q2M-X4T0"); got != len(names) {
		t.Errorf("%d sheets have their code, want %d", got, len(names))
	}
}
