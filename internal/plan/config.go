package plan

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/project"
)

// Config is what an image says about itself and how it wants to be run, in the words of
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md.
type Config struct {
	Created      time.Time            `json:"created"` // of the image and all its layers
	Platform     Platform             `json:"platform"`
	Env          []string             `json:"env"` // "KEY=value", in the order given
	Entrypoint   []string             `json:"entrypoint"`
	Cmd          []string             `json:"cmd,omitempty"`
	User         string               `json:"user"` // "65532:65532"
	WorkingDir   string               `json:"workingDir"`
	Labels       map[string]string    `json:"labels"`                // in the config, for engines
	Annotations  map[string]string    `json:"annotations,omitempty"` // in the manifest, for registries
	ExposedPorts []string             `json:"exposedPorts,omitempty"`
	Volumes      []string             `json:"volumes,omitempty"`
	StopSignal   string               `json:"stopSignal,omitempty"` // "" means SIGTERM
	Healthcheck  *project.Healthcheck `json:"healthcheck,omitempty"`
}

// Labels that every image has. See https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md.
const (
	labelTitle   = "org.opencontainers.image.title"
	labelVersion = "org.opencontainers.image.version"
	labelBase    = "org.opencontainers.image.base.name"
	labelDigest  = "org.opencontainers.image.base.digest"
)

// labelProcess is what the label of a process begins with: its name follows, and the value is its command as a JSON array.
const labelProcess = "io.github.lithe-build.process."

// Defaults of an image, each of which a key of the configuration overrides.
const (
	defaultUser    = "65532:65532" // "nonroot" of the image's passwd
	defaultWorkdir = appDir
	appDir         = "/app" // of the code of projects that are no packages
)

// newConfig decides how the image is run.
func newConfig(in Input) Config {
	cfg := in.Config
	c := Config{
		Created: in.Created, Platform: in.Target.Platform,
		Env:        mergeEnv(environment(in.Image, pythonPath(in), len(in.Certificates) > 0), cfg.Env),
		Entrypoint: in.Entry.Entrypoint, Cmd: in.Entry.Cmd,
		User: userOf(in), WorkingDir: cmp.Or(cfg.Workdir, defaultWorkdir),
		Labels: labels(in), Annotations: cfg.Annotations,
		ExposedPorts: ports(exposed(in)), Volumes: cfg.Volumes, StopSignal: in.Entry.StopSignal,
		Healthcheck: in.Entry.Healthcheck,
	}
	return c
}

// mergeEnv puts the configuration's variables after ours, or in their place, sorted by name.
func mergeEnv(ours []string, theirs map[string]string) []string {
	kept := slices.DeleteFunc(ours, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		_, replaced := theirs[name]
		return replaced
	})
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		kept = append(kept, name+"="+theirs[name])
	}
	return kept
}

// labels says what the image is. Nothing of version control is among it, so that an unrelated commit keeps the digest.
func labels(in Input) map[string]string {
	all := map[string]string{labelTitle: in.Project.Name, labelBase: in.Base}
	if in.Image != nil {
		all[labelDigest] = in.Image.Manifest
	}
	if in.Project.Version != "" {
		all[labelVersion] = in.Project.Version
	}
	for name, command := range in.Entry.Processes {
		text, _ := json.Marshal(command) // texts can always be written
		all[labelProcess+name] = string(text)
	}
	maps.Copy(all, in.Config.Labels)
	return all
}

// exposed returns the ports of the configuration, else that of the server.
func exposed(in Input) []string {
	if len(in.Config.Ports) == 0 && in.Entry.Port != "" {
		return []string{in.Entry.Port}
	}
	return in.Config.Ports
}

// pythonPath returns where imports of copied code start, "" for code in site-packages.
func pythonPath(in Input) string {
	switch {
	case in.Wheel:
		return ""
	case in.Entry.Path != "":
		return in.Entry.Path + ":" + appDir
	}
	return appDir
}

// ports adds the protocol that OCI wants.
func ports(list []string) []string {
	var out []string
	for _, p := range list {
		if !strings.Contains(p, "/") {
			p += "/tcp"
		}
		out = append(out, p)
	}
	return out
}
