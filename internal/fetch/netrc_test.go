package fetch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/fetch"
)

func TestNetrc(t *testing.T) {
	for name, test := range map[string]struct{ file, host, login, password string }{
		"one line":      {"machine h login l password p", "h", "l", "p"},
		"lines":         {"machine h\n  login l\n  password p\n", "h", "l", "p"},
		"windows":       {"machine h\r\nlogin l\r\npassword p\r\n", "h", "l", "p"},
		"upper case":    {"machine Host.Example login l password p", "host.example", "l", "p"},
		"first counts":  {"machine h login l password p machine h login x password y", "h", "l", "p"},
		"default":       {"machine x login y password z\ndefault login l password p", "h", "l", "p"},
		"before":        {"default login x password y\nmachine h login l password p", "h", "l", "p"},
		"quotes":        {`machine h login "a b" password "c\"d"`, "h", "a b", `c"d`},
		"hash":          {"machine h login l password #p", "h", "l", "#p"},
		"comments":      {"# machine h login x\nmachine h # here login y\nlogin l # z\npassword p", "h", "l", "p"},
		"macro":         {"macdef init\ncd /\nmachine h\n\nmachine h login l password p", "h", "l", "p"},
		"account, user": {"machine h user l account a password p", "h", "l", "p"},
		"token":         {"machine h password p", "h", "", "p"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := fetch.ParseNetrc([]byte(test.file))
			if err != nil {
				t.Fatal(err)
			}
			login, password, ok := n.Lookup(test.host)
			if !ok || login != test.login || password != test.password {
				t.Errorf("got %q %q %v", login, password, ok)
			}
		})
	}
	if _, _, ok := (fetch.Netrc{}).Lookup("h"); ok {
		t.Error("an empty file knows a machine")
	}
}

func TestNetrcRefusesWithoutQuoting(t *testing.T) {
	for name, test := range map[string]struct{ file, line string }{
		"no value":      {"machine h\nlogin l password", "2:"},
		"no name":       {"machine", "1:"},
		"unknown":       {"machine h\n\nlogin l hunter2 hunter2", "3:"},
		"before":        {"hunter2", "1:"},
		"open quote":    {"machine h password \"hunter2\n", "2:"},
		"too long":      {"machine h password " + strings.Repeat("hunter2", 1<<16), "1:"},
		"too long file": {strings.Repeat("\n", 1<<20+1), "1:"},
	} {
		_, err := fetch.ParseNetrc([]byte(test.file))
		if err == nil || !strings.HasPrefix(err.Error(), test.line) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadNetrc(t *testing.T) {
	home := t.TempDir()
	none := func(string) string { return "" }
	if n, err := fetch.ReadNetrc(none, home); err != nil || n != nil {
		t.Errorf("missing: %v, %v", n, err)
	}
	if n, err := fetch.ReadNetrc(none, ""); err != nil || n != nil {
		t.Errorf("no home: %v, %v", n, err)
	}
	write := func(name, text string) string {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(".netrc", "machine h login home password p")
	other := write("other", "machine h login other password p")
	n, err := fetch.ReadNetrc(none, home)
	if login, _, _ := n.Lookup("h"); err != nil || login != "home" {
		t.Error(login, err)
	}
	n, err = fetch.ReadNetrc(func(string) string { return other }, home)
	if login, _, _ := n.Lookup("h"); err != nil || login != "other" {
		t.Error(login, err)
	}
	broken := write("broken", "machine")
	if _, err = fetch.ReadNetrc(func(string) string { return broken }, home); err == nil || !strings.Contains(err.Error(), broken+":1:") {
		t.Error(err)
	}
}

func FuzzParseNetrc(f *testing.F) {
	f.Add([]byte("machine h login l password p"))
	f.Add([]byte("macdef x\n\n\ndefault login \"a\\\"\" password #"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := fetch.ParseNetrc(data)
		if err != nil && n != nil {
			t.Error("machines and an error")
		}
		n.Lookup("h")
	})
}
