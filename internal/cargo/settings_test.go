package cargo_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/cargo"
)

// TestSettings reads what a user told cargo.
func TestSettings(t *testing.T) {
	for what, tt := range map[string]struct{ config, env, want, problem string }{
		"nothing":     {config: "[net]\nretry = 2"},
		"a mirror":    {config: "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://h/index/\"", want: "sparse+https://h/index/"},
		"two steps":   {config: "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nreplace-with = \"n\"\n[source.n]\nregistry = \"sparse+https://n/\"", want: "sparse+https://n/"},
		"a registry":  {config: "[source.crates-io]\nreplace-with = \"m\"\n[registries.m]\nindex = \"sparse+https://r/\"", want: "sparse+https://r/"},
		"a variable":  {config: "[source.crates-io]\nreplace-with = \"my-m\"", env: "sparse+https://v/", want: "sparse+https://v/"},
		"git":         {config: "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"https://h/index.git\"", problem: ":2: cargo takes crates from \"m\" in place of crates.io"},
		"a directory": {config: "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\ndirectory = \"vendor\"", problem: "name a sparse index there"},
		"no TOML":     {config: "[", problem: "config.toml:1: "},
		"a circle":    {config: "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nreplace-with = \"crates-io\"", problem: "no index that lithe reads"},
	} {
		home := t.TempDir()
		if err := os.Mkdir(filepath.Join(home, ".cargo"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, ".cargo", "config.toml"), []byte(tt.config), 0o600); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{"CARGO_REGISTRIES_MY_M_INDEX": tt.env}
		got := cargo.Settings(func(name string) string { return env[name] }, home)
		if got.Address != tt.want || (got.Problem != nil) != (tt.problem != "") {
			t.Errorf("%s: have %+v", what, got)
		}
		if got.Problem != nil && !strings.Contains(got.Problem.Error(), tt.problem) {
			t.Errorf("%s: have %v, want %s", what, got.Problem, tt.problem)
		}
		env["CARGO_HOME"] = t.TempDir() // without a file
		if got := cargo.Settings(func(name string) string { return env[name] }, home); got != (cargo.Mirror{}) {
			t.Errorf("%s: an empty CARGO_HOME gives %+v", what, got)
		}
	}
	if got := cargo.Settings(func(string) string { return "" }, ""); got != (cargo.Mirror{}) {
		t.Errorf("no home gives %+v", got)
	}
}
