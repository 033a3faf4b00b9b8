"""Anchored strengths: comparisons with a few systems, or responses, of known quality give scores on their scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse, stats
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, log_expit, log_ndtr, logit, ndtri, xlogy

from criterial.compare.evidence import Contests, Evidence
from criterial.compare.ranking import Strengths, ranking_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking
from criterial.errors import ConfigError

__all__ = ["METHOD", "Anchored", "Link", "anchored", "score_against"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]
Link = Literal["logistic", "probit"]
"""The chance of a win, from how far ahead a system is: the logistic function, or the normal law's."""
_STEPS = 100
_SMALL = 1e-10
_FARTHEST = 5.0
_ROUNDING = 1e-9  # of the objective
_WIDE_SD = 10.0
_SAME = 1e-9


@dataclass(frozen=True)
class Anchored:
    """Options of `anchored`."""

    anchors: Mapping[str, float] = field(default_factory=dict)
    """Known quality of some systems, two or more; strengths are on that scale. None leaves the scale of the comparisons."""
    prior_sd: float = 1.0
    """Standard deviation of the normal prior of strengths around 0, on the scale of the comparisons."""
    link: Link = "logistic"
    """How chances of a win follow from strengths."""
    temperature: float = 1.0
    """Divides the log-odds of results that are chances; above 1 for a judge that is too sure of itself."""
    margin: float = 0.05
    """Chance of a win beyond one half below which systems count as equal."""

    def __post_init__(self) -> None:
        if not (self.prior_sd > 0 and self.temperature > 0):
            raise ConfigError("prior_sd and temperature must be above 0")
        if not np.isfinite([self.prior_sd, *self.anchors.values()]).all():
            raise ConfigError("prior_sd and the quality of anchors must be finite numbers")


class _Meetings(NamedTuple):
    """Comparisons of two of S systems, P of them."""

    size: int
    first_P: Places
    second_P: Places
    result_P: Array
    weight_P: Array


class _Fit(NamedTuple):
    """The most likely strengths under the prior."""

    value_S: Array
    slope_P: Array
    information_SS: Array
    steps: int


class _Line(NamedTuple):
    """Scores on the anchors' scale, which are a straight line of strengths."""

    value_S: Array
    change_SS: Array
    slope: float
    residual: float


def anchored(evidence: Evidence, options: Anchored | None = None) -> Ranking:
    """Return systems by strengths on the scale of anchors whose quality is known.

    Parameters
    ----------
    evidence : Evidence
        With contests, whose results may be chances of a win, or marks that make them. A judge that likes the first better is fair only
        where pairs are shown both ways round equally often.
    options : Anchored, optional
        See there.

    Returns
    -------
    Ranking
        Anchors have their fitted score and not their known one.

    Raises
    ------
    ConfigError
        If no two systems met, an anchor is unknown, a system met no anchor, not even through others, or the anchors' strengths do not
        rise with their quality.

    Notes
    -----
    Strengths maximise sum C_ij log F(s_i - s_j) - sum s_i^2 / (2 sd^2) with C a result, F the link. The objective is concave, so Newton
    steps find its only maximum. Scores are the straight line of known quality on strength, fitted to the anchors. The covariance is the
    inverse Hessian carried through that line, whose own slope and level move with the anchors' strengths. With at least twice as many
    tasks as systems and several contests a task it allows for dependence within tasks. How far anchors lie off the line is told in a
    note and is no part of the intervals.

    References
    ----------
    Zhu and others (2024), Adaptive Image Quality Assessment via Teaching Large Multimodal Model to Compare, arXiv 2405.19298, whose
    code stretches scores to 0-100 with the tested one in; a line through the anchors does not. Card compare2score.
    """
    options = options or Anchored()
    contests = evidence.contests
    result_P = _tempered(contests.result_P, options.temperature)
    meetings = _Meetings(len(contests.systems), contests.first_P, contests.second_P, result_P, np.ones(len(result_P)))
    known_A, anchor_A = _known(contests, meetings, options.anchors)
    fit = _fitted(meetings, options.prior_sd, options.link)
    cov_SS, basis, exact = _covariance(fit, meetings, contests, options.prior_sd)
    line = _line(fit.value_S, anchor_A, known_A)
    margin, latent = _margin(options)
    return ranking_of(
        Strengths(
            systems=contests.systems,
            value_S=line.value_S,
            cov_SS=line.change_SS @ cov_SS @ line.change_SS.T,
            n_S=contests.n_S,
            units=len(contests.result_P) if exact else contests.clusters,
            unit="quality on the anchors' scale" if len(anchor_A) else latent,
            margin=margin * line.slope,
            method=f"anchored ({len(anchor_A)} anchors, link: {options.link}, prior sd: {options.prior_sd:g})",
            basis=basis,
            exact=exact,
            notes=tuple(_notes(fit, meetings, line, anchor_A, options)),
        )
    )


def score_against(
    anchor_AA: Array,
    test_A: Array,
    known_A: Array | None = None,
    prior_sd: float = 1.0,
    link: Link = "logistic",
    temperature: float = 1.0,
) -> tuple[float, float]:
    """Return the score of one new response that was compared with anchors.

    Parameters
    ----------
    anchor_AA : (A, A) float
        Chance that the row's anchor beats the column's. The diagonal is not used; where the two triangles do not add up to one, they
        are averaged.
    test_A : (A,) float
        Chance that the new response beats each anchor.
    known_A : (A,) float, optional
        Known quality of the anchors. None leaves the scale of the comparisons.
    prior_sd : float
        Standard deviation of the prior of strengths.
    link : {"logistic", "probit"}
        How chances of a win follow from strengths.
    temperature : float
        Divides the log-odds of the chances.

    Returns
    -------
    tuple of (float, float)
        The score and its standard error.

    Raises
    ------
    ConfigError
        If shapes or options do not fit, a chance is outside [0, 1], or the anchors' strengths do not rise with their quality.
    """
    Anchored(prior_sd=prior_sd, temperature=temperature)
    size = len(test_A)
    if size < 2 or anchor_AA.shape != (size, size) or (known_A is not None and known_A.shape != (size,)):
        raise ConfigError("there must be two anchors or more, each compared with every other and with the new response")
    one, two = np.triu_indices(size, 1)
    chance_P = np.concatenate([(anchor_AA[one, two] + 1.0 - anchor_AA[two, one]) / 2, test_A])
    if not ((chance_P >= 0) & (chance_P <= 1)).all():
        raise ConfigError("chances of a win must be from 0 to 1")
    first_P = np.concatenate([one, np.full(size, size)])
    second_P = np.concatenate([two, np.arange(size)])
    fit = _fitted(_Meetings(size + 1, first_P, second_P, _tempered(chance_P, temperature), np.ones(len(first_P))), prior_sd, link)
    line = _line(fit.value_S, np.arange(0 if known_A is None else size), np.zeros(0) if known_A is None else known_A)
    change_S = line.change_SS[-1]
    return float(line.value_S[-1]), float(np.sqrt(change_S @ linalg.solve(fit.information_SS, change_S, assume_a="pos")))


def _margin(options: Anchored) -> tuple[float, str]:
    """Return the margin on the scale of the comparisons, and what that scale is."""
    chance = 0.5 + options.margin
    return (
        (float(logit(chance)), "log-odds") if options.link == "logistic" else (float(ndtri(chance)), "standard deviations of a comparison")
    )


def _tempered(result_P: Array, temperature: float) -> Array:
    if temperature == 1.0:
        return result_P
    between_P = (result_P > 0) & (result_P < 1)
    return np.where(between_P, expit(logit(np.where(between_P, result_P, 0.5)) / temperature), result_P)


def _known(contests: Contests, meetings: _Meetings, anchors: Mapping[str, float]) -> tuple[Array, Places]:
    """Return the anchors' quality and places, having seen that all systems are linked to them."""
    graph = sparse.csr_array((meetings.weight_P, (meetings.first_P, meetings.second_P)), shape=(meetings.size, meetings.size))
    groups, of_S = connected_components(graph, directed=False)
    if groups > 1:
        apart = [contests.systems[int(np.flatnonzero(of_S == g)[0])] for g in range(2)]
        raise ConfigError(
            f"{apart[0]!r} and {apart[1]!r} are in groups of systems that never met: score each group against anchors of its own"
        )
    unknown = sorted(anchors.keys() - set(contests.systems))
    if unknown:
        raise ConfigError(f"the anchor {unknown[0]!r} has no contest; systems with contests are {', '.join(contests.systems[:20])}")
    if anchors and len(set(anchors.values())) < 2:
        raise ConfigError("anchors must be of two qualities or more, so that they make a scale")
    places = np.array([contests.systems.index(name) for name in anchors], dtype=np.int64)
    return np.array(list(anchors.values()), dtype=np.float64), places


def _link(lead_P: Array, link: Link) -> tuple[Array, Array, Array]:
    """Return log F, its slope, and minus its curvature."""
    if link == "logistic":
        loss_P = expit(-lead_P)
        return log_expit(lead_P), loss_P, loss_P * (1.0 - loss_P)
    log_P = log_ndtr(lead_P)
    slope_P = np.exp(-0.5 * lead_P**2 - log_P) / np.sqrt(2 * np.pi)
    return log_P, slope_P, slope_P * (lead_P + slope_P)


def _terms(value_S: Array, m: _Meetings, link: Link) -> tuple[Array, Array, Array]:
    """Return what each comparison adds to the log-likelihood, its slope in the lead, and minus its curvature."""
    lead_P = value_S[m.first_P] - value_S[m.second_P]
    won, lost = _link(lead_P, link), _link(-lead_P, link)
    win_P, loss_P = m.weight_P * m.result_P, m.weight_P * (1.0 - m.result_P)
    return win_P * won[0] + loss_P * lost[0], win_P * won[1] - loss_P * lost[1], win_P * won[2] + loss_P * lost[2]


def _information(curve_P: Array, m: _Meetings, precision: float) -> Array:
    met_SS = np.bincount(m.first_P * m.size + m.second_P, curve_P, minlength=m.size**2).reshape(m.size, m.size)
    met_SS = met_SS + met_SS.T
    return np.diag(met_SS.sum(axis=1) + precision) - met_SS


def _fitted(m: _Meetings, prior_sd: float, link: Link) -> _Fit:
    precision = prior_sd**-2
    value_S = np.zeros(m.size)
    terms = _terms(value_S, m, link)
    for step in range(1, _STEPS + 1):
        pull_S = np.bincount(m.first_P, terms[1], minlength=m.size) - np.bincount(m.second_P, terms[1], minlength=m.size)
        gradient_S = pull_S - precision * value_S
        move_S = linalg.solve(_information(terms[2], m, precision), gradient_S, assume_a="pos")
        move_S -= move_S.mean()  # strengths sum to 0 at the maximum, and a wide prior hardly holds their level
        part = min(1.0, _FARTHEST / max(float(np.abs(move_S).max()), _SMALL))
        objective = terms[0].sum() - precision / 2 * (value_S @ value_S)
        while True:
            moved_S = value_S + part * move_S
            terms = _terms(moved_S, m, link)
            gain = terms[0].sum() - precision / 2 * (moved_S @ moved_S) - objective
            if gain >= 1e-4 * part * (gradient_S @ move_S) - _ROUNDING or part < 1e-6:
                break
            part /= 2
        value_S = moved_S
        if np.abs(move_S).max() < _SMALL:
            return _Fit(value_S, terms[1], _information(terms[2], m, precision), step)
    raise ConfigError(f"the fit of {m.size} systems did not settle in {_STEPS} steps: use a smaller prior_sd")


def _line(value_S: Array, anchor_A: Places, known_A: Array) -> _Line:
    """Return scores on the anchors' scale, and how they change with strengths."""
    if not len(anchor_A):
        return _Line(value_S, np.eye(len(value_S)), 1.0, 0.0)
    from_A, known_from_A = value_S[anchor_A] - value_S[anchor_A].mean(), known_A - known_A.mean()
    square, both = float(from_A @ from_A), float(from_A @ known_from_A)
    if square < _SAME**2 or both <= 0:
        raise ConfigError("the comparisons do not rank the anchors as their known quality does: check the anchors, or the judge")
    slope = both / square
    ahead_S = value_S - value_S[anchor_A].mean()
    change_SS = slope * np.eye(len(value_S))
    change_SS[:, anchor_A] += np.outer(ahead_S, (known_from_A - 2 * slope * from_A) / square) - slope / len(anchor_A)
    residual = float(np.sqrt(np.mean((known_from_A - slope * from_A) ** 2)))
    return _Line(known_A.mean() + slope * ahead_S, change_SS, slope, residual)


def _covariance(fit: _Fit, m: _Meetings, contests: Contests, prior_sd: float) -> tuple[Array, str, bool]:
    """Return the covariance of strengths, what it is over, and whether it follows from the model alone."""
    cov_SS: Array = linalg.inv(fit.information_SS)
    tasks, number = contests.clusters, len(contests.result_P)
    if tasks == number or tasks < 2 * m.size:
        return cov_SS, f"{number} comparisons, by the model", True
    _, task_P = np.unique(contests.cluster_P, return_inverse=True)
    rows, columns = np.concatenate([task_P, task_P]), np.concatenate([m.first_P, m.second_P])
    pull_TS = sparse.csr_array((np.concatenate([fit.slope_P, -fit.slope_P]), (rows, columns)), shape=(tasks, m.size))
    meat_SS = (pull_TS.T @ pull_TS).toarray() * (tasks / (tasks - 1)) + np.eye(m.size) * prior_sd**-2
    clustered_SS: Array = cov_SS @ meat_SS @ cov_SS
    return clustered_SS, f"{tasks} tasks", False


def _notes(fit: _Fit, m: _Meetings, line: _Line, anchor_A: Places, options: Anchored) -> Iterator[Finding]:
    lost_all = np.bincount(m.first_P, m.result_P, minlength=m.size) + np.bincount(m.second_P, 1.0 - m.result_P, minlength=m.size) == 0
    won_all = np.bincount(m.first_P, 1.0 - m.result_P, minlength=m.size) + np.bincount(m.second_P, m.result_P, minlength=m.size) == 0
    if (lost_all | won_all).any():
        message = (
            f"some systems won, or lost, all their contests: how far they are ahead is bounded only by the prior (sd {options.prior_sd:g})"
        )
        yield Finding("unbounded", "warning", "", message, "compare them with anchors nearer to them")
    if len(anchor_A):
        yield from _anchor_notes(m, line, anchor_A, options)
    yield Finding("optimum", "note", "", f"{fit.steps} Newton steps")


def _anchor_notes(m: _Meetings, line: _Line, anchor_A: Places, options: Anchored) -> Iterator[Finding]:
    message = f"anchors lie {line.residual:.3g} off the line through them on average; a comparison's unit is worth {line.slope:.3g}"
    yield Finding("line", "note", "", message)
    place_S = np.full(m.size, -1)
    place_S[anchor_A] = np.arange(len(anchor_A))
    both_P = (place_S[m.first_P] >= 0) & (place_S[m.second_P] >= 0)
    among = _Meetings(len(anchor_A), place_S[m.first_P[both_P]], place_S[m.second_P[both_P]], m.result_P[both_P], m.weight_P[both_P])
    deviance, free, explained = _misfit(among, options.link)
    if free < 1:
        yield Finding("anchors_unchecked", "note", "", "too few pairs of anchors met to tell whether comparisons of anchors are transitive")
        return
    p = float(stats.chi2.sf(deviance, free))
    message = (
        f"among anchors one scale explains {explained:.0%} of the results (deviance {deviance:.2f} on {free} degrees of freedom, p {p:.2g})"
    )
    if p < 0.05 or explained < 0.5:
        hint = "comparisons of anchors are not transitive, or do not tell them apart: choose other anchors or another judge"
        yield Finding("anchors", "warning", "", message, hint)
    else:
        yield Finding("anchors", "note", "", message)


def _misfit(m: _Meetings, link: Link) -> tuple[float, int, float]:
    """Return the deviance of pairs' shares of wins from a scale, its degrees of freedom, and the share of deviance that is explained."""
    flip_P = m.first_P > m.second_P
    low_P, high_P = np.minimum(m.first_P, m.second_P), np.maximum(m.first_P, m.second_P)
    pair_U, of_P = np.unique(low_P * m.size + high_P, return_inverse=True)
    graph = sparse.csr_array((m.weight_P, (m.first_P, m.second_P)), shape=(m.size, m.size))
    free = len(pair_U) - m.size + int(connected_components(graph, directed=False)[0])
    if free < 1:
        return 0.0, free, 1.0
    count_U: Array = np.bincount(of_P, m.weight_P).astype(np.float64)
    won_U = np.bincount(of_P, m.weight_P * np.where(flip_P, 1.0 - m.result_P, m.result_P))
    pairs = _Meetings(m.size, pair_U // m.size, pair_U % m.size, np.clip(won_U / count_U, 0.0, 1.0), count_U)
    best = float(np.sum(xlogy(won_U, pairs.result_P) + xlogy(count_U - won_U, 1.0 - pairs.result_P)))
    deviance = max(2 * (best - float(_terms(_fitted(pairs, _WIDE_SD, link).value_S, pairs, link)[0].sum())), 0.0)
    even = 2 * (best + float(count_U.sum()) * np.log(2.0))
    return deviance, free, 1.0 - deviance / even if even > _SAME else 1.0


METHOD = Method(
    name="anchored",
    room="compare",
    call=anchored,
    options=Anchored,
    says="scores by comparisons with a few anchors of known quality, on their scale",
    cites="Zhu and others 2024, Compare2Score, arXiv 2405.19298 (card compare2score)",
)
