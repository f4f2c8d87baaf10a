package fetch

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"sync"
)

// byServer speaks with some servers in a way of their own: other authorities, or a certificate that lithe shows. Connections
// are shared by those who are spoken with alike, and by nobody else.
type byServer struct {
	common *http.Transport
	config func(*url.URL) *tls.Config

	mu   sync.Mutex
	made map[*tls.Config]*http.Transport
}

// RoundTrip makes one request.
func (b *byServer) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.transport(r.URL).RoundTrip(r)
}

func (b *byServer) transport(u *url.URL) *http.Transport {
	config := b.config(u)
	if config == nil {
		return b.common
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.made[config]
	if !ok {
		t = b.common.Clone()
		t.TLSClientConfig = config.Clone() // which the transport changes
		if b.made == nil {
			b.made = map[*tls.Config]*http.Transport{}
		}
		b.made[config] = t
	}
	return t
}
