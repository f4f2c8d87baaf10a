//go:build linux

package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver takes traces and metrics by OTLP over HTTP, as a collector does.
// See https://opentelemetry.io/docs/specs/otlp/#otlphttp.
type receiver struct {
	mu     sync.Mutex
	names  map[string]bool // of services
	spans  map[string]bool
	counts map[string]int64 // of requests, by route
	failed error
}

// maxExport is more than a batch of this test has, in bytes.
const maxExport = 8 << 20

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxExport))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		switch req.URL.Path {
		case "/v1/traces":
			err = r.traces(body)
		case "/v1/metrics":
			err = r.metrics(body)
		default:
			err = fmt.Errorf("%s was asked for", req.URL.Path)
		}
	}
	if err != nil {
		r.failed = err
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty answer is a whole one
}

// traces reads a request, whose message is TracesData by another name.
func (r *receiver) traces(body []byte) error {
	var data tracepb.TracesData
	if err := proto.Unmarshal(body, &data); err != nil {
		return err
	}
	for _, resource := range data.GetResourceSpans() {
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				r.names[a.GetValue().GetStringValue()] = true
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.spans[span.GetName()] = true
			}
		}
	}
	return nil
}

// metrics keeps the last value of the counter of requests. They are sums since the start, so the last is the whole.
func (r *receiver) metrics(body []byte) error {
	var data metricspb.MetricsData
	if err := proto.Unmarshal(body, &data); err != nil {
		return err
	}
	for _, resource := range data.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				for _, point := range m.GetSum().GetDataPoints() {
					for _, a := range point.GetAttributes() {
						if m.GetName() == "requests" && a.GetKey() == "http.route" {
							r.counts[a.GetValue().GetStringValue()] = point.GetAsInt()
						}
					}
				}
			}
		}
	}
	return nil
}

// TestTelemetry lets the service send traces and metrics to a receiver while it runs, and the rest when it is stopped.
func TestTelemetry(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	got := &receiver{names: map[string]bool{}, spans: map[string]bool{}, counts: map[string]int64{}}
	collector := httptest.NewServer(got)
	defer collector.Close()
	image := l.load(t, l.project(t, "fastapi-service"))
	port := freePort(t)
	// The host's network is how a container reaches a server of the test.
	name := container(t, append(hardened[:len(hardened):len(hardened)], "--network", "host",
		"--env", "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "--env", "OTEL_METRIC_EXPORT_INTERVAL=200",
		image, "--host", "127.0.0.1", "--port", fmt.Sprint(port))...)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	serves(t, url, "65532")
	eventually(t, "metrics of a running service", func() bool {
		got.mu.Lock()
		defer got.mu.Unlock()
		return got.counts["/"] > 0
	})
	for range 3 {
		answer, err := http.Get(url + "/health")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	stopsServing(t, name, "Application startup complete")
	got.mu.Lock()
	defer got.mu.Unlock()
	if got.failed != nil {
		t.Error(got.failed)
	}
	if !got.names["fastapi-service"] || !got.spans["GET /"] || got.spans["GET /health"] {
		t.Errorf("services %v, spans %v", slices.Collect(maps.Keys(got.names)), slices.Collect(maps.Keys(got.spans)))
	}
	if got.counts["/health"] != 3 {
		t.Errorf("requests %v", got.counts)
	}
	if text := logs(t, name); strings.Contains(text, "Traceback") || !strings.Contains(text, "Application shutdown complete") {
		t.Errorf("it printed:\n%s", text)
	}
}
