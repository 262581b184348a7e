"""The program to record: found, compiled or loaded, and what python would have it see of itself."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import marshal
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from vmtrace.tracer.errors import ProgramError

bootstrap: Any = importlib.import_module("importlib._bootstrap")
loading: Any = importlib.import_module("importlib._bootstrap_external")

NOT_FROM_A_FILE = {"__loader__": importlib.machinery.BuiltinImporter, "__package__": None, "__spec__": None}
"""What `__main__` holds before it is known from what file it comes, if from any."""
PYC_HEADER = 16
"""Bytes before the code object: magic number, flags, source time or hash (PEP 552)."""

HAVE_CACHED = "__cached__" in globals()
"""Whether modules have it (up to 3.14)."""

PYTHON_OF_MAGIC = (
    (3360, "3.6"), (3390, "3.7"), (3400, "3.8"), (3420, "3.9"), (3430, "3.10"), (3450, "3.11"), (3500, "3.12"),
    (3550, "3.13"), (3600, "3.14"), (3650, "3.15"), (3700, "3.16"),
)  # fmt: skip
"""Magic numbers from here on (first two bytes, little-endian) are that Python's (CPython: pycore_magic_number.h)."""


@dataclass(slots=True)
class Program:
    """A program that is ready to run as `__main__`: its code, or a module by name."""

    code: CodeType | None
    argv: list[str]
    path0: str | None
    """What python would put first on sys.path; None for nothing, as with its option -P."""
    file: str
    """The program's own file, absolute; `<string>` for -c."""
    folder: str
    """Modules below it belong to the program."""
    main: dict[str, Any] = field(default_factory=dict)
    """What `__main__` holds at the start besides `__name__` and `__builtins__`."""
    module: str = ""
    """What `runpy` is to find and run, as `python -m` has it do; its file and folder are those that it will find."""


def load(target: str, arguments: Sequence[str]) -> Program:
    """A `.pyc`, a source file, or a folder or zip file with a `__main__`, as `python target` runs it. Raises
    ProgramError.
    """
    file = os.path.join(os.getcwd(), target)
    if target and (importer := loading.PathFinder._path_importer_cache(file)) is not None:
        return _load_container(target, importer, arguments)
    data = _read(target)
    folder = os.path.dirname(os.path.realpath(target))
    loader: Any
    if target.endswith((".pyc", ".pyo")):
        code = _unmarshalled(target, data)
        loader = importlib.machinery.SourcelessFileLoader("__main__", file)
        own = code.co_filename if os.path.exists(code.co_filename) else file
        home = _home_of_compiled(folder)
    else:
        code = _compiled(target, data, file)
        loader = importlib.machinery.SourceFileLoader("__main__", file)
        own, home = file, folder
    main = {"__file__": file, "__loader__": loader, "__package__": None, "__spec__": None}
    if HAVE_CACHED:
        main["__cached__"] = None
    return Program(code, [target, *arguments], _unless_safe(folder), os.path.abspath(own), home, main)


def _load_container(target: str, importer: Any, arguments: Sequence[str]) -> Program:
    spec = importer.find_spec("__main__")
    if spec is None:
        raise ProgramError(f"cannot run {target}: it has no __main__ module; name a .pyc or .py file in it, or use -m")
    path0, file = os.path.join(os.getcwd(), target), _file_of(target, spec)
    return Program(None, [target, *arguments], path0, file, os.path.realpath(target), {**NOT_FROM_A_FILE}, "__main__")


def load_module(name: str, arguments: Sequence[str]) -> Program:
    """A module or package by name, as `python -m name` runs it. Raises ProgramError."""
    kept, path0 = sys.path[:], _unless_safe(os.getcwd())
    if path0 is not None:
        sys.path[0] = path0
    try:
        spec = _found(name)
    except (ImportError, ValueError, AttributeError) as error:
        raise ProgramError(f"cannot run module {name}: {error}") from None
    finally:
        sys.path[:] = kept
    file = _file_of(f"module {name}", spec)
    folder = os.path.dirname(os.path.abspath(spec.origin))
    return Program(None, [spec.origin, *arguments], path0, file, folder, {**NOT_FROM_A_FILE}, name)


def _file_of(what: str, spec: Any) -> str:
    """The file that the code of a module says it comes from."""
    try:
        code = spec.loader.get_code(spec.name) if spec.loader else None
    except (ImportError, ValueError, AttributeError, SyntaxError, EOFError, TypeError) as error:
        raise ProgramError(f"cannot run {what}: {error}") from None
    if code is None or spec.origin is None:
        raise ProgramError(f"cannot run {what}: it has no Python code")
    file: str = code.co_filename
    return file if file.startswith("<") else os.path.abspath(file)


def _found(name: str) -> Any:
    """The spec of what is run for a module. The packages it lies in are not imported: what they do belongs to the
    program."""
    inside, path = "", None
    for part in name.split("."):
        if inside and path is None:
            raise ImportError(f"{inside} is not a package")
        inside = f"{inside}.{part}" if inside else part
        # `find_spec` of what lies in a package would look for that package among those imported.
        spec = bootstrap._find_spec(part, None) if path is None else loading.PathFinder._get_spec(inside, path)
        if spec is None or (spec.loader is None and not spec.submodule_search_locations):
            raise ImportError(f"No module named {name}")
        path = spec.submodule_search_locations
        path = getattr(path, "_path", path)
    return spec if path is None else _found(f"{name}.__main__")


def load_command(source: str, arguments: Sequence[str]) -> Program:
    """Source text, as `python -c source` runs it. Raises ProgramError."""
    code = _compiled("-c", source.encode(), "<string>")
    return Program(code, ["-c", *arguments], _unless_safe(""), "<string>", os.getcwd(), {**NOT_FROM_A_FILE})


def _unless_safe(path0: str) -> str | None:
    """What depends on where a program is or is started; the file or folder that is run as one does not."""
    return None if sys.flags.safe_path else path0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ProgramError(f"cannot read {path!r}: {error}") from None


def _compiled(target: str, data: bytes, filename: str) -> CodeType:
    try:
        code: CodeType = compile(data, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        raise ProgramError(f"{target}{where}: {type(error).__name__}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise ProgramError(f"{target} does not compile: {type(error).__name__}: {error}") from None
    return code


def _unmarshalled(path: str, data: bytes) -> CodeType:
    if not data:
        raise ProgramError(f"{path} is empty")
    if data[:4] != importlib.util.MAGIC_NUMBER:
        raise ProgramError(_foreign(path, data))
    if len(data) <= PYC_HEADER:
        raise ProgramError(f"{path} is cut short: it has a header and no code")
    try:
        code = marshal.loads(data[PYC_HEADER:])
    except (EOFError, ValueError, TypeError, MemoryError, SystemError) as error:
        raise ProgramError(f"{path} is damaged or cut short ({error}); compile it again") from None
    if not isinstance(code, CodeType):
        raise ProgramError(f"{path} is damaged: it holds a {type(code).__name__} where code should be")
    return code


def _foreign(path: str, data: bytes) -> str:
    running = ".".join(map(str, sys.version_info[:2]))
    magic = int.from_bytes(data[:2], "little")
    python = next((version for first, version in reversed(PYTHON_OF_MAGIC) if magic >= first), None)
    if data[2:4] != b"\r\n" or python is None or magic >= 4000:
        return f"{path} is not a .pyc file of Python 3"
    if python == running:
        return f"{path} was compiled for another build of Python {python} (magic number {magic}): compile it again"
    remedy = f"compile it again, or record it with python{python}"
    return f"{path} was compiled for Python {python}; this is Python {running}: {remedy}"


def _home_of_compiled(folder: str) -> str:
    """A .pyc in __pycache__ belongs to the folder above."""
    return os.path.dirname(folder) if os.path.basename(folder) == "__pycache__" else folder
