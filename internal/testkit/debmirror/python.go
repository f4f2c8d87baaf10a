package debmirror

import "github.com/lithe-build/lithe/internal/testkit/tinyelf"

// libraries returns what Python's extension modules need, and a client library with a dependency of its own.
func (m machine) libraries() []Package {
	simple := func(name, version, file, soname string) Package {
		return Package{Name: name, Version: version, Arch: m.arch, Depends: "libc6 (>= 2.38)",
			Files: join(m.library(file, soname, nil, libcNeed), []File{copyright(name)})}
	}
	expat := simple("libexpat1", "2.7.1-2", "libexpat.so.1.10.2", "libexpat.so.1")
	zlib := simple("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", "libz.so.1.3.1", "libz.so.1")
	zlib.Provides = "libz1"
	client := simple("libpq5", "17.6-0+deb13u1", "libpq.so.5.17", "libpq.so.5")
	client.Depends += ", libssl3t64 (>= 3.0.0), libldap2 (>= 2.6.2)"
	crypt := simple("libcrypt1", "1:4.4.38-1", "libcrypt.so.1.1.0", "libcrypt.so.1")
	geo := simple("libgdal36", "3.10.3+dfsg-1", "libgdal.so.36.3.10.3", "libgdal.so.36")
	return []Package{expat, zlib, crypt, client, geo, simple("libldap2", "2.6.10+dfsg-1", "libldap.so.2.0.200", "libldap.so.2")}
}

func (m machine) openssl(version string) Package {
	versions := []string{"OPENSSL_3.0.0"}
	crypto := m.library("libcrypto.so.3", "libcrypto.so.3", versions, libcNeed)
	ssl := m.library("libssl.so.3", "libssl.so.3", versions, libcNeed,
		tinyelf.Need{Library: "libcrypto.so.3", Versions: versions})
	return Package{Name: "libssl3t64", Version: version, Arch: m.arch, Depends: "libc6 (>= 2.38), zlib1g (>= 1:1.1.4)",
		Provides: "libssl3 (= " + version + ")",
		Files:    join(crypto, ssl, []File{{Path: "usr/share/doc/libssl3t64/changelog.Debian.gz", Content: version}})}
}

// python returns the interpreter and its standard library, split as Debian splits them.
func (m machine) python() []Package {
	same := " (= " + pythonVersion + ")"
	crypto := tinyelf.Need{Library: "libcrypto.so.3", Versions: []string{"OPENSSL_3.0.0"}}
	return []Package{
		{Name: "python3.13", Version: pythonVersion, Arch: m.arch,
			Depends: "python3.13-minimal" + same + ", libpython3.13-stdlib" + same + ", media-types | mime-support, netbase, tzdata",
			Files: []File{{Path: "usr/bin/pydoc3.13", Content: "#!/usr/bin/python3.13\n", Mode: 0o755},
				{Path: "usr/share/man/man1/pydoc3.13.1.gz", Content: "pruned"}}},
		{Name: "python3.13-minimal", Version: pythonVersion, Arch: m.arch, PreDepends: "libc6 (>= 2.38)",
			Depends: "libpython3.13-minimal" + same + ", libexpat1 (>= 2.6.0), zlib1g (>= 1:1.2.0)",
			Scripts: map[string]string{"postinst": "#!/bin/sh\npy_compile\n"},
			Files: []File{m.program("usr/bin/python3.13", libcNeed, tinyelf.Need{Library: "libm.so.6"},
				tinyelf.Need{Library: "libz.so.1"}, tinyelf.Need{Library: "libexpat.so.1"}), copyright("python3.13-minimal")}},
		{Name: "libpython3.13-minimal", Version: pythonVersion, Arch: m.arch, Depends: "libc6 (>= 2.38), libssl3 (>= 3.0.0)",
			Files: []File{
				{Path: "usr/lib/python3.13/os.py", Content: "name = 'posix'\n"},
				{Path: "usr/lib/python3.13/encodings/__init__.py", Content: "aliases = {}\n"},
				{Path: "usr/lib/python3.13/site.py", Content: "def main():\n    pass\n"},
				{Path: "usr/lib/python3.13/sitecustomize.py", Symlink: "/etc/python3.13/sitecustomize.py"},
				{Path: "etc/python3.13/sitecustomize.py", Content: "# empty\n"},
				m.module("_hashlib", libcNeed, crypto), copyright("libpython3.13-minimal"),
			}},
		{Name: "libpython3.13-stdlib", Version: pythonVersion, Arch: m.arch,
			Depends: "libpython3.13-minimal" + same + ", libc6 (>= 2.38), libssl3t64 (>= 3.0.0)",
			Files: []File{
				{Path: "usr/lib/python3.13/json/__init__.py", Content: "def loads(s):\n    return s\n"},
				{Path: "usr/lib/python3.13/email/__init__.py", Content: "__all__ = []\n"},
				{Path: "usr/lib/python3.13/test/test_json.py", Content: "# pruned\n"},
				m.module("_ssl", libcNeed, crypto, tinyelf.Need{Library: "libssl.so.3"}), copyright("libpython3.13-stdlib"),
			}},
	}
}
