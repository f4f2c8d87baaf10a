package docker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"syscall"
)

// Container is the part of a container's configuration that lithe sets, by the API's names.
type Container struct {
	Image        string
	Hostname     string
	Entrypoint   []string // not nil: the image's own does not count
	Cmd          []string
	Env          []string
	WorkingDir   string
	User         string
	OpenStdin    bool
	StdinOnce    bool
	AttachStdin  bool
	AttachStdout bool
	AttachStderr bool
	Labels       map[string]string
	HostConfig   HostConfig
}

// HostConfig is what a container may do and use.
type HostConfig struct {
	NetworkMode    string `json:",omitempty"`
	ReadonlyRootfs bool
	Init           bool
	CapDrop        []string
	SecurityOpt    []string
	Tmpfs          map[string]string `json:",omitempty"`
	Mounts         []Mount           `json:",omitempty"`
	VolumesFrom    []string          `json:",omitempty"`
	ShmSize        int64             `json:",omitempty"`
	Memory         int64             `json:",omitempty"`
	MemorySwap     int64             `json:",omitempty"`
	PidsLimit      int64             `json:",omitempty"`
	Ulimits        []Ulimit          `json:",omitempty"`
	LogConfig      LogConfig
}

// Mount is a volume without a name.
type Mount struct {
	Type          string // "volume"
	Target        string
	VolumeOptions VolumeOptions
}

// VolumeOptions say whether a new volume begins with the image's files.
type VolumeOptions struct{ NoCopy bool }

// Ulimit is a limit of each process.
type Ulimit struct {
	Name       string
	Soft, Hard int64
}

// LogConfig says where output is kept.
type LogConfig struct{ Type string }

// Ended is how a container ended.
type Ended struct {
	ExitCode    int
	OutOfMemory bool
}

// Import makes an image without a name of a tar of its files, and returns its id.
func (a *Client) Import(ctx context.Context, files io.Reader, label string) (id string, err error) {
	query := url.Values{"fromSrc": {"-"}, "changes": {"LABEL " + label}}
	resp, err := a.Do(ctx, http.MethodPost, "/images/create", query, files)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	messages := json.NewDecoder(io.LimitReader(resp.Body, maxReply))
	for {
		var message struct{ Status, Error string }
		switch err := messages.Decode(&message); {
		case errors.Is(err, io.EOF) && id == "":
			return "", errors.New("the engine took the files and made no image of them")
		case errors.Is(err, io.EOF):
			return id, nil
		case err != nil:
			return "", fmt.Errorf("reply to import: %w", err)
		case message.Error != "":
			return "", errors.New(message.Error)
		}
		id = message.Status
	}
}

// RemoveImage removes an image.
func (a *Client) RemoveImage(ctx context.Context, id string) error {
	return a.plain(ctx, http.MethodDelete, "/images/"+url.PathEscape(id), nil, nil)
}

// Create makes a container, which does not run yet.
func (a *Client) Create(ctx context.Context, c Container) (id string, err error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	resp, err := a.send(ctx, http.MethodPost, "/containers/create", nil, "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var made struct {
		ID string `json:"Id"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(&made)
	return made.ID, err
}

// Start starts a container.
func (a *Client) Start(ctx context.Context, id string) error {
	return a.plain(ctx, http.MethodPost, container(id, "start"), nil, nil)
}

// Wait waits until a container has ended.
func (a *Client) Wait(ctx context.Context, id string) (Ended, error) {
	resp, err := a.Do(ctx, http.MethodPost, container(id, "wait"), nil, nil)
	if err != nil {
		return Ended{}, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxReply)); err != nil {
		return Ended{}, err
	}
	var about struct {
		State struct {
			ExitCode  int
			OOMKilled bool
		}
	}
	err = a.Get(ctx, container(id, "json"), &about)
	return Ended{about.State.ExitCode, about.State.OOMKilled}, err
}

// Kill sends a signal to a container's program.
func (a *Client) Kill(ctx context.Context, id string, signal int) error {
	return a.plain(ctx, http.MethodPost, container(id, "kill"), url.Values{"signal": {strconv.Itoa(signal)}}, nil)
}

// Remove ends a container and removes it, with its volumes.
func (a *Client) Remove(ctx context.Context, id string) error {
	return a.plain(ctx, http.MethodDelete, container(id, ""), url.Values{"force": {"1"}, "v": {"1"}}, nil)
}

// Put unpacks a tar in a folder of a container.
func (a *Client) Put(ctx context.Context, id, dir string, files io.Reader) error {
	return a.plain(ctx, http.MethodPut, container(id, "archive"), url.Values{"path": {dir}}, files)
}

// Take returns a tar of a folder of a container.
func (a *Client) Take(ctx context.Context, id, dir string) (io.ReadCloser, error) {
	resp, err := a.Do(ctx, http.MethodGet, container(id, "archive"), url.Values{"path": {dir}}, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Labelled returns the containers that have a label, running or not, with its value.
func (a *Client) Labelled(ctx context.Context, label string) (map[string]string, error) {
	filter, err := json.Marshal(map[string][]string{"label": {label}})
	if err != nil {
		return nil, err
	}
	resp, err := a.Do(ctx, http.MethodGet, "/containers/json", url.Values{"all": {"1"}, "filters": {string(filter)}}, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var list []struct {
		ID     string `json:"Id"`
		Labels map[string]string
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(&list); err != nil {
		return nil, fmt.Errorf("reply to the list of containers: %w", err)
	}
	values := make(map[string]string, len(list))
	for _, c := range list {
		values[c.ID] = c.Labels[label]
	}
	return values, nil
}

func container(id, verb string) string {
	path := "/containers/" + url.PathEscape(id)
	if verb == "" {
		return path
	}
	return path + "/" + verb
}

// plain sends a request whose reply says nothing.
func (a *Client) plain(ctx context.Context, method, path string, query url.Values, body io.Reader) error {
	resp, err := a.Do(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Streams are the standard streams of a container.
type Streams struct {
	conn net.Conn
	from *bufio.Reader
}

// Attach connects with a container's streams. It is called before Start, so that nothing is missed.
func (a *Client) Attach(ctx context.Context, id string, stdin bool) (*Streams, error) {
	conn, err := a.host.connect(ctx)
	if err != nil {
		return nil, err
	}
	if a.host.tls != nil {
		conn = tls.Client(conn, a.host.tls)
	}
	s, err := a.attach(ctx, conn, id, stdin)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// attach asks for the connection itself, which is no HTTP any more from then on.
func (a *Client) attach(ctx context.Context, conn net.Conn, id string, stdin bool) (*Streams, error) {
	query := url.Values{"stream": {"1"}, "stdout": {"1"}, "stderr": {"1"}}
	if stdin {
		query.Set("stdin", "1")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+container(id, "attach")+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "tcp")
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	from := bufio.NewReader(conn)
	resp, err := http.ReadResponse(from, req)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]int{http.StatusOK, http.StatusSwitchingProtocols}, resp.StatusCode) {
		defer resp.Body.Close()
		return nil, newStatusError(resp)
	}
	return &Streams{conn, from}, nil
}

// Write writes to the program.
func (s *Streams) Write(p []byte) (int, error) { return s.conn.Write(p) }

// CloseWrite ends the input of the program.
func (s *Streams) CloseWrite() error {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection.
func (s *Streams) Close() error { return s.conn.Close() }

// ended reports whether an error of reading is how Podman closes a connection when the program did not read its input. All
// that the program wrote came before, which holds for sockets of UNIX alone.
func (s *Streams) ended(err error) bool {
	_, local := s.conn.(*net.UnixConn)
	return local && errors.Is(err, syscall.ECONNRESET)
}

// maxFrame bounds one piece of output, whose size the engine says. Engines send at most some kilobytes at once.
const maxFrame = 64 << 20

// Copy copies the output of the program until it ends. Each piece comes after a header: the stream's number, three zeros,
// the size.
func (s *Streams) Copy(stdout, stderr io.Writer) error {
	var header [8]byte
	for {
		if n, err := io.ReadFull(s.from, header[:]); errors.Is(err, io.EOF) || n == 0 && s.ended(err) {
			return nil
		} else if err != nil {
			return err
		}
		to := stdout
		if header[0] == 2 {
			to = stderr
		}
		size := int64(binary.BigEndian.Uint32(header[4:]))
		if size > maxFrame {
			return fmt.Errorf("the engine sends %d bytes of output at once", size)
		}
		if _, err := io.CopyN(to, s.from, size); err != nil {
			return err
		}
	}
}
