package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
)

// installed follows docs/install.md on a fresh Debian with a running systemd: the
// commands are those of the page. The machine gets the files of the release and
// the university's people, and nothing of the source tree.
func (w *world) installed(ctx context.Context) error {
	root := os.Getenv("RELEASE_ROOT")
	if root == "" {
		root = filepath.Join(w.work, "root")
	}
	m, err := newMachine(ctx, root, filepath.Join(w.work, "machine.log"))
	if err != nil {
		return err
	}
	defer m.stop()
	begun := time.Now()
	srv, config := filepath.Join(root, "srv"), filepath.Join(root, "etc/entree/entree.yaml")
	deb := "entree_0.1.0_" + runtime.GOARCH + ".deb"
	for _, name := range []string{deb, "SHA256SUMS"} {
		if err := copyFile(filepath.Join(w.dist, name), filepath.Join(srv, name)); err != nil {
			return err
		}
	}
	p := person("67000001", "ines.paquet@example.org")
	if err := os.WriteFile(filepath.Join(srv, "people.csv"), people(p), 0o644); err != nil { //nolint:gosec // people of the test
		return err
	}
	if err := w.realm(ctx, "paquet"); err != nil {
		return err
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		return err
	}
	script, edited, err := w.debScript(deb)
	if err != nil {
		return err
	}
	if err := m.run(ctx, "apt-get update\n"+script); err != nil {
		return err
	}
	sample, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	text, err := w.configured(sample, "http://"+listen, "paquet")
	if err != nil {
		return err
	}
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil { //nolint:gosec // holds no secret
		return err
	}
	if err := m.run(ctx, edited); err != nil {
		return errors.Join(err, m.run(ctx, "journalctl --no-pager --unit=entree; exit 1"))
	}
	fmt.Printf("the service runs %s after the first command of the page\n", time.Since(begun).Round(time.Second))
	s, err := w.activate(ctx, p, "http://"+listen)
	if err != nil {
		return err
	}
	return m.afterwards(ctx, s)
}

// debScript returns the commands of the page before and after the configuration is
// edited.
func (w *world) debScript(deb string) (before, after string, err error) {
	var blocks []string
	for _, s := range []struct {
		heading string
		blocks  int
	}{{"1. The package", 1}, {"2. The configuration", 2}, {"3. The realm", 1}, {"4. The people", 1}, {"5. The service", 1}} {
		commands, err := w.page.commands(s.heading, s.blocks)
		if err != nil {
			return "", "", err
		}
		blocks = append(blocks, commands...)
	}
	before, err = adapted(blocks[0], [2]string{"entree_0.1.0_amd64.deb", deb})
	if err != nil {
		return "", "", err
	}
	after, err = adapted(strings.Join(blocks[2:], ""), [2]string{"PASSWORD=PASSWORD", "PASSWORD=" + w.admin})
	return before + blocks[1], after, err
}

// afterwards restarts the service, starts the unit for several instances, looks
// for secrets in the journal and removes the package.
func (m *machine) afterwards(ctx context.Context, s *scripted.Student) error {
	if err := m.run(ctx, `
		systemctl restart entree
		entree healthcheck --ready --config /etc/entree/entree.yaml
		test "$(stat --format=%U "/proc/$(systemctl show --property=MainPID --value entree)")" = entree
		test -s /usr/share/man/man8/entree.8.gz
		test -s /usr/share/bash-completion/completions/entree
		systemctl disable --now entree
		systemctl start entree@18099
		ENTREE_PORTAL_LISTEN=127.0.0.1:18099 entree healthcheck --config /etc/entree/entree.yaml
		systemctl stop entree@18099`); err != nil {
		return errors.Join(err, m.run(ctx, "journalctl --no-pager --unit='entree*'; exit 1"))
	}
	journal, err := m.command(ctx, "journalctl --no-pager --output=cat").Output()
	if err != nil {
		return err
	}
	secrets, err := m.command(ctx, "cat /etc/entree/secrets/*").Output()
	if err != nil {
		return err
	}
	for _, private := range append(strings.Fields(string(secrets)), s.Password, s.Email) {
		if strings.Contains(string(journal), private) {
			return errors.New("the journal holds a secret, a password or an address")
		}
	}
	return m.run(ctx, `
		apt remove entree
		test ! -e /usr/bin/entree
		test -s /var/lib/entree/entree.db
		test -s /etc/entree/secrets/secret`)
}
