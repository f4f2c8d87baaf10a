package fetch_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/fetch"
)

func TestTLS(t *testing.T) {
	plain := serve(t, func(n int, w http.ResponseWriter, r *http.Request) { file(w, r) })
	requests := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if r.URL.Path == "/down" {
			http.Redirect(w, r, plain.URL, http.StatusFound)
			return
		}
		file(w, r)
	}))
	t.Cleanup(s.Close)
	s.Config.ErrorLog = plain.Config.ErrorLog
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(bundle, data, 0o644); err != nil {
		t.Fatal(err)
	}

	_, err := client(t, fetch.Options{}).Blob(context.Background(), request(s.URL), nil)
	if err == nil || !strings.Contains(err.Error(), "SSL_CERT_FILE") || strings.Contains(err.Error(), "attempts") || requests != 0 {
		t.Errorf("unknown authority: %v", err)
	}
	c := client(t, fetch.Options{CABundle: bundle})
	path, err := c.Blob(context.Background(), request(s.URL), nil)
	wantBody(t, c, path, err)
	_, err = client(t, fetch.Options{CABundle: bundle}).Blob(context.Background(), request(s.URL+"/down"), nil)
	if err == nil || !strings.Contains(err.Error(), "from https to http") || len(plain.seen()) != 0 {
		t.Errorf("downgrade: %v", err)
	}
}
