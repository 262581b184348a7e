"""Ways into an import: a replaced __import__, finders and loaders of the program's, lazy and extension modules."""
import _struct  # extension modules, which are found before the finder is there
import builtins
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import math
import sys
import types

TEXTS = {
    "virtual": "import sys\nhere = __name__, __package__, __spec__.origin\ndef caller(): return sys._getframe(1).f_code.co_name\n",
    "virtual.part": "from . import caller\nfrom .. import nowhere" + "\n",
    "virtual.leaf": "from . import caller as c\ndef calls(): return c(), __name__\nvalue = calls()\n",
    "virtual.broken": "x = 1\nraise RuntimeError('while it is loaded')\n",
    "virtual.odd": "import sys\nsys.modules[__name__] = 'another'\n",
}


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in TEXTS:
            return importlib.machinery.ModuleSpec(name, self, origin=f"<{name}>", is_package=name == "virtual")
        return None

    def create_module(self, spec):
        return types.ModuleType(spec.name, f"made for {spec.name}") if spec.name == "virtual.leaf" else None

    def exec_module(self, module):
        exec(compile(TEXTS[module.__name__], f"<{module.__name__}>", "exec"), vars(module))


sys.meta_path.insert(0, Finder())
import virtual
from virtual import leaf


def here():
    return virtual.caller(), leaf.calls()


print(virtual.here, here(), leaf.value, leaf.__doc__, virtual.leaf is leaf)
for name in ("virtual.part", "virtual.broken", "virtual.missing", "missing_altogether"):
    try:
        importlib.import_module(name)
    except Exception as error:
        frames, traceback = [], error.__traceback__
        while traceback:
            frames.append((traceback.tb_frame.f_code.co_filename.rpartition("/")[2], traceback.tb_lineno))
            traceback = traceback.tb_next
        shown = [frame for frame in frames if "importlib" not in frame[0] and frame[0] != "__init__.py"]
        print(type(error).__name__, error, shown, name in sys.modules)
import virtual.odd
print(sys.modules["virtual.odd"])

original = builtins.__import__
asked = []


def hooked(name, globals=None, locals=None, fromlist=(), level=0):
    frame = sys._getframe(1)
    given = "none" if locals is None else "globals" if locals is frame.f_globals else "others"
    asked.append((name, fromlist, level, frame.f_code.co_name, globals is frame.f_globals, given))
    return original(name, globals, locals, fromlist, level)


def imports():
    import math
    from os import path as p, sep
    import os.path as q
    return math.floor(2.5), p is q, sep


builtins.__import__ = hooked
try:
    print(imports())
    import os.path
    from os import name as system
    exec("from os import *; import os", {"__name__": "elsewhere"})

    class Body:
        from os import curdir
finally:
    builtins.__import__ = original
print(asked, Body.curdir)

TEXTS["virtual.leaf"] = "again = globals().get('again', 0) + 1\ndef calls(): return 'reloaded', again\n"
first = leaf.calls
print(importlib.reload(leaf) is leaf, leaf.calls(), first(), importlib.reload(leaf).again, hasattr(leaf, "value"))

spec = importlib.util.find_spec("virtual.broken")
module = importlib.util.module_from_spec(spec)
try:
    spec.loader.exec_module(module)
except RuntimeError as error:
    print(error, module.x)
TEXTS["virtual.lazy"] = "print('loaded at last')\nattribute = 5\n"
spec = importlib.util.find_spec("virtual.lazy")
spec.loader = importlib.util.LazyLoader(spec.loader)
lazy = importlib.util.module_from_spec(spec)
sys.modules["virtual.lazy"] = lazy
spec.loader.exec_module(lazy)
print("not yet")
print(lazy.attribute)


print(_struct.calcsize("<i"), math.__spec__.name, type(math.floor).__name__)
stub = types.ModuleType("stub")
exec("def __getattr__(name): return f'made {name}'\ndef __dir__(): return ['some']\n", vars(stub))
sys.modules["stub"] = stub
from stub import anything
import stub as again
print(anything, again.other, dir(again))
