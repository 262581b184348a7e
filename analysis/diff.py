"""Two traces against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from vmtrace.analysis.dataframes import pd
from vmtrace.analysis.tables import percent


class Compared(NamedTuple):
    """What is compared of the results of an analysis."""

    keys: tuple[str, ...]  # that say which row is which, across traces
    counted: str
    share: str  # of the run, in percent


#: By name of the analysis. Source lines are no keys, since they move when a program is edited: a loop is known as the
#: first, second, … of its kind in its function.
COMPARED = {
    "opcodes": Compared(("opcode",), "count", "self_percent"),
    "pairs": Compared(("sequence",), "count", "self_percent"),
    "functions": Compared(("module", "function"), "own", "own_percent"),
    "loops": Compared(("module", "function", "kind", "ordinal"), "own", "own_percent"),
}


def compare(analysis: str, base: pd.DataFrame, head: pd.DataFrame) -> pd.DataFrame:
    """Results of one analysis (a key of COMPARED) of two traces, the greatest change first.

    One row for each that is in either of them:

    the keys                            see COMPARED; functions of one name count as one
    base, head                          the count in each, 0 where it is missing
    change                              head - base
    change_percent                      of base, NaN where that is 0
    base_percent, head_percent          share of its run
    share_change                        head_percent - base_percent, in points
    """
    keys, count, share = COMPARED[analysis]
    of_base, of_head = (_by_keys(table, keys, count, share) for table in (base, head))
    table = of_base.add_suffix("_of_base").join(of_head.add_suffix("_of_head"), how="outer").fillna(0)
    result = table.index.to_frame(index=False)
    for name in ("base", "head"):
        result[name] = table[f"count_of_{name}"].to_numpy().astype(np.int64)
    result["change"] = result["head"] - result["base"]
    result["change_percent"] = np.where(result["base"] > 0, percent(result["change"], result["base"]), np.nan)
    for name in ("base", "head"):
        result[f"{name}_percent"] = table[f"share_of_{name}"].to_numpy()
    result["share_change"] = result["head_percent"] - result["base_percent"]
    order = result["change"].abs().sort_values(ascending=False, kind="stable").index
    return result.loc[order].reset_index(drop=True)


def _by_keys(table: pd.DataFrame, keys: tuple[str, ...], count: str, share: str) -> pd.DataFrame:
    if "ordinal" in keys:
        table = table.sort_values("loop")
        table = table.assign(ordinal=table.groupby(["module", "function", "kind"]).cumcount() + 1)
    named = table.rename(columns={count: "count", share: "share"})
    return named.groupby(list(keys))[["count", "share"]].sum()


def differences(
    base: Mapping[str, Any],
    head: Mapping[str, Any],
    base_sources: pa.Table | None = None,
    head_sources: pa.Table | None = None,
) -> list[str]:
    """In what two runs (Trace.info) differ that should be the same for a comparison, a sentence each.

    With Trace.sources of both, also which of the source files differ. Where files lie, and which engine recorded
    them, does not matter.
    """
    found = []
    for name, fact in _FACTS.items():
        one, other = fact(base), fact(head)
        if one != other:
            found.append(f"{name}: {one or 'none'} against {other or 'none'}")
    if base_sources is not None and head_sources is not None:
        files = [_checksums(sources) for sources in (base_sources, head_sources)]
        for file in sorted(files[0].keys() | files[1].keys()):
            if file not in files[0] or file not in files[1]:
                found.append(f"source: {file} is in the {'first' if file in files[0] else 'second'} trace alone")
            elif files[0][file] != files[1][file]:
                found.append(f"source: {file} was changed")
    return found


def _program(info: Mapping[str, Any]) -> str:
    return PurePath((info.get("argv") or [""])[0]).name


def _arguments(info: Mapping[str, Any]) -> str:
    return " ".join(map(str, (info.get("argv") or [""])[1:]))


def _scope(info: Mapping[str, Any]) -> str:
    scope = info.get("scope") or {}
    parts = [f"{key} {' '.join(map(str, scope[key]))}" for key in ("include", "exclude") if scope.get(key)]
    return ", ".join(parts)


def _python(info: Mapping[str, Any]) -> str:
    return f"{info.get('implementation', '')} {info.get('python', '')}"


def _end(info: Mapping[str, Any]) -> str:
    return str(info.get("stopped", "the recording was cut off"))


#: What should be the same, by the name that people call it.
_FACTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "program": _program,
    "arguments": _arguments,
    "Python": _python,
    "scope": _scope,
    "end": _end,
}


def _checksums(sources: pa.Table) -> dict[str, str]:
    names = [PurePath(name).name for name in sources["filename"].to_pylist()]
    return dict(zip(names, sources["sha256"].to_pylist(), strict=True))
