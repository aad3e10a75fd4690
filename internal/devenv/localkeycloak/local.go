// Package localkeycloak fetches and runs a real Keycloak on loopback, for the demo and
// for the tests.
//
// The distribution is looked for in this order: a folder that is given,
// KEYCLOAK_HOME, the user's cache, the Maven client. It is unpacked, or copied,
// and built once into the cache; what it stores lies in the folder of the caller that
// starts it, so that several can run from one cache at the same time.
package localkeycloak

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entree/internal/devenv/child"
	"entree/internal/secret"
)

// Options are the settings of a Server.
type Options struct {
	Dir    string // folder of the database, the log and the administrator's password
	Home   string // an unpacked distribution; empty: search for one
	Themes string // a folder of themes; empty: only Keycloak's own
	Port   int    // on 127.0.0.1; 0: any free one
	// Database is a PostgreSQL's, "postgres://user@host:port/name", whose user
	// needs no password; empty: a file in Dir.
	Database string
	JVM      []string // further options of the Java runtime
	Out      io.Writer
	Getenv   func(string) string
}

// Server is a running Keycloak.
type Server struct {
	url      string
	java     string
	password secret.Text
	child    *child.Child
}

// PID returns the id of the server's process, which has no children.
func (s *Server) PID() int { return s.child.Cmd.Process.Pid }

// Java returns the version of the Java runtime.
func (s *Server) Java() string { return s.java }

// URL returns the server's URL, without a trailing slash.
func (s *Server) URL() string { return s.url }

// AdminUser returns the administrator of the master realm.
func (s *Server) AdminUser() string { return "admin" }

// AdminPassword returns the administrator's password, which is generated at the
// first start and stored in Dir.
func (s *Server) AdminPassword() secret.Text { return s.password }

// startLimit limits the time of a start. On two idle cores a start takes 30 s;
// on two cores shared by a dozen programs it once took more than four minutes.
const startLimit = 10 * time.Minute

// Start starts Keycloak and returns when it is healthy.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	java, version, err := findJava(ctx, o.Getenv)
	if err != nil {
		return nil, err
	}
	home, err := findHome(ctx, o, java)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	password, err := keepPassword(filepath.Join(o.Dir, "admin-password"))
	if err != nil {
		return nil, err
	}
	port, management := o.Port, 0
	for _, p := range []*int{&port, &management} {
		if *p == 0 {
			if *p, err = child.FreePort(); err != nil {
				return nil, err
			}
		}
	}
	database, err := o.databaseArgs()
	if err != nil {
		return nil, err
	}
	cmd := command(java, home, o.JVM, "start", "--optimized",
		"--http-enabled=true", "--http-host=127.0.0.1", fmt.Sprintf("--http-port=%d", port),
		"--http-management-host=127.0.0.1", fmt.Sprintf("--http-management-port=%d", management),
		"--hostname-strict=false", "--cache=local")
	cmd.Args = append(cmd.Args, database...)
	if o.Themes != "" {
		if err := os.MkdirAll(o.Themes, 0o755); err != nil { // Keycloak does not see a folder that is created after its start
			return nil, err
		}
		cmd.Args = append(cmd.Args, "--spi-theme--folder--dir="+o.Themes)
	}
	s := &Server{url: fmt.Sprintf("http://127.0.0.1:%d", port), java: version, password: password}
	cmd.Dir = o.Dir
	cmd.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME="+s.AdminUser(), "KC_BOOTSTRAP_ADMIN_PASSWORD="+password.Reveal())
	if s.child, err = child.Start(child.Program{Name: "Keycloak", Cmd: cmd, Log: filepath.Join(o.Dir, "keycloak.log")}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.child.Ready(ctx, child.Answers(fmt.Sprintf("http://127.0.0.1:%d/health/ready", management))); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Home returns the folder of the distribution that Start runs, which holds bin/kcadm.sh.
// It is fetched if it is not there yet.
func Home(ctx context.Context, o Options) (string, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	java, _, err := findJava(ctx, o.Getenv)
	if err != nil {
		return "", err
	}
	return findHome(ctx, o, java)
}

// kind returns the database for which the distribution is built.
func (o Options) kind() string {
	if o.Database == "" {
		return "dev-file"
	}
	return "postgres"
}

func (o Options) databaseArgs() ([]string, error) {
	if o.Database == "" {
		file, err := filepath.Abs(filepath.Join(o.Dir, "h2", "keycloak"))
		// WRITE_DELAY=0: what Keycloak has answered survives a kill -9.
		return []string{"--db-url=jdbc:h2:file:" + file + ";NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0"}, err
	}
	at, err := url.Parse(o.Database)
	if err != nil {
		return nil, err
	}
	return []string{"--db-url=jdbc:postgresql://" + at.Host + at.Path, "--db-username=" + at.User.Username(), "--db-password=none"}, nil
}

// Stop ends Keycloak.
func (s *Server) Stop() { s.child.Stop() }

// command starts Java without the distribution's shell script, so that the
// started process is the one to stop. The options are those of the script, with
// a smaller heap and a matching collector; both compilers stay enabled, as in
// production. The options of more come last, so that they win.
func command(java, home string, more []string, args ...string) *exec.Cmd {
	options := []string{
		"-Xms64m", "-Xmx768m", "-XX:MetaspaceSize=96M", "-XX:MaxMetaspaceSize=256m", "-XX:+UseSerialGC",
		"-Dfile.encoding=UTF-8", "-Duser.language=en", "-Duser.country=US", "-Djava.security.egd=file:/dev/urandom",
		"--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
		"--add-opens=java.base/java.security=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED",
		"-Dkc.home.dir=" + home, "-Djboss.server.config.dir=" + filepath.Join(home, "conf"),
		"-Djava.util.logging.manager=org.jboss.logmanager.LogManager", "-Dpicocli.disable.closures=true", "-Dquarkus-log-max-startup-records=10000",
	}
	program := []string{"-cp", filepath.Join(home, "lib", "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint"}
	return exec.Command(java, slices.Concat(options, more, program, args)...)
}

func keepPassword(file string) (secret.Text, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		raw = []byte(rand.Text())
		err = os.WriteFile(file, raw, 0o600)
	}
	return secret.New(strings.TrimSpace(string(raw))), err
}
