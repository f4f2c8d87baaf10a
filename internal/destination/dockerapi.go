package destination

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/lithe-build/lithe/internal/trace"
)

const (
	pingTimeout = 3 * time.Second
	maxReply    = 64 << 20 // bytes; a list of very many images
	maxMessage  = 4 << 10  // bytes of an error message
)

// dockerAPI speaks the few parts of Docker's API that loading needs, without a version in the path: the engine takes
// its own, and none of these parts has changed since 1.12.
// See https://docs.docker.com/reference/api/engine/.
type dockerAPI struct {
	client *http.Client
	base   string
	trace  *trace.Recorder
}

// dockerInfo is what the engine says of itself.
type dockerInfo struct {
	// partial tells that an archive may leave out layers. Docker's own store allows it; containerd's store and
	// Podman do not.
	partial bool
	arch    string // as Go names it
}

// dockerImage is an image as the engine knows it.
type dockerImage struct {
	ID     string `json:"Id"`
	RootFS struct{ Layers []string }
}

// newDockerAPI returns a client that connects when it is used.
func newDockerAPI(host host) (*dockerAPI, error) {
	dialer := &net.Dialer{Timeout: pingTimeout}
	transport := &http.Transport{
		TLSClientConfig: host.tls,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, host.network, host.dial)
		},
	}
	scheme := "http"
	if host.tls != nil {
		scheme = "https"
	}
	// The name is only for the Host header: a proxy of the environment is none of the engine's.
	return &dockerAPI{client: &http.Client{Transport: transport}, base: scheme + "://" + host.name}, nil
}

// ping asks the engine who it is.
func (a *dockerAPI) ping(ctx context.Context) (dockerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	resp, err := a.do(ctx, http.MethodGet, "/_ping", nil, nil)
	if err != nil {
		return dockerInfo{}, err
	}
	resp.Body.Close()
	var info struct {
		DriverStatus [][]string
		Architecture string
	}
	if err := a.get(ctx, "/info", &info); err != nil {
		return dockerInfo{}, err
	}
	got := dockerInfo{arch: goArch(info.Architecture), partial: resp.Header.Get("Libpod-Api-Version") == ""}
	for _, row := range info.DriverStatus {
		if len(row) == 2 && row[0] == "driver-type" && row[1] == "io.containerd.snapshotter.v1" {
			got.partial = false
		}
	}
	return got, nil
}

// goArch translates the kernel's name of a machine, which Docker gives.
func goArch(machine string) string {
	if arch, ok := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]; ok {
		return arch
	}
	return machine
}

// image returns an image, nil if it is not there.
func (a *dockerAPI) image(ctx context.Context, id string) (*dockerImage, error) {
	var img dockerImage
	err := a.get(ctx, "/images/"+url.PathEscape(id)+"/json", &img)
	if status, ok := errors.AsType[*statusError](err); ok && status.code == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &img, nil
}

// images returns the ids of all images, newest first.
func (a *dockerAPI) images(ctx context.Context) ([]string, error) {
	var list []dockerImage
	if err := a.get(ctx, "/images/json", &list); err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, img := range list {
		ids[i] = img.ID
	}
	return ids, nil
}

// tag gives an image a name.
func (a *dockerAPI) tag(ctx context.Context, id string, t tag) error {
	query := url.Values{"repo": {t.repo}, "tag": {t.version}}
	resp, err := a.do(ctx, http.MethodPost, "/images/"+url.PathEscape(id)+"/tag", query, nil)
	if err != nil {
		return fmt.Errorf("tag %s: %w", t.short(), err)
	}
	return resp.Body.Close()
}

// load sends an archive while it is made.
func (a *dockerAPI) load(ctx context.Context, write func(io.Writer) error) error {
	return stream(write, func(r io.Reader) error {
		resp, err := a.do(ctx, http.MethodPost, "/images/load", url.Values{"quiet": {"1"}}, r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return loadResult(resp.Body)
	})
}

// loadResult reads the messages of a load, one of which may be an error although the status says 200.
func loadResult(body io.Reader) error {
	d := json.NewDecoder(io.LimitReader(body, maxReply))
	for {
		var message struct {
			Error string `json:"error"`
		}
		if err := d.Decode(&message); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reply to load: %w", err)
		}
		if message.Error != "" {
			return errors.New(message.Error)
		}
	}
}

// get reads a JSON reply.
func (a *dockerAPI) get(ctx context.Context, path string, v any) error {
	resp, err := a.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(v); err != nil {
		return fmt.Errorf("reply to %s: %w", path, err)
	}
	return nil
}

// do sends a request and turns every status but success into an error.
func (a *dockerAPI) do(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	a.trace.Add(trace.Engine, 1)
	defer a.trace.Begin(trace.Request, method+" engine"+path).End()
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, newStatusError(resp)
}

// statusError is a reply that is no success.
type statusError struct {
	code    int
	message string
}

func newStatusError(resp *http.Response) *statusError {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	var reply struct{ Message string }
	if json.Unmarshal(text, &reply) == nil && reply.Message != "" {
		text = []byte(reply.Message)
	}
	return &statusError{resp.StatusCode, string(text)}
}

func (e *statusError) Error() string { return fmt.Sprintf("the engine says %d: %s", e.code, e.message) }
