"""Imports the whole standard library, and prints what does not import as JSON.

The names come from the interpreter, which was built with all of them, and from the lists of Debian's packages, which
name files that are not in the image any more.
"""
import contextlib
import glob
import importlib
import io
import json
import re
import sys

names = set(sys.builtin_module_names) | set(sys.stdlib_module_names)
for path in glob.glob("/var/lib/dpkg/status.d/libpython3*.md5sums"):
    with open(path) as lines:
        for line in lines:
            file = line.split(None, 1)[1].strip()
            match = re.fullmatch(r"usr/lib/python3\.\d+/(?:lib-dynload/)?(.+?)(?:/__init__)?(\.py|\.cpython[^/]*\.so)", file)
            if match:
                names.add(match.group(1).replace("/", "."))

failed = {}
for name in sorted(names):
    if name.endswith("__main__"):
        continue  # runs a program
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # "this" prints a poem
            importlib.import_module(name)
    except BaseException as e:
        failed[name] = repr(e)
print(json.dumps({"modules": len(names), "failed": failed}))
