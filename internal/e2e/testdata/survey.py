"""Imports everything that an image can import, and prints what came of it, one module a line."""
import importlib
import importlib.metadata
import pathlib
import platform
import sys
import warnings

warnings.simplefilter("ignore")
# One opens a browser, one prints a poem, one is what runs here.
NOT_FOR_IMPORT = {"antigravity", "this", "__main__"}


def outcome(name):
    try:
        importlib.import_module(name)
    except BaseException as e:  # SystemExit is an outcome, too
        return type(e).__name__
    return "ok"


def installed():
    for dist in importlib.metadata.distributions():
        for file in dist.files or ():
            parts = pathlib.PurePosixPath(file).parts
            if len(parts) == 2 and parts[1] == "__init__.py" and parts[0].isidentifier():
                yield parts[0]
            elif len(parts) == 1 and file.suffix == ".py":
                yield file.stem


print("machine", platform.machine())
for name in sorted(sys.stdlib_module_names - NOT_FOR_IMPORT):
    print("stdlib", name, outcome(name))
for name in sorted(set(installed())):
    print("installed", name, outcome(name))
