package rules

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// habits are ways of writing that readers had to read twice. Each entry holds a
// pattern, matched against the text of one comment, and what to write instead.
var habits = []struct {
	name    string
	pattern *regexp.Regexp
	instead string
}{
	{"gives", regexp.MustCompile(`^(?:\w+\.)?\w+ (?:gives|tells|gets)\b`), "a function returns, reports whether, parses or creates"},
	{"pronoun", regexp.MustCompile(`(?i)\b(?:whoever|whatever|somebody|someone|nobody|no one|everybody|anybody|one who|those who)\b`), "name the student, the operator, the administrator or the caller"},
	{"clause as a subject", regexp.MustCompile(`(?:^|[.:;] )(?:What|Who|Whom|Whose) [a-z]`), "begin with the thing that the sentence is about"},
}

// allowed lists comments that match a habit and are right as they are: a part of
// the comment, and the reason.
var allowed = map[string]string{}

// Every comment of the Go code is plain technical English (CONTRIBUTING.md).
func TestCommentsAreWrittenPlainly(t *testing.T) {
	files(t, func(path string, text []byte) {
		if filepath.Ext(path) != ".go" || strings.Contains(path, "testdata") {
			return
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range f.Comments {
			words := strings.Join(strings.Fields(group.Text()), " ")
			for _, h := range habits {
				found := h.pattern.FindString(words)
				if found == "" || isAllowed(words) {
					continue
				}
				t.Errorf("%s: %q (%s): %s", set.Position(group.Pos()), found, h.name, h.instead)
			}
		}
	})
}

func isAllowed(comment string) bool {
	for part := range allowed {
		if strings.Contains(comment, part) {
			return true
		}
	}
	return false
}

// A habit that finds nothing in the sentences that it was made for is no rule.
func TestAHabitIsFound(t *testing.T) {
	for name, comment := range map[string]string{
		"gives":               "Person gives a person, or ErrNotFound.",
		"pronoun":             "ErrFirst means that somebody was first.",
		"clause as a subject": "What changes a journey takes it as it was read.",
	} {
		for _, h := range habits {
			if h.name == name && !h.pattern.MatchString(comment) {
				t.Errorf("%s is not found in %q", name, comment)
			}
		}
	}
}
