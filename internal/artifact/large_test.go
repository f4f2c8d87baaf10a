package artifact

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLargePages reads pages that would take hours, or fifty times their size in memory.
func TestLargePages(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "h", Path: "/x/"}
	page := func(n int) []byte {
		return []byte(`{"files": [` + strings.Repeat("{},", n-1) + `{"filename": "x-1.tar.gz", "url": "x-1.tar.gz"}]}`)
	}
	if files, err := parseJSONPage(page(10_000), base); err != nil || len(files) != 1 || files[0].Name != "x-1.tar.gz" {
		t.Errorf("%d files, %v", len(files), err)
	}
	if _, err := parseJSONPage(page(maxFiles+1), base); !errors.Is(err, errHTML) {
		t.Errorf("got %v", err)
	}
	for _, files := range []string{"{}", `"x"`, "[1]"} {
		if _, err := parseJSONPage([]byte(`{"files": `+files+`}`), base); err == nil {
			t.Errorf("%s are files", files)
		}
	}
	p, err := parseHTML(strings.Repeat("<a href=x>"+strings.Repeat("a<b>", maxText)+"</a>", 5))
	if err != nil || len(p.anchors) != 5 || len(p.anchors[4].text) != maxText {
		t.Errorf("%d links, %v", len(p.anchors), err)
	}
}

// TestLongPipConf reads a setting of as many lines as a file may have.
func TestLongPipConf(t *testing.T) {
	sections, err := parsePipConf("pip.conf", "[global]\nindex-url = a\n"+strings.Repeat(" a\n", maxPipConf/3-20)+"[install]\nuser = no\n")
	if value := sections["global"]["index-url"]; err != nil || len(value) != 2*(maxPipConf/3-20)+1 || sections["install"]["user"] != "no" {
		t.Errorf("%d bytes, %v", len(value), err)
	}
}

// TestFilesIn counts no further than it is asked to.
func TestFilesIn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if all, some := filesIn(dir, 10), filesIn(dir, 2); all != 4 || some != 3 {
		t.Errorf("%d and %d", all, some)
	}
}
