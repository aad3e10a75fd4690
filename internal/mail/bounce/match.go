package bounce

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// matcher matches the text of a rule. A long alternation is slow, because
// package regexp tries every alternative at every byte: each alternative is an
// expression of its own, and runs only if the text contains one of the literals
// without which it cannot match.
type matcher []alternative

type alternative struct {
	needs []string // lower case; at least one must occur. None: always run.
	match *regexp.Regexp
}

func newMatcher(expression string) (matcher, error) {
	if _, err := regexp.Compile(expression); err != nil {
		return nil, err
	}
	var m matcher
	for _, one := range alternatives(expression) {
		pattern, err := regexp.Compile(`(?is)` + one)
		if err != nil {
			return nil, err
		}
		tree, err := syntax.Parse(`(?is)`+one, syntax.Perl)
		if err != nil {
			return nil, err
		}
		m = append(m, alternative{literals(tree.Simplify()), pattern})
	}
	return m, nil
}

// matches reports whether the expression matches. lower is text in lower case.
func (m matcher) matches(text, lower string) bool {
	for _, one := range m {
		needed := len(one.needs) == 0
		for _, literal := range one.needs {
			if needed = strings.Contains(lower, literal); needed {
				break
			}
		}
		if needed && one.match.MatchString(text) {
			return true
		}
	}
	return false
}

// alternatives splits an expression at the | outside of groups and classes.
func alternatives(expression string) (out []string) {
	depth, class, begin := 0, false, 0
	for i := 0; i < len(expression); i++ {
		switch c := expression[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
			if i+1 < len(expression) && expression[i+1] == '^' {
				i++
			}
			if i+1 < len(expression) && expression[i+1] == ']' { // a bracket that is a member
				i++
			}
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			out = append(out, expression[begin:i])
			begin = i + 1
		}
	}
	return append(out, expression[begin:])
}

// literals returns a set of texts of which every match contains at least one,
// and nil if there is no such set.
func literals(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literals(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if found := literals(sub); shortest(found) > shortest(best) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			found := literals(sub)
			if found == nil {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	return nil
}

func shortest(texts []string) int {
	length := 0
	for i, text := range texts {
		if i == 0 || len(text) < length {
			length = len(text)
		}
	}
	return length
}
