"""Host code: Python made from a program's function, dressed as that function.

An engine says what a function does as the syntax tree of a `def`'s body, whose line numbers are 1 + the index of the
instruction that each node stands for. `finish` compiles it and gives it the name, the flags, the variables and the
positions of the program's own code object, so that the frame that runs it is, to the program, the function's frame:
CPython binds its arguments, closes over its cells, shows its locals, prints its lines in tracebacks.
"""

from __future__ import annotations

import ast
import dis
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from vmtrace.tracer.assembly import exception_table
from vmtrace.tracer.code import Code, Instruction, exception_entries
from vmtrace.tracer.fused.inlined import argument_count, inlined
from vmtrace.tracer.host.delegates import delegating, sending
from vmtrace.tracer.host.directly import lead_directly, tell_not
from vmtrace.tracer.host.hide import hide_code, tell_nobody
from vmtrace.tracer.host.in_order import tell_in_order
from vmtrace.tracer.host.leaving import leave_apart
from vmtrace.tracer.host.lines import (
    ENTERED_QUIETLY,
    HEADS,
    NOTES,
    OWN,
    QUIETLY,
    RERAISES,
    SILENT,
    Chain,
    begins_frame,
    kind_of,
)
from vmtrace.tracer.host.locations import NOWHERE, Position, location_table
from vmtrace.tracer.host.moving import moving
from vmtrace.tracer.host.own import owning
from vmtrace.tracer.host.unseen import PREFIX as PREFIX
from vmtrace.tracer.host.unseen import hide_variables, padding

RESUME, YIELD_VALUE, POP_TOP = (dis.opmap[name] for name in ("RESUME", "YIELD_VALUE", "POP_TOP"))
RETURN_GENERATOR = dis.opmap["RETURN_GENERATOR"]
RAISE_VARARGS, RERAISE = dis.opmap["RAISE_VARARGS"], dis.opmap["RERAISE"]
LASTI_IS_OBJECT = "POP_ITER" not in dis.opmap
"""Whether RERAISE finds the code unit as an int on the stack; from 3.14 on it is what only the interpreter can make."""
CONSUMERS = {
    n: kind for kind in ("POP_TOP", "POP_JUMP", "TO_BOOL") for name, n in dis.opmap.items() if name.startswith(kind)
}
"""Their positions are those of an expression statement's value, and, from 3.12 on, of a condition; by opcode, the
beginning of the name."""
TOLD_AT_BEGIN = frozenset({RESUME, POP_TOP, RAISE_VARARGS, RERAISE})
"""What is of a line up to the RESUME at which a function begins: that, what drops the value sent first, and what leaves
the frame of a function that has but that line."""
PLACEHOLDER = "\0vmtrace\0"


@dataclass(frozen=True, slots=True)
class Host:
    """A finished host code object."""

    code: CodeType
    instruction_of: Sequence[int]
    """By code unit (byte offset // 2): index of the instruction that the unit is part of."""
    unit_of: Sequence[int]
    """By instruction: its first code unit, of those that the program is told of."""
    located: Sequence[int]
    """By code unit: the last instruction that has been executed when a frame stands there and calls; -1 for none."""


class Table:
    """A list, `rows`, that may be a constant of a code object, which is hashed by its constants.

    It is not one itself, for `[]` of a subclass of list is a call, which on 3.11 counts towards the recursion limit.
    """

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[Any] = []


class Constants:
    """Objects that host code refers to as constants: the compiler sees a placeholder string."""

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._number: dict[int, int] = {}

    def node(self, value: Any) -> ast.expr:
        """An expression whose value is `value`, whatever that is."""
        if value is None or type(value) in (bool, int, float, complex, bytes, type(...)):
            return ast.Constant(value)
        if type(value) is str and not value.startswith(PLACEHOLDER):
            return ast.Constant(value)
        return self.unread(value)

    def unread(self, value: Any) -> ast.expr:
        """The same, of which the compiler sees nothing."""
        number = self._number.get(id(value))
        if number is None:
            number = self._number[id(value)] = len(self._objects)
            self._objects.append(value)
        return ast.Constant(f"{PLACEHOLDER}{number}")

    def resolve(self, constant: Any) -> Any:
        if type(constant) is str and constant.startswith(PLACEHOLDER):
            return self._objects[int(constant.removeprefix(PLACEHOLDER))]
        if type(constant) is tuple:  # the compiler has put constants together
            return tuple(map(self.resolve, constant))
        if isinstance(constant, CodeType):  # a lambda of ours: it must not show in tracebacks
            return hide_code(constant)
        return constant


def finish(
    code: Code,
    body: list[ast.stmt],
    constants: Constants,
    prologue: int | None = None,
    global_names: Iterable[str] = (),
    chains: Sequence[Chain] = (),
) -> Host:
    """Compiles a function's body into its host code. `chains` are those that jumps (see `lines.JUMPS`) name by number.

    With `prologue`, the body's first statement, whose line that is, is moved to where a generator function still runs
    as a call, before it makes its generator.
    """
    made = _compiled(code, body, constants, sorted(global_names))
    made = made.replace(co_code=_reraises(made))
    made = made.replace(co_code=moving(made))
    made = made.replace(co_code=delegating(made))
    made = sending(made)
    places = _places(made, code.instructions, prologue)
    made = owning(made, code.instructions)
    made = made.replace(co_code=_resuming(made, code.instructions, places))
    if prologue is not None:
        made, places = _moved_to_the_call(made, places, _last_of_call(code.instructions))
    made, added = hide_variables(made, _shown(code))
    places[:0] = [0] * added
    if chains:
        made = tell_not(made, places)
        made = lead_directly(made, places, chains)
        made, places = tell_in_order(made, places, chains, code.instructions)
        made, places = leave_apart(made, places)
    positions = list(_positions(made, places, code.instructions))
    original = code.code
    consts = [constants.resolve(const) for const in made.co_consts]
    # The code that its functions are made of is looked for there; `dis` shows it, nested in this.
    there = set(map(id, consts))
    consts += [const for const in original.co_consts if isinstance(const, CodeType) and id(const) not in there]
    finished = made.replace(
        co_name=original.co_name,
        co_qualname=original.co_qualname,
        co_filename=original.co_filename,
        co_firstlineno=original.co_firstlineno,
        co_flags=original.co_flags,
        co_consts=tuple(consts),
        co_linetable=location_table(positions, original.co_firstlineno),
    )
    if code.iterates_first:  # which may raise, before RESUME
        tell_nobody([finished])
    unit_of = [0] * len(code.instructions)
    for unit in reversed(range(len(places))):
        if kind_of(places[unit]) not in (SILENT, HEADS, NOTES, QUIETLY):
            unit_of[places[unit] % SILENT] = unit
    return Host(finished, [place % SILENT for place in places], unit_of, list(_located(places, code.instructions)))


def _positions(made: CodeType, places: Sequence[int], instructions: Sequence[Instruction]) -> Iterator[Position]:
    """By code unit: where in the program's source it is from. Nothing is told of between the making of a generator and
    its beginning."""
    made_by, begins = _begins(instructions)
    units = made.co_code
    for unit, place in enumerate(places):
        if begins < place < SILENT:
            yield instructions[place].position
            continue
        index = place % SILENT
        silent = (
            kind_of(place) == SILENT
            or (kind_of(place) == HEADS and instructions[index].name in ENTERED_QUIETLY)
            or (made_by < index <= begins and (kind_of(place) or units[2 * unit] not in TOLD_AT_BEGIN))
        )
        yield NOWHERE if silent else instructions[index].position


def _begins(instructions: Sequence[Instruction]) -> tuple[int, int]:
    """The RETURN_GENERATOR, and the RESUME behind it at which the function begins; -1 if there is none. (What is before
    the one, in the call, may have a RESUME of its own: 3.15.)"""
    made_by = next((i.index for i in instructions if i.name == "RETURN_GENERATOR"), -1)
    return made_by, next((i.index for i in instructions if begins_frame(i) and i.index > made_by), -1)


def _located(places: Sequence[int], instructions: Sequence[Instruction]) -> Iterator[int]:
    """At the NOP at which a chain begins, the block before is done, and it may be one further on; behind it, none of
    the instructions of the block that is noted."""
    looped = {i.target for i in instructions if i.target is not None and i.target <= i.index}
    for place in places:
        index, kind = (place, 0) if place < SILENT else (place % SILENT, kind_of(place))
        if kind == HEADS and index in looped:
            yield len(instructions) - 1
        else:
            yield index - (kind == NOTES)


def _compiled(code: Code, body: list[ast.stmt], constants: Constants, global_names: list[str]) -> CodeType:
    original = code.code
    function = ast.FunctionDef(
        name="host",
        args=_arguments(original),
        body=[*_documentation(original, constants), *_declarations(code, global_names), *body],
        decorator_list=[],
        lineno=1,  # that of RESUME
        col_offset=0,
    )
    free = [ast.Assign([ast.Name(n, ast.Store())], ast.Constant(None)) for n in original.co_freevars]
    outer = ast.FunctionDef(name="outer", args=_no_arguments(), body=[*free, function], decorator_list=[])
    tree = ast.Module([outer], [])
    if "type_params" in ast.FunctionDef._fields:  # from 3.12 on
        for part in (function, outer):
            setattr(part, "type_params", [])  # noqa: B010
    _place(tree)
    module = compile(tree, "<host>", "exec", dont_inherit=True, optimize=0)
    return _code_named(_code_named(module, "outer"), "host")


def _code_named(code: CodeType, name: str) -> CodeType:
    return next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)


def _place(tree: Any, line: int = SILENT + 1) -> None:
    """Gives every node that has no line its parent's; end_lineno is what carries the instruction's index."""
    if not isinstance(tree, ast.FunctionDef):  # its line is RESUME's only
        line = getattr(tree, "lineno", line)
    if "lineno" in tree._attributes:
        tree.lineno = tree.end_lineno = getattr(tree, "lineno", line)
        tree.col_offset = tree.end_col_offset = 0
    for child in ast.iter_child_nodes(tree):
        _place(child, line)


def _no_arguments() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[])


def _arguments(code: CodeType) -> ast.arguments:
    names = iter(code.co_varnames)
    arguments = _no_arguments()
    arguments.posonlyargs = [ast.arg(next(names)) for _ in range(code.co_posonlyargcount)]
    arguments.args = [ast.arg(next(names)) for _ in range(code.co_argcount - code.co_posonlyargcount)]
    arguments.kwonlyargs = [ast.arg(next(names)) for _ in range(code.co_kwonlyargcount)]
    arguments.kw_defaults = [None] * code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        arguments.vararg = ast.arg(next(names))
    if code.co_flags & inspect.CO_VARKEYWORDS:
        arguments.kwarg = ast.arg(next(names))
    return arguments


def _documentation(code: CodeType, constants: Constants) -> list[ast.stmt]:
    """A function's docstring is its first constant, and its making takes it from there.

    A string in that place may be no docstring (a generator expression's; from 3.14 on any function's without one). From
    3.13 on the compiler refuses a docstring that UTF-8 cannot express, as a surrogate that stands alone.
    """
    if code.co_flags & inspect.CO_OPTIMIZED and code.co_consts and isinstance(code.co_consts[0], str):
        return [ast.Expr(constants.unread(code.co_consts[0]))]
    return []


def _declarations(code: Code, global_names: list[str]) -> list[ast.stmt]:
    """Says, in code that is never reached, which names are local, cells, free, and whether this is a generator."""
    original = code.code
    declared: list[ast.stmt] = []
    if global_names:
        declared.append(ast.Global(global_names))
    absent, shown = inlined(code).absent, _shown(code)
    arguments = set(original.co_varnames[: argument_count(original)])
    cells = [n for n in original.co_cellvars if n not in absent]
    local = [n for n in (*shown, *cells) if n not in arguments]
    shared = [*cells, *original.co_freevars]
    placed = [*local, *padding(len(shown), len(shared))]
    unreached: list[ast.stmt] = [ast.Assign([ast.Name(n, ast.Store())], ast.Constant(None)) for n in placed]
    if shared:
        names: list[ast.expr] = [ast.Name(n, ast.Load()) for n in shared]
        unreached.append(ast.Expr(ast.Lambda(_no_arguments(), ast.Tuple(names, ast.Load()))))
    if original.co_freevars:
        declared.append(ast.Nonlocal(list(original.co_freevars)))
    if code.suspends:
        unreached.append(ast.Expr(ast.Yield(None)))
    if unreached:
        declared.append(ast.If(ast.Constant(False), unreached, []))
    return declared


def _shown(code: Code) -> list[str]:
    """The program's local variables that are local ones of the host function, too."""
    unseen, names = inlined(code).unseen, code.code.co_varnames
    return [n for i, n in enumerate(names) if n not in unseen or i < argument_count(code.code)]


def _places(made: CodeType, instructions: Sequence[Instruction], prologue: int | None) -> list[int]:
    """By code unit: the instruction's index, from the line that its syntax node was given, plus SILENT or another kind
    of place (see `lines`); -1 in the prologue.

    What consumes a value at the line of the value (see CONSUMERS) is what follows in the program. The RESUME at which
    the function begins, where it is told of as called, is the program's: others may come before it that have no line.
    So are RETURN_GENERATOR and the POP_TOP behind it: at one of them stands a generator that has not begun.
    """
    indices: list[int] = []
    made_by, begins = (max(0, index) for index in _begins(instructions))
    entered = {RETURN_GENERATOR: made_by, RESUME: begins}
    if made.co_flags & inspect.CO_GENERATOR:
        entered[POP_TOP] = made_by + 1
    units = made.co_code  # which is made anew whenever it is asked for
    index, last = 0, len(instructions) - 1
    for unit, (_, line, _, _) in enumerate(made.co_positions()):
        if line is None:
            indices.append(index if index < 0 else SILENT + index % SILENT)
            continue
        kind, place = kind_of(line - 1), (line - 1) % SILENT
        index = -1 if line == prologue else min(place, last) + (0 if kind in (RERAISES, OWN) else kind)
        consumer = CONSUMERS.get(units[2 * unit]) if index < SILENT else None
        if index == 0 and units[2 * unit] in entered:
            indices.append(entered[units[2 * unit]])
        else:
            indices.append(_consumer(instructions, index, consumer) if consumer else index)
    return indices


def _consumer(instructions: Sequence[Instruction], index: int, kind: str) -> int:
    """The instruction to which another one falls through, if it is of a kind (the beginning of its name); else the
    other one."""
    other = instructions[index] if 0 <= index < len(instructions) else None
    if other is not None and other.falls_through and not other.name.startswith(kind):
        after = index + 1
        while after < len(instructions) and instructions[after].name == "EXTENDED_ARG":
            after += 1
        if after < len(instructions) and instructions[after].name.startswith(kind):
            return after
    return index


def _last_of_call(instructions: Sequence[Instruction]) -> int:
    """The instruction before RETURN_GENERATOR."""
    return max(0, next(i.index for i in instructions if i.name == "RETURN_GENERATOR") - 1)


def _moved_to_the_call(made: CodeType, places: list[int], called: int) -> tuple[CodeType, list[int]]:
    """Exchanges RETURN_GENERATOR … RESUME with the prologue's statement, which follows it: straight code, as long.

    The statement is part of the instruction `called`. What the compiler has covered from RETURN_GENERATOR on, for a
    StopIteration that a generator raises (from 3.12 on), is not the call, nor what is thrown into a generator that has
    not begun, which is raised there.
    """
    units = [made.co_code[i : i + 2] for i in range(0, len(made.co_code), 2)]
    start = next(i for i, u in enumerate(units) if u[0] == RETURN_GENERATOR)
    middle = places.index(-1)
    stop = next(i for i in range(middle, len(units)) if places[i] != -1)
    order = [*range(start), *range(middle, stop), *range(start, middle), *range(stop, len(units))]
    entries = []
    for begin, length, *handler in exception_entries(made.co_exceptiontable):
        later = stop - middle if begin < stop else 0
        entries.append((begin + later, length - later, *handler))
    moved = made.replace(
        co_code=b"".join(units[i] for i in order),
        co_exceptiontable=exception_table(entries),
    )
    return moved, [called if places[i] == -1 else places[i] for i in order]


def reraising(unit: ast.expr, exception: ast.expr, index: int | None = None) -> ast.stmt:
    """A statement that raises an exception as it is, its traceback and context included, and has the frame seen to
    stand at a code unit: RERAISE 1, which finds the unit below the exception on the stack. Where it finds none there,
    the frame is seen to stand at the statement itself, which is part of the instruction `index`.

    It is compiled as `raise unit from exception`, at a line of its own by which `_reraises` knows it.
    """
    return ast.Raise(unit, exception, lineno=RERAISES + (0 if index is None else index + 1))


def _reraises(made: CodeType) -> bytes:
    units = bytearray(made.co_code)
    for unit, (_, line, _, _) in enumerate(made.co_positions()):
        if line is not None and line >= RERAISES and units[2 * unit] == RAISE_VARARGS:
            units[2 * unit : 2 * unit + 2] = bytes((RERAISE, LASTI_IS_OBJECT))
    return bytes(units)


def _resuming(made: CodeType, instructions: Sequence[Instruction], places: Sequence[int]) -> bytes:
    """Gives the RESUMEs after yields the program's opargs, by which CPython tells whether there is a delegate (up to
    3.12), and whether anything would see a `close()` (from 3.13)."""
    units = bytearray(made.co_code)
    for at in range(0, len(units), 2):
        if units[at] == YIELD_VALUE and units[at + 2] == RESUME and 0 <= places[at // 2] < SILENT:
            yielding = instructions[places[at // 2]]
            if yielding.name == "YIELD_VALUE":
                units[at + 3] = instructions[yielding.index + 1].arg
    return bytes(units)
