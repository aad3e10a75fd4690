package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"entree/deploy"
	"entree/internal/devenv/child"
	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localcas"
	"entree/internal/secret"
	"entree/keycloak"
)

// doors are relying parties based on other projects, beside the demo: a real
// CAS that delegates to the demo's Keycloak, an Apache with one location per
// protocol, and a separate portal, with its own people, that logs in to the ENT
// by CAS.
//
//	portal ──▶ CAS ──▶ the demo's Keycloak ◀── Apache /oidc
//	            ▲
//	            └── Apache /cas
type doors struct {
	demo   demotest.Demo // the demo, with this portal in place of its own
	cas    string
	apache string

	keycloakAway atomic.Bool // only for the portal
	dir          string
	started      []*child.Child
	casServer    *localcas.Server
	proxy        *httptest.Server
}

var (
	doorsOnce  sync.Once
	doorsThere *doors
	doorsErr   error
	closeDoors = func() {}
)

// doorsOf returns the relying parties, which it starts once for all tests.
func doorsOf(t *testing.T) *doors {
	t.Helper()
	demo := demotest.Get(t)
	doorsOnce.Do(func() {
		d := &doors{demo: *demo}
		closeDoors = d.close
		doorsThere, doorsErr = d, d.start(demo.AdminPassword(t))
	})
	if doorsErr != nil {
		t.Fatal(doorsErr)
	}
	return doorsThere
}

func (d *doors) close() {
	for _, c := range d.started {
		c.Stop()
	}
	if d.casServer != nil {
		d.casServer.Stop()
	}
	if d.proxy != nil {
		d.proxy.Close()
	}
	_ = os.RemoveAll(d.dir) // the folder belongs to this run only
}

func (d *doors) start(password string) (err error) {
	if d.dir, err = os.MkdirTemp("", "entree-doors-"); err != nil {
		return err
	}
	if err := os.Chmod(d.dir, 0o755); err != nil { // Apache's user must be able to traverse it
		return err
	}
	var ports [3]int
	for i := range ports {
		if ports[i], err = child.FreePort(); err != nil {
			return err
		}
	}
	address := func(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }
	keycloakURL := d.demo.Keycloak
	d.cas, d.apache, d.demo.Portal = localcas.At(ports[0]), address(ports[1]), address(ports[2])

	admin := keycloak.NewAdmin(keycloakURL, d.demo.Realm, "admin", secret.New(password))
	casSecret, oidcSecret := secret.GenerateKey(), secret.GenerateKey()
	for _, r := range []keycloak.RelyingParty{
		{Secret: keycloak.Secret{ID: "doors-cas", Secret: casSecret}, Name: "CAS", RedirectURIs: []string{d.cas + "/*"}, LogoutURIs: []string{d.cas + "/*"}},
		{Secret: keycloak.Secret{ID: "doors-oidc", Secret: oidcSecret}, Name: "Apache", RedirectURIs: []string{d.apache + "/oidc/back"}},
	} {
		if err := admin.AddRelyingParty(context.Background(), r); err != nil {
			return err
		}
	}
	var group errgroup.Group
	group.Go(func() (err error) {
		d.casServer, err = localcas.Start(context.Background(), localcas.Options{
			Dir: filepath.Join(d.dir, "cas"), Port: ports[0], Out: os.Stderr,
			Services: map[string]string{"ent": d.demo.Portal + "/", "apache": d.apache + "/cas/"},
			Keycloak: keycloakURL, Realm: d.demo.Realm, ClientID: "doors-cas", Secret: casSecret,
		})
		return err
	})
	var apache, portal *child.Child
	group.Go(func() (err error) {
		apache, err = d.startApache(ports[1], oidcSecret)
		return err
	})
	group.Go(func() (err error) {
		portal, err = d.startPortal(ports[2])
		return err
	})
	err = group.Wait()
	for _, c := range []*child.Child{apache, portal} {
		if c != nil {
			d.started = append(d.started, c)
		}
	}
	return err
}

// ready waits for a program, with a limit for a slow shared machine.
func ready(c *child.Child, address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	return c.Ready(ctx, child.Answers(address))
}

func (d *doors) startApache(port int, own secret.Text) (*child.Child, error) {
	dir := filepath.Join(d.dir, "apache")
	cookies := filepath.Join(dir, "cookies")
	err := errors.Join(os.MkdirAll(filepath.Join(dir, "site", "oidc"), 0o755), os.MkdirAll(filepath.Join(dir, "site", "cas"), 0o755), os.MkdirAll(cookies, 0o777),
		os.Chmod(cookies, 0o777), os.WriteFile(filepath.Join(dir, "site", "open.html"), []byte("open"), 0o644))
	for _, door := range []string{"oidc", "cas"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, "site", door, "page.shtml"), []byte("<pre><!--#printenv --></pre>"), 0o644))
	}
	for _, name := range []string{"openidc.conf", "cas.conf"} {
		raw, readErr := deploy.FS.ReadFile("apache/" + name)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, name), raw, 0o644))
	}
	if err != nil {
		return nil, err
	}
	conf, err := filepath.Abs(filepath.Join("testdata", "httpd.conf"))
	if err != nil {
		return nil, err
	}
	program, err := exec.LookPath("apache2")
	if err != nil {
		program = "/usr/sbin/apache2" // often not on the path
	}
	cmd := exec.Command(program, "-f", conf, "-DFOREGROUND")
	cmd.Env = append(os.Environ(), "HTTP_DIR="+dir, "HTTP_MODULES=/usr/lib/apache2/modules", fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", port), "SITE="+d.apache,
		"ISSUER="+d.issuer(), "OIDC_CLIENT_ID=doors-oidc", "OIDC_CLIENT_SECRET="+own.Reveal(), "OIDC_PASSPHRASE="+secret.GenerateKey().Reveal(),
		"CAS_URL="+d.cas, "CAS_COOKIES="+cookies)
	c, err := child.Start(child.Program{Name: "Apache", Cmd: cmd, Log: filepath.Join(d.dir, "apache.log")})
	if err != nil {
		return nil, err
	}
	return c, ready(c, d.apache+"/open.html")
}

func (d *doors) issuer() string { return d.demo.Keycloak + "/realms/" + d.demo.Realm }

// doorPeople are the students of this portal.
const doorPeople = `numero;profil;prenom;nom;naissance;mail;pret
22599001;etudiant;Ada;Lovelace;1985-12-10;ada.lovelace@example.com;oui
22599002;etudiant;Émile;Zola;1984-04-02;emile.zola@example.com;oui
22599003;etudiant;Rosa;Bonheur;1983-03-16;rosa.bonheur@example.com;oui
22599004;etudiant;Sophie;Germain;1986-04-01;sophie.germain@example.com;oui
22599005;etudiant;George;Sand;1984-07-01;george.sand@example.com;oui
`

// startPortal starts a portal like the demo's, with its own database and a
// connection to Keycloak that can be cut.
func (d *doors) startPortal(port int) (*child.Child, error) {
	target, err := url.Parse(d.demo.Keycloak)
	if err != nil {
		return nil, err
	}
	through := httputil.NewSingleHostReverseProxy(target)
	d.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.keycloakAway.Load() {
			panic(http.ErrAbortHandler)
		}
		r.Host = target.Host
		through.ServeHTTP(w, r)
	}))
	dir := filepath.Join(d.dir, "portal")
	err = errors.Join(os.MkdirAll(filepath.Join(dir, "bounces", "new"), 0o700),
		os.CopyFS(filepath.Join(dir, "charter"), os.DirFS(filepath.Join(d.demo.Dir, "charter"))))
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(d.demo.Dir, "entree.yaml"))
	if err != nil {
		return nil, err
	}
	conf, people := filepath.Join(dir, "entree.yaml"), filepath.Join(dir, "people.csv")
	if err := errors.Join(os.WriteFile(conf, raw, 0o600), os.WriteFile(people, []byte(doorPeople), 0o600)); err != nil {
		return nil, err
	}
	program, err := demotest.Program(dir)
	if err != nil {
		return nil, err
	}
	environ := append(os.Environ(), "ENTREE_SECRET="+secret.GenerateKey().Reveal(),
		"ENTREE_KEYCLOAK_CLIENT_SECRET_FILE="+filepath.Join(d.demo.Dir, "portal-secret"),
		"ENTREE_PORTAL_LISTEN="+strings.TrimPrefix(d.demo.Portal, "http://"), "ENTREE_PORTAL_BASE_URL="+d.demo.Portal,
		"ENTREE_KEYCLOAK_URL="+d.proxy.URL, "ENTREE_SSO_KIND=cas", "ENTREE_SSO_CAS_URL="+d.cas, "ENTREE_SSO_ISSUER="+d.issuer())
	fill := exec.Command(program, "import", "--config", conf, people)
	fill.Env = environ
	if said, err := child.Run(context.Background(), fill); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, said)
	}
	cmd := exec.Command(program, "serve", "--config", conf)
	cmd.Env = environ
	c, err := child.Start(child.Program{Name: "the portal", Cmd: cmd, Log: filepath.Join(d.dir, "portal.log")})
	if err != nil {
		return nil, err
	}
	return c, ready(c, d.demo.Portal+"/healthz")
}
