package cargo_test

import (
	"strings"
	"testing"
)

// TestManyNames has a pyproject.toml that names the same large file very often.
func TestManyNames(t *testing.T) {
	needs, err := find(t, map[string]string{
		"pyproject.toml": strings.Repeat("[[tool.setuptools-rust.bins]]\npath = \"./Cargo.toml\"\n", 20_000),
		"Cargo.toml":     "[workspace]\nmembers = [" + strings.Repeat("\"a\",\n", 20_000) + "]\n",
		"Cargo.lock":     locked("a", "1.0.0", registry, "checksum = \""+sumA+"\""),
	})
	if err != nil || len(needs.Crates) != 1 {
		t.Errorf("%+v, %v", needs, err)
	}
	var pyproject strings.Builder
	files := map[string]string{}
	for _, name := range strings.Split(strings.Repeat("a", 65), "") {
		dir := strings.Repeat(name, len(files)+1)
		pyproject.WriteString("[[tool.setuptools-rust.bins]]\npath = \"" + dir + "/Cargo.toml\"\n")
		files[dir+"/Cargo.toml"] = "[package]\nname = \"x\"\n"
	}
	files["pyproject.toml"] = pyproject.String()
	if _, err := find(t, files); err == nil || !strings.Contains(err.Error(), "names more than 64 files Cargo.toml") {
		t.Error(err)
	}
}
