"""Which code a recording covers."""

from __future__ import annotations

import os
from pathlib import Path
from types import CodeType

import pytest
from vmtrace.tracer.scope import STDLIB, Scope

from tests.command_line import vm


def code_of(path: str | Path) -> CodeType:
    return compile("0", str(path), "exec")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a program, and an environment in it."""
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("main.py", True),
        ("sibling.py", True),
        ("package/below/module.py", True),
        ("env/lib/python3/library.py", False),
        ("vendor/site-packages/library.py", False),
        ("vendor/dist-packages/library.py", False),
        ("../elsewhere.py", False),
        (os.path.join(STDLIB, "json", "decoder.py"), False),
        ("<string>", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_the_modules_in_the_programs_folder(path: str, covered: bool, project: Path) -> None:
    scope = Scope(str(project / "main.py"), str(project))
    filename = path if path.startswith("<") else os.path.abspath(project / path)
    assert scope.covers(code_of(filename), "name") is covered


def test_a_folder_behind_a_link(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(project)
    scope = Scope(str(project / "main.py"), str(project))
    assert scope.covers(code_of(link / "sibling.py"), "sibling")


def test_modules_are_added_and_taken_out_by_name(project: Path) -> None:
    scope = Scope(str(project / "main.py"), str(project), include=["json", "json.*"], exclude=["json.scanner", "sib*"])
    library = code_of(os.path.join(STDLIB, "json", "x.py"))
    names = ("json", "json.decoder", "json.scanner", "jsonx")
    assert [name for name in names if scope.covers(library, name)] == ["json", "json.decoder"]
    assert not scope.covers(code_of(project / "sibling.py"), "sibling")


def test_a_module_of_the_standard_library_is_not_run_with_all_of_it() -> None:
    """`-m tokenize`: its folder is the whole library. `-m json.tool`: its folder is a package."""
    tokenize = Scope(os.path.join(STDLIB, "tokenize.py"), STDLIB)
    assert tokenize.covers(code_of(os.path.join(STDLIB, "tokenize.py")), "__main__")
    assert not tokenize.covers(code_of(os.path.join(STDLIB, "re", "_parser.py")), "re._parser")
    tool = Scope(os.path.join(STDLIB, "json", "tool.py"), os.path.join(STDLIB, "json"))
    assert tool.covers(code_of(os.path.join(STDLIB, "json", "decoder.py")), "json.decoder")


def test_what_we_use_ourselves_can_be_traced_too(tmp_path: Path) -> None:
    """From 3.14 on `ast.unparse` imports the module that does it when it is first called: not by us, then."""
    program = "import ast; print(ast.unparse(ast.parse('a  +  b')))"
    done = vm("record", "--include", "ast", "--include", "_ast_unparse", "-c", program, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "a + b\n"), done.stderr
