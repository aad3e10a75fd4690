// Command release builds a release twice, compares the bytes, installs the deb on
// a fresh Debian with a running systemd and starts the image in podman, and lets a
// student activate an account and open the ENT through each, on the Keycloak and
// the mailbox of a running demo. It also installs the rpm by rpm, and starts the
// program for the other processor by QEMU.
//
//	git clone ──┬── scripts/release.sh ── dist ──┬── deb, systemd ───── a student
//	            └── scripts/release.sh ── same?  ├── image in podman ── a student
//	                                             ├── rpm ────────────── config check
//	                                             └── QEMU ───────────── config check
//
// The commands of the installation are read from docs/install.md. Deb and image run
// without the source tree.
//
//	make release-test
//
// RELEASE_DIST names a folder of files that are built already, RELEASE_ROOT a
// fresh Debian root that exists.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/realm"
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
	guide, err := os.ReadFile("../docs/install.md")
	if err != nil {
		return err
	}
	w := &world{work: work, dist: dist, keycloak: d.Keycloak, admin: strings.TrimSpace(string(password)), page: parsePage(string(guide))}
	if err := verified(ctx, dist, filepath.Join(work, "key.pub")); err != nil {
		return err
	}
	if w.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"}); err != nil {
		return err
	}
	defer w.box.Close()
	if err := w.installed(ctx); err != nil {
		return fmt.Errorf("the deb: %w", err)
	}
	if err := w.unpacked(ctx); err != nil {
		return fmt.Errorf("the rpm: %w", err)
	}
	if err := w.emulated(ctx); err != nil {
		return fmt.Errorf("the other processor: %w", err)
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
	key := filepath.Join(work, "key")
	if err := tell(exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)); err != nil {
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
		cmd.Env = append(os.Environ(), "ARCHES=amd64 arm64", "VERSION=v0.1.0", "GOWORK=off", "SIGNING_KEY="+key)
		if i > 0 {
			cmd.Env = append(cmd.Env, "ARCHES="+runtime.GOARCH, "WITHOUT_IMAGES=1")
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
		if strings.HasPrefix(name, "SHA256SUMS") { // the list of the second build has no images
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

// verified checks the signature and the checksums of a release as docs/releases.md
// says. A release that was built before the test may be signed by another key.
func verified(ctx context.Context, dist, public string) error {
	if key, err := os.ReadFile(public); err == nil {
		signers := public + ".allowed"
		if err := os.WriteFile(signers, append([]byte("release@entree "), key...), 0o600); err != nil {
			return err
		}
		sums, err := os.Open(filepath.Join(dist, "SHA256SUMS"))
		if err != nil {
			return err
		}
		defer sums.Close()
		cmd := exec.CommandContext(ctx, "ssh-keygen", "-Y", "verify", "-f", signers, "-I", "release@entree", "-n", "entree-release", "-s", filepath.Join(dist, "SHA256SUMS.sig"))
		cmd.Stdin = sums
		if err := tell(cmd); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "sha256sum", "--check", "--quiet", "SHA256SUMS")
	cmd.Dir = dist
	return tell(cmd)
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
	page            page
}

// realm creates a realm, as a university has one before the portal comes. As
// docs/install.md asks, its people may not edit their address and names.
func (w *world) realm(ctx context.Context, name string) error {
	r := realm.New(w.keycloak, name, "admin", secret.New(w.admin))
	if _, err := r.Call(ctx, http.MethodPost, "", map[string]any{"realm": name, "enabled": true}, nil); err != nil {
		return err
	}
	var profile map[string]any
	if _, err := r.Call(ctx, http.MethodGet, r.At("users", "profile"), nil, &profile); err != nil {
		return err
	}
	attributes, _ := profile["attributes"].([]any)
	for _, a := range attributes {
		if attribute, ok := a.(map[string]any); ok {
			attribute["permissions"] = map[string]any{"view": []string{"admin", "user"}, "edit": []string{"admin"}}
		}
	}
	_, err := r.Call(ctx, http.MethodPut, r.At("users", "profile"), profile, nil)
	return err
}

// configured returns the sample configuration as an administrator edits it.
func (w *world) configured(sample []byte, base, realm string) (string, error) {
	host, port, err := net.SplitHostPort(w.box.SMTPAddr())
	if err != nil {
		return "", err
	}
	return adapted(string(sample),
		[2]string{"base_url: https://mon-compte.univ-orleans.example", "base_url: " + base},
		[2]string{"listen: 127.0.0.1:8080", "listen: " + strings.TrimPrefix(base, "http://")},
		[2]string{"url: https://sso.univ-orleans.example", "url: " + w.keycloak},
		[2]string{"realm: universite", "realm: " + realm},
		[2]string{"host: smtp.univ-orleans.example", "host: " + host},
		[2]string{"port: 587", "port: " + port},
		[2]string{"tls: mandatory ", "tls: none "},
	)
}

// activate lets one student activate an account through a portal and open the ENT
// with it.
func (w *world) activate(ctx context.Context, p scripted.Person, portal string) (*scripted.Student, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	s := scripted.NewStudent(p, portal, w.box, nil)
	if err := s.Go(ctx); err != nil {
		return nil, err
	}
	if s.Outcome != scripted.Success {
		return nil, fmt.Errorf("the activation ended with %q at %s", s.Outcome, s.Where())
	}
	if err := s.OpenENT(ctx); err != nil {
		return nil, err
	}
	fmt.Printf("%s activated the account %s and is in the ENT\n", p.Email, s.Shown)
	return s, nil
}

func person(number, email string) scripted.Person {
	return scripted.Person{Number: number, GivenName: "Inès", FamilyName: "Carpentier", Profile: "etudiant", BirthDate: "2006-02-03", Email: email}
}

func people(p scripted.Person) []byte {
	return fmt.Appendf(nil, "numero;prenom;nom;profil;mail;naissance\n%s;%s;%s;%s;%s;%s\n", p.Number, p.GivenName, p.FamilyName, p.Profile, p.Email, p.BirthDate)
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
