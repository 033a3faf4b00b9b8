"""Evidence with planted truth, for tests of rankings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from criterial.compare.evidence import Contests, Evidence, Mark, evidence_of

__all__ = ["evidence_from", "marks_evidence", "planted_contests"]


def planted_contests(
    strengths: Sequence[float], per_pair: int, tie: float = 0.0, order: float = 0.0, seed: int = 0, clusters: int | None = None
) -> Contests:
    """Contests of every pair by Davidson's model: `tie` is nu, `order` what being first is worth; tasks are dealt at random."""
    rng = np.random.default_rng(seed)
    s = np.asarray(strengths)
    first, second = (np.repeat(a, per_pair) for a in np.triu_indices(len(s), 1))
    swap = rng.random(len(first)) < 0.5
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    half = 0.5 * (s[first] - s[second] + order)
    weight = np.stack([np.exp(half), np.full(len(half), tie), np.exp(-half)], axis=1)
    drawn = rng.random(len(first)) * weight.sum(axis=1)
    result = np.where(drawn < weight[:, 0], 1.0, np.where(drawn < weight[:, :2].sum(axis=1), 0.5, 0.0))
    cluster = np.arange(len(first)) if clusters is None else rng.integers(clusters, size=len(first))
    return Contests(tuple(f"s{i}" for i in range(len(s))), first, second, result, cluster)


def evidence_from(contests: Contests) -> Evidence:
    """Evidence of contests alone."""
    return Evidence(contests.systems, contests, None)


def marks_evidence(value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_] | None = None, tie: float = 0.0) -> Evidence:
    """Evidence of a matrix of marks."""
    known = np.ones(value_SI.shape, dtype=bool) if known_SI is None else known_SI
    return evidence_of([Mark(f"s{s}", f"t{i:04}", float(value_SI[s, i])) for s, i in np.argwhere(known).tolist()], [], tie)
