"""What Python 3.12 changed of 3.11's opcodes.

Comprehensions are part of the code around them (PEP 709), type parameters and aliases have syntax (PEP 695), what is
thrown into a delegating generator and StopIteration in a generator are handled in bytecode, and rare opcodes have
become intrinsics.
"""

from __future__ import annotations

from vmtrace.tracer.host.hide import hide_functions, keep_builtins
from vmtrace.tracer.opcodes import coroutines, intrinsics, py311, semantics
from vmtrace.tracer.opcodes.opset import Jump, OpcodeSet, Value
from vmtrace.tracer.opcodes.py311.operators import COMPARISONS
from vmtrace.tracer.opcodes.semantics import ENDS, NULL

keep_builtins(globals())

ops = OpcodeSet((3, 12), py311.ops)

# --- no more --------------------------------------------------------------------------------------------------------

ops.removed("PRECALL")
ops.removed("LOAD_METHOD")  # a bit of LOAD_ATTR
ops.removed("LOAD_CLASSDEREF")  # LOAD_LOCALS, LOAD_FROM_DICT_OR_DEREF
ops.removed("JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP")  # COPY, POP_JUMP_IF_…, POP_TOP
ops.removed("ASYNC_GEN_WRAP", "IMPORT_STAR", "LIST_TO_TUPLE", "PREP_RERAISE_STAR", "PRINT_EXPR", "UNARY_POSITIVE")
for _direction in ("FORWARD", "BACKWARD"):
    for _condition in ("TRUE", "FALSE", "NONE", "NOT_NONE"):
        ops.removed(f"POP_JUMP_{_direction}_IF_{_condition}")

# --- never in a program's code --------------------------------------------------------------------------------------


@ops.added(pushes=0, flow="end")
def byte_INTERPRETER_EXIT(vm, value):
    """Where the interpreter returns to C."""
    return value


@ops.added
def byte_RESERVED(vm) -> None:
    """A number that is not used."""


# --- local variables ------------------------------------------------------------------------------------------------


@ops.added
def byte_LOAD_FAST_CHECK(vm, *, frame, name) -> Value:
    """A local variable that may be unbound; LOAD_FAST is for those that can't be."""
    return frame.locals[name]


@ops.added
def byte_LOAD_FAST_AND_CLEAR(vm, *, frame, name) -> Value:
    """A comprehension begins: puts aside what its variable holds, NULL if that is nothing."""
    return frame.clear_fast(name)


@ops.changed
def byte_STORE_FAST(vm, value, *, frame, name) -> None:
    """NULL leaves the variable unbound, as it was before the comprehension."""
    frame.store_fast(name, value)


@ops.added
def byte_LOAD_LOCALS(vm, *, frame) -> Value:
    """The namespace of a class body."""
    return frame.namespace


@ops.added
def byte_LOAD_FROM_DICT_OR_GLOBALS(vm, mapping, *, frame, name) -> Value:
    """A name in a scope for annotations: in the class's namespace, or else a global."""
    return semantics.load_from_dict_or_globals(frame, mapping, name)


@ops.added
def byte_LOAD_FROM_DICT_OR_DEREF(vm, mapping, *, frame, name) -> Value:
    """A free variable, which the class's namespace may hide."""
    return semantics.load_from_dict_or_deref(frame, mapping, name)


# --- attributes, slices ---------------------------------------------------------------------------------------------


@ops.changed(pushes=lambda arg: 1 + (arg & 1))
def byte_LOAD_ATTR(vm, owner, *, name, arg):
    """The oparg's lowest bit says that the attribute is about to be called."""
    return (NULL, getattr(owner, name)) if arg & 1 else (getattr(owner, name),)


@ops.added(pushes=lambda arg: 1 + (arg & 1))
def byte_LOAD_SUPER_ATTR(vm, super, kind, self, *, name, arg):
    """`super().name`; the oparg's second bit says that `super` is given its arguments."""
    return semantics.load_super_attr(super, (kind, self) if arg & 2 else (), name, arg & 1)


@ops.added
def byte_BINARY_SLICE(vm, container, start, stop) -> Value:
    return container[start:stop]


@ops.added
def byte_STORE_SLICE(vm, value, container, start, stop) -> None:
    container[start:stop] = value


# --- jumps ----------------------------------------------------------------------------------------------------------


@ops.changed
def byte_COMPARE_OP(vm, left, right, *, arg) -> Value:
    return COMPARISONS[arg >> 4](left, right)


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_IF_TRUE(vm, value):
    if value:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_IF_FALSE(vm, value):
    if not value:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_IF_NONE(vm, value):
    if value is None:
        return Jump()


@ops.added(pushes=0, flow="branch")
def byte_POP_JUMP_IF_NOT_NONE(vm, value):
    if value is not None:
        return Jump()


@ops.changed(pushes=2, flow="branch", skips=("END_FOR",))
def byte_FOR_ITER(vm, iterator):
    """Pushes the next item, or drops the iterator and leaves the loop, past the END_FOR."""
    item = next(iterator, ENDS.exhausted)
    if item is ENDS.exhausted:
        return Jump()
    return iterator, item


@ops.added
def byte_END_FOR(vm, iterator, item) -> None:
    """Drops what CPython's fast loop over a generator leaves."""


@ops.added(pushes=0, flow="end")
def byte_RETURN_CONST(vm, *, const):
    return const


# --- generators and coroutines --------------------------------------------------------------------------------------


@ops.changed(pushes=2, on_jump=2, flow="branch")
def byte_SEND(vm, receiver, value):
    """Sends a value on to the delegate; jumps with its result when it has ended."""
    ended, value = coroutines.send(receiver, value)
    if ended:
        return Jump(receiver, value)
    return receiver, value


@ops.added
def byte_END_SEND(vm, receiver, value) -> Value:
    """Drops the delegate, keeps its result."""
    return value


@ops.added(pushes=2)
def byte_CLEANUP_THROW(vm, receiver, sent, exception):
    """What was thrown into the delegate has come out of it: StopIteration brings the result, all else goes on."""
    return None, coroutines.result_of(exception)


# --- intrinsics -----------------------------------------------------------------------------------------------------


@ops.added
def byte_CALL_INTRINSIC_1(vm, value, *, frame, arg) -> Value:
    """One of `intrinsics.NAMES[1]`."""
    return semantics.call_intrinsic(frame, arg, value)


@ops.added
def byte_CALL_INTRINSIC_2(vm, first, second, *, arg) -> Value:
    """One of `intrinsics.NAMES[2]`."""
    return intrinsics.intrinsic(2, arg)(first, second)


hide_functions(globals())
