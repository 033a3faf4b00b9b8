"""Tables of marks: wide, long, and what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from criterial.errors import FormatError
from criterial.formats.leaderboard import Cell, is_leaderboard, read_leaderboard


def written(folder: Path, text: str, name: str = "marks.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_wide_table_has_a_benchmark_a_column_and_an_empty_cell_is_no_mark(tmp_path: Path) -> None:
    path = written(tmp_path, "model,maths,code\nm1,0.5,0.25\nm2,,1e-1\n")
    assert is_leaderboard(path)
    assert read_leaderboard(path) == [
        Cell("m1", "maths", 0.5, "maths"),
        Cell("m1", "code", 0.25, "code"),
        Cell("m2", "code", 0.1, "code"),
    ]


def test_a_long_table_has_a_mark_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, "system\tsuite\titem\tscore\na\tx\t1\t0.5\na\tx\t2\t\n", "marks.tsv")
    assert is_leaderboard(path) and read_leaderboard(path) == [Cell("a", "1", 0.5, "x")]


def test_other_files_are_no_leaderboards(tmp_path: Path) -> None:
    assert not is_leaderboard(written(tmp_path, "task,criterion,response,value\nt,c,r,1\n"))
    assert not is_leaderboard(written(tmp_path, "system,criterion,value\na,c,1\n", "long.csv"))
    assert not is_leaderboard(written(tmp_path, "{}", "cases.json"))
    assert not is_leaderboard(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("system,x\na,good\n", "'good' is no mark"),
        ("system,x\na,nan\n", "'nan' is no mark"),
        ("system,x\n,1\n", "without a system's name"),
        ("system,x\na,\n", "no marks in it"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        read_leaderboard(written(tmp_path, text))
    assert "marks.csv" in str(caught.value)
