"""Agreement of yes/no verdicts with labels, and how well probabilities rank them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from criterial.maths.finite import check_counts, check_finite

__all__ = ["auroc", "counts_of", "kappa_of"]


def counts_of(judged_I: NDArray[np.bool_], label_I: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each item's place in the table of judge against label.

    Parameters
    ----------
    judged_I : (I,) bool
        What the judge said.
    label_I : (I,) bool
        What the label says.

    Returns
    -------
    (I, 4) float
        One 1 a row: both yes, judge alone, label alone, both no.
    """
    return np.stack([judged_I & label_I, judged_I & ~label_I, ~judged_I & label_I, ~judged_I & ~label_I], axis=1).astype(np.float64)


def kappa_of(counts_B4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Cohen's kappa: agreement beyond what the two base rates give by chance.

    Parameters
    ----------
    counts_B4 : (B, 4) float
        Sums of `counts_of`.

    Returns
    -------
    (B,) float
        Not a number where chance agreement is complete.

    Raises
    ------
    ConfigError
        If they are no counts.
    """
    check_counts(counts_B4)
    total = np.maximum(counts_B4.sum(axis=1), 1e-300)
    both, judge, label, neither = (counts_B4 / total[:, None]).T
    chance = (both + judge) * (both + label) + (neither + judge) * (neither + label)
    return np.where(chance < 1.0 - 1e-12, (both + neither - chance) / np.maximum(1.0 - chance, 1e-300), np.nan)


def auroc(score_I: NDArray[np.float64], label_I: NDArray[np.bool_], weight_BI: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return the area under the ROC curve: how likely a yes item scores above a no item, ties counted half.

    Parameters
    ----------
    score_I : (I,) float
        Scores.
    label_I : (I,) bool
        Labels.
    weight_BI : (B, I) float, optional
        Weights of the items, a row a resample; None is one resample of weight 1.

    Returns
    -------
    (B,) float
        Not a number where labels are all of one kind.

    Raises
    ------
    ConfigError
        If a score is not finite, or the weights are no counts.
    """
    check_finite(score_I)
    weight_BI = np.ones((1, len(score_I))) if weight_BI is None else weight_BI
    check_counts(weight_BI)
    order = np.argsort(score_I, kind="stable")
    score, label, weight = score_I[order], label_I[order], weight_BI[:, order]
    yes, no = weight * label, weight * ~label
    starts = np.flatnonzero(np.diff(score, prepend=-np.inf))
    yes_G, no_G = np.add.reduceat(yes, starts, axis=1), np.add.reduceat(no, starts, axis=1)
    below_G = np.cumsum(no_G, axis=1) - no_G
    total = yes.sum(axis=1) * no.sum(axis=1)
    area = (yes_G * (below_G + 0.5 * no_G)).sum(axis=1)
    return np.where(total > 0, area / np.maximum(total, 1e-300), np.nan)
