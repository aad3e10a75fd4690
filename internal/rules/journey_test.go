package rules

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const domainPath = "entree/internal/domain"

// typed returns the compiled form of every package that the module needs, by
// import path, and the packages of the module that import the domain's types.
func typed(t *testing.T) (exports map[string]string, users []pkg) {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,Imports,GoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports = map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			pkg
			Export string
		}
		if err := d.Decode(&p); err == io.EOF {
			return exports, users
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, "entree/") && slices.Contains(p.Imports, domainPath) {
			users = append(users, p.pkg)
		}
	}
}

// writes returns the places in a package that set a field of a journey, or take
// its address: assignments, ++, composite literals and &j.Field. The store may
// write ID and Version, by which it finds a journey and guards it.
func writes(t *testing.T, fset *token.FileSet, path string, files []*ast.File, imports types.Importer) (found []string) {
	t.Helper()
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}}
	if _, err := (&types.Config{Importer: imports}).Check(path, fset, files, info); err != nil {
		t.Fatal(err)
	}
	journey := func(typ types.Type) bool {
		if p, ok := types.Unalias(typ).(*types.Pointer); ok {
			typ = p.Elem()
		}
		n, ok := types.Unalias(typ).(*types.Named)
		return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == domainPath && n.Obj().Name() == "Journey"
	}
	allowed := func(field string) bool { return field == "ID" || field == "Version" }
	var target func(e ast.Expr)
	target = func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.SelectorExpr:
			if s := info.Selections[e]; s != nil && s.Kind() == types.FieldVal && journey(s.Recv()) && !allowed(e.Sel.Name) {
				found = append(found, fset.Position(e.Pos()).String()+": "+e.Sel.Name)
			}
			target(e.X)
		case *ast.IndexExpr:
			target(e.X)
		case *ast.ParenExpr:
			target(e.X)
		case *ast.StarExpr:
			target(e.X)
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					target(e)
				}
			case *ast.IncDecStmt:
				target(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					target(n.X)
				}
			case *ast.CompositeLit:
				if !journey(info.TypeOf(n)) {
					return true
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); !ok || !allowed(kv.Key.(*ast.Ident).Name) {
						found = append(found, fset.Position(e.Pos()).String()+": a literal")
					}
				}
			}
			return true
		})
	}
	return found
}

func TestOnlyTheDomainChangesAJourney(t *testing.T) {
	exports, users := typed(t)
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	parse := func(name string, text any) *ast.File {
		f, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if len(users) < 10 {
		t.Fatalf("only %d packages import %s", len(users), domainPath)
	}
	for _, p := range users {
		var files []*ast.File
		for _, name := range p.GoFiles {
			files = append(files, parse(filepath.Join(p.Dir, name), nil))
		}
		for _, w := range writes(t, fset, p.ImportPath, files, imports) {
			t.Errorf("%s: only methods of domain.Journey change a journey", w)
		}
	}
	wrong := parse("wrong.go", `package wrong
		import ("time"; "entree/internal/domain")
		func f(j *domain.Journey, k domain.Journey, at time.Time) (domain.Journey, *time.Time) {
			j.DoneAt = at
			k.Code.Tries++
			j.Candidates[0] = "p"
			j.Version = 2
			return domain.Journey{Person: "p"}, &j.EndedAt
		}`)
	if got := writes(t, fset, "wrong", []*ast.File{wrong}, imports); len(got) != 5 {
		t.Errorf("of five forbidden writes these are found: %q", got)
	}
}
