"""What the opcodes of `raise`, `try`, `except*` and `with` do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes.intrinsics import instruction
from vmtrace.tracer.opcodes.native import unhandle
from vmtrace.tracer.opcodes.semantics import NULL, special, type_name

keep_builtins(globals())


SPECIAL_METHODS = ("__enter__", "__exit__", "__aenter__", "__aexit__")
"""By the oparg of LOAD_SPECIAL."""


def do_raise(*what: Any) -> NoReturn:
    """`raise`, `raise exception` or `raise exception from cause`."""
    if not what:
        raise
    exception, *cause = what
    if cause:
        raise exception from cause[0]
    raise exception


def exception_matches(exception: BaseException, kind: Any) -> bool:
    """Whether `except kind` catches it: by the classes' real bases, whatever `__subclasscheck__` says."""
    bases = type.__dict__["__mro__"].__get__(type(exception))
    return any(map(bases.__contains__, _exception_classes(kind)))  # a generator's frame would show


def _exception_classes(kind: Any) -> tuple[type[BaseException], ...]:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    for each in kinds:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError("catching classes that do not inherit from BaseException is not allowed")
    return kinds


# --- except* --------------------------------------------------------------------------------------


def group_matches(exception: BaseException | None, kind: Any) -> tuple[Any, Any]:
    """Splits a group (or an exception, as a group of one) into the rest and what matches, now handled."""
    for each in _exception_classes(kind):
        if issubclass(each, BaseExceptionGroup):
            raise TypeError("catching ExceptionGroup with except* is not allowed. Use except instead.")
    rest, matched = _split(exception, kind)
    if matched is not None:
        unhandle(matched)
    return rest, matched


def group_matches_here(exception: BaseException | None, kind: Any) -> tuple[Any, Any]:
    """The same; the group that is made of an exception has the traceback of where it was made."""
    rest, matched = group_matches(exception, kind)
    if matched is not None and not isinstance(exception, BaseExceptionGroup):
        frame = sys._getframe(1)
        matched.__traceback__ = TracebackType(None, frame, frame.f_lasti, frame.f_lineno)
    return rest, matched


def _split(exception: BaseException | None, kind: Any) -> tuple[Any, Any]:
    if exception is None:
        return None, None
    if exception_matches(exception, kind):
        if isinstance(exception, BaseExceptionGroup):
            return None, exception
        return None, BaseExceptionGroup("", [exception])
    if isinstance(exception, BaseExceptionGroup):
        matched, rest = _pair(exception, exception.split(kind))
        return rest, matched
    return exception, None


def _pair(group: BaseException, parts: Any) -> tuple[Any, Any]:
    """The first two parts that a group's `split` has returned, checked as CPython does it since 3.14."""
    name = type_name(group)
    if type(parts) is not tuple:
        raise TypeError(f"{name:.200}.split must return a tuple, not {type_name(parts):.200}")
    if len(parts) < 2:
        raise TypeError(f"{name:.200}.split must return a 2-tuple, got tuple of size {len(parts)}")
    return parts[0], parts[1]


def prepare_reraise_star(original: BaseException, raised: Sequence[BaseException | None]) -> BaseException | None:
    """What goes on after the last `except*`: what its clauses raised, and what none of them took."""
    left = [exception for exception in raised if exception is not None]
    if not isinstance(original, BaseExceptionGroup):
        return left[0] if left else None
    again = [exception for exception in left if _is_part(exception, original)]
    new = [exception for exception in left if not _is_part(exception, original)]
    ids = {id(leaf) for exception in again for leaf in _leaves(exception)}
    unhandled = BaseExceptionGroup.subgroup(original, lambda e: id(e) in ids)
    if not new:
        return unhandled
    if unhandled is not None:
        new.append(unhandled)
    return new[0] if len(new) == 1 else BaseExceptionGroup("", new)


def _is_part(exception: BaseException, original: BaseException) -> bool:
    """Whether a group was made by splitting the original one: raised again, rather than raised anew."""
    names = ("__notes__", "__traceback__", "__cause__", "__context__")
    # Not by a generator of ours: whatever its code, its frame would show in a traceback.
    of_both = [[id(getattr(each, name, None)) for name in names] for each in (exception, original)]
    return of_both[0] == of_both[1]


def _leaves(exception: BaseException) -> list[BaseException]:
    if isinstance(exception, BaseExceptionGroup):
        return [leaf for part in exception.exceptions for leaf in _leaves(part)]
    return [exception]


def load_special(owner: Any, number: int) -> Any:
    """A method of a context manager; CPython's own instruction words the error if there is none."""
    method = special(owner, SPECIAL_METHODS[number])
    if method is NULL:
        instruction("LOAD_SPECIAL", number, 1)(owner)
    return method


# --- with -----------------------------------------------------------------------------------------


def enter_with(manager: Any) -> tuple[Any, Any]:
    """The bound `__exit__`, and what `__enter__` returned."""
    return _entered(manager, "__enter__", "__exit__", "context manager")


def enter_async_with(manager: Any) -> tuple[Any, Any]:
    """The bound `__aexit__`, and what `__aenter__` returned (to be awaited)."""
    return _entered(manager, "__aenter__", "__aexit__", "asynchronous context manager")


def _entered(manager: Any, enter_name: str, exit_name: str, protocol: str) -> tuple[Any, Any]:
    enter = special(manager, enter_name)
    if enter is NULL:
        raise TypeError(_lacks(manager, protocol))
    leave = special(manager, exit_name)
    if leave is NULL:
        raise TypeError(f"{_lacks(manager, protocol)} (missed {exit_name} method)")
    return leave, enter()


def _lacks(manager: Any, protocol: str) -> str:
    return f"'{type_name(manager):.200}' object does not support the {protocol} protocol"


hide_functions(globals())
