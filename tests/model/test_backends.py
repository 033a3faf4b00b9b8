"""All backends give one truth: the same cells over chat (each way of the ladder), decisions and System One, over real HTTP."""

from __future__ import annotations

import pytest

import criterial as cr
from criterial.model.scripted import ScriptedProvider
from tests.helpers_runs import planted_cases, wrong_cells


@pytest.mark.parametrize("kind", ["chat", "decisions", "systemone"])
@pytest.mark.parametrize("per_call", [None, 1, 3])
def test_every_backend_gives_the_planted_verdicts(kind: str, per_call: int | None) -> None:
    cases = planted_cases()
    with ScriptedProvider() as provider:
        run = cr.grade(cases, f"{kind}:m@{provider.url}", store="sqlite://", settings=cr.JudgeSettings(criteria_per_call=per_call))
    assert run.verdicts == {"decided": 40, "abstained": 0, "not_applicable": 0, "failed": 0}
    assert wrong_cells(run, cases) == []
    assert run.usage.calls == {None: 10, 1: 40, 3: 20}[per_call] == provider.bill["requests"]


@pytest.mark.parametrize(("rungs", "rejected"), [(("schema",), 0), (("tool",), 1), (("plain",), 2)])
@pytest.mark.parametrize("per_call", [1, None])
def test_chat_goes_down_the_ladder_once_and_remembers(rungs: tuple[str, ...], rejected: int, per_call: int | None) -> None:
    cases = planted_cases(tasks=6)
    with ScriptedProvider(rungs=rungs) as provider:
        settings = cr.JudgeSettings(criteria_per_call=per_call, concurrency=1)
        run = cr.grade(cases, f"chat:m@{provider.url}", store="sqlite://", settings=settings)
    assert run.verdicts["decided"] == 48
    assert wrong_cells(run, cases) == []
    assert provider.bill["rejected"] == rejected


def test_token_probabilities_become_the_judges_own() -> None:
    cases = planted_cases()
    with ScriptedProvider(logprobs=True) as provider:
        settings = cr.JudgeSettings(criteria_per_call=1, logprobs=True)
        run = cr.grade(cases, f"chat:m@{provider.url}", store="sqlite://", settings=settings)
    assert wrong_cells(run, cases) == []
    for verdict in run.table.verdicts():
        assert sum(verdict.probs) == pytest.approx(1.0, abs=1e-6)
        likeliest = max(range(len(verdict.probs)), key=verdict.probs.__getitem__)
        assert likeliest + (len(verdict.probs) == 5) == verdict.value
    assert all(score.se is not None and score.se > 0 for score in run.scores)


def test_without_token_probabilities_there_is_no_standard_error() -> None:
    with ScriptedProvider() as provider:
        run = cr.grade(planted_cases(), f"chat:m@{provider.url}", store="sqlite://")
    assert all(score.se is None for score in run.scores)


def test_the_bill_is_the_providers() -> None:
    with ScriptedProvider() as provider:
        run = cr.grade(planted_cases(), f"chat:m@{provider.url}", store="sqlite://", settings=cr.JudgeSettings(price=cr.Price(3.0, 15.0)))
    assert (run.usage.input_tokens, run.usage.output_tokens) == (provider.bill["input_tokens"], provider.bill["output_tokens"])
    assert run.usage.money == pytest.approx((3.0 * run.usage.input_tokens + 15.0 * run.usage.output_tokens) / 1e6)
    assert run.total == run.usage


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    with ScriptedProvider() as provider:
        run = cr.grade(planted_cases(), f"chat:m@{provider.url}", store="sqlite://")
    assert run.usage.money is None
    assert run.to_dict()["cost"] is None


def test_mixed_scales_conditions_and_numbers_go_in_one_call() -> None:
    rubric = [
        {"id": "yes", "text": "Is there"},
        {"id": "levels", "text": "How good", "scale": ["poor", "fair", "good"]},
        {"id": "pick", "text": "Which", "scale": {"type": "choice", "values": [{"label": "x", "credit": 1}, {"label": "y"}]}},
        {"id": "cond", "text": "Cites", "applies_when": "the task asks for sources"},
    ]
    cases = [{"id": "t", "prompt": "p", "rubric": rubric, "responses": [{"id": "r", "text": "a"}]}]
    for kind in ("chat", "decisions", "systemone"):
        with ScriptedProvider() as provider:
            run = cr.grade(cases, f"{kind}:m@{provider.url}", store="sqlite://")
        assert provider.bill["requests"] == 1
        assert run.verdicts["failed"] == 0, (kind, run.causes)


def test_a_wide_number_is_left_alone_by_decision_models_and_answered_by_chat() -> None:
    cases = [
        {
            "id": "t",
            "prompt": "p",
            "rubric": [{"id": "n", "text": "Mark", "scale": "numeric:0-100"}],
            "responses": [{"id": "r", "text": "a"}],
        }
    ]
    with ScriptedProvider() as provider:
        decided = cr.grade(cases, f"decisions:m@{provider.url}", store="sqlite://")
        assert provider.bill["requests"] == 0
    assert decided.verdicts["abstained"] == 1
    assert decided.causes == {"unsupported": 1}
    with ScriptedProvider(truth=lambda *_: "73") as provider:
        chat = cr.grade(cases, f"chat:m@{provider.url}", store="sqlite://")
    assert chat.scores[0].value == pytest.approx(0.73)


def test_a_narrow_whole_number_is_a_score_question() -> None:
    cases = [
        {"id": "t", "prompt": "p", "rubric": [{"id": "n", "text": "Count", "scale": "count:4"}], "responses": [{"id": "r", "text": "a"}]}
    ]
    with ScriptedProvider(truth=lambda _c, _s, labels: labels[3]) as provider:
        run = cr.grade(cases, f"decisions:m@{provider.url}", store="sqlite://")
    assert next(run.table.verdicts()).value == 3.0


def test_system_one_takes_no_images_and_says_so() -> None:
    from criterial.core.task import Media

    picture = Media("image/png", b"\x89PNG\r\n\x1a\n")
    case = cr.Case(
        cr.Task("t", (cr.Message("user", "p", (picture,)),)),
        cr.Rubric((cr.Criterion("c", "Is red"),)),
        (cr.Response("r", (cr.Message("assistant", "a"),)),),
    )
    with ScriptedProvider() as provider:
        run = cr.grade([case], f"systemone:m@{provider.url}", store="sqlite://")
    assert run.causes == {"unsupported": 1}
    assert provider.bill["requests"] == 0
