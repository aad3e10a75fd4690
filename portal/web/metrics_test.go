package web

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entree/internal/domain"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

// docs/metrics.md lists the metrics of the registry.
func TestMetricsDocument(t *testing.T) {
	m := NewMetrics(Build{Version: "v1"}, Figures{
		Events: func(context.Context) (map[domain.EventKind]int64, error) {
			return map[domain.EventKind]int64{domain.EventAccountCreated: 1}, nil
		},
		Jobs: func(context.Context) ([]JobFigures, error) {
			return []JobFigures{{Kind: domain.JobMail, Waiting: 1, Oldest: time.Second}}, nil
		},
		Claims: func(context.Context) (map[domain.ClaimState]int64, time.Duration, error) { return nil, time.Hour, nil },
		Limits: func(context.Context) (map[string]float64, error) { return map[string]float64{"mail-total": 0}, nil },
	})
	m.JobEnded(domain.JobMail, "done")
	m.watchParts(func(context.Context) map[string]bool { return map[string]bool{"database": true} })
	m.request("/activation", http.MethodGet, http.StatusOK, time.Millisecond)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("# Metrics\n\nGenerated from the program's registry by `make generate`.\n\n" +
		"`/metrics` answers in the Prometheus text format, on `portal.ops_listen` or, without it, to this machine only. " +
		"Besides these metrics it has those of the Go collectors: `go_…` for the runtime and `process_…` for memory, processor time and file descriptors. " +
		"Metrics whose names begin with `entree_database` are read from the database: every instance reports the same values, so take their maximum (`max by (kind) (…)`). " +
		"All other metrics belong to the instance that reports them, so add them up. [deploy/monitoring](../deploy/monitoring/README.md) has alert rules and a dashboard.\n\n" +
		"| metric | type | labels | meaning |\n|---|---|---|---|\n")
	found := 0
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "entree_") {
			continue
		}
		found++
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp())
	}
	if n := registered(m); found != n {
		t.Errorf("%d metrics have a value and %d are registered: give each one a value above", found, n)
	}
	const file = "../../docs/metrics.md"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != out.String() {
		t.Error("docs/metrics.md is out of date: run `make generate`")
	}
}

// registered returns the number of the portal's registered metrics, with or
// without values.
func registered(m *Metrics) (n int) {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(descriptions)
		close(descriptions)
	}()
	for d := range descriptions {
		if strings.Contains(d.String(), `fqName: "entree_`) {
			n++
		}
	}
	return n
}
