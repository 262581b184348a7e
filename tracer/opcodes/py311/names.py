"""Opcodes that read and bind names: locals, globals, namespaces, cells, imports."""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import semantics
from vmtrace.tracer.opcodes.opset import OpcodeSet, Value
from vmtrace.tracer.opcodes.semantics import NULL

keep_builtins(globals())

ops = OpcodeSet((3, 11))

# --- names ----------------------------------------------------------------------------------------------------------


@ops.added
def byte_LOAD_FAST(vm, *, frame, name) -> Value:
    return frame.locals[name]


@ops.added
def byte_STORE_FAST(vm, value, *, frame, name) -> None:
    frame.locals[name] = value


@ops.added
def byte_DELETE_FAST(vm, *, frame, name) -> None:
    del frame.locals[name]


@ops.added
def byte_LOAD_NAME(vm, *, frame, name) -> Value:
    """A name of a module or class body: its namespace, then globals, then builtins."""
    return semantics.load_name(frame, name)


@ops.added
def byte_STORE_NAME(vm, value, *, frame, name) -> None:
    frame.namespace[name] = value


@ops.added
def byte_DELETE_NAME(vm, *, frame, name) -> None:
    semantics.delete_name(frame.namespace, name)


@ops.added(pushes=lambda arg: 1 + (arg & 1))
def byte_LOAD_GLOBAL(vm, *, frame, name, arg):
    """A global or builtin; the oparg's lowest bit asks for a NULL below it (the name is about to be called)."""
    value = semantics.load_global(frame, name)
    return (NULL, value) if arg & 1 else (value,)


@ops.added
def byte_STORE_GLOBAL(vm, value, *, frame, name) -> None:
    """Globals are written as a dict, whatever their class defines."""
    dict.__setitem__(frame.globals, name, value)


@ops.added
def byte_DELETE_GLOBAL(vm, *, frame, name) -> None:
    semantics.delete_global(frame.globals, name)


@ops.added
def byte_MAKE_CELL(vm, *, frame, name) -> None:
    """A local that an inner function shares moves into a cell."""
    frame.make_cell(name)


@ops.added
def byte_COPY_FREE_VARS(vm) -> None:
    """The function's closure becomes the frame's free variables; the frame is made with them here."""


@ops.added
def byte_LOAD_CLOSURE(vm, *, frame, name) -> Value:
    """The cell itself, for an inner function's closure."""
    return frame.cells[name]


@ops.added
def byte_LOAD_DEREF(vm, *, frame, name) -> Value:
    return frame.load_cell(name)


@ops.added
def byte_STORE_DEREF(vm, value, *, frame, name) -> None:
    frame.cells[name].cell_contents = value


@ops.added
def byte_DELETE_DEREF(vm, *, frame, name) -> None:
    frame.delete_deref(name)


@ops.added
def byte_LOAD_CLASSDEREF(vm, *, frame, name) -> Value:
    """A free variable of a class body, which the class's namespace may hide."""
    return semantics.load_class_deref(frame, name)


@ops.added
def byte_SETUP_ANNOTATIONS(vm, *, frame) -> None:
    semantics.setup_annotations(frame.namespace)


# --- imports --------------------------------------------------------------------------------------------------------


@ops.added
def byte_IMPORT_NAME(vm, level, fromlist, *, frame, name) -> Value:
    return semantics.import_name(frame, name, fromlist, level)


@ops.added(pushes=2)
def byte_IMPORT_FROM(vm, module, *, name):
    return module, semantics.import_from(module, name)


@ops.added
def byte_IMPORT_STAR(vm, module, *, frame) -> None:
    semantics.import_star(module, frame.namespace)


hide_functions(globals())
