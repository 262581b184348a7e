"""A code object, decoded once: its instructions, their stack depths, its basic blocks.

Everything that is a static fact of an instruction is found here and nowhere else: the engines, the recorder and the
trace file all read it from a `Code`.
"""

from __future__ import annotations

import bisect
import dis
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from vmtrace.tracer.errors import CodeError, MissingOpcodeError
from vmtrace.tracer.host.hide import hide_functions
from vmtrace.tracer.opcodes.opset import Operation
from vmtrace.tracer.units import check_units

KINDS = {
    inspect.CO_GENERATOR: "generator",
    inspect.CO_COROUTINE: "coroutine",
    inspect.CO_ASYNC_GENERATOR: "async_generator",
}
LEAVES_FRAME = frozenset({"RETURN_GENERATOR", "YIELD_VALUE"})
"""After these the frame is suspended; what follows is reached by resuming it."""
NEVER_RAISES = frozenset({"COPY", "SWAP", "PUSH_NULL", "PUSH_EXC_INFO", "POP_EXCEPT", "NOP", "EXTENDED_ARG"})
"""The exception table may cover these, but nothing leads from them to the handler."""
ENTERS_HANDLER = "PUSH_EXC_INFO"
LEAVES_HANDLER = "POP_EXCEPT"


@dataclass(slots=True)
class Instruction:
    """One instruction, and what is known of it before it ever runs."""

    index: int
    offset: int
    opcode: int
    operation: Operation
    arg: int
    """The oparg with EXTENDED_ARG folded in; 0 where there is none."""
    value: Any
    """What the oparg stands for: the constant, the name, …"""
    repr: str
    position: tuple[int | None, int | None, int | None, int | None]
    """line, end line, column, end column"""
    target: int | None = None
    """Index of the instruction jumped to."""
    handler: int | None = None
    """Index of the exception handler in force."""
    depth: int | None = None
    """Entries on the evaluation stack before it runs; None if nothing leads here."""
    level: int = 0
    """How many exceptions the frame is handling."""
    kwnames: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.operation.name

    @property
    def falls_through(self) -> bool:
        return self.operation.flow in ("next", "branch")


@dataclass(frozen=True, slots=True)
class Handler:
    """An entry of the exception table: instructions start…stop-1 are covered by the handler at `target`."""

    start: int
    stop: int
    target: int
    depth: int
    """The stack is cut to this depth, then lasti (if asked for) and the exception are pushed."""
    lasti: bool


@dataclass(slots=True)
class Block:
    """A basic block: entered at its first instruction only, left after its last only (or by an exception)."""

    index: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(slots=True)
class Code:
    """A decoded code object. Raises CodeError or MissingOpcodeError for what cannot be run."""

    code: CodeType
    instructions: list[Instruction]
    handlers: list[Handler]
    blocks: list[Block] = field(default_factory=list)
    index_of: dict[int, int] = field(default_factory=dict)
    """Instruction index by byte offset."""

    @property
    def flags(self) -> int:
        return self.code.co_flags

    @property
    def kind(self) -> str:
        """module, class, function, generator, coroutine or async_generator."""
        for flag, kind in KINDS.items():
            if self.flags & flag:
                return kind
        if self.flags & inspect.CO_OPTIMIZED:
            return "function"
        return "module" if self.code.co_name == "<module>" else "class"

    @property
    def suspends(self) -> bool:
        """Whether calling it makes a generator, coroutine or async generator."""
        return bool(self.flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))

    @property
    def iterates_first(self) -> bool:
        """Whether it asks for an iterator before it makes its generator, as a generator expression does (3.15)."""
        names = [i.name for i in self.instructions]
        return self.suspends and "RESUME" in names[: names.index("RETURN_GENERATOR")]

    def instructions_from(self, index: int) -> Iterator[Instruction]:
        """The instructions from one on, of which few are wanted: there may be hundreds of thousands."""
        return map(self.instructions.__getitem__, range(index, len(self.instructions)))

    def handler_for(self, index: int) -> Handler | None:
        """The innermost exception handler in force at an instruction."""
        for entry in self.handlers:
            if entry.start <= index < entry.stop:
                return entry
        return None


def decode(code: CodeType, operations: Mapping[str, Operation]) -> Code:
    """Decodes a code object (not those nested in it)."""
    check_units(code)
    try:
        instructions = list(_instructions(code, operations))
        index_of = {i.offset: i.index for i in instructions}
        for instruction in instructions:
            if instruction.operation.flow in ("branch", "jump"):
                instruction.target = _landing(instructions, index_of[instruction.value], instruction.operation.skips)
        handlers = list(_exception_table(code, index_of))
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise CodeError(code, None, f"not bytecode that a compiler emits ({type(error).__name__}: {error})") from None
    decoded = Code(code, instructions, handlers, index_of=index_of)
    _check_suspension(decoded)
    _hand_on_keyword_names(decoded)
    _follow_stack(decoded)
    decoded.blocks = list(_blocks(decoded))
    return decoded


def with_distinct_cells(decoded: Code) -> CodeType:
    """The code with other names for those cells of a class body that go by another variable's name: it may have
    `nonlocal __class__` or `global __class__`, or a comprehension whose variable it declares to be global."""
    code = decoded.code
    if code.co_flags & inspect.CO_OPTIMIZED:
        return code
    declared = {i.value for i in decoded.instructions if i.name.endswith("_GLOBAL")}
    free = tuple(f".{name}" if name in declared else name for name in code.co_freevars)
    cells = tuple(f"..{name}" if name in {*code.co_freevars, *declared} else name for name in code.co_cellvars)
    unchanged = (cells, free) == (code.co_cellvars, code.co_freevars)
    return code if unchanged else code.replace(co_cellvars=cells, co_freevars=free)


def _instructions(code: CodeType, operations: Mapping[str, Operation]) -> Iterator[Instruction]:
    skipped = 0
    for index, seen in enumerate(_listing(code)):
        if seen.opname == "CACHE":
            skipped += 1
            continue
        operation = operations.get(seen.opname)
        if operation is None:
            raise MissingOpcodeError(code, seen.offset, seen.opname)
        at = seen.positions
        position = (at.lineno, at.end_lineno, at.col_offset, at.end_col_offset) if at else (None,) * 4
        yield Instruction(
            index=index - skipped,
            offset=seen.offset,
            opcode=seen.opcode,
            operation=operation,
            arg=seen.arg or 0,
            value=seen.argval,
            repr=seen.argrepr,
            position=position,
        )


def _listing(code: CodeType) -> Iterator[dis.Instruction]:
    """CodeError where an oparg is out of range."""
    listing = dis.get_instructions(code)
    offset = 0
    while True:
        try:
            seen = next(listing)
        except StopIteration:
            return
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise CodeError(code, offset, f"an oparg that stands for nothing ({error})") from None
        yield seen
        offset = seen.offset + 2


def _landing(instructions: list[Instruction], target: int, skips: tuple[str, ...]) -> int:
    """Where a jump goes on that passes over some instructions."""
    for name in skips:
        if instructions[target].name != name:
            raise ValueError(f"no {name} at {instructions[target].offset}")
        target += 1
    return target


def _exception_table(code: CodeType, index_of: Mapping[int, int]) -> Iterator[Handler]:
    offsets = list(index_of)
    for start, length, target, depth_lasti in exception_entries(code.co_exceptiontable):
        yield Handler(
            start=index_of[2 * start],
            stop=bisect.bisect_left(offsets, 2 * (start + length)),
            target=index_of[2 * target],
            depth=depth_lasti >> 1,
            lasti=bool(depth_lasti & 1),
        )


def exception_entries(table: bytes) -> Iterator[tuple[int, ...]]:
    """Reads a co_exceptiontable: start, length, target (in code units) and depth << 1 | lasti, as 6-bit varints.
    ValueError where the last entry is not whole."""
    numbers = list(_varints(table))
    return zip(*(numbers[at::4] for at in range(4)), strict=True)


def _varints(table: bytes) -> Iterator[int]:
    value = 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            yield value
            value = 0


def _check_suspension(decoded: Code) -> None:
    """CodeError where the flags do not say what the instructions do: whether calling the code makes a generator."""
    begins = [i for i in decoded.instructions if i.name == "RETURN_GENERATOR"]
    if len(begins) != decoded.suspends:
        offset = begins[-1].offset if begins else None
        raise CodeError(decoded.code, offset, "flags and RETURN_GENERATOR do not agree on whether it is a generator")
    for instruction in decoded.instructions:
        if instruction.name == "YIELD_VALUE" and not begins:
            raise CodeError(decoded.code, instruction.offset, "YIELD_VALUE outside of a generator")


def _hand_on_keyword_names(decoded: Code) -> None:
    """A call's keyword arguments are named by KW_NAMES before it, or by the constant that CALL_KW finds on top."""
    names: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    for instruction in decoded.instructions:
        if instruction.name == "KW_NAMES":
            consts = decoded.code.co_consts
            if instruction.arg >= len(consts) or not isinstance(consts[instruction.arg], tuple):
                raise CodeError(decoded.code, instruction.offset, f"KW_NAMES {instruction.arg} is no tuple of names")
            names = instruction.value = consts[instruction.arg]
        elif instruction.name == "CALL":
            instruction.kwnames, names = names, ()
        elif instruction.name == "CALL_KW":
            instruction.kwnames = constant
        elif instruction.name == "LOAD_CONST" and type(instruction.value) is tuple:
            constant = instruction.value


def _follow_stack(decoded: Code) -> None:
    """Sets depth, level and handler of every instruction that can be reached, following jumps and exceptions.

    Raises CodeError where paths disagree, the stack would underflow or outgrow co_stacksize, or control falls off the
    end.
    """
    code, instructions = decoded.code, decoded.instructions
    pending: list[tuple[int, int, int]] = [(0, 0, 0)]
    while pending:
        index, depth, level = pending.pop()
        if index >= len(instructions):
            raise CodeError(code, instructions[-1].offset if instructions else 0, "control falls off the end")
        instruction = instructions[index]
        if instruction.depth is not None:
            if instruction.depth != depth:
                problem = f"reached with {instruction.depth} and with {depth} entries on the stack"
                raise CodeError(code, instruction.offset, problem)
            continue
        instruction.depth, instruction.level = depth, level
        operation, arg = instruction.operation, instruction.arg
        left = depth - operation.pops(arg)
        if left < 0 or ("beneath" in operation.facts and not 0 < arg <= left):
            raise CodeError(code, instruction.offset, f"{operation.name} {arg} with {depth} entries on the stack")
        level += (operation.name == ENTERS_HANDLER) - (operation.name == LEAVES_HANDLER)
        if level < 0:
            raise CodeError(code, instruction.offset, f"{operation.name} outside of a handler")
        if instruction.falls_through:
            pending.append((index + 1, left + operation.pushes(arg), level))
        if instruction.target is not None:
            pending.append((instruction.target, left + operation.pushes(arg, jump=True), level))
        handler = decoded.handler_for(index)
        if handler is not None and operation.name not in NEVER_RAISES:
            instruction.handler = handler.target
            pending.append((handler.target, handler.depth + handler.lasti + 1, level))
        if max(left + operation.pushes(arg), depth) > code.co_stacksize:
            raise CodeError(code, instruction.offset, f"stack deeper than co_stacksize {code.co_stacksize}")


def _blocks(decoded: Code) -> Iterator[Block]:
    instructions = decoded.instructions
    leaders = {0}
    for handler in decoded.handlers:
        leaders |= {handler.start, handler.stop, handler.target}
    for instruction in instructions:
        if instruction.target is not None:
            leaders.add(instruction.target)
        leaves = instruction.name in LEAVES_FRAME or instruction.name == LEAVES_HANDLER
        if leaves or instruction.operation.flow != "next":
            leaders.add(instruction.index + 1)
    edges = sorted(leaders - {len(instructions)})
    for index, (start, stop) in enumerate(zip(edges, [*edges[1:], len(instructions)], strict=True)):
        yield Block(index, start, stop)


hide_functions(globals())
