package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

func TestCoverage(t *testing.T) {
	for _, tt := range []struct{ name, tags, want string }{
		{"one", "cp312-cp312-manylinux_2_17_x86_64", "Python 3.12 on linux/amd64"},
		{"as of many", "cp39-cp39-manylinux_2_17_x86_64 cp310-cp310-manylinux_2_17_x86_64 cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64 " +
			"cp313-cp313-manylinux_2_28_x86_64 cp313-cp313t-manylinux_2_28_x86_64", "Python 3.9 to 3.11, 3.13, 3.13t on linux/amd64"},
		{"two", "cp312-cp312-manylinux_2_17_x86_64 cp311-cp311-manylinux_2_17_x86_64", "Python 3.11, 3.12 on linux/amd64"},
		{"same Pythons", "cp312-cp312-manylinux_2_17_aarch64 cp312-cp312-win_amd64 cp312-cp312-macosx_11_0_arm64 cp312-cp312-linux_x86_64",
			"Python 3.12 on linux/amd64, linux/arm64, Windows and macOS"},
		{"other Pythons", "cp313-cp313-macosx_11_0_universal2 cp312-cp312-manylinux1_x86_64", "Python 3.12 on linux/amd64; Python 3.13 on macOS"},
		{"stable ABI", "cp38-abi3-manylinux_2_17_x86_64 cp312-cp312-manylinux_2_17_x86_64 cp37-cp37m-manylinux_2_17_x86_64",
			"Python 3.7, 3.8 and later on linux/amd64"},
		{"any Python", "py3-none-manylinux_2_17_x86_64 py2.py3-none-win32", "Python 3 on linux/amd64 and Windows"},
		{"any platform", "py3-none-any", "Python 3 on any platform"},
		{"a pure wheel of one Python", "py312-none-any", "Python 3.12 and later on any platform"},
		{"other interpreters", "pp310-pypy310_pp73-manylinux_2_17_x86_64", "Python pp310 on linux/amd64"},
		{"old Python", "py2-none-any", "Python py2 on any platform"},
		{"C libraries", "cp312-cp312-musllinux_1_2_x86_64 cp313-cp313-manylinux_2_99_s390x",
			"Python 3.12 on linux/amd64 with musl; Python 3.13 on linux/s390x with glibc 2.99"},
		{"what nobody knows", "cp312-cp312-ios_13_0_arm64", "Python 3.12 on ios_13_0_arm64"},
		{"none", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var files []lock.File
			for tag := range strings.FieldsSeq(tt.tags) {
				f, err := wheeltag.ParseFilename("a-1-" + tag + ".whl")
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, lock.File{Wheel: f})
			}
			if diff := cmp.Diff(tt.want, Coverage(files, wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What has no wheel for a target says nothing about a Python when it has none for any.
func TestMisfits(t *testing.T) {
	l, err := lock.Parse("uv.lock", []byte(misfits), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ python, want string }{
		{"3.11.2", ""},
		{"3.13.5", "both and a source distribution; wheels"},
	} {
		target := Target{Platform: Platform{"linux", "amd64"}, Python: tt.python, Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 36}}
		found, err := Misfits(l, target)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range found {
			name := m.Name
			if m.Sdist {
				name += " and a source distribution"
			}
			names = append(names, name)
		}
		if got := strings.Join(names, "; "); got != tt.want {
			t.Errorf("Python %s: %q", tt.python, got)
		}
	}
	if _, err := Misfits(l, Target{Platform: Platform{"linux", "amd64"}, Python: "3.9.1"}); err == nil || !strings.Contains(err.Error(), "not admitted") {
		t.Errorf("%v", err)
	}
}

const misfits = `version = 1
requires-python = ">=3.10"
[[package]]
name = "app"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "wheels" }, { name = "both" }, { name = "source" }, { name = "pure" }, { name = "else", marker = "sys_platform == 'win32'" }]
[[package]]
name = "both"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.example/both-1.0.tar.gz", hash = "` + hash + `" }
wheels = [{ url = "https://files.example/both-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", hash = "` + hash + `" }]
[[package]]
name = "else"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://files.example/else-1.0-cp313-cp313-win_amd64.whl", hash = "` + hash + `" }]
[[package]]
name = "pure"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://files.example/pure-1.0-py3-none-any.whl", hash = "` + hash + `" }]
[[package]]
name = "source"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.example/source-1.0.tar.gz", hash = "` + hash + `" }
[[package]]
name = "wheels"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://files.example/wheels-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", hash = "` + hash + `" }]
`

const hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
