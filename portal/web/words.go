package web

import (
	"html/template"
	"strconv"
	"strings"
	"text/template/parse"

	"entree/internal/domain"
)

// Most of a page is the same for all visitors of a language. fixer inserts it into the
// templates as text when they are parsed, one set for each language. Executing a page
// then does not look it up, call a function and escape it each time.
//
// A message with a character that is special in HTML is not inserted: it is
// escaped for its context each time. An apostrophe is safe, because the
// attributes in the templates are in double quotes.
// TestWordsStandInDoubleQuotes checks this.
//
// Other words call functions instead of methods of View: the template package looks a
// method up and describes its type at each call, which costs more than the method does.
type fixer struct {
	lang   domain.Lang
	say    func(key string, args ...any) template.HTML
	asset  func(name string) (string, bool)
	blocks map[string]string // texts of the blocks that are the same on all pages, by name
}

// functions returns the functions that the rewritten actions call.
func (f fixer) functions() template.FuncMap {
	return template.FuncMap{
		"T":       f.say,
		"F":       func(words, key string, args ...any) template.HTML { return f.say(words+key, args...) },
		"T1":      func(key string) template.HTML { return f.say(key) },
		"F1":      func(words, key string) template.HTML { return f.say(words + key) },
		"Breaks":  breaks,
		"ErrorAt": errorAt,
		"lang":    func() domain.Lang { return f.lang },
		"other":   func() domain.Lang { return other(f.lang) },
	}
}

// owner names, for each method of View that becomes a function, the field of the view
// that the function takes first. Empty: it needs none.
var owner = map[string]string{"T": "", "F": "Words", "Breaks": "", "ErrorAt": "Errors"}

// fix rewrites all templates of a set.
func (f fixer) fix(t *template.Template) {
	for _, one := range t.Templates() {
		if one.Tree != nil {
			f.list(one.Tree.Root)
		}
	}
}

func (f fixer) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for i, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if text, ok := f.fixed(n); ok && !afterEquals(list.Nodes[:i]) {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(text)}
				continue
			}
			f.pipe(n.Pipe)
		case *parse.TemplateNode:
			if text, ok := f.blocks[n.Name]; ok {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(text)}
				continue
			}
			f.pipe(n.Pipe)
		case *parse.IfNode:
			f.branch(&n.BranchNode)
		case *parse.WithNode:
			f.branch(&n.BranchNode)
		case *parse.RangeNode:
			f.branch(&n.BranchNode)
		}
	}
}

func (f fixer) branch(n *parse.BranchNode) {
	f.pipe(n.Pipe)
	f.list(n.List)
	f.list(n.ElseList)
}

// pipe replaces the methods of View by functions: {{.T "key" "Count" .N}} becomes
// {{T "key" "Count" .N}}.
func (f fixer) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, a := range c.Args {
			if inner, ok := a.(*parse.PipeNode); ok {
				f.pipe(inner)
			}
		}
		of, ident := called(c.Args[0])
		field, is := owner[ident]
		if !is {
			continue
		}
		if (ident == "T" || ident == "F") && len(c.Args) == 2 {
			ident += "1" // a message without values needs no list of them
		}
		args := []parse.Node{parse.NewIdentifier(ident).SetPos(c.Args[0].Position())}
		if field != "" {
			args = append(args, of(field))
		}
		c.Args = append(args, c.Args[1:]...)
	}
}

// called returns the name of a method that is called on the view, and a function that
// returns the node of a field of the view. The name is empty for every other node.
func called(n parse.Node) (of func(field string) parse.Node, ident string) {
	switch n := n.(type) {
	case *parse.FieldNode: // .T
		if len(n.Ident) == 1 {
			return func(field string) parse.Node {
				return &parse.FieldNode{NodeType: parse.NodeField, Pos: n.Pos, Ident: []string{field}}
			}, n.Ident[0]
		}
	case *parse.VariableNode: // $.T
		if len(n.Ident) == 2 && n.Ident[0] == "$" {
			return func(field string) parse.Node {
				return &parse.VariableNode{NodeType: parse.NodeVariable, Pos: n.Pos, Ident: []string{"$", field}}
			}, n.Ident[1]
		}
	}
	return nil, ""
}

// fixed returns the constant text of an action: {{.T "key" "Count" 2}}, {{$.T "key"}},
// {{call .Asset "name"}}, {{lang}} or {{other}}. ok is false for every other action, and for a text
// that must be escaped.
func (f fixer) fixed(n *parse.ActionNode) (string, bool) {
	if len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds) != 1 {
		return "", false
	}
	args := n.Pipe.Cmds[0].Args
	_, ident := called(args[0])
	switch {
	case args[0].String() == "lang":
		return string(f.lang), true
	case args[0].String() == "other":
		return string(other(f.lang)), true
	case ident == "T":
		values, ok := constants(args[1:])
		if !ok || len(values) == 0 {
			return "", false
		}
		text := string(f.say(values[0].(string), values[1:]...))
		return text, !strings.ContainsAny(text, "<>\"&`")
	case len(args) == 3 && args[0].String() == "call" && (args[1].String() == ".Asset" || args[1].String() == "$.Asset"):
		if name, is := args[2].(*parse.StringNode); is {
			return f.asset(name.Text)
		}
	}
	return "", false
}

// constants returns the values of texts and numbers. The first one is a text. ok is false
// if another kind of node is among them.
func constants(nodes []parse.Node) (values []any, ok bool) {
	for i, n := range nodes {
		switch n := n.(type) {
		case *parse.StringNode:
			values = append(values, n.Text)
		case *parse.NumberNode:
			count, err := strconv.Atoi(n.Text)
			if err != nil || i == 0 {
				return nil, false
			}
			values = append(values, count)
		default:
			return nil, false
		}
	}
	return values, true
}

// afterEquals reports whether the text before ends with the equals sign of an
// attribute without quotes.
func afterEquals(before []parse.Node) bool {
	if len(before) == 0 {
		return false
	}
	text, is := before[len(before)-1].(*parse.TextNode)
	return is && strings.HasSuffix(string(text.Text), "=")
}
