package keychain

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
)

const (
	maxAnswer    = 1 << 20          // bytes of a cloud's answer
	cloudTime    = 20 * time.Second // for one request to a cloud's servers
	metadataTime = 2 * time.Second  // for one request to a metadata server: it is on the same machine, or nowhere
)

// Endpoints are where clouds are asked. A field that is empty means the real place; tests put doubles there, and the
// environment of a user cannot.
type Endpoints struct {
	AWS      string // in place of https://api.ecr.REGION.amazonaws.com and https://sts.REGION.amazonaws.com
	EC2      string // EC2's metadata server
	ECS      string // ECS's, for relative addresses of container credentials
	Google   string // Google's token server for users
	GCE      string // Google's metadata server
	Azure    string // Microsoft's login server
	IMDS     string // Azure's metadata server
	Exchange string // in place of https://REGISTRY for ACR's token exchange
}

// orReal fills what is empty where there is one real place.
func (e Endpoints) orReal() Endpoints {
	for _, f := range []struct {
		field *string
		real  string
	}{
		{&e.EC2, "http://169.254.169.254"}, {&e.ECS, "http://169.254.170.2"}, {&e.Google, "https://oauth2.googleapis.com/token"},
		{&e.GCE, "http://metadata.google.internal"}, {&e.Azure, "https://login.microsoftonline.com"}, {&e.IMDS, "http://169.254.169.254"},
	} {
		if *f.field == "" {
			*f.field = f.real
		}
	}
	return e
}

// newHTTP follows no redirect: what it sends are secrets for one server. No proxy stands before one that is near.
func newHTTP(near bool) *http.Client {
	t := fetch.Transport()
	if near {
		t.Proxy = nil
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends a request and decodes the answer's JSON or XML. Its errors name the server and quote nothing.
func (k *Keychain) ask(ctx context.Context, req *http.Request, limit time.Duration, into any) error {
	data, err := k.askRaw(ctx, req, limit)
	if err != nil {
		return err
	}
	decode := json.Unmarshal
	if _, isXML := into.(*stsAnswer); isXML {
		decode = xml.Unmarshal
	}
	if decode(data, into) != nil {
		return fmt.Errorf("%s sent something else than a token", req.URL.Host)
	}
	return nil
}

func (k *Keychain) askRaw(ctx context.Context, req *http.Request, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := k.http
	if limit == metadataTime {
		client = k.near
	}
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.URL.Host, plainCause(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.URL.Host, plainCause(err))
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &cloudError{host: req.URL.Host, status: resp.StatusCode}
	}
	return data, nil
}

// cloudError is an answer that is no success.
type cloudError struct {
	host   string
	status int
}

func (e *cloudError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.host, e.status, http.StatusText(e.status))
}

// plainCause leaves out the URL, whose query may hold a secret.
func plainCause(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("does not answer")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return err
}
