"""Errors tell file, line, path and hint, survive pickling, and stand in the tree that their module draws."""

from __future__ import annotations

import pickle
import re

import pytest

from criterial import errors
from criterial.errors import ConfigError, CriterialError, FormatError, JudgeError, MissingExtra, StoreError, TableError

SAMPLES: list[CriterialError] = [
    FormatError("no weight", "a.json", 3, "rubric[2].weight", "write a number"),
    JudgeError("timeout", "after 60 s"),
    MissingExtra("pyarrow", "parquet", "writing Parquet"),
    *(getattr(errors, name)("what is wrong") for name in errors.__all__ if name not in ("FormatError", "JudgeError", "MissingExtra")),
]


def test_every_error_has_a_sample_here() -> None:
    assert {type(e).__name__ for e in SAMPLES} == set(errors.__all__)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda e: type(e).__name__)
def test_an_error_survives_pickling_with_all_that_it_carries(error: CriterialError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.args == error.args
    assert vars(back) == vars(error)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            depth = len(found.group(1)) // 4
            above[depth] = found.group(2)
            drawn[found.group(2)] = above[depth - 1] if depth else "Exception"
    assert drawn == {name: getattr(errors, name).__mro__[1].__name__ for name in errors.__all__}


@pytest.mark.parametrize(
    ("kind", "builtin"), [(FormatError, ValueError), (TableError, ValueError), (ConfigError, ValueError), (MissingExtra, ImportError)]
)
def test_an_error_is_also_the_builtin_that_it_stands_for(kind: type, builtin: type) -> None:
    assert issubclass(kind, builtin)
    assert not issubclass(StoreError, builtin)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "no weight"),
        ({"file": "a.json"}, "a.json: no weight"),
        ({"file": "a.json", "line": 3}, "a.json:3: no weight"),
        ({"line": 3}, "line 3: no weight"),
        ({"path": "rubric[2].weight"}, "rubric[2].weight: no weight"),
        ({"file": "a.json", "line": 3, "path": "rubric[2].weight"}, "a.json:3 at rubric[2].weight: no weight"),
        ({"file": "a.json", "hint": "write one"}, "a.json: no weight\n  hint: write one"),
    ],
)
def test_a_format_error_prints_what_is_known_of_its_place(fields: dict[str, object], text: str) -> None:
    assert str(FormatError("no weight", **fields)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inner", "outer", "whole"),
    [
        ("weight", "rubric[2]", "rubric[2].weight"),
        ("[0]", "levels", "levels[0]"),
        ("", "rubric", "rubric"),
        ("weight", "", "weight"),
        ("", "", ""),
    ],
)
def test_locating_an_error_puts_the_enclosing_path_in_front(inner: str, outer: str, whole: str) -> None:
    assert FormatError("x", path=inner).located(path=outer).path == whole


def test_locating_an_error_fills_in_only_what_was_not_known() -> None:
    known = FormatError("x", "a.json", 3, hint="h").located("b.json", 9)
    assert (known.file, known.line, known.hint) == ("a.json", 3, "h")
    unknown = FormatError("x").located("b.json", 9)
    assert (unknown.file, unknown.line) == ("b.json", 9)


def test_other_errors_print_in_one_line() -> None:
    assert str(JudgeError("timeout")) == "timeout"
    assert str(JudgeError("timeout", "after 60 s")) == "timeout: after 60 s"
    assert (
        str(MissingExtra("pyarrow", "parquet", "writing Parquet"))
        == "writing Parquet needs the package 'pyarrow': pip install 'criterial[parquet]'"
    )
