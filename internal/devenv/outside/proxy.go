package outside

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"entree/deploy"
	"entree/internal/devenv/child"
)

// Proxy is nginx with the sample of deploy/nginx, without TLS, on loopback.
type Proxy struct {
	Dir       string
	Listen    string // host:port
	Instances []string

	*child.Child
	starts int
}

// Start starts nginx and waits until it answers.
func (p *Proxy) Start(ctx context.Context) error {
	if err := p.write(); err != nil {
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
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Listen+"/", nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		return err == nil && response.Body.Close() == nil
	})
}

// write derives a configuration for tests from the sample: other addresses, no
// TLS.
func (p *Proxy) write() error {
	sample, err := deploy.FS.ReadFile("nginx/entree.conf")
	if err != nil {
		return err
	}
	page, err := deploy.FS.ReadFile("nginx/indisponible.html")
	if err != nil {
		return err
	}
	site := string(sample)
	for i, instance := range p.Instances {
		site = strings.ReplaceAll(site, fmt.Sprintf("127.0.0.1:808%d", i+1), instance)
	}
	site = regexp.MustCompile(`(?m)^\s*ssl_.*\n`).ReplaceAllString(site, "")
	site = strings.ReplaceAll(site, "listen 443 ssl;", "listen "+p.Listen+";")
	site = strings.ReplaceAll(site, "server_name mon-compte.univ-orleans.example;", "server_name _;")
	site = strings.ReplaceAll(site, "/etc/nginx/entree;", p.Dir+";")
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // only root may read the folder
	}
	main := user + `daemon off; worker_processes 1; pid nginx.pid;
error_log error.log warn;
events { worker_connections 512; }
http {
log_format short '$remote_addr $request_method $request_uri $status';
access_log access.log short;
client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
` + site + "\n}\n"
	if err := os.WriteFile(filepath.Join(p.Dir, "indisponible.html"), page, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.Dir, "nginx.conf"), []byte(main), 0o644)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
