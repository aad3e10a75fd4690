package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// unpacked installs the rpm into a small root of its own by rpm itself, with its
// scripts, upgrades it to the same version and removes it. The root is a Debian: what a
// Red Hat system adds, SELinux among it, is not tested.
func (w *world) unpacked(ctx context.Context) error {
	names, err := filepath.Glob(filepath.Join(w.dist, "entree-0.1.0-1."+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]+".rpm"))
	if err != nil || len(names) != 1 {
		return errors.Join(err, fmt.Errorf("%d packages: %q", len(names), names))
	}
	root := filepath.Join(w.work, "rpm-root")
	if err := tell(exec.CommandContext(ctx, "mmdebstrap", "--quiet", "--variant=essential", "--include=systemd", "--dpkgopt=force-unsafe-io", "bookworm", root)); err != nil {
		return err
	}
	rpm := func(arguments ...string) error {
		return tell(exec.CommandContext(ctx, "rpm", append([]string{"--root", root, "--nodeps"}, arguments...)...))
	}
	inside := func(script string) error {
		return tell(exec.CommandContext(ctx, "chroot", root, "sh", "-ec", script))
	}
	if err := tell(exec.CommandContext(ctx, "rpm", "--root", root, "--initdb")); err != nil {
		return err
	}
	if err := rpm("--install", names[0]); err != nil {
		return err
	}
	if err := inside(`
		entree version
		entree config check --template --config /etc/entree/entree.yaml
		test "$(stat --format='%a %U %G' /etc/entree/secrets)" = "2750 root entree"
		test "$(stat --format='%U %G' /var/lib/entree)" = "entree entree"
		test -s /usr/lib/systemd/system/entree.service -a -s /usr/share/man/man8/entree.8.gz
		systemd-analyze verify --man=no /usr/lib/systemd/system/entree.service
		echo kept > /etc/entree/secrets/secret
		echo '# an own line' >> /etc/entree/entree.yaml`); err != nil {
		return err
	}
	if err := rpm("--verify", "--nomtime", "--noconfig", "--nouser", "--nogroup", "--nomode", "entree"); err != nil {
		return err
	}
	if err := rpm("--upgrade", "--force", names[0]); err != nil {
		return err
	}
	if err := inside(`
		grep -q '# an own line' /etc/entree/entree.yaml
		test "$(stat --format='%a %U %G' /etc/entree/secrets)" = "2750 root entree"
		entree version`); err != nil {
		return fmt.Errorf("after the upgrade: %w", err)
	}
	if err := rpm("--erase", "entree"); err != nil {
		return err
	}
	if err := inside(`
		test ! -e /usr/bin/entree
		test ! -e /usr/lib/systemd/system/entree.service
		test -s /etc/entree/secrets/secret
		test -d /var/lib/entree`); err != nil {
		return fmt.Errorf("after the removal: %w", err)
	}
	fmt.Println("the rpm was installed, upgraded and removed")
	return nil
}

// emulated runs the program for the other processor by QEMU: it starts, and it accepts
// the configuration that it writes.
func (w *world) emulated(ctx context.Context) error {
	other, emulator := "arm64", "qemu-aarch64-static"
	if runtime.GOARCH == other {
		other, emulator = "amd64", "qemu-x86_64-static"
	}
	program := filepath.Join(w.dist, "entree-0.1.0-linux-"+other)
	file, err := elf.Open(program)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // nothing was written
	if want := map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64}[other]; file.Machine != want {
		return fmt.Errorf("%s is for %s", program, file.Machine)
	}
	for _, s := range file.Sections {
		if s.Name == ".interp" {
			return fmt.Errorf("%s needs a dynamic linker", program)
		}
	}
	config := filepath.Join(w.work, "emulated")
	for _, arguments := range [][]string{
		{"config", "sample", "--data", "/var/lib/entree", config}, {"config", "check", "--template", "--config", filepath.Join(config, "entree.yaml")}, {"version"},
	} {
		said, err := exec.CommandContext(ctx, emulator, append([]string{program}, arguments...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s %s: %w\n%s", other, strings.Join(arguments, " "), err, said)
		}
		if arguments[0] == "version" {
			fmt.Printf("%s: %s", other, said)
			if !strings.Contains(string(said), "0.1.0") {
				return errors.New("the program does not name its version")
			}
		}
	}
	return os.RemoveAll(config)
}
