package baseimages

import (
	"debug/elf"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// machine is an architecture in the names that its files have.
type machine struct {
	elf           elf.Machine
	glibc, musl   string // dynamic loaders
	triplet, arch string
}

var machines = map[string]machine{
	"amd64": {elf.EM_X86_64, "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "x86_64-linux-gnu", "amd64"},
	"arm64": {elf.EM_AARCH64, "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1", "aarch64-linux-gnu", "arm64"},
}

// version is PY_VERSION_HEX: 3.13.5 is 0x030d05f0.
func version(micro int) []tinyelf.Number {
	return []tinyelf.Number{{Name: "Py_Version", Value: 0x030d00f0 | uint64(micro)<<8}}
}

// Slim is like Docker's python:slim: Docker's media types, a shell, Python in /usr/local in layers of its own, root.
// micro is the last number of its version: 5 for 3.13.5.
func Slim(arch string, micro int) Spec {
	m := machines[arch]
	python := tinyelf.Object{Machine: m.elf, Interp: m.glibc, Needed: []tinyelf.Need{{Library: "libpython3.13.so.1.0"}, {Library: "libc.so.6"}}}
	library := tinyelf.Object{Machine: m.elf, Soname: "libpython3.13.so.1.0", Numbers: version(micro)}
	status := "Package: removed\nStatus: deinstall ok config-files\nArchitecture: " + m.arch + "\nVersion: 1\n\n" + m.libc6("Status: install ok installed\n")
	return Spec{Arch: arch, Docker: true,
		Config: v1.Config{Cmd: []string{"python3"}, Env: []string{"PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "GPG_KEY=7169"},
			ExposedPorts: map[string]struct{}{"99/tcp": {}}, Labels: map[string]string{"maintainer": "nobody"}},
		Layers: []Layer{{MediaType: types.DockerLayer, Files: m.debian().With(Files{"var/lib/dpkg/status": status})},
			{MediaType: types.DockerLayer, Files: Files{"etc/ssl/certs/ca-certificates.crt": "certificates\n"}},
			{MediaType: types.DockerLayer, Files: Files{"usr/local/lib/python3.13/os.py": "name = 'posix'\n", "usr/local/bin/python3.13": string(python.Bytes()),
				"usr/local/lib/libpython3.13.so.1.0": string(library.Bytes()), "usr/bin/.wh.python3": ""}},
			{MediaType: types.DockerLayer, Files: Files{"usr/local/bin/python3": "-> python3.13", "usr/local/bin/python": "-> python3"}}}}
}

// Distroless is like Google's: no shell, Python in /usr, a user by name.
func Distroless(arch string, micro int) Spec {
	m := machines[arch]
	python := tinyelf.Object{Machine: m.elf, Interp: m.glibc, Numbers: version(micro), Needed: []tinyelf.Need{{Library: "libc.so.6"}}}
	files := m.debian().With(Files{"usr/lib/python3.13/os.py": "name = 'posix'\n", "usr/bin/python3.13": string(python.Bytes()),
		"var/lib/dpkg/status.d/libc6": m.libc6(""), "etc/ld.so.cache": "made by ldconfig\n",
		"usr/bin/python3": "-> python3.13", "etc/ssl/certs/ca-certificates.crt": "certificates\n",
		"etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"})
	delete(files, "usr/bin/sh")
	return Spec{Arch: arch, Layers: []Layer{{Files: files}},
		Config: v1.Config{User: "nonroot", WorkingDir: "/home/nonroot", Entrypoint: []string{"/usr/bin/python3"},
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}}}
}

// Alpine is like Alpine's image of Python: musl, in a layer of zstd.
func Alpine(arch string, micro int) Spec {
	m := machines[arch]
	python := tinyelf.Object{Machine: m.elf, Interp: m.musl, Numbers: version(micro)}
	libc := string(tinyelf.Object{Machine: m.elf}.Bytes()) + "\x00musl libc (x86_64)\nVersion %s\n\x001.2.5\x00"
	return Spec{Arch: arch, Config: v1.Config{Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}, User: "1000:1000"},
		Layers: []Layer{{MediaType: types.OCILayerZStd, Files: Files{"tmp/": "", "usr/local/bin/python3.13": string(python.Bytes()),
			"usr/local/bin/python3": "-> python3.13", "usr/local/lib/python3.13/os.py": "name = 'posix'\n", m.musl[1:]: libc}}}}
}

// libc6 is what dpkg's database says of the C library.
func (m machine) libc6(status string) string {
	return "Package: libc6\n" + status + "Architecture: " + m.arch + "\nMulti-Arch: same\nVersion: 2.41-12\nDepends: libgcc-s1\n"
}

// debian is a Debian with merged /usr, glibc 2.41 and a shell, and a /usr/bin/python3 that is no interpreter.
func (m machine) debian() Files {
	return Files{"bin": "-> usr/bin", "lib": "-> usr/lib", "lib64": "-> usr/lib64", "tmp/": "", "usr/bin/sh": "shell",
		"usr" + m.glibc:                       string(tinyelf.Object{Machine: m.elf}.Bytes()),
		"usr/lib/" + m.triplet + "/libc.so.6": string(tinyelf.Object{Machine: m.elf, Soname: "libc.so.6"}.Bytes()) + "GNU C Library (Debian GLIBC 2.41-12) stable release version 2.41.\n",
		"usr/bin/python3":                     "#!/bin/sh\n",
		"etc/os-release":                      "-> ../usr/lib/os-release",
		"usr/lib/os-release":                  "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nID=debian\n",
		"etc/passwd":                          "root:x:0:0:root:/root:/bin/bash\n"}
}
