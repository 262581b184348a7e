"""Code is refused in which an instruction may find what CPython, which does not look, would crash on.

Kinds of operands and variables (see `trust`) are followed along every path, until they change no more. Code that a
compiler made is never refused: `python -m tests.opcode_coverage --fuse` holds that over the standard library.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from itertools import repeat
from types import CodeType
from typing import Any, NamedTuple, NoReturn

from vmtrace.tracer.code import Block, Code, Instruction
from vmtrace.tracer.errors import CodeError
from vmtrace.tracer.fused.entries import CALLABLE_FIRST, ITERATOR_IN_TWO, LOADS_CALLABLE
from vmtrace.tracer.opcodes.intrinsics import NAMES
from vmtrace.tracer.rewritten import trust
from vmtrace.tracer.rewritten.trust import CELL, EXCEPTION, INDEX, NULL, OBJECT, OBJECTS, OFFSET, PERHAPS, Kind, Wanted

Kinds = tuple[Kind, ...]
CALLABLE = (OBJECT, PERHAPS) if CALLABLE_FIRST else (PERHAPS, OBJECT)
MADE = -1
"""The slot behind the variables: an object when the generator has been made."""


class State(NamedTuple):
    """Before an instruction."""

    stack: Kinds
    slots: Kinds
    """Local variables and cells, by number; and see MADE."""


def check(decoded: Code) -> None:
    """CodeError if there is such an instruction."""
    _Follower(decoded).follow()


class _Follower:
    def __init__(self, decoded: Code) -> None:
        self.decoded, self.instructions = decoded, decoded.instructions
        self.names = slot_names(decoded.code)
        self.jumped_to = {block.start for block in decoded.blocks}
        self.states: dict[int, State] = {}
        """By the first instruction of a block."""
        self.pending: list[int] = []

    def follow(self) -> None:
        for handler in self.decoded.handlers:
            if handler.start <= handler.target < handler.stop:
                self._refuse(self.instructions[handler.target], "an exception handler that is its own handler")
        block_at = {block.start: block for block in self.decoded.blocks}
        self._reach(0, State((), at_call(self.decoded.code, self.names)))
        while self.pending:
            self._block(block_at[self.pending.pop()])

    def _reach(self, index: int, state: State) -> None:
        """Control may get there in this state, too."""
        before = self.states.get(index)
        if before is not None:
            if before == state:
                return
            state = State(_joined(before.stack, state.stack), _joined(before.slots, state.slots))
            if before == state:
                return
        self.states[index] = state
        if index not in self.pending:
            self.pending.append(index)

    def _block(self, block: Block) -> None:
        state = self.states[block.start]
        caught_before: State | None = None
        for i in self.instructions[block.start : block.stop]:
            if i.handler is not None and i.name not in trust.QUIET:
                caught = self._caught(i, state)
                if caught != caught_before:
                    self._reach(i.handler, caught)
                    caught_before = caught
            before, state = state, self._after(i, state)
        if i.target is not None:
            stack = self._left(i, before.stack, jump=True) if i.falls_through else state.stack
            self._reach(i.target, State(self._not_none(i, stack, jump=True), state.slots))
        if i.falls_through:
            self._reach(block.stop, State(self._not_none(i, state.stack), state.slots))

    def _caught(self, i: Instruction, state: State) -> State:
        """At the exception handler, if the instruction raises."""
        handler = self.decoded.handler_for(i.index)
        assert handler is not None
        if handler.depth > len(state.stack):
            self._refuse(i, f"its exception handler keeps {handler.depth} entries of {len(state.stack)}")
        pushed = (OFFSET, EXCEPTION) if handler.lasti else (EXCEPTION,)
        return State(state.stack[: handler.depth] + pushed, state.slots)

    def _not_none(self, i: Instruction, stack: Kinds, jump: bool = False) -> Kinds:
        """`except*` copies what may be None and goes by whether it is."""
        if not i.name.endswith("_NONE") or jump is not i.name.endswith("_NOT_NONE"):
            return stack
        copy = self.instructions[i.index - 1]
        told = copy.name == "COPY" and copy.arg == 1 and i.index not in self.jumped_to
        return (*stack[:-1], EXCEPTION) if told and stack[-1] == trust.HANDLED else stack

    # --- one instruction ------------------------------------------------------------------------------------------

    def _after(self, i: Instruction, state: State) -> State:
        """The state if control goes on to the next one."""
        name = i.name
        allowed = trust.OPARGS.get(name)
        if name in trust.NEVER or (allowed is not None and i.arg not in allowed):
            self._refuse(i, "no compiler emits it")
        if "_FAST" in name:
            return self._local(i, state)
        slots = self._slots(i, state.slots)
        if name == "SWAP":
            changed = list(state.stack)
            changed[-i.arg], changed[-1] = changed[-1], changed[-i.arg]
            return State(tuple(changed), slots)
        return State(self._left(i, state.stack), slots)

    def _left(self, i: Instruction, stack: Kinds, jump: bool = False) -> Kinds:
        """The stack after an instruction that is held against what it wants."""
        name = (NAMES[1] if i.name[-1] == "1" else NAMES[2])[i.arg] if i.name in INTRINSICS else i.name
        cut = len(stack) - i.operation.pops(i.arg)
        kept, operands = stack[:cut], stack[cut:]
        wanted = trust.WANTED.get(name, ())
        for at, found in enumerate(operands):
            self._want(i, found, wanted[at] if at < len(wanted) else OBJECTS)
        if name in trust.BENEATH:
            self._want(i, kept[-i.arg], trust.BENEATH[name])
            kept = self._shared(i, kept, operands)
        special = SPECIAL.get(name)
        if special is not None and not jump:
            return (*kept, *special(self, i, kept, operands))
        return kept + self._pushed(i, name, operands, jump)

    def _pushed(self, i: Instruction, name: str, operands: Kinds, jump: bool) -> Kinds:
        given = trust.GIVEN.get(name)
        if given is not None:
            return given
        count = i.operation.pushes(i.arg, jump)
        if name in LOADS_CALLABLE and count == 2:
            return CALLABLE
        anew = trust.PUSHES_ANEW.get(name)
        if anew is not None:
            return operands[: max(0, count - anew)] + (OBJECT,) * min(anew, count)
        return (OBJECT,) * count

    def _shared(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        """A list is one of exceptions while only those are put into it, and it lies nowhere else."""
        at = len(kept) - i.arg
        if kept[at].name != "exceptions" or (i.name == "LIST_APPEND" and operands[0].name in trust.EXCEPTIONS):
            return kept
        return (*kept[:at], trust.LIST, *kept[at + 1 :])

    # --- what has a rule of its own -------------------------------------------------------------------------------

    def _copy(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        return (kept[-i.arg],)

    def _constant(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        return (trust.of_constant(i.value),)

    def _tuple(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        cells = operands and all(found.name == CELL.name for found in operands)
        return (Kind("cells" if cells else "tuple", i.arg),)

    def _list(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        return (trust.LIST if operands else trust.EXCEPTIONS_LIST,)

    def _iterator(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        if ITERATOR_IN_TWO:
            return (Kind("delegate") if i.arg else trust.ITERATOR, INDEX)
        return (trust.ITERATOR,)

    def _reraise(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        if i.arg:
            self._want(i, kept[-i.arg] if i.arg <= len(kept) else NULL, trust.ONE_OF("offset"), "offset")
        return ()

    def _iterate(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        """What an index is with, it has to be of: a list or tuple is no iterator without it."""
        if operands[1] == INDEX:
            self._want(i, operands[0], trust.ONE_OF("iterator", "delegate"))
        elif i.name == "FOR_ITER":
            self._want(i, operands[0], trust.ONE_OF("generator"))
        return self._pushed(i, i.name, operands, False)

    def _alias(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        if operands[0].size != 3:
            self._refuse(i, "it wants a tuple of three")
        return (OBJECT,)

    def _call(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        """A generator expression that is called is an iterator, without being asked for one."""
        return (Kind(next(found for found in operands if found.name in OBJECTS).calls_give),)

    def _call_by_names(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        self._want(i, operands[-1], trust.ONE_OF("names"))
        if (operands[-1].size or 0) > i.arg:
            self._refuse(i, "it has more names than arguments")
        return (OBJECT,)

    def _keyword_names(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        call = self._following(i)
        if call.name == "PRECALL":
            call = self._following(call)
        if call.name != "CALL" or len(i.value) > call.arg or trust.of_constant(i.value).name != "names":
            self._refuse(i, "it does not name arguments of the call behind it")
        return ()

    def _before_call(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        call = self._following(i)
        if call.name != "CALL" or call.arg != i.arg:
            self._refuse(i, "no such call is behind it")
        return ()

    def _following(self, i: Instruction) -> Instruction:
        return next((other for other in self.decoded.instructions_from(i.index + 1) if other.name != "EXTENDED_ARG"), i)

    def _function(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        """Up to 3.12 its parts come with it; later, each by an instruction of its own."""
        *parts, code = operands
        self._want(i, code, trust.ONE_OF("code"))
        made = code._replace(name="unclosed" if code.size else "function")
        bits = (bit for bit in (1, 2, 4, 8) if i.arg & bit)
        for part, bit in zip(parts, bits, strict=False):
            made = self._with_part(i, bit, part, made)
        return (made,)

    def _attribute(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        part, function = operands
        return (self._with_part(i, i.arg, part, function),)

    def _with_part(self, i: Instruction, bit: int, part: Kind, function: Kind) -> Kind:
        if bit != trust.CLOSURE:
            self._want(i, part, trust.PARTS_OF_FUNCTION[bit])
            return function
        if function.name != "unclosed" or part != Kind("cells", function.size):
            self._refuse(i, "the closure is not that of the code")
        return function._replace(name="function")

    # --- variables ------------------------------------------------------------------------------------------------

    def _local(self, i: Instruction, state: State) -> State:
        """Local variables are loaded, stored and deleted, one or two by an instruction, in turn."""
        stack, slots = list(state.stack), list(state.slots)
        actions = _actions(i.name)
        numbers = (i.arg,) if len(actions) == 1 else (i.arg >> 4, i.arg & 15)
        for (verb, how), number in zip(actions, numbers, strict=True):
            found = slots[number]
            if verb == "STORE":
                stored = stack.pop()
                self._want(i, stored, trust.PERHAPS_NULL if stored.borrowed is None else frozenset())
                slots[number] = trust.LIST if stored.name == "exceptions" else stored
            elif verb == "DELETE":
                slots[number] = NULL
            elif how == "_AND_CLEAR":
                stack.append(found)
                slots[number] = NULL
            else:
                if how == "_CHECK" or trust.CHECKS_LOCALS:
                    found = slots[number] = found if found.name in OBJECTS else OBJECT
                self._want(i, found, OBJECTS, f"variable {self.names[number]}")
                stack.append(found if how != "_BORROW" else found._replace(borrowed=number))
                continue
            if any(kept.borrowed == number for kept in stack):
                self._refuse(i, f"variable {self.names[number]} has been borrowed")
        return State(tuple(stack), tuple(slots))

    def _slots(self, i: Instruction, slots: Kinds) -> Kinds:
        """What the instruction, which is not one for local variables, does to cells and to the generator."""
        name = i.name
        if name == "MAKE_CELL":
            return (*slots[: i.arg], CELL, *slots[i.arg + 1 :])
        if name == "COPY_FREE_VARS":
            free = len(self.decoded.code.co_freevars)
            if i.arg != free:
                self._refuse(i, f"there are {free} of them")
            return (*slots[: MADE - free], *repeat(CELL, free), slots[MADE])
        if name in USES_CELL:
            self._want(i, slots[i.arg], trust.ONE_OF("cell"), f"variable {self.names[i.arg]}")
        elif name == "RETURN_GENERATOR":
            self._want(i, slots[MADE], trust.ONE_OF("null"), "generator")
            return (*slots[:MADE], OBJECT)
        elif name == "YIELD_VALUE":
            self._want(i, slots[MADE], trust.ONE_OF("object"), "generator")
            if trust.YIELD_TELLS_DELEGATE and i.arg and self.instructions[i.index - 1].name != "SEND":
                self._refuse(i, "it has no delegate")
        elif name == "RESUME" and i.arg & 2:
            if self._before(i) != ["SEND", "YIELD_VALUE"]:
                self._refuse(i, "it has no delegate")
        elif name == "JUMP_BACKWARD_NO_INTERRUPT":
            self._uninterrupted(i)
        return slots

    def _uninterrupted(self, i: Instruction) -> None:
        """Where CPython does not look for signals, nobody can stop an endless loop.

        There are such jumps out of exception handlers, too, and 3.13 ends `while not a < b < c` with one.
        """
        assert i.target is not None
        if self.instructions[i.target].name == "SEND":
            endless = self._before(i) != ["YIELD_VALUE", "RESUME"]
        else:
            endless = i.index in self._straight_on(i.target)
        if endless:
            self._refuse(i, "a loop that no signal can break")

    def _straight_on(self, index: int) -> set[int]:
        """What control gets to from an instruction before it has a choice."""
        found: set[int] = set()
        at: int | None = index
        while at is not None and at not in found:
            found.add(at)
            flow = self.instructions[at].operation.flow
            at = at + 1 if flow == "next" else self.instructions[at].target if flow == "jump" else None
        return found

    def _before(self, i: Instruction) -> list[str]:
        return [other.name for other in self.instructions[max(0, i.index - 2) : i.index]]

    def _load_cell(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        return (CELL if i.name == "LOAD_CLOSURE" else trust.DOTTED.get(self.names[i.arg], OBJECT),)

    def _store_cell(self, i: Instruction, kept: Kinds, operands: Kinds) -> Kinds:
        kind = trust.DOTTED.get(self.names[i.arg])
        if kind is not None:
            self._want(i, operands[0], trust.TUPLES if kind == trust.TUPLE else trust.ONE_OF(kind.name))
        return ()

    # --- words ----------------------------------------------------------------------------------------------------

    def _refuse(self, i: Instruction, problem: str) -> NoReturn:
        raise CodeError(self.decoded.code, i.offset, f"{i.name} {i.arg}: {problem}")

    def _want(self, i: Instruction, found: Kind, wanted: Wanted, what: str = "operand") -> None:
        if found.name not in wanted:
            borrowed = "" if found.borrowed is None else ", and borrowed"
            self._refuse(i, f"its {what} is of the kind '{found.name}'{borrowed}")


INTRINSICS = frozenset({"CALL_INTRINSIC_1", "CALL_INTRINSIC_2"})
USES_CELL = frozenset(
    {"LOAD_CLOSURE", "LOAD_DEREF", "STORE_DEREF", "DELETE_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
)
SPECIAL: dict[str, Any] = {
    "COPY": _Follower._copy,
    "LOAD_CONST": _Follower._constant,
    "BUILD_TUPLE": _Follower._tuple,
    "BUILD_LIST": _Follower._list,
    "GET_ITER": _Follower._iterator,
    "RERAISE": _Follower._reraise,
    "TYPEALIAS": _Follower._alias,
    "CALL": _Follower._call,
    "CALL_KW": _Follower._call_by_names,
    "KW_NAMES": _Follower._keyword_names,
    "PRECALL": _Follower._before_call,
    "MAKE_FUNCTION": _Follower._function,
    "SET_FUNCTION_ATTRIBUTE": _Follower._attribute,
    "LOAD_CLOSURE": _Follower._load_cell,
    "LOAD_DEREF": _Follower._load_cell,
    "LOAD_FROM_DICT_OR_DEREF": _Follower._load_cell,
    "STORE_DEREF": _Follower._store_cell,
}
"""By opcode or intrinsic, what gives the entries that it pushes."""
if ITERATOR_IN_TWO:
    SPECIAL |= {"FOR_ITER": _Follower._iterate, "SEND": _Follower._iterate}


@cache
def _actions(name: str) -> list[tuple[str, str]]:
    """Of an opcode for local variables: what is done, and how."""
    return re.findall("(LOAD|STORE|DELETE)_FAST(_CHECK|_AND_CLEAR|_BORROW)?", name)


def _joined(one: Kinds, other: Kinds) -> Kinds:
    return tuple(map(trust.joined, one, other))


def slot_names(code: CodeType) -> list[str]:
    """The variables of a code object, by number: locals, further cells, free ones."""
    further = [name for name in code.co_cellvars if name not in code.co_varnames]
    return [*code.co_varnames, *further, *code.co_freevars]


def at_call(code: CodeType, names: list[str]) -> Kinds:
    """The slots when a frame begins."""
    arguments = code.co_argcount + code.co_kwonlyargcount
    arguments += sum(bool(code.co_flags & flag) for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS))
    given = [trust.DOTTED.get(name, OBJECT) for name in names[:arguments]]
    return (*given, *repeat(NULL, len(names) - arguments), NULL)
