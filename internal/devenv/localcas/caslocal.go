// Package localcas downloads and runs a real Apereo CAS on loopback that delegates
// each login to a Keycloak, or binds to an LDAP directory, for the demo and for the
// tests.
//
//	a service ──▶ CAS /login ──▶ Keycloak ──▶ CAS ──▶ the service ?ticket
//	                                                      │
//	                         CAS /p3/serviceValidate ◀────┘
//
// The files of deploy/cas configure it, as at an institution. CAS is downloaded
// by the Maven client and unpacked once into the user's cache.
package localcas

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"entree/deploy"
	"entree/internal/devenv/child"
	"entree/internal/devenv/maven"
	"entree/internal/secret"
)

// Options are the settings of a Server.
type Options struct {
	Dir      string // folder of the configuration and the log
	Port     int    // on 127.0.0.1
	Out      io.Writer
	Getenv   func(string) string
	Services map[string]string // services that may request tickets: name → prefix of their addresses
	Keycloak string            // URL of the Keycloak realm
	Realm    string
	ClientID string // id of the client that CAS is in the realm
	Secret   secret.Text
	// Directory is the URL of the LDAP directory that CAS binds to instead of a
	// Keycloak, and People the branch of its people.
	Directory string
	People    string
}

// files is the folder of the files in deploy that configure the server.
func (o Options) files() string {
	if o.Directory != "" {
		return "cas/directory"
	}
	return "cas"
}

// At returns the URL prefix of a server on a port, without a trailing slash.
func At(port int) string { return origin(port) + "/cas" }

func origin(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// Server is a running CAS.
type Server struct {
	url   string
	child *child.Child
}

// URL returns the server's prefix, without a trailing slash.
func (s *Server) URL() string { return s.url }

// Stop stops the server.
func (s *Server) Stop() { s.child.Stop() }

// startLimit limits the time of a start. On two idle cores a start takes 9 to
// 17 s; on two cores shared by a dozen programs, minutes.
const startLimit = 10 * time.Minute

//go:embed log4j2.xml
var logging []byte

// Start starts CAS and returns when it answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	cache, err := maven.Cache()
	if err != nil {
		return nil, err
	}
	java, err := findJava(o.Getenv, cache)
	if err != nil {
		return nil, err
	}
	home, err := findHome(ctx, java, cache, o.Out)
	if err != nil {
		return nil, err
	}
	modules := ""
	if o.Directory != "" {
		if modules, err = findDirectory(ctx, cache, o.Out); err != nil {
			return nil, err
		}
		modules = filepath.Join(modules, "*") + string(os.PathListSeparator)
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	s := &Server{url: At(o.Port)}
	if err := configure(o); err != nil {
		return nil, err
	}
	cmd := exec.Command(java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-cp", filepath.Join(home, "stub")+string(os.PathListSeparator)+modules+filepath.Join(home, "*"),
		"-Dcas.standalone.configuration-directory="+o.Dir, "-Dlogging.config=file:"+filepath.Join(o.Dir, "log4j2.xml"),
		// The stub replaces the classes that Maven Central does not have.
		"-Dspring.main.sources=classpath:entree-beans.xml", "-Dspring.autoconfigure.exclude=org.apereo.cas.config.DelegatedAuthenticationSAMLConfiguration",
		"org.apereo.cas.web.CasWebApplication")
	cmd.Dir = o.Dir
	cmd.Env = append(os.Environ(),
		"CAS_PORT="+strconv.Itoa(o.Port), "CAS_ORIGIN="+origin(o.Port), "CAS_SERVICES="+filepath.Join(o.Dir, "services"),
		"CAS_CLIENT_ID="+o.ClientID, "CAS_CLIENT_SECRET="+o.Secret.Reveal(), "KEYCLOAK_URL="+o.Keycloak, "KEYCLOAK_REALM="+o.Realm,
		"CAS_LDAP_URL="+o.Directory, "CAS_LDAP_BASE="+o.People)
	if s.child, err = child.Start(child.Program{Name: "CAS", Cmd: cmd, Log: filepath.Join(o.Dir, "cas.log")}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	// The login page needs all parts of CAS. Without a service, CAS redirects to
	// Keycloak's page, whose status is 200.
	if err := s.child.Ready(ctx, child.Answers(s.url+"/login")); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// configure writes the files of deploy into the server's folder.
func configure(o Options) error {
	services := filepath.Join(o.Dir, "services")
	if err := errors.Join(os.RemoveAll(services), os.MkdirAll(services, 0o700)); err != nil {
		return err
	}
	properties, err := deploy.FS.ReadFile(o.files() + "/cas.properties")
	if err != nil {
		return err
	}
	service, err := deploy.FS.ReadFile(o.files() + "/services/service.json")
	if err != nil {
		return err
	}
	err = errors.Join(os.WriteFile(filepath.Join(o.Dir, "cas.properties"), properties, 0o600),
		os.WriteFile(filepath.Join(o.Dir, "log4j2.xml"), logging, 0o600))
	id := 0
	for name, address := range o.Services {
		id++
		whole := os.Expand(string(service), func(key string) string {
			return map[string]string{"NAME": name, "ID": strconv.Itoa(id), "SERVICE": escaped("^" + regexp.QuoteMeta(address) + ".*")}[key]
		})
		err = errors.Join(err, os.WriteFile(filepath.Join(services, fmt.Sprintf("%s-%d.json", name, id)), []byte(whole), 0o600))
	}
	return err
}

// escaped returns a text escaped for a JSON string.
func escaped(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("caslocal: " + err.Error()) // cannot happen: every string can be marshalled
	}
	return strings.Trim(string(raw), `"`)
}
