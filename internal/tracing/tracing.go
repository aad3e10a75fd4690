// Package tracing sends spans to an OpenTelemetry collector by OTLP over HTTP: one
// per request, one per run of a job, and one per call of another system.
//
// A span holds no personal data: a route template, a kind of job, a method, a
// status and the correlation id. It never holds an address, a query, a client's
// address, the text of an error, or a name. Trace context in requests of visitors is
// ignored, because a visitor could choose it, and none is sent to other systems.
package tracing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options configures a tracer. Endpoint must be set.
type Options struct {
	Endpoint string         // URL of the collector, such as http://127.0.0.1:4318/v1/traces
	Share    float64        // share of requests and jobs that are traced, from 0 to 1
	Version  string         // of the program
	Roots    *x509.CertPool // nil: the authorities of the system
	// Failed is called for each failed transmission.
	Failed func(error)
}

// Tracer makes spans. Its methods are safe for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// flushLimit is the time that Close has to send the last spans.
const flushLimit = 3 * time.Second

// New returns a tracer. It does not connect, so the collector may be unavailable.
func New(ctx context.Context, o Options) (*Tracer, error) {
	options := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(o.Endpoint)}
	if o.Roots != nil {
		options = append(options, otlptracehttp.WithTLSClientConfig(&tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	if o.Failed != nil {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(o.Failed))
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Share))),
		// No detectors: they would add the name of the machine and the command line.
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "entree"), attribute.String("service.version", o.Version))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("entree")}, nil
}

// Close sends the spans that wait. It takes three seconds at most.
func (t *Tracer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// Request begins the span of a visitor's request. The caller must call end after the
// answer: route is a template, reference the correlation id.
func (t *Tracer) Request(ctx context.Context) (inner context.Context, end func(method, route string, status int, reference string)) {
	inner, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot())
	return inner, func(method, route string, status int, reference string) {
		span.SetName(method + " " + route)
		span.SetAttributes(
			attribute.String("http.request.method", method), attribute.String("http.route", route),
			attribute.Int("http.response.status_code", status), attribute.String("entree.reference", reference),
		)
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Job begins the span of one run of a job. The caller must call end after it.
func (t *Tracer) Job(ctx context.Context, kind string, attempt int) (inner context.Context, end func(failed bool)) {
	inner, span := t.tracer.Start(ctx, "job "+kind, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.String("entree.job.kind", kind), attribute.Int("entree.job.attempt", attempt)))
	return inner, func(failed bool) {
		if failed {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Transport returns a transport that makes a span of each call of a system. A call
// outside of a traced request or job makes none.
func (t *Tracer) Transport(system string, next http.RoundTripper) http.RoundTripper {
	return &transport{t.tracer, system, next}
}

type transport struct {
	tracer trace.Tracer
	system string
	next   http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !trace.SpanContextFromContext(r.Context()).IsValid() {
		return t.next.RoundTrip(r)
	}
	ctx, span := t.tracer.Start(r.Context(), t.system+" "+r.Method, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("peer.service", t.system)))
	defer span.End()
	response, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		span.SetStatus(codes.Error, "")
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
	if response.StatusCode >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	return response, nil
}
