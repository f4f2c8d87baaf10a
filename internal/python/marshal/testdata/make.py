# Writes what real interpreters make of the same sources after different histories: run it with each interpreter, in
# this folder. NAME-VERSION-fresh.bin is the first thing that the process compiled, -after.bin comes after history.
import marshal
import subprocess
import sys

HISTORY = "zork_q = blarg_q = \u00e9 = 1\n"
SOURCES = {
    # Code objects intern the texts of a frozenset. If somebody did so before, each gets a frozenset of its own.
    "frozenset": 'def f(x): return x in {"zork_q", "blarg_q", "e f"}\n'
    'def g(x): return x in {"zork_q", "blarg_q", "e f"} or 77777\n',
    # A character that is a name elsewhere counts as interned everywhere, up to 3.12.
    "character": 'def f(x): return x in {"\u00e9", "a b", "c d"}\n',
    # One object of each type.
    "types": "def f(a, /, b: int = 2**70, *c, d=-2**200, **\u00fc):\n"
    '    "doc string \u20ac"\n'
    "    return lambda: (a, b, d, 1.5, -0.0, 0.0, 2j, ..., None, True, False, b'', b'bytes', '\\ud800', '', 'x', "
    + repr("long " * 60) + ", " + repr(tuple(range(300))) + ", -1, 70000, x in {1, 'a', (2, None, 'b')}, a[1:2, ::3])\n",
}


def main():
    if len(sys.argv) > 1:
        name, when = sys.argv[1:]
        if when == "after":
            kept = compile(HISTORY, "history", "exec")
        code = compile(SOURCES[name], "/app/%s.py" % name, "exec")
        version = "%d%d" % sys.version_info[:2]
        with open("%s-%s-%s.bin" % (name, version, when), "wb") as f:
            f.write(marshal.dumps(code))
        return
    for name in SOURCES:
        for when in ("fresh", "after"):
            subprocess.run([sys.executable, __file__, name, when], check=True, env={"PYTHONHASHSEED": "0"})


main()
