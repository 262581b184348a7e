"""Notes every instruction that CPython itself reports, from inside the process that runs the program.

`witness.py` puts a copy of this file on PYTHONPATH as `sitecustomize`, so it runs before the program
and the process is otherwise exactly `python program arguments`: the interpreter itself sets up
`__main__`, `sys.argv` and `sys.path`, prints the traceback, and no frame of ours lies below the program's.
It takes itself off the path and out of the environment again, and leaves the program's own
`sitecustomize`, if there is one, its turn.

It writes three files while the program runs, which are whole up to the last instruction however the process
ends: `codes`, the marshalled code of each module or piece of text in scope; `frames`, for each frame
`thread + 1 << 32 | code`, code objects being numbered as `walk` comes upon them; `events`, for each event
`frame + 1 << 32 | offset`. The last two hold native uint64 values; those behind the last one are zero.
"""
# pathlib and json stay out of it: the program would find them imported.

from __future__ import annotations

import atexit
import importlib
import itertools
import marshal
import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterator
from opcode import opmap
from types import CodeType, FrameType, ModuleType
from typing import Any

SETTINGS = "VMTRACE_WITNESS"
"""The environment variable that says, marshalled, in hex digits, what to note, and where: see `witness.environment`."""
GENERATOR_FLAGS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
RESUME, RETURN_GENERATOR = opmap["RESUME"], opmap["RETURN_GENERATOR"]


def walk(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that are nested in it."""
    found = [code]
    for outer in found:
        yield outer
        found += [const for const in outer.co_consts if isinstance(const, CodeType)]


class Column:
    """A file of uint64 values that grows at its end.

    Several threads may each take a place and then fill it, as `append` does; a caller that must not call a
    Python function does the same by itself. A file that cannot grow any more stays as it is, and `full` tells.
    """

    __slots__ = ("_growing", "_maps", "_path", "full", "take_place", "view")
    FIRST, MOST = 1 << 20, 1 << 26
    """Bytes to begin with, and to grow by at most."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._maps: list[mmap.mmap] = []  # never closed: the program may have closed their descriptors, and reused them
        self._growing = threading.Lock()
        self.full = False
        self.take_place = itertools.count().__next__
        self.view = self._mapped(self.FIRST)

    def append(self, value: int) -> int:
        place = self.take_place()
        try:
            self.view[place] = value
        except IndexError:
            self.fill(place, value)
        return place

    def fill(self, place: int, value: int) -> None:
        """Fills a place beyond the end."""
        with self._growing:
            try:
                while place >= len(self.view) and not self.full:
                    # The old view shows the same file: another thread may go on using it.
                    self.view = self._mapped(self.view.nbytes + min(self.view.nbytes, self.MOST))
            except OSError:
                self.full = True
                return
        if not self.full:
            self.view[place] = value

    def _mapped(self, size: int) -> memoryview[int]:
        low = [os.open(os.devnull, os.O_RDONLY)]  # descriptors that the program would be given
        try:
            while low[-1] < 100:
                low.append(os.dup(low[0]))
            low.append(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            os.posix_fallocate(low[-1], 0, size)  # so that a full disk is an error here, not a SIGBUS later
            self._maps.append(mmap.mmap(low[-1], size))
        finally:
            for descriptor in low:
                os.close(descriptor)
        return memoryview(self._maps[-1]).cast("Q")


class Notes:
    """What is known of the program's code and frames, and the files for what was seen."""

    def __init__(self, folder: str, scope: Any) -> None:
        """`scope` is a `vmtrace.tracer.scope.Scope`."""
        self.scope = scope
        self.module_codes = os.path.join(folder, "codes")
        self.frames = Column(os.path.join(folder, "frames"))
        self.events = Column(os.path.join(folder, "events"))
        self.on_admission: Callable[[CodeType], None] = lambda code: None
        self.begun = False  # the program's own module
        self.resumes: list[int] = []  # by code number, the offset of the RESUME behind which it is reported
        self.number_of_code: dict[int, int | None] = {}  # by id; None: out of scope
        self.number_of_copy: dict[tuple[object, ...], int] = {}  # by `described`
        self.kept: list[CodeType] = []  # alive, so that ids do not recur
        self.threads = itertools.count()
        self.of_thread = threading.local()  # has a `number`; thread identifiers recur
        self.frame_number: dict[int, int] = {}  # by id(frame); new frames overwrite recycled ids

    def code(self, frame: FrameType) -> int | None:
        """The number of the code that begins to run in a frame, None if it is out of scope."""
        code = frame.f_code
        if code is CALLS_EXEC:
            self._imported(frame.f_locals)
            return None
        if id(code) not in self.number_of_code:
            main = sys.modules.get("__main__")
            if not self.begun and code.co_name == "<module>" and frame.f_globals is vars(main):
                self.begun = True
                self._admit(code)
            elif code.co_name == "<module>" and self._is_executed(frame):
                self._admit(code)
            else:
                self._take(code, self.number_of_copy.get(described(code)))
        return self.number_of_code[id(code)]

    def _imported(self, call: dict[str, Any]) -> None:
        """A loader is about to run a module: in scope is what the recorder would trace."""
        if call["f"] is exec and self.scope.covers(call["args"][0], call["args"][1].get("__name__")):
            self._admit(call["args"][0])

    def _is_executed(self, frame: FrameType) -> bool:
        """Whether `exec` or `eval` runs a frame whose code the recorder would trace."""
        caller = frame.f_back
        by_traced = caller is not None and self.number_of_code.get(id(caller.f_code)) is not None
        module = self.scope.module_run(frame.f_globals, caller)
        covered: bool = self.scope.covers_executed(frame.f_code, module, by_traced)
        return covered

    def _admit(self, module: CodeType) -> None:
        with open(self.module_codes, "ab") as file:
            file.write(marshal.dumps(module))
        for code in walk(module):
            self.number_of_copy[described(code)] = len(self.resumes)
            self._take(code, len(self.resumes))
            self.resumes.append(first_resume(code))

    def _take(self, code: CodeType, number: int | None) -> None:
        self.number_of_code[id(code)] = number
        self.kept.append(code)
        if number is not None:
            self.on_admission(code)

    def frame(self, frame: FrameType, code_number: int) -> None:
        """A new frame begins to run."""
        self.frame_number[id(frame)] = self.frames.append(self.thread() + 1 << 32 | code_number) + 1

    def thread(self) -> int:
        """The number of the running thread, in the order of their first frames."""
        if not hasattr(self.of_thread, "number"):
            self.of_thread.number = next(self.threads)
        number: int = self.of_thread.number
        return number


def described(code: CodeType) -> tuple[object, ...]:
    """What a code object shares with one made from it by `replace`, as `types.coroutine` does."""
    return code.co_filename, code.co_qualname, code.co_firstlineno, code.co_code


CALLS_EXEC: CodeType = sys.modules["_frozen_importlib"]._call_with_frames_removed.__code__
"""What loaders of source and .pyc files call with `exec`, a module's code and its namespace."""


def first_resume(code: CodeType) -> int:
    """The byte offset of the RESUME behind which a code object's frames begin to be reported.

    For a generator it is the one behind RETURN_GENERATOR (3.15's generator expressions have one before it,
    too). Inline caches cannot be mistaken for it: `co_code` has zeros there.
    """
    opcodes = code.co_code[::2]
    generator = code.co_flags & GENERATOR_FLAGS
    return opcodes.index(RESUME, opcodes.index(RETURN_GENERATOR) if generator else 0) * 2


def watch_with_settrace(notes: Notes) -> Callable[[], None]:
    """3.11: opcode events, by a C trace function made with ctypes.

    A Python function given to `sys.settrace` would have the interpreter copy the locals into `f_locals` at
    each event, which keeps what the program deletes alive for one instruction more and runs its `__del__`
    unseen.
    """
    import ctypes

    call, opcode = 0, 7  # PyTrace_CALL, PyTrace_OPCODE
    integer, pointer = ctypes.c_int, ctypes.c_void_p
    trace_type = ctypes.PYFUNCTYPE(integer, pointer, ctypes.py_object, integer, pointer)
    set_trace = ctypes.pythonapi.PyEval_SetTrace
    set_trace.argtypes, set_trace.restype = (trace_type, pointer), None
    frame_number, events = notes.frame_number, notes.events
    take_place = events.take_place
    too_deep = recursion_guard(ctypes, room=20)

    def trace(_: object, frame: FrameType, what: int, __: object) -> int:
        if what == opcode:
            place, value = take_place(), frame_number[id(frame)] << 32 | frame.f_lasti
            try:
                events.view[place] = value
            except IndexError:
                events.fill(place, value)
        elif what == call:
            frame.f_trace_lines = False
            code_number = notes.code(frame)
            if too_deep():
                return 0
            if code_number is not None:
                frame.f_trace_opcodes = True
                # A resumed generator stands behind its first RESUME, one thrown into before it ran stands
                # before.
                if frame.f_lasti <= notes.resumes[code_number]:
                    notes.frame(frame, code_number)
        return 0

    as_c = trace_type(trace)

    def start(*_: object) -> None:
        set_trace(as_c, None)

    def stop() -> None:
        set_trace(trace_type(), None)  # first: it is `start` that keeps the C function alive
        threading.settrace(None)

    threading.settrace(start)  # each new thread calls this once, as its Python trace function
    start()
    return stop


def recursion_guard(ctypes: Any, room: int) -> Callable[[], bool]:
    """3.11: a function that tells a trace function whether its frame lies beyond the recursion limit, and
    ends that.

    The real limit is `room` higher, for a callback of ctypes that fails returns garbage. The frame that
    CPython would not have entered is ended, before its first instruction, by an asynchronous
    RecursionError.
    """
    from functools import partial

    state, remaining = ctypes.pythonapi.PyThreadState_Get, ctypes.c_int.from_address
    state.restype = ctypes.c_void_p
    set_async = ctypes.pythonapi.PyThreadState_SetAsyncExc
    set_async.argtypes, set_async.restype = (ctypes.c_ulong, ctypes.py_object), None
    offset = 32  # of recursion_remaining in 3.11's PyThreadState

    # What runs between here and the program is made of C functions, as a frame of ours would be too deep
    # itself: the exception's class, when called, gives a true RecursionError, and says that this is an
    # instance of it.
    make = partial(RecursionError, "maximum recursion depth exceeded")
    meta = type("Meta", (type,), {"__call__": make, "__subclasscheck__": callable})
    exceeded = type.__call__(meta, "RecursionError", (RecursionError,), {})

    def too_deep() -> bool:
        if remaining(state() + offset).value >= room - 2:  # two: this frame and the trace function's
            return False
        raiser = partial(set_async, threading.get_ident(), exceeded)
        -type("Trigger", (), {"__neg__": raiser})()  # not a CALL, which would have the exception raised here
        return True

    make_room(room)
    return too_deep


def watch_with_monitoring(notes: Notes) -> Callable[[], None]:
    """3.12 on: `sys.monitoring`'s INSTRUCTION events, switched on for a module's code when that is admitted.

    Beyond the recursion limit both `start` and `instruction` fail as they are entered, for room is made for
    just one frame: so the frame that CPython would not have entered has no event. Hence, once a code object
    is known, they call no Python function.
    """
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]  # mypy looks at 3.11
    kinds, tool, getframe = monitoring.events, 4, sys._getframe
    monitoring.use_tool_id(tool, "vmtrace witness")
    number_of_code, frame_number, of_thread = notes.number_of_code, notes.frame_number, notes.of_thread
    events, frames = notes.events, notes.frames
    take_event, take_frame = events.take_place, frames.take_place

    def instruction(code: CodeType, offset: int) -> None:
        place, value = take_event(), frame_number[id(getframe(1))] << 32 | offset
        try:
            events.view[place] = value
        except IndexError:
            events.fill(place, value)

    def start(code: CodeType, offset: int) -> object:
        if id(code) in number_of_code:
            code_number = number_of_code[id(code)]
        else:
            code_number = notes.code(getframe(1))
            if code is CALLS_EXEC:
                return None
        if code_number is None:
            return monitoring.DISABLE
        if not hasattr(of_thread, "number"):
            notes.thread()
        place, value = take_frame(), of_thread.number + 1 << 32 | code_number
        frame_number[id(getframe(1))] = place + 1
        try:
            frames.view[place] = value
        except IndexError:
            frames.fill(place, value)
        return None

    def throw(code: CodeType, offset: int, exception: BaseException) -> None:
        """A generator that is thrown into before it ran has no PY_START."""
        code_number = number_of_code.get(id(code))
        if code_number is not None and offset < notes.resumes[code_number]:
            notes.frame(getframe(1), code_number)

    make_room(1)
    notes.on_admission = lambda code: monitoring.set_local_events(tool, code, kinds.INSTRUCTION)
    monitoring.register_callback(tool, kinds.PY_START, start)
    monitoring.register_callback(tool, kinds.PY_THROW, throw)
    monitoring.register_callback(tool, kinds.INSTRUCTION, instruction)
    monitoring.set_events(tool, kinds.PY_START | kinds.PY_THROW)

    def stop() -> None:
        monitoring.set_events(tool, 0)
        for code in notes.kept:
            monitoring.set_local_events(tool, code, 0)
        monitoring.free_tool_id(tool)

    return stop


def make_room(depth: int) -> None:
    """Let our callbacks stand on the program's deepest frame: it may recurse as deep as unwatched."""
    get_limit, set_limit = sys.getrecursionlimit, sys.setrecursionlimit

    def getrecursionlimit() -> int:
        return get_limit() - depth

    def setrecursionlimit(limit: int, /) -> None:
        set_limit(limit + depth if limit > 0 else limit)

    setrecursionlimit(get_limit())
    sys.getrecursionlimit, sys.setrecursionlimit = getrecursionlimit, setrecursionlimit


def install() -> None:
    settings = marshal.loads(bytes.fromhex(os.environ.pop(SETTINGS)))
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    rest = os.environ.pop("PYTHONPATH").partition(os.pathsep)[2]
    if rest:
        os.environ["PYTHONPATH"] = rest
    ours = {*itertools.dropwhile(lambda name: name != "sitecustomize", sys.modules)}
    yield_to_next()
    others = sys.modules.keys() - ours
    notes = Notes(settings["folder"], load_scope(settings["scope_file"]).Scope(**settings["scope"]))
    process = os.getpid()
    watch = watch_with_monitoring if sys.version_info >= (3, 12) else watch_with_settrace
    stop = watch(notes)

    def finish() -> None:
        if os.getpid() == process:
            stop()

    atexit.register(finish)  # the first to be registered, so the last to run: nothing after it is noted
    os.register_at_fork(after_in_child=stop)  # the files are its parent's
    notes.scope.forget_modules(sys.modules.keys() - others)


def load_scope(path: str) -> ModuleType:
    """The module that decides what is in scope, without leaving it where the program could find it."""
    module = ModuleType("vmtrace_scope")
    module.__file__ = path
    sys.modules[module.__name__] = module  # dataclasses looks there
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), vars(module))
    del sys.modules[module.__name__]
    return module


def yield_to_next() -> None:
    """Run the `sitecustomize` that this one stands in front of."""
    ours = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ImportError:
        sys.modules["sitecustomize"] = ours


if __name__ == "sitecustomize":
    install()
