package portal_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"entree/internal/domain"
	"entree/portal"
	"entree/portal/web"
)

// Errors that would occur on a page occur at the program's start, with their
// location.
func TestStartRefusesWhatWouldFailLater(t *testing.T) {
	with := func(file, content string) func(*portal.Options) {
		return func(o *portal.Options) {
			files := fstest.MapFS{}
			if err := copyFS(files, "testdata/templates"); err != nil {
				t.Fatal(err)
			}
			files[file] = &fstest.MapFile{Data: []byte(content)}
			o.Templates = files
		}
	}
	content := func(s string) string { return `{{define "content"}}` + s + `{{end}}` }
	for name, tt := range map[string]struct {
		change func(*portal.Options)
		says   string
	}{
		"a field that is not there":  {with("success.html", content(`{{.Data.Password}}`)), "success"},
		"in a branch seldom taken":   {with("code.html", content(`{{if .Data.Blocked}}{{.Data.Nothing}}{{end}}`)), "code"},
		"an asset that is not there": {with("ent.html", content(`{{call .Asset "nothing.png"}}`)), "nothing.png"},
		"broken syntax":              {with("guide.html", content(`{{if}}`)), "guide"},
		"accent too pale":            {func(o *portal.Options) { o.Theme.Accent = "#ffff00" }, "contrast"},
		"a way that ends":            {func(o *portal.Options) { o.EntURL = "" }, "sign-on"},
		"an ENT that is no address":  {func(o *portal.Options) { o.EntURL = "javascript:alert(1)" }, "ENT"},
		"a proxy that is no address": {func(o *portal.Options) { o.TrustedProxies = []string{"everybody"} }, "proxies"},
	} {
		failed := &recorder{}
		func() {
			defer func() { _ = recover() }()
			newWorld(failed, tt.change)
		}()
		if failed.err == nil || !strings.Contains(failed.err.Error(), tt.says) {
			t.Errorf("%s: %v, want an error that names %q", name, failed.err, tt.says)
		}
	}
}

func copyFS(to fstest.MapFS, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		b, err := os.ReadFile(dir + "/" + e.Name())
		if err != nil {
			return err
		}
		to[e.Name()] = &fstest.MapFile{Data: b}
	}
	return nil
}

func TestFigures(t *testing.T) {
	down := false
	metrics := web.NewMetrics(web.Build{}, web.Figures{
		Events: func(context.Context) (map[domain.EventKind]int64, error) {
			if down {
				return nil, errors.New("database is down")
			}
			return map[domain.EventKind]int64{domain.EventAccountCreated: 42}, nil
		},
		Jobs: func(context.Context) ([]web.JobFigures, error) {
			return []web.JobFigures{{Kind: "mail", Waiting: 3, GivenUp: 1, Oldest: 90 * time.Second}}, nil
		},
		Limits: func(context.Context) (map[string]float64, error) { return map[string]float64{"wrong-total": 0.5}, nil },
	})
	w := newWorld(t, func(o *portal.Options) { o.Metrics, o.OpsElsewhere = metrics, true })
	b := w.browser(t)
	b.begin(known)
	b.get("/activation/nothing-" + rightCode)
	metrics.ObserveHash(30 * time.Millisecond)
	if p := b.get("/metrics"); p.status != 404 {
		t.Errorf("/metrics among the pages although they are elsewhere: %d", p.status)
	}
	rec := httptest.NewRecorder()
	w.portal.Ops().ServeHTTP(rec, httptest.NewRequest("GET", "http://10.0.0.5:9000/metrics", nil))
	body := rec.Body.String()
	for _, want := range []string{
		`entree_http_requests_total{method="POST",route="/activation",status="303"} 1`,
		`entree_http_requests_total{method="GET",route="none",status="404"} 2`,
		`entree_http_request_seconds_count{route="/activation"} 2`,
		`entree_database_events_total{kind="account.activated"} 42`,
		`entree_database_jobs_waiting{kind="mail"} 3`, `entree_database_jobs_given_up{kind="mail"} 1`, `entree_database_jobs_oldest_seconds{kind="mail"} 90`,
		`entree_database_limit_used_ratio{limit="wrong-total"} 0.5`,
		`entree_password_hash_seconds_bucket{le="0.05"} 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("figures lack %s", want)
		}
	}
	if strings.Contains(body, rightCode) {
		t.Error("an address reached the figures")
	}
	down = true
	for range 2 { // the second response includes the first one's failure
		rec = httptest.NewRecorder()
		w.portal.Ops().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	}
	for _, want := range []string{`entree_database_jobs_waiting{kind="mail"} 3`, `promhttp_metric_handler_errors_total{cause="gathering"} 1`} {
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), want+"\n") {
			t.Errorf("while the database is down: %d without %s", rec.Code, want)
		}
	}
}
