package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"entree/internal/config"
	"entree/internal/devenv/demotest"
)

// Requests are traced with traces.endpoint only: by their route, without query and
// client. Probes are not traced.
func TestRequestsAreTracedByTheirRoute(t *testing.T) {
	var mu sync.Mutex
	var arrived strings.Builder
	names := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var request collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(raw, &request); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		arrived.WriteString(request.String())
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					names[span.Name]++
				}
			}
		}
	}))
	defer server.Close()
	for _, traced := range []bool{false, true} {
		i := demotest.Install(t)
		environ := append(i.Environ, "ENTREE_TRACES_SHARE=100")
		if traced {
			environ = append(environ, "ENTREE_TRACES_ENDPOINT="+server.URL+"/v1/traces")
		}
		c, err := config.Load(i.Config, environ)
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(t.Context(), c, NewLog(c.Log, io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/activation?profil=etudiant&x=secret-of-the-query", "/healthz"} {
			request := httptest.NewRequest(http.MethodGet, c.Portal.BaseURL+path, nil)
			request.RemoteAddr = "203.0.113.77:4711"
			a.pages.ServeHTTP(httptest.NewRecorder(), request)
		}
		a.Close()
		if !traced && len(names) > 0 {
			t.Errorf("without an endpoint these spans arrived: %v", names)
		}
	}
	if len(names) != 1 || names["GET /activation"] != 1 {
		t.Errorf("the spans are %v", names)
	}
	for _, private := range []string{"secret-of-the-query", "203.0.113.77"} {
		if strings.Contains(arrived.String(), private) {
			t.Errorf("%q is in the spans", private)
		}
	}
}
