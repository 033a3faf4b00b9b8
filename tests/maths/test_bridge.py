"""criterial.maths.bridge: planted bridges give their diffusion back, shuffles are rougher, and nothing depends on frame or direction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from criterial.errors import ConfigError
from criterial.maths.bridge import (
    bridge_deviations,
    diffusion,
    misfits,
    order_evidence,
    roughness,
    surprise,
    window_deviations,
    window_roughness,
)
from tests.helpers_tables import QUICK

TRUE = 0.09
Path = np.ndarray


def bridges(count: int = 200, apart: float = 1.0, seed: int = 0, shortest: int = 10, longest: int = 30) -> list[Path]:
    """Return Brownian bridges in 8 dimensions from 0 to an end so far away."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        last = int(rng.integers(shortest, longest + 1)) - 1
        walk = np.vstack([np.zeros(8), np.cumsum(rng.normal(size=(last, 8)) * np.sqrt(TRUE), axis=0)])
        end = rng.normal(size=8)
        share = np.arange(last + 1)[:, None] / last
        out.append(walk - share * walk[-1] + share * apart * end / np.linalg.norm(end))
    return out


def test_the_planted_diffusion_is_found() -> None:
    assert np.mean([diffusion(z) for z in bridges()]) == pytest.approx(TRUE, rel=0.03)  # the card: .0895 against .09
    for window in (1, 2, 3):  # the same unit, whatever the window
        assert np.mean([window_deviations(z, window).mean() for z in bridges()]) == pytest.approx(TRUE, rel=0.04)
    assert np.mean([roughness(z, TRUE) for z in bridges()]) == pytest.approx(1.0, abs=0.03)


def test_a_deviation_is_the_same_in_expectation_at_every_place_and_length() -> None:
    same = np.array([bridge_deviations(z) for z in bridges(600, shortest=12, longest=12)])
    assert np.allclose(same.mean(axis=0), TRUE, rtol=0.08)
    lengths = [np.mean([diffusion(z) for z in bridges(400, shortest=n, longest=n)]) for n in (5, 20, 40)]
    assert np.allclose(lengths, TRUE, rtol=0.06)


def test_surprise_is_the_mean_negative_log_density_of_each_sentence() -> None:
    z = bridges(1)[0]
    last = len(z) - 1
    expected = []
    for t in range(1, last):
        spread = TRUE * t * (last - t) / last
        expected.append(-stats.multivariate_normal(z[0] + t / last * (z[-1] - z[0]), spread * np.eye(8)).logpdf(z[t]))
    assert surprise(z, TRUE) == pytest.approx(np.mean(expected))


def first(z: Path) -> float:
    return float(window_deviations(z, 1).mean())


def shuffle(z: Path, rng: np.random.Generator) -> Path:
    return z[rng.permutation(len(z))]


def between(z: Path, rng: np.random.Generator) -> Path:
    return np.vstack([z[:1], shuffle(z[1:-1], rng), z[-1:]])


def rotated(z: Path, rng: np.random.Generator) -> Path:
    at = rng.integers(1, len(z) - 4)
    out = z.copy()
    out[[at, at + 1, at + 2]] = z[[at + 1, at + 2, at]]
    return out


def blocks(z: Path, rng: np.random.Generator) -> Path:
    cut = [z[i : i + 5] for i in range(0, len(z), 5)]
    return np.vstack([cut[i] for i in rng.permutation(len(cut))])


def beats(statistic: Callable[[Path], float], change: Callable[[Path, np.random.Generator], Path], apart: float) -> float:
    rng = np.random.default_rng(1)
    return float(np.mean([statistic(z) < statistic(change(z, rng)) for z in bridges(1000, apart)]))


def test_originals_are_told_from_shuffles_as_the_card_measured() -> None:
    # The card's figures of the global deviation (.97 for shuffles, .68 for a rotated triple, .60 for blocks of five) hang on how far the
    # ends lie apart and on whether they are shuffled too, which it does not say. No one distance gives all three: 1, which training aims
    # at, gives .72, .72 and .29, and 3 gives .98, .82 and .69. Its windows (1.00 and .98) come out at any.
    assert beats(diffusion, shuffle, 3.0) == pytest.approx(0.97, abs=0.03)
    assert beats(diffusion, shuffle, 1.0) == pytest.approx(0.72, abs=0.04) and beats(diffusion, between, 1.0) >= 0.97
    assert beats(diffusion, rotated, 1.0) == pytest.approx(0.72, abs=0.04)
    assert beats(diffusion, blocks, 1.0) < 0.4 and beats(diffusion, blocks, 3.0) > 0.6
    assert beats(first, shuffle, 1.0) == beats(first, shuffle, 3.0) == 1.0
    assert beats(first, rotated, 1.0) == pytest.approx(0.98, abs=0.02)
    assert beats(window_roughness, shuffle, 1.0) == 1.0 and beats(window_roughness, rotated, 1.0) >= 0.9


def test_a_path_backwards_moved_turned_or_scaled_says_the_same() -> None:
    rng = np.random.default_rng(2)
    turn = stats.ortho_group.rvs(8, random_state=3)
    for z in bridges(20):
        other = [z[::-1], z + rng.normal(size=8), z @ turn]
        for statistic in (diffusion, window_roughness, lambda z: surprise(z, TRUE), lambda z: float(window_deviations(z, 2).mean())):
            assert [statistic(o) for o in other] == pytest.approx([statistic(z)] * 3)
        assert roughness(z * 7, TRUE * 49) == pytest.approx(roughness(z, TRUE))
        assert order_evidence(z * 7, 30) == order_evidence(z, 30)


@settings(QUICK)
@given(st.integers(0, 1000), st.integers(4, 12), st.integers(1, 4))
def test_deviations_are_those_of_the_definition(seed: int, length: int, dims: int) -> None:
    z = np.random.default_rng(seed).normal(size=(length, dims))
    last = length - 1
    for t in range(1, last):
        line = z[0] * (1 - t / last) + z[last] * t / last
        assert bridge_deviations(z)[t - 1] == pytest.approx(last * ((z[t] - line) ** 2).sum() / (dims * t * (last - t)))
    for w in (1, 2, 3):
        found = window_deviations(z, w)
        assert len(found) == max(length - 2 * w, 0)
        for i, value in enumerate(found):
            assert value == pytest.approx(((z[i + w] - (z[i] + z[i + 2 * w]) / 2) ** 2).sum() / (dims * w / 2))


def test_the_misplaced_sentence_fits_worst() -> None:
    line = np.outer(np.arange(12.0), [1.0, 0.5])
    line[7] += [0.0, 9.0]
    assert misfits(line).argmax() == 7
    assert misfits(line)[0] == misfits(line)[-1] == 0.0


def test_evidence_is_1_for_a_straight_path_and_one_half_where_order_means_nothing() -> None:
    assert order_evidence(np.arange(30.0)[:, None]) == 1.0
    rng = np.random.default_rng(4)
    none = [order_evidence(rng.normal(size=(15, 4)), 40, seed) for seed in range(100)]
    assert np.mean(none) == pytest.approx(0.5, abs=0.09)  # uniform: 3 standard errors
    assert stats.kstest(none, "uniform").pvalue > 0.01
    assert order_evidence(np.ones((6, 2))) == 0.5
    assert np.mean([order_evidence(z, 40) for z in bridges(30)]) == pytest.approx(1.0, abs=0.01)


def test_what_has_no_path_is_refused() -> None:
    for z, says in ((np.ones((3, 2)), "at least 4"), (np.ones((5, 0)), "at least 4"), (np.full((5, 2), np.nan), "not a finite")):
        for figure in (diffusion, window_roughness, misfits, order_evidence):
            with pytest.raises(ConfigError, match=says):
                figure(z)
    for s2 in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ConfigError, match="above 0"):
            roughness(np.eye(5), s2)
        with pytest.raises(ConfigError, match="above 0"):
            surprise(np.eye(5), s2)
    with pytest.raises(ConfigError, match="at least one sentence"):
        window_deviations(np.eye(5), 0)
