"""The script that holds an engine against CPython's own tests (`cpython_tests`)."""

import json

from tests import cpython_tests
from tests.cpython_tests import Compared, Ended


def test_a_short_module_passes(tmp_path, capsys):
    out = tmp_path / "out.json"
    assert cpython_tests.main(["generator_stop", "--json", str(out)]) == 0
    assert "test_generator_stop            2     2  100.00 %" in capsys.readouterr().out
    (module,) = json.loads(out.read_text())["modules"]
    assert (module["native"], module["engine"], module["notes"]) == (2, 2, ["", ""])


def test_what_fails_is_explained_or_named(capsys):
    native = Ended({"A.a": "passed", "A.b": "passed", "A.c": "passed", "A.d": "failed", "A.e": "skipped"}, {})
    engine = Ended({"A.a": "passed", "A.b": "failed", "A.d": "failed"}, {"A.b": "…"}, "exit status -11: …")
    compared = Compared("test_a", native, engine, {"A.b": "it is so", "A.a": "once it was so"})
    assert compared.failing == ["A.b", "A.c"]
    assert (compared.unexplained, compared.stale) == (["A.c"], ["A.a"])
    cpython_tests.show(compared)
    assert capsys.readouterr().out.splitlines() == [
        "test_a                         3     1   33.33 %",
        "    engine: exit status -11: …",
        "    A.b: it is so",
        "    A.c: UNEXPLAINED",
        "    A.a: stale, it does not fail: once it was so",
    ]


def test_99_of_100_are_enough_if_the_last_is_explained():
    native = Ended({f"A.{n}": "passed" for n in range(100)}, {})
    one = Ended({**native.outcomes, "A.7": "failed"}, {})
    two = Ended({**one.outcomes, "A.8": "failed"}, {})
    known = {"A.7": "it is so", "A.8": "it is so"}
    assert cpython_tests.good([Compared("test_a", native, one, known)])
    assert not cpython_tests.good([Compared("test_a", native, one, {})])
    assert not cpython_tests.good([Compared("test_a", native, two, known)])
    assert cpython_tests.good([Compared("test_a", native, two, known), Compared("test_b", native, native, {})])
    assert not cpython_tests.good([])
    assert not cpython_tests.good([Compared("test_a", Ended({}, {}, "it crashed"), one, {})])
