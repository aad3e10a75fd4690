package rules_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// T15: the sample for nginx passes the largest file that the console accepts, and no
// larger form elsewhere.
func TestT15_TheSampleForNginxPassesTheLargestImport(t *testing.T) {
	read := func(name string) string {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	number := func(text, expression string) int {
		t.Helper()
		m := regexp.MustCompile(expression).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("nothing matches %s", expression)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	most := number(read("../../portal/admin/imports.go"), `maxUpload = (\d+) << 20`)
	conf := read("../../deploy/nginx/entree.conf")
	elsewhere, upload, found := strings.Cut(conf, "location = /admin/imports {")
	if !found {
		t.Fatal("the sample has no place for uploads")
	}
	if n := number(upload, `client_max_body_size (\d+)m`); n <= most {
		t.Errorf("nginx passes %d MB, the console accepts files of %d MiB and the form around them", n, most)
	}
	if n := number(elsewhere, `client_max_body_size (\d+)k`); n > 64 {
		t.Errorf("nginx passes forms of %d KB", n)
	}
}
