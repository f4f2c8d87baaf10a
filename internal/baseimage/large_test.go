package baseimage

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDeepPaths refuses an image of a few files that are thousands of folders deep each: it would take all memory.
func TestDeepPaths(t *testing.T) {
	f := files{}
	for i := range 100 {
		f[fmt.Sprintf("%04d/%sx", i, strings.Repeat("a/", maxName/2-10))] = ""
	}
	if _, err := flatten(context.Background(), []Layer{plain(t, f)}); err == nil || !strings.Contains(err.Error(), "folders that no layer names") {
		t.Errorf("got %v", err)
	}
}

// TestManyScripts looks into some of the files that bear the name of an interpreter: each is a layer to read, and a shim may lead to
// thousands of others again and again.
func TestManyScripts(t *testing.T) {
	f := files{"opt/python3.13": "#!"}
	var dirs []string
	for i := range 20 {
		dir := fmt.Sprintf("/bin%d", i)
		dirs = append(dirs, dir)
		for minor := range 20 {
			f[fmt.Sprintf("%s/python3.%d", dir[1:], minor)] = "#! some script"
		}
	}
	var versions strings.Builder
	for i := range 200 {
		fmt.Fprintf(&versions, "%d\n", i)
		f[fmt.Sprintf("pyenv/versions/%d/bin/python3", i)] = "-> /pyenv/shims/python3"
	}
	f["pyenv/shims/python3"], f["pyenv/version"] = "#! a shim", versions.String()
	env := []string{"PATH=/pyenv/shims:" + strings.Join(dirs, ":")}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := Read(ctx, []Layer{plain(t, f)}, Config{Env: env}, "linux/amd64")
	if err == nil || !strings.Contains(err.Error(), "no Python") {
		t.Errorf("got %v", err)
	}
}

// TestLongLibrary finds versions in a library that repeats the beginning of one, as a pattern that began anew at each would in
// hours.
func TestLongLibrary(t *testing.T) {
	f := onGlibc()
	for name, text := range map[string]string{"banner": "GNU C Library ", "symbols": "\x00GLIBC_2.4"} {
		t.Run(name, func(t *testing.T) {
			f["usr/lib/x86_64-linux-gnu/libc.so.6"] = strings.Repeat(text, (4<<20)/len(text)) + "\n"
			found, err := Read(context.Background(), []Layer{plain(t, f)}, Config{}, "linux/amd64")
			if want := name == "symbols"; want != (err == nil) || want && found.Libc.Minor != 4 {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}
