package baseimage

import (
	"context"
	"errors"
	"io/fs"
	"testing"
)

// TestFiles reads through links, and finds the place of what is not there yet.
func TestFiles(t *testing.T) {
	f, err := Lay(context.Background(), []Layer{
		plain(t, files{"etc/pki/bundle.pem": "one", "etc/ssl/certs": "-> ../pki", "etc/ssl/cert.pem": "-> certs/bundle.pem", "gone": "x"}),
		plain(t, files{"etc/pki/bundle.pem": "two", ".wh.gone": ""}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := f.Read(context.Background(), "/etc/ssl/cert.pem", 10); err != nil || string(data) != "two" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := f.Read(context.Background(), "/etc/ssl/cert.pem", 2); err == nil {
		t.Error("a file past the limit is read")
	}
	if _, err := f.Read(context.Background(), "/gone", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is removed: %v", err)
	}
	for name, want := range map[string]string{"/etc/ssl/cert.pem": "/etc/pki/bundle.pem", "/etc/ssl/certs/more/x": "/etc/pki/more/x", "/usr/local": "/usr/local", "/": "/"} {
		if got := f.Real(name); got != want {
			t.Errorf("%s leads to %s, want %s", name, got, want)
		}
	}
}
