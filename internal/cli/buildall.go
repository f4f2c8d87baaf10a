package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/build"
)

// packageMark stands for a member's name in what --all-packages writes.
const packageMark = "{package}"

// buildRequest is one call of lithe build.
type buildRequest struct {
	opt      build.Options
	progress string
	metadata string // file; "" means none
	all      bool   // members of the workspace
}

// runBuild builds what was asked for, one image after the other. They share the store, in which what two of them have is made once.
func (a *app) runBuild(ctx context.Context, r buildRequest) error {
	if !r.all {
		return a.buildOne(ctx, r)
	}
	r.opt.Readings = &build.Readings{}
	names, err := build.Members(r.opt)
	if err != nil {
		return err
	}
	if err := r.checkMarks(len(names)); err != nil {
		return err
	}
	built := 0
	for _, name := range names {
		err := a.buildOne(ctx, r.member(name))
		if build.IsLibrary(err) {
			fmt.Fprintf(a.sys.Stderr, "note: %s has no command to run, and gets no image\n", name)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		built++
	}
	if built == 0 {
		return usagef("no member of the workspace has a command to run\nhint: `lithe explain --package NAME` tells what is looked for")
	}
	return nil
}

// buildOne builds one image and prints its references.
func (a *app) buildOne(ctx context.Context, r buildRequest) error {
	result, err := a.build(ctx, r.opt, r.progress)
	if err != nil {
		return err
	}
	if r.metadata != "" {
		if err := writeMetadata(r.metadata, result); err != nil {
			return err
		}
	}
	return a.printDigests(result, r.progress)
}

// member is the request for one of the workspace.
func (r buildRequest) member(name string) buildRequest {
	fill := func(list []string) (filled []string) {
		for _, s := range list {
			filled = append(filled, strings.ReplaceAll(s, packageMark, name))
		}
		return filled
	}
	r.opt.Package, r.opt.Tags, r.opt.Outputs = name, fill(r.opt.Tags), fill(r.opt.Outputs)
	r.metadata = strings.ReplaceAll(r.metadata, packageMark, name)
	return r
}

// sample is a request whose names can be checked before anybody knows the members.
func (r buildRequest) sample() buildRequest {
	if r.all {
		return r.member("name")
	}
	return r
}

// checkMarks refuses places that the image of one member would take from another's.
func (r buildRequest) checkMarks(members int) error {
	places := append(append([]string{}, r.opt.Tags...), r.opt.Outputs...)
	if r.metadata != "" {
		places = append(places, r.metadata)
	}
	for _, place := range places {
		if members > 1 && !strings.Contains(place, packageMark) {
			return usagef("--all-packages makes several images, which cannot all be %s\nhint: put %s where the member's name belongs", place, packageMark)
		}
	}
	if r.opt.Package != "" {
		return usagef("--package and --all-packages are two answers to one question: give one of them")
	}
	return nil
}
