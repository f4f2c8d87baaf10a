"""Has the image's own loader look for what every ELF file of the image needs, and prints what it does not find, a line each."""
import os
import subprocess
import sys

LOADER = sys.argv[1]
seen = 0
for root in ("/usr", "/venv", "/app"):
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.access(path, os.R_OK):
                continue
            with open(path, "rb") as f:
                # Programs and shared objects; gconv modules and the like are among the latter.
                if f.read(4) != b"\x7fELF" or f.seek(16) and f.read(2) not in (b"\x02\0", b"\x03\0"):
                    continue
            seen += 1
            out = subprocess.run([LOADER, "--list", path], capture_output=True, text=True)
            for line in (out.stdout + out.stderr).splitlines():
                if "not found" in line or "error while loading" in line:
                    print(path, line.strip())
print("looked at", seen)
