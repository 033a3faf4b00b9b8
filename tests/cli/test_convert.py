"""`criterial rubric convert`: any rubric or cases in, another format out, and what is lost on standard error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from criterial.cli.main import main
from criterial.formats.load import read_cases, read_rubric
from tests.formats.samples import AUTORUBRIC, HEALTHBENCH, NATIVE, UNGRADED
from tests.helpers_files import write


def convert(*arguments: str | Path) -> int:
    """Run the command; return its status."""
    with pytest.raises(SystemExit) as left:
        main(["rubric", "convert", *map(str, arguments)])
    return int(left.value.code or 0)


def test_cases_become_native_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "h.jsonl", [HEALTHBENCH])
    assert convert(path, tmp_path / "out.jsonl") == 0
    assert read_cases(tmp_path / "out.jsonl") == read_cases(path)
    assert capsys.readouterr() == (f"1 case as native: {tmp_path / 'out.jsonl'}\n", "")


def test_a_rubric_becomes_toml_and_stays_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, "r.json", AUTORUBRIC["rubric"])
    assert convert(path, tmp_path / "r.toml") == 0
    assert read_rubric(tmp_path / "r.toml") == read_rubric(path)


def test_what_is_lost_is_listed_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(write(tmp_path, "n.jsonl", NATIVE[0]), tmp_path / "n.verifiers.json") == 0
    out, told = capsys.readouterr()
    assert out == f"1 case as verifiers: {tmp_path / 'n.verifiers.json'}\n"
    assert told.splitlines()[0] == "lost: tasks, responses and verdicts: only the rubric is written"
    assert "lost: criterion: requires (b)" in told
    assert [c["name"] for c in json.loads((tmp_path / "n.verifiers.json").read_text())["criteria"]] == ["a", "b", "c"]


def test_the_name_of_the_format_wins_over_the_files(tmp_path: Path) -> None:
    assert convert(write(tmp_path, "u.json", UNGRADED), tmp_path / "x.yaml", "--to", "promptfoo", "--format", "paperbench") == 0
    assert (tmp_path / "x.yaml").read_text().startswith("prompts:")


@pytest.mark.parametrize(
    ("content", "out", "says"),
    [
        ([NATIVE[0], NATIVE[1]], "x.verifiers.json", "holds one rubric"),
        ([NATIVE[0]], "x.txt", "written as"),
        ({"a": 1}, "x.json", "needs a list of criteria"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    content: object, out: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(write(tmp_path, "c.json", content), tmp_path / out) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / out).exists()
