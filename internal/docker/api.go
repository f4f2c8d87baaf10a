package docker

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
	// AnswerTimeout is how long an engine may take to say who it is. One that starts, or has much to do, takes many seconds.
	AnswerTimeout = 30 * time.Second
	// MaxMessage bounds an error message, in bytes.
	MaxMessage = 4 << 10

	connectTimeout = 3 * time.Second // the system accepts a connection for an engine that has no time
	maxReply       = 64 << 20        // bytes; a list of very many images
)

// Client speaks to one engine, without a version in the path: the engine takes its own, and none of the parts that lithe
// uses has changed since 1.12.
type Client struct {
	client *http.Client
	base   string
	host   Host
	trace  *trace.Recorder
}

// Info is what the engine says of itself.
type Info struct {
	// Partial tells that an archive may leave out layers that the engine has by their chains. Docker's own store allows it.
	Partial bool
	// Contents tells that the engine keeps the blobs of images as they came, in containerd's store: an archive may leave out
	// those that it has by their digests.
	Contents bool
	// Podman tells Podman's service from Docker.
	Podman bool
	Arch   string // as Go names it
	OS     string // of containers: "linux", "windows"
}

// Image is an image as the engine knows it.
type Image struct {
	ID     string `json:"Id"`
	RootFS struct{ Layers []string }
}

// New returns a client that connects when it is used. What it does is recorded where there is a recorder.
func New(host Host, recorder *trace.Recorder) *Client {
	transport := &http.Transport{
		TLSClientConfig: host.tls,
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return host.connect(ctx) },
	}
	scheme := "http"
	if host.tls != nil {
		scheme = "https"
	}
	// The name is only for the Host header: a proxy of the environment is none of the engine's.
	return &Client{client: &http.Client{Transport: transport}, base: scheme + "://" + host.name, host: host, trace: recorder}
}

// connect opens a connection, without TLS.
func (h Host) connect(ctx context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: connectTimeout}
	return dialer.DialContext(ctx, h.network, h.dial)
}

// Ping asks the engine who it is.
func (a *Client) Ping(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, AnswerTimeout)
	defer cancel()
	resp, err := a.Do(ctx, http.MethodGet, "/_ping", nil, nil)
	if err != nil {
		return Info{}, err
	}
	resp.Body.Close()
	var info struct {
		DriverStatus [][]string
		Architecture string
		OSType       string
	}
	if err := a.Get(ctx, "/info", &info); err != nil {
		return Info{}, err
	}
	podman := isPodman(resp)
	got := Info{Arch: goArch(info.Architecture), OS: info.OSType, Podman: podman, Partial: !podman}
	for _, row := range info.DriverStatus {
		if len(row) == 2 && row[0] == "driver-type" && row[1] == "io.containerd.snapshotter.v1" {
			got.Partial, got.Contents = false, true
		}
	}
	return got, nil
}

// IsPodman asks the engine for no more than whether it is Podman's service.
func (a *Client) IsPodman(ctx context.Context) (bool, error) {
	resp, err := a.Do(ctx, http.MethodGet, "/_ping", nil, nil)
	if err != nil {
		return false, err
	}
	return isPodman(resp), resp.Body.Close()
}

// isPodman reads the header of a reply that Podman's service alone sends.
func isPodman(resp *http.Response) bool { return resp.Header.Get("Libpod-Api-Version") != "" }

// goArch translates the kernel's name of a machine, which Docker gives.
func goArch(machine string) string {
	if arch, ok := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]; ok {
		return arch
	}
	return machine
}

// Image returns an image, nil if it is not there.
func (a *Client) Image(ctx context.Context, id string) (*Image, error) {
	var img Image
	err := a.Get(ctx, "/images/"+url.PathEscape(id)+"/json", &img)
	if status, ok := errors.AsType[*StatusError](err); ok && status.Code == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &img, nil
}

// Images returns the ids of all images, newest first.
func (a *Client) Images(ctx context.Context) ([]string, error) {
	var list []Image
	if err := a.Get(ctx, "/images/json", &list); err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, img := range list {
		ids[i] = img.ID
	}
	return ids, nil
}

// Tag gives an image a name.
func (a *Client) Tag(ctx context.Context, id, repo, version string) error {
	query := url.Values{"repo": {repo}, "tag": {version}}
	resp, err := a.Do(ctx, http.MethodPost, "/images/"+url.PathEscape(id)+"/tag", query, nil)
	if err != nil {
		return fmt.Errorf("tag %s:%s: %w", repo, version, err)
	}
	return resp.Body.Close()
}

// Load sends an archive of images.
func (a *Client) Load(ctx context.Context, archive io.Reader) error {
	resp, err := a.Do(ctx, http.MethodPost, "/images/load", url.Values{"quiet": {"1"}}, archive)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return loadResult(resp.Body)
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

// Get reads a JSON reply.
func (a *Client) Get(ctx context.Context, path string, v any) error {
	resp, err := a.Do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(v); err != nil {
		return fmt.Errorf("reply to %s: %w", path, err)
	}
	return nil
}

// Do sends a request and turns every status but success into an error. A body is a tar.
func (a *Client) Do(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Response, error) {
	return a.send(ctx, method, path, query, "application/x-tar", body)
}

func (a *Client) send(ctx context.Context, method, path string, query url.Values, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
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

// StatusError is a reply that is no success.
type StatusError struct {
	Code    int
	Message string
}

func newStatusError(resp *http.Response) *StatusError {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, MaxMessage))
	var reply struct{ Message string }
	if json.Unmarshal(text, &reply) == nil && reply.Message != "" {
		text = []byte(reply.Message)
	}
	return &StatusError{resp.StatusCode, string(text)}
}

// Error says what the engine says.
func (e *StatusError) Error() string { return fmt.Sprintf("the engine says %d: %s", e.Code, e.Message) }
