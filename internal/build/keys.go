package build

import "github.com/lithe-build/lithe/internal/python/wheel"

// The keys of stages. Each is a struct that is hashed whole (store.Key); a test fails on a field that does not count.
// What is not in a key must not change the result.

// baseKey names a layer of the base, or of the interpreter.
type baseKey struct {
	Format   int      // layer format
	Assembly int      // base.Format: what is pruned and made
	Kind     string   // "base" or "interpreter"
	Packages []string // digests of the .deb files of the whole base, sorted: links and caches see all of them
	Compiler string   // "" without bytecode
}

// interpreterKey names the directory in which sources are compiled.
type interpreterKey struct {
	Choice   int      // rootChoice: which files it has
	Assembly int      // base.Format
	Packages []string // as baseKey.Packages
}

// systemKey names the layer of system packages. Its cache of libraries sees the base, and a script that is not accepted
// any more must be refused again.
type systemKey struct {
	Format   int
	Assembly int
	Base     []string // as baseKey.Packages; of a base that is an image, the diffIDs of its layers
	Packages []string // of the layer, in the same form
	Wants    []string // what the project names: pruned files of a named package of the base come back
	Accept   []string // accept-unrun-scripts, sorted
}

// builderKey names the root file system in which source code is built.
type builderKey struct {
	Format      int      // base.BuilderFormat
	Packages    []string // digests of its .deb files, sorted
	Interpreter string   // version and hash of a standalone Python, "" without one
	Image       []string // diffIDs of the image whose Python it has, the lowest first
	Accept      []string // its packages whose scripts need not be understood
}

// skeletonKey names the layer between a base that is an image and what is installed.
type skeletonKey struct {
	Format      int
	Assembly    int // base.Format
	Python      string
	Interpreter string
}

// certificateKey names the layer of certificates.
type certificateKey struct {
	Format int
	Below  []string // diffIDs, the lowest first: the bundle of the base is in one of them
	Bundle string   // its path
	Files  []string // name and hash of each, in the order of the configuration
}

// seenKey names what is known of a layer that others made.
type seenKey struct {
	Format int
	DiffID string
}

// wheelKey names a layer of wheels. Nothing of the project is in it, so that every project shares the layer.
type wheelKey struct {
	Format   int
	Wheels   []wheelPart // in the order of the layer
	Python   string      // minor version, "3.13"
	ABI      string
	Prefix   string // "venv"
	Compiler string // "" without bytecode
}

// wheelPart is one wheel of a layer.
type wheelPart struct {
	Hash      string   // "sha256:…" of the file; "build:…" with the key of builtKey for a wheel that is built
	Filename  string   // its tags decide nothing here, but its name is what dist-info says
	DirectURL string   // contents of direct_url.json, "" for wheels of an index
	Dropped   []string // paths that another distribution owns
}

// projectKey names the layer of first-party code.
type projectKey struct {
	Format   int
	Files    []projectFile // in the order of the layer, without bytecode
	Python   string
	Compiler string // "" without bytecode
}

// projectFile is one file, link or directory of the first-party layer.
type projectFile struct {
	Path   string
	Mode   uint32
	Link   string
	Digest string // of a file's contents
}

// builtKey names a wheel that is built from source. Nothing of the host is in it, so that whoever has the wheel, or a layer
// with it, need not build it.
type builtKey struct {
	Format   int               // pep517.Format
	Source   string            // hash of the source distribution, or of what the source tree holds
	Name     string            // that the wheel must have
	Version  string            // that it must have, "" for any
	Builder  string            // names the root file system with the compiler
	Requires []string          // keys or hashes of the build requirements, sorted
	Settings map[string]string // for the build backend
	Target   string            // "linux/amd64 3.13 glibc-2.41"
	Env      []string          // that the build gets beside what all get
}

// stepKey names what a build step makes.
type stepKey struct {
	Format  int // stepFormat
	Run     []string
	Env     []string
	Outputs []string
	Inputs  []projectFile // all that it sees beside the root
	Root    string        // names the root file system
}

// stepRootKey names an image below its first-party code, with a folder for that.
type stepRootKey struct {
	Layers []string // diffIDs, the lowest first
}

// verifiedKey names a wheel whose contents agree with its RECORD.
type verifiedKey struct {
	Checks         int // wheelChecks
	Hash, Filename string
}

// wheelChecks changes when package wheel learns to refuse what it accepted before.
const wheelChecks = 1

// overlapKey names a set of wheels, for what is known about their files.
type overlapKey struct {
	Checks int               // wheelChecks
	Wheels []string          // hashes, in the order of the plan
	Owners map[string]string // the configuration's overlaps
	Scheme wheel.Scheme
}

// closureKey names an image, for what is known about its completeness.
type closureKey struct {
	Format      int      // closure.Format
	Layers      []string // diffIDs, lowest first
	Arch        string
	Musl        bool
	Interpreter string
	LibraryPath string
	Accept      []string // sorted
	Owner       string   // name of the project
}
