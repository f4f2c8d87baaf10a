"""Calls one hook of a build backend, as PEP 517 has it, and writes what it returned.

The only argument is the path of a request, JSON with: backend, path, hook, args, kwargs, result.
"""

import importlib
import json
import os
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        request = json.load(f)
    os.umask(0o022)
    # The directory of this file is no place to import from; those of the request are, before all others.
    sys.path[:1] = [os.path.abspath(p) for p in request["path"]]
    name, _, attributes = request["backend"].partition(":")
    backend = importlib.import_module(name)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    hook = getattr(backend, request["hook"], None)
    if hook is None and request["hook"].startswith("get_requires_for_"):
        answer = []  # an optional hook that the backend does without
    elif hook is None:
        sys.exit("the build backend %s has no %s" % (request["backend"], request["hook"]))
    else:
        answer = hook(*request["args"], **request["kwargs"])
    with open(request["result"], "w", encoding="utf-8") as f:
        json.dump({"return": answer}, f)


main()
