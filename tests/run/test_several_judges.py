"""Several judges fill layers of their own in one run, are pooled by the panel, and are resumed like one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from criterial.cli.main import main
from criterial.core.rubric import Panel
from criterial.core.table import Layer
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError
from criterial.model.scripted import ScriptedDecider

CASES = [
    {
        "id": "t",
        "prompt": "p",
        "rubric": [{"id": "a", "text": "a"}, {"id": "f", "text": "f", "weight": -1}],
        "responses": [{"id": "r", "text": "x"}],
    }
]


class Named(ScriptedDecider):
    """A scripted judge under a name of its own that counts its calls."""

    def __init__(self, name: str, **marks: float) -> None:
        super().__init__([Verdict("r", c, value=v, task="t") for c, v in marks.items()])
        self.name, self.identity, self.calls = name, f"{name}/{sorted(marks.items())}", 0

    async def decide(self, request: Any) -> Any:
        self.calls += 1
        return await super().decide(request)


def three() -> list[Named]:
    return [Named("one", a=1, f=0), Named("two", a=1, f=1), Named("three", a=0, f=0)]


def test_each_judge_and_repeat_is_a_layer_and_the_panel_pools_them(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 's.sqlite'}"
    run = cr.grade(CASES, three(), store=store, repeats=2)
    assert list(run.table.layers) == [Layer(n, k) for n in ("one", "two", "three") for k in (0, 1)]
    assert run.judge == "one, two, three"
    assert run.scores[0].value == 1.0
    severe = cr.grade(CASES, three(), store=store, repeats=2, panel=Panel("conservative"))
    assert severe.scores[0].value == 0.0
    assert cr.open_run(severe.id, store).scores[0].value == 0.0


def test_a_run_of_several_judges_asks_for_nothing_twice(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 's.sqlite'}"
    first, again = three(), three()
    cr.grade(CASES, first, store=store)
    one = cr.grade(CASES, again[0], store=store)
    both = cr.grade(CASES, again, store=store, panel=Panel("mean"))
    assert all(j.calls for j in first)
    assert [j.calls for j in again] == [0, 0, 0]
    assert (one.scores[0].value, both.scores[0].value) == (1.0, pytest.approx(2 / 3 - 1 / 3))


def test_a_dry_run_counts_the_calls_of_all_judges(tmp_path: Path) -> None:
    made = cr.plan(CASES, three(), store=f"sqlite:///{tmp_path / 's.sqlite'}", repeats=2)
    assert (made.verdicts, made.responses) == (12, 1)


def test_two_judges_of_one_name_are_refused_and_so_are_none() -> None:
    with pytest.raises(ConfigError, match="two judges are called one"):
        cr.grade(CASES, [Named("one", a=1, f=0), Named("one", a=0, f=0)], store="sqlite://")
    with pytest.raises(ConfigError, match="at least one judge"):
        cr.grade(CASES, [], store="sqlite://")


def test_verdicts_of_several_judges_are_scored_by_a_panel_from_the_command_line(tmp_path: Path) -> None:
    cases, verdicts = tmp_path / "c.jsonl", tmp_path / "v.jsonl"
    cases.write_text(json.dumps(CASES[0]))
    marks = [{"response": "r", "criterion": "a", "value": v, "judge": j} for j, v in (("x", 1), ("y", 1), ("z", 0))]
    verdicts.write_text("\n".join(map(json.dumps, [*marks, {"response": "r", "criterion": "f", "value": 0, "judge": "x"}])))
    found = {}
    for panel in ("majority", "all", "at_least:need=2", '{"rule": "mean", "weights": {"z": 2}}'):
        out = tmp_path / "out.json"
        with out.open("w") as stream, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", stream)
            patch.chdir(tmp_path)
            with pytest.raises(SystemExit) as left:
                main(["score", str(cases), "--verdicts", str(verdicts), "--panel", panel, "--json"])
        assert left.value.code in (0, None)
        found[panel] = json.loads(out.read_text())["responses"][0]["score"]
    assert list(found.values()) == [1.0, 0.0, 1.0, 0.5]
