"""Looks at every source file of the image and its .pyc, and prints what is wrong as JSON."""
import importlib.util
import json
import marshal
import os
import sysconfig
import types

UNCHECKED_HASH = 0b01  # flags of a .pyc (PEP 552): hash-based, source not looked at


def problem(source):
    with open(source, "rb") as f:
        text = f.read()
    try:
        with open(importlib.util.cache_from_source(source), "rb") as f:
            pyc = f.read()
    except FileNotFoundError:
        try:
            compile(text, source, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return None  # a template, or for another Python
        return "no .pyc"
    if pyc[:4] != importlib.util.MAGIC_NUMBER:
        return "magic number"
    if int.from_bytes(pyc[4:8], "little") != UNCHECKED_HASH:
        return "flags %r" % pyc[4:8]
    if pyc[8:16] != importlib.util.source_hash(text):
        return "hash of another source"
    code = marshal.loads(pyc[16:])
    if not isinstance(code, types.CodeType) or code.co_filename != source:
        return "not the code of this file"
    if code.co_code != compile(text, source, "exec", dont_inherit=True).co_code:
        return "other code"
    return None


problems, count = {}, {}
for root in (sysconfig.get_path("stdlib"), "/venv", "/app"):
    count[root] = 0
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            # A link is a second name of a module, which nobody imports by it.
            if name.endswith(".py") and not os.path.islink(path):
                count[root] += 1
                if p := problem(path):
                    problems[path] = p
print(json.dumps({"count": count, "problems": problems}))
