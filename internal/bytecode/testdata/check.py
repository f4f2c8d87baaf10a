# Loads .pyc files as the interpreter would and compares them with what it compiles itself. Fields come on stdin,
# each after its length in four bytes: path, source, .pyc file, and so on.
import marshal
import sys
from _frozen_importlib_external import MAGIC_NUMBER
from _imp import source_hash


def field():
    return sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), "little"))


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "co_code"):
        return a == b and all(
            same(getattr(a, name), getattr(b, name)) for name in dir(a) if name.startswith("co_") and name not in ("co_lines", "co_positions", "co_branches", "co_lnotab")
        )
    return repr(a) == repr(b) if isinstance(a, (float, complex)) else a == b


checked = 0
while path := field():
    source, pyc = field(), field()
    want = compile(source, path.decode(), "exec", dont_inherit=True)
    assert pyc[:8] == MAGIC_NUMBER + b"\1\0\0\0", path
    assert pyc[8:16] == source_hash(int.from_bytes(MAGIC_NUMBER, "little"), source), path
    assert same(marshal.loads(pyc[16:]), want), path
    checked += 1
print(checked)
