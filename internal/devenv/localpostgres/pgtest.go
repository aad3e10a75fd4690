// Package localpostgres runs a PostgreSQL server for tests, from the
// installed programs, on a port of loopback, for as long as the tests run.
package localpostgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"entree/internal/devenv/child"
)

// unprivileged is the user of the server if the tests run as root, which
// PostgreSQL refuses. It is the last user of Debian's base system.
const unprivileged = 65534

// Server is a running PostgreSQL.
type Server struct {
	child *child.Child
	bin   string
	dir   string
	port  int
	fsync string
}

// Start creates a cluster and starts it. If PostgreSQL is not installed, the
// error says what to install. Commits do not wait for the disk, so a power cut
// loses data.
func Start() (*Server, error) { return start("off") }

// StartDurable starts a server whose commits wait for the disk, as in
// production.
func StartDurable() (*Server, error) { return start("on") }

func start(fsync string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "entree-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, fsync: fsync}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, unprivileged, unprivileged); err != nil {
			return nil, err
		}
	}
	if s.port, err = child.FreePort(); err != nil {
		return nil, err
	}
	if said, err := s.command(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "entree", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, said)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.launch(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) launch(ctx context.Context) (err error) {
	s.child, err = child.Start(child.Program{
		Name: "PostgreSQL", Log: filepath.Join(s.dir, "log"), Polite: syscall.SIGQUIT, // an immediate shutdown: no data must survive
		Cmd: s.command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
			"-c", "unix_socket_directories="+s.dir, "-c", "fsync="+s.fsync, "-c", "max_connections=200"),
	})
	if err != nil {
		return err
	}
	return s.child.Ready(ctx, func(ctx context.Context) bool {
		return exec.CommandContext(ctx, filepath.Join(s.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)).Run() == nil
	})
}

// Kill kills the server with SIGKILL; its child processes notice it and exit.
func (s *Server) Kill() { s.child.Kill() }

// Again restarts a killed server. It retries until the old child processes have
// exited.
func (s *Server) Again(ctx context.Context) error {
	for {
		err := s.launch(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Dump returns a database as SQL text.
func (s *Server) Dump(name string) ([]byte, error) {
	return exec.Command(filepath.Join(s.bin, "pg_dump"), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "entree", name).Output()
}

// DSN returns the connection string of a database, which it creates on the
// first call with this name.
func (s *Server) DSN(name string) (string, error) {
	bin, err := programs()
	if err != nil {
		return "", err
	}
	if said, err := exec.Command(filepath.Join(bin, "createdb"), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "entree", name).CombinedOutput(); err != nil {
		return "", fmt.Errorf("createdb: %w\n%s", err, said)
	}
	return fmt.Sprintf("postgres://entree@127.0.0.1:%d/%s?sslmode=disable", s.port, name), nil
}

// PID returns the id of the server's main process; the others are its children.
func (s *Server) PID() int { return s.child.Cmd.Process.Pid }

// Stop stops the server and removes its files.
func (s *Server) Stop() error {
	if s.child != nil {
		s.child.Stop()
	}
	return os.RemoveAll(s.dir)
}

// command runs a program as an unprivileged user if the tests run as root.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	if os.Getuid() == 0 {
		runAs(cmd, unprivileged)
	}
	return cmd
}

// programs returns the folder of the newest installed server's programs.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("no PostgreSQL server: install it (on Debian: apt-get install postgresql)")
}
