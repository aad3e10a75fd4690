package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// logged returns the messages that the product logs, with their levels: "warn" or
// "error" and others. A message that begins with a variable begins with an ellipsis.
func logged(t *testing.T) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	set := token.NewFileSet()
	files(t, func(path string, text []byte) {
		path = strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || !regexp.MustCompile(`^(internal|portal|keycloak|cmd/entree)/`).MatchString(path) || strings.Contains(path, "devenv/") {
			return
		}
		f, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			level, message := logCall(call)
			if message != "" {
				if out[message] == nil {
					out[message] = map[string]bool{}
				}
				out[message][level] = true
			}
			return true
		})
	})
	return out
}

// logCall returns the level and the message of a call of a method of slog.Logger;
// the message is empty for any other call.
func logCall(call *ast.CallExpr) (level, message string) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !isLogger(method.X) {
		return "", ""
	}
	at := 0
	switch name := strings.TrimSuffix(method.Sel.Name, "Context"); name {
	case "Debug", "Info", "Warn", "Error":
		level = strings.ToLower(name)
		if name != method.Sel.Name {
			at = 1
		}
	case "Log", "LogAttrs":
		level, at = "error", 2 // decided when it runs
	default:
		return "", ""
	}
	if len(call.Args) <= at {
		return "", ""
	}
	if at == 2 { // the level is an argument
		if fixed, ok := call.Args[1].(*ast.SelectorExpr); ok && strings.HasPrefix(fixed.Sel.Name, "Level") {
			level = strings.ToLower(strings.TrimPrefix(fixed.Sel.Name, "Level"))
		}
	}
	return level, literal(call.Args[at])
}

// isLogger reports whether an expression is a logger by its name: log, r.log,
// i.Log, site.Log(c).
func isLogger(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return strings.EqualFold(e.Name, "log") || e.Name == "slog"
	case *ast.SelectorExpr:
		return strings.EqualFold(e.Sel.Name, "log")
	case *ast.CallExpr:
		return isLogger(e.Fun)
	}
	return false
}

func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	}
	return "…"
}

// The catalogue of docs/operations.md holds every warning and error that the
// product logs, and no other message than those that exist.
func TestTheLogCatalogueIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Log messages\n")
	if !ok {
		t.Fatal("docs/operations.md has no section Log messages")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]string{} // level by message
	for _, m := range regexp.MustCompile("(?m)^\\| (info|warn|error) \\| `([^`]+)` \\| .+ \\|$").FindAllStringSubmatch(section, -1) {
		listed[m[2]] = m[1]
	}
	found := logged(t)
	if len(found) < 40 {
		t.Fatalf("found only %d messages in the code", len(found))
	}
	for message, levels := range found {
		if _, ok := listed[message]; !ok && (levels["warn"] || levels["error"]) && message != "…" {
			t.Errorf("the catalogue does not have %q", message)
		}
	}
	for message, level := range listed {
		if !found[message][level] {
			t.Errorf("the catalogue has %q with the level %s; the code logs %v", message, level, found[message])
		}
	}
}
