"""Intraclass correlations are Shrout and Fleiss', with their intervals, and those that were planted."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from criterial.errors import ConfigError
from criterial.maths.icc import Model, icc, icc_interval
from criterial.maths.sums import estimate

TABLE = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=np.float64).T
ALL = np.ones(TABLE.shape, dtype=np.bool_)
PUBLISHED = [  # the correlations of Shrout and Fleiss (1979), table 4; the intervals as the R package psych gives them
    (1, False, 0.17, -0.133, 0.72),
    (2, False, 0.29, 0.019, 0.76),
    (3, False, 0.71, 0.342, 0.95),
    (1, True, 0.44, -0.884, 0.91),
    (2, True, 0.62, 0.071, 0.93),
    (3, True, 0.91, 0.676, 0.99),
]


@pytest.mark.parametrize(("model", "mean", "value", "low", "high"), PUBLISHED)
def test_the_published_table(model: Model, mean: bool, value: float, low: float, high: float) -> None:
    found = icc_interval(TABLE, ALL, model, mean)
    assert found.value == icc(TABLE, ALL, model, mean).value == pytest.approx(value, abs=5e-3)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-4), pytest.approx(high, abs=5e-3))
    moved = icc_interval(1e7 + 3 * TABLE, ALL, model, mean)
    assert moved[:3] == pytest.approx(found[:3], abs=1e-6)


def planted(rng: np.random.Generator, items: int, raters: int) -> np.ndarray:
    """Return marks in which items have variance 4, raters 1 and errors 2."""
    return rng.normal(0, 2, items) + rng.normal(0, 1, (raters, 1)) + rng.normal(0, np.sqrt(2), (raters, items))


def test_planted_variances_are_found() -> None:
    marks = planted(np.random.default_rng(0), 4000, 150)
    there = np.ones(marks.shape, dtype=np.bool_)
    assert icc(marks, there, 2).value == pytest.approx(4 / 7, abs=0.03)
    assert icc(marks, there, 3).value == pytest.approx(4 / 6, abs=0.02)
    assert icc(marks[:4], there[:4], 3, mean=True).value == pytest.approx(4 / (4 + 2 / 4), abs=0.01)


def test_with_cells_missing_one_way_takes_all_and_the_others_complete_items() -> None:
    rng = np.random.default_rng(0)
    marks = rng.normal(0, 2, 3000) + rng.normal(0, 2, (5, 3000))
    there = rng.random(marks.shape) < 0.5
    rubbish = np.where(there, marks, np.nan)
    assert icc(rubbish, there, 1).value == pytest.approx(0.5, abs=0.03)
    whole = there.all(axis=0)
    for model in (2, 3):
        assert icc(rubbish, there, model).value == icc(marks[:, whole], there[:, whole], model).value


@pytest.mark.parametrize("model", get_args(Model))
def test_a_resample_is_the_figure_of_the_items_that_were_drawn(model: Model) -> None:
    rng = np.random.default_rng(1)
    marks, there = planted(rng, 40, 4), rng.random((4, 40)) < 0.9
    drawn = rng.integers(0, 40, 40)
    whole = icc(marks, there, model, mean=True)
    again = icc(marks[:, drawn], there[:, drawn], model, mean=True)
    assert whole.statistic(whole.sums_IM[drawn].sum(axis=0, keepdims=True))[0] == pytest.approx(again.value, abs=1e-9)


@pytest.mark.parametrize(("model", "mean", "truth"), [(1, False, 0.5), (1, True, 0.75), (3, False, 0.5), (3, True, 0.75)])
def test_intervals_hold_the_planted_figure_as_often_as_they_say(model: Model, mean: bool, truth: float) -> None:
    rng = np.random.default_rng(2)
    there = np.ones((3, 25), dtype=np.bool_)
    held = 0
    for _ in range(500):
        found = icc_interval(rng.normal(0, 1, 25) + rng.normal(0, 1, (3, 25)), there, model, mean)
        held += (found.low or 0) <= truth <= (found.high or 0)
    assert 0.93 <= held / 500 <= 0.97


def test_what_cannot_be_correlated() -> None:
    same = icc_interval(np.ones((2, 4)), np.ones((2, 4), dtype=np.bool_))
    assert (same.value, same.reason) == (None, "all marks are the same")
    agreed = icc_interval(np.tile(np.arange(4.0), (2, 1)), np.ones((2, 4), dtype=np.bool_), 1)
    assert (agreed.value, agreed.low, agreed.reason) == (pytest.approx(1.0), None, "no interval: no error is left to measure")
    none = icc_interval(np.ones((2, 4)), np.zeros((2, 4), dtype=np.bool_))
    assert (none.value, none.reason) == (None, "there is nothing to take it of")
    assert estimate(icc(TABLE, ALL, 3), np.arange(6)).value == pytest.approx(0.715, abs=5e-4)
    for model in get_args(Model):
        assert icc_interval(TABLE[:, :1], ALL[:, :1], model).value is None
    with pytest.raises(ConfigError, match="needs two"):
        icc(TABLE[:1], ALL[:1])
    with pytest.raises(ConfigError, match="not a finite number"):
        icc(np.full((2, 3), np.nan), np.ones((2, 3), dtype=np.bool_))


def test_the_interval_of_the_mean_of_raters_is_none_where_its_lower_end_is_minus_infinity() -> None:
    value = np.array([[1.0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 2, 1]])
    known = np.array([[1, 0, 0, 1, 0, 1, 1, 1], [0, 1, 1, 1, 1, 1, 1, 1]], dtype=np.bool_)
    found = icc_interval(value, known, 2, mean=True)
    assert found.value == 0.0 and (found.low, found.high) == (None, None) and "no lower end" in found.reason
