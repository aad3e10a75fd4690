package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/devenv/bench"
	"entree/internal/devenv/child"
	"entree/internal/devenv/demo"
	"entree/internal/devenv/democonfig"
	"entree/internal/devenv/demopeople"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/localkratos"
	"entree/internal/devenv/localldap"
	"entree/internal/devenv/localpostgres"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

// stack is everything that a bench drives: the demo's parts, with the portal
// in a process of its own, so that its cost can be told from the visitors'.
type stack struct {
	dir      string
	config   config.Config
	box      *mailbox.Mailbox
	keycloak *localkeycloak.Server // nil: the stand-in
	standIn  *bench.StandIn
	postgres *localpostgres.Server // nil: none
	database string                // the portal's, for the report
	ldap     *localldap.Server     // keeps the accounts; nil: Keycloak does
	pids     bench.Processes
	hash     float64 // core-milliseconds of one hash for the stand-in; 0 with Keycloak
	stops    []func() error
}

// stackOptions are the settings of a stack that the flags of a bench choose.
type stackOptions struct {
	postgres     bool
	standIn      bool
	keycloakHome string
	jvm          string        // options of Keycloak's Java runtime, separated by blanks
	passkeys     bool          // students choose between a passkey and a password; the addresses are names
	directory    bool          // accounts are kept in a directory below Keycloak
	people       int           // enrolled before the portal starts
	profile      string        // where the portal's profile goes; empty: nowhere
	environ      []string      // of the portal, instead of benchLimits
	compression  int           // of the portal's windows; 0: none
	answerAfter  time.Duration // of the stand-in
}

// benchLimits lift the limits per network and in total, because all students of a
// bench come from one network.
var benchLimits = []string{
	"ENTREE_LIMITS_MAILS_PER_NETWORK_PER_10_MINUTES=1000000",
	"ENTREE_LIMITS_MAILS_ALTOGETHER_PER_10_MINUTES=1000000",
	"ENTREE_LIMITS_WRONG_CODES_PER_NETWORK_PER_10_MINUTES=1000000",
	"ENTREE_LIMITS_WRONG_CODES_ALTOGETHER_PER_DAY=100000000",
}

// startStack starts the parts in the order in which they need one another.
// stop has to be called whether it fails or not.
func startStack(ctx context.Context, o stackOptions, p *product, tell io.Writer) (s *stack, err error) {
	s = &stack{database: bench.SQLite}
	if s.dir, err = os.MkdirTemp("", "entree-bench-"); err != nil {
		return s, err
	}
	s.later(func() error { return os.RemoveAll(s.dir) })
	if err := democonfig.WriteSecrets(s.dir); err != nil {
		return s, err
	}
	if s.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Keep: 10_000}); err != nil {
		return s, err
	}
	s.later(s.box.Close)
	if o.postgres {
		if s.postgres, err = localpostgres.StartDurable(); err != nil {
			return s, err
		}
		s.later(s.postgres.Stop)
		s.pids.Database, s.database = s.postgres.PID(), "PostgreSQL"
	}
	pg := s.postgres
	if o.directory {
		if s.ldap, err = localldap.Start(ctx, localldap.Options{Dir: filepath.Join(s.dir, "directory"), Modules: []string{"argon2"}}); err != nil {
			return s, err
		}
		s.later(func() error { s.ldap.Stop(); return nil })
		s.pids.Directory = s.ldap.PID()
	}
	at, err := s.startKeycloak(ctx, o, pg, tell)
	if err != nil {
		return s, err
	}
	environ := append([]string{}, benchLimits...)
	if o.environ != nil {
		environ = append([]string{}, o.environ...)
	}
	for name, file := range map[string]string{"ENTREE_SECRET_FILE": "secret", "ENTREE_KEYCLOAK_CLIENT_SECRET_FILE": "portal-secret", "ENTREE_SSO_CLIENT_SECRET_FILE": "ent-secret"} {
		environ = append(environ, name+"="+filepath.Join(s.dir, file))
	}
	if pg != nil {
		dsn, err := pg.DSN("entree")
		if err != nil {
			return s, err
		}
		environ = append(environ, "ENTREE_DATABASE="+dsn)
	}
	free, err := child.FreePort()
	if err != nil {
		return s, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", free)
	host, port, err := net.SplitHostPort(s.box.SMTPAddr())
	if err != nil {
		return s, err
	}
	addresses := democonfig.Addresses{Portal: "http://" + listen, Listen: listen, Keycloak: at, SMTPHost: host, SMTPPort: port}
	if o.passkeys { // a passkey belongs to a name
		named := strings.NewReplacer("127.0.0.1", "localhost")
		addresses.Credential, addresses.Portal, addresses.Keycloak = string(domain.PasskeyOrPassword), named.Replace(addresses.Portal), named.Replace(addresses.Keycloak)
	}
	if s.ldap != nil {
		addresses.Directory = s.ldap.URL
		environ = append(environ, "ENTREE_DIRECTORY_BIND_PASSWORD="+s.ldap.Password.Reveal())
	}
	if _, err := democonfig.Write(s.dir, addresses); err != nil {
		return s, err
	}
	file := filepath.Join(s.dir, "entree.yaml")
	if s.config, err = config.Load(file, environ); err != nil {
		return s, err
	}
	if s.standIn != nil {
		if s.hash, err = hashCost(ctx, s.config.Limits.HashesAtOnce); err != nil {
			return s, err
		}
	}
	if s.keycloak != nil {
		if err := demo.SetUpRealm(ctx, s.config, s.keycloak, nil); err != nil {
			return s, fmt.Errorf("set the realm up: %w", err)
		}
		if s.ldap != nil {
			if err := demo.Federate(ctx, s.config, s.keycloak, s.ldap); err != nil {
				return s, fmt.Errorf("make the directory known to Keycloak: %w", err)
			}
		}
	}
	if err := enrol(ctx, s.config, o.people); err != nil {
		return s, fmt.Errorf("enrol %d people: %w", o.people, err)
	}
	return s, s.startPortal(ctx, p, file, environ, "--profile", o.profile, "--compression", strconv.Itoa(o.compression))
}

func (s *stack) startKeycloak(ctx context.Context, o stackOptions, pg *localpostgres.Server, tell io.Writer) (address string, err error) {
	if o.standIn {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		s.standIn = bench.NewStandIn("universite")
		s.standIn.After = o.answerAfter
		server := &http.Server{Handler: s.standIn, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(listener) }() // ends with Close
		s.later(server.Close)
		return "http://" + listener.Addr().String(), nil
	}
	fmt.Fprintln(tell, "Starting Keycloak …")
	options := localkeycloak.Options{Dir: filepath.Join(s.dir, "keycloak"), Home: o.keycloakHome, JVM: append(strings.Fields(o.jvm), bench.FixedCompilers), Out: tell, Getenv: os.Getenv}
	if pg != nil {
		if options.Database, err = pg.DSN("keycloak"); err != nil {
			return "", err
		}
	}
	if s.keycloak, err = localkeycloak.Start(ctx, options); err != nil {
		return "", err
	}
	s.later(func() error { s.keycloak.Stop(); return nil })
	s.pids.Keycloak = s.keycloak.PID()
	return s.keycloak.URL(), nil
}

// accounts returns functions that count the accounts where they are kept, and look for
// one where people log in.
func (s *stack) accounts() (count func(context.Context) (int, error), has func(context.Context, string) (bool, error)) {
	if s.standIn != nil {
		return func(context.Context) (int, error) { return s.standIn.Users(), nil },
			func(_ context.Context, login string) (bool, error) { return s.standIn.Has(login), nil }
	}
	r := s.admin()
	if s.ldap != nil {
		return s.ldap.Count, r.Has
	}
	return r.Count, r.Has
}

// startKratos starts an Ory Kratos with a mailbox of its own, and returns its contestant,
// or none if there is no Kratos. It uses the PostgreSQL of the stack, or one of its own:
// on SQLite it refuses registrations that come at once.
func (s *stack) startKratos(ctx context.Context, tell io.Writer) ([]bench.Contestant, error) {
	program, err := localkratos.Find()
	if err != nil {
		fmt.Fprintf(tell, "Not compared with Ory Kratos: %v\n", err)
		return nil, nil
	}
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Keep: 10_000})
	if err != nil {
		return nil, err
	}
	s.later(box.Close)
	if s.postgres == nil {
		if s.postgres, err = localpostgres.StartDurable(); err != nil {
			return nil, err
		}
		s.later(s.postgres.Stop)
		s.pids.Database = s.postgres.PID()
	}
	dsn, err := s.postgres.DSN("kratos")
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, "kratos")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	fmt.Fprintln(tell, "Starting Ory Kratos …")
	server, err := localkratos.Start(ctx, program, dir, dsn, box.SMTPAddr())
	if err != nil {
		return nil, err
	}
	s.later(func() error { server.Stop(); return nil })
	s.pids.Kratos = server.PID()
	return []bench.Contestant{bench.Kratos(server.URL, box)}, nil
}

// hashCost measures one hash of the stand-in's realm, in core-milliseconds, with as many
// at once as the portal computes: a core whose neighbour hashes too, or shares its memory,
// takes longer than one that is alone.
func hashCost(ctx context.Context, atOnce int) (float64, error) {
	const each = 50
	h, err := keycloak.NewHasher("argon2", 0, atOnce, rand.Reader)
	if err != nil {
		return 0, err
	}
	begun, err := bench.OwnCPU()
	if err != nil {
		return 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	for range atOnce {
		group.Go(func() error {
			for range each {
				if _, err := h.Hash(ctx, secret.New("LesGirafesDansentSous3Parapluies")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	end, err := bench.OwnCPU()
	return float64((end - begun).Microseconds()) / 1000 / float64(each*atOnce), err
}

// startPortal starts `entree serve` and waits until it is ready.
func (s *stack) startPortal(ctx context.Context, p *product, file string, environ []string, flags ...string) error {
	program, err := p.in(s.dir)
	if err != nil {
		return err
	}
	cmd := exec.Command(program, append([]string{"serve", "--config", file}, flags...)...)
	cmd.Env, cmd.Dir = append(os.Environ(), environ...), s.dir
	portal, err := child.Start(child.Program{Name: "the portal", Cmd: cmd, Log: filepath.Join(s.dir, "portal.log")})
	if err != nil {
		return err
	}
	s.later(func() error { portal.Stop(); return nil })
	s.pids.Portal = cmd.Process.Pid
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return portal.Ready(ctx, child.Answers(s.config.Portal.BaseURL+"/readyz"))
}

// enrol brings n students into the configured registry.
func enrol(ctx context.Context, c config.Config, n int) error {
	s, err := app.OpenStore(ctx, c)
	if err != nil {
		return err
	}
	var people []domain.Person
	for i := range n {
		people = append(people, demopeople.Student(i))
	}
	err = s.Enrol(ctx, people...)
	return errors.Join(err, s.Close())
}

// student returns the i-th student of the stack's registry.
func student(i int) scripted.Person {
	p := demopeople.Student(i)
	return scripted.Person{Number: p.Number, GivenName: p.GivenName, FamilyName: p.FamilyName, Profile: p.Profile, Email: string(p.Email), BirthDate: p.BirthDate}
}

// admin returns a new session of Keycloak's administrator in the portal's realm.
func (s *stack) admin() *realm.Realm {
	return realm.New(s.keycloak.URL(), s.config.Keycloak.Realm, s.keycloak.AdminUser(), s.keycloak.AdminPassword())
}

func (s *stack) later(stop func() error) { s.stops = append(s.stops, stop) }

// stop ends the parts, the last one first.
func (s *stack) stop() error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		errs = append(errs, s.stops[i]())
	}
	s.stops = nil
	return errors.Join(errs...)
}

// portal is its address.
func (s *stack) portal() string { return strings.TrimRight(s.config.Portal.BaseURL, "/") }
