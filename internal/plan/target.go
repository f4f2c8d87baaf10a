package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Target is what is built: for whom, and which part of the project.
type Target struct {
	Name     string        `json:"name"` // "prod": the main dependencies; "dev": with the tool's default groups
	Platform Platform      `json:"platform"`
	Python   string        `json:"python"` // full version
	Libc     wheeltag.Libc `json:"-"`

	Groups      []string `json:"groups,omitempty"` // besides those of Name
	Extras      []string `json:"extras,omitempty"`
	AllGroups   bool     `json:"allGroups,omitempty"`
	AllExtras   bool     `json:"allExtras,omitempty"`
	AllPackages bool     `json:"allPackages,omitempty"` // every member of the workspace
	Package     string   `json:"package,omitempty"`     // a member of the workspace; "" means the project of the lock's folder
}

// The names of targets that need no configuration.
const (
	Prod = "prod"
	Dev  = "dev"
)

// MarshalJSON writes the C library as text.
func (t Target) MarshalJSON() ([]byte, error) {
	type plain Target
	return json.Marshal(struct {
		plain
		Libc string `json:"libc"`
	}{plain(t), t.Libc.String()})
}

// Platform is an operating system and architecture as OCI names them.
type Platform struct{ OS, Arch string }

// ParsePlatform reads "linux/amd64".
func ParsePlatform(s string) (Platform, error) {
	os, arch, ok := strings.Cut(s, "/")
	if !ok || os != "linux" || arch == "" || strings.Contains(strings.TrimSuffix(arch, "/v8"), "/") {
		return Platform{}, &diag.Error{Code: "platform", What: fmt.Sprintf("%q is not a platform", s),
			Hint: "platforms are such as linux/amd64 and linux/arm64"}
	}
	return Platform{os, strings.TrimSuffix(arch, "/v8")}, nil
}

// String returns "linux/amd64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// MarshalText writes what String returns.
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParsePlatform reads.
func (p *Platform) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePlatform(string(text))
	return err
}

// Environment returns what markers are evaluated against: an interpreter in an image, where no kernel is.
func (t Target) Environment() marker.Environment {
	return marker.CPython(t.Python, wheeltag.Machine(t.Platform.Arch))
}

// Tags returns the compatibility tags of wheels that run on the target.
func (t Target) Tags() (wheeltag.Set, error) {
	v, err := version.Parse(t.Python)
	if err != nil {
		return wheeltag.Set{}, err
	}
	return wheeltag.Supported(v.Major(), v.Minor(), t.Platform.Arch, t.Libc), nil
}

// describe names the target in messages.
func (t Target) describe() string {
	return fmt.Sprintf("%s with Python %s and %s %d.%d", t.Platform, t.Python, t.Libc.Family, t.Libc.Major, t.Libc.Minor)
}
