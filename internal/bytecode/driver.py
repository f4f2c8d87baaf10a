# Compiles sources that come on stdin until it ends. Nothing here depends on where or when it runs: the modules are
# built in or frozen, and what is left of the process's history is taken out by lithe afterwards.
#
# Numbers are four bytes, little-endian. A request is path and source, each after its length. The first answer is
# the interpreter's version and its magic number; every other one is a status (0 compiled, 1 refused), and the .pyc
# file or the reason after its length.
import gc
import sys
import warnings
from _frozen_importlib_external import MAGIC_NUMBER
from _imp import source_hash
from marshal import dumps

gc.disable()  # trees of the compiler have no cycles
warnings.simplefilter("ignore")  # a SyntaxWarning is for who wrote the source
read, write, flush = sys.stdin.buffer.read, sys.stdout.buffer.write, sys.stdout.buffer.flush
raw_magic = int.from_bytes(MAGIC_NUMBER, "little")
header = MAGIC_NUMBER + b"\1\0\0\0"  # PEP 552: hash-based, not checked when it is imported


def field():
    head = read(4)
    return read(int.from_bytes(head, "little")) if len(head) == 4 else None


def answer(*parts):
    for part in parts:
        write(len(part).to_bytes(4, "little") if isinstance(part, bytes) else part.to_bytes(4, "little"))
        if isinstance(part, bytes):
            write(part)
    flush()


answer(".".join(map(str, sys.version_info[:3])).encode(), MAGIC_NUMBER)
while True:
    path = field()
    if path is None:
        break
    source = field()
    try:
        code = compile(source, path.decode("utf-8", "surrogateescape"), "exec", dont_inherit=True, optimize=-1)
        answer(0, header + source_hash(raw_magic, source) + dumps(code))
    except Exception as e:  # whatever the compiler refuses, as py_compile has it
        # A machine without memory is no refusal: it would be remembered. The parser's own limit says so in words; before
        # 3.12 it did not, and the two look alike.
        if isinstance(e, MemoryError) and not e.args and sys.version_info >= (3, 12):
            raise
        answer(1, f"{type(e).__name__}: {e}".encode("utf-8", "backslashreplace"))
