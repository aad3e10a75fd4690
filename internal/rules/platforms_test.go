package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The packages of both programs use only names of syscall that the platform has.
// The test parses and does not compile; `make cross` compiles.
func TestEveryPlatformHasTheSystemCallsThatAreUsed(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "freebsd", "windows"} {
		has := syscallNames(t, goos)
		for _, file := range filesFor(t, goos, "./cmd/...", "entree/") {
			for _, name := range syscallsOf(t, file) {
				if !has[name] {
					t.Errorf("%s: %s uses syscall.%s, which does not exist there: move it to a file with a build constraint", goos, file, name)
				}
			}
		}
	}
}

// syscallNames returns the exported names of package syscall on a platform.
func syscallNames(t *testing.T, goos string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, name := range filesFor(t, goos, "syscall", "syscall") {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[d.Name.Name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names[n.Name] = true
						}
					}
				}
			}
		}
	}
	return names
}

// filesFor returns the Go files that a pattern needs on a platform, of the packages
// whose paths begin with prefix.
func filesFor(t *testing.T, goos, pattern, prefix string) (files []string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-e", "-json=ImportPath,Dir,GoFiles", pattern)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.ImportPath, prefix) {
			for _, name := range p.GoFiles {
				files = append(files, filepath.Join(p.Dir, name))
			}
		}
	}
}

// syscallsOf returns the names of package syscall that a file uses.
func syscallsOf(t *testing.T, name string) (used []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "syscall" {
				used = append(used, s.Sel.Name)
			}
		}
		return true
	})
	return used
}
