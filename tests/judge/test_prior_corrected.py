"""criterial.judge.prior_corrected: what a judge says with nothing to judge is taken off, paid once a case, and never guessed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import norm

import criterial as cr
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.core.scale import Level, Likert, Numeric, Ordinal
from criterial.core.task import Case, Media, Message, Response
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.judge.pointwise import pointwise
from criterial.judge.prior_corrected import METHOD, PriorCorrected, prior_corrected, prior_of, without_prior
from tests.helpers_tables import MANY, THREE, case, crit, response, rubric

FILLERS = PriorCorrected().fillers


class Biased:
    """A judge whose log-odds of yes are what the response says of the criterion (a JSON list), and a bias of the criterion's own."""

    name = identity = "biased"
    calibrated, questions_per_call = True, 1000

    def __init__(self, bias_C: Sequence[float], blank: Callable[[str], Answer | float] = lambda text: 0.0) -> None:
        self.bias_C, self.blank, self.requests = list(bias_C), blank, list[DecisionRequest]()

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.requests.append(request)
        await asyncio.sleep(0)
        text = next((b.text for b in request.input.blocks if b.label == "response"), "N/A")
        return DecisionReply(tuple(self._answer(q, text) for q in request.questions), Usage(calls=1, input_tokens=10))

    def _answer(self, question: Question, text: str) -> Answer:
        place = int(question.name.removeprefix("c"))
        told = self.blank(text) if text in FILLERS else float(json.loads(text)[place])
        if isinstance(told, Answer):
            return told
        p = float(expit(told + self.bias_C[place]))
        return Answer("decided", (1 - p, p), graded=True, reason="so")

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(calls=1)

    async def close(self) -> None:
        pass


def cells(criteria: int, responses: Sequence[Sequence[float]]) -> Case:
    return case(
        rubric(*(crit(f"c{i}") for i in range(criteria))), [response(f"r{i}", json.dumps(list(s))) for i, s in enumerate(responses)]
    )


def judged(made: Case, judge: Any, method: Any = prior_corrected, repeat: int = 0, **options: Any) -> list[list[Verdict]]:
    chosen = PriorCorrected(**options) if method is prior_corrected else None
    return [asyncio.run(method(made, r, judge, repeat, chosen)) for r in made.responses]


def values(verdicts: Sequence[Sequence[Verdict]]) -> np.ndarray:
    return np.array([[v.value for v in row] for row in verdicts])


# ---------------------------------------------------------------------------------------------------------------- the arithmetic


def rows(levels: int, count: int) -> st.SearchStrategy[Any]:
    """Return a strategy of distributions that hold no probability under the floor."""
    share = st.lists(st.floats(0.01, 1.0), min_size=levels, max_size=levels).map(lambda p: np.array(p) / sum(p))
    return st.lists(share, min_size=count, max_size=count).map(np.array)


@MANY
@given(p=rows(4, 1), g=rows(4, 3))
def test_alpha_0_is_the_identity_and_alpha_1_pointwise_mutual_information(p: np.ndarray, g: np.ndarray) -> None:
    assert without_prior(p[0], g, 0.0) == pytest.approx(p[0], abs=1e-11)
    found = np.log(without_prior(p[0], g, 1.0))
    pmi = np.log(p[0]) - np.log(g).mean(axis=0)
    assert found - found[0] == pytest.approx(pmi - pmi[0], abs=1e-11)


@MANY
@given(p=rows(5, 1), g=rows(5, 2), factor=st.floats(0.1, 1.0), alpha=st.floats(0.0, 1.0))
def test_a_constant_on_all_log_priors_changes_nothing(p: np.ndarray, g: np.ndarray, factor: float, alpha: float) -> None:
    assert without_prior(p[0], factor * g, alpha) == pytest.approx(without_prior(p[0], g, alpha), abs=1e-9)


@pytest.mark.parametrize("fillers", [1, 2, 3, 7])
def test_an_even_prior_takes_nothing_off_and_a_response_that_adds_nothing_is_exactly_even(fillers: int) -> None:
    p = np.array([0.2, 0.8])
    assert without_prior(p, np.full((fillers, 2), 0.5)) == pytest.approx(p, abs=1e-11)
    assert without_prior(p, np.tile(p, (fillers, 1))).tolist() == [0.5, 0.5]


def test_a_judge_that_is_certain_of_the_same_of_anything_says_nothing() -> None:
    certain = np.array([[0.0, 1.0], [1e-12, 1.0]])
    assert without_prior(certain[0], certain).tolist() == without_prior(np.array([1e-9, 1 - 1e-9]), certain)[::-1].tolist() == [0.5, 0.5]
    assert without_prior(np.array([1.0, 0.0]), certain)[0] > 1 - 1e-7


def test_the_prior_of_fillers_is_the_mean_of_their_log_odds() -> None:
    assert logit(prior_of(expit(np.array([[-1.0, 1.0], [-2.0, 2.0], [-6.0, 6.0]])))[1]) == pytest.approx(3.0)


def test_of_skewed_candidates_the_likelier_given_the_query_is_found_again_as_the_query_given_it() -> None:
    """The card's generative table: 200 queries and candidates, marginals of candidates by Zipf's law."""
    rng, n = np.random.default_rng(0), 200
    given_QC = np.exp(0.4 * rng.standard_normal((n, n)) + 1.6 * np.eye(n))
    given_QC /= given_QC.sum(axis=0)  # P(q | c)
    marginal_C = 1.0 / np.arange(1, n + 1)
    marginal_C /= marginal_C.sum()
    joint = given_QC * marginal_C
    candidate_QC = joint / joint.sum(axis=1, keepdims=True)  # P(c | q)
    assert candidate_QC.min() > 1e-4 and marginal_C.min() > 1e-4
    corrected = np.stack([without_prior(p, marginal_C[None]) for p in candidate_QC])
    recall = [float((s.argmax(axis=1) == np.arange(n)).mean()) for s in (candidate_QC, given_QC, corrected)]
    assert recall[0] < 0.2 < 0.5 < recall[1]
    assert recall[2] == recall[1]
    assert np.array_equal(corrected.argsort(axis=1), given_QC.argsort(axis=1))  # the whole ranking (Bayes)


# ---------------------------------------------------------------------------------------------------------------- a judge that says yes


def test_a_yes_bias_of_criteria_is_taken_off_to_the_last_error() -> None:
    """The card: log-odds = signal + b with b ~ N(0, 2): accuracy .755, corrected .931, the ceiling without a bias."""
    rng = np.random.default_rng(1)
    label_RC = rng.integers(0, 2, (100, 100))
    signal_RC = 1.5 * (2 * label_RC - 1) + rng.standard_normal(label_RC.shape)
    bias_C = rng.normal(0.0, 2.0, 100)
    made = cells(100, signal_RC.tolist())
    before, after, ceiling = (
        float((values(v) == label_RC).mean())
        for v in (judged(made, Biased(bias_C), pointwise), judged(made, Biased(bias_C)), judged(made, Biased([0.0] * 100), pointwise))
    )
    assert after == ceiling
    assert before == pytest.approx(norm.cdf(1.5 / 5**0.5), abs=0.03)
    assert before == pytest.approx(0.755, abs=0.03)
    assert after == pytest.approx(norm.cdf(1.5), abs=0.01)
    assert after == pytest.approx(0.931, abs=0.01)


def test_the_log_odds_of_fillers_are_averaged_and_alpha_of_their_mean_taken_off() -> None:
    tilt = dict(zip(FILLERS, (1.0, 2.0, 6.0), strict=True))
    judge = Biased([0.5], lambda text: tilt[text])
    for alpha in (0.25, 1.0):
        ((verdict,),) = judged(cells(1, [[2.0]]), judge, alpha=alpha)
        assert logit(verdict.probs[1]) == pytest.approx(2.5 - alpha * 3.5)
        assert verdict.value == float(2.5 > alpha * 3.5)
        assert verdict.reason == "so [corrected for a prior of 0.97 on yes]"


def test_alpha_0_is_pointwise_and_asks_nothing_more() -> None:
    made, one, two = cells(2, [[1.0, -1.0], [0.0, 3.0]]), Biased([2.0, 2.0]), Biased([2.0, 2.0])
    assert judged(made, one, alpha=0.0) == judged(made, two, pointwise)
    assert one.requests == two.requests


def test_a_position_habit_is_a_prior_too() -> None:
    better = crit("c0", scale=Ordinal((Level("lost"), Level("tied"), Level("won"))), scope="pair")
    made = case(rubric(better), [response("r0", "x"), response("r1", "y")])

    class First(Biased):
        def _answer(self, question: Question, text: str) -> Answer:
            return Answer("decided", (0.2, 0.1, 0.7), graded=True)

    for repeat in (0, 1):
        (one,), (two,) = judged(made, First([]), repeat=repeat)
        assert (one.value, two.value) == (1.0, 1.0)  # even: a tie


# ---------------------------------------------------------------------------------------------------------------- what is asked, and paid


def test_the_withheld_request_is_the_same_for_all_responses_and_holds_nothing_of_them() -> None:
    made = cells(2, [[1.0, 0.0], [0.0, 1.0]])
    image = Message("assistant", "[1, 1]", (Media("image/png", b"\x89PNG"),))
    made = replace(made, responses=(*made.responses, Response("r2", (image,))))
    judge = Biased([0.0, 0.0])
    judged(made, judge, repeat=3)
    asked = [judge.requests[i : i + 4] for i in (0, 4, 8)]
    assert [r[0].input.label for r in asked] == [("t0", f"r{i}") for i in range(3)]
    assert asked[0][1:] == asked[1][1:] == asked[2][1:]
    for request, filler in zip(asked[2][1:], FILLERS, strict=True):
        assert (request.input.label, request.input.repeat, request.input.media) == (("t0", ""), 3, ())
        assert [b.text for b in request.input.blocks if b.label == "response"] == [filler]
        assert request.input.instructions == asked[2][0].input.instructions
        assert request.questions == asked[2][0].questions


@pytest.mark.parametrize("repeats", [1, 2])
def test_the_journal_pays_a_prior_once_a_case_and_repeat(repeats: int) -> None:
    signal = np.linspace(-2.0, 2.0, 21).reshape(7, 3)
    made, judge = cells(3, signal.tolist()), Biased([1.0, 0.0, -1.0])
    other = replace(made, task=replace(made.task, id="t1", messages=(Message("user", "another task"),)))
    run = cr.grade([made, other], judge, method="prior_corrected", store="sqlite://", repeats=repeats)
    assert len(judge.requests) == run.usage.calls == repeats * 2 * (7 + len(FILLERS))
    found = [logit(v.probs[1]) for v in run.table.verdicts() if v.task == "t1" and v.repeat == repeats - 1]
    assert found == pytest.approx(signal.ravel(), abs=1e-5)  # tables hold 32 bits


def test_what_a_prior_costs_is_in_the_usage() -> None:
    run = cr.grade([cells(1, [[0.0]])], Biased([0.0]), method="prior_corrected", store="sqlite://")
    assert run.usage.input_tokens == 10 * (1 + len(FILLERS))


def test_a_dry_run_counts_the_priors_and_after_the_run_there_is_nothing_left_to_ask(tmp_path: Any) -> None:
    store, made = f"sqlite:///{tmp_path}/s.sqlite", cells(2, [[0.0, 1.0]])
    assert cr.plan([made], Biased([0.0, 0.0]), method="prior_corrected", store=store).calls == 1 + len(FILLERS)
    cr.grade([made], Biased([0.0, 0.0]), method="prior_corrected", store=store)
    assert cr.plan([made], Biased([0.0, 0.0]), method="prior_corrected", store=store).calls == 0


# ---------------------------------------------------------------------------------------------------------------- what cannot be corrected


class Told:
    """A judge that answers responses from one list and fillers from another, by the criterion's place."""

    name = identity = "told"
    calibrated, questions_per_call = True, 100

    def __init__(self, answers: Sequence[Answer], priors: Sequence[Sequence[Answer]]) -> None:
        self.answers, self.priors, self.calls = answers, priors, 0

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.calls += 1
        text = next((b.text for b in request.input.blocks if b.label == "response"), "")
        told = self.priors[FILLERS.index(text)] if text in FILLERS else self.answers
        return DecisionReply(tuple(told[int(q.name[1:])] for q in request.questions))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage()

    async def close(self) -> None:
        pass


GRADED = Answer("decided", (0.4, 0.6), graded=True, reason="so")
YES = Answer("decided", (0.1, 0.9), graded=True)
PLAIN = Answer("decided", (0.0, 1.0), reason="so")
TIMEOUT = Answer("failed", cause="timeout", reason="60 s")
REFUSED, UNSURE = Answer("failed", cause="refusal"), Answer("abstained", cause="cannot_assess")


def told(answers: Sequence[Answer], priors: Sequence[Sequence[Answer]], **fields: Any) -> tuple[list[Verdict], int]:
    judge = Told(answers, priors)
    (found,) = judged(case(rubric(*(crit(f"c{i}", **fields) for i in range(len(answers))))), judge)
    return found, judge.calls


def test_a_verdict_without_probabilities_stays_says_so_and_costs_nothing() -> None:
    (verdict, other), calls = told([PLAIN, UNSURE], [])
    assert (verdict.value, verdict.probs, verdict.reason) == (1.0, (), "so [not corrected: no probabilities]")
    assert (other.state, other.reason) == (State.ABSTAINED, "")
    assert calls == 1


def test_among_graded_verdicts_one_without_probabilities_stays_as_it_is() -> None:
    (graded, plain), calls = told([GRADED, PLAIN], [[YES, YES]] * 3)
    assert graded.value == 0.0
    assert (plain.value, plain.probs, plain.reason) == (1.0, (), "so [not corrected: no probabilities]")
    assert calls == 4


@pytest.mark.parametrize("silent", [REFUSED, UNSURE, PLAIN, Answer("failed", cause="missing"), Answer("not_applicable")])
def test_a_filler_that_the_judge_declines_is_left_out_of_the_prior(silent: Answer) -> None:
    (verdict,), _ = told([GRADED], [[YES], [silent], [YES]])
    assert verdict.probs == pytest.approx(without_prior(np.array([0.4, 0.6]), np.array([[0.1, 0.9]])))
    (verdict,), _ = told([GRADED], [[silent]] * 3)
    assert (verdict.value, verdict.probs, verdict.reason) == (1.0, (0.4, 0.6), "so [not corrected: the judge has no prior]")


def test_where_the_call_for_a_prior_broke_off_there_is_no_verdict() -> None:
    (verdict,), _ = told([GRADED], [[YES], [TIMEOUT], [YES]])
    assert (verdict.state, verdict.value, verdict.cause, verdict.reason) == (State.FAILED, None, "timeout", "no prior: 60 s")


def test_an_abstention_with_probabilities_stays_one() -> None:
    near = Answer("abstained", (0.5, 0.5), graded=True, cause="uncertain")
    (verdict, _), _ = told([near, GRADED], [[YES, YES]] * 3)
    assert (verdict.state, verdict.probs, verdict.cause) == (State.ABSTAINED, (0.5, 0.5), "uncertain")


def test_what_is_asked_of_the_task_alone_has_no_response_to_withhold() -> None:
    (verdict,), calls = told([GRADED], [], scope="task")
    assert (verdict.probs, verdict.reason) == ((0.4, 0.6), "so [not corrected: no response was shown]")
    assert calls == 1


def test_numbers_have_no_prior_and_are_not_asked_for_one() -> None:
    judge = Told([Answer("decided", number=3.0), GRADED], [[Answer("failed", cause="malformed"), YES]] * 3)
    ((number, graded),) = judged(case(rubric(crit("c0", scale=Numeric(0.0, 5.0)), crit("c1"))), judge)
    assert (number.value, number.reason) == (3.0, "[not corrected: no probabilities]")
    assert graded.value == 0.0


@pytest.mark.parametrize("scale", [THREE, Likert(3)])
def test_levels_are_corrected_each_and_the_likeliest_then_is_the_value(scale: Any) -> None:
    top = Answer("decided", (0.1, 0.3, 0.6), graded=True)
    (verdict,), _ = told([top], [[Answer("decided", (0.1, 0.1, 0.8), graded=True)]] * 3, scale=scale)
    assert verdict.probs == pytest.approx(np.array([1.0, 3.0, 0.75]) / 4.75)
    assert verdict.value == 1.0 + isinstance(scale, Likert)


@pytest.mark.parametrize("wrong", [{"alpha": -0.1}, {"alpha": 1.1}, {"alpha": float("nan")}, {"fillers": []}, {"fillers": ["x", "x"]}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        METHOD.with_options(wrong)
