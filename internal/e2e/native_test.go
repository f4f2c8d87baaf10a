//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// natives are packages with extensions in C, C++ and Rust. What is in quick and long has no wheel in its lock.
var natives = []struct {
	name string
	use  []string // statements that call into each
}{
	{name: "quick", use: []string{
		"import markupsafe._speedups; assert str(markupsafe.escape('<')) == '&lt;'",
		"import yaml; yaml.CSafeLoader('a: 1')",
		"import ujson; assert ujson.loads('[1]') == [1]",
		"import cffi; assert cffi.FFI().sizeof('int') == 4",
	}},
	{name: "long", use: []string{
		"import psycopg; assert psycopg.pq.__impl__ == 'c'",
		"import psycopg2; assert psycopg2.__libpq_version__ > 150000",
		"import MySQLdb; assert MySQLdb.get_client_info()",
		"import lxml.etree; lxml.etree.fromstring('<a/>')",
		"import cairo; cairo.ImageSurface(cairo.FORMAT_ARGB32, 4, 4)",
		"import ldap; assert ldap.VENDOR_VERSION",
		"import msgpack._cmsgpack; assert msgpack.packb(1) == b'\\x01'",
		"import greenlet; assert greenlet.greenlet(lambda: 7).switch() == 7",
		"import subprocess; assert subprocess.check_output(['/venv/bin/uwsgi', '--version'], text=True).startswith('2.')",
	}},
	{name: "wheels", use: []string{
		"import numpy; assert int(numpy.ones((3, 3)).sum()) == 9",
		"import pandas; assert int(pandas.Series([1, 2]).sum()) == 3",
		"import gevent; gevent.sleep(0)",
		"import uvloop; uvloop.new_event_loop().close()",
		"import zmq; assert zmq.zmq_version()",
		"import grpc; grpc.insecure_channel('127.0.0.1:1').close()",
		"import PIL.Image; PIL.Image.new('RGB', (4, 4)).tobytes()",
		"import cv2; assert cv2.getVersionString()",
		"import pyodbc; assert pyodbc.version",
		"import pydantic_core; assert pydantic_core.from_json('[1]') == [1]",
		"import orjson; assert orjson.dumps([1]) == b'[1]'",
		"import shapely; assert shapely.Point(0, 0).buffer(1).area > 3",
		"import lightgbm; lightgbm.Dataset",
		"import cryptography.hazmat.bindings._rust",
	}},
}

// TestNative builds packages that are compiled, from source and from wheels, with no word of configuration about any, and
// uses each in a container that lacks all it can.
func TestNative(t *testing.T) {
	l := needDocker(t)
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("takes minutes: set LITHE_FULL=1")
	}
	for _, n := range natives {
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(l.temp(t), n.name)
			if err := copyTree(dir, filepath.Join("testdata", "native", n.name)); err != nil {
				t.Fatal(err)
			}
			image := l.load(t, dir, "--platform", "linux/amd64")
			for _, statement := range n.use {
				t.Run(strings.Fields(statement)[1], func(t *testing.T) {
					docker(t, append(append([]string{"run", "--rm", "--network", "none"}, hardened...), image, "-c", statement)...)
				})
			}
		})
	}
}
