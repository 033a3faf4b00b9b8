"""What the importers of rubric files share: each reads back equal in the native form, and a broken line is never any other error."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.task import Case
from criterial.errors import FormatError
from criterial.formats.load import read_cases
from criterial.formats.native import case_of, case_to_dict
from tests.formats.test_deepresearch_bench import LINE as DEEPRESEARCH
from tests.formats.test_ifeval import LINE as IFEVAL
from tests.formats.test_openrubrics import LINE as OPENRUBRICS
from tests.formats.test_profbench import LINE as PROFBENCH
from tests.formats.test_qworld import ROW as QWORLD
from tests.formats.test_rar import LINE as RAR
from tests.formats.test_rubric_spec import FILE as RUBRIC_SPEC
from tests.formats.test_rusca import LINE as RUSCA
from tests.formats.test_table import ROWS as TABLE
from tests.formats.test_tinker import LINE as TINKER
from tests.formats.test_verifiers import FILE as VERIFIERS
from tests.formats.test_writingbench import LINE as WRITINGBENCH
from tests.helpers_files import real, write

SAMPLES: dict[str, list[dict[str, Any]]] = {
    "deepresearch_bench": [DEEPRESEARCH],
    "ifeval": [IFEVAL],
    "openrubrics": [OPENRUBRICS],
    "profbench": [PROFBENCH],
    "qworld": [QWORLD],
    "rar": [RAR],
    "rubric_spec": [RUBRIC_SPEC],
    "rusca": [RUSCA],
    "table": TABLE,
    "tinker": [TINKER],
    "verifiers": [VERIFIERS],
    "writingbench": [WRITINGBENCH],
}
ODD: list[Any] = [None, True, 0, -1, 1.5, 2**62, 1e-320, "", " ", "x", "\u0130", [], {}, [None], ["x"], [[]], {"a": 1}]


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the ways to all values within a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [found for key in keys for found in [(*way, key), *places(value[key], (*way, key))]]


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_a_line_with_an_odd_value_anywhere_is_read_or_refused_with_its_place(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = copy.deepcopy(SAMPLES[name])
    *way, last = data.draw(st.sampled_from([p for p in places(lines) if len(p) > 1]))
    holder: Any = lines
    for key in way:
        holder = holder[key]
    if data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(st.sampled_from(ODD))
    path = write(tmp_path_factory.getbasetemp(), f"{name}.jsonl", lines)
    made, error = attempt(path, name)
    assert [case_of(json.loads(json.dumps(case_to_dict(c)))) for c in made] == made
    if error is not None:
        assert error.file == str(path)
        assert error.line is not None
        assert "wrong type or form" not in error.message


def attempt(path: Path, name: str) -> tuple[list[Case], FormatError | None]:
    """Return the cases of a file, or what is wrong with it."""
    try:
        return read_cases(path, format=name), None
    except FormatError as error:
        return [], error


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_reads_back_equal_in_the_native_form(name: str, tmp_path: Path) -> None:
    made = read_cases(write(tmp_path, "c.jsonl", SAMPLES[name]), format=name)
    back = [case_of(json.loads(json.dumps(case_to_dict(c)))) for c in made]
    assert back == made
    assert [c.digest for c in back] == [c.digest for c in made]


@pytest.mark.parametrize("name", ["deepresearch_bench/criteria", "writingbench/queries", "ifeval/prompts"])
def test_a_real_set_reads_back_equal_in_the_native_form(name: str) -> None:
    for case in read_cases(real(f"{name}.jsonl.gz")):
        assert case_of(json.loads(json.dumps(case_to_dict(case)))) == case
