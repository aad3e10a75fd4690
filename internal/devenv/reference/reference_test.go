package reference

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"entree/deploy"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

func TestConfigurationDocument(t *testing.T) {
	sample, err := deploy.FS.ReadFile("entree.sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := Markdown(Parse(string(sample)))
	const file = "../../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/configuration.md is out of date: run `make generate`")
	}
}

// Every key of the sample has a row, so that a change of the sample's layout loses
// none.
func TestEveryKeyOfTheSampleIsARow(t *testing.T) {
	sample, err := deploy.FS.ReadFile("entree.sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{} // sections, paths, and the parts of each path
	for _, s := range Parse(string(sample)) {
		named[s.Name] = true
		if len(s.Keys) == 0 {
			t.Errorf("the section %s has no keys", s.Name)
		}
		for _, k := range s.Keys {
			named[k.Path] = true
			for part := range strings.SplitSeq(k.Path, ".") {
				named[part] = true
			}
		}
	}
	for text := range strings.Lines(string(sample)) {
		m := line.FindStringSubmatch(strings.TrimRight(text, "\n"))
		if m == nil {
			continue
		}
		if !named[m[3]] {
			t.Errorf("no row for %s", m[3])
		}
		if len(m[1]) > 16 {
			t.Errorf("a comment that goes on is read as the key %s: begin its line with another word", m[3])
		}
	}
	for _, want := range []string{"secret", "database", "portal.base_url", "keycloak.client_secret", "sources[].bind_dn", "webhooks[].url", "profiles[].login", "charters[].version", "sms.http.url", "sms.limits.per_day"} {
		if !named[want] {
			t.Errorf("no row for %s", want)
		}
	}
}

func TestParse(t *testing.T) {
	got := Parse(`# A head that belongs to no key.

# Required.
# Two lines.
# secret:

part:                     # what it is for
  plain: 5                # a number
  quoted: "#1f4fa3"       # a colour
  long: ""                # a comment
                          # that goes on
list: []                  # of things; one:
# - name: a               # its name
#   url: http://a
`)
	want := []Section{
		{Keys: []Key{{"secret", "", "Required. Two lines."}}},
		{Name: "part", Text: "what it is for", Keys: []Key{{"part.plain", "5", "a number"}, {"part.quoted", `"#1f4fa3"`, "a colour"}, {"part.long", `""`, "a comment that goes on"}}},
		{Name: "list", Text: "of things; one:", List: true, Keys: []Key{{"list[].name", "a", "its name"}, {"list[].url", "http://a", ""}}},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i].Name != want[i].Name || got[i].Text != want[i].Text || got[i].List != want[i].List || !slices.Equal(got[i].Keys, want[i].Keys) {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
	if v := want[1].Variable(want[1].Keys[0]); v != "ENTREE_PART_PLAIN" {
		t.Error(v)
	}
	if v := want[2].Variable(want[2].Keys[0]); v != "" {
		t.Error(v)
	}
}
