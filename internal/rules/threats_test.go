package rules

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	aTest    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	aMention = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
)

// Every line of the requirements stands in the threat model with its tests, and
// every test that is named there is a test that there is.
func TestTheThreatModelNamesTestsThatThereAre(t *testing.T) {
	there := map[string]bool{}
	files(t, func(path string, text []byte) {
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range aTest.FindAllStringSubmatch(string(text), -1) {
				there[m[1]] = true
			}
		}
	})
	raw, err := os.ReadFile("../../docs/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range aMention.FindAllStringSubmatch(string(raw), -1) {
		if !there[m[1]] {
			t.Errorf("the threat model names %s, which is not there", m[1])
		}
	}
	for _, part := range []string{"## Flaws that others really had", "## Faults that are injected"} {
		_, table, _ := strings.Cut(string(raw), part+"\n")
		table, _, _ = strings.Cut(table, "\n## ")
		rows := regexp.MustCompile(`(?m)^\| .*$`).FindAllString(table, -1)
		if len(rows) < 15 {
			t.Errorf("%s: %d rows", part, len(rows))
		}
		for _, row := range rows[min(1, len(rows)):] {
			if !aMention.MatchString(row) {
				t.Errorf("%s: no test in %s", part, row)
			}
		}
	}
	var lines []string
	for n := 1; n <= 7; n++ {
		lines = append(lines, fmt.Sprintf("I%d", n))
	}
	for n := 1; n <= 51; n++ {
		lines = append(lines, fmt.Sprintf("S%d", n))
	}
	for _, line := range lines {
		row := regexp.MustCompile(`(?m)^\| ` + line + ` \|.*$`).Find(raw)
		if row == nil || !aMention.Match(row) {
			t.Errorf("%s has no row with a test", line)
		}
	}
}
