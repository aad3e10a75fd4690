package introduce

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// block is one code block of the page.
type block struct {
	heading string // the section that holds it
	kind    string // sh, yaml, sql; empty for an example of output
	text    string
}

var fence = regexp.MustCompile("^( *)```([a-z]*)$")

// blocks returns the code blocks of a page, without their indentation.
func blocks(t *testing.T, file string) (out []block) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	heading, indent := "", ""
	var open *block
	for line := range strings.SplitSeq(string(raw), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case m != nil && open == nil:
			indent, open = m[1], &block{heading: heading, kind: m[2]}
		case m != nil:
			out, open = append(out, *open), nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case strings.HasPrefix(line, "## "):
			heading = strings.TrimPrefix(line, "## ")
		}
	}
	if open != nil {
		t.Fatalf("%s: a code block has no end", file)
	}
	return out
}

// program returns the commands of a block that run, without the exports, which it
// adds to the environment.
func (b block) program(environ *[]string) string {
	var commands bytes.Buffer
	for line := range strings.Lines(b.text) {
		if set, is := strings.CutPrefix(strings.TrimSpace(line), "export "); is {
			*environ = append(*environ, set)
			continue
		}
		commands.WriteString(line)
	}
	return commands.String()
}
