"""In what surroundings a function runs: the functions and loops below it on the stack."""

from __future__ import annotations

from typing import NamedTuple

from vmtrace.analysis.cfg import NaturalLoops
from vmtrace.analysis.program import Ints, Program


class Origin(NamedTuple):
    """A place on the stack that is not known yet, since it was reached before the piece of the trace began.

    at      the frame itself: it was alive when the piece began
    under   what stood below the frame when it left the stack, at the instruction that ran it
    top     what stood on top of the thread's stack when the piece began, at the instruction it had come to

    `stamp`: of the frames that were alive when the piece began, those that ended up to this row do not count
    (for "at": 0). `otherwise`: the context that holds if the frame turns out to have been suspended when
    the piece began, or -1: for "at" that of its caller, for "under" the context itself.
    """

    kind: str
    which: int  # frame, or thread for "top"
    stamp: int
    otherwise: int


class Context(NamedTuple):
    """Where a function runs. What is counted for it is kept by context.

    path    the functions on the stack, as code ids, outermost first. Recursion is folded: a function that is
            on the path already takes the path back to where it stands, so none occurs twice
    active  the functions (as code id) and loops (as -1 - loop) that are on the stack, up to and with the
            function itself, though without the loops that it is running itself

    With an origin, both begin there, and the path is not folded (but for a function that calls itself).
    """

    origin: Origin | None
    path: tuple[int, ...]
    active: frozenset[int]
    code: int  # the function itself; -1 for the place from which a call was made

    def called(self, code: int) -> Context:
        return Context(self.origin, _longer(self.origin, self.path, code), self.active | {code}, code)


ROOT = Context(None, (), frozenset(), -1)


def _longer(origin: Origin | None, path: tuple[int, ...], code: int) -> tuple[int, ...]:
    if path and path[-1] == code:
        return path
    if origin is None and code in path:
        return path[: path.index(code) + 1]
    return (*path, code)


def beyond(base: Context, context: Context) -> Context:
    """The context that starts from its origin, once the origin is known to be `base`."""
    path = base.path
    for code in context.path:
        path = _longer(base.origin, path, code)
    code = context.code if context.code >= 0 else base.code
    return Context(base.origin, path, base.active | context.active, code)


def settled(contexts: list[Context]) -> list[Context]:
    """The contexts without origins, where nothing more will be known of them."""
    settled: list[Context] = []
    bases: dict[Origin, Context] = {}
    for context in contexts:
        origin = context.origin
        if origin is not None:
            if origin not in bases:
                base = settled[origin.otherwise] if origin.otherwise >= 0 else ROOT
                # The first context from an origin is the origin itself.
                bases[origin] = base.called(context.code) if origin.kind == "at" else base
            context = beyond(bases[origin], context)
        settled.append(context)
    return settled


class _Callees(dict[int, int]):
    """By way of the call (see Contexts): the number of the context that is called."""

    def __init__(self, contexts: Contexts, caller: Context) -> None:
        super().__init__()
        self._contexts, self._caller = contexts, caller

    def __missing__(self, way: int) -> int:
        place = self._contexts.at_call(self._caller, way)
        callee = self[way] = self._contexts.number(place.called(self._contexts.callee(way)))
        return callee


class Contexts:
    """Numbers the contexts that occur. Number 0 is ROOT.

    A *way* is how one function calls another, as one number: the innermost loop of the caller that the call
    stands in, and the code of the callee. `callees[context][way]` is the number of the callee's context.
    """

    def __init__(self, program: Program, loops: NaturalLoops) -> None:
        self.all: list[Context] = []
        self.callees: list[_Callees] = []
        self._numbers: dict[Context, int] = {}
        self._around = [frozenset(-1 - loop for loop in chain) for chain in loops.chain]
        self.codes = max(program.codes, 1)
        self.number(ROOT)

    def number(self, context: Context) -> int:
        known = self._numbers.get(context)
        if known is None:
            known = self._numbers[context] = len(self.all)
            self.all.append(context)
            self.callees.append(_Callees(self, context))
        return known

    def ways(self, loop: Ints, code: Ints) -> Ints:
        return (loop + 1) * self.codes + code

    def callee(self, way: int) -> int:
        """The code that is called."""
        return way % self.codes

    def at_call(self, caller: Context, way: int) -> Context:
        """The place in the caller from which the call is made."""
        loop = way // self.codes - 1
        return caller._replace(active=caller.active | self._around[loop] if loop >= 0 else caller.active, code=-1)
