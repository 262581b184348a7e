"""A subclass of the machine overrides opcodes; the checking one finds a handler that leaves a wrong stack."""

import dis
import sys
from itertools import pairwise

import pytest
from vmtrace.tracer.errors import CodeError
from vmtrace.tracer.vm import VirtualMachine


class Counting(VirtualMachine):
    """Overrides an opcode, calls the one it overrides, and adds to what it does."""

    def __init__(self):
        super().__init__()
        self.added = []

    def byte_BINARY_OP(self, left, right, *, arg):
        self.added.append((left, right))
        return super().byte_BINARY_OP(left, right, arg=arg)


def test_a_subclass_overrides_an_opcode():
    vm = Counting()
    space = {}
    vm.run_code(compile("def f(x): return x + 1\nresult = f(2) * 10", "prog.py", "exec"), space)
    assert space["result"] == 30
    assert vm.added == [(2, 1), (3, 10)]


def test_an_overridden_call_is_still_made_from_the_programs_frame():
    called = []

    class CallsWithNames(VirtualMachine):
        def byte_CALL(self, method, first, *rest, kwnames):
            call = super().byte_CALL(method, first, *rest, kwnames=kwnames)
            called.append(call.function.__name__)
            return call

    class Calls(VirtualMachine):
        def byte_CALL(self, function, first, *rest):
            call = super().byte_CALL(function, first, *rest)
            called.append(call.function.__name__)
            return call

    vm, space = (CallsWithNames if "KW_NAMES" in dis.opmap else Calls)(), {}
    vm.run_code(compile("def f(x): y = 1; return sorted(locals())\nresult = f(2)", "prog.py", "exec"), space)
    assert space["result"] == ["x", "y"]
    assert called == ["f", "locals", "sorted"]


def test_an_opcode_may_mean_something_else():
    class Backwards(VirtualMachine):
        def byte_COMPARE_OP(self, left, right, *, arg):
            return not VirtualMachine.byte_COMPARE_OP(self, left, right, arg=arg)

    space = {}
    source = "result = [x for x in range(6) if x < 3], sorted([2, 3, 1])"
    Backwards().run_code(compile(source, "prog.py", "exec"), space)
    assert space["result"] == ([3, 4, 5], [1, 2, 3])


def test_checking_names_function_and_offset_of_a_wrong_stack():
    class Pushes(VirtualMachine):
        def byte_NOP(self):
            return (5,)

    code = compile("def f():\n  pass\n  while True:\n    pass\n    break\n  return 1\nf()", "prog.py", "exec")
    f = next(c for c in code.co_consts if hasattr(c, "co_code"))
    instructions = list(dis.get_instructions(f))
    after = next(b for a, b in pairwise(instructions) if a.opname == "NOP")
    problem = f"f at offset {after.offset}: 1 entries on the stack, not 0"
    with pytest.raises(CodeError, match=f"^prog.py: {problem}$"):
        Pushes(check=True).run_code(code)
    assert sys.exception() is None
