package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

const buildHelp = `Build the image of the project in DIR, the working directory by default. A script (.py) that has its metadata and
its lock is a project of its own.

The digest of the image is all that goes to standard output, one line for each output: files in the order of
the options, then the engine, then each repository that was pushed to. Without an output the image stays in lithe's
store.

  lithe build                                  build it, print its digest
  lithe build --load -t app                    into Docker or Podman
  lithe build --push -t registry.example/app:1 to a registry, sending only what it lacks
  lithe build -o oci:image                     an OCI layout in the folder image
  lithe build -o docker-archive:app.tar -t app an archive for docker load
  lithe build --all-packages --push -t registry.example/{package}:1
                                               every member of a workspace`

func (a *app) buildCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "build [DIR]", Short: "build the image of a project", Long: buildHelp, Args: maximumArgs(1)}
	flags := a.addProjectFlags(cmd)
	a.addBuildFlags(cmd, flags)
	f := cmd.Flags()
	f.StringArrayVarP(&flags.opt.Outputs, "output", "o", nil, "where to write the image: oci:DIR, oci-archive:FILE or docker-archive:FILE; may be repeated")
	f.BoolVar(&flags.opt.Push, "push", false, "push the image to the registries that its names say")
	f.BoolVar(&flags.opt.Load, "load", false, "load the image into Docker or Podman, moving only what it lacks")
	addReuseFlags(cmd, flags)
	f.StringArrayVarP(&flags.opt.Tags, "tag", "t", nil, "`name` of the image at its outputs; may be repeated")
	metadata := f.String("metadata-file", "", "write digest, layers, timings and counts to a JSON `file`")
	all := f.Bool("all-packages", false, "build an image of each member of the workspace; {package} in names and files is the member's name")
	var spent timings
	f.BoolVar(&spent.print, "timings", false, "print where the time went: stages, downloads, layers, and the chain that decided")
	f.StringVar(&spent.file, "trace", "", "write where the time went to a `file` for Perfetto or chrome://tracing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opt, err := a.options(flags, args)
		if err != nil {
			return err
		}
		request := buildRequest{opt: opt, progress: flags.progress, metadata: *metadata, all: *all}
		if err := asUsage(request.sample().opt.CheckOutputs()); err != nil {
			return err
		}
		if err := checkReuse(opt); err != nil {
			return err
		}
		if err := errors.Join(checkFile(*metadata, "metadata-file"), checkFile(spent.file, "trace")); err != nil {
			return err
		}
		request.opt.Trace = spent.begin()
		err = a.runBuild(cmd.Context(), request)
		return errors.Join(err, spent.end(a.sys.Stderr))
	}
	return cmd
}

// build runs a build under the view of progress that mode asks for.
func (a *app) build(ctx context.Context, opt build.Options, mode string) (*build.Result, error) {
	v, err := a.newView(mode)
	if err != nil {
		return nil, err
	}
	defer v.close()
	opt.On = v.show
	return build.Run(ctx, opt)
}

// printDigests prints one line for each output, and what to do next where there was none and a person reads.
func (a *app) printDigests(result *build.Result, progress string) error {
	if len(result.Outputs) == 0 && progress != "json" && progress != "none" {
		fmt.Fprintln(a.sys.Stderr, "hint: the image is in lithe's store; `--load` puts it into Docker or Podman, `--push -t NAME` into a registry, `-o oci:DIR` into a folder")
	}
	if len(result.Outputs) == 0 {
		_, err := fmt.Fprintln(a.sys.Stdout, result.Digest)
		return err
	}
	for _, o := range result.Outputs {
		if _, err := fmt.Fprintln(a.sys.Stdout, o.Reference); err != nil {
			return err
		}
	}
	return nil
}

// metadata is the file that --metadata-file writes. It is a contract: see docs/reference/metadata.md.
type metadata struct {
	Digest    string             `json:"digest"`
	Platforms []platformMetadata `json:"platforms"`
	Outputs   []outputMetadata   `json:"outputs"`
	Timings   []build.Timing     `json:"timings"`
	Counts    trace.Counts       `json:"counts"`
}

type outputMetadata struct {
	Destination string `json:"destination"` // as it was asked for, or the name of the engine
	Reference   string `json:"reference"`   // what was printed
	Sent        int64  `json:"sent"`        // bytes moved; 0 where all was there
}

type platformMetadata struct {
	Platform     string          `json:"platform"`
	Digest       string          `json:"digest"`
	Size         int64           `json:"size"`         // compressed bytes
	UnpackedSize int64           `json:"unpackedSize"` // bytes of the uncompressed layers
	Layers       []layerMetadata `json:"layers"`
}

type layerMetadata struct {
	Digest       string   `json:"digest"`
	DiffID       string   `json:"diffID"`
	Size         int64    `json:"size"`
	UnpackedSize int64    `json:"unpackedSize"`
	Kind         string   `json:"kind"`
	Packages     []string `json:"packages"`
	Reused       string   `json:"reused"` // none, store or registry
}

func newMetadata(r *build.Result) metadata {
	m := metadata{Digest: r.Digest, Outputs: []outputMetadata{}, Timings: r.Timings, Counts: r.Counts}
	for _, p := range r.Platforms {
		m.Platforms = append(m.Platforms, newPlatformMetadata(p))
	}
	for _, o := range r.Outputs {
		m.Outputs = append(m.Outputs, outputMetadata{Destination: o.Destination, Reference: o.Reference, Sent: o.Sent})
	}
	return m
}

func newPlatformMetadata(r build.PlatformResult) platformMetadata {
	p := platformMetadata{Platform: r.Platform, Digest: r.Digest}
	for _, l := range r.Layers {
		reused := "none"
		switch {
		case l.Remote:
			reused = "registry"
		case l.Reused:
			reused = "store"
		}
		p.Size += l.Size
		p.UnpackedSize += l.UnpackedSize
		p.Layers = append(p.Layers, layerMetadata{Digest: l.Digest, DiffID: l.DiffID, Size: l.Size, UnpackedSize: l.UnpackedSize,
			Kind: string(l.Kind), Packages: append([]string{}, l.Packages...), Reused: reused})
	}
	return p
}

// writeMetadata replaces a file whole.
func writeMetadata(path string, r *build.Result) error {
	data, err := json.MarshalIndent(newMetadata(r), "", "  ")
	if err != nil {
		return err
	}
	if err := store.Replace(path, bytes.NewReader(append(data, '\n'))); err != nil {
		return unwritable(path, "metadata-file", err)
	}
	return nil
}

// checkFile refuses before the build, which may take minutes, a file that cannot be. The code is the flag that names it.
func checkFile(path, code string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return unwritable(path, code, syscall.EISDIR)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return unwritable(path, code, err)
	}
	return nil
}

func unwritable(path, code string, err error) error {
	cause := err
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		cause = inner.Err
	}
	return &diag.Error{Pos: diag.Position{File: path}, Code: code, What: fmt.Sprintf("cannot be written: %v", cause),
		Hint: "name a file in a folder that exists and is yours", Err: err}
}

// maximumArgs refuses more arguments than n as wrong usage.
func maximumArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		takes := "one folder or script at most"
		if n == 0 {
			takes = "no arguments"
		}
		return usagef("%s takes %s, not %q", cmd.CommandPath(), takes, args)
	}
}
