package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/emersion/go-smtp"
	"github.com/rs/zerolog"

	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/localpostgres"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/secret"
	"entree/internal/store"
)

// stand holds all parts of a run.
type stand struct {
	dir       string
	keep      bool
	config    outside.Config
	people    []scripted.Person
	postgres  *localpostgres.Server
	dsn       string // connects directly, not through the proxy
	keycloak  *localkeycloak.Server
	home      localkeycloak.Options
	realm     *realm.Realm
	proxy     *outside.Proxy
	instances [2]*outside.Instance
	rotation  *rotation
	links     map[string]*toxiproxy.Proxy // postgres, keycloak, mail

	mu       sync.Mutex
	box      *mailbox.Mailbox
	boxAt    mailbox.Options
	answer   atomic.Pointer[string] // stage at which the mail server fails
	stopping sync.Once
}

// Messages returns the mails to an address, whether or not the server runs.
func (w *stand) Messages(to string) []mailbox.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.box.Messages(to)
}

// Wait waits for n mails to an address in the mailbox that runs now.
func (w *stand) Wait(ctx context.Context, to string, n int) (mailbox.Message, error) {
	w.mu.Lock()
	box := w.box
	w.mu.Unlock()
	return box.Wait(ctx, to, n)
}

// build starts all parts; Keycloak starts concurrently, because it takes
// longest.
func build(ctx context.Context, seconds int) (_ *stand, err error) {
	w := &stand{links: map[string]*toxiproxy.Proxy{}}
	if w.dir, err = os.MkdirTemp("", "entree-chaos-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	w.home = localkeycloak.Options{Dir: filepath.Join(w.dir, "keycloak"), Out: os.Stdout}
	started := make(chan error, 1)
	go func() {
		server, err := localkeycloak.Start(ctx, w.home)
		w.keycloak = server
		started <- err
	}()
	program, err := outside.Build(w.dir)
	if err != nil {
		return nil, errors.Join(err, <-started)
	}
	if w.postgres, err = localpostgres.Start(); err != nil {
		return nil, errors.Join(err, <-started)
	}
	if w.dsn, err = w.postgres.DSN("entree"); err != nil {
		return nil, errors.Join(err, <-started)
	}
	// Restarted parts need the same port again, so the system does not choose
	// the ports.
	ports := map[string]string{}
	for _, name := range []string{"smtp", "http", "postgres", "keycloak", "mail"} {
		if ports[name], err = outside.FreeAddress(); err != nil {
			return nil, errors.Join(err, <-started)
		}
	}
	w.boxAt = mailbox.Options{SMTP: ports["smtp"], HTTP: ports["http"], Dir: w.dir, Keep: everyMail, Fault: w.fault}
	if w.box, err = mailbox.Start(w.boxAt); err != nil {
		return nil, errors.Join(err, <-started)
	}
	if err = <-started; err != nil {
		return nil, err
	}
	at, err := url.Parse(w.keycloak.URL())
	if err != nil {
		return nil, err
	}
	if w.home.Port, err = strconv.Atoi(at.Port()); err != nil {
		return nil, err
	}
	database, err := url.Parse(w.dsn)
	if err != nil {
		return nil, err
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for name, upstream := range map[string]string{"postgres": database.Host, "keycloak": at.Host, "mail": w.boxAt.SMTP} {
		p := toxiproxy.NewProxy(server, name, ports[name], upstream)
		if err := p.Start(); err != nil {
			return nil, err
		}
		w.links[name] = p
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		return nil, err
	}
	w.proxy = &outside.Proxy{Dir: filepath.Join(w.dir, "nginx"), Listen: listen}
	if err = os.Mkdir(w.proxy.Dir, 0o755); err != nil {
		return nil, err
	}
	client := secret.GenerateKey().Reveal()
	w.realm, err = outside.NewRealm(ctx, w.keycloak.URL(), "universite", w.keycloak.AdminPassword().Reveal(), "http://"+listen, client)
	if err != nil {
		return nil, fmt.Errorf("set the realm up: %w", err)
	}
	database.Host = w.links["postgres"].Listen
	w.config = outside.Config{
		Dir: w.dir, Database: database.String(), BaseURL: "http://" + listen,
		Keycloak: "http://" + w.links["keycloak"].Listen, Realm: "universite", SMTP: w.links["mail"].Listen,
		Trusted: []string{"127.0.0.1"}, Secret: secret.GenerateKey().Reveal(), Client: client,
		More: "limits: {mails_altogether_per_10_minutes: 100000, mails_per_network_per_10_minutes: 100000, wrong_codes_per_network_per_10_minutes: 100000, wrong_codes_altogether_per_day: 1000000}",
	}
	if _, err = w.config.Write(); err != nil {
		return nil, err
	}
	w.people = enrol(max(400, 12*seconds))
	if err = w.config.Import(program, w.people); err != nil {
		return nil, err
	}
	for i := range w.instances {
		at, err := outside.FreeAddress()
		if err != nil {
			return nil, err
		}
		w.proxy.Instances = append(w.proxy.Instances, at)
		w.instances[i] = &outside.Instance{Program: program, Config: w.config, Listen: at, Log: fmt.Sprintf("%s/instance%d.log", w.dir, i+1)}
		if err := w.instances[i].Start(); err != nil {
			return nil, err
		}
		if err := w.instances[i].Answers(ctx); err != nil {
			return nil, err
		}
	}
	w.rotation = newRotation(w.config.Secret, w.instances[:])
	if err = w.proxy.Start(ctx); err != nil {
		return nil, err
	}
	say("the stand is there, at %s, with %d people", w.config.BaseURL, len(w.people))
	return w, nil
}

// everyMail exceeds the number of mails that a day's students can request. The
// mailbox must keep all of them, because a discarded mail would count as lost.
const everyMail = 1_000_000

// enrol generates people. Every seventh is a member of staff, who is asked for
// a birth date and whose identifier is derived from the name.
func enrol(n int) []scripted.Person {
	given := []string{"Emma", "Louise", "Hugo", "Chloé", "Zoé", "Loïc", "Maël", "Inès", "Noé", "Agnès"}
	family := []string{"Bernard", "Petit", "Lefèvre", "Roux", "Nuñez", "Garnier", "Müller", "Traoré", "Håkansson", "Kowalczyk", "Dubreuil"}
	var out []scripted.Person
	for i := range n {
		p := scripted.Person{
			Number: fmt.Sprint(31000000 + i), GivenName: given[i%len(given)], FamilyName: family[i/3%len(family)], Profile: "etudiant",
			Email: fmt.Sprintf("someone.%d@example.org", i), BirthDate: fmt.Sprintf("%d-%02d-%02d", 1990+i%15, 1+i%12, 1+i%28),
		}
		if i%7 == 6 {
			p.Profile, p.Number = "personnel", fmt.Sprint(5100000+i)
		}
		out = append(out, p)
	}
	return out
}

// fault makes the mail server fail as the current fault requires.
func (w *stand) fault(stage, _ string) *smtp.SMTPError {
	if at := w.answer.Load(); at != nil && *at == stage {
		return &smtp.SMTPError{Code: 451, Message: "later"}
	}
	return nil
}

// again restarts an instance until it keeps running, as systemd does, because
// its database may be unavailable. The secret may change before the restart.
func (w *stand) again(ctx context.Context, i *outside.Instance) error {
	for {
		i.Config.Secret = w.rotation.next(i)
		if err := i.Start(); err != nil {
			return err
		}
		err := i.Answers(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		i.Kill()
	}
}

// open opens the database without the proxy.
func (w *stand) open(ctx context.Context) (*store.Store, error) {
	return store.Open(ctx, w.dsn, time.Now)
}

// quiet waits until no job waits, or until ctx is done.
func (w *stand) quiet(ctx context.Context, db *store.Store) {
	for ctx.Err() == nil {
		counts, err := db.JobCounts(ctx)
		waiting := int64(0)
		for _, c := range counts {
			waiting += c.Waiting
		}
		if err == nil && waiting == 0 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (w *stand) close() {
	w.stopping.Do(func() {
		if w.proxy != nil && w.proxy.Child != nil {
			w.proxy.Stop()
		}
		for _, i := range w.instances {
			if i != nil && i.Child != nil {
				_ = i.Signal(syscall.SIGCONT)
				i.Stop()
			}
		}
		for _, p := range w.links {
			p.Stop()
		}
		if w.box != nil {
			_ = w.box.Close()
		}
		if w.keycloak != nil {
			w.keycloak.Stop()
		}
		if w.postgres != nil {
			_ = w.postgres.Stop()
		}
		http.DefaultClient.CloseIdleConnections()
		if !w.keep {
			_ = os.RemoveAll(w.dir)
		}
	})
}

// children returns a process and its children.
func children(pid int) []int {
	out := []int{pid}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return out
	}
	for field := range strings.FieldsSeq(string(raw)) {
		if n, err := strconv.Atoi(field); err == nil {
			out = append(out, n)
		}
	}
	return out
}
