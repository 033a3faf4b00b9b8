"""Scores of responses by a judge and by people: how they go together, and the most that people's own noise allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from criterial.core.rubric import Policy
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.maths.association import kendall, mean, pearson, spearman
from criterial.maths.ceiling import against_ceiling, votes_of
from criterial.score.estimates import as_estimate, bootstrap_estimates
from criterial.score.scoring import score

__all__ = ["ScoreAgreement", "score_agreement"]

_MOST_RATERS = 500


@dataclass(frozen=True)
class ScoreAgreement:
    """A judge's scores of responses against the mean of people's."""

    pearson: Estimate
    """Linear correlation."""
    ceiling: Estimate
    """The highest that any judge can reach against means of so few and so noisy ratings."""
    fraction: Estimate
    """The one over the other."""
    spearman: Estimate
    """Rank correlation."""
    kendall: Estimate
    """Kendall's tau-b."""
    mse: Estimate
    """Mean squared error."""
    excess: Estimate
    """How far that lies above the lowest that any judge can reach."""
    raters: float
    """Ratings a response, on average."""


def score_agreement(
    judged: VerdictTable, labels: VerdictTable, policy: Policy | None = None, resamples: int = 1000, seed: int = 0
) -> ScoreAgreement | None:
    """Return how a judge's scores go with people's.

    Parameters
    ----------
    judged : VerdictTable
        The judge's verdicts.
    labels : VerdictTable
        People's, of the same cases; each layer is a rater, who counts where the response has a score by them.
    policy : Policy, optional
        Scores all rows in place of their rubrics' own policies.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    ScoreAgreement or None
        None where fewer than three responses have both scores, or judge or people give all the same.

    References
    ----------
    Pieper and Voran, arXiv 2603.13204 (card mos_bounds).
    """
    ours = score(judged, policy, parts=False).rows
    raters = [score(labels.layer(j), policy, parts=False).rows for j in range(min(len(labels.layers), _MOST_RATERS))]
    value_JR, known_JR = np.stack([r.value_R for r in raters]), np.stack([r.known_R for r in raters])
    both_R = ours.known_R & known_JR.any(axis=0)
    judge_R, value_JR, known_JR = ours.value_R[both_R], value_JR[:, both_R], known_JR[:, both_R]
    votes = votes_of(value_JR, known_JR)
    if both_R.sum() < 3 or np.ptp(judge_R) == 0 or np.ptp(votes.mean_I) == 0:
        return None
    task_R, all_R = judged.task_R[both_R], np.ones(len(judge_R), dtype=np.bool_)
    made = [m(judge_R, votes.mean_I, all_R) for m in (pearson, spearman, kendall)]
    error = mean((judge_R - votes.mean_I) ** 2, all_R)
    linear, rank, tau, squared = bootstrap_estimates([*made, error], task_R, resamples, seed)
    if not (votes.count_I > 1).any():
        alone = Estimate(None, None, None, len(judge_R), "one rating a response: people's noise cannot be told")
        return ScoreAgreement(linear, alone, alone, rank, tau, squared, alone, 1.0)
    against = against_ceiling(judge_R, votes, task_R, resamples=resamples, seed=seed)
    pcc, bound, fraction, mse, excess = (as_estimate(f) for f in against)
    return ScoreAgreement(pcc, bound, fraction, rank, tau, mse, excess, float(votes.count_I.mean()))
