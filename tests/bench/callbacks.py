"""Today's choice, to compare with: a recorder that Python calls at every instruction.

`python callbacks.py OUT PROGRAM ARGUMENT…` runs a program under `sys.settrace` with opcode events (3.11) or
`sys.monitoring` INSTRUCTION events (3.12 on), appends one int per instruction to a list, and writes the list, a million
at a time, to the same file that vmtrace writes: numpy makes rows of it, `TraceWriter` the file. Of what can be had so,
the fast way is taken: per event there is one call, one `|` and one `append`; all else is done per frame.

It is for programs of one thread, and traces their own file.
"""

from __future__ import annotations

import dis
import json
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import numpy as np
from vmtrace.traces.writer import TraceWriter

AT_ONCE = 1 << 20
"""Events that are kept until the next frame begins, and they are written."""
SHIFT = 32
"""An event is `frame << 32 | number of the instruction`, counted through all codes, by code unit."""
KINDS = ((0x20, "generator"), (0x80, "coroutine"), (0x200, "async_generator"), (0x1, "function"))


class Notebook:
    """Codes, frames and events on their way to the file."""

    def __init__(self, path: str, file: str) -> None:
        names = [name if not name.startswith("<") else f"<{number}>" for number, name in enumerate(dis.opname[:256])]
        self.writer = TraceWriter(path, opcode_names=names, run={"engine": "callbacks"}, compression="zstd")
        self.file = file
        self.events: list[int] = []
        self.codes: dict[CodeType, tuple[int, int]] = {}
        """Id, and number of the first instruction."""
        self.opcode: list[int] = []
        self.offset: list[int] = []
        self.code: list[int] = []
        self.frames: list[tuple[int, int | None, int]] = []
        """Code, parent, event."""
        self.ended: list[tuple[int, int]] = []
        self.new: list[CodeType] = []
        self.count = self.rows = 0

    def base(self, code: CodeType) -> int:
        """The number of a code object's first instruction."""
        if code not in self.codes:
            self.codes[code] = len(self.codes), len(self.opcode)
            raw = code.co_code
            self.opcode += raw[::2]
            self.offset += range(0, len(raw), 2)
            self.code += [self.codes[code][0]] * (len(raw) // 2)
            self.new.append(code)
        return self.codes[code][1]

    def frame(self, code: CodeType, parent: int | None) -> int:
        """The number of a new frame."""
        if len(self.events) > AT_ONCE:
            self.empty()
        number = self.count
        self.count += 1
        self.frames.append((self.codes[code][0], parent, self.rows + len(self.events)))
        return number

    def end(self, number: int) -> None:
        self.ended.append((number, self.rows + len(self.events)))

    def empty(self) -> None:
        events = np.array(self.events, np.uint64)
        self.events.clear()
        self._tell()
        number = (events & np.uint64(2**SHIFT - 1)).astype(np.int64)
        columns = [
            np.array(table, kind) for table, kind in ((self.opcode, "u1"), (self.offset, "u4"), (self.code, "u4"))
        ]
        opcode, offset, code = (column.take(number) for column in columns)
        depth = np.zeros(len(number), np.uint16)  # it is not to be had
        self.writer.write(opcode, offset, depth, (events >> np.uint64(SHIFT)).astype(np.uint32), code)
        self.rows += len(events)

    def _tell(self) -> None:
        first = self.count - len(self.frames)
        if self.new:
            self.writer.add("codes", {
                "code_id": [self.codes[code][0] for code in self.new],
                "name": [code.co_name for code in self.new],
                "qualname": [code.co_qualname for code in self.new],
                "module": ["__main__" for _ in self.new],
                "filename": [code.co_filename for code in self.new],
                "firstlineno": [code.co_firstlineno for code in self.new],
                "kind": [next((kind for flag, kind in KINDS if code.co_flags & flag), "module") for code in self.new],
            })  # fmt: skip
        if self.frames:
            code, parent, row = zip(*self.frames, strict=True)
            self.writer.add("frames", {
                "frame_id": list(range(first, self.count)),
                "code_id": code,
                "parent_id": parent,
                "call_offset": [None] * len(code),
                "thread_id": [1] * len(code),
                "first_row": row,
            })  # fmt: skip
        if self.ended:
            number, row = zip(*self.ended, strict=True)
            self.writer.add("exits", {"frame_id": number, "row": row, "reason": ["return"] * len(row)})
        self.new, self.frames, self.ended = [], [], []


def settrace(book: Notebook) -> Callable[[], None]:
    """Starts; returns what stops it."""
    append, stack, numbers = book.events.append, [], {}
    traced: Any = None

    def call(frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        if code.co_filename != book.file:
            return None
        base = book.base(code)
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        number = numbers.pop(frame, None)
        if number is None:
            number = book.frame(code, stack[-1] if stack else None)
        stack.append(number)
        key = number << SHIFT | base

        def traced(frame: FrameType, event: str, arg: object) -> Any:
            if event == "opcode":
                append(key + (frame.f_lasti >> 1))
            elif event == "return":
                stack.pop()
                if code.co_flags & 0x2A0:
                    numbers[frame] = number
                else:
                    book.end(number)
            return traced

        return traced

    sys.settrace(call)
    return lambda: sys.settrace(traced)


def monitoring(book: Notebook) -> Callable[[], None]:
    """The same with `sys.monitoring`: INSTRUCTION events of the program's code only, frames by their own events."""
    watch: Any = sys.monitoring  # type: ignore[attr-defined]
    events, tool = watch.events, 3
    append, stack, numbers = book.events.append, [], {}
    key = 0

    def instruction(code: CodeType, offset: int) -> None:
        append(key + (offset >> 1))

    def go_on() -> None:
        nonlocal key
        if stack:
            number, base = stack[-1]
            key = number << SHIFT | base

    def start(code: CodeType, offset: int) -> Any:
        if code.co_filename != book.file:
            return watch.DISABLE
        if code not in book.codes:
            book.base(code)
            watch.set_local_events(tool, code, events.INSTRUCTION)
        stack.append((book.frame(code, stack[-1][0] if stack else None), book.base(code)))
        if code.co_flags & 0x2A0:
            numbers[sys._getframe(1)] = stack[-1]
        go_on()
        return None

    def resume(code: CodeType, offset: int, *_: object) -> Any:
        if code.co_filename != book.file:
            return watch.DISABLE if not _ else None
        if (pair := numbers.get(sys._getframe(1))) is not None:
            stack.append(pair)
            go_on()
        return None

    def leave(code: CodeType, offset: int, value: object) -> Any:
        if code.co_filename != book.file:
            return None if isinstance(value, BaseException) else watch.DISABLE
        if stack:
            number, _ = stack.pop()
            book.end(number) if not code.co_flags & 0x2A0 else numbers.pop(sys._getframe(1), None)
            go_on()
        return None

    def suspend(code: CodeType, offset: int, value: object) -> Any:
        if code.co_filename != book.file:
            return watch.DISABLE
        stack.pop()
        go_on()
        return None

    watch.use_tool_id(tool, "bench")
    found = {"INSTRUCTION": instruction, "PY_START": start, "PY_RESUME": resume, "PY_THROW": resume,
             "PY_RETURN": leave, "PY_UNWIND": leave, "PY_YIELD": suspend}  # fmt: skip
    for name, function in found.items():
        watch.register_callback(tool, getattr(events, name), function)
    watch.set_events(tool, sum(getattr(events, name) for name in found if name != "INSTRUCTION"))
    return lambda: watch.set_events(tool, 0)


def main(out: str, program: str, *arguments: str) -> None:
    with open(program, encoding="utf-8") as file:
        code = compile(file.read(), program, "exec")
    sys.argv = [program, *arguments]
    book = Notebook(out, program)
    stop = settrace(book) if sys.version_info < (3, 12) else monitoring(book)
    try:
        exec(code, {"__name__": "__main__"})
    finally:
        stop()
    book.empty()
    book.writer.close(json.loads("{}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
