package breached_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entree/internal/breached"
	"entree/internal/secret"
)

func list(t interface {
	Fatal(...any)
}, dir, end string, passwords ...string) *breached.List {
	var lines []string
	for i, p := range passwords {
		sum := sha1.Sum([]byte(p))
		lines = append(lines, strings.ToUpper(hex.EncodeToString(sum[:]))+strings.Repeat(fmt.Sprintf(":%d", i*i), i%2))
	}
	slices.Sort(lines)
	file := filepath.Join(dir, fmt.Sprintf("list-%d", len(passwords)))
	if err := os.WriteFile(file, []byte(strings.Join(lines, end)+end), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := breached.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestS22_EveryPasswordOfTheListIsFoundAndNoOther(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		passwords := rapid.SliceOfNDistinct(rapid.String(), 1, 60, rapid.ID[string]).Draw(t, "passwords")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		other := rapid.String().Draw(t, "other")
		l := list(t, dir, end, passwords...)
		for _, p := range append(passwords, other) {
			if has, err := l.Has(secret.New(p)); err != nil || has != slices.Contains(passwords, p) {
				t.Fatalf("%q of %q: %v, %v", p, passwords, has, err)
			}
		}
	})
}

func TestOpen_SaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list")
	for _, text := range []string{"", "password\n", strings.Repeat("a", 40) + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := breached.Open(file); err == nil {
			t.Errorf("%q is taken for a list", text)
		}
	}
}
