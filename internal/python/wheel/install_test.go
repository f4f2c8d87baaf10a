package wheel

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/entry"
)

func digestsOf(data string) digests {
	sum := sha256.Sum256([]byte(data))
	return digests{size: int64(len(data)), sha256: sum[:]}
}

const site = "venv/lib/python3.13/site-packages/"

func TestInstallSchemes(t *testing.T) {
	in := install(t, InstallOptions{},
		packed{name: "demo/__init__.py", data: "x = 1\n"},
		packed{name: "demo/tool", data: "binary", mode: 0o755},
		packed{name: "demo-1.0.data/purelib/pure.py", data: "p = 1\n"},
		packed{name: "demo-1.0.data/platlib/plat.py", data: "q = 1\n"},
		packed{name: "demo-1.0.data/scripts/run", data: "#!python -x\nprint()\n"},
		packed{name: "demo-1.0.data/scripts/sh", data: "#!/bin/sh\n"},
		packed{name: "demo-1.0.data/headers/demo.h", data: "//"},
		packed{name: "demo-1.0.data/data/share/man/demo.1", data: "."},
		packed{name: "demo-1.0.dist-info/entry_points.txt", data: "[console_scripts]\ncli = demo.cli:app.main [extra]\n[other]\nx=y\n"},
		packed{name: "demo-1.0.dist-info/INSTALLER", data: "pip"},
		packed{name: "demo-1.0.dist-info/REQUESTED"},
		packed{name: "demo-1.0.dist-info/direct_url.json", data: "{}"})
	got := contents(t, in)
	record := got[site+"demo-1.0.dist-info/RECORD"]
	delete(got, site+"demo-1.0.dist-info/RECORD")
	want := map[string]string{
		site + "demo/__init__.py": "x = 1\n", site + "demo/tool": "binary", site + "pure.py": "p = 1\n",
		site + "plat.py": "q = 1\n", "venv/bin/run": "#!/venv/bin/python\nprint()\n", "venv/bin/sh": "#!/bin/sh\n",
		"venv/include/site/python3.13/Demo/demo.h": "//", "venv/share/man/demo.1": ".",
		"venv/bin/cli": "#!/venv/bin/python\nimport sys\nfrom demo.cli import app\nif __name__ == \"__main__\":\n    sys.exit(app.main())\n",
		site + "demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ncli = demo.cli:app.main [extra]\n[other]\nx=y\n",
		site + "demo-1.0.dist-info/INSTALLER":        "lithe\n",
		site + "demo-1.0.dist-info/METADATA":         metadata,
		site + "demo-1.0.dist-info/WHEEL":            wheelFile,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	checkRecord(t, record, got)
	if diff := cmp.Diff([]string{"venv/bin/cli", "venv/bin/run", "venv/bin/sh"}, in.Scripts); diff != "" {
		t.Error(diff)
	}
	checkModes(t, in)
	if len(in.Warnings) != 1 || in.Warnings[0].Code != "script-interpreter" {
		t.Errorf("warnings: %v", in.Warnings)
	}
}

// checkRecord holds RECORD to the specification: each file of the image once, with its hash, sorted.
func checkRecord(t *testing.T, record string, files map[string]string) {
	t.Helper()
	rows, err := parseRecord([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, r := range rows {
		if r.path <= last {
			t.Errorf("%s stands after %s", r.path, last)
		}
		last = r.path
		p := site + r.path
		if rest, ok := strings.CutPrefix(r.path, "../../../"); ok {
			p = "venv/" + rest
		}
		if strings.HasSuffix(p, "/RECORD") || strings.HasSuffix(p, ".pyc") {
			if r.algorithm != "" || r.size != -1 {
				t.Errorf("%s has a hash", p)
			}
			continue
		}
		data, ok := files[p]
		if !ok {
			t.Errorf("RECORD lists %s", p)
		}
		if err := r.check(digestsOf(data)); err != nil || r.algorithm == "" {
			t.Errorf("%s: %v", p, err)
		}
	}
	if len(rows) != len(files)+1 {
		t.Errorf("RECORD has %d rows for %d files", len(rows), len(files))
	}
}

func checkModes(t *testing.T, in *Installed) {
	t.Helper()
	for _, e := range in.Entries {
		want := entry.FileMode(strings.HasPrefix(e.Path, "venv/bin/") || strings.HasSuffix(e.Path, "/tool"))
		if e.Mode != want {
			t.Errorf("%s has mode %o", e.Path, e.Mode)
		}
	}
}

func TestBytecode(t *testing.T) {
	old := site + "demo/__pycache__/a.cpython-313.pyc"
	in := install(t, InstallOptions{},
		packed{name: "demo/a.py", data: "a = 1\n"}, packed{name: "demo/b.py", data: "syntax error\n"},
		packed{name: "demo/__pycache__/a.cpython-313.pyc", data: "from elsewhere"})
	var paths []string
	for _, s := range in.Sources {
		paths = append(paths, s.Path+" "+s.Digest)
	}
	want := []string{fmt.Sprintf("%sdemo/a.py sha256:%x", site, digestsOf("a = 1\n").sha256),
		fmt.Sprintf("%sdemo/b.py sha256:%x", site, digestsOf("syntax error\n").sha256)}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
	for range 2 { // a second time changes nothing
		if err := in.AddBytecode(map[string][]byte{old: []byte("ours")}); err != nil {
			t.Fatal(err)
		}
	}
	got := contents(t, in)
	if got[old] != "ours" {
		t.Errorf("bytecode is %q", got[old])
	}
	record := got[site+"demo-1.0.dist-info/RECORD"]
	if !strings.Contains(record, "demo/__pycache__/a.cpython-313.pyc,,\n") || strings.Contains(record, "b.cpython") {
		t.Error(record)
	}
	delete(got, site+"demo-1.0.dist-info/RECORD")
	checkRecord(t, record, got)
	if err := in.AddBytecode(map[string][]byte{"etc/passwd": nil}); err == nil {
		t.Error("bytecode outside of site-packages")
	}
}

func TestDropAndDirectURL(t *testing.T) {
	in := install(t, InstallOptions{Drop: []string{site + "demo/a.py", "venv/bin/cli"}, DirectURL: []byte(`{"url": "x"}`)},
		packed{name: "demo/a.py"}, packed{name: "demo/b.py"},
		packed{name: "demo-1.0.dist-info/entry_points.txt", data: "[console_scripts]\ncli = demo:main\n"})
	got := contents(t, in)
	record := got[site+"demo-1.0.dist-info/RECORD"]
	if strings.Contains(record, "demo/a.py") || strings.Contains(record, "bin/cli") || len(in.Sources) != 1 || len(in.Scripts) != 0 {
		t.Errorf("dropped files are still there: %s %v %v", record, in.Sources, in.Scripts)
	}
	if got[site+"demo-1.0.dist-info/direct_url.json"] != `{"url": "x"}` {
		t.Error("no direct_url.json")
	}
	delete(got, site+"demo-1.0.dist-info/RECORD")
	checkRecord(t, record, got)
}

func TestRefusals(t *testing.T) {
	info := "demo-1.0.dist-info/"
	tests := []struct {
		name  string
		files []packed
		want  string
	}{
		{"file not in RECORD", []packed{{name: "a.py"}, {name: info + "RECORD", data: recordOf(nil)}}, "a.py is not in RECORD"},
		{"md5 in RECORD", []packed{{name: info + "RECORD", data: "a,md5=x,1\n"}}, "md5"},
		{"two rows", []packed{{name: info + "RECORD", data: "a,,1\na,,2\n"}}, "two rows for a"},
		{"pyvenv.cfg", []packed{{name: "demo-1.0.data/data/pyvenv.cfg"}}, "pyvenv.cfg of the virtual environment"},
		{"activate", []packed{{name: "demo-1.0.data/scripts/activate.fish"}}, "activate.fish of the virtual environment"},
		{"lib64", []packed{{name: "demo-1.0.data/data/lib64/x"}}, "lib64"},
		{"unknown scheme", []packed{{name: "demo-1.0.data/stdlib/os.py"}}, "schemes"},
		{"foreign dist-info", []packed{{name: "demo-1.0.data/purelib/pip-1.dist-info/METADATA"}}, "another distribution"},
		{"foreign dist-info by data", []packed{{name: "demo-1.0.data/data/lib/python3.13/site-packages/pip-1.dist-info/RECORD"}}, "another distribution"},
		{"two schemes, one path", []packed{{name: "a.py", data: "1"}, {name: "demo-1.0.data/purelib/a.py", data: "2"}}, "both installed"},
		{"file and directory", []packed{{name: "a"}, {name: "demo-1.0.data/purelib/a/b"}}, "directory of another file"},
		{"file and directory in the archive", []packed{{name: "a"}, {name: "a/b"}}, "directory of a/b"},
		{"entry point replaces python3", []packed{{name: info + "entry_points.txt", data: "[gui_scripts]\npython3 = a:b\n"}}, "entry point"},
		{"command twice", []packed{{name: info + "entry_points.txt", data: "[gui_scripts]\nx = a:b\n[console_scripts]\nx = a:b\n"}}, "second command"},
		{"slash in a command", []packed{{name: info + "entry_points.txt", data: "[console_scripts]\n../x = a:b\n"}}, "name of a command"},
		{"other version", []packed{{name: info + "METADATA", data: "Metadata-Version: 2.1\nName: demo\nVersion: 2\n"}}, "version"},
		{"other name", []packed{{name: info + "METADATA", data: "Metadata-Version: 2.1\nName: dem\nVersion: 1\n"}}, `"dem"`},
		{"metadata version 3", []packed{{name: info + "METADATA", data: "Metadata-Version: 3.0\nName: demo\nVersion: 1\n"}}, "Metadata-Version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := openDemo(t, pack(t, tt.files...))
			if err == nil {
				_, err = Install(w, scheme, InstallOptions{})
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	files := []packed{{name: "a.pth", data: "# x\nimport os\n"}, {name: "b.pth", data: "../imports\n"},
		{name: "demo-1.0.data/purelib/c.pth", data: "import\tsys"}, {name: "demo/d.pth", data: "import os"}}
	files = append(files, packed{name: "demo-1.0.dist-info/RECORD", data: recordOf(append(files,
		packed{name: "demo-1.0.dist-info/METADATA", data: metadata}, packed{name: "demo-1.0.dist-info/WHEEL", data: wheelFile},
		packed{name: "gone.py"}))})
	in := install(t, InstallOptions{}, files...)
	var got []string
	for _, w := range in.Warnings {
		got = append(got, w.Code+": "+w.What)
	}
	want := []string{"pth-runs-code: a.pth runs code at every start of Python (line 2)",
		"pth-runs-code: demo-1.0.data/purelib/c.pth runs code at every start of Python (line 1)",
		"record-without-file: RECORD lists gone.py, which is not in the wheel"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDeflated holds that layers may copy the stream, and that a wheel changed behind our back is noticed.
func TestDeflated(t *testing.T) {
	path := pack(t, packed{name: "demo/a.py", data: strings.Repeat("a = 1\n", 1000)})
	w, err := openDemo(t, path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenVerified(path, filename(t, "demo-1.0-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range again.Files {
		if f.SHA256 != w.Files[i].SHA256 || f.Path != w.Files[i].Path {
			t.Errorf("%s differs when verified before", f.Path)
		}
	}
	f, _ := w.find("demo/a.py")
	stream, size, _, err := f.Content.(entry.Deflated).OpenDeflated()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(stream)
	if err != nil || int64(len(raw)) != size || size > 200 {
		t.Errorf("%d raw bytes, %d declared, %v", len(raw), size, err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), string(raw), strings.Repeat("\x00", len(raw)), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (entry.Entry{Content: f.Content}).Read(); err == nil {
		t.Error("a changed wheel was read")
	}
}

func TestChangedLength(t *testing.T) {
	r := &checked{Reader: strings.NewReader("abc"), want: content{size: 2}}
	if _, err := io.ReadAll(r); !errors.Is(err, errChanged) {
		t.Errorf("got %v", err)
	}
}

func TestNew(t *testing.T) {
	w, err := openDemo(t, pack(t, packed{name: "demo/a.py", data: "a"}))
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(w.Files)
	if err != nil {
		t.Fatal(err)
	}
	if again.Name != "Demo" || len(again.Files) != len(w.Files) {
		t.Errorf("%+v", again)
	}
	w.Files[0].SHA256[0]++
	if _, err := New(w.Files); err == nil || !strings.Contains(err.Error(), "RECORD") {
		t.Errorf("a file that RECORD denies: %v", err)
	}
}
