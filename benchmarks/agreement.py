"""How fast agreement is: Krippendorff's alpha beside two libraries, all figures with intervals; and how often intervals hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import evalica
import krippendorff
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from stopwatch import best

from criterial.maths import association as of
from criterial.maths.agreement import counts_of
from criterial.maths.raters import Metric, alpha, cohen, fleiss, gwet, tally
from criterial.maths.sums import Sums, estimates

RATERS, ITEMS, TASKS, RESAMPLES = 10, 100_000, 2_000, 2_000
LEVEL_L = np.arange(5.0)


def alphas() -> None:
    """Print milliseconds of alpha, each library given what it reads."""
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 6, ITEMS)
    value = np.where(rng.random((RATERS, ITEMS)) < 0.5, truth, rng.integers(1, 6, (RATERS, ITEMS))).astype(np.float64)
    known = rng.random(value.shape) < 0.8
    holed = np.where(known, value, np.nan)
    frame = pd.DataFrame(holed)
    print(f"alpha of {RATERS} x {ITEMS:,} ratings, a fifth missing (ms)    ours   krippendorff   evalica")
    for metric in get_args(Metric):
        found = alpha(value, known, metric).value
        assert found is not None
        assert abs(found - evalica.alpha(frame, metric).alpha) < 1e-9
        works: list[Callable[[], object]] = [
            lambda m=metric: alpha(value, known, m).value,
            lambda m=metric: krippendorff.alpha(holed, level_of_measurement=m),
            lambda m=metric: evalica.alpha(frame, m),
        ]
        spent = np.min([[best(w, 1) for w in works] for _ in range(12)], axis=0)  # in turn, so that a busy moment hits all
        print(f"{metric:48} {1000 * spent[0]:8.1f} {1000 * spent[1]:14.1f} {1000 * spent[2]:9.1f}")


def twenty() -> None:
    """Print seconds of twenty figures of 10^5 verdicts with intervals."""
    rng = np.random.default_rng(1)
    p = np.round(rng.beta(1.5, 1, ITEMS), 3)
    label = (rng.random(ITEMS) < p).astype(np.float64)
    marks = np.clip(rng.integers(0, 5, ITEMS) + rng.integers(-1, 2, (3, ITEMS)), 0, 4).astype(np.float64)
    known, all_I = rng.random(marks.shape) < 0.9, np.ones(ITEMS, dtype=np.bool_)
    cluster = rng.integers(0, TASKS, ITEMS)

    def made() -> list[Sums]:
        counts, (tallied, level) = counts_of(p > 0.5, label > 0.5), tally(marks, known, LEVEL_L)
        verdicts = [f(counts) for f in (of.accuracy, of.kappa, of.mcc, of.tpr, of.tnr, of.precision, of.f1)]
        ranks = [of.spearman(p, label, all_I), of.kendall(marks[0], marks[1], all_I), of.pearson(p, label, all_I)]
        chances = [f(p, label, all_I) for f in (of.brier, of.log_loss, of.ece, of.calibration_error)]
        many = [alpha(marks, known, m) for m in ("nominal", "ordinal", "interval")]
        return [*verdicts, *ranks, *chances, *many, fleiss(tallied, level), gwet(tallied, level), cohen(marks[:2], known[:2], "quadratic")]

    figures = made()
    assert len(figures) == 20
    sums = best(made, 3)
    drawn = best(lambda: estimates(figures, cluster, RESAMPLES), 2)
    print(f"\n20 figures of {ITEMS:,} verdicts in {TASKS:,} tasks, {RESAMPLES:,} resamples: {sums + drawn:.2f} s (bar 5)")
    print(f"  their sums {sums:.2f} s, the bootstrap {drawn:.2f} s; Kendall's tau of that many different pairs", end=" ")
    print(f"{best(lambda: of.kendall(p + rng.random(ITEMS), p, all_I), 1):.2f} s")


def held(clusters: int, repeats: int) -> NDArray[np.float64]:
    """Return how often 95 % intervals hold kappa, accuracy, alpha and F1 of three raters, four items a cluster, in per cent."""
    rng = np.random.default_rng(clusters)

    def drawn(many: int) -> tuple[list[Sums], NDArray[np.int64]]:
        cluster = np.repeat(np.arange(many), 4)
        truth = rng.random(4 * many) < rng.beta(3, 2, many)[cluster]
        said = truth ^ (rng.random((3, 4 * many)) < np.array([[0.1], [0.15], [0.25]]))
        counts = counts_of(said[0], said[2])
        return [
            of.kappa(counts),
            of.accuracy(counts),
            alpha(said.astype(np.float64), np.ones(said.shape, dtype=np.bool_)),
            of.f1(counts),
        ], cluster

    planted = [f.value or 0.0 for f in drawn(200_000)[0]]
    found = np.zeros((2, 4))
    for repeat in range(repeats):
        figures, cluster = drawn(clusters)
        for row, level in enumerate((0.95, _unwidened(clusters))):
            made = estimates(figures, cluster, 500, repeat, level)
            found[row] += [f.low is not None and f.high is not None and f.low <= p <= f.high for f, p in zip(made, planted, strict=True)]
    return 100 * found / repeats


def _unwidened(clusters: int) -> float:
    """Return the level at which `estimates` gives the plain percentile interval of 95 %."""
    return float(1 - 2 * stats.t.sf(stats.norm.ppf(0.975) * np.sqrt((clusters - 1) / clusters), clusters - 1))


def main() -> None:
    """Print the tables."""
    alphas()
    twenty()
    print("\nintervals of 95 % that hold the planted figure (%, +-1)    kappa  accuracy  alpha     F1   (plain percentile intervals)")
    for clusters in (5, 10, 20, 40, 80):
        ours, plain = held(clusters, 500)
        shown, beside = ("  ".join(f"{v:6.1f}" for v in row) for row in (ours, plain))
        print(f"{clusters:3} clusters of four items {'':31} {shown}   ({beside})")


if __name__ == "__main__":
    main()
