package web

import (
	"html/template"
	"strings"
	"text/template/parse"
)

// Most words of a page are constant: {{.T "key"}} without arguments. They are
// inserted into the templates when the templates are parsed, with one set for
// each language. Executing a page then does not look them up, call a function
// and escape them each time, which took half of the time of a page.
//
// A message with a character that is special in HTML is not inserted: it is
// escaped for its context each time. An apostrophe is safe, because the
// attributes in the templates are in double quotes.
// TestWordsStandInDoubleQuotes checks this.

// fixWords inserts the words of one language into the templates of a set.
func fixWords(t *template.Template, say func(key string) template.HTML, asset func(name string) (string, bool)) {
	for _, one := range t.Templates() {
		if one.Tree != nil {
			fixList(one.Tree.Root, say, asset)
		}
	}
}

func fixList(list *parse.ListNode, say func(string) template.HTML, asset func(string) (string, bool)) {
	if list == nil {
		return
	}
	for i, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if text, ok := fixed(n, say, asset); ok && !afterEquals(list.Nodes[:i]) {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(text)}
			}
		case *parse.IfNode:
			fixList(n.List, say, asset)
			fixList(n.ElseList, say, asset)
		case *parse.WithNode:
			fixList(n.List, say, asset)
			fixList(n.ElseList, say, asset)
		case *parse.RangeNode:
			fixList(n.List, say, asset)
			fixList(n.ElseList, say, asset)
		}
	}
}

// fixed returns the constant text of an action of the form {{.T "key"}}, {{$.T
// "key"}} or {{call .Asset "name"}}. ok is false for every other action, and
// for a text that must be escaped.
func fixed(n *parse.ActionNode, say func(string) template.HTML, asset func(string) (string, bool)) (string, bool) {
	if len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds) != 1 {
		return "", false
	}
	args := n.Pipe.Cmds[0].Args
	name, is := args[len(args)-1].(*parse.StringNode)
	switch {
	case !is:
		return "", false
	case len(args) == 2 && (args[0].String() == ".T" || args[0].String() == "$.T"):
		text := string(say(name.Text))
		return text, !strings.ContainsAny(text, "<>\"&`")
	case len(args) == 3 && args[0].String() == "call" && (args[1].String() == ".Asset" || args[1].String() == "$.Asset"):
		return asset(name.Text)
	}
	return "", false
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
