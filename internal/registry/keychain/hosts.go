package keychain

import (
	"maps"
	"slices"
	"strings"
)

// Hosts returns the hosts that the login files have an entry for, sorted. What a helper for all hosts has is not asked.
func (k *Keychain) Hosts() []string {
	hosts := map[string]bool{}
	for _, f := range k.opt.Files {
		data, err := readFile(f.Path)
		if err != nil {
			continue
		}
		file, err := parseLogins(data)
		if err != nil {
			continue // Lookup tells it
		}
		for _, key := range append(sortedKeys(file.Auths), sortedKeys(file.CredHelpers)...) {
			host, _, _ := strings.Cut(normalKey(key), "/")
			hosts[host] = true
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}
