package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestReproducible runs the generator and compares its output with the file that is
// compiled into the product.
func TestReproducible(t *testing.T) {
	written := filepath.Join(t.TempDir(), "block_amd64.s")
	if out, err := exec.Command("go", "run", ".", "-pkg", "argon2", "-out", written).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !bytes.Equal(code(t, written), code(t, "../../internal/argon2/block_amd64.s")) {
		t.Error("internal/argon2/block_amd64.s is not what the generator writes: run make generate")
	}
}

// code returns a file without its first line, which names the command.
func code(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	return rest
}
