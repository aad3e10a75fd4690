package web

import (
	"html/template"
	"strings"
	"text/template/parse"
)

// Most of a page are words that never change: {{.T "key"}} without arguments.
// They are put into the templates when these are read, a set for each language,
// so that drawing a page does not look them up, call them and escape them anew
// each time; that was half of a page's cost.
//
// A message with a character that HTML gives a meaning to is left where it is
// and escaped for its place, as ever. An apostrophe needs nothing: attributes
// of our templates stand in double quotes, which TestWordsStandInDoubleQuotes
// holds them to.

// fixWords puts the words of one language into the templates of a set.
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

// fixed gives what an action always says: {{.T "key"}}, {{$.T "key"}} and
// {{call .Asset "name"}}.
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

// afterEquals tells whether an attribute without quotes begins here.
func afterEquals(before []parse.Node) bool {
	if len(before) == 0 {
		return false
	}
	text, is := before[len(before)-1].(*parse.TextNode)
	return is && strings.HasSuffix(string(text.Text), "=")
}
