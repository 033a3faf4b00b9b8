"""`criterial rank`: words, JSON and options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers_cli import Command


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    names = ("strong", "weak", "weaker")
    rows = [",".join([name, *(f"{0.85 - 0.3 * s + 0.03 * ((i * 7 + s) % 5):.2f}" for i in range(12))]) for s, name in enumerate(names)]
    path = tmp_path / "board.csv"
    path.write_text("\n".join(["system," + ",".join(f"k{i}" for i in range(12)), *rows]))
    return path


def test_a_ranking_says_in_words_who_is_better(criterial: Command, board: Path) -> None:
    out = criterial("rank", str(board))
    assert "3 systems, by mean" in out and "strong is better than weak" in out and "over 12 tasks" in out
    assert "●" in out


def test_json_holds_the_whole_ranking(criterial: Command, board: Path) -> None:
    found = json.loads(criterial("rank", str(board), "--method", "bradley_terry:ties=half,scale=logit", "--json"))
    assert found["systems"] == ["strong", "weak", "weaker"] and found["unit"] == "log-odds"
    assert len(found["comparisons"]) == 3 and {"value", "low", "high", "n", "method", "se"} == found["strengths"][0].keys()
    assert "unbounded" in {n["code"] for n in found["notes"]}


def test_stability_says_how_many_tasks_the_order_needs(criterial: Command, board: Path) -> None:
    assert "Does the order depend on which tasks they met on?" in criterial("rank", str(board), "--stability")
    found = json.loads(criterial("rank", str(board), "--stability", "--json"))["stability"]
    assert found["tasks"] == 12 and found["subsets"][-1]["same"]["value"] == 1.0


def test_a_page_is_written_and_needs_no_script(criterial: Command, board: Path) -> None:
    criterial("rank", str(board), "--html", "out/ranking.html")
    text = (board.parent / "out" / "ranking.html").read_text()
    assert "<script" not in text and "default-src 'none'" in text and text.count("<svg") == 1


def test_a_page_by_item_response_shows_abilities_against_difficulties(criterial: Command, board: Path) -> None:
    criterial("rank", str(board), "--method", "item_response", "--html", "irt.html")
    text = (board.parent / "irt.html").read_text()
    assert "Abilities against difficulties" in text and "How exactly all items measure" in text and text.count("<svg") == 3


def test_what_is_wrong_is_told(criterial: Command, board: Path) -> None:
    criterial("rank", str(board), "--method", "nothing", status=2)
    assert "criterial methods --room compare" in criterial.err
    criterial("rank", str(board), "--method", "mean:margn=1", status=2)
    assert "no option margn" in criterial.err
    criterial("rank", "nowhere.jsonl", status=2)
    assert "nowhere.jsonl" in criterial.err
