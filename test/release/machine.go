package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entree/internal/devenv/child"
)

// machine is a Debian system with a running systemd, in a container of
// systemd-nspawn that shares the network of this machine.
type machine struct {
	root   string
	init   string // process id of its systemd
	server *child.Child
}

// newMachine installs a minimal Debian with systemd into root and boots it.
func newMachine(ctx context.Context, root, log string) (*machine, error) {
	if _, err := os.Stat(root); err != nil {
		begun := time.Now()
		if err := tell(exec.CommandContext(ctx, "mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd-sysv,dbus", "--dpkgopt=force-unsafe-io", "bookworm", root)); err != nil {
			return nil, err
		}
		fmt.Printf("a fresh Debian root in %s\n", time.Since(begun).Round(time.Second))
	}
	if err := os.WriteFile(filepath.Join(root, "etc/apt/apt.conf.d/90answer"), []byte("APT::Get::Assume-Yes \"true\";\n"), 0o644); err != nil { //nolint:gosec // no secret
		return nil, err
	}
	// Machines without a systemd of their own cannot register the container.
	cmd := exec.Command("systemd-nspawn", "--quiet", "--boot", "--directory="+root, "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=bind-host")
	server, err := child.Start(child.Program{Name: "the machine", Cmd: cmd, Log: log, Grace: 40 * time.Second})
	if err != nil {
		return nil, err
	}
	m := &machine{root: root, server: server}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := server.Ready(ctx, m.booted); err != nil {
		server.Stop()
		return nil, err
	}
	return m, nil
}

func (m *machine) booted(ctx context.Context) bool {
	pid := strconv.Itoa(m.server.Cmd.Process.Pid)
	children, err := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
	if err != nil || len(strings.Fields(string(children))) == 0 {
		return false
	}
	m.init = strings.Fields(string(children))[0]
	state, err := m.command(ctx, "systemctl is-system-running").Output()
	return err == nil && strings.TrimSpace(string(state)) == "running"
}

// command runs a script in the machine, in the folder of the release, as root. It
// stops at the first command that fails.
func (m *machine) command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", "--target="+m.init, "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--",
		"sh", "-ec", "cd /srv\n"+script)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LANG=C.UTF-8"}
	return cmd
}

func (m *machine) run(ctx context.Context, script string) error { return tell(m.command(ctx, script)) }

// stop shuts the machine down and waits for its end.
func (m *machine) stop() {
	_ = m.server.Signal(syscall.SIGTERM)
	m.server.Stop()
}
