package outside

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"entree/deploy"
	"entree/internal/devenv/child"
	"entree/internal/devenv/scripted"
)

// Build builds the program into a folder, with the release's build tags and the
// given ones.
func Build(dir string, tags ...string) (program string, err error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "entree").Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", err)
	}
	program = filepath.Join(dir, "entree")
	build := exec.Command("go", "build", "-tags", strings.Join(append(tags, "nomsgpack"), ","), "-o", program, "./cmd/entree")
	build.Dir = strings.TrimSpace(string(root))
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, said)
	}
	return program, nil
}

// Config is the configuration that the instances of one portal share.
type Config struct {
	Dir      string // folder of the configuration file and the charters
	Database string
	BaseURL  string
	Keycloak string // empty: none
	Realm    string
	SMTP     string   // host:port
	Trusted  []string // addresses of trusted proxies
	Secret   string   // the portal's own key
	Client   string   // secret of the client entree-portal
	Choice   string   // credential of the profile etudiant; empty: password
	WiFi     bool     // password_elsewhere of the profile etudiant
	Factors  string   // second factors of the profile etudiant; empty: none
	Offers   string   // second factors of the profile personnel; empty: none
	More     string   // further lines of the configuration file
}

var configFile = template.Must(template.New("").Funcs(template.FuncMap{
	"host": func(at string) string { host, _, _ := net.SplitHostPort(at); return host },
	"port": func(at string) string { _, port, _ := net.SplitHostPort(at); return port },
}).Parse(`database: "{{.Database}}"
institution: {name: Université d'Orléans, scope: univ-orleans.example, help_email: assistance@univ-orleans.example}
portal:
  base_url: "{{.BaseURL}}"
  trusted_proxies: [{{range .Trusted}}"{{.}}",{{end}}]
{{if .Keycloak}}keycloak: {url: "{{.Keycloak}}", realm: "{{.Realm}}", timeout: 5s}
sso: {client_secret: ent}
{{end}}smtp: {host: "{{host .SMTP}}", port: {{port .SMTP}}, tls: none, from: ne-pas-repondre@univ-orleans.example, timeout: 5s}
profiles:
  - {key: etudiant, name: {fr: Étudiant, en: Student}, login: "o{number}", address: "{first}.{last}@etu.univ-orleans.example", groups: [/etudiants], affiliation: student, affiliations: [student, member]{{with .Choice}}, credential: {{.}}{{end}}{{if .WiFi}}, password_elsewhere: true{{end}}{{with .Factors}}, factors: {{.}}{{end}}}
  - {key: personnel, name: {fr: Personnel, en: Staff}, proof: birth_date, login: "{f}{last}", address: "{first}.{last}@univ-orleans.example", groups: [/personnels], affiliation: employee, affiliations: [employee, member]{{with .Offers}}, factors: {{.}}{{end}}}
charters:
  - {version: 2026-09, title: {fr: Charte, en: Charter}, file: {fr: charte.fr.md, en: charte.en.md}}
{{.More}}
`))

// Write writes the configuration file and returns its path.
func (c Config) Write() (string, error) {
	for _, lang := range []string{"fr", "en"} {
		text, err := deploy.FS.ReadFile("charter/charte-2026." + lang + ".md")
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(c.Dir, "charte."+lang+".md"), text, 0o644); err != nil {
			return "", err
		}
	}
	var out bytes.Buffer
	if err := configFile.Execute(&out, c); err != nil {
		return "", err
	}
	path := filepath.Join(c.Dir, "entree.yaml")
	return path, os.WriteFile(path, out.Bytes(), 0o600)
}

func (c Config) environ() []string {
	if c.Keycloak == "" {
		return append(os.Environ(), "ENTREE_SECRET="+c.Secret)
	}
	return append(os.Environ(), "ENTREE_SECRET="+c.Secret, "ENTREE_KEYCLOAK_CLIENT_SECRET="+c.Client)
}

// Import enrols people with the command `entree import`.
func (c Config) Import(program string, people []scripted.Person) error {
	var csv strings.Builder
	csv.WriteString("numero;prenom;nom;profil;mail;naissance\n")
	for _, p := range people {
		fmt.Fprintf(&csv, "%s;%s;%s;%s;%s;%s\n", p.Number, p.GivenName, p.FamilyName, p.Profile, p.Email, p.BirthDate)
	}
	file := filepath.Join(c.Dir, "people.csv")
	if err := os.WriteFile(file, []byte(csv.String()), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(program, "import", "--config", filepath.Join(c.Dir, "entree.yaml"), file)
	cmd.Env = c.environ()
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w\n%s", err, said)
	}
	return nil
}

// Instance is one `entree serve`, which can be restarted at the same address.
type Instance struct {
	Program string
	Config  Config
	Listen  string // host:port
	Log     string // path of the log; each start appends its number
	Env     []string

	*child.Child
	starts int
}

// Start starts the program and does not wait until it answers.
func (i *Instance) Start() error {
	i.starts++
	cmd := exec.Command(i.Program, "serve", "--config", filepath.Join(i.Config.Dir, "entree.yaml"))
	cmd.Env = append(append(i.Config.environ(), "ENTREE_PORTAL_LISTEN="+i.Listen), i.Env...)
	var err error
	i.Child, err = child.Start(child.Program{Name: "the portal", Cmd: cmd, Log: fmt.Sprintf("%s.%d", i.Log, i.starts)})
	return err
}

// Answers waits until the instance answers.
func (i *Instance) Answers(ctx context.Context) error {
	return i.Ready(ctx, child.Answers("http://"+i.Listen+"/healthz"))
}

// FreeAddress returns an address of loopback on which no process listens.
func FreeAddress() (string, error) {
	port, err := child.FreePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}
