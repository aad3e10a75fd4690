package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"entree/internal/devenv/outside"
)

// contained follows the section "With a container" of docs/install.md in an empty
// folder that holds the image alone.
func (w *world) contained(ctx context.Context) (err error) {
	folder := filepath.Join(w.work, "container")
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // the image's user reads it
		return err
	}
	image := "entree-0.1.0-linux-" + runtime.GOARCH + ".oci.tar"
	if err := copyFile(filepath.Join(w.dist, image), filepath.Join(folder, image)); err != nil {
		return err
	}
	if err := w.realm(ctx, "image"); err != nil {
		return err
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		return err
	}
	blocks, err := w.page.commands("With a container", 2)
	if err != nil {
		return err
	}
	// The host's network reaches the Keycloak and the mailbox of the demo. Without
	// limits of its own podman asks for more than a test machine may allow.
	const name = "entree-release-test"
	engine := "podman"
	if _, err := exec.LookPath("runc"); err == nil {
		engine += " --runtime runc"
	}
	run := [2]string{"podman run ", engine + " run --network host --ulimit nofile=4096:4096 --ulimit nproc=1000:1000 "}
	before, err := adapted(blocks[0], [2]string{"entree-0.1.0-linux-amd64.oci.tar", image}, run)
	if err != nil {
		return err
	}
	after, err := adapted(blocks[1], run,
		[2]string{"PASSWORD=PASSWORD", "PASSWORD=" + w.admin},
		[2]string{"-v entree:", "-v " + name + ":"},
		[2]string{"--name entree ", "--name " + name + " "},
		[2]string{"podman exec entree ", "podman exec " + name + " "},
		[2]string{"-p 127.0.0.1:8080:8080 ", ""},
		[2]string{"LISTEN=0.0.0.0:8080", "LISTEN=" + listen},
	)
	if err != nil {
		return err
	}
	shell := func(script string) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "bash", "-ec", script)
		cmd.Dir = folder
		return tell(cmd)
	}
	remove := "podman rm --force --time 20 --volumes " + name + " && podman volume rm --force " + name
	if err := shell(remove); err != nil { // of a run that was killed
		return err
	}
	if err := shell(before); err != nil {
		return err
	}
	config := filepath.Join(folder, "config", "entree.yaml")
	sample, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	text, err := w.configured(sample, "http://"+listen, "image")
	if err != nil {
		return err
	}
	p := person("67000002", "ines.image@example.org")
	for file, content := range map[string][]byte{config: []byte(text), filepath.Join(folder, "config", "people.csv"): people(p)} {
		if err := os.WriteFile(file, content, 0o644); err != nil { //nolint:gosec // the image's user reads it
			return err
		}
	}
	defer func() { err = errors.Join(err, shell(remove)) }()
	if err := shell(after); err != nil {
		return errors.Join(err, shell("podman logs "+name+"; exit 1"))
	}
	user, err := exec.CommandContext(ctx, "podman", "top", name, "huser").Output()
	if err != nil || !strings.Contains(string(user), "65532") {
		return fmt.Errorf("the container runs as %s, %w", user, err)
	}
	_, err = w.activate(ctx, p, "http://"+listen)
	return err
}
