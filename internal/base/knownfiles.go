package base

import "slices"

// knownFiles are files that builds miss most, by the package that has them, in trixie and bookworm alike: headers as sources
// include them, files of pkg-config, what -l leads to, programs. It is made by hand from the Contents indexes of both, and where
// several packages have one, it is the one which the others stand in for. It needs no network, which a failed build may lack.
var knownFiles = []struct {
	pkg   string
	files []string
}{
	{"cmake", []string{"cmake"}},
	{"default-libmysqlclient-dev", []string{"mysql.h", "mysql/mysql.h", "mysql_config", "mysqlclient.pc", "libmysqlclient.so", "mariadb_config", "libmariadb.pc"}},
	{"freetds-dev", []string{"sybdb.h", "sybfront.h"}},
	{"gfortran", []string{"gfortran"}},
	{"libasound2-dev", []string{"alsa/asoundlib.h"}},
	{"libavcodec-dev", []string{"libavcodec/avcodec.h", "libavcodec.pc"}},
	{"libboost-dev", []string{"boost/version.hpp", "boost/config.hpp"}},
	{"libbz2-dev", []string{"bzlib.h", "libbz2.so"}},
	{"libcairo2-dev", []string{"cairo.h", "cairo.pc", "libcairo.so"}},
	{"libcurl4-openssl-dev", []string{"curl/curl.h", "curl-config", "libcurl.pc", "libcurl.so"}},
	{"libdbus-1-dev", []string{"dbus/dbus.h", "dbus-1.pc"}},
	{"libeigen3-dev", []string{"Eigen/Dense", "Eigen/Core"}},
	{"libev-dev", []string{"ev.h"}},
	{"libevent-dev", []string{"event.h"}},
	{"libexpat1-dev", []string{"expat.h", "libexpat.so"}},
	{"libffi-dev", []string{"ffi.h", "libffi.pc", "libffi.so"}},
	{"libfftw3-dev", []string{"fftw3.h"}},
	{"libfreetype-dev", []string{"ft2build.h", "freetype2.pc", "libfreetype.so"}},
	{"libfuse-dev", []string{"fuse.h", "fuse.pc"}},
	{"libgdal-dev", []string{"gdal.h", "gdal-config"}},
	{"libgeos-dev", []string{"geos_c.h", "geos-config", "libgeos_c.so"}},
	{"libgit2-dev", []string{"git2.h", "libgit2.pc"}},
	{"libglib2.0-dev", []string{"glib.h", "glib-2.0.pc"}},
	{"libgmp-dev", []string{"gmp.h", "libgmp.so"}},
	{"libhdf5-dev", []string{"hdf5.h", "libhdf5.so"}},
	{"libjpeg62-turbo-dev", []string{"jpeglib.h", "libjpeg.so"}},
	{"libkrb5-dev", []string{"gssapi.h", "gssapi/gssapi.h", "krb5.h", "krb5-config", "krb5.pc", "krb5-gssapi.pc"}},
	{"liblapack-dev", []string{"lapack.pc", "liblapack.so"}},
	{"liblcms2-dev", []string{"lcms2.h"}},
	{"libldap-dev", []string{"ldap.h", "lber.h", "libldap.so"}},
	{"liblz4-dev", []string{"lz4.h"}},
	{"liblzma-dev", []string{"lzma.h", "liblzma.so"}},
	{"libmagic-dev", []string{"magic.h"}},
	{"libmpc-dev", []string{"mpc.h"}},
	{"libmpfr-dev", []string{"mpfr.h"}},
	{"libncurses-dev", []string{"ncurses.h", "curses.h"}},
	{"libopenblas-dev", []string{"cblas.h", "openblas.pc", "libopenblas.so"}},
	{"libopenjp2-7-dev", []string{"openjpeg.h"}},
	{"libpango1.0-dev", []string{"pango.pc"}},
	{"libpcap0.8-dev", []string{"pcap.h", "pcap/pcap.h"}},
	{"libpng-dev", []string{"png.h", "libpng.pc"}},
	{"libpq-dev", []string{"libpq-fe.h", "pg_config", "libpq.pc", "libpq.so"}},
	{"libproj-dev", []string{"proj.h", "proj.pc"}},
	{"librdkafka-dev", []string{"librdkafka/rdkafka.h", "rdkafka.h"}},
	{"libre2-dev", []string{"re2/re2.h"}},
	{"libreadline-dev", []string{"readline/readline.h", "libreadline.so"}},
	{"libsasl2-dev", []string{"sasl/sasl.h", "sasl.h"}},
	{"libsnappy-dev", []string{"snappy-c.h", "snappy.h", "libsnappy.so"}},
	{"libsndfile1-dev", []string{"sndfile.h"}},
	{"libsodium-dev", []string{"sodium.h"}},
	{"libsqlite3-dev", []string{"sqlite3.h", "sqlite3.pc", "libsqlite3.so"}},
	{"libssl-dev", []string{"openssl/ssl.h", "openssl/opensslv.h", "openssl.pc", "libssl.so", "libcrypto.so"}},
	{"libsystemd-dev", []string{"systemd/sd-daemon.h", "systemd/sd-journal.h", "libsystemd.pc"}},
	{"libtiff-dev", []string{"tiffio.h"}},
	{"libusb-1.0-0-dev", []string{"libusb-1.0/libusb.h", "libusb.h"}},
	{"libvirt-dev", []string{"libvirt/libvirt.h", "libvirt.pc"}},
	{"libwebp-dev", []string{"webp/decode.h"}},
	{"libxml2-dev", []string{"libxml/xpath.h", "libxml/xmlversion.h", "xml2-config", "libxml-2.0.pc", "libxml2.so"}},
	{"libxmlsec1-dev", []string{"xmlsec/xmlsec.h", "xmlsec1.pc"}},
	{"libxslt1-dev", []string{"libxslt/xslt.h", "xslt-config"}},
	{"libyaml-dev", []string{"yaml.h", "yaml-0.1.pc", "libyaml.so"}},
	{"libzmq3-dev", []string{"zmq.h", "libzmq.pc"}},
	{"libzstd-dev", []string{"zstd.h", "libzstd.pc"}},
	{"ninja-build", []string{"ninja"}},
	{"pkgconf", []string{"pkg-config"}},
	{"portaudio19-dev", []string{"portaudio.h"}},
	{"protobuf-compiler", []string{"protoc"}},
	{"swig", []string{"swig"}},
	{"unixodbc-dev", []string{"sql.h", "sqlext.h", "libodbc.so"}},
	{"uuid-dev", []string{"uuid/uuid.h", "libuuid.so"}},
	{"zlib1g-dev", []string{"zlib.h", "libz.so"}},
}

// KnownHolder returns the package of a file that builds often miss, "" for any other file.
func KnownHolder(file string) string {
	for _, k := range knownFiles {
		if slices.Contains(k.files, file) {
			return k.pkg
		}
	}
	return ""
}
