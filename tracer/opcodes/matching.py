"""What the opcodes of `match` do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes.semantics import made

keep_builtins(globals())

Matcher = Callable[[Any, Any], tuple[Any, ...] | None]


def is_sequence(subject: Any) -> bool:
    match subject:
        case [*_]:
            return True
    return False


def is_mapping(subject: Any) -> bool:
    match subject:
        case {}:
            return True
    return False


def match_keys(subject: Any, keys: Sequence[Any]) -> tuple[Any, ...] | None:
    """The values of all the keys, or None; one `get` method serves all of them, so `__missing__` does not."""
    seen: set[Any] = set()
    values: list[Any] = []
    absent = object()
    get = subject.get if keys else dict.get
    for key in keys:
        if key in seen:
            raise ValueError(f"mapping pattern checks duplicate key ({key!r})")
        seen.add(key)
        value = get(key, absent)
        if value is absent:
            return None
        values.append(value)
    return tuple(values)


def match_class(subject: Any, kind: Any, count: int, names: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The attributes that `kind(count patterns, name=pattern…)` looks at; None if there is no match."""
    return _class_matcher(count, names)(subject, kind)


@cache
def _class_matcher(count: int, names: tuple[str, ...]) -> Matcher:
    captured = [f"item{i}" for i in range(count + len(names))]
    patterns = captured[:count] + [f"{n}={c}" for n, c in zip(names, captured[count:], strict=True)]
    source = f"""
def made(subject, kind):
    match subject:
        case kind({", ".join(patterns)}):
            return ({"".join(f"{c}, " for c in captured)})
"""
    matcher: Matcher = made(source)
    return matcher


hide_functions(globals())
