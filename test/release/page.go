package main

import (
	"fmt"
	"regexp"
	"strings"
)

// page is the installation guide, by section.
type page map[string]section

// section is the text below one heading of the page.
type section string

var headings = regexp.MustCompile(`(?m)^## (.*)$`)

func parsePage(text string) page {
	out := page{}
	at := headings.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		out[text[m[2]:m[3]]] = section(text[m[1]:end])
	}
	return out
}

var fences = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// commands returns the blocks of shell commands below a heading. It returns an
// error unless there are n of them.
func (p page) commands(heading string, n int) ([]string, error) {
	var out []string
	for _, m := range fences.FindAllStringSubmatch(string(p[heading]), -1) {
		out = append(out, m[1])
	}
	if len(out) != n {
		return nil, fmt.Errorf("the section %q has %d blocks of commands, not %d", heading, len(out), n)
	}
	return out, nil
}

// adapted replaces parts of a text that are different on the test's machine. It
// returns an error if one of them does not occur.
func adapted(text string, edits ...[2]string) (string, error) {
	for _, e := range edits {
		if !strings.Contains(text, e[0]) {
			return "", fmt.Errorf("no %q in\n%.600s", e[0], text)
		}
		text = strings.ReplaceAll(text, e[0], e[1])
	}
	return text, nil
}
