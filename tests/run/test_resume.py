"""What is on record is not asked again, and what changed is asked again exactly: column by column, never more."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from criterial.model.scripted import FaultPlan, ScriptedProvider
from tests.helpers_runs import planted_cases, wrong_cells

Edit = Callable[[list[dict[str, Any]]], None]


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.sqlite"


def grade(cases: Any, provider: ScriptedProvider, store: str, kind: str = "chat", **settings: Any) -> cr.Run:
    return cr.grade(cases, f"{kind}:m@{provider.url}", store=store, settings=cr.JudgeSettings(**settings))


def test_the_same_again_makes_no_call_and_gives_the_same_run(store: str) -> None:
    cases = planted_cases()
    with ScriptedProvider() as provider:
        first = grade(cases, provider, store)
        asked = provider.bill["requests"]
        second = grade(cases, provider, store)
        assert provider.bill["requests"] == asked
    assert second.id == first.id
    assert second.usage == cr.Run.__dataclass_fields__["usage"].default_factory()  # type: ignore[misc]
    assert second.total == first.total
    assert [s.value for s in second.scores] == [s.value for s in first.scores]


def edit_criterion(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"][1]["text"] += " in other words"


def edit_scale(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"][1]["scale"] = "likert:5"


def edit_weight(cases: list[dict[str, Any]]) -> None:
    for criterion in cases[0]["rubric"]:
        criterion["weight"] = 7


def edit_policy(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"] = {"criteria": cases[0]["rubric"], "policy": {"name": "weighted", "options": {"clip": "none"}}}


def edit_id(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"][1]["id"] = "renamed"


def edit_response(cases: list[dict[str, Any]]) -> None:
    cases[0]["responses"][0]["text"] += " And more."


def edit_system(cases: list[dict[str, Any]]) -> None:
    cases[0]["responses"][0]["system"] = "renamed"


def edit_task(cases: list[dict[str, Any]]) -> None:
    cases[0]["prompt"] += " Please."


def edit_reference(cases: list[dict[str, Any]]) -> None:
    cases[0]["reference"] = "The right answer."


def add_criterion(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"].append({"id": "new", "text": "Says something new"})


def remove_criterion(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"].pop()


def reorder(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"].reverse()
    cases.reverse()


def add_response(cases: list[dict[str, Any]]) -> None:
    cases[0]["responses"].append({"id": "new", "text": "A third answer."})


def give_guidelines(cases: list[dict[str, Any]]) -> None:
    cases[0]["rubric"] = {"criteria": cases[0]["rubric"], "guidelines": "Be strict."}


@pytest.mark.parametrize("kind", ["chat", "decisions", "systemone"])
@pytest.mark.parametrize(
    ("edit", "asked_again"),
    [
        (edit_criterion, 2),
        (edit_scale, 2),
        (edit_weight, 0),
        (edit_policy, 0),
        (edit_id, 0),
        (edit_response, 4),
        (edit_system, 0),
        (edit_task, 8),
        (edit_reference, 8),
        (add_criterion, 2),
        (remove_criterion, 0),
        (reorder, 0),
        (add_response, 4),
        (give_guidelines, 8),
    ],
)
def test_an_edit_asks_again_for_exactly_what_it_touches(edit: Edit, asked_again: int, kind: str, store: str) -> None:
    cases = planted_cases()
    with ScriptedProvider() as provider:
        grade(cases, provider, store, kind, criteria_per_call=1)
        before = provider.bill["requests"]
        edited = copy.deepcopy(cases)
        edit(edited)
        run = grade(edited, provider, store, kind, criteria_per_call=1)
        assert provider.bill["requests"] - before == asked_again
    assert run.verdicts["failed"] == 0


@pytest.mark.parametrize(
    "changed",
    [{"temperature": 0.5}, {"parameters": {"top_p": 0.9}}, {"criteria_per_call": 2}, {"logprobs": True}],
)
def test_another_way_of_asking_asks_again_for_everything(changed: dict[str, Any], store: str) -> None:
    cases = planted_cases(tasks=2)
    with ScriptedProvider() as provider:
        grade(cases, provider, store, criteria_per_call=1)
        run = grade(cases, provider, store, **{"criteria_per_call": 1, **changed})
    assert run.usage.calls > 0 and run.verdicts["decided"] == 16


def test_another_model_or_endpoint_asks_again_for_everything(store: str) -> None:
    cases = planted_cases(tasks=2)
    with ScriptedProvider() as one, ScriptedProvider() as other:
        cr.grade(cases, f"chat:m@{one.url}", store=store)
        cr.grade(cases, f"chat:n@{one.url}", store=store)
        cr.grade(cases, f"chat:m@{other.url}", store=store)
        assert (one.bill["requests"], other.bill["requests"]) == (8, 4)


def test_more_repeats_ask_for_the_new_ones_alone(store: str) -> None:
    cases = planted_cases(tasks=2)
    with ScriptedProvider() as provider:
        for repeats, requests in ((1, 4), (3, 12), (2, 12)):
            run = cr.grade(cases, f"chat:m@{provider.url}", store=store, repeats=repeats)
            assert provider.bill["requests"] == requests
            assert len(run.table.layers) == repeats


def test_failed_verdicts_are_asked_again_and_the_run_heals(store: str) -> None:
    cases = planted_cases()
    hasty = cr.JudgeSettings(patience=cr.JudgeSettings().patience.__class__(attempts=1))
    with ScriptedProvider(plan=FaultPlan({"server_error": 0.5}, seed=5)) as provider:
        judge = f"chat:m@{provider.url}"
        first = cr.grade(cases, judge, store=store, settings=hasty)
        assert 0 < first.verdicts["failed"] < 40
        for _ in range(12):
            run = cr.grade(cases, judge, store=store, settings=hasty)
    assert run.id == first.id
    assert run.verdicts["failed"] == 0
    assert wrong_cells(run, cases) == []


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_the_report_is_the_same_under_any_concurrency_and_any_number_of_resumes(concurrency: int, tmp_path: Path) -> None:
    # reliability.md figure 8: byte for byte.
    cases = planted_cases(tasks=12, responses=3)
    with ScriptedProvider() as provider:
        plain = grade(cases, provider, f"sqlite:///{tmp_path}/a.sqlite", concurrency=64)
        for resumes in range(4):
            partial = cases[: 3 * resumes] or cases[:1]
            grade(partial, provider, f"sqlite:///{tmp_path}/b.sqlite", concurrency=concurrency)
        again = grade(cases, provider, f"sqlite:///{tmp_path}/b.sqlite", concurrency=concurrency)
    one, other = (run.report(tmp_path / f"{i}.md").read_bytes() for i, run in enumerate((plain, again)))
    assert one == other
    pages = [run.report(tmp_path / f"{i}.html").read_text() for i, run in enumerate((plain, again))]
    spend = re.compile(r'<div class="tile"><b>[^<]*</b><span class="soft">(?:calls|tokens|cost)</span></div>')
    shown = [spend.subn("", page) for page in pages]  # spend of earlier runs is not this run's
    assert [removed for _, removed in shown] == [3, 3]
    assert shown[0] == shown[1]


def test_a_stored_run_opens_as_it_was(store: str, tmp_path: Path) -> None:
    with ScriptedProvider() as provider:
        run = cr.grade(planted_cases(), f"decisions:m@{provider.url}", store=store, repeats=2)
    opened = cr.open_run(run.id, store)
    assert opened.report(tmp_path / "b.html").read_bytes() == run.report(tmp_path / "a.html").read_bytes()
    assert list(opened.table.verdicts()) == list(run.table.verdicts())
    assert cr.open_run("last", store).id == run.id
