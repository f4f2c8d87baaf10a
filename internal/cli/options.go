package cli

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/cargo"
	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/registry"
)

// projectFlags are the flags of every command that reads a project.
type projectFlags struct {
	opt      build.Options
	progress string
	keyring  string
	crates   string   // mirror of crates.io
	insecure []string // registries
}

// addProjectFlags gives a command the flags that say what is built.
func (a *app) addProjectFlags(cmd *cobra.Command) *projectFlags {
	p := &projectFlags{}
	f := cmd.Flags()
	f.StringVar(&p.opt.Target, "target", "", "what to build: prod (main dependencies), dev (with the default groups), or one of [tool.lithe.targets]")
	f.StringSliceVar(&p.opt.Platforms, "platform", nil, "`platform` of the image, linux/amd64 or linux/arm64; several with commas, or repeated")
	f.StringVar(&p.opt.Package, "package", "", "member of the workspace")
	f.StringVar(&p.opt.Lock, "lock", "", "lock `file` of the project")
	f.BoolVar(&p.opt.AllowUnhashed, "allow-unhashed", false, "take pins of a requirements file that have no hash; lithe.lock keeps the hashes of the index")
	f.StringVar(&p.opt.Stale, "stale", "error", "what a lock file that does not fit pyproject.toml is: error or warn")
	return p
}

// addBuildFlags gives a command the flags that say how things are made.
func (a *app) addBuildFlags(cmd *cobra.Command, p *projectFlags) {
	f := cmd.Flags()
	f.StringVar(&p.opt.Base, "base", "", "base of the image, such as debian:trixie, standalone:3.12 or registry.example/python:3.13-slim")
	f.StringVar(&p.opt.Python, "python", "", "`version` of Python, such as 3.13; before what the project's files say")
	f.BoolVar(&p.opt.Locked, "locked", false, "refuse to change lithe.lock, and files that git does not track")
	f.BoolVar(&p.opt.AllowExpired, "allow-expired-index", false, "accept Debian indexes past their Valid-Until; lithe.lock tells it")
	f.StringVar(&p.opt.DebianMirror, "debian-mirror", "", "`URL` of a Debian mirror")
	f.StringVar(&p.opt.DebianSecurityMirror, "debian-security-mirror", "", "`URL` of a mirror of Debian's security archive")
	f.StringVar(&p.opt.DebianSnapshot, "debian-snapshot", "", "`URL` of an archive that keeps superseded packages; with Debian's own mirrors, Debian's")
	f.StringVar(&p.opt.StandaloneMirror, "standalone-mirror", "", "`URL` of a mirror of the releases of python-build-standalone; else what UV_PYTHON_INSTALL_MIRROR says")
	f.StringVar(&p.crates, "crates-mirror", "", "`URL` of a mirror of crates.io: \"sparse+\" and an index, or where crates are downloaded; else what cargo's configuration says")
	f.StringVar(&p.keyring, "debian-keyring", "", "`file` with the keys that may sign the mirror's suites, in place of Debian's")
	f.StringSliceVar(&p.insecure, "insecure-registry", nil, "`host` of a registry that may speak plain HTTP or have a certificate nobody vouches for; may be repeated")
	f.StringVar(&p.progress, "progress", "auto", "how progress is shown: auto, plain, json or none")
	f.StringVar(&p.opt.Executor, "executor", "", "what runs programs of the image: namespace, loader (for bytecode alone) or engine")
}

// options completes the options of a command by what the environment says.
func (a *app) options(p *projectFlags, args []string) (build.Options, error) {
	opt := p.opt
	var err error
	if opt.Dir, opt.Script, err = dirArgument(args); err != nil {
		return opt, err
	}
	if opt.Stale != "error" && opt.Stale != "warn" {
		return opt, usagef("--stale is error or warn, not %q", opt.Stale)
	}
	if opt.Executor != "" && !slices.Contains(execute.Names(), opt.Executor) {
		return opt, usagef("--executor is one of %s, not %q", strings.Join(execute.Names(), ", "), opt.Executor)
	}
	if opt.Store, err = a.storeDir(); err != nil {
		return opt, err
	}
	if opt.Jobs, err = a.jobs(); err != nil {
		return opt, err
	}
	if opt.Attempts, err = a.attempts(); err != nil {
		return opt, err
	}
	if opt.Timeout, err = a.timeout(); err != nil {
		return opt, err
	}
	opt.BuildEnv = a.buildEnv()
	if opt.Created, err = a.sourceDate(); err != nil {
		return opt, err
	}
	if opt.Offline, err = a.offline(); err != nil {
		return opt, err
	}
	if p.keyring != "" {
		if opt.DebianKeyring, err = readKeyring(p.keyring); err != nil {
			return opt, err
		}
	}
	if opt.Index, err = artifact.Settings(a.sys.Getenv, a.home()); err != nil {
		return opt, err
	}
	if opt.Registry, err = a.registryOptions(p.insecure); err != nil {
		return opt, err
	}
	if opt.Crates, err = a.cratesMirror(p.crates); err != nil {
		return opt, err
	}
	opt.StandaloneMirror = cmp.Or(opt.StandaloneMirror, a.sys.Getenv("UV_PYTHON_INSTALL_MIRROR"))
	opt.Now, opt.Engine, opt.Log = time.Now(), a.engineOptions(), a.logger()
	return opt, nil
}

// cratesMirror is what the flag says, else what cargo is told.
func (a *app) cratesMirror(flag string) (cargo.Mirror, error) {
	if flag == "" {
		return cargo.Settings(a.sys.Getenv, a.home()), nil
	}
	if err := cargo.CheckMirror(flag); err != nil {
		return cargo.Mirror{}, usagef("--crates-mirror: %v", err)
	}
	return cargo.Mirror{Address: flag}, nil
}

// engineOptions is where an engine is looked for, as the docker command does it.
func (a *app) engineOptions() destination.EngineOptions {
	config := a.sys.Getenv("DOCKER_CONFIG")
	if config == "" && a.home() != "" {
		config = a.home() + "/.docker"
	}
	return destination.EngineOptions{
		Host: a.sys.Getenv("DOCKER_HOST"), Context: a.sys.Getenv("DOCKER_CONTEXT"), Config: config,
		CertPath: a.sys.Getenv("DOCKER_CERT_PATH"), TLSVerify: a.sys.Getenv("DOCKER_TLS_VERIFY") != "",
	}
}

// registryOptions is what other tools are told about registries, and what the flag says.
func (a *app) registryOptions(insecure []string) (registry.Options, error) {
	if err := registry.CheckInsecure(insecure); err != nil {
		return registry.Options{}, asUsage(err)
	}
	opt, err := registry.Settings(a.sys.Getenv, a.home())
	opt.Insecure = append(opt.Insecure, insecure...)
	return opt, err
}

// logger is silent unless the user asked for more.
func (a *app) logger() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.sys.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// maxKeyring is in bytes; Debian's own has 0.06 MB.
const maxKeyring = 16 << 20

// readKeyring reads the file that --debian-keyring names.
func readKeyring(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("--debian-keyring: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyring+1))
	if err == nil && len(data) > maxKeyring {
		err = fmt.Errorf("%s: more than %d bytes are no keyring", path, maxKeyring)
	}
	if err != nil {
		return nil, usagef("--debian-keyring: %v", err)
	}
	return data, nil
}
