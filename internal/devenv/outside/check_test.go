package outside_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/devenv/outside"
)

// A secret is found as a whole word, and not as a part of another word.
func TestI4_SecretsAreFoundInWhatIsLeft(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for text, found := range map[string]bool{
		`{"code":"123456"}`: true, "a\n123456": true, "x=LesNaviresDansent7&y": true, "\x00\xff123456\x00": true,
		"": false, "0123456": false, "10:123456Z": false, "1.123456": false, "LesNaviresDansent77": false, "lesnaviresdansent7": false,
	} {
		if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := outside.Secrets([]string{"", "123456", "LesNaviresDansent7"}, log)
		if err != nil || len(got) > 0 != found {
			t.Errorf("%q: %q, %v", text, strings.Join(got, " "), err)
		}
	}
	if _, err := outside.Secrets([]string{"two words"}, log); err == nil {
		t.Error("a secret that no word can be was looked for")
	}
	if _, err := outside.Secrets([]string{"123456"}, log+"s"); err == nil {
		t.Error("nothing was left, and nobody says so")
	}
}
