package pep517

import "testing"

// TestMissing reads what tools say when they miss something, in their own words.
func TestMissing(t *testing.T) {
	for line, want := range map[string]Missing{
		"src/x.c:1:10: fatal error: openssl/ssl.h: No such file or directory":                 {Header, "openssl/ssl.h"},
		"/usr/bin/ld: cannot find -lpq: No such file or directory":                            {Library, "pq"},
		"/usr/bin/ld: cannot find -lstdc++":                                                   {Library, "stdc++"},
		"Package 'libxml-2.0', required by 'virtual:world', not found":                        {Module, "libxml-2.0"},
		"Package 'cairo' not found":                                                           {Module, "cairo"},
		"Package gtk+-3.0 was not found in the pkg-config search path.":                       {Module, "gtk+-3.0"},
		"No package 'krb5-gssapi' found":                                                      {Module, "krb5-gssapi"},
		`../meson.build:34:11: ERROR: Dependency "cairo" not found, tried pkgconfig`:          {Module, "cairo"},
		"/bin/sh: 1: mysql_config: not found":                                                 {Program, "mysql_config"},
		"configure: line 3: /usr/bin/swig: command not found":                                 {Program, "swig"},
		"Error: pg_config executable not found.":                                              {Program, "pg_config"},
		"Could not find gdal-config. Make sure you have installed the GDAL native library":    {Program, "gdal-config"},
		"FileNotFoundError: [Errno 2] No such file or directory: 'cmake'":                     {Program, "cmake"},
		"FileNotFoundError: [Errno 2] No such file or directory: '/build/source/VERSION.txt'": {},
		"error: command '/usr/bin/gcc' failed with exit code 1":                               {},
		"ModuleNotFoundError: No module named 'numpy'":                                        {},
	} {
		var l Log
		if _, err := l.Write([]byte("before\n" + line + "\nafter\n")); err != nil {
			t.Fatal(err)
		}
		if got := l.failure("build_wheel", 1).Missing; got != want {
			t.Errorf("%q misses %+v, want %+v", line, got, want)
		}
	}
}
