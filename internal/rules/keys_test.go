package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A subkey of the secret either seals or makes MACs and signatures (R23).
func TestR23_AUseSealsOrSigns(t *testing.T) {
	seals, signs := map[string]string{}, map[string]string{}
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			use := useOf(call.Args[0])
			if !ok || use == "" {
				return true
			}
			switch method.Sel.Name {
			case "Seal", "Open":
				seals[use] = path
			case "MAC", "MACs", "Verify", "Subkeys", "Signers":
				signs[use] = path
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seals) < 4 || len(signs) < 5 {
		t.Errorf("found only %v and %v", seals, signs)
	}
	for use, path := range seals {
		if signs[use] != "" {
			t.Errorf("%s seals in %s and signs in %s", use, path, signs[use])
		}
	}
}

// useOf returns the name of secret.UseX or secret.UseX.Of(…), "" for others.
func useOf(e ast.Expr) string {
	if call, ok := e.(*ast.CallExpr); ok {
		if of, ok := call.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "Of" {
			e = of.X
		}
	}
	s, ok := e.(*ast.SelectorExpr)
	if !ok || !strings.HasPrefix(s.Sel.Name, "Use") {
		return ""
	}
	if pkg, ok := s.X.(*ast.Ident); !ok || pkg.Name != "secret" {
		return ""
	}
	return s.Sel.Name
}
