// Package localkratos runs Ory Kratos on ports of loopback. The program is the one that
// scripts/kratos.sh builds.
package localkratos

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"entree/internal/devenv/child"
)

// Version is the release of Kratos.
const Version = "v1.3.1"

var (
	//go:embed kratos.yml
	settings []byte
	//go:embed student.schema.json
	schema []byte
)

// Server is a running Kratos.
type Server struct {
	URL   string // of the public interface, without a trailing slash
	child *child.Child
}

// Find returns the path of the program in the user's cache folder, or an error that says
// how to build it.
func Find() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "entree", "kratos-"+Version)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return "", errors.New("no Ory Kratos: scripts/kratos.sh builds it")
	} else if err != nil {
		return "", err
	}
	return file, nil
}

// Start starts the program with its files in dir, its tables in the PostgreSQL database
// of a DSN and its mails to the server at smtp, "host:port", and returns when it answers.
// The caller must call Stop.
func Start(ctx context.Context, program, dir, dsn, smtp string) (*Server, error) {
	public, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	admin, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{"kratos.yml": settings, "student.schema.json": schema} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	s := &Server{URL: fmt.Sprintf("http://127.0.0.1:%d", public)}
	environ := append(os.Environ(),
		"DSN="+dsn,
		"SERVE_PUBLIC_BASE_URL="+s.URL+"/", fmt.Sprintf("SERVE_PUBLIC_PORT=%d", public),
		fmt.Sprintf("SERVE_ADMIN_BASE_URL=http://127.0.0.1:%d/", admin), fmt.Sprintf("SERVE_ADMIN_PORT=%d", admin),
		`IDENTITY_SCHEMAS=[{"id":"student","url":"file://`+filepath.Join(dir, "student.schema.json")+`"}]`,
		"COURIER_SMTP_CONNECTION_URI=smtp://"+smtp+"/?disable_starttls=true",
		"SECRETS_COOKIE="+rand.Text(), "SECRETS_CIPHER="+rand.Text()+"abcdef",
	)
	config := filepath.Join(dir, "kratos.yml")
	migrate := exec.Command(program, "migrate", "sql", "--read-from-env", "--yes", "--config", config)
	migrate.Env = environ
	if said, err := child.Run(ctx, migrate); err != nil {
		return nil, fmt.Errorf("the tables of Kratos: %w: %s", err, said)
	}
	serve := exec.Command(program, "serve", "--watch-courier", "--config", config)
	serve.Env = environ
	if s.child, err = child.Start(child.Program{Name: "Kratos", Cmd: serve, Log: filepath.Join(dir, "kratos.log")}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s, s.child.Ready(ctx, child.Answers(s.URL+"/health/ready"))
}

// PID returns the id of the process.
func (s *Server) PID() int { return s.child.Cmd.Process.Pid }

// Stop ends the process.
func (s *Server) Stop() { s.child.Stop() }
