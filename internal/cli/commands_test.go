package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/python/script"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands is what scripts may use beside lithe and what testscript has:
//
//	wheel NAME VERSION [KEY=VALUE]...   publish a wheel: tag, size, requires, files (a folder), raw (a file), script
//	elf FILE [KEY=VALUE]...             write a library: needs (LIBRARY[:VERSION]), soname, runpath (@ORIGIN), machine, interp
//	uvlock, poetrylock [DIR]            write the lock of the pyproject.toml there, with the index's newest wheels
//	scriptlock SCRIPT                   likewise: lock a script with its metadata
//	requirementstxt, pylocktoml, pdmlock, pipfilelock [DIR]   likewise: requirements.txt with hashes, pylock.toml, …
//	privateindex NAME VERSION           start an index that wants a login, with a wheel: $PRIVATE_INDEX, $PRIVATE_FILE, $PRIVATE_HASH,
//	                                    $PUBLIC_HASH (of the public index's wheel of that name)
//	gitrepo FOLDER [login]              serve a folder as a repository with one commit: $GIT_URL, $GIT_COMMIT; login: to somebody:hunter2
//	wheelfile NAME VERSION FILE         write a wheel that no index has: $WHEEL_HASH
//	fill FILE...                        put variables of the script, ${NAME}, into files; ${hash:WHEEL}, ${url:WHEEL} of the index
//	layersame FILE FILE                 print which layers of two files of --metadata-file are the same: "same", "differs" PACKAGES
//	index WORD                          html, gone, altered, truncated, forbidding: break it; good: mend it; stop: end it
//	mirror WORD                         newer: publish a security update, superseding the old package; expired, altered,
//	                                    wrong-suite, other-debs: break it; good: mend it
//	aptrepo WORD... | KEY=VALUE...      publish a repository of packages that is not Debian's, at $APT_REPO, suite "stable": suite=, component=, folder=;
//	                                    flat, suites, late, private (to somebody:hunter2), expired, unsigned, unknown-key, altered, wrong-suite, other-debs,
//	                                    other-indexes, weak, weak-packages, climbing, gone, older, amd64 (and nothing else): its form and faults, good for none
//	aptdeb NAME VERSION [ARCH [DEPENDS [PROVIDES [LIBRARY]]]]   put a package with a file /usr/share/NAME/text into it, and a library
//	aptkey FILE [binary|other|private]  write the key that signs it
//	requests                            print what index and mirror were asked for since the last time
//	image DIR|FILE [PATH [top]]         check an OCI layout or Docker archive, and print what is in it, or one file;
//	                                    top: that of the highest layer, where several have it
//	baseimage KIND NAME MICRO [ARCH]... put a base into the registry: slim, distroless, alpine, empty; with Python 3.13.MICRO
//	debfile FILE NAME VERSION ARCH [DEPENDS [TEXT]]  write a Debian package with a file /usr/share/NAME/text
//	flat FILE                           print JSON, a line for each value; of an array of events, one after the other
//	registry WORD                       open, locked: start one, at $REGISTRY; login FILE: write a login; sent: print what was put
//	exits CODE COMMAND [ARG]...         run a command that must end with this exit code
//	storetidy                           check that the store has nothing unfinished, and no blob of another digest
//	storeage DAYS                       make everything in the store look unused for that long
func (w *world) commands() map[string]command {
	return map[string]command{
		"wheel": w.addWheel, "uvlock": w.lock("uv.lock", pyindex.UVLock), "scriptlock": w.scriptLock, "poetrylock": w.lock("poetry.lock", pyindex.PoetryLock),
		"requirementstxt": w.lock("requirements.txt", pyindex.RequirementsTxt), "pylocktoml": w.lock("pylock.toml", pyindex.PylockTOML),
		"pdmlock": w.lock("pdm.lock", pyindex.PDMLock), "pipfilelock": w.lock("Pipfile.lock", pyindex.PipfileLock),
		"index": w.changeIndex, "mirror": w.changeMirror, "requests": w.requests, "image": printImage, "flat": flat,
		"privateindex": w.privateIndex, "fill": w.fill, "wheelfile": wheelFile, "debfile": debFile, "aptrepo": w.aptRepository, "aptdeb": w.aptPackage, "aptkey": w.aptKey, "gitrepo": w.gitRepository, "layersame": layerSame, "elf": writeELF, "registry": w.registry, "baseimage": w.baseImage, "storetidy": storeTidy, "storeage": storeAge, "exits": exits,
	}
}

func (w *world) addWheel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: wheel NAME VERSION [KEY=VALUE]...")
	}
	wheel := pyindex.Wheel{Name: args[0], Version: args[1]}
	for _, arg := range args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "tag":
			wheel.Tag = value
		case "requires":
			wheel.Requires = append(wheel.Requires, value)
		case "script":
			wheel.Scripts = map[string]string{value: wheel.Name + ":main"}
		case "raw":
			wheel.Raw = []byte(ts.ReadFile(value))
		case "files":
			wheel.Files = readFolder(ts, value)
		case "size":
			var err error
			wheel.Size, err = strconv.Atoi(value)
			ts.Check(err)
		default:
			ts.Fatalf("wheel has no key %q", key)
		}
	}
	w.index.Add(wheel)
}

// readFolder returns the files below a folder by their paths in it.
func readFolder(ts *testscript.TestScript, dir string) map[string]string {
	files := map[string]string{}
	root := ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		files[filepath.ToSlash(rel)] = string(data)
		return err
	}))
	return files
}

func (w *world) lock(file string, lock func(*pyindex.Index, []byte) ([]byte, error)) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		dir := strings.Join(append(args, "."), "/")
		data, err := lock(w.index, []byte(ts.ReadFile(dir+"/pyproject.toml")))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(dir+"/"+file), data, 0o644))
	}
}

// scriptLock locks what a script asks for, without its markers, as a project of that name would.
func (w *world) scriptLock(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	block, err := script.Parse(args[0], []byte(text))
	ts.Check(err)
	project := fmt.Sprintf("[project]\nname = \"script\"\nversion = \"0\"\nrequires-python = %q\ndependencies = [", block.String("requires-python"))
	for _, d := range block.Strings("dependencies") {
		project += fmt.Sprintf("%q, ", d)
	}
	data, err := pyindex.ScriptLock(w.index, []byte(project+"]\n"))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".lock"), data, 0o644))
}

func (w *world) changeIndex(ts *testscript.TestScript, neg bool, args []string) {
	faults := map[string]pyindex.Faults{"good": {}, "html": {HTMLOnly: true}, "gone": {Gone: true}, "altered": {Altered: true},
		"truncated": {Truncated: true}, "forbidding": {Forbidding: true}}
	word := strings.Join(args, " ")
	if f, ok := faults[word]; ok {
		w.index.Break(f)
		return
	}
	if word != "stop" {
		ts.Fatalf("index does not know %q", word)
	}
	w.index.Stop()
}

// mirrorFaults are the words that break a mirror, or mend it.
var mirrorFaults = map[string]debmirror.Faults{
	"good": {}, "expired": {Expired: true}, "altered": {Altered: true}, "wrong-suite": {WrongSuite: true}, "other-debs": {DebsDiffer: true},
}

func (w *world) changeMirror(ts *testscript.TestScript, neg bool, args []string) {
	switch word := strings.Join(args, " "); word {
	case "newer":
		security := &w.suites[len(w.suites)-1]
		security.Packages = slices.Clone(security.Packages)
		for i := range security.Packages { // libssl3t64 of each architecture
			p := &security.Packages[i]
			newer := strings.Replace(p.Version, "+deb13u1", "+deb13u2", 1)
			p.Provides, p.Version = strings.Replace(p.Provides, p.Version, newer, 1), newer
		}
		security.Date = debmirror.DefaultDate.AddDate(0, 0, 3)
	default:
		faults, ok := mirrorFaults[word]
		if !ok {
			ts.Fatalf("mirror does not know %q", word)
		}
		for i := range w.suites {
			w.suites[i].Faults = faults
		}
	}
	w.publish()
}

func (w *world) requests(ts *testscript.TestScript, neg bool, args []string) {
	out := ts.Stdout()
	for _, r := range w.index.Requests() {
		fmt.Fprintln(out, "index", r)
	}
	for _, r := range w.mirror.Requests() {
		fmt.Fprintln(out, "mirror GET", r)
	}
	for _, r := range w.pythons.Requests() {
		fmt.Fprintln(out, "pythons", r)
	}
}

// exits runs a command that must end with a certain exit code, for which testscript has no word.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG]...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exited with %d, not with %d", strings.Join(args[1:], " "), got, want)
	}
}
