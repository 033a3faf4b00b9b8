"""How far two rankings agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from criterial.compare.against import rankings_agree
from criterial.core.score import Estimate, Ranking


def ranking(values: dict[str, float]) -> Ranking:
    names = tuple(sorted(values, key=lambda n: -values[n]))
    return Ranking(
        names, tuple(Estimate(values[n], None, None, 1, "x") for n in names), (0,) * len(names), ((1, len(names)),) * len(names), "m", "u"
    )


def test_the_tau_of_common_systems_has_an_interval_over_systems_that_covers() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        x = rng.normal(size=30)
        y = 0.8 * x + 0.6 * rng.normal(size=30)  # tau of normal pairs: 2 / pi * arcsin(.8)
        found = rankings_agree(ranking({f"s{i}": x[i] for i in range(30)}), ranking({f"s{i}": y[i] for i in range(30)} | {"other": 9.0}))
        assert found.value == pytest.approx(kendalltau(x, y).statistic) and found.n == 30
        covered += found.low <= 2 / np.pi * np.arcsin(0.8) <= found.high
    assert 0.91 <= covered / 200 <= 0.99


def test_what_cannot_be_told_says_why() -> None:
    one = ranking({"a": 1.0, "b": 2.0, "c": 3.0})
    assert rankings_agree(one, one).method == "no interval: 3 systems in the same order"
    assert rankings_agree(one, ranking({"z": 1.0})).value is None
    assert "equal" in rankings_agree(one, ranking({"a": 1.0, "b": 1.0})).method
