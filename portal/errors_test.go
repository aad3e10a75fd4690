package portal_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"entree/portal/web"
	"entree/templates"
)

// Each field that a handler names for an error has its message in a template, next to
// an element with that id.
func TestU1_EveryFieldErrorHasItsField(t *testing.T) {
	var pages strings.Builder
	names, err := fs.Glob(templates.FS, "*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(templates.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(text)
	}
	fields := map[string]bool{}
	for file, pattern := range map[string]string{
		"refusal.go": `domain\.Reason\w+:\s+"([a-z-]+)",`, "verify.go": `field :?= "([a-z-]+)"`, "code.go": `v\.show\("code", page, r, "([a-z-]+)"\)`,
		"password.go": `v\.show\("password", page, r, "([a-z-]+)"\)`, "request.go": `p\.answer\(c, "request", view\.With\(page\), r, "([a-z-]+)"\)`,
	} {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(string(code), -1)
		if len(found) == 0 {
			t.Errorf("%s names no field", file)
		}
		for _, m := range found {
			fields[m[1]] = true
		}
	}
	for field := range fields {
		if !strings.Contains(pages.String(), `.ErrorAt "`+field+`"`) || !strings.Contains(pages.String(), `id="`+field+`"`) {
			t.Errorf("no template shows the error of the field %q", field)
		}
	}
}

func TestU16_ATelephoneNumberCanBeDialled(t *testing.T) {
	if got := (web.Institution{HelpPhone: "+33 (0)2 38 41\u00a071 71"}).Dial(); got != "+33238417171" {
		t.Errorf("tel:%s", got)
	}
}
