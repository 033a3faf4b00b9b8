"""Bradley-Terry with ties and covariance against evalica and choix in one run, and its bootstrap; memory of this process at the end."""

from __future__ import annotations

import resource
import time

import choix
import evalica
import numpy as np
from stopwatch import best

from criterial.compare.davidson import fit_contests
from criterial.compare.davidson_bootstrap import resampled_strengths
from criterial.compare.evidence import Contests

CONTESTS, RESAMPLES = 100_000, 1000


def planted(systems: int, tie: float = 0.7) -> Contests:
    """Return contests of systems with normal strengths by Davidson's model."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, systems, CONTESTS)
    second = (first + rng.integers(1, systems, CONTESTS)) % systems
    strength = rng.normal(0, 1, systems)
    half = 0.5 * (strength[first] - strength[second])
    weight = np.stack([np.exp(half), np.full(CONTESTS, tie), np.exp(-half)], axis=1)
    drawn = rng.random(CONTESTS) * weight.sum(axis=1)
    result = np.where(drawn < weight[:, 0], 1.0, np.where(drawn < weight[:, :2].sum(axis=1), 0.5, 0.0))
    return Contests(tuple(f"s{i}" for i in range(systems)), first, second, result, np.arange(CONTESTS))


def compared(systems: int) -> None:
    """Print one size."""
    contests = planted(systems)
    names = [[contests.systems[i] for i in side] for side in (contests.first_P, contests.second_P)]
    winner = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    winners = [winner[float(r)] for r in contests.result_P]
    wins = np.zeros((systems, systems))
    np.add.at(wins, (contests.first_P, contests.second_P), contests.result_P)
    np.add.at(wins, (contests.second_P, contests.first_P), 1.0 - contests.result_P)
    ours = best(lambda: fit_contests(contests))
    theirs = best(lambda: evalica.bradley_terry(names[0], names[1], winners))
    print(f"{systems} systems, {CONTESTS:,} contests")
    fit, _ = fit_contests(contests)
    print(f"  ours, ties and covariance  {ours:7.3f} s   gradient {fit.gradient:.1e} a contest, {fit.steps} steps")
    print(f"  evalica, point estimate    {theirs:7.3f} s   ours / theirs {ours / theirs:.2f} (bar 1)")
    half = fit_contests(contests, "half")[0].x
    if systems <= 100:
        took = best(lambda: choix.ilsr_pairwise_dense(wins), 1)
        same = choix.ilsr_pairwise_dense(wins)
        print(f"  choix, point estimate      {took:7.3f} s   largest difference of strengths {np.abs(same - same.mean() - half).max():.1e}")
    began = time.perf_counter()
    drawn = resampled_strengths(fit, contests.cluster_P, RESAMPLES, 0)
    took = time.perf_counter() - began
    ratio = float((drawn.std(axis=0) / np.sqrt(np.diag(fit.cov)[:systems])).mean())
    began = time.perf_counter()
    evalica.bootstrap(evalica.bradley_terry, names[0], names[1], winners, n_resamples=20, bootstrap_method="percentile")
    once = (time.perf_counter() - began) / 20
    said = f"errors {ratio:.3f} of the model's; evalica {RESAMPLES * once:.1f} s for as many"
    print(f"  {RESAMPLES} resamples            {took:7.3f} s   (bar 5) {said}")


if __name__ == "__main__":
    for size in (100, 1000):
        compared(size)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB (bar 500)")
