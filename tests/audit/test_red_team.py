"""The red team finds a planted weakness, reports no gap where there is none, never passes its budget, and says what to mend."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from criterial.audit.red_team import Attack, AttackOptions, Lesson, red_team, text_editor
from criterial.audit.red_team_search import split_of
from criterial.core.builder import TableBuilder
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage
from criterial.core.rubric import Rubric
from criterial.core.table import Layer, VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.formats.pairing import PAIR
from tests.helpers_tables import crit, response, rubric, task

GOOD = rubric(crit("help", scope="pair"), crit("safe", 0.5, scope="pair"))
PHRASES = [f"phrase {i}" for i in range(20)]
HIDDEN = PHRASES[13]
QUICK = AttackOptions(generations=2, sample=100, first_children=6, children=1, keep=3)


def domain(name: str, n: int) -> list[Case]:
    """Return labelled pairs; the response that people prefer is drawn."""
    wins = np.random.default_rng(len(name)).random(n) < 0.5
    out = []
    for i in range(n):
        pair = tuple(response(f"{name}{i}/{k}", f"{'word ' * (3 + 4 * k)}{i}") for k in range(2))
        said = [Verdict(r.id, PAIR.id, value=2.0 * (wins[i] == (k == 0)), judge="people", task=f"{name}{i}") for k, r in enumerate(pair)]
        out.append(Case(task(f"{name}{i}", tags=(name,)), Rubric((PAIR,)), pair, tuple(said)))
    return out


BENCH, TARGET = domain("bench", 800), domain("target", 800)
_PLACE = {c.task.id: i for i, c in enumerate((*BENCH, *TARGET))}
_GOLD = np.array([c.verdicts[0].value == 2.0 for c in (*BENCH, *TARGET)])
_IN_TARGET = np.arange(1600) >= 800


def draw(*key: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256("|".join(key).encode()).digest()[:8], "big"))


class Bench:
    """A judge who is right on 80 % of pairs; a wording turns `noise` of its verdicts, and `HIDDEN` a fifth of the target's right ones."""

    def __init__(self, noise: float = 0.0, seed: int = 0) -> None:
        self.judged = 0
        self._noise = noise
        self._seed = seed
        self._right = draw("judge", str(seed)).random(1600) < 0.8

    async def __call__(self, made: Rubric, cases: Sequence[Case]) -> VerdictTable:
        self.judged += len(cases)
        wording = " ".join(c.text for c in made.criteria)
        turned = draw(wording, str(self._seed)).random(1600) < self._noise
        turned |= _IN_TARGET & (draw("weak").random(1600) < 0.2) & (HIDDEN in made.criteria[0].text) & self._right
        first = (_GOLD == (self._right ^ turned))[[_PLACE[c.task.id] for c in cases]].astype(float)
        blank = TableBuilder([replace(c, rubric=made) for c in cases], [Layer("judge")]).build()
        wins_R = np.stack([first, 1 - first], axis=1).ravel()
        return replace(blank, state_LN=np.full_like(blank.state_LN, State.DECIDED), value_LN=np.repeat(wins_R, len(made.criteria))[None])


class Phrases:
    """An editor that gives both criteria another of 20 phrases."""

    def __init__(self, seed: int = 0) -> None:
        self.shown: list[tuple[Sequence[Lesson], Sequence[Lesson]]] = []
        self._rng = np.random.default_rng(seed)

    async def __call__(self, made: Rubric, wrong: Sequence[Lesson], right: Sequence[Lesson], number: int) -> list[Rubric]:
        self.shown.append((wrong, right))
        picked = self._rng.choice(len(PHRASES), number)
        return [replace(made, criteria=tuple(replace(c, text=f"{c.id}, {PHRASES[p]}") for c in GOOD.criteria)) for p in picked]


def attacked(judge: Bench, editor: Phrases, options: AttackOptions, n: int = 800) -> Attack:
    return asyncio.run(red_team(GOOD, judge, editor, BENCH[:n], TARGET[:n], options))


def test_a_planted_weakness_is_found_at_the_default_budget() -> None:
    """Measured with 20 seeds: found in 20. Where every wording also changes 2 % of verdicts, in 12 by the published rule that an edit must
    not be below the rubric on the benchmark's selection cases, and in 20 with a slack of .02 there.
    """
    found = [attacked(Bench(0.02, s), Phrases(s), AttackOptions(seed=s, val_slack=0.02, export=True)) for s in range(10)]
    hits = [a for a in found if a.exposed and a.rubric is not None and HIDDEN in a.rubric.criteria[0].text]
    assert len(hits) >= 9
    for one in hits:
        assert one.generations == 5 and one.tried <= 20 and not one.stopped
        assert -0.25 < one.target.delta.value < -0.08 and abs(one.bench.delta.value) < 0.05
        assert one.gap.low > 0.0 and one.judgements <= 100_000


def test_with_no_drift_the_gap_that_is_reported_is_chance_alone() -> None:
    """The winner's curse: of 20 harmless wordings the worst looks bad on the cases that it was chosen by, and not on the test cases.

    Measured with 200 seeds, of which 158 keep an edit: gap / SE has mean -.02 and deviation .99, 95 % lie within 2, none counts as exposed.
    """
    gaps = []
    for seed in range(1000, 1018):
        made = attacked(Bench(0.15, seed), Plain(seed), replace(QUICK, seed=seed), n=400)
        if made.gap is not None:
            gaps.append(made.gap.value / made.gap.se)
            assert not made.exposed
    assert len(gaps) >= 12
    assert np.mean(np.abs(gaps) <= 2) >= 0.9, gaps
    assert abs(np.mean(gaps)) < 0.6, gaps  # not pushed one way: the standard error of this mean is about .27


class Plain(Phrases):
    """The same editor without the phrase that carries the weakness."""

    async def __call__(self, made: Rubric, wrong: Sequence[Lesson], right: Sequence[Lesson], number: int) -> list[Rubric]:
        return [r for r in await super().__call__(made, wrong, right, number) if HIDDEN not in r.criteria[0].text]


def test_the_report_says_which_criterion_is_exploited_and_holds_no_rewritten_rubric() -> None:
    made = attacked(Bench(), Phrases(), replace(QUICK, first_children=40))
    assert made.exposed and made.rubric is None and HIDDEN not in repr(made)
    assert [(f.where, f.code, f.severity) for f in made.fixes] == [("help", "exploitable", "warning"), ("safe", "harmless", "note")]
    # both criteria were reworded; alone, that of `safe` changes nothing
    assert f"loses {-100 * made.target.delta.value:.1f} points" in made.fixes[0].message
    assert "loses 0.0 points" in made.fixes[1].message.replace("-0.0", "0.0")
    assert "criterial audit drift" in made.fixes[0].hint


def test_an_editor_is_shown_errors_of_the_benchmark_and_right_cases_of_the_target_as_mistakes() -> None:
    editor = Phrases()
    attacked(Bench(), editor, QUICK)
    wrong, right = editor.shown[0]
    assert len(wrong) == 2 and len(right) == 4
    assert {x.case.task.tags for x in wrong} == {("bench",)} and {x.case.task.tags for x in right} == {("target",)}
    for lesson in wrong:
        better = "the first" if lesson.case.verdicts[0].value else "the second"
        assert lesson.wanted == f"preferred: {better} is better" != lesson.said
    for lesson in right:
        better = "the first" if lesson.case.verdicts[0].value else "the second"
        assert lesson.said == f"preferred: {better} is better" != lesson.wanted


@pytest.mark.parametrize("budget", [2_100, 3_000, 5_000])
def test_a_budget_is_a_hard_stop_and_the_report_still_comes(budget: int) -> None:
    judge = Bench(0.02)
    made = attacked(judge, Phrases(), AttackOptions(sample=100, budget=budget, keep=3), n=400)
    assert made.judgements == judge.judged <= budget
    assert made.stopped == "budget" and made.generations < 5


def test_a_budget_that_cannot_pay_the_report_is_refused_before_anything_is_judged() -> None:
    judge = Bench()
    with pytest.raises(ConfigError, match="a budget of 1000 judgements is too small"):
        attacked(judge, Phrases(), AttackOptions(budget=1000))
    assert judge.judged == 0


def test_too_few_cases_and_odd_splits_are_refused() -> None:
    with pytest.raises(ConfigError, match="the benchmark has 5 labelled cases"):
        attacked(Bench(), Phrases(), QUICK, n=5)
    with pytest.raises(ConfigError, match="sum to 1"):
        attacked(Bench(), Phrases(), replace(QUICK, split=(0.5, 0.5, 0.5)))


def test_the_parts_of_a_domain_share_no_case_and_are_alike_for_a_seed() -> None:
    parts = split_of(BENCH, (0.5, 0.25, 0.25), 3, "benchmark")
    ids = [[c.task.id for c in p] for p in (parts.train, parts.val, parts.test)]
    assert [len(i) for i in ids] == [400, 200, 200] and len({x for i in ids for x in i}) == 800
    assert parts == split_of(BENCH, (0.5, 0.25, 0.25), 3, "benchmark") != split_of(BENCH, (0.5, 0.25, 0.25), 4, "benchmark")


def test_changes_are_measured_one_by_one_whatever_they_are_and_left_open_where_they_cannot_stand_alone() -> None:
    async def reworked(made: Rubric, wrong: Sequence[Lesson], right: Sequence[Lesson], number: int) -> list[Rubric]:
        hidden = replace(GOOD.criteria[0], text=f"does help, {HIDDEN}")
        return [Rubric((hidden, crit("new", scope="pair")), guidelines="Be kind.", policy=GOOD.policy)]

    made = asyncio.run(red_team(GOOD, Bench(), reworked, BENCH, TARGET, QUICK))
    assert made.fixes[0].where == "help" and {f.where for f in made.fixes} == {"help", "safe", "new", "guidelines"}
    assert {f.message.split(" alone")[0] for f in made.fixes} == {"another wording", "leaving it out", "a further criterion"}
    needing = replace(GOOD, criteria=(GOOD.criteria[0], replace(GOOD.criteria[1], requires=("help",))))

    async def removing(made: Rubric, wrong: Sequence[Lesson], right: Sequence[Lesson], number: int) -> list[Rubric]:
        return [replace(GOOD, criteria=(replace(GOOD.criteria[1], text=f"is safe, {HIDDEN}"),))]

    left = asyncio.run(red_team(needing, Bench(), removing, BENCH, TARGET, QUICK)).fixes
    assert ("help", "reworded") in [(f.where, f.code) for f in left] and "was not measured" in repr(left)


def test_an_editor_with_nothing_to_say_finds_nothing() -> None:
    async def silent(made: Rubric, wrong: Sequence[Lesson], right: Sequence[Lesson], number: int) -> list[Rubric]:
        return [made] * number

    made = asyncio.run(red_team(GOOD, Bench(), silent, BENCH, TARGET, QUICK))
    assert (made.exposed, made.tried, made.bench, made.gap) == (False, 0, None, None)
    assert made.fixes[0].code == "not_exposed" and "no proof" in made.fixes[0].hint


class Writer:
    """A model that is asked for words."""

    identity = name = "writer"
    calibrated = True
    questions_per_call = 1

    def __init__(self, *replies: str) -> None:
        self.asked: list[DecisionRequest] = []
        self._replies = replies

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.asked.append(request)
        text = self._replies[request.input.repeat]
        return DecisionReply((Answer("decided", reason=text) if text else Answer("failed", cause="refusal"),), Usage(1))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        pass


def test_a_model_rewrites_texts_by_id_and_a_reply_that_rewrites_nothing_is_no_edit() -> None:
    lesson = Lesson(BENCH[0], "preferred: the first is better", "preferred: the second is better")
    replies = ("1. help: Is of more use.\n- **safe: Is safer.**\nother: nothing", "help: Is brief.", "Certainly!", "")
    writer = Writer(*replies)
    edits = asyncio.run(text_editor(writer)(GOOD, [lesson], [lesson], 4))
    assert [[c.text for c in e.criteria] for e in edits] == [["Is of more use.", "Is safer."], ["Is brief.", "does safe"]]
    assert [(c.id, c.weight, c.scope) for c in edits[0].criteria] == [(c.id, c.weight, c.scope) for c in GOOD.criteria]
    shown = writer.asked[0].input.text
    assert "help: does help" in shown and "Wanted: preferred: the second is better" in shown and BENCH[0].responses[1].text in shown
    assert len({r.fingerprint("writer", r.questions[0]) for r in writer.asked}) == 4
