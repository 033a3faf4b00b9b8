"""A million verdicts at a time must be what one after another gives: the same table, and the same faults."""

from __future__ import annotations

import json
import random
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from criterial.core.builder import table_of
from criterial.core.columns import table_of_columns
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.errors import CriterialError
from criterial.formats.export import export_verdicts
from criterial.formats.load import read_verdict_table, read_verdicts
from criterial.formats.reading import Document
from criterial.formats.verdict_columns import columns_of_lines, columns_of_parquet
from criterial.run.loading import load_cases

_SCALES: list[Any] = [None, "likert:5", "numeric:0-10", ["bad", "fair", "good"], {"type": "choice", "values": ["red", "green"]}]
_LEVELS = [2, 5, 0, 3, 2]
_VALUES: list[list[Any]] = [["yes", False, True, 1, 0, "met"], [1, "3", 5], [0, 2.5, 0.1 + 0.2, "7"], ["bad", "Good"], ["red", "green"]]


def _cases(tasks: int = 6) -> list[Case]:
    rubrics = [
        [{"id": f"c{i}", "text": f"criterion {i}", **({"scale": s} if s else {})} for i, s in enumerate(_SCALES) if i != skip]
        for skip in (9, 1)
    ]
    made = [
        {"id": f"t{t}", "prompt": "?", "rubric": rubrics[t % 2], "responses": [{"id": f"r{r}", "text": "x"} for r in range(3)]}
        for t in range(tasks)
    ]
    return load_cases(made)


def _lines(cases: list[Case], seed: int, judges: tuple[str, ...] = ("a", "b")) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    out: list[dict[str, Any]] = []
    for case in cases:
        for response in case.responses:
            for criterion in case.rubric.criteria:
                kind = int(criterion.id[1:])
                checked = kind == 0
                for judge in ("check",) if checked else judges:
                    for repeat in (0, 1):
                        if draw.random() < 0.2:
                            continue
                        line: dict[str, Any] = {"task": case.task.id, "response": response.id, "criterion": criterion.id, "judge": judge}
                        line |= {"repeat": repeat} if repeat else {}
                        line |= {"calibrated": False} if judge == "b" else {}
                        if draw.random() < 0.2:
                            line |= draw.choice(
                                [{"state": "abstained"}, {"cause": "timeout"}, {"state": "not_applicable"}, {"value": None}]
                            )
                        else:
                            line["value"] = draw.choice(_VALUES[kind])
                            if _LEVELS[kind] and draw.random() < 0.5:
                                line["probs"] = np.random.default_rng(seed).dirichlet(np.ones(_LEVELS[kind])).tolist()
                        line |= {"reason": f"because {draw.random()}"} if draw.random() < 0.5 else {}
                        out.append(line)
    draw.shuffle(out)
    return out


def _same(one: VerdictTable, two: VerdictTable) -> None:
    assert one.layers == two.layers
    assert one.reasons == two.reasons
    for name in ("state_LN", "value_LN", "cause_LN", "probs_LNK", "checked_LN"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def _written(lines: list[dict[str, Any]], folder: Path) -> Path:
    file = folder / "verdicts.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("seed", range(8))
def test_lines_in_columns_are_lines_one_by_one(seed: int, tmp_path: Path) -> None:
    cases = _cases()
    file = _written(_lines(cases, seed), tmp_path)
    columns = columns_of_lines(Document(file))
    assert columns is not None
    made = table_of_columns(cases, columns)
    assert made is not None
    _same(made, table_of(*read_verdicts(file, cases)))


@pytest.mark.parametrize("seed", range(4))
def test_parquet_gives_the_table_back_to_the_bit(seed: int, tmp_path: Path) -> None:
    cases = _cases()
    table = table_of(*read_verdicts(_written(_lines(cases, seed), tmp_path), cases))
    assert export_verdicts(table, tmp_path / "v.parquet") == len(list(table.verdicts()))
    columns = columns_of_parquet(tmp_path / "v.parquet")
    assert columns is not None
    made = table_of_columns(cases, columns)
    assert made is not None
    _same(made, table)
    _same(table_of(*read_verdicts(tmp_path / "v.parquet", cases)), table)


_FAULTS: dict[str, dict[str, Any]] = {
    "no such response": {"response": "r9"},
    "no such task": {"task": "t99"},
    "which task": {"task": ""},
    "no such criterion": {"criterion": "zz"},
    "no value of the scale": {"criterion": "c1", "value": 7},
    "truth on a scale of numbers": {"criterion": "c1", "value": True},
    "a value of a failed one": {"state": "failed", "value": 1},
    "no such state": {"state": "guessed"},
    "no such cause": {"state": "failed", "value": None, "cause": "mood"},
    "probabilities of another scale": {"probs": [0.2, 0.3, 0.5]},
    "probabilities that are none": {"probs": [0.9, 0.3]},
    "negative repeat": {"repeat": -1},
    "an unknown field": {"note": "x"},
    "a word for a repeat": {"repeat": "one"},
    "nested": {"probs": [[1.0], [0.0]]},
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_what_is_wrong_is_told_with_its_line(fault: str, tmp_path: Path) -> None:
    cases = _cases()
    good = {"task": "t0", "response": "r0", "criterion": "c0", "value": 1}
    lines = [{"task": "t1", "response": "r0", "criterion": "c0", "value": 1}, {**good, **_FAULTS[fault]}]
    with pytest.raises(CriterialError) as told:
        read_verdict_table(_written(lines, tmp_path), cases)
    with pytest.raises(CriterialError) as one_by_one:
        table_of(*read_verdicts(tmp_path / "verdicts.jsonl", cases))
    assert str(told.value) == str(one_by_one.value)
    assert ":2" in str(told.value) or "line 2" in str(told.value)


def test_two_verdicts_on_a_cell_are_refused(tmp_path: Path) -> None:
    cases = _cases()
    line = {"task": "t0", "response": "r0", "criterion": "c0", "value": 1}
    with pytest.raises(CriterialError, match="two verdicts"):
        read_verdict_table(_written([line, {**line, "value": 0}], tmp_path), cases)


def test_every_column_is_read() -> None:
    from criterial.core.columns import VerdictColumns
    from criterial.formats.verdict_columns import COLUMNS

    read = {f.name for f in fields(VerdictColumns)} - {"probs_V", "reasons"} | {"reason"}
    assert read == set(COLUMNS) - {"system", "credit"}
