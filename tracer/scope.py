"""Which code is traced: the program's own file, the modules in its folder, and what the user asks for by name."""

from __future__ import annotations

import fnmatch
import functools
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

STDLIB = os.path.dirname(os.path.abspath(os.__file__))
OURS = tuple(
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), part) + os.sep
    for part in ("tracer", "traces", "analysis", "cli")
)
SHARED = frozenset({"vmtrace", "sitecustomize", "importlib", "threading", "dis", "opcode", "copyreg", "ctypes"})
"""Modules of which there can be only one: they are changed for the program, or keep account of what all others do."""
INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Scope:
    """Decides by file name, as code objects carry it, so that a .pyc in __pycache__ finds its siblings.

    `include` and `exclude` are globs on module names ("json", "json.*"); `exclude` wins.
    """

    file: str
    folder: str
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def covers(self, code: CodeType, module: str | None) -> bool:
        """Whether code of a module is traced."""
        name = module or ""
        if self._excludes(name):
            return False
        if code.co_filename == self.file or (name == "__main__" and code.co_filename == "<string>" == self.file):
            return True
        if os.path.abspath(code.co_filename).startswith(OURS):
            return False
        return self._in_folder(code.co_filename) or self.includes(name)

    def includes(self, module: str) -> bool:
        """Whether a module is traced by its name."""
        return any(fnmatch.fnmatchcase(module, p) for p in self.include) and not self._excludes(module)

    def _excludes(self, module: str) -> bool:
        return any(fnmatch.fnmatchcase(module, pattern) for pattern in self.exclude)

    @staticmethod
    def module_run(namespace: Mapping[str, Any], caller: FrameType | None) -> str | None:
        """The name of the module that `exec` or `eval` runs code in: the namespace's, or the caller's."""
        for names in (namespace, caller.f_globals if caller is not None else {}):
            if isinstance(names.get("__name__"), str):
                return str(names["__name__"])
        return None

    def forget_modules(self, imported: Iterable[str]) -> None:
        """Where modules are to be traced of those that we have imported, lets the program import all anew that it would
        without us: what is already there would not be traced. All, so that they are made of one another: a flag of `re`
        is a member of `enum`."""
        ours = [*filter(_is_importable_anew, imported)] if self.include else []
        if any(map(self.includes, ours)):
            for name in ours:
                del sys.modules[name]

    def covers_executed(self, code: CodeType, module: str | None, by_traced: bool) -> bool:
        """Whether code that `exec` or `eval` runs is traced; `by_traced`: whether what calls them is."""
        name = module or ""
        if not code.co_filename.startswith("<") or (name == "__main__" and code.co_filename == self.file != "<string>"):
            return self.covers(code, module)
        return not self._excludes(name) and (by_traced or self.includes(name))

    def _in_folder(self, filename: str) -> bool:
        if filename.startswith("<"):
            return False
        path = os.path.abspath(filename)
        below = os.path.join(self.folder, "")
        if not path.startswith(below):
            return os.path.realpath(path).startswith(below) and self._in_folder(os.path.realpath(path))
        library = os.path.join(STDLIB, "")
        inside = library.startswith(below) and path.startswith(library)
        parts = path.removeprefix(below).split(os.sep)[:-1]
        return not inside and not INSTALLED.intersection(parts) and not _in_environment(self.folder, tuple(parts))

    def described(self) -> dict[str, object]:
        """For the trace: what was asked for."""
        return {"file": self.file, "folder": self.folder, "include": [*self.include], "exclude": [*self.exclude]}


def _is_importable_anew(name: str) -> bool:
    spec = getattr(sys.modules[name], "__spec__", None)
    return name.partition(".")[0] not in SHARED and spec is not None and str(spec.origin).endswith(".py")


@functools.lru_cache(maxsize=4096)
def _in_environment(folder: str, parts: tuple[str, ...]) -> bool:
    """Whether a folder on the way down is a virtual environment."""
    here = folder
    for part in parts:
        here = os.path.join(here, part)
        if os.path.exists(os.path.join(here, "pyvenv.cfg")):
            return True
    return False
