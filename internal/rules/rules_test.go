// Package rules holds the project to its own layout: which package may import
// which, with the reason beside each rule.
package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rule says who may import what.
type rule struct {
	what   *regexp.Regexp // an import
	only   []string       // packages of ours that may, with what is under them
	reason string
}

var rules = []rule{
	{regexp.MustCompile(`^github\.com/(gin-gonic|gorilla)/`), []string{"portal"}, "the web framework stays in the web"},
	{regexp.MustCompile(`^github\.com/Nerzal/gocloak`), []string{"keycloak"}, "a client of 328 methods is seen in one place"},
	{regexp.MustCompile(`^(database/sql|github\.com/jackc/|modernc\.org/sqlite|github\.com/pressly/goose)`), []string{"store"}, "SQL stands in one place"},
	{regexp.MustCompile(`^github\.com/wneessen/go-mail`), []string{"mail"}, "SMTP stands in one place"},
	{regexp.MustCompile(`^github\.com/emersion/go-imap`), []string{"mail/bounce"}, "IMAP stands in one place"},
	{regexp.MustCompile(`^(github\.com/coreos/go-oidc)`), []string{"sso"}, "OIDC stands in one place"},
	{regexp.MustCompile(`^github\.com/go-ldap/`), []string{"directory", "ldapconn", "registry/directory"}, "LDAP stands in the connection, the import and the accounts"},
	{regexp.MustCompile(`^github\.com/(go-webauthn|fxamacker)/`), []string{"passkey", "passkey/passkeytest"}, "WebAuthn stands in one place"},
	{regexp.MustCompile(`^go\.opentelemetry\.io/`), []string{"tracing"}, "what a span may hold is decided in one place"},
	{regexp.MustCompile(`^(codeberg\.org/go-pdf/|rsc\.io/qr|golang\.org/x/image)`), []string{"handout"}, "PDF stands in one place"},
	{regexp.MustCompile(`^math/rand`), []string{"devenv/bench"}, "codes, ids and passwords come from crypto/rand; a simulated day must be repeatable, nothing else needs randomness"},
	{regexp.MustCompile(`^net/smtp$`), nil, "it knows no time limits"},
	{regexp.MustCompile(`^testing$`), []string{"devenv/demotest", "accountstest", "sso/castest", "sms/smstest", "sso/ssotest", "store/litetest"}, "the program carries no tests"},
}

// knows says which packages of ours a package may import; the first that fits
// counts.
var knows = []struct {
	pkg    string
	may    []string
	reason string
}{
	{"secret", nil, "a leaf"},
	{"clean", nil, "a leaf of the domain: what a clean value is"},
	{"password", []string{"clean", "secret"}, "a leaf of the domain"},
	{"naming", nil, "a leaf of the domain"},
	{"audit", nil, "a leaf: what an entry is and how entries are chained"},
	{"domain", []string{"audit", "clean", "password", "secret"}, "types without technology; it knows none of its users"},
	{"passkey", []string{"domain"}, "it writes and checks what a browser exchanges, and does no I/O"},
	{"activation", []string{"clean", "domain", "naming", "passkey", "password", "secret"}, "the domain knows no technology"},
	{"helpdesk", []string{"activation", "audit", "clean", "domain", "naming", "secret"}, "the domain knows no technology"},
	{"matching", []string{"audit", "domain", "naming"}, "the domain knows no technology"},
	{"overview", []string{"audit", "domain"}, "what the console shows: types that the store fills"},
	{"charter", []string{"audit", "domain"}, "a part of the domain, over the way of a person"},
	{"campaign", []string{"audit", "domain"}, "a part of the domain, over the way of a person"},
	{"store", []string{"audit", "campaign", "charter", "domain", "helpdesk", "naming", "overview", "secret"}, "an adapter knows the domain, not its neighbours"},
	{"outage", nil, "a leaf: decides which failures are logged and reported"},
	{"jobs", []string{"domain", "outage"}, "an adapter knows the domain, not its neighbours"},
	{"devenv/child", nil, "a leaf"},
	{"devenv/hostile", nil, "an attacker knows addresses and nothing of the portal"},
	{"devenv/maven", []string{"devenv/child"}, "it fetches programs and knows nothing of what they do"},
	{"devenv/localkeycloak", []string{"devenv/child", "devenv/maven", "secret"}, "it runs a Keycloak and knows nothing of what is in it"},
	{"argon2", nil, "a leaf, of use to others as it is"},
	{"keycloak", []string{"argon2", "domain", "password", "secret"}, "an adapter knows the domain, not its neighbours"},
	{"ldapconn", []string{"secret"}, "a leaf: how a directory is reached"},
	{"directory", []string{"domain", "ldapconn", "secret"}, "an adapter knows the domain, not its neighbours"},
	{"devenv/localldap", []string{"deploy", "devenv/child", "secret"}, "it runs a directory and knows nothing of who asks it"},
	{"mail/bounce", []string{"domain", "secret"}, "it reads reports and knows nothing of who writes or what follows"},
	{"mail/mailtest", []string{"domain"}, "samples are messages only"},
	{"devenv/mailbox", nil, "a mail server knows nothing of who writes"},
	{"mail", []string{"domain", "loopback", "outage", "secret", "templates/mail"}, "an adapter knows the domain, not its neighbours"},
	{"handout", nil, "a leaf: it prints what it is given"},
	{"sms", []string{"clean", "domain", "loopback", "outage", "secret", "templates/sms"}, "an adapter knows the domain, not its neighbours"},
	{"devenv/localsmsc", []string{"devenv/child"}, "it runs an SMSC and knows nothing of who submits"},
	{"devenv/localkratos", []string{"devenv/child"}, "it runs an Ory Kratos and knows nothing of who registers"},
	{"devenv/democonfig", []string{"config", "deploy", "secret"}, "files only: it starts nothing"},
	{"devenv/realm", []string{"secret"}, "it looks at Keycloak without the product's own client"},
	{"devenv/reference", nil, "it turns text into text; its test reads deploy"},
	{"devenv/demopeople", []string{"domain", "naming"}, "people of the demo"},
	{"spreadsheet", nil, "a leaf"},
	{"registry/charset", nil, "text in many encodings knows no people"},
	{"registry/sheet", nil, "rows of a spreadsheet know no people"},
	{"registry", []string{"clean", "domain", "registry/charset", "registry/sheet", "spreadsheet"}, "an adapter knows the domain, not its neighbours"},
	{"registry/intake", []string{"audit", "domain", "registry"}, "files on their way to the registry"},
	{"outcome", []string{"domain", "matching", "registry"}, "it prints what an import or a comparison found"},
	{"registry/directory", []string{"ldapconn", "registry"}, "one more kind of table"},
	{"breached", []string{"secret"}, "a look-up in a file"},
	{"devenv/localcas", []string{"deploy", "devenv/child", "devenv/maven", "secret"}, "it runs a CAS and knows nothing of who asks it"},
	{"sso", []string{"secret"}, "an adapter knows the domain, not its neighbours"},
	{"devenv/scripted", []string{"devenv/mailbox"}, "a student knows the pages and a mailbox, and nothing of the product behind them"},
	{"devenv/bench", []string{"argon2", "devenv/mailbox", "devenv/realm", "devenv/scripted", "secret"}, "it measures from outside, as a browser and an administrator, so that it cannot favour what it measures; the hash is for the limit"},
	{"colour", nil, "a leaf"},
	{"loopback", nil, "a leaf"},
	{"webhook", []string{"domain", "secret"}, "an adapter knows the domain, not its neighbours"},
	{"config", []string{"activation", "colour", "directory", "domain", "ldapconn", "loopback", "naming", "password", "secret", "sms", "webhook"}, "what an institution decides, in the domain's terms"},
	{"portal/i18n", []string{"domain"}, "words know languages"},
	{"portal/web", []string{"activation", "clean", "colour", "domain", "loopback", "outage", "secret"}, "what every page needs; forms clean free text"},
	{"portal/admin", []string{"audit", "campaign", "charter", "clean", "domain", "handout", "helpdesk", "matching", "overview", "portal/web", "registry", "registry/intake", "secret", "spreadsheet", "sso"}, "the console's pages know the services, the audit and the way in"},
	{"portal", []string{"activation", "domain", "loopback", "portal/admin", "portal/web", "secret", "sso"}, "pages know the service and the way into the SSO"},
	{"failpoint", nil, "a leaf, linked for crash tests only"},
	{"tracing", nil, "a leaf: spans know routes and kinds of jobs, and no person"},
	{"buildinfo", nil, "a leaf: what the binary says of itself"},
	{"templates", nil, "files"}, {"static", nil, "files"}, {"deploy", nil, "files"},
}

// domain lists what the domain may use beside the standard library.
var domain = regexp.MustCompile(`^(golang\.org/x/(text|net/idna)|github\.com/(mozillazg/go-unidecode|mtibben/confusables)|entree/)`)

// pkg is a package as `go list` tells of it.
type pkg struct {
	ImportPath, Name, Doc, Dir string
	Imports                    []string
	GoFiles                    []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,Imports,GoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

// broken returns every import that a rule forbids, with the reason.
func broken(all []pkg) []string {
	var out []string
	for _, p := range all {
		own := place(p.ImportPath)
		for _, i := range p.Imports {
			for _, r := range rules {
				if r.what.MatchString(i) && !under(own, r.only) {
					out = append(out, fmt.Sprintf("%s imports %s: %s", own, i, r.reason))
				}
			}
			if strings.HasPrefix(i, "entree/") {
				ours := place(i)
				for _, k := range knows {
					if own == k.pkg {
						if !slices.Contains(k.may, ours) {
							out = append(out, fmt.Sprintf("%s imports %s: %s", own, ours, k.reason))
						}
						break
					}
				}
			}
			if (own == "domain" || own == "activation" || own == "helpdesk" || own == "matching" || own == "campaign" || own == "charter" || own == "clean" || own == "naming" || own == "password") && strings.Contains(i, ".") && !domain.MatchString(i) {
				out = append(out, fmt.Sprintf("%s imports %s: the domain needs the standard library, golang.org/x/text and tables of Unicode", own, i))
			}
		}
	}
	return out
}

// place returns the path of a package of this module without the module and without
// "internal/", as the tables above write it.
func place(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, "entree/"), "internal/")
}

func under(own string, places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return own == p || strings.HasPrefix(own, p+"/") })
}

func TestWhoImportsWhom(t *testing.T) {
	for _, b := range broken(list(t)) {
		t.Error(b)
	}
}

// A rule that finds nothing where something is wrong is no rule.
func TestARuleThatIsBrokenIsFound(t *testing.T) {
	for name, p := range map[string]pkg{
		"gin in the domain":       {ImportPath: "entree/internal/activation", Imports: []string{"github.com/gin-gonic/gin"}},
		"SQL on a page":           {ImportPath: "entree/portal", Imports: []string{"database/sql"}},
		"a neighbour":             {ImportPath: "entree/internal/mail", Imports: []string{"entree/internal/store"}},
		"chance":                  {ImportPath: "entree/internal/activation", Imports: []string{"math/rand/v2"}},
		"a library in the domain": {ImportPath: "entree/internal/naming", Imports: []string{"example.org/x"}},
	} {
		if len(broken([]pkg{p})) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestEveryPackageTellsItsIdea(t *testing.T) {
	for _, p := range list(t) {
		if len(p.Doc) < 40 {
			t.Errorf("%s says nothing of itself", p.ImportPath)
		}
	}
}

// Each package of ours has a place in the table above, or is one that joins.
func TestEveryPackageHasItsPlace(t *testing.T) {
	joins := []string{"cmd/entree", "cmd/entree-dev", "app", "devenv/demo", "devenv/demotest", "devenv/outside", "rules", "accountstest", "keycloak/fake", "passkey/passkeytest", "sso/castest", "sso/ssotest", "store/litetest", "devenv/localpostgres", "sms/smstest", "templates/mail", "templates/sms"}
	for _, p := range list(t) {
		own := place(p.ImportPath)
		if slices.Contains(joins, own) {
			continue
		}
		found := false
		for _, k := range knows {
			found = found || k.pkg == own
		}
		if !found {
			t.Errorf("%s has no place: say in this file what it may know", own)
		}
	}
}

// files walks over what is ours and written by hand.
func files(t *testing.T, see func(path string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "dist", "node_modules"}, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		see(path, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsOneIdea(t *testing.T) {
	files(t, func(path string, text []byte) {
		if lines := bytes.Count(text, []byte("\n")); lines > 600 && slices.Contains([]string{".go", ".js", ".css"}, filepath.Ext(path)) && !strings.Contains(path, "testdata") {
			t.Errorf("%s has %d lines: more than one idea", path, lines)
		}
	})
}

func TestNoPathOfAMachineAndNothingLeftForLater(t *testing.T) {
	bad := regexp.MustCompile(`(?:/ro` + `ot/|/ho` + `me/[a-z]|C:\\Us` + `ers)|\b(?:TO` + `DO|FIX` + `ME)\b`)
	files(t, func(path string, text []byte) {
		if strings.Contains(path, "testdata") || filepath.Ext(path) == ".sum" {
			return
		}
		if at := bad.Find(text); at != nil {
			t.Errorf("%s holds %q", path, at)
		}
	})
}

// A test that skips itself proves nothing.
func TestNoTestSkips(t *testing.T) {
	files(t, func(path string, text []byte) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Skip") {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "t" {
					t.Errorf("%s skips a test", path)
				}
			}
			return true
		})
	})
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)|(?:src|srcset|href)="([^"#:]+)"`)

func TestLinksInTheDocumentsResolve(t *testing.T) {
	files(t, func(path string, text []byte) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			to := m[1] + m[2]
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), to)); err != nil {
				t.Errorf("%s points to %s, which is not there", path, to)
			}
		}
	})
}

func TestEveryDecisionIsInTheIndex(t *testing.T) {
	index, err := os.ReadFile("../../docs/adr/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob("../../docs/adr/[0-9]*.md")
	if err != nil || len(found) < 10 {
		t.Fatalf("%d decisions, %v", len(found), err)
	}
	for _, f := range found {
		if !strings.Contains(string(index), "("+filepath.Base(f)+")") {
			t.Errorf("%s is not in the index", f)
		}
	}
}

// The commands that the README tells are commands that there are.
func TestTheReadmesCommandsAreThere(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"go run ./cmd/entree demo", "make test"} {
		if !strings.Contains(string(readme), want) {
			t.Errorf("the README does not tell %q", want)
		}
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("make ([a-z-]+)").FindAllStringSubmatch(string(readme), -1) {
		if !strings.Contains(string(makefile), "\n"+m[1]+":") {
			t.Errorf("the README tells make %s, which is not there", m[1])
		}
	}
	help, err := exec.Command("go", "run", "../../cmd/entree", "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	for _, m := range regexp.MustCompile("`?entree ([a-z]+)").FindAllStringSubmatch(string(readme), -1) {
		if !strings.Contains(string(help), "\n  "+m[1]) {
			t.Errorf("the README tells entree %s, which is not there", m[1])
		}
	}
}
