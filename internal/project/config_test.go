package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/testkit/golden"
	"github.com/lithe-build/lithe/internal/toml"
)

var update = flag.Bool("update", false, "rewrite golden files")

// parseConfig reads the keys of [tool.lithe].
func parseConfig(t testing.TB, text string) (Config, map[string]Target, error) {
	t.Helper()
	in, err := toml.Parse("pyproject.toml", []byte("[tool.lithe]\n"+text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	c, targets, list := decodeConfig("[tool.lithe]", in.Table("tool", "lithe"))
	return c, targets, list.Err()
}

func TestConfig(t *testing.T) {
	got, _, err := parseConfig(t, `
base = "debian:trixie"
python = "3.13.5"
platforms = ["linux/amd64", "linux/arm64"]
lock = "locks/uv.lock"
package = "service"
bytecode = false
files.include = ["data/**", {path = "conf/prod.toml", to = "/etc/service.toml"}]
files.exclude = ["tests"]
entrypoint = ["/venv/bin/x", "--flag"]
cmd = ["serve"]
env = {LOG_LEVEL = "info", EMPTY = ""}
labels = {"org.example.team" = "search"}
annotations = {a = "b"}
ports = [8000, "53/udp"]
volumes = ["/data"]
user = 1000
workdir = "/srv"
stop-signal = "SIGQUIT"
healthcheck = {command = ["/venv/bin/x", "health"], interval = "1m30s", timeout = "500ms", start-period = "2s", retries = 3}
overlaps = {"venv/x" = "Foo_Bar"}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Base: "debian:trixie", Python: "3.13.5", Platforms: []string{"linux/amd64", "linux/arm64"}, Lock: "locks/uv.lock",
		Package: "service",
		Files: FileRules{Include: []Include{{Path: "data/**"}, {Path: "conf/prod.toml", To: "/etc/service.toml"}},
			Exclude: []string{"tests"}},
		Entrypoint: []string{"/venv/bin/x", "--flag"}, Cmd: []string{"serve"},
		Env: map[string]string{"LOG_LEVEL": "info", "EMPTY": ""}, Labels: map[string]string{"org.example.team": "search"},
		Annotations: map[string]string{"a": "b"}, Ports: []string{"8000", "53/udp"}, Volumes: []string{"/data"}, User: "1000",
		Workdir: "/srv", StopSignal: "SIGQUIT",
		Healthcheck: &Healthcheck{Command: []string{"/venv/bin/x", "health"}, Interval: 90 * time.Second,
			Timeout: 500 * time.Millisecond, StartPeriod: 2 * time.Second, Retries: 3},
		Overlaps: map[string]string{"venv/x": "foo-bar"}, SystemLibraries: true,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Config{}), cmpopts.IgnoreTypes(diag.Position{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for key, line := range map[string]int{"base": 3, "files.include": 9, "healthcheck": 21} {
		if pos, ok := got.Position(key); !ok || pos.Line != line {
			t.Errorf("%s is at %v, %v", key, pos, ok)
		}
	}
	if _, ok := got.Position("files"); ok {
		if _, ok := got.Position("nothing"); ok {
			t.Error("a key that is not set has a position")
		}
	}
}

func TestDefaults(t *testing.T) {
	c, _, err := parseConfig(t, "")
	if err != nil || !c.Bytecode || c.User != "65532:65532" || c.Workdir != "/app" || c.Entrypoint != nil || c.Platforms != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestConfigProblems(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"misspelt", `entry-point = ["x"]`, "pyproject.toml:2: unknown key \"entry-point\" in [tool.lithe]; did you mean `entrypoint`?"},
		{"underscore", `stop_signal = "SIGINT"`, "did you mean `stop-signal`?"},
		{"swapped", `prots = [1]`, "did you mean `ports`?"},
		{"one level too high", `exclude = ["x"]`, "did you mean `files.exclude`?"},
		{"nested", `files.includes = ["x"]`, "unknown key \"includes\" in [tool.lithe.files]; did you mean `include`?"},
		{"nested header", "[tool.lithe.files]\n\nexcludes = []", "pyproject.toml:4: unknown key \"excludes\" in [tool.lithe.files]; did you mean `exclude`?"},
		{"nothing like it", `frobnicate = 1`, "the keys are base, python, "},
		{"in a target", "[tool.lithe.targets.dev]\ngroup = ['x']", "pyproject.toml:3: unknown key \"group\" in [tool.lithe.targets.dev]; did you mean `groups`?"},
		{"no targets in targets", "targets.dev.targets.x = {}", "unknown key \"targets\""},
		{"in a health check", `healthcheck = {command = ["x"], retry = 1}`, "did you mean `retries`?"},
		{"later", `vcs-labels = true`, "pyproject.toml:2: vcs-labels is not supported yet"},
		{"Debian package", `system-packages = ["lib pq"]`, `system-packages[0] is "lib pq"; it must be the name of a Debian package`},
		{"apt source", `apt-sources = ["deb https://apt.example.org trixie main"]`, `apt-sources[0] is of type string, not a table with url, suite and signed-by`},
		{"apt source without suite", `apt-sources = [{url = "https://apt.example.org"}]`, `apt-sources[0] has no suite`},
		{"apt source without URL", `apt-sources = [{suite = "trixie"}]`, `apt-sources[0] has no url`},
		{"apt source by FTP", `apt-sources = [{url = "ftp://u:hunter2@apt.example.org", suite = "trixie"}]`, `apt-sources[0].url is no address of a repository; write`},
		{"apt source with a port that is none", `apt-sources = [{url = "https://u:hunter2@apt.example.org:x", suite = "trixie"}]`, `apt-sources[0].url is no address of a repository; write`},
		{"apt source with a query", `apt-sources = [{url = "https://apt.example.org/?a", suite = "trixie"}]`, `apt-sources[0].url is no address of a repository; write`},
		{"apt suite", `apt-sources = [{url = "https://apt.example.org", suite = "../x"}]`, `apt-sources[0].suite is "../x"; it must be the name of a suite`},
		{"apt component", `apt-sources = [{url = "https://apt.example.org", suite = "x", components = [".."]}]`, `components[0] is ".."; it must be the name of a component`},
		{"apt folder with components", `apt-sources = [{url = "https://apt.example.org", suite = "./", components = ["main"]}]`, `apt-sources[0] has components, and its suite is a folder`},
		{"apt key", `apt-sources = [{url = "https://apt.example.org", suite = "x", signed-by = "/usr/share/keyrings/x.gpg"}]`, `apt-sources[0].signed-by is "/usr/share/keyrings/x.gpg"; it must be a path relative to the project`},
		{"Debian version", `system-packages = ["libpq5="]`, `it must be the name of a Debian package`},
		{"accepted package", `accept-unrun-scripts = ["X"]`, `it must be the name of a Debian package`},
		{"later in a target", `targets.dev.vcs-labels = true`, "targets.dev.vcs-labels is not supported yet"},
		{"no base", `base = "standalon"`, `base is "standalon"; it must be "debian", "debian:SUITE", "standalone:VERSION" or`},
		{"type", `bytecode = "yes"`, "bytecode is of type string, not true or false"},
		{"array", `ports = 8000`, "ports is of type integer, not an array"},
		{"element", `platforms = ["linux/amd64", 1]`, "platforms[1] is of type integer, not a string"},
		{"table", `files = ["x"]`, "files is of type array, not a table"},
		{"shell form", `entrypoint = "gunicorn app:app -w 2"`, `entrypoint = ["gunicorn", "app:app", "-w", "2"]`},
		{"shell syntax", `cmd = "a && b"`, `cmd = ["PROGRAM", "ARGUMENT"]`},
		{"empty command", `entrypoint = []`, "entrypoint is empty"},
		{"empty platforms", `platforms = []`, "platforms is empty"},
		{"python", `python = "python3"`, `it must be a version such as "3.13"`},
		{"platform", `platforms = ["windows/amd64"]`, "it must be a platform"},
		{"root", `user = 0`, `user is "0"; it must be a number other than 0`},
		{"user too high", `user = "1000:4294967295"`, "4294967294 is the highest"},
		{"user by name", `user = "app"`, "images have no other users"},
		{"port", `ports = [65536]`, "it must be a port from 1 to 65535"},
		{"port of text", `ports = ["http"]`, "it must be a port"},
		{"relative", `workdir = "app"`, "it must be an absolute path"},
		{"dots", `workdir = "/app/../etc"`, "it must be an absolute path"},
		{"glob with dots", `files.exclude = ["../x"]`, "it must be a glob relative to the project"},
		{"absolute glob", `files.include = ["/etc/passwd"]`, "it must be a glob relative to the project"},
		{"include type", `files.include = [1]`, "files.include[0] is of type integer, not a glob or a table"},
		{"include without path", `files.include = [{to = "/x"}]`, "files.include[0] has no path"},
		{"include into the base", `files.include = [{path = "x", to = "/usr/bin"}]`, "files.include[0] puts files into /usr"},
		{"include up and into the base", `files.include = [{path = "x", to = "../venv"}]`, "files.include[0].to is"},
		{"signal", `stop-signal = "SIGTRM"`, "it must be the name of a signal"},
		{"environment", `env = {"A-B" = "x"}`, `the key in env is "A-B"`},
		{"environment value", `env = {A = 1}`, "env.A is of type integer, not a string"},
		{"zero byte", `env = {A = "\u0000"}`, "env.A has a zero byte"},
		{"duration", `healthcheck = {command = ["x"], interval = "30"}`, `it must be a duration such as "30s"`},
		{"long duration", `healthcheck = {command = ["x"], interval = "999999999h"}`, `it must be a duration`},
		{"retries", `healthcheck = {command = ["x"], retries = -1}`, "it must not be negative"},
		{"health check without command", `healthcheck = {interval = "1s"}`, "healthcheck has no command"},
		{"target name", `targets."A b" = {}`, `the name of a target is "A b"`},
		{"target type", `targets.dev = 1`, "targets.dev is of type integer, not a table"},
		{"targets type", `targets = 1`, "targets is of type integer, not a table"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := parseConfig(t, tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestConfigReportsAll(t *testing.T) {
	_, _, err := parseConfig(t, "user = 0\nfoo = 1\ntargets.dev.ports = [0]\nbytecode = 1\n")
	problems, ok := diag.Problems(err)
	if !ok || len(problems) != 4 {
		t.Fatalf("%d problems: %v", len(problems), err)
	}
	for i, p := range problems {
		if p.Pos.Line != i+2 || p.Pos.File != "pyproject.toml" {
			t.Errorf("problem %d is at %v", i, p.Pos)
		}
	}
}

func TestTargets(t *testing.T) {
	c, targets, err := parseConfig(t, `
env = {A = "1", B = "2"}
ports = [1]
cmd = ["x"]
[tool.lithe.targets.dev]
env = {B = "3"}
ports = []
groups = ["test", "docs"]
extras = ["x"]
[tool.lithe.targets.ci]
`)
	if err != nil {
		t.Fatal(err)
	}
	p := &Project{Config: c, targets: targets, ConfigFile: "pyproject.toml"}
	dev, err := p.Target("dev")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": "1", "B": "3"}, dev.Env); diff != "" || len(dev.Ports) != 0 || dev.Cmd[0] != "x" {
		t.Errorf("%v %v %s", dev.Ports, dev.Cmd, diff)
	}
	if pos, ok := dev.Position("env"); !ok || pos.Line != 7 {
		t.Errorf("env of dev is at %v, %v", pos, ok)
	}
	if pos, _ := dev.Position("cmd"); pos.Line != 5 {
		t.Errorf("cmd of dev is at %v", pos)
	}
	if diff := cmp.Diff([]string{"test", "docs"}, dev.Groups); diff != "" {
		t.Error(diff)
	}
	prod, err := p.Target("prod")
	if err != nil || prod.Env["B"] != "2" || prod.Groups != nil || prod.Name != "prod" {
		t.Errorf("%+v, %v", prod, err)
	}
	if _, err := p.Target("cj"); err == nil || !strings.Contains(err.Error(), "did you mean `ci`?") {
		t.Errorf("a target that is misspelt: %v", err)
	}
	if _, err := p.Target("release"); err == nil || !strings.Contains(err.Error(), "the targets are ci, dev, prod") {
		t.Errorf("a target that does not exist: %v", err)
	}
}

// published compiles the schema as editors read it.
func published(t *testing.T) (*jsonschema.Schema, []byte) {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lithe.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("lithe.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s, data
}

func TestSchemaIsPublished(t *testing.T) {
	_, data := published(t)
	golden.Compare(t, filepath.Join("..", "..", "docs", "reference", "lithe.schema.json"), data, *update)
}

// Every key has an example, which the schema and the decoder both accept; both refuse the same nonsense.
func TestSchemaAgrees(t *testing.T) {
	s, _ := published(t)
	var c Config
	keys := append(configKeys(&c), targetsKey(map[string]*toml.Table{}))
	for _, k := range keys {
		example := k.example
		if sub, ok := k.value.(table); ok && example == "" {
			for _, inner := range sub.keys {
				checkBoth(t, s, k.name+"."+inner.name+" = "+inner.example, true, false)
			}
			continue
		}
		checkBoth(t, s, k.name+" = "+example, true, k.later)
	}
	if len(keys) < 30 {
		t.Errorf("only %d keys", len(keys))
	}
	for _, in := range []string{
		"foo = 1", "user = 0", `user = "root"`, "user = 9999999999", "ports = [65536]", "ports = [0.5]", `base = "alpine"`, "bytecode = 1", `workdir = "x"`, "entrypoint = []",
		`entrypoint = "x"`, "files.foo = []", "files.include = [{to = '/x'}]", `targets.X = {}`, "targets.dev.foo = 1", "healthcheck = {}",
		`env = {"a b" = ""}`, `stop-signal = "TERM"`, `python = "2.7"`, `files.exclude = ["a/../b"]`, `overlaps = {x = "-"}`,
	} {
		checkBoth(t, s, in, false, false)
	}
}

func checkBoth(t *testing.T, s *jsonschema.Schema, text string, fits, later bool) {
	t.Helper()
	in, err := toml.Parse("x", []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	data, err := json.Marshal(in.Any())
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(value); (err == nil) != fits {
		t.Errorf("schema: %s fits %v: %v", text, err == nil, err)
	}
	_, _, err = parseConfig(t, text)
	if (err == nil) != (fits && !later) {
		t.Errorf("decoder: %s fits %v: %v", text, err == nil, err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"base", "files", "files.include", "env", "user", "ports"}
	for in, want := range map[string]string{
		"bsae": "base", "bas": "base", "Base": "base", "ENV": "env", "include": "files.include", "port": "ports", "users": "user",
		"x": "", "zzzz": "", "": "", strings.Repeat("a", 10000): "",
	} {
		if got := nearest(in, names); got != want {
			t.Errorf("nearest(%.20q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	var c Config
	for _, k := range configKeys(&c) {
		f.Add(k.name + " = " + k.example)
	}
	f.Add("[tool.lithe.targets.dev]\nenv = {A = 'b'}\n")
	f.Add("files = {include = [{path = '**/a', to = 'b/c'}]}")
	f.Fuzz(func(t *testing.T, text string) {
		in, err := toml.Parse("pyproject.toml", []byte(text))
		if err != nil {
			return
		}
		c, targets, list := decodeConfig("lithe.toml", in)
		for _, problem := range list {
			if problem.What == "" || problem.Code == "" || problem.Pos.File != "pyproject.toml" {
				t.Fatalf("a problem that says too little: %+v", problem)
			}
		}
		if list.Err() != nil {
			return
		}
		p := &Project{Config: c, targets: targets}
		for name := range targets {
			if _, err := p.Target(name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.EntryPoint(Target{Config: c}, Code{}); err != nil && !errors.As(err, new(*diag.Error)) {
			t.Fatal(err)
		}
	})
}
