"""Each version's opcode set is complete, and each signature is the stack effect that CPython reckons with."""

import ast
import contextlib
import dis
import inspect
import sys
import warnings
from functools import cache
from pathlib import Path
from types import CodeType

import pytest
from vmtrace.tracer.code import decode
from vmtrace.tracer.errors import MissingOpcodeError, VMError
from vmtrace.tracer.opcodes.opset import OpcodeSet, operation
from vmtrace.tracer.vm import opcodes

from tests.opcode_coverage import executed

PYTHON = sys.version_info[:2]
try:
    OPS = opcodes(PYTHON)
except VMError as error:
    pytest.skip(str(error), allow_module_level=True)

COUNTED_OTHERWISE = {
    "RETURN_VALUE": "the handler returns what the frame returns; nothing is pushed",
    "RETURN_GENERATOR": "the handler pushes what the first `next` sends in",
    "PRECALL": "CPython counts the arguments as popped here",
    "CALL": "and only what is left as popped here",
}


def code_objects(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from code_objects(constant)


def sources():
    """Files that between them hold every construct of the language."""
    programs = Path(__file__).parent / "programs"
    library = Path(inspect.getfile(ast)).parent
    names = ["typing", "contextlib", "dataclasses", "inspect", "argparse", "statistics", "asyncio/taskgroups"]
    return [*programs.glob("*.py"), *(library / f"{name}.py" for name in names)]


@cache
def all_code():
    modules = []
    for path in sources():
        with warnings.catch_warnings(action="ignore"), contextlib.suppress(SyntaxError):  # a later Python's
            modules.append(compile(path.read_bytes(), str(path), "exec"))
    return [code for module in modules for code in code_objects(module)]


def test_the_set_holds_every_opcode_of_the_running_python():
    executable = {name for name, number in dis.opmap.items() if number < 256}
    assert set(OPS) == {name for name in executable if not name.startswith("INSTRUMENTED_")}
    assert OPS.python == PYTHON


def emitted():
    """Each opcode with the opargs that the compiler gave it somewhere; 2 if it never did."""
    opargs = {name: set() for name in OPS}
    for code in all_code():
        for i in dis.get_instructions(code):
            opargs[i.opname].add(i.arg)
    for name, found in opargs.items():
        if not found:
            found |= {2} if dis.opmap[name] >= dis.HAVE_ARGUMENT else {None}
    return opargs


OPARGS = emitted()


@pytest.mark.parametrize("name", sorted(set(OPS) - set(COUNTED_OTHERWISE)))
def test_a_signature_is_the_stack_effect(name):
    op = OPS[name]
    for oparg in OPARGS[name]:
        arg = oparg or 0
        for jump in (False, True):
            ours = op.pushes(arg, jump=jump and op.flow in ("branch", "jump")) - op.pops(arg)
            theirs = dis.stack_effect(dis.opmap[name], oparg, jump=jump)
            skipped = op.skips if jump else ()  # CPython counts as if it were executed
            theirs += sum(dis.stack_effect(dis.opmap[skip]) for skip in skipped)
            assert ours == theirs, f"{name} {oparg}, jump={jump}"


@pytest.mark.skipif(PYTHON != (3, 11), reason="only 3.11 has PRECALL")
def test_precall_and_call_have_the_stack_effect_together():
    for arg in range(9):
        together = sum(dis.stack_effect(dis.opmap[name], arg) for name in ("PRECALL", "CALL"))
        ours = sum(OPS[name].pushes(arg) - OPS[name].pops(arg) for name in ("PRECALL", "CALL"))
        assert ours == together


def test_what_the_compiler_emits_is_decoded_within_its_own_stack_size():
    """Decoding follows the stack along every path, and refuses what outgrows co_stacksize."""
    for code in all_code():
        decoded = decode(code, OPS)
        reached = [i.depth for i in decoded.instructions if i.depth is not None]
        assert reached and max(reached) <= code.co_stacksize


NOT_EXECUTED = {
    "CACHE": "room for the specialising interpreter",
    "END_FOR": "an exhausted FOR_ITER passes over it",
    "ENTER_EXECUTOR": "put in by the optimizer",
    "EXIT_INIT_CHECK": "in a frame of the interpreter's own",
    "INTERPRETER_EXIT": "in a frame of the interpreter's own",
    "PRINT_EXPR": "only in what is typed at a prompt",
    "RESERVED": "is not used",
    "TRACE_RECORD": "put in by the optimizer",
}


def test_a_piece_executes_every_opcode():
    """And `test_semantics` holds the VM against CPython on each piece."""
    assert set(OPS) - set(executed()) == set(OPS) & set(NOT_EXECUTED)


def test_an_opcode_that_is_missing_is_named():
    operations = {name: op for name, op in OPS.items() if name != "BINARY_OP"}
    code = compile("1\nx + x", "prog.py", "exec")
    offset = next(i.offset for i in dis.get_instructions(code) if i.opname == "BINARY_OP")
    with pytest.raises(MissingOpcodeError) as raised:
        decode(code, operations)
    python = ".".join(map(str, PYTHON))
    problem = f"no handler byte_BINARY_OP for opcode BINARY_OP of Python {python}"
    assert str(raised.value) == f"prog.py: <module> at offset {offset}: {problem}"


def test_a_version_says_truly_what_it_changes():
    base = OpcodeSet((1, 0))

    @base.added
    def byte_OLD(vm, value) -> None:
        pass

    new = OpcodeSet((1, 1), base)
    with pytest.raises(TypeError, match="OLD is there already"):
        new.added(byte_OLD)
    with pytest.raises(TypeError, match="NEW is removed"):
        new.removed("NEW")

    def byte_NEW(vm) -> None:
        pass

    with pytest.raises(TypeError, match="NEW was not there"):
        new.changed(byte_NEW)
    with pytest.raises(TypeError, match="OLD is in two families"):
        OpcodeSet((1, 0), base, new)
    new.removed("OLD")
    assert not new and list(base) == ["OLD"]


def test_a_handler_has_to_say_what_it_pushes():
    def byte_SILENT(vm, value):
        pass

    with pytest.raises(TypeError, match="byte_SILENT says neither"):
        operation(byte_SILENT)

    def byte_CURIOUS(vm, *, weather) -> None:
        pass

    with pytest.raises(TypeError, match="byte_CURIOUS asks for weather"):
        operation(byte_CURIOUS)
