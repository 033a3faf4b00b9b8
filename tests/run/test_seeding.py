"""A saved table spares looking answers up; where it could say anything else than the record, the record is read."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import criterial as cr
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage
from criterial.core.table import VerdictTable
from criterial.run import grading, seeding, sitting
from criterial.run.existing import open_run
from criterial.store.database import Database
from criterial.store.journal import Journal
from criterial.store.runs import find_run, read_table
from tests.helpers_runs import planted_cases


class _Judge:
    """Says yes; fails and stops where it is told to."""

    identity = name = "planted"
    calibrated, questions_per_call = True, 4

    def __init__(self, failing: frozenset[str] = frozenset(), delay: float = 0.0) -> None:
        self.failing = failing
        self.delay = delay
        self.asked: list[str] = []

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.asked.append(request.input.label[1])
        await asyncio.sleep(self.delay)
        failed = request.input.label[1] in self.failing
        answers = [Answer("failed", cause="timeout") if failed else _yes(len(q.levels), request.input.label[1]) for q in request.questions]
        return DecisionReply(tuple(answers), Usage(1))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        return None


def _yes(levels: int, response: str) -> Answer:
    return Answer("decided", (*(0.0,) * (levels - 1), 1.0), reason=f"{response} says so")


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers each look into the record asked for."""
    seen: list[int] = []
    real = Journal.known

    async def known(self: Journal, keys: Any) -> Any:
        seen.append(len(keys))
        return await real(self, keys)

    monkeypatch.setattr(Journal, "known", known)
    return seen


def _same(one: VerdictTable, two: VerdictTable) -> None:
    assert one.layers == two.layers and [list(r) for r in one.reasons] == [list(r) for r in two.reasons]
    for name in ("state_LN", "value_LN", "cause_LN", "probs_LNK", "checked_LN"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def _cases() -> list[dict[str, Any]]:
    made = planted_cases(tasks=6, criteria=4, responses=2)
    for case in made:
        case["rubric"] = [*case["rubric"], {"id": "digit", "text": "Has a digit", "check": {"kind": "regex", "pattern": "[0-9]"}}]
    return made


def test_what_is_settled_is_not_looked_up(tmp_path: Path, looked_up: list[int]) -> None:
    options: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/s.sqlite", "repeats": 2}
    first = cr.grade(_cases(), _Judge(), **options)
    assert sum(looked_up) == 6 * 2 * 4 * 2
    looked_up.clear()
    judge = _Judge()
    again = cr.grade(_cases(), judge, **options)
    assert looked_up == [] and judge.asked == [] and again.usage == Usage()
    _same(first.table, again.table)
    assert first.table.checked_LN.any()
    _same(first.table, open_run("last", options["store"]).table)


@pytest.mark.parametrize("way", ["other code", "a method of someone else's"])
def test_where_it_could_say_anything_else_the_record_is_read(
    way: str, tmp_path: Path, looked_up: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/s.sqlite"}
    first = cr.grade(_cases(), _Judge(), **options)
    looked_up.clear()
    if way == "other code":
        monkeypatch.setattr(seeding, "code_digest", lambda: "other")
    else:
        from criterial.core.method import load

        monkeypatch.setattr(load("judge", "pointwise").call, "__module__", "elsewhere")
    judge = _Judge()
    again = cr.grade(_cases(), judge, **options)
    assert sum(looked_up) == 6 * 2 * 4 and judge.asked == []
    _same(first.table, again.table)


def test_rows_with_a_failed_verdict_are_asked_again(tmp_path: Path, looked_up: list[int]) -> None:
    options: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/s.sqlite"}
    first = cr.grade(_cases(), _Judge(frozenset({"t2/r1", "t4/r0"})), **options)
    assert first.causes == {"timeout": 8}
    looked_up.clear()
    judge = _Judge()
    again = cr.grade(_cases(), judge, **options)
    assert sorted(judge.asked) == ["t2/r1", "t4/r0"] and sum(looked_up) == 8
    _same(again.table, cr.grade(_cases(), _Judge(), store="sqlite://").table)


def test_a_function_of_the_users_is_called_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("mood")
    module.good = lambda text, task: True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mood", module)
    cases = _cases()
    cases[0]["rubric"].append({"id": "mood", "text": "Good", "check": {"kind": "python", "function": "mood:good"}})
    options: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/s.sqlite", "allow_python": ("mood",)}
    assert next(v for v in cr.grade(cases, _Judge(), **options).table.verdicts() if v.criterion == "mood").value == 1.0
    module.good = lambda text, task: False  # type: ignore[attr-defined]
    assert next(v for v in cr.grade(cases, _Judge(), **options).table.verdicts() if v.criterion == "mood").value == 0.0


def test_a_table_is_saved_now_and_then_and_a_cut_off_run_starts_from_it(
    tmp_path: Path, looked_up: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitting, "_SAVE_AFTER", 0.02)
    monkeypatch.setattr(sitting, "_SAVE_SHARE", 1.0)
    store = f"sqlite:///{tmp_path}/s.sqlite"
    options: dict[str, Any] = {"store": store, "settings": cr.JudgeSettings(concurrency=1)}

    class CutOffError(BaseException):
        pass

    def cut_off(*_: Any) -> None:
        raise CutOffError

    with monkeypatch.context() as patch:  # all is judged, and the process ends before the run is finished
        patch.setattr(grading, "make_run", cut_off)
        with pytest.raises(CutOffError):
            cr.grade(_cases(), _Judge(delay=0.02), **options)
    database = Database(store)
    run = find_run(database, "last")
    cases = list(open_run("last", store).cases)
    saved = read_table(database, run.id, cases)
    database.close()
    assert saved is not None and 0 < (saved.state_LN > 0).sum() < saved.state_LN.size
    assert run.state == "running"
    shown = open_run("last", store)
    assert shown.stopped == "stopped" and shown.verdicts["decided"] == 6 * 2 * 5  # from the record, not from the older table
    looked_up.clear()
    judge = _Judge()
    again = cr.grade(_cases(), judge, **options)
    assert judge.asked == [] and 0 < sum(looked_up) < 6 * 2 * 4
    _same(again.table, cr.grade(_cases(), _Judge(), store="sqlite://").table)


def test_a_run_that_is_taken_up_again_counts_as_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    cr.grade(_cases(), _Judge(frozenset({"t0/r0"})), store=store)

    def cut_off(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(grading, "make_run", cut_off)
        with pytest.raises(RuntimeError):
            cr.grade(_cases(), _Judge(), store=store)
    assert open_run("last", store).verdicts["failed"] == 0
