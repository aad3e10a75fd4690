// Package localldap runs an OpenLDAP server for the demo and the tests, from the
// installed slapd, on a port of loopback. The directory of [Start] looks like that
// of a university: a branch each for people, groups, services, policies and
// probes, the attributes of eduPerson and SUPANN, and the rights of
// deploy/openldap.
package localldap

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"entree/deploy"
	"entree/internal/devenv/child"
	"entree/internal/secret"
)

//go:embed schema
var schemas embed.FS

// The names of the directory that Start makes.
const (
	Suffix   = "dc=univ,dc=example"
	People   = "ou=people," + Suffix
	Groups   = "ou=groups," + Suffix
	Students = "cn=etudiants," + Groups
	Staff    = "cn=personnels," + Groups
	Probe    = "ou=probe," + Suffix
	Policy   = "cn=hashed,ou=policies," + Suffix
	Portal   = "cn=entree,ou=services," + Suffix
	Keycloak = "cn=keycloak,ou=services," + Suffix
	Admin    = "cn=admin," + Suffix
)

// program is the server of Debian's package slapd.
const program = "/usr/sbin/slapd"

// Options are the settings of a directory.
type Options struct {
	Dir      string // all files; data of an earlier start is kept
	Port     int    // 0: any free one
	Way      string // whose rights the portal has: "add" (the default) or "activate"
	Modules  []string
	Global   string      // lines before the database
	Database string      // lines of the database, before the rights
	Entries  string      // LDIF of further entries, loaded into an empty database
	Policies bool        // loads ppolicy, whose default policy refuses hashes
	Secret   secret.Text // password of the portal, Keycloak and the administrator; empty: "secret"
}

// Server is a running directory.
type Server struct {
	Dir, URL string
	Password secret.Text

	conf  string
	child *child.Child
}

// Start makes a directory, or takes the one in Dir, and returns when it answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Secret.Empty() {
		o.Secret = secret.New("secret")
	}
	conf, err := o.conf()
	if err != nil {
		return nil, err
	}
	port := o.Port
	if port == 0 {
		if port, err = child.FreePort(); err != nil {
			return nil, err
		}
	}
	if err := writeSchemas(o.Dir); err != nil {
		return nil, err
	}
	s, err := Serve(ctx, o.Dir, conf, entries(o.Secret.Reveal(), o.Policies)+o.Entries, fmt.Sprintf("ldap://127.0.0.1:%d", port))
	if s != nil {
		s.Password = o.Secret
	}
	return s, err
}

// Serve starts slapd with a configuration of its own, after loading entries, as
// LDIF, into an empty database. The database's files must be in DIR/data.
func Serve(ctx context.Context, dir, conf, ldif string, urls ...string) (*Server, error) {
	if _, err := os.Stat(program); err != nil {
		return nil, errors.New("no slapd: install it (on Debian: apt-get install slapd ldap-utils)")
	}
	s := &Server{Dir: dir, URL: urls[0], conf: filepath.Join(dir, "slapd.conf")}
	_, err := os.Stat(filepath.Join(dir, "data"))
	empty := err != nil
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.conf, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	if empty {
		file := filepath.Join(dir, "entries.ldif")
		if err := os.WriteFile(file, []byte(ldif), 0o600); err != nil {
			return nil, err
		}
		if said, err := exec.CommandContext(ctx, program, "-T", "add", "-q", "-f", s.conf, "-l", file).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("slapadd: %w\n%s", err, said)
		}
	}
	return s, s.launch(ctx, urls)
}

func (s *Server) launch(ctx context.Context, urls []string) (err error) {
	s.child, err = child.Start(child.Program{
		Name: "slapd", Log: filepath.Join(s.Dir, "slapd.log"), Polite: syscall.SIGINT,
		Cmd: exec.Command(program, "-f", s.conf, "-h", strings.Join(urls, "/ ")+"/", "-d", "0"),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return s.child.Ready(ctx, func(context.Context) bool {
		_, address, _ := strings.Cut(urls[len(urls)-1], "://")
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	})
}

// PID returns the id of the server's process.
func (s *Server) PID() int { return s.child.Cmd.Process.Pid }

// Count returns the number of people's entries. It reads the database beside the server.
func (s *Server) Count(ctx context.Context) (int, error) {
	out, err := exec.CommandContext(ctx, program, "-T", "cat", "-f", s.conf, "-o", "ldif-wrap=no").Output()
	if err != nil {
		return 0, fmt.Errorf("slapcat: %w", err)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "dn: ") && strings.HasSuffix(line, ","+People+"\n") {
			n++
		}
	}
	return n, nil
}

// Kill ends the server with SIGKILL.
func (s *Server) Kill() { s.child.Kill() }

// Again starts a stopped or killed server on the same data. change, if not nil,
// changes its configuration.
func (s *Server) Again(ctx context.Context, change func(conf string) string) error {
	if change != nil {
		raw, err := os.ReadFile(s.conf)
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.conf, []byte(change(string(raw))), 0o600); err != nil {
			return err
		}
	}
	return s.launch(ctx, []string{s.URL})
}

// Stop ends the server.
func (s *Server) Stop() {
	if s.child != nil {
		s.child.Stop()
	}
}

func writeSchemas(dir string) error {
	files, err := schemas.ReadDir("schema")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		raw, err := schemas.ReadFile("schema/" + f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) conf() (string, error) {
	way := o.Way
	if way == "" {
		way = "add"
	}
	var rights strings.Builder
	for _, name := range []string{way, "common"} {
		raw, err := deploy.FS.ReadFile("openldap/" + name + ".conf")
		if err != nil {
			return "", err
		}
		rights.Write(raw)
	}
	modules, policies := append([]string{"back_mdb"}, o.Modules...), ""
	if o.Policies {
		modules = append(modules, "ppolicy")
		policies = "overlay ppolicy\nppolicy_default \"cn=strict,ou=policies," + Suffix + "\"\n"
	}
	return fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include %[1]s/eduperson.schema
include %[1]s/supann.schema
modulepath /usr/lib/ldap
moduleload %[2]s
pidfile %[1]s/pid
%[3]s
database mdb
suffix "%[4]s"
rootdn "%[5]s"
rootpw %[6]s
directory %[1]s/data
maxsize 1073741824
index objectClass,uid,mail,supannEtuId,supannEmpId,supannRefId eq
index entryCSN,entryUUID eq
%[7]s
%[8]s
%[9]s`, o.Dir, strings.Join(modules, "\nmoduleload "), o.Global, Suffix, Admin, o.Secret.Reveal(), o.Database, rights.String(), policies), nil
}

// entries returns the directory without people.
func entries(password string, policies bool) string {
	var b strings.Builder
	entry := func(dn string, lines ...string) {
		b.WriteString("dn: " + dn + "\n" + strings.Join(lines, "\n") + "\n\n")
	}
	entry(Suffix, "objectClass: dcObject", "objectClass: organization", "o: Université", "dc: univ")
	for _, ou := range []string{"people", "groups", "services", "policies", "probe"} {
		entry("ou="+ou+","+Suffix, "objectClass: organizationalUnit", "ou: "+ou)
	}
	for _, dn := range []string{Portal, Keycloak} {
		name, _, _ := strings.Cut(strings.TrimPrefix(dn, "cn="), ",")
		entry(dn, "objectClass: organizationalRole", "objectClass: simpleSecurityObject", "cn: "+name, "userPassword: "+password)
	}
	for _, dn := range []string{Students, Staff} {
		name, _, _ := strings.Cut(strings.TrimPrefix(dn, "cn="), ",")
		entry(dn, "objectClass: groupOfNames", "cn: "+name, "member: "+Admin)
	}
	if policies {
		for name, quality := range map[string]string{"strict": "2", "hashed": "1"} {
			entry("cn="+name+",ou=policies,"+Suffix, "objectClass: organizationalRole", "objectClass: pwdPolicy", "cn: "+name,
				"pwdAttribute: userPassword", "pwdCheckQuality: "+quality, "pwdMinLength: 12")
		}
	}
	return b.String()
}
