package debmirror

import "github.com/lithe-build/lithe/internal/testkit/tinyelf"

// extras are packages that a project asks for beside its base, with one kind of maintainer script each.
func (m machine) extras() []Package {
	return []Package{
		// Beside the newer one of libraries.
		{Name: "libpq5", Version: "17.5-1", Arch: m.arch, Depends: "libc6", Files: join(m.library("libpq.so.5.16", "libpq.so.5", nil, libcNeed))},
		// It stands where the loader does not look, until its alternative is chosen.
		{Name: "liblapack3", Version: "3.12.1-6", Arch: m.arch, Depends: "libc6", Scripts: map[string]string{
			"postinst": "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n\tupdate-alternatives --install /usr/lib/" + m.triplet + "/liblapack.so.3 \\\n" +
				"\t\tliblapack.so.3-" + m.triplet + " /usr/lib/" + m.triplet + "/lapack/liblapack.so.3 10\nfi\n"},
			Files: []File{{Path: "usr/lib/" + m.triplet + "/lapack/liblapack.so.3",
				Content: string(tinyelf.Object{Machine: m.elf, Soname: "liblapack.so.3", Needed: []tinyelf.Need{libcNeed}}.Bytes())}}},
		{Name: "graphthing", Version: "2.0-1", Arch: m.arch, Depends: "graphthing-plugins", Files: []File{m.program("usr/bin/dot", libcNeed)}},
		{Name: "graphthing-plugins", Version: "2.0-1", Arch: m.arch, Depends: "libc6",
			Scripts: map[string]string{"postinst": "#!/bin/sh\nset -e\ndot -c\n"}, Files: []File{copyright("graphthing-plugins")}},
		{Name: "libpq5-rival", Version: "1", Arch: m.arch, Extra: []string{"Conflicts: libpq5"}, Files: []File{copyright("libpq5-rival")}},
		// A service with an account of its own.
		{Name: "textthing", Version: "1.0-1", Arch: m.arch, Depends: "adduser, libc6", Scripts: map[string]string{
			"postinst": "#!/bin/sh\nset -e\nadduser --system --group --home /var/lib/text text\nmkdir -p /var/lib/text\n"},
			Files: []File{{Path: "usr/bin/text", Mode: 0o755, Content: string(tinyelf.Object{Machine: m.elf, Interp: m.loader,
				Needed: []tinyelf.Need{libcNeed}}.Bytes())}}},
	}
}
