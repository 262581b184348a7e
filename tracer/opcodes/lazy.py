"""Lazy imports (3.15, PEP 810): what they leave under a name, and how it becomes what is imported.

Both are done by CPython's own instruction, IMPORT_NAME or LOAD_NAME, in code that has nothing else and is not seen.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Mapping
from functools import cache
from types import CodeType
from typing import Any

from vmtrace.tracer.host.hide import hide, hide_code, hide_functions, keep_builtins

keep_builtins(globals())

LAZY: type | None = getattr(types, "LazyImportType", None)
"""The class of what a lazy import leaves."""
EAGER = 2
"""IMPORT_NAME's lowest bits for an import that cannot be lazy, as it stands in a function, say."""


def import_name(
    name: str, fromlist: Any, level: int, how: int, globals: dict[str, Any], namespace: Mapping[str, Any] | None
) -> Any:
    """IMPORT_NAME in a module's or class's body; `how` are the lowest bits of its oparg."""
    return eval(_import_code(name, fromlist, level, how), globals, namespace)


@cache
@hide
def _import_code(name: str, fromlist: Any, level: int, how: int) -> CodeType:
    code = compile("name", __file__, "eval")
    units = [("LOAD_CONST", 0), ("LOAD_CONST", 1), ("IMPORT_NAME", how), ("RETURN_VALUE", 0)]
    made = bytes(b for opname, arg in units for b in (dis.opmap[opname], arg))
    return code.replace(co_code=made, co_names=(name,), co_consts=(level, fromlist), co_stacksize=4)


def loaded(value: Any, name: str, globals: Mapping[str, Any]) -> Any:
    """What was found under a name of `globals`: itself, or what a lazy import of it brings."""
    return eval(_load_code(name), globals) if type(value) is LAZY else value  # type: ignore[arg-type]


@cache
@hide
def _load_code(name: str) -> CodeType:
    return hide_code(compile("name", __file__, "eval").replace(co_names=(name,)))


hide_functions(globals())
