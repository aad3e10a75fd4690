package web

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entree/internal/domain"
)

// Figures are the functions that read metrics from the database at each scrape.
// Every instance therefore reports the same values.
type Figures struct {
	// Events returns the number of events since the installation, by kind.
	Events func(context.Context) (map[domain.EventKind]int64, error)
	// Jobs returns the numbers of waiting and of abandoned jobs, by kind.
	Jobs func(context.Context) ([]JobFigures, error)
	// Limits returns the used share of the limits of all visitors together, by
	// name: 1 means that acts are refused. Alarms are set on it.
	Limits func(context.Context) (map[string]float64, error)
	// Claims returns the numbers of claims of another address that operators see, by
	// state, and the age of the one that waits the longest for an operator.
	Claims func(context.Context) (byState map[domain.ClaimState]int64, oldest time.Duration, err error)
}

// JobFigures describes the jobs of one kind.
type JobFigures struct {
	Kind    string
	Waiting int64
	Planned int64
	GivenUp int64
	Oldest  time.Duration // age of the oldest waiting job
	Cause   int64         // number of jobs that wait for the most frequent cause
}

// Metrics is the portal's own Prometheus registry. It is safe for concurrent
// use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	hashing  prometheus.Histogram
	jobs     *prometheus.CounterVec
	parts    *partsOf
}

// Build names the build of the program.
type Build struct{ Version, Commit string }

// partsOf is the function that checks the parts; the site sets it.
type partsOf struct {
	mu  sync.Mutex
	ask func(context.Context) map[string]bool
}

// watchParts makes /metrics report the parts of /readyz.
func (m *Metrics) watchParts(ask func(context.Context) map[string]bool) {
	m.parts.mu.Lock()
	defer m.parts.mu.Unlock()
	m.parts.ask = ask
}

// NewMetrics creates the registry, with the build in entree_build_info. Each function of f may be nil.
func NewMetrics(b Build, f Figures) *Metrics {
	m := &Metrics{
		parts:    &partsOf{},
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "entree_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "entree_http_request_seconds", Help: "Time to answer.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		hashing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "entree_password_hash_seconds", Help: "Time to hash a chosen password, waiting for a free place included.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
	}
	m.jobs = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "entree_jobs_ended_total", Help: "Runs of jobs of this instance by how they ended: done, retried, given_up."}, []string{"kind", "how"})
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "entree_build_info", Help: "Always 1; the labels name the build of this instance.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "go": runtime.Version()},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.latency, m.hashing, m.jobs, info, figures{f, m.parts}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// ObserveHash records the time that one password took to hash.
func (m *Metrics) ObserveHash(d time.Duration) { m.hashing.Observe(d.Seconds()) }

// JobEnded counts a run of a job.
func (m *Metrics) JobEnded(kind, how string) { m.jobs.WithLabelValues(kind, how).Inc() }

func (m *Metrics) request(route, verb string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method(verb), strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(route).Observe(took.Seconds())
}

func (m *Metrics) handler() http.Handler {
	// If the database fails, the metrics of requests are most needed: they are
	// served, and the collection error is counted in the same answer.
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, Registry: m.registry, Timeout: 10 * time.Second,
	})
}

// figures is a collector that calls the functions of Figures. The names of the
// metrics that it reads from the database begin with entree_database.
type figures struct {
	Figures
	parts *partsOf
}

var (
	eventsDesc  = prometheus.NewDesc("entree_database_events_total", "Events of activations, by kind.", []string{"kind"}, nil)
	plannedDesc = prometheus.NewDesc("entree_database_jobs_planned", "Jobs that were never tried and whose time has not come, such as the next mails of a campaign.", []string{"kind"}, nil)
	partDesc    = prometheus.NewDesc("entree_part_up", "1 if the part passed its last check of /readyz, 0 if not.", []string{"part"}, nil)
	waitingDesc = prometheus.NewDesc("entree_database_jobs_waiting", "Jobs that are due now, or failed and are retried. 0 in normal operation, or a few for a moment.", []string{"kind"}, nil)
	givenUpDesc = prometheus.NewDesc("entree_database_jobs_given_up", "Jobs that were given up and need an operator.", []string{"kind"}, nil)
	causeDesc   = prometheus.NewDesc("entree_database_jobs_same_cause", "Jobs that wait for the most frequent cause: the error of their last attempt.", []string{"kind"}, nil)
	limitDesc   = prometheus.NewDesc("entree_database_limit_used_ratio", "Used share of a limit of all visitors together; 1: acts are refused.", []string{"limit"}, nil)
	claimsDesc  = prometheus.NewDesc("entree_database_claims", "Claims of another address in the last thirteen months, by state.", []string{"state"}, nil)
	claimAge    = prometheus.NewDesc("entree_database_claims_oldest_seconds", "Time for which the oldest claim of another address has waited for an operator; 0: none waits.", nil, nil)
	oldestDesc  = prometheus.NewDesc("entree_database_jobs_oldest_seconds", "Time for which the oldest waiting job has waited.", []string{"kind"}, nil)
)

// tellsKnownAddress reports whether events of a kind occur only for addresses
// that are in the registry, before the student has proven anything. Their count
// would reveal whether an address is registered (S14), so it is not exported.
func tellsKnownAddress(kind domain.EventKind) bool {
	return kind == domain.EventMailSent || kind == domain.EventAddressWrong || kind == domain.EventSecondWrong
}

func (f figures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{eventsDesc, partDesc, waitingDesc, plannedDesc, givenUpDesc, causeDesc, oldestDesc, limitDesc, claimsDesc, claimAge} {
		ch <- d
	}
}

func (f figures) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	f.parts.mu.Lock()
	ask := f.parts.ask
	f.parts.mu.Unlock()
	if ask != nil {
		for part, up := range ask(ctx) {
			value := 0.0
			if up {
				value = 1
			}
			ch <- prometheus.MustNewConstMetric(partDesc, prometheus.GaugeValue, value, part)
		}
	}
	if f.Events != nil {
		counts, err := f.Events(ctx)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(eventsDesc, err)
		}
		for kind, n := range counts {
			if tellsKnownAddress(kind) {
				continue
			}
			ch <- prometheus.MustNewConstMetric(eventsDesc, prometheus.CounterValue, float64(n), string(kind))
		}
	}
	if f.Claims != nil {
		byState, oldest, err := f.Claims(ctx)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(claimsDesc, err)
		} else {
			for _, state := range domain.ClaimStates() {
				ch <- prometheus.MustNewConstMetric(claimsDesc, prometheus.GaugeValue, float64(byState[state]), string(state))
			}
			ch <- prometheus.MustNewConstMetric(claimAge, prometheus.GaugeValue, oldest.Seconds())
		}
	}
	if f.Limits != nil {
		used, err := f.Limits(ctx)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(limitDesc, err)
		}
		for name, share := range used {
			ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, share, name)
		}
	}
	if f.Jobs != nil {
		jobs, err := f.Jobs(ctx)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(waitingDesc, err)
		}
		for _, j := range jobs {
			ch <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(j.Waiting), j.Kind)
			ch <- prometheus.MustNewConstMetric(plannedDesc, prometheus.GaugeValue, float64(j.Planned), j.Kind)
			ch <- prometheus.MustNewConstMetric(givenUpDesc, prometheus.GaugeValue, float64(j.GivenUp), j.Kind)
			ch <- prometheus.MustNewConstMetric(causeDesc, prometheus.GaugeValue, float64(j.Cause), j.Kind)
			ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, j.Oldest.Seconds(), j.Kind)
		}
	}
}
