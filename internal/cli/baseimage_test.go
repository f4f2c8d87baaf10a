package cli_test

import (
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/testkit/baseimages"
)

// baseKinds are the bases that scripts can have. Nothing in them runs.
var baseKinds = map[string]func(arch string, micro int) baseimages.Spec{
	"slim": baseimages.Slim, "distroless": baseimages.Distroless, "alpine": baseimages.Alpine,
	"empty": func(arch string, _ int) baseimages.Spec {
		return baseimages.Spec{Arch: arch, Layers: []baseimages.Layer{{Files: baseimages.Files{"usr/bin/python3": "#!/bin/sh\n"}}}}
	},
}

// baseImage is the script command: baseimage KIND NAME MICRO [ARCH]... puts a base with Python 3.13.MICRO into the
// registry under a name, for amd64 if no architecture is named.
func (w *world) baseImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || baseKinds[args[0]] == nil {
		ts.Fatalf("usage: baseimage slim|distroless|alpine|empty NAME MICRO [ARCH]...")
	}
	micro, err := strconv.Atoi(args[2])
	ts.Check(err)
	archs := args[3:]
	if len(archs) == 0 {
		archs = []string{"amd64"}
	}
	var images []v1.Image
	for _, arch := range archs {
		img, err := baseimages.Image(baseKinds[args[0]](arch, micro))
		ts.Check(err)
		images = append(images, img)
	}
	_, err = baseimages.Push(ts.Getenv("REGISTRY"), args[1], images...)
	ts.Check(err)
}
