"""What an opcode is to the VM: a handler whose signature is its stack effect.

A handler's positional parameters are what the instruction pops, deepest first; `*star` stands for `arg` many
(or what `star=` says). What it returns is what the instruction pushes: one value (`-> Value`), none
(`-> None`), or a tuple of as many as `pushes` says. Keyword-only parameters are no operands; they ask for
facts of the instruction or of the frame:

    arg      the oparg, EXTENDED_ARG folded in
    const    co_consts[arg]
    name     the name that the oparg stands for (co_names, a local or a cell)
    beneath  the stack entry `arg` below the operands, 1 being the next one; it stays where it is
    kwnames  the names of a call's keyword arguments
    frame    the `Frame`

A handler that may jump returns `Jump(*pushed)` to do so; one whose instruction is a call returns the `Call`,
whose result is pushed. One `OpcodeSet` per Python version: 3.11's is put together from the families of
`py311/`, a later version's module says what it added, changed and removed against the one before, and is held
to that when it is imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from vmtrace.tracer.host.hide import hide, hide_functions, keep_builtins

keep_builtins(globals())

Value = Any
Handler = Callable[..., Any]
Count = Callable[[int], int]
Flow = Literal["next", "branch", "jump", "end"]

FACTS = frozenset({"arg", "const", "name", "beneath", "kwnames", "frame"})


class Jump(tuple[Any, ...]):
    """Returned by a handler that jumps; holds what the instruction leaves on the stack when it does."""

    __slots__ = ()

    def __new__(cls, *pushed: Any) -> Jump:
        return tuple.__new__(cls, pushed)  # hidden functions have no super()


class Call(NamedTuple):
    """Returned by a handler for the engine to make, from the frame in which `locals()` and its kin look."""

    function: Any
    arguments: Sequence[Any]
    keywords: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One opcode's definition, with its stack effect derived from the handler's signature."""

    name: str
    handler: Handler
    operands: tuple[str, ...]
    star: str | None
    starred: Count
    """How many operands `*star` takes, given the oparg."""
    facts: tuple[str, ...]
    pushed: Count
    pushed_on_jump: Count
    flow: Flow
    """next: falls through; branch: may jump; jump: always jumps; end: control leaves (return, raise)."""
    skips: tuple[str, ...] = ()
    """Instructions at the end of the jump that it passes over."""

    @property
    def returns_value(self) -> bool:
        """Whether the handler returns the one value that is pushed, rather than a tuple of what is pushed."""
        return self.pushed is _one

    def pops(self, arg: int) -> int:
        return len(self.operands) + (self.starred(arg) if self.star else 0)

    def pushes(self, arg: int, jump: bool = False) -> int:
        return self.pushed_on_jump(arg) if jump else self.pushed(arg)


def operation(
    handler: Handler,
    pushes: int | Count | None = None,
    on_jump: int | Count = 0,
    flow: Flow = "next",
    star: Count | None = None,
    skips: tuple[str, ...] = (),
) -> Operation:
    """The `Operation` that a `byte_<OPNAME>` function defines; TypeError if its signature says too little."""
    name = handler.__name__
    if not name.startswith("byte_"):
        raise TypeError(f"an opcode handler is named byte_<OPNAME>, not {name}")
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    by_kind = {kind: [p.name for p in parameters if p.kind is kind] for kind in inspect._ParameterKind}
    facts = tuple(by_kind[inspect.Parameter.KEYWORD_ONLY])
    if unknown := set(facts) - FACTS:
        raise TypeError(f"{name} asks for {', '.join(sorted(unknown))}; there is {', '.join(sorted(FACTS))}")
    stars = by_kind[inspect.Parameter.VAR_POSITIONAL]
    return Operation(
        name=name.removeprefix("byte_"),
        handler=handler,
        operands=tuple(by_kind[inspect.Parameter.POSITIONAL_OR_KEYWORD]),
        star=stars[0] if stars else None,
        starred=hide(star) if star else _oparg,
        facts=facts,
        pushed=_count(pushes if pushes is not None else _pushed_by_annotation(handler)),
        pushed_on_jump=_count(on_jump),
        flow=flow,
        skips=skips,
    )


def _pushed_by_annotation(handler: Handler) -> int | Count:
    annotation = handler.__annotations__.get("return", "missing")
    if annotation in ("Value", Value):
        return _one
    if annotation in ("None", None):
        return 0
    raise TypeError(f"{handler.__name__} says neither '-> Value' nor '-> None' nor pushes=")


def _oparg(arg: int) -> int:
    return arg


def _one(arg: int) -> int:
    return 1


def _count(pushes: int | Count) -> Count:
    if callable(pushes):
        return pushes if pushes is _one else hide(pushes)
    fixed = pushes
    return lambda arg: fixed


class OpcodeSet(Mapping[str, Operation]):
    """The opcodes of one Python version, by name."""

    def __init__(self, python: tuple[int, int], *bases: OpcodeSet) -> None:
        """`bases` is the version before, or the families that the first one is put together from; TypeError where two
        of these have an opcode in common."""
        self.python = python
        self._operations: dict[str, Operation] = {}
        for base in bases:
            if twice := self._operations.keys() & base:
                raise TypeError(f"{', '.join(sorted(twice))} is in two families of {python}")
            self._operations |= base

    def __getitem__(self, name: str) -> Operation:
        return self._operations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    def added(self, handler: Handler | None = None, **effect: Any) -> Any:
        """Decorator: an opcode that the version before did not have."""
        return self._define(handler, effect, exists=False)

    def changed(self, handler: Handler | None = None, **effect: Any) -> Any:
        """Decorator: an opcode of the version before that now does something else."""
        return self._define(handler, effect, exists=True)

    def removed(self, *names: str) -> None:
        """Opcodes of the version before that are gone."""
        for name in names:
            if self._operations.pop(name, None) is None:
                raise TypeError(f"{name} is removed from {self.python} but was not there")

    def _define(self, handler: Handler | None, effect: dict[str, Any], exists: bool) -> Any:
        def define(handler: Handler) -> Handler:
            op = operation(handler, **effect)
            if (op.name in self._operations) is not exists:
                raise TypeError(f"{op.name} {'was not there' if exists else 'is there already'} on {self.python}")
            self._operations[op.name] = op
            return handler

        return define if handler is None else define(handler)


hide_functions(globals())
Call.__new__ = staticmethod(hide(Call.__new__))  # type: ignore[method-assign]
