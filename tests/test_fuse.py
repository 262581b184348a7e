"""What the fused engine must be able to write, beyond what the programs happen to use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest
from vmtrace.tracer.vm import VirtualMachine

SOURCES = sorted(Path(json.__file__).parent.parent.glob("[a-d]*.py"))


def nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 20, 300])
def test_a_function_may_have_any_number_of_arguments_and_no_other_variable(count: int) -> None:
    names = ", ".join(f"a{n}" for n in range(count))
    source = f"def f({names}): return ({names}{',' if count == 1 else ''})\nresult = f(*range({count}))\n"
    namespace: dict[str, object] = {"__name__": "t"}
    VirtualMachine().run_code(compile(source, "<t>", "exec"), namespace)
    assert namespace["result"] == tuple(range(count))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_standard_library_can_be_fused(path: Path) -> None:
    machine = VirtualMachine()
    for code in nested(compile(path.read_bytes(), str(path), "exec")):
        assert machine.function(code).host.co_name == code.co_name
