// Package reference writes the reference documents for administrators from the
// files that define their content: docs/configuration.md from the sample of the
// configuration.
//
//	deploy/entree.sample.yaml ── Parse ──► []Section ── Markdown ──► docs/configuration.md
//
// `make generate` writes the documents; the tests of this package fail while a
// document is out of date.
package reference

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Section is a part of the sample: a top-level key and the keys below it.
type Section struct {
	Name string // empty for keys that stand alone at the top
	Text string // the comment of the section
	List bool   // its entries are a list, which no environment variable can set
	Keys []Key
}

// Key is one setting.
type Key struct {
	Path  string // "portal.base_url"; "profiles[].key" in a list
	Value string // as the sample writes it
	Text  string // its comment
}

// line matches a line of the sample that holds a key. A key inside a comment is
// an example that is not in force.
var line = regexp.MustCompile(`^( *#? *)(- )?([a-z0-9_]+):(?: +(.*))?$`)

// standalone are the top-level keys that are settings and no sections.
var standalone = []string{"secret", "database", "database_migrate", "database_connections", "private_ca", "reserved_logins"}

// parent is a key of the sample that has keys below it.
type parent struct {
	indent int
	path   string
}

// Parse reads the sample. It relies on the layout of that file: sections at the
// first column, keys below them, comments to the right of a key, on lines of their
// own before a key at the first column, or continued far to the right.
func Parse(sample string) []Section {
	sections := []Section{{}}
	var above []string // comment lines before the next key at the first column
	var last *string   // the comment that a continuation line extends
	var parents []parent
	for text := range strings.Lines(sample) {
		text = strings.TrimRight(text, "\n")
		current := &sections[len(sections)-1]
		m := line.FindStringSubmatch(text)
		switch {
		case strings.TrimSpace(text) == "":
			above, last = nil, nil
		case m != nil && (m[1] == "" || m[1] == "# " && slices.Contains(standalone, m[3])): // a key at the first column
			value, comment := split(m[4])
			if slices.Contains(standalone, m[3]) {
				sections[0].Keys = append(sections[0].Keys, Key{m[3], value, join(append(above, comment))})
				last = &sections[0].Keys[len(sections[0].Keys)-1].Text
			} else {
				sections = append(sections, Section{Name: m[3], Text: comment})
				parents = nil
				current = &sections[len(sections)-1]
				last = &current.Text
			}
			above = nil
		case m != nil:
			value, comment := split(m[4])
			current.List = current.List || m[2] != ""
			indent := len(text) - len(strings.TrimLeft(text, " "))
			parents = slices.DeleteFunc(parents, func(p parent) bool { return current.List || p.indent >= indent })
			path := m[3]
			if len(parents) > 0 {
				path = parents[len(parents)-1].path + "." + path
			}
			if value == "" && !strings.Contains(m[1], "#") {
				parents = append(parents, parent{indent, path})
			}
			current.Keys = append(current.Keys, Key{path, value, comment})
			last = &current.Keys[len(current.Keys)-1].Text
		case strings.HasPrefix(text, "#"):
			above = append(above, strings.TrimPrefix(strings.TrimPrefix(text, "#"), " "))
		case last != nil && strings.HasPrefix(strings.TrimSpace(text), "#"):
			*last = join([]string{*last, strings.TrimPrefix(strings.TrimSpace(text), "#")})
		}
	}
	for i := range sections {
		s := &sections[i]
		holds := func(k Key) bool { // the key is a map, whose keys are described
			return slices.ContainsFunc(s.Keys, func(inner Key) bool { return strings.HasPrefix(inner.Path, k.Path+".") })
		}
		s.Keys = slices.DeleteFunc(slices.Clone(s.Keys), holds)
		seen := map[string]bool{} // a second example of a list's entry repeats its keys
		s.Keys = slices.DeleteFunc(s.Keys, func(k Key) bool {
			again := seen[k.Path]
			seen[k.Path] = true
			return again
		})
		for k := range s.Keys {
			switch {
			case s.Name == "":
			case s.List:
				s.Keys[k].Path = s.Name + "[]." + s.Keys[k].Path
			default:
				s.Keys[k].Path = s.Name + "." + s.Keys[k].Path
			}
		}
	}
	return sections
}

// split separates a value from the comment behind it. A # inside quotes belongs to
// the value.
func split(text string) (value, comment string) {
	quoted := false
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '#' && !quoted && (i == 0 || text[i-1] == ' '):
			return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
		}
	}
	return strings.TrimSpace(text), ""
}

func join(parts []string) string { return strings.Join(strings.Fields(strings.Join(parts, " ")), " ") }

// Variable returns the environment variable of a key, or nothing for a key in a
// list or a key whose value is a list or a map.
func (s Section) Variable(k Key) string {
	if s.List || strings.HasPrefix(k.Value, "[") || strings.HasPrefix(k.Value, "{") {
		return ""
	}
	return "ENTREE_" + strings.ToUpper(strings.ReplaceAll(k.Path, ".", "_"))
}

// Markdown returns the document.
func Markdown(sections []Section) string {
	var out strings.Builder
	out.WriteString(`# Configuration

Generated from [deploy/entree.sample.yaml](../deploy/entree.sample.yaml) by ` + "`make generate`" + `: change that file, not this one.

The program reads one YAML file, ` + "`entree.yaml`" + ` in the working directory or the one that ` + "`--config`" + ` names, and then the environment. An unknown key is an error. The value in the table is the default; for a key that is marked "required" it is an example.

A variable with ` + "`_FILE`" + ` appended names a file that holds the value, for example ` + "`ENTREE_SECRET_FILE=/run/secrets/entree`" + `. Lists and maps can be set in the file only. Paths are relative to the configuration file.
`)
	for _, s := range sections {
		title := "The installation"
		if s.Name != "" {
			title = "`" + s.Name + "`"
		}
		fmt.Fprintf(&out, "\n## %s\n", title)
		if s.Text != "" {
			fmt.Fprintf(&out, "\n%s\n", sentence(s.Text))
		}
		if s.List {
			out.WriteString("\nA list. The values are those of an example.\n")
		}
		out.WriteString("\n| key | value | variable | meaning |\n|---|---|---|---|\n")
		for _, k := range s.Keys {
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", k.Path, code(k.Value), code(s.Variable(k)), strings.ReplaceAll(sentence(k.Text), "|", `\|`))
		}
	}
	return out.String()
}

func code(text string) string {
	if text == "" || text == `""` {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

// sentence begins a comment with a capital letter and ends it with a full stop. A
// comment that begins with a value, as "oidc or cas" and "true: …", or with a term such
// as a file name keeps its first letter.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first, rest, _ := strings.Cut(text, " ")
	isValue := strings.ContainsAny(first, ",:") || strings.HasPrefix(rest, "or ")
	if strings.HasPrefix(first, "required") || !isValue && strings.Trim(first, "abcdefghijklmnopqrstuvwxyz;") == "" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, ":") {
		text += "."
	}
	return text
}
