"""criterial.audit.alignment: the card's planted judges, one of which only knows names; figures beside those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from criterial.audit.alignment import Alignment, alignment, divergence
from criterial.compare.evidence import Mark, Marks, evidence_of
from criterial.core.score import Part, Score
from criterial.errors import ConfigError

SYSTEMS, SUITES, ITEMS = 5, 7, 100


def marks(value_SKI: NDArray[np.float64], known_SKI: NDArray[np.bool_] | None = None) -> Marks:
    known = np.ones(value_SKI.shape, bool) if known_SKI is None else known_SKI
    return evidence_of([Mark(f"s{s}", f"i{i}", float(value_SKI[s, k, i]), f"b{k}") for s, k, i in np.argwhere(known).tolist()], []).marks


def planted(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64], np.random.Generator]:
    """Return the card's right answers, whose cells have accuracies from .3 to .95, systems' own levels in them, and the accuracies."""
    rng = np.random.default_rng(seed)
    level_S, hard_K = np.linspace(0.38, 0.87, SYSTEMS), rng.permuted(np.linspace(-0.08, 0.08, SUITES))
    accuracy_SK = level_S[:, None] + hard_K
    correct_SKI = (rng.random((SYSTEMS, SUITES, ITEMS)) < accuracy_SK[:, :, None]).astype(float)
    return correct_SKI, accuracy_SK, rng


def judged(seed: int = 0) -> Alignment:
    correct, _, rng = planted(seed)
    return alignment(marks(1 + 4 * correct + rng.normal(0, 0.5, correct.shape)), marks(correct), resamples=200)


def test_a_judge_of_responses_is_aligned_over_cells_and_within_systems() -> None:
    found = judged()
    assert (found.cells, found.marks) == (35, 3500) and found.suites == tuple(f"b{k}" for k in range(7))
    # the card: .95 or more over 35 cells (measured .998)
    assert found.pearson.value > 0.95 and found.spearman.value > 0.95
    assert found.within_systems.low > 0.9 and found.within_cells.low > 0.9
    assert [name for name, _ in found.by_system] == list(found.systems) and min(f.low for _, f in found.by_system) > 0.85
    assert found.notes == ()


def test_a_judge_that_knows_only_the_systems_name_is_high_over_cells_and_nothing_within_systems() -> None:
    correct, _, rng = planted()
    constant = np.broadcast_to(np.linspace(2, 4, SYSTEMS)[:, None, None], correct.shape)
    for name, noise in (("constant", 0.0), ("with noise", 0.4)):
        found = alignment(marks(constant + rng.normal(0, noise, correct.shape)), marks(correct), resamples=200)
        assert found.pearson.value > 0.9, name
        assert found.pearson.low > 0.85, name
        assert abs(found.within_systems.value) < (0.04 if noise else 1e-12), name
        assert [n.code for n in found.notes] == ["names_alone"], name


def test_a_judge_that_knows_the_benchmarks_name_besides_is_nothing_within_cells() -> None:
    correct, accuracy, _ = planted()
    found = alignment(marks(np.broadcast_to(accuracy[:, :, None], correct.shape)), marks(correct), resamples=200)
    assert found.pearson.value > 0.95 and found.within_cells.value == 0.0
    assert found.within_systems.value > 0.05  # it tells easy benchmarks from hard ones


def test_figures_are_those_of_scipy() -> None:
    correct, _, rng = planted(3)
    judge = 1 + 2 * correct + rng.normal(0, 1.5, correct.shape)
    found = alignment(marks(judge), marks(correct), resamples=50)
    cells = [a.mean(axis=2).ravel() for a in (judge, correct)]
    assert found.pearson.value == pytest.approx(stats.pearsonr(*cells)[0])
    assert found.spearman.value == pytest.approx(stats.spearmanr(*cells)[0])
    for figure, axes in ((found.within_systems, (1, 2)), (found.within_cells, (2,))):
        apart = [(a - a.mean(axis=axes, keepdims=True)).ravel() for a in (judge, correct)]
        assert figure.value == pytest.approx(stats.pearsonr(*apart)[0])
    assert found.by_system[2][1].value == pytest.approx(stats.pearsonr(judge[2].ravel(), correct[2].ravel())[0])
    assert found.range == pytest.approx(tuple(np.quantile(judge, [0.05, 0.95])))


def test_intervals_are_over_items_and_hold_what_other_items_give() -> None:
    low, high = judged().within_cells.low, judged().within_cells.high
    others = [judged(seed).within_cells.value for seed in range(1, 21)]
    assert np.mean([low - 0.01 < v < high + 0.01 for v in others]) > 0.7
    assert judged().within_cells.method == "bootstrap of 700 items"
    for found in (judged().pearson, judged().spearman):  # percentiles of resamples would end below the figure: .9975 in place of .9976
        assert found.method == "Fisher's z, bootstrap of 700 items" and found.low < found.value < found.high <= 1.0
    assert np.std(others) == pytest.approx(judged().within_cells.se, rel=0.6)


def test_only_what_both_marked_counts_whatever_its_order() -> None:
    correct, _, rng = planted(1)
    judge = correct + rng.normal(0, 0.5, correct.shape)
    known = rng.random(correct.shape) < 0.7
    less = alignment(marks(judge, known), marks(correct), resamples=50)
    assert less.marks == known.sum()
    apart = [(a - (a * known).sum(axis=2, keepdims=True) / known.sum(axis=2, keepdims=True))[known] for a in (judge, correct)]
    assert less.within_cells.value == pytest.approx(stats.pearsonr(*apart)[0])
    turned = [Mark(m.system, m.item, m.value, m.suite) for m in _listed(marks(correct))[::-1]]
    assert alignment(marks(judge, known), evidence_of(turned, []).marks, resamples=50).within_cells == less.within_cells


def _listed(given: Marks) -> list[Mark]:
    return [
        Mark(s, item, float(given.value_SI[i, j]), given.suites[given.suite_I[j]])
        for i, s in enumerate(given.systems)
        for j, item in enumerate(given.items)
    ]


def test_few_systems_and_nothing_in_common_are_said() -> None:
    correct, _, _ = planted()
    few = alignment(marks(correct[:3]), marks(correct[:3]), resamples=50)
    assert [n.code for n in few.notes] == ["few_cells"] and few.pearson.value == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="have 2 cells"):
        alignment(marks(correct[:2, :1]), marks(correct[:2, :1]))
    other = evidence_of([Mark("x", "y", 1.0), Mark("z", "y", 0.0)], []).marks
    with pytest.raises(ConfigError, match="have 0 cells"):
        alignment(other, marks(correct))
    same = alignment(marks(correct), marks(np.ones_like(correct)), resamples=50)
    assert same.pearson.value is None and "the same in all cells" in same.pearson.method
    assert same.within_systems.value is None and "do not vary" in same.within_systems.method


# ------------------------------------------------------------------------------------------------------------------- divergence


def scores(prompt: float, response: float, tasks: int = 20, seed: int = 0) -> list[Score]:
    rng = np.random.default_rng(seed)
    out = []
    for t in range(tasks):
        parts = {name: Part(v + float(rng.normal(0, 0.3)), 1.0, 5.0, 1.0) for name, v in (("prompt", prompt), ("response", response))}
        parts = {f"category:{name}": part for name, part in parts.items()}
        out.append(Score(f"r{t}", f"t{t}", "model", (prompt + response) / 2, 1.0, 5.0, None, 1.0, parts))
    return out


def test_a_directive_prompt_that_spoils_responses_raises_the_alarm() -> None:
    # the card: a jailbreak moves the prompt by +.73 and the response by -.93
    found = divergence(scores(3.8, 4.5), scores(4.53, 3.57, seed=1))
    assert found.apart and found.first.value == pytest.approx(0.73, abs=0.15) and found.second.value == pytest.approx(-0.93, abs=0.15)
    assert divergence(scores(4.53, 3.57), scores(3.8, 4.5, seed=1)).apart  # the other way round it is an alarm too
    assert not divergence(scores(3.8, 4.5), scores(3.8, 4.5, seed=1)).apart
    assert not divergence(scores(3.8, 4.5), scores(3.0, 3.5, seed=1)).apart  # both fall: a worse prompt
    assert not divergence(scores(3.8, 4.5), scores(4.6, 4.5, seed=1)).apart


def test_scores_without_both_parts_are_left_out_or_refused() -> None:
    half = [Score(s.response, s.task, s.system, s.value, s.low, s.high, None, 1.0, {}) for s in scores(3, 4)[:5]]
    assert divergence([*half, *scores(3, 4)[5:]], scores(3, 4, seed=1)).first.n == 15
    with pytest.raises(ConfigError, match="no task has scores"):
        divergence(half, scores(3, 4))
