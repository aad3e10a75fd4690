// Command words writes the texts of the pages and mails for Words.java, one per line:
// language, name and text, separated by tabs. Placeholders are replaced by a number, the
// branches of a condition stand one after the other, and HTML elements are left out.
//
//	words portal/i18n/messages templates/mail
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	other       = regexp.MustCompile(`\{\{-?\s*else\b[^}]*\}\}`)
	control     = regexp.MustCompile(`\{\{-?\s*(if|end|with|range)\b[^}]*\}\}`)
	placeholder = regexp.MustCompile(`\{\{[^}]*\}\}`)
	element     = regexp.MustCompile(`<[^>]*>`)
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := write(out, os.Args[1], os.Args[2])
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(1)
	}
}

func write(out *bufio.Writer, messages, mails string) error {
	files, err := filepath.Glob(filepath.Join(messages, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var all map[string]any
		if err := yaml.Unmarshal(raw, &all); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, key := range sorted(all) {
			switch said := all[key].(type) {
			case string:
				put(out, file, ".yaml", key, said)
			case map[string]any:
				for _, form := range sorted(said) {
					put(out, file, ".yaml", key+"."+form, fmt.Sprint(said[form]))
				}
			}
		}
	}
	if files, err = filepath.Glob(filepath.Join(mails, "*.txt")); err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for n, paragraph := range strings.Split(string(raw), "\n\n") {
			put(out, file, ".txt", fmt.Sprintf("%s, paragraph %d", filepath.Base(file), n+1), paragraph)
		}
	}
	return nil
}

// put writes one text, in the language that the file's name ends with.
func put(out *bufio.Writer, file, kind, name, text string) {
	lang := strings.TrimSuffix(file, kind)
	lang = lang[len(lang)-2:]
	text = element.ReplaceAllString(placeholder.ReplaceAllString(control.ReplaceAllString(other.ReplaceAllString(text, ". "), ""), "12"), "")
	text = strings.ReplaceAll(text, "..", ".") // an alternative that ended a sentence itself
	if text = strings.Join(strings.Fields(text), " "); text != "" {
		fmt.Fprintf(out, "%s\t%s\t%s\n", lang, name, text)
	}
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
