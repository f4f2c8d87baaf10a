package image

import (
	"fmt"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
)

// healthcheck is Docker's extension: no part of OCI's specification, whose schema allows more keys. Podman keeps it only in
// its own format.
type healthcheck struct {
	Test        []string      `json:"Test,omitempty"` // "CMD", then the command
	Interval    time.Duration `json:"Interval,omitempty"`
	Timeout     time.Duration `json:"Timeout,omitempty"`
	StartPeriod time.Duration `json:"StartPeriod,omitempty"`
	Retries     int           `json:"Retries,omitempty"`
}

func newHealthcheck(h *project.Healthcheck) *healthcheck {
	if h == nil {
		return nil
	}
	return &healthcheck{Test: append([]string{"CMD"}, h.Command...), Interval: h.Interval, Timeout: h.Timeout,
		StartPeriod: h.StartPeriod, Retries: h.Retries}
}

// configFile is the JSON of the config, in the order in which the specification lists its properties. It is ours, so
// that no upgrade of a library moves a digest.
type configFile struct {
	Created      string      `json:"created"`
	Architecture string      `json:"architecture"`
	OS           string      `json:"os"`
	Variant      string      `json:"variant,omitempty"`
	Config       execution   `json:"config"`
	RootFS       rootFS      `json:"rootfs"`
	History      []historyOf `json:"history"`
}

type execution struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
	Healthcheck  *healthcheck        `json:"Healthcheck,omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type historyOf struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

// file returns the config of an image with these layers.
func newConfigFile(c plan.Config, layers []layer.Record) configFile {
	created := c.Created.UTC().Format(time.RFC3339) // whole seconds, as SOURCE_DATE_EPOCH counts
	f := configFile{
		Created:      created,
		Architecture: c.Platform.Arch, OS: c.Platform.OS, Variant: variant(c.Platform),
		Config: execution{
			User: c.User, ExposedPorts: set(c.ExposedPorts), Env: c.Env, Entrypoint: c.Entrypoint, Cmd: c.Cmd,
			Volumes: set(c.Volumes), WorkingDir: c.WorkingDir, Labels: c.Labels, StopSignal: c.StopSignal,
			Healthcheck: newHealthcheck(c.Healthcheck),
		},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{}},
		History: []historyOf{},
	}
	for _, rec := range layers {
		f.RootFS.DiffIDs = append(f.RootFS.DiffIDs, rec.DiffID)
		f.History = append(f.History, historyOf{Created: created, CreatedBy: "lithe: " + describe(rec)})
	}
	return f
}

// describe says what is in a layer: "wheel numpy 2.5.5".
func describe(rec layer.Record) string {
	if len(rec.Packages) == 0 {
		return string(rec.Kind)
	}
	return string(rec.Kind) + " " + strings.Join(rec.Packages, ", ")
}

// set returns the JSON form of a set, nil for an empty one.
func set(list []string) map[string]struct{} {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]struct{}, len(list))
	for _, s := range list {
		out[s] = struct{}{}
	}
	return out
}

// check refuses what no engine could run. The configuration's reader has said so before, with a position.
func check(c plan.Config) error {
	if c.Platform.OS == "" || c.Platform.Arch == "" {
		return fmt.Errorf("an image needs a platform, not %q", c.Platform.OS+"/"+c.Platform.Arch)
	}
	if y := c.Created.Year(); y < 1 || y > 9999 {
		return fmt.Errorf("created %v is not an RFC 3339 time", c.Created)
	}
	for _, e := range c.Env {
		if key, _, ok := strings.Cut(e, "="); !ok || key == "" || strings.ContainsRune(e, 0) {
			return fmt.Errorf("environment %q is not KEY=value", e)
		}
	}
	return nil
}
