"""The stepping interpreter: the VM as one would explain it, an instruction at a time.

`step` executes one instruction: it takes the operands from the frame's stack, calls the opcode's handler with
them, pushes what that returns, and moves on. The loop around it is the host function that `stub` writes for
each code object; the other functions here begin a frame.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from vmtrace.tracer.code import Instruction
from vmtrace.tracer.errors import CodeError
from vmtrace.tracer.frame import Activity, Frame, NotedFrame
from vmtrace.tracer.host.hide import hide, hide_functions, keep_builtins
from vmtrace.tracer.opcodes.opset import Call, Jump

keep_builtins(globals())


def step(frame: Frame) -> Any:
    """Executes the frame's next instruction. What a `return` or `yield` hands out is returned.

    A call is left for the host function to make: `frame.call`.
    """
    instruction, stack = frame.instruction, frame.stack
    operation, arg = instruction.operation, instruction.arg
    activity = frame.activity
    if activity.check and len(stack) != instruction.depth:
        problem = f"{len(stack)} entries on the stack, not {instruction.depth}"
        raise CodeError(frame.code.code, instruction.offset, problem)
    bottom = len(stack) - operation.pops(arg)
    facts = {fact: FACTS[fact](frame, instruction, bottom) for fact in operation.facts}
    result = activity.handlers[instruction.index](activity.vm, *stack[bottom:], **facts)
    del stack[bottom:], facts  # only now: an exception's handler may count on the operands
    if type(result) is Jump:
        stack.extend(result)
        assert instruction.target is not None
        frame.index = instruction.target
        return None
    if instruction.name == "YIELD_VALUE":
        frame.suspend()
        return result
    if operation.flow == "end":
        frame.leave()
        frame.note_return()
        return result
    if type(result) is Call:
        frame.call = result
        return None
    if operation.returns_value:
        stack.append(result)
    elif result is not None:
        stack.extend(result)
    frame.index += 1
    return None


FACTS: dict[str, Callable[[Frame, Instruction, int], Any]] = {
    "arg": lambda frame, instruction, bottom: instruction.arg,
    "const": lambda frame, instruction, bottom: instruction.value,
    "name": lambda frame, instruction, bottom: instruction.value,
    "beneath": lambda frame, instruction, bottom: frame.stack[bottom - instruction.arg],
    "kwnames": lambda frame, instruction, bottom: instruction.kwnames,
    "frame": lambda frame, instruction, bottom: frame,
}
"""What a handler may ask for besides operands (see `opset`)."""


# --- beginning a frame ----------------------------------------------------------------------------


def make_frame(activity: Activity, given: dict[str, Any], cells: Any, namespace: Any) -> Frame:
    """The frame for the host frame that calls this.

    `given`: the arguments. `cells`: a function that closes over all cells and free variables.
    `namespace`: that of a module or class.
    """
    _make_room(ROOM)
    by_name = dict(zip(cells.__code__.co_freevars, cells.__closure__ or (), strict=True))
    kind = Frame if activity.recorded is None else NotedFrame
    return kind(activity, sys._getframe(1), given, by_name, namespace)


def enter(activity: Activity, given: dict[str, Any], cells: Any, namespace: Any) -> Frame:
    """A function is called, or the body of a module or class begins."""
    frame = make_frame(activity, given, cells, namespace)
    frame.note_enter()
    return frame


def enter_generator(activity: Activity, generator: int, given: dict[str, Any], cells: Any, namespace: Any) -> Frame:
    """A generator runs for the first time: the host's has its RETURN_GENERATOR behind it."""
    frame = make_frame(activity, given, cells, namespace)
    frame.generator = generator
    frame.note_resume()
    while frame.instruction.name != "RETURN_GENERATOR":
        step(frame)
    step(frame)
    return frame


def begin_generator(activity: Activity, given: dict[str, Any], cells: Any, namespace: Any) -> Frame:
    """A generator expression is called: what comes before its RETURN_GENERATOR runs, in a frame that does not show."""
    frame = make_frame(activity, given, cells, namespace)
    frame.note_create()
    try:
        while frame.instruction.name != "RETURN_GENERATOR":
            step(frame)
    except BaseException:
        frame.note_raise(handled=False)
        frame.leave()
        raise
    frame.note_suspend()
    return frame


def go_on_generator(frame: Frame) -> None:
    """It runs for the first time."""
    frame.flags = sys._getframe(1).f_code.co_flags
    frame.note_resume()
    step(frame)


ROOM = 6
"""Calls that the interpreter must be able to make to handle a RecursionError of the program's."""


def _make_room(levels: int) -> None:
    """Raises RecursionError here and now, where it looks as if calling the program's function had done it."""
    if levels:
        _make_room(levels - 1)


hide_functions(globals())
FACTS.update((fact, hide(found)) for fact, found in FACTS.items())
