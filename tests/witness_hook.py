"""Notes every instruction that CPython itself reports, from inside the process that runs the program.

`witness.py` puts a copy of this file on PYTHONPATH as `sitecustomize`, so it runs before the program
and the process is otherwise exactly `python program arguments`: the interpreter itself sets up
`__main__`, `sys.argv` and `sys.path`, prints the traceback, and no frame of ours lies below the program's.
It takes itself off the path and out of the environment again, and leaves the program's own
`sitecustomize`, if there is one, its turn.

Written at exit, to the file named by VMTRACE_WITNESS_OUT: one line of JSON (code objects, counts), then for
each frame `thread << 32 | code`, then for each event `frame << 32 | offset`, all as little-endian uint64.
"""
# pathlib stays out of it: the program would find it imported.

import array
import atexit
import os
import sys
import threading

OUT, SCOPE = "VMTRACE_WITNESS_OUT", "VMTRACE_WITNESS_SCOPE"


class Notes:
    """What was seen: `events` holds `frame << 32 | offset`, `frames` holds `thread << 32 | code`."""

    def __init__(self, scope):
        self.scope = scope
        self.codes = []  # (code object, offset of the RESUME behind which it is reported)
        self.number_of_code = {}  # id(code) -> index in codes, None out of scope
        self.out_of_scope = []  # kept alive, as those in scope are, so that ids do not recur
        self.threads = 0
        self.of_thread = threading.local()  # has a `number`; thread identifiers recur
        self.frames = array.array("Q")
        self.frame_number = {}  # id(frame) -> number; new frames overwrite recycled ids
        self.events = array.array("Q")

    def code(self, code):
        """The number of a code object, None if it is out of scope."""
        key = id(code)
        if key not in self.number_of_code:
            if in_scope(code.co_filename, self.scope):
                self.codes.append((code, first_resume(code)))
                self.number_of_code[key] = len(self.codes) - 1
            else:
                self.out_of_scope.append(code)
                self.number_of_code[key] = None
        return self.number_of_code[key]

    def frame(self, frame, code_number):
        """A new frame begins to run."""
        self.frame_number[id(frame)] = len(self.frames)
        self.frames.append(self.thread() << 32 | code_number)

    def thread(self):
        """The number of the running thread, in the order of their first frames."""
        if not hasattr(self.of_thread, "number"):
            self.of_thread.number, self.threads = self.threads, self.threads + 1
        return self.of_thread.number


def in_scope(filename, folder):
    """Whether a file lies in the program's folder; an environment below that folder does not count."""
    if filename.startswith("<"):  # "<string>", "<frozen os>": no file
        return False
    path = os.path.abspath(filename)
    return path.startswith(folder + os.sep) and f"{os.sep}site-packages{os.sep}" not in path[len(folder) :]


def first_resume(code):
    """The byte offset of the RESUME behind which a code object's frames begin to be reported.

    For a generator it is the one behind RETURN_GENERATOR (3.15's generator expressions have one before it,
    too). Inline caches cannot be mistaken for it: `co_code` has zeros there.
    """
    opcodes = code.co_code[::2]
    generator = code.co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)
    return opcodes.index(RESUME, opcodes.index(RETURN_GENERATOR) if generator else 0) * 2


def watch_with_settrace(notes):
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
    frame_number, add_event = notes.frame_number, notes.events.append
    too_deep = recursion_guard(ctypes, room=20)

    def trace(_, frame, what, __):
        if what == opcode:
            add_event(frame_number[id(frame)] << 32 | frame.f_lasti)
        elif what == call:
            frame.f_trace_lines = False
            code_number = notes.code(frame.f_code)
            if too_deep():
                return 0
            if code_number is not None:
                frame.f_trace_opcodes = True
                # A resumed generator stands behind its first RESUME, one thrown into before it ran stands
                # before.
                if frame.f_lasti <= notes.codes[code_number][1]:
                    notes.frame(frame, code_number)
        return 0

    as_c = trace_type(trace)

    def start(*_):
        set_trace(as_c, None)

    def stop():
        set_trace(trace_type(), None)  # first: it is `start` that keeps the C function alive
        threading.settrace(None)

    threading.settrace(start)  # each new thread calls this once, as its Python trace function
    start()
    return stop


def recursion_guard(ctypes, room):
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

    def too_deep():
        if remaining(state() + offset).value >= room - 2:  # two: this frame and the trace function's
            return False
        raiser = partial(set_async, threading.get_ident(), exceeded)
        -type("Trigger", (), {"__neg__": raiser})()  # not a CALL, which would have the exception raised here
        return True

    make_room(room)
    return too_deep


def watch_with_monitoring(notes):
    """3.12 on: `sys.monitoring`'s INSTRUCTION events, switched on for a code object when it first starts.

    Beyond the recursion limit both `start` and `instruction` fail as they are entered, for room is made for
    just one frame: so the frame that CPython would not have entered has no event. Hence, once a code object
    is known, they call no Python function.
    """
    monitoring = sys.monitoring
    events, tool, getframe = monitoring.events, 4, sys._getframe
    monitoring.use_tool_id(tool, "vmtrace witness")
    codes, number_of_code, frames = notes.codes, notes.number_of_code, notes.frames
    frame_number, add_event, add_frame = notes.frame_number, notes.events.append, notes.frames.append
    of_thread = notes.of_thread

    def instruction(code, offset):
        add_event(frame_number[id(getframe(1))] << 32 | offset)

    def admit(code):
        if notes.code(code) is not None:
            monitoring.set_local_events(tool, code, events.INSTRUCTION)

    def start(code, offset):
        if id(code) not in number_of_code:
            admit(code)
        code_number = number_of_code[id(code)]
        if code_number is None:
            return monitoring.DISABLE
        if not hasattr(of_thread, "number"):
            notes.thread()
        frame_number[id(getframe(1))] = len(frames)
        add_frame(of_thread.number << 32 | code_number)
        return None

    def throw(code, offset, exception):
        """A generator that is thrown into before it ran has no PY_START."""
        if id(code) not in number_of_code:
            admit(code)
        code_number = number_of_code[id(code)]
        if code_number is not None and offset < codes[code_number][1]:
            notes.frame(getframe(1), code_number)

    make_room(1)
    monitoring.register_callback(tool, events.PY_START, start)
    monitoring.register_callback(tool, events.PY_THROW, throw)
    monitoring.register_callback(tool, events.INSTRUCTION, instruction)
    monitoring.set_events(tool, events.PY_START | events.PY_THROW)

    def stop():
        monitoring.set_events(tool, 0)
        for code, _ in codes:
            monitoring.set_local_events(tool, code, 0)
        monitoring.free_tool_id(tool)

    return stop


def make_room(depth):
    """Let our callbacks stand on the program's deepest frame: it may recurse as deep as unwatched."""
    get_limit, set_limit = sys.getrecursionlimit, sys.setrecursionlimit

    def getrecursionlimit():
        return get_limit() - depth

    def setrecursionlimit(limit, /):
        set_limit(limit + depth if limit > 0 else limit)

    setrecursionlimit(get_limit())
    sys.getrecursionlimit, sys.setrecursionlimit = getrecursionlimit, setrecursionlimit


def write(notes, path):
    import json

    codes = [[c.co_filename, c.co_qualname, c.co_firstlineno] for c, _ in notes.codes]
    head = {"codes": codes, "frames": len(notes.frames), "events": len(notes.events)}
    with open(path, "wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        for values in notes.frames, notes.events:
            if sys.byteorder == "big":
                values.byteswap()
            values.tofile(file)


def install():
    path, scope = os.environ.pop(OUT), os.environ.pop(SCOPE)
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    rest = os.environ.pop("PYTHONPATH").partition(os.pathsep)[2]
    if rest:
        os.environ["PYTHONPATH"] = rest
    yield_to_next()

    notes, process, leave = Notes(scope), os.getpid(), os._exit

    def finish():
        """Nothing after the `atexit` functions is noted: this one was registered first, so it runs last."""
        if os.getpid() == process:  # a forked child has another's events
            stop()
            write(notes, path)

    def _exit(status):
        finish()
        leave(status)

    os._exit = _exit
    atexit.register(finish)
    if sys.version_info >= (3, 12):
        stop = watch_with_monitoring(notes)
    else:
        stop = watch_with_settrace(notes)


def yield_to_next():
    """Run the `sitecustomize` that this one stands in front of."""
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        sys.modules["sitecustomize"] = ours


if OUT in os.environ:
    from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
    from opcode import opmap

    RESUME, RETURN_GENERATOR = opmap["RESUME"], opmap["RETURN_GENERATOR"]
    install()
