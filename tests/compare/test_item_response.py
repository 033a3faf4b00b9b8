"""criterial.compare.item_response: planted abilities, honest intervals, topics, levels, families, what is refused, a real matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import spearmanr

from criterial.compare.evidence import Evidence, Mark, evidence_of
from criterial.compare.item_response import METHOD, ItemResponse, families, item_response, one_thread
from criterial.core.score import Ranking
from criterial.errors import ConfigError
from criterial.maths.item_response import fit_items
from criterial.run.ranking import gather, rank
from tests.helpers_compare import marks_evidence
from tests.helpers_tables import shared

Floats = NDArray[np.float64]


def planted(systems: int, items: int, seed: int, slope: float = 0.4) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    theta, steep, difficulty = rng.normal(size=systems), np.exp(slope * rng.normal(size=items)), rng.normal(size=items)
    return theta, (rng.random((systems, items)) < expit(steep * (theta[:, None] - difficulty))).astype(np.float64)


def by_system(found: Ranking, systems: int) -> Floats:
    values = dict(zip(found.systems, found.strengths, strict=True))
    return np.array([values[f"s{s}"].value for s in range(systems)])


def codes(found: Ranking) -> dict[str, str]:
    return {n.code: n.severity for n in found.notes}


def in_suites(value: Floats, suite_I: Sequence[str]) -> Evidence:
    return evidence_of([Mark(f"s{s}", f"t{i}", float(value[s, i]), suite_I[i]) for s, i in np.ndindex(value.shape)], [])


def test_strengths_are_the_abilities_of_the_fit_and_intervals_its_covariance() -> None:
    _, value = planted(12, 40, 0)
    found = item_response(marks_evidence(value))
    with one_thread():
        fit = fit_items(value, np.ones(value.shape, dtype=np.bool_))
    assert fit.ability_cov_SS is not None
    assert by_system(found, 12) == pytest.approx(fit.ability_S)
    ses = dict(zip(found.systems, (s.se for s in found.strengths), strict=True))
    assert [ses[f"s{s}"] for s in range(12)] == pytest.approx(np.sqrt(np.diag(fit.ability_cov_SS)))


def test_differences_of_systems_hold_the_truth() -> None:
    held, false, same = [], 0, 0
    for seed in range(8):
        theta, value = planted(40, 80, seed)
        found = item_response(marks_evidence(value))
        for pair in found.comparisons:
            truth = theta[int(pair.better[1:])] - theta[int(pair.worse[1:])]
            assert pair.difference.low is not None and pair.difference.high is not None
            held.append(pair.difference.low <= truth <= pair.difference.high)
            false += pair.says == "significant" and truth < 0
        same += any(pair.says == "significant" and theta[int(pair.better[1:])] < theta[int(pair.worse[1:])] for pair in found.comparisons)
    assert 0.92 <= np.mean(held) <= 0.97
    assert false <= 2 and same <= 1


def test_equal_slopes_on_complete_marks_rank_as_sums_do() -> None:
    _, value = planted(30, 40, 3)
    found = item_response(marks_evidence(value), ItemResponse("rasch"))
    assert spearmanr(by_system(found, 30).round(5), value.sum(axis=1))[0] == pytest.approx(1.0)


def test_hard_items_do_not_make_a_system_weak() -> None:
    rng = np.random.default_rng(4)
    theta, difficulty = np.linspace(-1, 1, 40), np.repeat([-2.0, 2.0], 60)
    value = (rng.random((40, 120)) < expit(1.5 * (theta[:, None] - difficulty))).astype(np.float64)
    asked = np.ones(value.shape, dtype=np.bool_)
    asked[20:, :50] = False  # the better half was asked mostly hard items
    evidence = marks_evidence(value, asked)
    fair, plain = (spearmanr(by_system(m, 40), theta)[0] for m in (item_response(evidence), METHOD.call(evidence, ItemResponse("rasch"))))
    means = (value * asked).sum(axis=1) / asked.sum(axis=1)
    assert min(fair, plain) > 0.75 > 0.2 > spearmanr(means, theta)[0]


def test_topics_are_fitted_apart_and_averaged() -> None:
    (one, first), (two, second) = planted(40, 60, 5), planted(40, 30, 6)
    both = in_suites(np.hstack([first, second]), ["x"] * 60 + ["y"] * 30)
    found = item_response(both, ItemResponse(topics=True))
    apart = [by_system(item_response(marks_evidence(v)), 40) for v in (first, second)]
    assert by_system(found, 40) == pytest.approx((apart[0] + apart[1]) / 2, abs=1e-4)
    assert spearmanr(by_system(found, 40), one + two)[0] > 0.9
    assert codes(item_response(both))["dimensions"] == "warning"
    assert {n.where for n in found.notes if n.code == "dimensions"} == {"x", "y"}
    assert all(n.severity == "note" for n in found.notes if n.code == "dimensions")


def test_levels_are_found_in_the_marks() -> None:
    rng = np.random.default_rng(7)
    theta, cuts = rng.normal(size=40), np.sort(rng.normal(size=(25, 3)), axis=1)
    level = (1.5 * theta[:, None, None] + rng.logistic(size=(40, 25))[:, :, None] > 1.5 * cuts).sum(axis=2)
    marks = np.array([1.0, 2.0, 5.0, 10.0])[level]
    found = item_response(marks_evidence(marks), ItemResponse("graded"))
    assert spearmanr(by_system(found, 40), theta)[0] > 0.93
    assert "graded" in found.method
    halves = item_response(marks_evidence((level > 1).astype(np.float64)), ItemResponse("graded"))
    assert by_system(halves, 40) == pytest.approx(by_system(item_response(marks_evidence((level > 1).astype(np.float64))), 40))


def test_what_fits_no_model_is_refused() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(ConfigError, match=r"marks run from .* to .*model 2pl"):
        item_response(marks_evidence(rng.integers(1, 10, size=(5, 20)).astype(np.float64)))
    with pytest.raises(ConfigError, match="100 different values; model graded takes 20"):
        item_response(marks_evidence(rng.random((5, 20))), ItemResponse("graded"))
    uneven = evidence_of([Mark("a", "t", 1.0, "x"), Mark("b", "t", 0.0, "x"), Mark("a", "u", 1.0, "y")], [])
    with pytest.raises(ConfigError, match="'b' has no mark on 'y'"):
        item_response(uneven, ItemResponse(topics=True))


def test_notes_say_what_cannot_be_said() -> None:
    _, value = planted(10, 40, 9)
    value[:, 0] = 1.0
    few = codes(item_response(marks_evidence(value)))
    assert few.keys() >= {"few_systems", "constant_items", "optimum"} and not few.keys() & {"dimensions", "family", "shares"}
    assert "few_systems" not in codes(item_response(marks_evidence(value), ItemResponse("rasch")))
    assert "shares" in codes(item_response(marks_evidence(value * 0.5)))
    assert sum(codes(item_response(marks_evidence(planted(30, 60, seed)[1])))["dimensions"] == "warning" for seed in range(8)) <= 1


def test_near_identical_systems_are_named_and_others_are_not() -> None:
    false = 0
    for seed in range(8):
        _, value = planted(30, 150, seed + 20)
        false += "family" in codes(item_response(marks_evidence(value)))
        rng = np.random.default_rng(seed)
        for copy in (4, 5):
            value[copy] = np.where(rng.random(150) < 0.9, value[3], value[copy])
        found = [n.message for n in item_response(marks_evidence(value)).notes if n.code == "family"]
        assert len(found) == 1 and "s3, s4, s5" in found[0]
    assert false == 0


def test_a_few_items_in_common_make_no_family() -> None:
    residual = np.tile([0.5, -0.5], (3, 40))
    known = np.zeros(residual.shape, dtype=np.bool_)
    known[:2], known[2, :19] = True, True
    assert families(residual, known) == [[0, 1]]


def test_real_systems_under_two_names_are_found() -> None:
    marks = gather([shared("data/zeroeval_matrix")]).marks
    crux = [i for i, item in enumerate(marks.items) if item.startswith("crux/")]
    cells = [
        Mark(marks.systems[s], marks.items[i], marks.value_SI[s, i])
        for s in range(len(marks.systems))
        for i in crux
        if marks.known_SI[s, i]
    ]
    found = item_response(evidence_of(cells, []))
    named = [set(n.message.partition(": ")[2].partition(" are right")[0].split(", ")) for n in found.notes if n.code == "family"]
    assert {"Llama-3.1-405B-Inst@sambanova", "Meta-Llama-3.1-405B-Instruct@hyperbolic"} <= next(
        n for n in named if any("405B" in s for s in n)
    )
    assert {"yi-large", "yi-large-preview"} in named and {"gemini-1.5-pro-exp-0801", "gemini-1.5-pro-exp-0827"} in named
    assert len(named) == 3


def test_a_file_of_right_and_wrong_is_ranked(tmp_path: Path) -> None:
    _, value = planted(8, 30, 11)
    rows = ["system," + ",".join(f"q{i}" for i in range(30))]
    rows += [f"m{s}," + ",".join(str(int(v)) for v in value[s]) for s in range(8)]
    (tmp_path / "marks.csv").write_text("\n".join(rows) + "\n")
    found = rank(tmp_path / "marks.csv", method="item_response", model="rasch")
    best = gather([tmp_path / "marks.csv"]).marks.value_SI.mean(axis=1).argmax()
    assert found.systems[0] == f"m{best}" or value.sum(axis=1)[int(found.systems[0][1:])] == value.sum(axis=1).max()
