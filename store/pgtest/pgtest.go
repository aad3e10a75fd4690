// Package pgtest gives tests a PostgreSQL server of their own, from the
// installed programs, on a port of loopback, for as long as the tests run.
package pgtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// nobody is the user that the server runs as where the tests run as root,
// which PostgreSQL refuses (uid of "nobody" on Debian).
const nobody = 65534

// Server is a running PostgreSQL.
type Server struct {
	cmd  *exec.Cmd
	dir  string
	port int
}

// Start makes a cluster and starts it. It fails, saying what to install, where
// PostgreSQL is not there.
func Start() (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "entree-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			return nil, err
		}
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if said, err := s.command(filepath.Join(bin, "initdb"), "-D", data, "-U", "entree", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, said)
	}
	s.cmd = s.command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories="+dir, "-c", "fsync=off", "-c", "max_connections=200")
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if exec.Command(filepath.Join(bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)).Run() == nil {
			return s, nil
		}
		if time.Now().After(end) {
			return nil, errors.Join(errors.New("PostgreSQL does not answer"), s.Stop())
		}
	}
}

// DSN names a database, which is made on the first call for its name.
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

// Stop ends the server and removes what it kept.
func (s *Server) Stop() error {
	err := s.cmd.Process.Signal(syscall.SIGQUIT) // at once: nothing is to be kept
	_ = s.cmd.Wait()                             // it was told to end
	return errors.Join(err, os.RemoveAll(s.dir))
}

// command runs a program as somebody who is not root, ended by the kernel if
// the tests die.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// programs finds the newest installed server.
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

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
