"""Grading as a whole: dry run equals real run, budgets hold, stops keep what is done, and nonsense is refused before it costs."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from criterial.core.ports import DecisionReply, Usage
from criterial.core.verdict import State
from criterial.errors import ConfigError, FormatError, JudgeError, StoreError
from criterial.model.scripted import FaultPlan, ScriptedDecider, ScriptedProvider
from criterial.model.spec import make_decider
from criterial.run.admission import Budget, Gate
from criterial.run.loading import sample_cases
from tests.helpers_runs import planted_cases, wrong_cells

CHECKED = [
    {"id": "short", "text": "Is short", "check": {"kind": "length", "max": 3}},
    {"id": "says", "text": "States it"},
]


@pytest.mark.parametrize("kind", ["embedded", "chat", "decisions", "systemone", "cascade"])
def test_a_judge_that_was_made_elsewhere_judges_one_run_after_another(kind: str) -> None:
    cases = planted_cases(tasks=2)
    with ScriptedProvider() as provider:
        name = {"embedded": "embedded", "cascade": f"cascade:embedded>chat:m@{provider.url}"}.get(kind, f"{kind}:m@{provider.url}")
        judge = make_decider(name)
        first, second = (cr.grade(cases, judge, store="sqlite://") for _ in range(2))
    assert first.verdicts == second.verdicts
    assert first.verdicts.get("failed", 0) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 2}, "are for --engine ray"),
        ({"blocks": "there"}, "are for --engine ray"),
        *(({"settings": cr.JudgeSettings(timeout=t)}, "a timeout is") for t in (math.nan, math.inf, 0.0, -1.0)),
        ({"store": "sqlite:////proc/no/store.sqlite"}, "its folder cannot be made"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_before_anything_is_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, StoreError), match=message):
        cr.grade(planted_cases(tasks=1), "embedded", **options)


@pytest.mark.parametrize("per_call", [1, 3, None])
@pytest.mark.parametrize("kind", ["chat", "decisions", "systemone"])
def test_a_dry_run_counts_what_a_real_run_asks(kind: str, per_call: int | None, tmp_path: Path) -> None:
    cases = planted_cases(tasks=3) + [{"id": "x", "prompt": "p", "rubric": CHECKED, "responses": ["a b", "a b c d"]}]
    store = f"sqlite:///{tmp_path}/s.sqlite"
    with ScriptedProvider() as provider:
        judge, options = f"{kind}:m@{provider.url}", {"store": store, "settings": cr.JudgeSettings(criteria_per_call=per_call)}
        before = cr.plan(cases, judge, **options)
        assert provider.bill["requests"] == 0 and not (tmp_path / "s.sqlite").exists()
        run = cr.grade(cases[:2], judge, **options)
        half = cr.plan(cases, judge, **options)
        rest = cr.grade(cases, judge, **options)
        after = cr.plan(cases, judge, **options)
    assert (before.responses, before.verdicts, before.checked, before.known) == (8, 28, 2, 0)
    assert before.calls == run.usage.calls + rest.usage.calls
    assert (half.known, half.calls) == (16, rest.usage.calls)
    assert (after.known, after.calls, after.input_tokens) == (26, 0, 0)


def test_estimated_tokens_are_near_the_providers() -> None:
    cases = planted_cases(tasks=10)
    with ScriptedProvider() as provider:
        plan = cr.plan(cases, f"decisions:m@{provider.url}", store="sqlite://")
        run = cr.grade(cases, f"decisions:m@{provider.url}", store="sqlite://")
    assert plan.input_tokens == pytest.approx(run.usage.input_tokens, rel=0.5)


def test_a_budget_of_calls_is_a_hard_stop_and_the_next_sitting_goes_on(tmp_path: Path) -> None:
    cases = planted_cases(tasks=20)
    store = f"sqlite:///{tmp_path}/s.sqlite"
    with ScriptedProvider() as provider:
        judge = f"chat:m@{provider.url}"
        spent = []
        for _ in range(4):
            run = cr.grade(cases, judge, store=store, budget=Budget(calls=10), settings=cr.JudgeSettings(concurrency=7))
            spent.append(run.usage.calls)
            assert run.stopped == ("budget" if len(spent) < 4 else "")
        assert spent == [10, 10, 10, 10]
        assert provider.bill["requests"] == 40
    assert run.verdicts["failed"] == 0 and wrong_cells(run, cases) == []


def test_what_a_budget_leaves_open_is_failed_with_that_cause_and_widens_the_bounds() -> None:
    with ScriptedProvider() as provider:
        run = cr.grade(planted_cases(tasks=4), f"chat:m@{provider.url}", store="sqlite://", budget=Budget(calls=3))
    assert run.causes == {"budget": 20}
    open_scores = [s for s in run.scores if s.value is None]
    assert len(open_scores) == 5 and all((s.low, s.high) == (0.0, 1.0) for s in open_scores)


def test_a_budget_of_money_is_not_passed_by_more_than_what_is_in_flight() -> None:
    price = cr.Price(1000.0, 1000.0)
    with ScriptedProvider() as provider:
        settings = cr.JudgeSettings(price=price, concurrency=4)
        run = cr.grade(planted_cases(tasks=50), f"chat:m@{provider.url}", store="sqlite://", budget=Budget(money=3.0), settings=settings)
    assert run.stopped == "budget"
    assert run.usage.money is not None and 1.0 < run.usage.money <= 3.0


def test_a_budget_of_money_without_a_price_is_refused_before_anything_is_asked() -> None:
    with ScriptedProvider() as provider:
        with pytest.raises(ConfigError, match="--price"):
            cr.grade(planted_cases(), f"chat:m@{provider.url}", store="sqlite://", budget=Budget(money=1.0))
        assert provider.bill["requests"] == 0


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("2.50usd", Budget(money=2.5)),
        ("2", Budget(money=2.0)),
        ("$3", Budget(money=3.0)),
        ("1000calls", Budget(calls=1000)),
        ("1 call", Budget(calls=1)),
        ("200ktokens", Budget(tokens=200_000)),
        ("1.5m tokens", Budget(tokens=1_500_000)),
        ("1usd, 10calls,5ktokens", Budget(1.0, 10, 5000)),
    ],
)
def test_budgets_are_read(text: str, budget: Budget) -> None:
    assert Budget.parse(text) == budget


@pytest.mark.parametrize("text", ["", "lots", "-3usd", "3euros", "1usd;2calls", "callsx"])
def test_nonsense_is_no_budget(text: str) -> None:
    with pytest.raises(ConfigError, match="is no budget"):
        Budget.parse(text)


def test_the_gate_holds_slots_and_takes_turns() -> None:
    async def body() -> None:
        gate = Gate(2)
        first = await gate.enter(Usage)
        await gate.enter(Usage)
        third = asyncio.create_task(gate.enter(Usage))
        await asyncio.sleep(0)
        assert not third.done()
        gate.leave(first, None)
        await third

    asyncio.run(body())


def test_a_budget_counts_what_is_spent_and_what_is_in_flight() -> None:
    def forty() -> Usage:
        return Usage(1, 0, 40)

    async def body() -> None:
        gate = Gate(9, Budget(tokens=100))
        first = await gate.enter(forty)
        await gate.enter(forty)
        gate.leave(first, DecisionReply((), Usage(1, 0, 20)))  # 20 spent, 40 in flight: 40 more make 100
        await gate.enter(forty)
        assert gate.stopped == ""
        with pytest.raises(JudgeError, match="budget"):
            await gate.enter(lambda: Usage(1, 0, 1))
        assert gate.stopped == "budget" and gate.spent == Usage(1, 0, 20)

    asyncio.run(body())


def test_a_stop_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    cases = planted_cases(tasks=60)
    store = f"sqlite:///{tmp_path}/s.sqlite"

    async def body(url: str) -> cr.Run:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.3, stop.set)
        return await cr.agrade(cases, f"chat:m@{url}", stop=stop, store=store, settings=cr.JudgeSettings(concurrency=4))

    with ScriptedProvider(latency=0.05) as provider:
        stopped = asyncio.run(body(provider.url))
        assert stopped.stopped == "stopped"
        done = stopped.verdicts["decided"]
        assert 0 < done < 480 and stopped.causes == {"stopped": 480 - done}
        assert wrong_cells(stopped, cases) == []
        before = provider.bill["requests"]
        run = cr.grade(cases, f"chat:m@{provider.url}", store=store)
        assert provider.bill["requests"] - before == (480 - done) // 4
    assert run.id == stopped.id and run.stopped == "" and run.verdicts["decided"] == 480


def test_a_call_that_does_not_end_in_the_grace_after_a_stop_is_listed_as_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("criterial.run.engine.GRACE", 0.2)
    store = f"sqlite:///{tmp_path}/s.sqlite"

    async def body(url: str) -> cr.Run:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, stop.set)
        return await cr.agrade(planted_cases(1, 2, 2), f"chat:m@{url}", stop=stop, store=store)

    with ScriptedProvider(latency=30.0) as provider:
        stopped = asyncio.run(body(provider.url))
    assert stopped.verdicts["decided"] == 0
    assert sorted(cr.open_run(stopped.id, store).lost_calls) == ["t0/t0/r0: c0, c1", "t0/t0/r1: c0, c1"]


def test_no_more_calls_are_in_flight_than_asked_for() -> None:
    with ScriptedProvider(latency=0.01) as provider:
        cr.grade(
            planted_cases(tasks=20),
            f"chat:m@{provider.url}",
            store="sqlite://",
            settings=cr.JudgeSettings(concurrency=5, criteria_per_call=1),
        )
        assert provider.most_in_flight == 5


def test_grading_from_nouns_data_and_files_is_the_same(tmp_path: Path) -> None:
    import json

    cases = planted_cases()
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(c) for c in cases))
    with ScriptedProvider() as provider:
        judge = f"decisions:m@{provider.url}"
        runs = [cr.grade(c, judge, store="sqlite://") for c in (cases, path, str(path), cr.load_cases(path))]
    assert len({r.id for r in runs}) == 1


def test_one_rubric_for_all_takes_the_place_of_their_own() -> None:
    rubric = [{"id": "only", "text": "Is there"}]
    with ScriptedProvider() as provider:
        run = cr.grade(planted_cases(), f"decisions:m@{provider.url}", rubric, store="sqlite://")
    assert run.table.values_RC.shape == (10, 1)


@pytest.mark.parametrize(
    ("cases", "options", "error", "said"),
    [
        ([{"id": "t", "prompt": "p", "rubric": ["c"], "responses": []}], {}, FormatError, "no responses"),
        (planted_cases(1), {"repeats": 0}, ConfigError, "repeats"),
        (planted_cases(1), {"repeats": 10**20}, ConfigError, "repeats must be 1 to 10000"),
        (planted_cases(1), {"method": "nonsense"}, ConfigError, "no method 'nonsense'"),
        (planted_cases(1), {"method_options": {"nonsense": 1}}, ConfigError, "no option nonsense"),
        (planted_cases(1), {"method_options": {"examples": "many"}}, ConfigError, "examples"),
        (planted_cases(1), {"policy": cr.Policy("nonsense")}, ConfigError, "no method 'nonsense'"),
        (
            [{"id": "t", "prompt": "p", "rubric": [{"text": "c", "check": {"kind": "magic"}}], "responses": ["r"]}],
            {},
            ConfigError,
            "no check 'magic'",
        ),
        (
            [
                {
                    "id": "t",
                    "prompt": "p",
                    "rubric": [{"text": "c", "check": {"kind": "python", "function": "os:system"}}],
                    "responses": ["r"],
                }
            ],
            {},
            ConfigError,
            "--allow-python os",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_asked(
    cases: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with ScriptedProvider() as provider:
        with pytest.raises(error, match=said):
            cr.grade(cases, f"chat:m@{provider.url}", store="sqlite://", **options)
        assert provider.bill["requests"] == 0


def test_a_judge_made_elsewhere_serves_as_well() -> None:
    cases = planted_cases(1, 2, 1)
    script = [cr.Verdict("t0/r0", "c0", value=1.0), cr.Verdict("t0/r0", "c1", State.ABSTAINED, cause="cannot_assess")]
    judge = ScriptedDecider(script, name="mine")
    run = cr.grade(cases, judge, store="sqlite://")
    assert run.judge == "mine" and judge.calls == 1
    assert run.verdicts == {"decided": 1, "abstained": 1, "not_applicable": 0, "failed": 0}


def test_progress_hears_of_every_verdict_once() -> None:
    class Listening:
        def __init__(self) -> None:
            self.heard: list[Any] = []

        def start(self, total: int) -> None:
            self.heard.append(total)

        def advance(self, verdicts: int, failed: int, spent: Usage) -> None:
            self.heard.append((verdicts, failed))

        def finish(self) -> None:
            self.heard.append("end")

    listening = Listening()
    with ScriptedProvider(plan=FaultPlan({"server_error": 1.0})) as provider:
        settings = cr.JudgeSettings(patience=cr.JudgeSettings().patience.__class__(attempts=1))
        cr.grade(planted_cases(3, 4, 2), f"chat:m@{provider.url}", progress=listening, store="sqlite://", settings=settings)
    assert listening.heard == [24, *[(4, 4)] * 6, "end"]


def test_a_sample_is_the_same_in_every_order() -> None:
    cases = cr.load_cases(planted_cases(tasks=30))
    names = {c.task.id for c in sample_cases(cases, 7)}
    assert len(names) == 7
    assert {c.task.id for c in sample_cases(cases[::-1], 7)} == names
    assert {c.task.id for c in sample_cases(cases, 8)} > names
    assert len(sample_cases(cases, 1000)) == 30


def test_verdicts_from_elsewhere_are_scored_and_kept(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    verdicts = [
        {"response": "t0/r0", "criterion": "c0", "value": 1, "judge": "me"},
        {"response": "t0/r0", "criterion": "c1", "state": "abstained"},
    ]
    run = cr.score_verdicts(planted_cases(1, 2, 1), verdicts, store=store)
    assert (run.scores[0].value, run.scores[0].low, run.scores[0].high) == (1.0, pytest.approx(1 / 3), 1.0)
    assert run.usage.calls == 0
    opened = cr.open_run(run.id, store)
    assert opened.to_dict() == run.to_dict()
    assert cr.score_verdicts(planted_cases(1, 2, 1), verdicts, store=store).id == run.id
