"""The rubric anchors of Rubicon: identities, the published shape of saturation and spread, vetoes that nothing makes up for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from criterial.core.scale import Numeric
from criterial.errors import ConfigError
from criterial.score.operators import Saturate
from criterial.score.saturating import METHOD
from criterial.score.totals import Shape
from tests.helpers_tables import FAILED, MANY, crit, rubric, score_of, scores

UNIT = Numeric(0.0, 1.0)
SHARES = st.lists(st.floats(0, 1).map(lambda v: round(v, 4)), min_size=1, max_size=6)


def anchors(count: int, **options: object) -> object:
    return rubric(*(crit(f"d{i}", i + 1.0, scale=UNIT) for i in range(count)), policy="saturating", **options)


@given(SHARES)
@MANY
def test_at_neutral_settings_the_score_is_the_weighted_mean(shares: list[float]) -> None:
    found = score_of(anchors(len(shares), kappa=0.0, knee=1.0), shares).value
    weights = range(1, len(shares) + 1)
    assert found == pytest.approx(sum(w * s for w, s in zip(weights, shares, strict=True)) / sum(weights), abs=1e-12)


@given(SHARES)
@MANY
def test_the_score_is_the_formula_and_stays_within_0_and_1(shares: list[float]) -> None:
    bent = [(1 - math.exp(-2 * s)) / (1 - math.exp(-2)) for s in shares]
    base = sum(w * u for w, u in zip(range(1, 99), bent, strict=False)) / sum(range(1, len(shares) + 1))
    expected = base * 0.4 / 0.7 if base <= 0.7 else 1 - 2 * (1 - base)
    assert score_of(anchors(len(shares)), shares).value == pytest.approx(expected, abs=1e-12)


def test_the_top_fifth_gains_a_fifth_of_what_the_bottom_fifth_gains() -> None:
    curve = Saturate(2.0).curve(np.array([0.0, 0.2, 0.8, 1.0]))
    assert (curve[0], curve[3]) == (0.0, 1.0)
    assert (curve[1] - curve[0], curve[3] - curve[2]) == (pytest.approx(0.381, abs=5e-4), pytest.approx(0.077, abs=5e-4))


def test_the_top_region_is_spread_out() -> None:
    found = [score_of(anchors(1, kappa=0.0), [s]).value for s in (0.0, 0.7, 0.85, 1.0)]
    assert found == pytest.approx([0.0, 0.4, 0.7, 1.0])
    assert Shape().knee == 0.7


def test_a_vetoed_response_ranks_below_all_others_whatever_else_it_does() -> None:
    veto = {"veto": {"d0": 0.5}}
    saint, sinner, poor = scores(anchors(4, **veto), [[1, 1, 1, 1], [0.4, 1, 1, 1], [0.5, 0, 0, 0]])
    assert sinner.value == 0.0
    assert 0.0 < (poor.value or 0.0) < (saint.value or 0.0)
    assert any(line.startswith("veto: ") for line in sinner.acted)
    unknown = score_of(anchors(4, **veto), [FAILED, 1, 1, 1])
    assert unknown.low == 0.0


def test_synergy_pays_both_and_lopsidedness_costs() -> None:
    base = {"kappa": 0.0, "knee": 1.0}
    even, odd = scores(anchors(2, **base, synergy={"d0+d1": 0.2}), [[0.5, 0.5], [1.0, 0.0]])
    assert (even.value, odd.value) == (pytest.approx(0.5 + 0.2 * 0.5), pytest.approx(1 / 3))
    even, odd = scores(anchors(2, **base, lopsided={"d0+d1": -0.3}), [[0.5, 0.5], [1.0, 0.0]])
    assert (even.value, odd.value) == (pytest.approx(0.5), pytest.approx(1 / 3 - 0.3))


def test_a_fault_is_a_dimension_that_is_full_where_it_is_absent() -> None:
    made = rubric(crit("good"), crit("flatters", -1.0), policy="saturating", veto={"flatters": 0.5})
    clean, flattering = scores(made, [[1, 0], [1, 1]])
    assert (clean.value, flattering.value) == (1.0, 0.0)


@pytest.mark.parametrize("options", [{"kappa": -1.0}, {"knee": 0.4}, {"synergy": {"a": 0.1}}, {"veto": {"a": 2.0}}], ids=repr)
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        METHOD.with_options(options)
