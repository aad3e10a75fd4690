package rules

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// forbidden matches the packages that must not be linked into the product.
var forbidden = regexp.MustCompile(`^(testing|testing/.*|net/http/httptest|runtime/coverage|github\.com/Shopify/toxiproxy.*|github\.com/chromedp/.*|github\.com/anishathalye/.*|github\.com/PuerkitoBio/.*|pgregory\.net/rapid|` +
	`entree/internal/devenv/(bench|demotest|localpostgres|outside|scripted)|entree/.*(test|fake))$`)

// platforms are the systems and processors that the product is built for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "freebsd/amd64", "freebsd/arm64", "windows/amd64", "windows/arm64"}

// The Makefile compiles for the platforms of this file.
func TestTheMakefileHasThePlatforms(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if want := "\nPLATFORMS = " + strings.Join(platforms, " ") + "\n"; !strings.Contains(string(makefile), want) {
		t.Errorf("the Makefile lacks the line %q", want)
	}
}

// go list loads the files that each platform's build constraints select and
// fails if a package has none. `make cross` compiles them.
func TestTheProductCarriesNoTestsOnAnyPlatform(t *testing.T) {
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			system, processor, _ := strings.Cut(platform, "/")
			cmd := exec.Command("go", "list", "-deps", "./cmd/entree")
			cmd.Dir = "../.."
			cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			linked := strings.Fields(string(out))
			if len(linked) < 200 {
				t.Fatalf("go list found %d packages", len(linked))
			}
			for _, p := range linked {
				if forbidden.MatchString(p) {
					t.Errorf("%s is linked into the product", p)
				}
			}
		})
	}
}
