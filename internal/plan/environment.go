package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
)

const (
	commands       = "/venv/bin" // of the project and its dependencies
	systemCommands = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	certificates   = "/etc/ssl/certs/ca-certificates.crt"
)

// environment is what every image sets, before the configuration's. Of a base that is an image all variables stay, and
// ours go without saying only where it has none: but its PATH comes after the project's commands, and HOME is ours. Where the
// project adds certificates, the bundle has them, and requests, which trusts what certifi brings, is told of it.
func environment(image *base.Image, pythonPath string, added bool) []string {
	var theirs []string
	bundle := certificates
	if image != nil {
		theirs, bundle = image.Env, image.Certificates
	}
	requests := ""
	if added {
		bundle = Bundle(image)
		requests = bundle
	}
	path := systemCommands
	if theirPath := value(theirs, "PATH"); theirPath != "" {
		path = theirPath
	}
	env := []string{
		"PATH=" + commands + ":" + path,
		"HOME=/tmp", // the one place that can be written, whoever runs it
	}
	for _, v := range []string{
		"LANG=C.UTF-8",         // what it is when nothing is set differs between Pythons
		"PYTHONFAULTHANDLER=1", // a traceback when C code crashes
		"PYTHONUNBUFFERED=1",   // logs arrive, also those of a program that is killed
		"SSL_CERT_FILE=" + bundle,
		"REQUESTS_CA_BUNDLE=" + requests,
	} {
		name, set, _ := strings.Cut(v, "=")
		if set != "" && value(theirs, name) == "" {
			env = append(env, v)
		}
	}
	if pythonPath != "" {
		env = append(env, "PYTHONPATH="+pythonPath)
	}
	return append(env, others(theirs, env)...)
}

// Bundle is the path of the file with all certificates that programs of an image trust: what a base that is an image sets or has,
// else Debian's.
func Bundle(image *base.Image) string {
	if image == nil {
		return certificates
	}
	return cmp.Or(value(image.Env, "SSL_CERT_FILE"), image.Certificates, certificates)
}

// value returns what a variable is set to; the last one counts.
func value(env []string, name string) string {
	for _, v := range slices.Backward(env) {
		if text, ok := strings.CutPrefix(v, name+"="); ok {
			return text
		}
	}
	return ""
}

// others returns the settings of variables that ours does not set, each once, in their order.
func others(theirs, ours []string) []string {
	var kept []string
	for i, v := range theirs {
		name, _, _ := strings.Cut(v, "=")
		sets := func(v string) bool { return strings.HasPrefix(v, name+"=") }
		if !slices.ContainsFunc(ours, sets) && !slices.ContainsFunc(theirs[i+1:], sets) {
			kept = append(kept, v)
		}
	}
	return kept
}

// userOf returns the configuration's user, else that of a base that is an image and names one which is not root.
func userOf(in Input) string {
	if _, configured := in.Config.Position("user"); !configured && in.Image != nil && in.Image.User != "" {
		return in.Image.User
	}
	return cmp.Or(in.Config.User, defaultUser)
}
