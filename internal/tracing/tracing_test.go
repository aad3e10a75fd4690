package tracing_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"entree/internal/tracing"
)

// spans starts a collector and returns its address and the spans that arrived.
func spans(t *testing.T) (address string, received func() []*wire.Span) {
	t.Helper()
	var mu sync.Mutex
	var got []*wire.Span
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		var request collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(raw, &request); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, resource := range request.ResourceSpans {
			if text := resource.Resource.String(); strings.Contains(text, "host") || strings.Contains(text, "process") || !strings.Contains(text, "entree") {
				t.Errorf("the resource is %s", text)
			}
			for _, scope := range resource.ScopeSpans {
				got = append(got, scope.Spans...)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1/traces", func() []*wire.Span {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

// A request, a job and its call of Keycloak arrive as spans. Nothing in them tells
// who the student is.
func TestSpansArriveWithoutPersonalData(t *testing.T) {
	address, received := spans(t)
	tracer, err := tracing.New(t.Context(), tracing.Options{Endpoint: address, Share: 1, Version: "v0.1.0", Failed: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	keycloak := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") != "" {
			t.Error("a trace context left the portal")
		}
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer keycloak.Close()
	client := &http.Client{Transport: tracer.Transport("keycloak", http.DefaultTransport)}

	_, answered := tracer.Request(t.Context())
	answered("POST", "/activation", http.StatusSeeOther, "7K3F-9Q2M-0XVB")
	ctx, finished := tracer.Job(t.Context(), "account", 2)
	for _, of := range []*http.Request{
		httptest.NewRequestWithContext(ctx, http.MethodGet, keycloak.URL+"/admin/realms/x/users?username=o22501234", nil),
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, keycloak.URL, nil), // outside of a job
	} {
		of.RequestURI = ""
		response, err := client.Do(of)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	finished(true)
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}

	byName := map[string]*wire.Span{}
	for _, s := range received() {
		byName[s.Name] = s
		if text := s.String(); strings.Contains(text, "o22501234") || strings.Contains(text, "127.0.0.1") || strings.Contains(text, "users") {
			t.Errorf("personal data in %s", text)
		}
	}
	if len(byName) != 3 {
		t.Fatalf("%d spans: %v", len(byName), byName)
	}
	job, call := byName["job account"], byName["keycloak GET"]
	if byName["POST /activation"] == nil || job == nil || call == nil {
		t.Fatalf("the spans are %v", byName)
	}
	if string(call.ParentSpanId) != string(job.SpanId) || string(call.TraceId) != string(job.TraceId) {
		t.Error("the call does not belong to the job")
	}
	if job.Status.Code != wire.Status_STATUS_CODE_ERROR || call.Status.Code != wire.Status_STATUS_CODE_ERROR || byName["POST /activation"].Status.Code == wire.Status_STATUS_CODE_ERROR {
		t.Error("the failures are not those of job and call")
	}
}

// A collector that is away costs the failed transmission and nothing else.
func TestACollectorThatIsAwayIsReported(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL + "/v1/traces"
	server.Close()
	var failures atomic.Int32
	tracer, err := tracing.New(t.Context(), tracing.Options{Endpoint: address, Share: 1, Failed: func(error) { failures.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	_, answered := tracer.Request(t.Context())
	answered("GET", "/", http.StatusOK, "")
	err = tracer.Close()
	if failures.Load() == 0 && err == nil {
		t.Error("the failure is not reported")
	}
}
