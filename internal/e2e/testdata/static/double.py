"""Writes a file twice over, and one that nobody has asked for."""

import os
import sys

os.makedirs(os.path.dirname(sys.argv[2]), exist_ok=True)
with open(sys.argv[1]) as source, open(sys.argv[2], "w") as out:
    out.write(source.read() * 2)
assert sorted(os.listdir()) == ["double.py", "generated", "in.txt"], os.listdir()
with open("left-over", "w") as other:
    other.write("not declared")
