package outside

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"entree/deploy"
	"entree/internal/devenv/child"
)

// Proxy is nginx with the sample of deploy/nginx on loopback.
type Proxy struct {
	Dir       string
	Listen    string // host:port
	Instances []string
	TLS       bool // with a certificate of its own, which Roots returns

	*child.Child
	starts int
}

// connectionsEach is the number of connections of nginx's one process: twice as
// many as the sample's limit for one visitor, each with one to the portal.
const connectionsEach = 8192

// Roots returns the pool with the proxy's certificate. It may be called after
// Start.
func (p *Proxy) Roots() (*x509.CertPool, error) {
	raw, err := os.ReadFile(filepath.Join(p.Dir, "fullchain.pem"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, errors.New("the proxy's certificate does not parse")
	}
	return pool, nil
}

// client returns a client that trusts the proxy's certificate.
func (p *Proxy) client() (*http.Client, error) {
	if !p.TLS {
		return http.DefaultClient, nil
	}
	pool, err := p.Roots()
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}, err
}

// URL returns the address of the proxy.
func (p *Proxy) URL() string {
	if p.TLS {
		return "https://" + p.Listen
	}
	return "http://" + p.Listen
}

// certify writes a self-signed certificate for loopback and its key.
func (p *Proxy) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "entree"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(p.Dir, "fullchain.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o644),
		os.WriteFile(filepath.Join(p.Dir, "privkey.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// Start starts nginx and waits until it answers.
func (p *Proxy) Start(ctx context.Context) error {
	if p.TLS {
		if err := p.certify(); err != nil {
			return err
		}
	}
	if err := p.write(); err != nil {
		return err
	}
	client, err := p.client()
	if err != nil {
		return err
	}
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; !exists(program) {
			return fmt.Errorf("no nginx: install it (on Debian: apt-get install nginx-light): %w", err)
		}
	}
	p.starts++
	cmd := exec.Command(program, "-c", filepath.Join(p.Dir, "nginx.conf"), "-p", p.Dir, "-e", filepath.Join(p.Dir, "error.log"))
	if p.Child, err = child.Start(child.Program{Name: "nginx", Cmd: cmd, Log: fmt.Sprintf("%s/nginx.log.%d", p.Dir, p.starts)}); err != nil {
		return err
	}
	return p.Ready(ctx, func(ctx context.Context) bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/", nil)
		if err != nil {
			return false
		}
		response, err := client.Do(request)
		return err == nil && response.Body.Close() == nil
	})
}

// write derives a configuration for tests from the sample: other addresses, and
// another certificate or none.
func (p *Proxy) write() error {
	sample, err := deploy.FS.ReadFile("nginx/entree.conf")
	if err != nil {
		return err
	}
	for _, name := range []string{"indisponible.html", "cookies.html"} {
		page, err := deploy.FS.ReadFile("nginx/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.Dir, name), page, 0o644); err != nil {
			return err
		}
	}
	site := string(sample)
	for i, instance := range p.Instances {
		site = strings.ReplaceAll(site, fmt.Sprintf("127.0.0.1:808%d", i+1), instance)
	}
	if p.TLS {
		site = strings.ReplaceAll(site, "/etc/ssl/entree/", p.Dir+"/")
		site = strings.ReplaceAll(site, "listen 443 ssl;", "listen "+p.Listen+" ssl;")
	} else {
		site = regexp.MustCompile(`(?m)^\s*ssl_.*\n`).ReplaceAllString(site, "")
		site = strings.ReplaceAll(site, "listen 443 ssl;", "listen "+p.Listen+";")
	}
	site = strings.ReplaceAll(site, "/var/log/nginx/entree.log", filepath.Join(p.Dir, "access.log"))
	site = strings.ReplaceAll(site, "server_name mon-compte.univ-orleans.example;", "server_name _;")
	site = strings.ReplaceAll(site, "/etc/nginx/entree;", p.Dir+";")
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // only root may read the folder
	}
	main := user + `daemon off; worker_processes 1; pid nginx.pid;
error_log error.log warn; worker_rlimit_nofile ` + fmt.Sprint(2*connectionsEach) + `;
events { worker_connections ` + fmt.Sprint(connectionsEach) + `; }
http {
client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
` + site + "\n}\n"
	return os.WriteFile(filepath.Join(p.Dir, "nginx.conf"), []byte(main), 0o644)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
