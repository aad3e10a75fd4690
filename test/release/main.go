// Command release builds a release twice, compares the bytes, installs the deb in
// a fresh Debian root and the image in podman, and lets a student activate an
// account through each, on the Keycloak and the mailbox of a running demo.
//
//	git clone ──┬── scripts/release.sh ── dist ──┬── deb in a fresh root ── a student
//	            └── scripts/release.sh ── same?  └── image in podman ────── a student
//
// The deb runs without the source tree; the image gets the sample configuration
// and charters from it.
//
//	make release-test
//
// RELEASE_DIST names a folder of files that are built already, RELEASE_ROOT a
// fresh Debian root that exists.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"entree/internal/devenv/child"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/secret"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// demo is the part of demo.json that is needed.
type demo struct {
	Keycloak string
	Realm    string
}

func run(ctx context.Context) error {
	home := os.Getenv("ENTREE_TEST_DEMO")
	if home == "" {
		return errors.New("ENTREE_TEST_DEMO names no running demo: use make release-test")
	}
	var d demo
	raw, err := os.ReadFile(filepath.Join(home, "demo.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	password, err := os.ReadFile(filepath.Join(home, "keycloak", "admin-password"))
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "entree-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	dist := os.Getenv("RELEASE_DIST")
	if dist == "" {
		if dist, err = buildTwice(ctx, work); err != nil {
			return err
		}
	}
	w := &world{work: work, dist: dist, keycloak: d.Keycloak, admin: strings.TrimSpace(string(password))}
	if w.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"}); err != nil {
		return err
	}
	defer w.box.Close()
	if err := w.installed(ctx); err != nil {
		return fmt.Errorf("the deb: %w", err)
	}
	if os.Getenv("WITHOUT_IMAGES") != "" {
		return nil
	}
	if err := w.contained(ctx); err != nil {
		return fmt.Errorf("the image: %w", err)
	}
	return nil
}

// buildTwice builds the release of this commit in two clones and compares the
// bytes. It returns the folder of the first build.
func buildTwice(ctx context.Context, work string) (dist string, err error) {
	root, err := exec.CommandContext(ctx, "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return "", err
	}
	sums := [2]map[string]string{}
	for i, name := range []string{"first", "second/deeper"} {
		clone := filepath.Join(work, name)
		if err := tell(exec.CommandContext(ctx, "git", "clone", "--quiet", "--no-local", strings.TrimSpace(string(root)), clone)); err != nil {
			return "", err
		}
		begun := time.Now()
		cmd := exec.CommandContext(ctx, "./scripts/release.sh")
		cmd.Dir = clone
		cmd.Env = append(os.Environ(), "ARCHES="+runtime.GOARCH, "VERSION=v0.1.0", "GOWORK=off")
		if i > 0 {
			cmd.Env = append(cmd.Env, "WITHOUT_IMAGES=1")
		}
		if err := tell(cmd); err != nil {
			return "", err
		}
		fmt.Printf("built in %s\n", time.Since(begun).Round(time.Second))
		if sums[i], err = hashes(filepath.Join(clone, "dist")); err != nil {
			return "", err
		}
	}
	compared := 0
	for name, sum := range sums[1] {
		if strings.HasSuffix(name, "SHA256SUMS") {
			continue
		}
		if sums[0][name] != sum {
			err = errors.Join(err, fmt.Errorf("%s differs between two builds", name))
		}
		fmt.Printf("same bytes: %s %s\n", sum[:16], name)
		compared++
	}
	if compared < 4 {
		err = errors.Join(err, fmt.Errorf("only %d files were compared", compared))
	}
	return filepath.Join(work, "first", "dist"), err
}

func hashes(dir string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	out := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		out[filepath.Base(file)] = fmt.Sprintf("%x", sha256.Sum256(raw))
	}
	return out, err
}

// tell runs a command and returns its output in the error.
func tell(cmd *exec.Cmd) error {
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said)
	}
	return nil
}

type world struct {
	work, dist      string
	keycloak, admin string
	box             *mailbox.Mailbox
}

// prepare writes the configuration and the secrets of an installation, as an
// administrator edits the sample.
func (w *world) prepare(sample []byte, etc, base, realm string) error {
	smtp := strings.SplitN(w.box.SMTPAddr(), ":", 2)
	text := string(sample)
	for _, edit := range [][2]string{
		{"base_url: https://mon-compte.univ-orleans.example", "base_url: " + base},
		{"listen: 127.0.0.1:8080", "listen: " + strings.TrimPrefix(base, "http://")},
		{"url: https://sso.univ-orleans.example", "url: " + w.keycloak},
		{"realm: universite", "realm: " + realm},
		{"host: smtp.univ-orleans.example", "host: " + smtp[0]},
		{"port: 587", "port: " + smtp[1]},
		{"tls: mandatory ", "tls: none "},
	} {
		if !strings.Contains(text, edit[0]) {
			return fmt.Errorf("the configuration has no %q", edit[0])
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	if err := os.WriteFile(filepath.Join(etc, "entree.yaml"), []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(etc, "secrets"), 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{"secret": secret.GenerateKey().Reveal(), "keycloak_client_secret": secret.GenerateKey().Reveal(), "sso_client_secret": secret.GenerateKey().Reveal()} {
		if err := os.WriteFile(filepath.Join(etc, "secrets", name), []byte(value), 0o644); err != nil { // of this test only
			return err
		}
	}
	return nil
}

// activate lets one student activate an account through a portal.
func (w *world) activate(ctx context.Context, p scripted.Person, portal string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	s := scripted.NewStudent(p, portal, w.box, nil)
	if err := s.Go(ctx); err != nil {
		return err
	}
	if s.Outcome != scripted.Success {
		return fmt.Errorf("the activation ended with %q at %s", s.Outcome, s.Where())
	}
	fmt.Printf("%s activated the account %s\n", p.Email, s.Shown)
	return nil
}

func person(number, email string) scripted.Person {
	return scripted.Person{Number: number, GivenName: "Inès", FamilyName: "Carpentier", Profile: "etudiant", BirthDate: "2006-02-03", Email: email}
}

func people(p scripted.Person) []byte {
	return fmt.Appendf(nil, "numero;prenom;nom;profil;mail;naissance\n%s;%s;%s;%s;%s;%s\n", p.Number, p.GivenName, p.FamilyName, p.Profile, p.Email, p.BirthDate)
}

// installed installs the deb in a fresh Debian root and runs the page
// docs/install.md there, as the user of the unit.
func (w *world) installed(ctx context.Context) (err error) {
	root := os.Getenv("RELEASE_ROOT")
	if root == "" {
		root = filepath.Join(w.work, "root")
		begun := time.Now()
		if err := tell(exec.CommandContext(ctx, "mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", "bookworm", root)); err != nil {
			return err
		}
		fmt.Printf("a fresh Debian root in %s\n", time.Since(begun).Round(time.Second))
	}
	debs, err := filepath.Glob(filepath.Join(w.dist, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("found %v, %w", debs, err)
	}
	if err := copyFile(debs[0], filepath.Join(root, "entree.deb")); err != nil {
		return err
	}
	in := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "chroot", append([]string{root}, args...)...)
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "ENTREE_REALM_ADMIN_PASSWORD=" + w.admin, "ENTREE_SECRETS_DIR=/etc/entree/secrets"}
		return tell(cmd)
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		return err
	}
	for _, step := range [][]string{
		{"dpkg", "-i", "/entree.deb"},
		{"entree", "config", "check", "--template", "--config", "/etc/entree/entree.yaml"},
		{"test", "-s", "/usr/share/man/man8/entree.8.gz"},
		{"test", "-s", "/usr/share/bash-completion/completions/entree"},
		{"id", "entree"},
	} {
		if err := in(step...); err != nil {
			return err
		}
	}
	etc := filepath.Join(root, "etc/entree")
	sample, err := os.ReadFile(filepath.Join(etc, "entree.yaml"))
	if err != nil {
		return err
	}
	if err := w.prepare(sample, etc, "http://"+listen, "paquet"); err != nil {
		return err
	}
	p := person("67000001", "ines.paquet@example.org")
	if err := os.WriteFile(filepath.Join(root, "people.csv"), people(p), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(etc, "secrets"), 0o755); err != nil { //nolint:gosec // credentials need systemd; without it the portal's user reads them here
		return err
	}
	const config = "/etc/entree/entree.yaml"
	for _, step := range [][]string{
		{"entree", "realm", "apply", "--create-realm", "--config", config},
		{"entree", "config", "check", "--connect", "--config", config},
		{"setpriv", "--reuid=entree", "--regid=entree", "--clear-groups", "entree", "import", "--config", config, "/people.csv"},
	} {
		if err := in(step...); err != nil {
			return err
		}
	}
	cmd := exec.Command("chroot", root, "setpriv", "--reuid=entree", "--regid=entree", "--clear-groups", "entree", "serve", "--config", config)
	cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "ENTREE_SECRETS_DIR=/etc/entree/secrets"}
	server, err := child.Start(child.Program{Name: "the portal", Cmd: cmd, Log: filepath.Join(w.work, "installed.log")})
	if err != nil {
		return err
	}
	defer server.Stop()
	if err := server.Ready(ctx, child.Answers("http://"+listen+"/healthz")); err != nil {
		return err
	}
	if err := in("entree", "healthcheck", "--ready", "--config", config); err != nil {
		return err
	}
	if err := w.activate(ctx, p, "http://"+listen); err != nil {
		return err
	}
	server.Stop()
	return in("dpkg", "-r", "entree")
}

// contained runs the image read-only and without root.
func (w *world) contained(ctx context.Context) error {
	images, err := filepath.Glob(filepath.Join(w.dist, "*.oci.tar"))
	if err != nil || len(images) != 1 {
		return fmt.Errorf("found %v, %w", images, err)
	}
	if err := tell(exec.CommandContext(ctx, "podman", "load", "--quiet", "--input", images[0])); err != nil {
		return err
	}
	etc, data := filepath.Join(w.work, "image-etc"), filepath.Join(w.work, "image-data")
	for _, dir := range []string{etc, data} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.Chown(data, 65532, 65532); err != nil {
		return err
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		return err
	}
	packaged, err := filepath.Abs("../deploy") // the chart and the compose file ask for the same files
	if err != nil {
		return err
	}
	sample, err := os.ReadFile(filepath.Join(packaged, "entree.sample.yaml"))
	if err != nil {
		return err
	}
	sample = bytes.Replace(sample, []byte("database: sqlite:entree.db"), []byte("database: sqlite:/var/lib/entree/entree.db"), 1)
	sample = bytes.Replace(sample, []byte("  folder: imports  "), []byte("  folder: /var/lib/entree/imports  "), 1)
	if err := os.CopyFS(filepath.Join(etc, "charter"), os.DirFS(filepath.Join(packaged, "charter"))); err != nil {
		return err
	}
	if err := w.prepare(sample, etc, "http://"+listen, "image"); err != nil {
		return err
	}
	p := person("67000002", "ines.image@example.org")
	if err := os.WriteFile(filepath.Join(etc, "people.csv"), people(p), 0o644); err != nil {
		return err
	}
	name := "entree-release-test"
	podman := func(extra []string, args ...string) *exec.Cmd {
		base := []string{"run", "--rm", "--network", "host", "--read-only", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=1000:1000",
			"-v", etc + ":/etc/entree:ro", "-v", filepath.Join(etc, "secrets") + ":/run/secrets:ro", "-v", data + ":/var/lib/entree"}
		if _, err := exec.LookPath("runc"); err == nil {
			base = append([]string{"--runtime", "runc"}, base...)
		}
		return exec.CommandContext(ctx, "podman", append(append(append(base, extra...), "localhost/entree:0.1.0"), args...)...)
	}
	const config = "/etc/entree/entree.yaml"
	for _, step := range []*exec.Cmd{
		podman([]string{"-e", "ENTREE_REALM_ADMIN_PASSWORD=" + w.admin}, "realm", "apply", "--create-realm", "--config", config),
		podman(nil, "config", "check", "--connect", "--config", config),
		podman(nil, "import", "--config", config, "/etc/entree/people.csv"),
	} {
		if err := tell(step); err != nil {
			return err
		}
	}
	server, err := child.Start(child.Program{Name: "the container", Cmd: podman([]string{"--name", name}), Log: filepath.Join(w.work, "image.log")})
	if err != nil {
		return err
	}
	defer func() {
		_ = exec.Command("podman", "stop", "--time", "20", name).Run() // --rm removes it
		server.Stop()
	}()
	if err := server.Ready(ctx, child.Answers("http://"+listen+"/healthz")); err != nil {
		return err
	}
	if err := tell(exec.CommandContext(ctx, "podman", "exec", name, "/usr/bin/entree", "healthcheck", "--config", config)); err != nil {
		return err
	}
	return w.activate(ctx, p, "http://"+listen)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
