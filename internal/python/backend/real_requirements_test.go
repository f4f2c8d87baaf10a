package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/interpreter"
)

// requirementTexts is a wide net of requirements. A backend may refuse what is not plain; what it takes, it must
// print as the real one does.
var requirementTexts = func() []string {
	var out []string
	specs := []string{"", ">=1", ">=1.0,<2", "<2,>=1", "==1.2.*", "!=1.2.*", "~=1.4", "~=1.4.2", "!=1.5", ">=1,!=1.5,<2",
		"<=2.0", ">1.0", ">1.0,<=2", "==1.0rc1", ">=1.0rc1", "<2.0b1", "==1.0.post1", ">=1!2.0", "(>=1.0)", " >= 1.0 , < 3 ",
		"==2023.3", ">=1.0.0-beta1", "<2,<3", ">=1,>=2", "!=1.5,!=1.6,>=1", "===1.0", ">=1.0,==1.*", "<=1.0,>=1.0", ">=1.0.0,!=1.5.*,<2.0.0"}
	for _, s := range specs {
		out = append(out, "x"+s)
	}
	variables := []string{"os_name", "sys_platform", "platform_machine", "platform_python_implementation",
		"platform_system", "implementation_name", "platform_release", "platform_version"}
	for _, v := range variables {
		out = append(out, "x; "+v+" == 'abc'", "x>=1;"+v+"!=\"abc\"", "x; 'abc' in "+v, "x; "+v+" in 'abc def'",
			"x; "+v+" == 'abc' and python_version >= '3.10'", "x; python_version < '3.12' and "+v+" != 'abc'",
			"x; "+v+" == 'abc' or os_name == 'nt'")
	}
	for _, op := range []string{"==", "!=", ">=", "<=", "<", ">", "~="} {
		for _, v := range []string{"3.9", "3.10", "3", "3.9.1", "3.9.0"} {
			out = append(out, "x; python_version "+op+" '"+v+"'", "x; python_full_version "+op+" '"+v+"'")
		}
	}
	for _, m := range []string{"python_version >= '3.9' and python_version < '3.12'", "python_version < '3.12' and python_version >= '3.9'",
		"python_version >= '3.9' and python_version < '3.10'", "python_version > '3.9' and python_version <= '3.12'",
		"python_version >= '3.9' and os_name == 'nt' and python_version < '3.12'", "os_name == 'nt' and sys_platform == 'win32'",
		"os_name == 'nt' and os_name == 'nt'", "sys_platform != 'win32' and sys_platform != 'darwin'", "(os_name == 'nt')",
		"(python_version < '3.9' or python_version > '3.11') and os_name == 'nt'", "python_version >= '3.12' and python_version < '3.9'",
		"os_name == 'nt' and (sys_platform == 'win32')", "((os_name == 'nt') or sys_platform == 'win32')",
		"os_name == 'a' and python_version >= '3.9' and python_version < '3.12'", "sys_platform == 'win32' and platform_machine == 'x'",
		"python_version >= '3.9' and python_version >= '3.10'",
		"sys_platform == 'win32' or sys_platform == 'darwin'", "sys_platform == 'win32' or os_name == 'nt' or platform_machine == 'arm64'",
		"platform_version == 'a' and platform_machine == 'b' and implementation_name != 'c' and sys_platform == 'd' and platform_python_implementation != 'e' and python_version < '3.12'",
		"platform_system == 'a' and platform_machine == 'b'", "os_name != 'a' and platform_machine == 'b' and implementation_name == 'c'", "python_version == '3.9' and os_name == 'nt'"} {
		out = append(out, "x; "+m)
	}
	return append(out, "x[a]", "x[Y-z,b]>=1", "x[b,a,b]", "X_y.Z", "x [a] >=1 ; os_name == 'nt'")
}()

// poetryTexts are values of [tool.poetry.dependencies].
var poetryTexts = []string{`"*"`, `"^1.2"`, `"^1"`, `"^0.2.3"`, `"^0.0.3"`, `"^0.2"`, `"^0"`, `"^0.0"`, `"~1.2"`, `"~1"`, `"~1.2.3"`,
	`"1.2.3"`, `"==1.2"`, `"=1.2"`, `"1.*"`, `"1.2.*"`, `"1.2.3.*"`, `"!=1.2.*"`, `">=1,<2"`, `">=1.0 <2.0"`, `">= 1.0, < 2.0"`,
	`"^1.2 || ^2.0"`, `"!=1.5"`, `"^1.2,!=1.5"`, `">=1, !=1.5, <2"`, `"^1.0b1"`, `"~=1.4"`, `"<3"`, `"^2023.3"`, `"^1.2.3.4"`, `">1,<=2"`,
	`"^1.2.0"`, `"<2,>=1"`, `"^1.2,<1.5"`, `"^v1.2"`, `">=1,<2,!=1.3,!=1.4"`, `"^2024.01.0"`, `"~0.3.0"`, `"<=1.0"`, `">=1.0.0a1"`,
	`"1.0rc1"`, `"^1.2,^1.3"`, `">=1.0,<2.0,<1.8"`, `"~2.0.0.1"`, `"^0.0.0.1"`, `"~=0.0.5"`, `"^10"`,
	`{version = "^1", python = "^3.8"}`, `{version = "^1", python = "<3.11"}`, `{version = "^1", python = ">=3.8,<3.12"}`,
	`{version = "^1", platform = "linux"}`, `{version = "^1", platform = "!=win32"}`, `{version = "^1", platform = "win32", python = "^3.8"}`,
	`{version = "^1", python = "3.8"}`, `{version = "^1", python = "~3.8"}`, `{version = "^1", python = ">=3.8.1"}`,
	`{version = "^1", python = ">3.8"}`, `{version = "^1", python = "<=3.8"}`, `{version = "^1", python = "3.8.*"}`, `{version = "^1", python = "!=3.8"}`,
	`{version = "^1", markers = "sys_platform == 'win32'"}`, `{version = "^1", markers = "python_version >= '3.8'", python = "<3.12"}`,
	`{version = "*", extras = ["b", "A_c"]}`, `{version = "*", optional = true}`, `{version = "^1", python = "*"}`, `{version = "^1", python = "~3"}`,
	`{version = "^1", python = "^3"}`, `{version = "^1", python = ">=3"}`, `[{version = "^1", python = "<3.11"}, {version = "^2", python = ">=3.11"}]`}

// poetryPythonTexts are constraints on Python.
var poetryPythonTexts = []string{"^3.9", ">=3.9", ">=3.9,<4.0", "~3.11", "3.11.*", "3.12", "3.12.1", "3", ">3.9", "<4", ">=3.9, <4", "^3.10.2",
	"~3.11.2", ">=3.8.1,<3.13", "3.*", ">=3.9 <3.14", "~3", "*", "^3", ">=2.7", "<3.5", "<=3.12", ">=3.10.0", "^2.7", "==3.11.*", ">=2.7,<3.9"}

// TestRealRequirements compares how requirements are printed.
func TestRealRequirements(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("installs the backends from PyPI; set LITHE_E2E=1")
	}
	venv := filepath.Join(t.TempDir(), "venv")
	run(t, "", interpreter.Find(t), "-m", "venv", venv)
	bin := filepath.Join(venv, "bin")
	run(t, "", filepath.Join(bin, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check",
		packages["poetry"].pip, packages["hatch"].pip, packages["uv"].pip, packages["flit"].pip, packages["pdm"].pip, packages["setuptools"].pip)
	pep508 := func(system string) func(string) string {
		return func(rows string) string {
			return projectHead + "dependencies = [\n" + rows + "]\noptional-dependencies.more = [\n" + rows + "]\n" + system
		}
	}
	quoted := func(i int, s string) string {
		return fmt.Sprintf("'''%s''',\n", strings.Replace(s, "x", fmt.Sprintf("x%d", i), 1))
	}
	compareRows(t, bin, "poetry", requirementTexts, quoted, pep508(poetrySystem), 60)
	compareRows(t, bin, "hatch", requirementTexts, quoted, pep508(hatchSystem), 130)
	compareRows(t, bin, "uv", requirementTexts, quoted, pep508(uvSystem), 60)
	compareRows(t, bin, "pdm", requirementTexts, quoted, pep508(pdmSystem), 130)
	compareRows(t, bin, "setuptools", requirementTexts, quoted, pep508("[tool.setuptools]\npackages = []\n"+setupSystem), 130)
	compareRows(t, bin, "flit", requirementTexts, quoted, func(rows string) string {
		return strings.Replace(pep508("[tool.flit.module]\nname = \"top\"\n"+flitSystem)(rows), "[project]\n", "[project]\ndescription = \"\"\n", 1)
	}, 130)
	compareRows(t, bin, "poetry", poetryTexts, func(i int, s string) string { return fmt.Sprintf("x%d = %s\n", i, s) },
		func(rows string) string { return poetryHead + poetrySystem + "[tool.poetry.dependencies]\n" + rows }, 50)
	for _, python := range poetryPythonTexts {
		compareRows(t, bin, "poetry", []string{python}, func(_ int, s string) string { return fmt.Sprintf("python = %q\n", s) },
			func(rows string) string { return poetryHead + poetrySystem + "[tool.poetry.dependencies]\n" + rows }, 1)
	}
}

// compareRows builds one project with all rows that ours accepts alone, and compares the wheels.
func compareRows(t *testing.T, bin, backend string, texts []string, row func(int, string) string, project func(string) string, atLeast int) {
	t.Helper()
	var rows strings.Builder
	accepted := 0
	for i, s := range texts {
		if _, err := makeWheel(t, demo(t, project(row(i, s)), "demo/__init__.py", "src/demo/__init__.py", "top.py")); err == nil {
			rows.WriteString(row(i, s))
			accepted++
		}
	}
	if accepted < atLeast {
		t.Errorf("%s: only %d of %d are accepted", backend, accepted, len(texts))
	}
	dir := demo(t, project(rows.String()), "demo/__init__.py", "src/demo/__init__.py", "top.py")
	w, err := makeWheel(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range w.Files {
		data, err := entry.Entry{Content: f.Content}.Read()
		if err != nil {
			t.Fatal(err)
		}
		got[f.Path] = describe(f.Executable, data)
	}
	if diff := cmp.Diff(realWheel(t, bin, packages[backend].module, dir), got); diff != "" {
		t.Errorf("%s: -real +ours\n%s", backend, diff)
	}
	t.Logf("%s: %d of %d rows compared", backend, accepted, len(texts))
}
