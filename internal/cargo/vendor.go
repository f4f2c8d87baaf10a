package cargo

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The names of what Vendor writes.
const (
	vendorDir    = "vendor"
	configName   = "config.toml"
	checksumName = ".cargo-checksum.json"
)

// Vendor makes a directory the home of cargo for a build, which sees it at the path home: with a folder that has the crates,
// and the configuration by which cargo takes them in place of crates.io. Unpack writes one crate to an empty folder.
func Vendor(dir, home string, crates []Crate, unpack func(c Crate, dir string) error) error {
	vendor := filepath.Join(dir, vendorDir)
	if err := os.Mkdir(vendor, 0o755); err != nil { //nolint:gosec // the build's user reads it
		return err
	}
	for _, c := range crates {
		folder := filepath.Join(vendor, c.Dir())
		if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // the build's user reads it
			return err
		}
		if err := unpack(c, folder); err != nil {
			return err
		}
		// The archive had its checksum, and who unpacked it wrote what is in it: no file has one of its own.
		sums, err := json.Marshal(map[string]any{"files": map[string]string{}, "package": c.Checksum})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, checksumName), sums, 0o644); err != nil { //nolint:gosec // the build's user reads it
			return err
		}
	}
	config := fmt.Sprintf("[source.crates-io]\nreplace-with = \"vendored-sources\"\n\n[source.vendored-sources]\ndirectory = %q\n\n[net]\noffline = true\n",
		home+"/"+vendorDir)
	return os.WriteFile(filepath.Join(dir, configName), []byte(config), 0o644) //nolint:gosec // the build's user reads it
}

// Env is the environment of cargo in a build whose home stands at a path. Nothing is compiled step by step, which would put
// parts in an order that chance decides.
func Env(home string) map[string]string {
	return map[string]string{"CARGO_HOME": home, "CARGO_NET_OFFLINE": "true", "CARGO_INCREMENTAL": "0"}
}
