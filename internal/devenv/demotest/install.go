package demotest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/devenv/democonfig"
	"entree/internal/devenv/mailbox"
)

// Installation is a folder with the demo's configuration and a running mailbox.
// No Keycloak answers at the address in the configuration.
type Installation struct {
	Dir     string
	Config  string   // path of entree.yaml
	Environ []string // the secrets, as ENTREE_… variables
	Base    string   // URL at which the portal is configured to answer
	Box     *mailbox.Mailbox
	t       testing.TB
}

// Install writes an installation for one test. Its port is free when Install
// returns.
func Install(t testing.TB) *Installation {
	t.Helper()
	i := &Installation{t: t, Dir: t.TempDir(), Environ: []string{
		"ENTREE_SECRET=" + strings.Repeat("0f", 32), "ENTREE_KEYCLOAK_CLIENT_SECRET=a", "ENTREE_SSO_CLIENT_SECRET=b",
	}}
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	i.Box = box
	t.Cleanup(func() { _ = box.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := listener.Addr().String()
	_ = listener.Close() // the portal listens there later
	i.Base = "http://" + listen
	host, port, err := net.SplitHostPort(box.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	if err := democonfig.WriteSecrets(i.Dir); err != nil {
		t.Fatal(err)
	}
	if _, err := democonfig.Write(i.Dir, democonfig.Addresses{Portal: i.Base, Listen: listen, Keycloak: "http://127.0.0.1:1", SMTPHost: host, SMTPPort: port, SMS: box.SMSURL()}); err != nil {
		t.Fatal(err)
	}
	i.Config = filepath.Join(i.Dir, "entree.yaml")
	return i
}

// File writes a file into the installation's folder and returns its path.
func (i *Installation) File(name, text string) string {
	i.t.Helper()
	path := filepath.Join(i.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}
