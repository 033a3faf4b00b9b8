"""Faults never become verdicts: each kind alone, all together over 10^4 verdicts, and silence within its deadline."""

from __future__ import annotations

import time

import pytest

import criterial as cr
from criterial.core.verdict import CAUSES, State
from criterial.model.exchange import Patience
from criterial.model.scripted import FAULTS, FaultPlan, ScriptedProvider
from tests.helpers_runs import planted_cases, wrong_cells

QUICK = Patience(base=0.001, longest=0.01)
SLOW_FAULTS = ("silent", "drip")


def settings(**changes: object) -> cr.JudgeSettings:
    return cr.JudgeSettings(**{"patience": QUICK, "timeout": 0.5, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - set(SLOW_FAULTS)))
@pytest.mark.parametrize("kind", ["chat", "decisions", "systemone"])
def test_a_fault_in_half_of_the_requests_costs_attempts_and_no_verdict(fault: str, kind: str) -> None:
    cases = planted_cases(tasks=10)
    plan = FaultPlan({fault: 0.5}, seed=3, retry_after=0.001)
    with ScriptedProvider(plan=plan) as provider:
        run = cr.grade(cases, f"{kind}:m@{provider.url}", store="sqlite://", settings=settings(patience=Patience(14, 14, 0.001, 0.01)))
    assert provider.bill[fault] > 0
    assert wrong_cells(run, cases) == []
    lost = {c: n for c, n in run.causes.items() if c != "refusal"}  # a decision model's refusal is its answer
    assert lost == {}, run.causes


@pytest.mark.parametrize("fault", SLOW_FAULTS)
def test_an_endpoint_that_stalls_is_given_up_within_its_deadline(fault: str) -> None:
    cases = planted_cases(tasks=1, responses=1)
    patience = Patience(attempts=3, base=0.001, deadline=1.0)
    with ScriptedProvider(plan=FaultPlan({fault: 1.0})) as provider:
        began = time.monotonic()
        run = cr.grade(cases, f"chat:m@{provider.url}", store="sqlite://", settings=settings(patience=patience, timeout=0.4))
        assert time.monotonic() - began < 1.0 + 2.0
    assert run.causes == {"timeout": 4}
    assert run.scores[0].value is None
    assert (run.scores[0].low, run.scores[0].high, run.scores[0].coverage) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("rate_limit", "rate_limit"),
        ("server_error", "overloaded"),
        ("unavailable", "overloaded"),
        ("reset", "connection"),
        ("half_json", "malformed"),
        ("empty", "malformed"),
        ("html", "malformed"),
        ("wrong_schema", "malformed"),
        ("nan", "malformed"),
        ("out_of_scale", "malformed"),
    ],
)
def test_what_stays_undecided_names_its_cause(fault: str, cause: str) -> None:
    with ScriptedProvider(plan=FaultPlan({fault: 1.0}, retry_after=0.001)) as provider:
        patience = Patience(attempts=3, base=0.001, longest=0.001)
        run = cr.grade(planted_cases(1, 1, 1), f"chat:m@{provider.url}", store="sqlite://", settings=settings(patience=patience))
        assert provider.bill["requests"] == 3
    (verdict,) = run.table.verdicts()
    assert (verdict.state, verdict.value, verdict.cause) == (State.FAILED, None, cause)
    assert verdict.cause in CAUSES
    assert run.usage.retries == 2


def test_a_chat_model_that_keeps_declining_abstains_after_three_times() -> None:
    with ScriptedProvider(plan=FaultPlan({"refusal": 1.0})) as provider:
        run = cr.grade(planted_cases(1, 2, 1), f"chat:m@{provider.url}", store="sqlite://", settings=settings())
        assert provider.bill["requests"] == 3
    assert run.verdicts["abstained"] == 2
    assert run.causes == {"refusal": 2}


def test_one_criterion_left_out_is_asked_again_alone() -> None:
    cases = planted_cases(1, 5, 1)
    with ScriptedProvider(plan=FaultPlan({"missing": 1.0})) as provider:
        run = cr.grade(cases, f"chat:m@{provider.url}", store="sqlite://", settings=settings(patience=Patience(attempts=4, base=0.001)))
    assert run.verdicts["decided"] == 4  # each request answers all it is asked but one
    assert wrong_cells(run, cases) == []
    assert run.causes == {"malformed": 1}


def test_a_bad_key_ends_the_run_after_a_few_calls() -> None:
    from aiohttp import web

    class Refusing(ScriptedProvider):
        def _refused(self, fault: str) -> web.Response | None:
            return web.json_response({"error": {"message": "Incorrect API key provided"}}, status=401)

    with Refusing() as provider:
        run = cr.grade(planted_cases(50), f"chat:m@{provider.url}", store="sqlite://", settings=settings(concurrency=4))
        assert provider.bill["requests"] <= 8 + 4
    assert "first 8 calls all failed" in run.stopped
    assert "Incorrect API key" in run.stopped
    assert run.verdicts["decided"] == 0
    assert set(run.causes) == {"auth", "stopped"}


ALL_FAULTS = (
    "rate_limit",
    "server_error",
    "unavailable",
    "reset",
    "half_json",
    "empty",
    "html",
    "wrong_schema",
    "extra",
    "missing",
    "duplicate",
    "nan",
    "out_of_scale",
)


@pytest.mark.parametrize("kind", ["chat", "decisions", "systemone"])
def test_a_fifth_of_faults_over_many_verdicts_gives_no_wrong_one_and_loses_next_to_none(kind: str) -> None:
    # reliability.md figure 4, 10^4 verdicts over the three protocols: 0 wrong, 0 silent zeros, at least 99.9 % decided with 8 attempts.
    cases = planted_cases(tasks=84 if kind == "chat" else 83, criteria=4, responses=10)
    verdicts = sum(len(c["rubric"]) * len(c["responses"]) for c in cases)
    plan = FaultPlan({**dict.fromkeys(ALL_FAULTS, 0.19 / len(ALL_FAULTS)), "refusal": 0.005, "silent": 0.005}, seed=11, retry_after=0.001)
    with ScriptedProvider(plan=plan) as provider:
        run = cr.grade(cases, f"{kind}:m@{provider.url}", store="sqlite://", settings=settings(criteria_per_call=2, timeout=2.0))
        faults = sum(n for f, n in provider.bill.items() if f in FAULTS)
        assert 0.17 < faults / provider.bill["requests"] < 0.23
        assert (run.usage.input_tokens, run.usage.output_tokens) == (provider.bill["input_tokens"], provider.bill["output_tokens"])
    assert wrong_cells(run, cases) == []
    undecided = verdicts - run.verdicts["decided"]
    refused = run.causes.get("refusal", 0)
    assert undecided - refused <= 0.001 * verdicts, run.causes
    assert sum(run.causes.values()) == undecided
    for score in run.scores:
        assert score.value is None or score.low - 1e-12 <= score.value <= score.high + 1e-12
        if score.coverage == 1.0:
            assert score.low == score.high == score.value
