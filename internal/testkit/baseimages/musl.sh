#!/bin/sh
# Builds CPython on musl, as Alpine has it, from Debian's source packages: usage: musl.sh DIR makes DIR/root.
# Debian has no Python on musl, and no registry of packages that lithe's tests may use does. It has the modules that
# services need: ssl, zlib, ctypes, sockets. It takes two minutes on two idle processors.
set -eu
mkdir -p "$1"
cd "$1"
out=$PWD/root
deps=$PWD/deps
pool=https://deb.debian.org/debian/pool/main
jobs=$(nproc)

get() { # URL SHA256
	file=${1##*/}
	curl -sSfL --retry 3 -o "$file" "$1"
	echo "$2  $file" | sha256sum --quiet -c -
	tar xf "$file"
}
get $pool/z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb
get $pool/libf/libffi/libffi_3.4.4.orig.tar.gz d66c56ad259a82cf2a9dfc408b32bf5da52371500b84745f7fb8b645712df676
get $pool/o/openssl/openssl_3.0.20.orig.tar.gz c80a01dfc70ece4dc21168932c37739042d404d46ccc81a5986dd75314ecda6f
get $pool/p/python3.13/python3.13_3.13.5.orig.tar.xz 93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640

# The kernel's headers, and none of glibc's. CPython's configure takes a compiler that names a multiarch folder for glibc's.
mkdir -p headers "$deps/lib" "$deps/include" bin
ln -sfn /usr/include/linux headers/linux
ln -sfn /usr/include/asm-generic headers/asm-generic
ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" headers/asm
cat >bin/cc-musl <<CC
#!/bin/sh
[ "\$1" = --print-multiarch ] && exit 0
exec musl-gcc -idirafter $PWD/headers "\$@"
CC
chmod +x bin/cc-musl
export CC="$PWD/bin/cc-musl"

(
	cd zlib-*
	CFLAGS="-O1 -fPIC" ./configure --static >/dev/null
	make -s -j"$jobs" libz.a
	cp libz.a "$deps/lib"
	cp zlib.h zconf.h "$deps/include"
)
(
	cd libffi-*
	CFLAGS="-O1 -fPIC" ./configure --disable-shared --disable-docs --host=x86_64-linux-musl --prefix="$deps" --libdir="$deps/lib" >configure.log 2>&1
	make -s -j"$jobs" install >make.log 2>&1
)
(
	cd openssl-*
	./Configure linux-x86_64 -O0 -fPIC no-shared no-tests no-engine no-afalgeng no-legacy no-cmp no-cms no-ct no-dtls \
		no-idea no-camellia no-seed no-rc2 no-rc4 no-md4 no-mdc2 no-rmd160 no-whirlpool no-bf no-cast no-sm2 no-sm3 no-sm4 \
		no-aria no-gost no-srp no-ts --prefix=/usr --openssldir=/etc/ssl >configure.log 2>&1
	make -s -j"$jobs" build_generated >make.log 2>&1
	make -s -j"$jobs" libcrypto.a libssl.a >>make.log 2>&1
	cp libssl.a libcrypto.a "$deps/lib"
	cp -r include/openssl "$deps/include"
)
(
	cd Python-*
	PKG_CONFIG=/bin/false OPT="-DNDEBUG -fwrapv" CFLAGS=-O1 ./configure --prefix=/usr/local --enable-shared --disable-test-modules --without-ensurepip \
		--with-openssl="$deps" --build=x86_64-linux-musl --host=x86_64-linux-musl \
		ZLIB_CFLAGS="-I$deps/include" ZLIB_LIBS="-L$deps/lib -lz" \
		LIBFFI_CFLAGS="-I$deps/include" LIBFFI_LIBS="-L$deps/lib -lffi" >configure.log 2>&1
	make -s -j"$jobs" >make.log 2>&1
	make -s altbininstall libinstall sharedinstall DESTDIR="$out" >install.log 2>&1
)
# What Alpine's loader is: musl itself, under the name that programs ask for.
mkdir -p "$out/lib"
cp -L /lib/ld-musl-x86_64.so.1 "$out/lib/"
find "$out" -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$out"/usr/local/lib/python3.13/config-* "$out"/usr/local/lib/python3.13/idlelib "$out"/usr/local/lib/python3.13/tkinter \
	"$out"/usr/local/lib/pkgconfig "$out"/usr/local/share "$out"/usr/local/lib/python3.13/site-packages/*
find "$out" -name '*.so*' -type f -exec strip --strip-unneeded {} +
