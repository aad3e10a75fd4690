package app

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"entree/internal/config"
	"entree/internal/mail"
	"entree/internal/mail/bounce"
	"entree/internal/sso"
	"entree/keycloak"
)

// O8: every system whose certificate comes from a private authority is trusted
// through one key, and without the key none is.
func TestO8_APrivateCAIsTrustedEverywhere(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]bool{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[strings.Split(r.URL.Path, "/")[1]] = true
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	relay := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return silentSession{}, nil }))
	relay.TLSConfig = server.TLS
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = relay.Serve(listener) }()
	defer relay.Close()
	_, port, _ := strings.Cut(listener.Addr().String(), ":")

	for _, trusted := range []bool{true, false} {
		mu.Lock()
		clear(asked)
		mu.Unlock()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		text := `institution: {name: U, help_email: a@example.org}
portal: {base_url: "https://portal.example"}
database: "postgres://entree@db/entree?sslmode=verify-full"
keycloak: {url: "` + server.URL + `/keycloak", realm: r, client_secret: s}
sso: {issuer: "` + server.URL + `/issuer", client_secret: s}
smtp: {host: 127.0.0.1, port: ` + port + `, from: a@example.org, timeout: 5s}
bounces: {kind: imap, host: imap.example, user: u}
profiles: [{key: e, name: {fr: E, en: E}, login: "{number}", address: "{number}@example.org", affiliation: student}]
charters: [{version: "1", title: {fr: C}, file: {fr: c.md}}]
`
		if trusted {
			text += "private_ca: ca.pem\n"
		}
		for name, content := range map[string]string{"entree.yaml": text, "c.md": "# C"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := config.Load(filepath.Join(dir, "entree.yaml"), []string{"ENTREE_SECRET=" + strings.Repeat("0f", 32)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		client, err := keycloak.NewClient(keycloakConfig(c))
		if err != nil {
			t.Fatal(err)
		}
		_ = client.Ping(ctx)
		_ = keycloak.NewAdmin(server.URL+"/admin", "r", "a", c.Keycloak.ClientSecret).Trust(c.Roots()).Ping(ctx)
		_ = probeURL(ctx, c, c.Issuer())
		cas, err := sso.NewCAS(sso.CASConfig{URL: server.URL + "/cas", ServiceURL: "https://portal.example", Now: time.Now, Random: rand.Reader, HTTPClient: httpClient(c)})
		if err != nil {
			t.Fatal(err)
		}
		_, state, err := cas.AuthURL(ctx, "", "")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = cas.Exchange(ctx, state, url.Values{"state": {state.State}, "ticket": {"ST-1"}})
		mu.Lock()
		for _, name := range []string{"keycloak", "admin", "issuer", "cas"} {
			if asked[name] != trusted {
				t.Errorf("with the key %v, %s was reached: %v", trusted, name, asked[name])
			}
		}
		mu.Unlock()
		m, err := mail.New(mailOptions(c, bounce.DefaultRules()))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Ready(ctx); (err == nil) != trusted {
			t.Errorf("with the key %v, the mail server: %v", trusted, err)
		}
		if roots := newIMAP(c).TLSRoots; (roots != nil && roots.ServerName == "imap.example" && roots.RootCAs == c.Roots()) != trusted {
			t.Errorf("with the key %v, IMAP has %v", trusted, roots)
		}
		if dsn := DatabaseOf(c); strings.Contains(dsn, "sslrootcert="+url.QueryEscape(filepath.Join(dir, "ca.pem"))) != trusted || !strings.Contains(dsn, "pool_max_conns=20") {
			t.Errorf("with the key %v, the database is %s", trusted, dsn)
		}
	}
}

// silentSession takes a sender and no mail.
type silentSession struct{}

func (silentSession) Reset()                               {}
func (silentSession) Logout() error                        { return nil }
func (silentSession) Mail(string, *smtp.MailOptions) error { return nil }
func (silentSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (silentSession) Data(io.Reader) error                 { return io.EOF }
