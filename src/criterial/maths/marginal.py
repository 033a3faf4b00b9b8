"""Abilities of systems and thresholds of items from levels, by marginal maximum likelihood: the engine of all item response models here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from criterial.errors import ConfigError
from criterial.maths.finite import LARGEST

__all__ = ["Errors", "MarginalFit", "Slopes", "checked", "marginal_fit", "posterior"]

Slopes = Literal["free", "equal"]
"""Slopes of items: one each, or one for all."""
Errors = Literal["none", "items", "all"]
"""Whose errors are worked out: nobody's, for fits that are one of many, which rest at 1e-9 of the log-likelihood in place of 1e-14 and take
a quarter of the time; those of items; or the covariance of all abilities too, S x S numbers."""

_REACH = 6.0
_STEP = 1.25
_SLOPE_SD, _INTERCEPT_SD, _GAP_SD = 0.5, 3.0, 1.0
# of the centres of slopes and of intercepts, which are fitted too
_CENTRE_SD = (1.0, 3.0)
_BOUNDS = {"slope": (-6.0, 4.0), "intercept": (-40.0, 40.0), "gap": (-12.0, 4.0), "centre": (-20.0, 20.0)}
_DEGREES = 3
_STOP = {"maxiter": 2000, "maxfun": 4000, "maxcor": 30, "gtol": 1e-6}
_REST, _ROUGH_REST = 1e-14, 1e-9


@dataclass(frozen=True)
class MarginalFit:
    """A model of S systems and I items with levels 0 .. T."""

    ability_S: NDArray[np.float64]
    """Mean of each system's ability given its marks, in standard deviations of the panel."""
    ability_se_S: NDArray[np.float64]
    """Its standard deviation given the marks, items taken as known."""
    ability_cov_SS: NDArray[np.float64] | None
    """Covariance of the abilities with the items' own error in it, or None where the information is not positive definite, or
    they were not asked for."""
    slope_I: NDArray[np.float64]
    """Discriminations."""
    slope_se_I: NDArray[np.float64] | None
    """Their standard errors, or None as above."""
    threshold_IT: NDArray[np.float64]
    """Ability at which level t + 1 or a higher one is as likely as a lower one."""
    threshold_se_IT: NDArray[np.float64] | None
    """Their standard errors, or None as above."""
    constant_I: NDArray[np.bool_]
    """Items with one and the same mark in every known cell, or none known. They are kept; what is said of them is mostly the prior."""
    loglik: float
    """Marginal log-likelihood, without the priors."""
    iterations: int
    """Steps of the optimiser."""
    gradient: float
    """Largest slope of the penalised log-likelihood that is left, by log discrimination, intercept or log gap."""
    converged: bool
    """Whether the optimiser came to rest."""


def checked(value_SI: NDArray[np.float64], known_SI: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return marks with 0 in unknown cells, and which are known.

    Parameters
    ----------
    value_SI : (S, I) float
        Marks.
    known_SI : (S, I) bool
        Which are known.

    Returns
    -------
    tuple of ((S, I) float, (S, I) bool)

    Raises
    ------
    ConfigError
        The shapes differ, there are fewer than two systems or no item, no cell is known, or a known mark is negative or no number.
    """
    known = np.asarray(known_SI, dtype=np.bool_)
    if np.ndim(value_SI) != 2 or np.shape(value_SI) != known.shape or known.shape[0] < 2 or known.shape[1] < 1:
        raise ConfigError(f"marks {np.shape(value_SI)} and known cells {known.shape} must be one shape of at least 2 systems and 1 item")
    if not known.any():
        raise ConfigError("no cell is known: there is nothing to fit")
    value = np.where(known, value_SI, 0.0)
    if not (np.all(value >= 0) and np.all(value <= LARGEST)):
        raise ConfigError("known marks must be finite and not negative; mark missing cells in known_SI")
    return value, known


def posterior(
    mark_LSI: NDArray[np.float64], slope_I: NDArray[np.float64], intercept_TI: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is known of each system's ability given the items, with a standard normal prior.

    Parameters
    ----------
    mark_LSI : (T + 1, S, I) float
        1 at the level that a cell has, 0 elsewhere and in unknown cells.
    slope_I : (I,) float
        Discriminations.
    intercept_TI : (T, I) float
        Intercepts, falling.

    Returns
    -------
    tuple of ((Q,) float, (S, Q) float)
        Nodes, and the probability of each a system.
    """
    node_Q = _nodes(mark_LSI)
    return node_Q, _posterior(mark_LSI, _tables(node_Q, slope_I, intercept_TI).log_LQI, node_Q)[1]


def marginal_fit(mark_LSI: NDArray[np.float64], slopes: Slopes, errors: Errors = "all") -> MarginalFit:
    """Return the items that make the penalised marginal likelihood largest, and the systems' abilities given them.

    Parameters
    ----------
    mark_LSI : (T + 1, S, I) float
        1 at the level that a cell has, 0 elsewhere and in unknown cells; fractions share a cell between levels.
    slopes : {"free", "equal"}
        A discrimination an item, or one for all.
    errors : {"all", "items", "none"}
        Whose errors are worked out.

    Returns
    -------
    MarginalFit

    Notes
    -----
    Abilities are N(0, 1); log slopes N(m, .5^2); intercepts N(c slope, 3^2); log gaps of neighbouring intercepts N(0, 1). The centres
    m ~ N(0, 1) and c ~ N(0, 3^2) are fitted with the items: with both at 0, many easy items would push the whole panel up.

    The integral is a sum over nodes on [-6, 6], no further apart than the narrowest posterior needs: with a fixed 41 nodes and 1,100
    items all of a system's probability falls on one of them, and 95 % intervals hold half of the truth. L-BFGS takes the gradient by
    Fisher's identity, which is what the M-step of EM sets to zero. Standard errors come from the observed information by Louis'
    identity, whose part for unseen abilities is of low rank.
    """
    problem = _Problem(mark_LSI, slopes)
    low, high = problem.bounds()
    bounds = list(zip(low, high, strict=True))
    stop = {**_STOP, "ftol": _ROUGH_REST if errors == "none" else _REST}
    found = minimize(problem.loss, problem.start(), jac=True, method="L-BFGS-B", bounds=bounds, options=stop)
    parts = problem.parts(found.x / problem.scale)
    slope_I, intercept_TI = problem.items(parts)
    threshold_IT = (-intercept_TI / slope_I).T
    state = problem.state(slope_I, intercept_TI)
    slope_se = threshold_se = ability_cov = None
    told = None if errors == "none" else _errors(state, slope_I, intercept_TI, parts["centre"], slopes, errors == "all")
    if told is not None:
        cov_IKK, ability_cov = told
        slope_se = slope_I * np.sqrt(np.maximum(cov_IKK[:, 0, 0], 0.0))
        a, own_IT = slope_I[:, None], np.diagonal(cov_IKK, axis1=1, axis2=2)[:, 1:]
        variance_IT = threshold_IT**2 * cov_IKK[:, :1, 0] + own_IT / a**2 + 2 * threshold_IT / a * cov_IKK[:, 0, 1:]
        threshold_se = np.sqrt(np.maximum(variance_IT, 0.0))
    return MarginalFit(
        state.mean_S,
        state.sd_S,
        ability_cov,
        slope_I,
        slope_se,
        threshold_IT,
        threshold_se,
        (mark_LSI.sum(axis=1) > 0).sum(axis=0) < 2,
        state.loglik,
        int(found.nit),
        float(np.abs(found.jac * problem.scale).max()),
        bool(found.success),
    )


class _Tables(NamedTuple):
    log_LQI: NDArray[np.float64]
    above_TQI: NDArray[np.float64]
    """P(level > t)."""
    pull_TI: NDArray[np.float64]
    """1 / (exp(gap) - 1) for the gap above intercept t; the first is not used and 0."""


def _tables(node_Q: NDArray[np.float64], slope_I: NDArray[np.float64], intercept_TI: NDArray[np.float64]) -> _Tables:
    x_TQI = node_Q[:, None] * slope_I + intercept_TI[:, None, :]
    # in place: fresh arrays cost more here than the arithmetic
    small = np.abs(x_TQI)
    np.exp(np.negative(small, out=small), out=small)
    total = 1.0 + small
    above = np.where(x_TQI >= 0, 1.0, small)
    above /= total
    log_above = np.minimum(x_TQI, 0.0)
    log_above -= np.log(total, out=total)
    # P(t) = above_t (1 - above_t+1) (1 - exp(-gap)): a product, so that nothing cancels in the tails
    log_below = log_above - x_TQI
    gap = -np.diff(intercept_TI, axis=0)
    log_LQI = np.concatenate([log_below, log_above[-1:]])
    log_LQI[1:-1] += log_above[:-1] + np.log(-np.expm1(-gap))[:, None, :]
    pull = np.concatenate([np.zeros((1, len(slope_I))), 1.0 / np.expm1(gap)])
    return _Tables(log_LQI, above, pull)


def _nodes(mark_LSI: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return nodes about as far apart as the narrowest posterior is wide, so that the sum over them is the integral."""
    most = mark_LSI.sum(axis=(0, 2)).max(initial=0.0)
    half = int(np.ceil(_REACH * np.sqrt(1.0 + 0.3 * most) / _STEP))
    return np.linspace(-_REACH, _REACH, 2 * max(half, 30) + 1)


def _posterior(
    mark_LSI: NDArray[np.float64], log_LQI: NDArray[np.float64], node_Q: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the marginal log-likelihood and each system's probability of each node."""
    prior = np.exp(-0.5 * node_Q**2)
    log_SQ = np.log(prior / prior.sum()) + sum(mark @ log.T for mark, log in zip(mark_LSI, log_LQI, strict=True))
    top = log_SQ.max(axis=1, keepdims=True)
    post = np.exp(log_SQ - top)
    total = post.sum(axis=1, keepdims=True)
    return float(np.sum(top + np.log(total))), post / total


class _State(NamedTuple):
    """The fit at given items, L levels, Q nodes."""

    loglik: float
    mark_LSI: NDArray[np.float64]
    node_Q: NDArray[np.float64]
    post_SQ: NDArray[np.float64]
    tables: _Tables
    count_LQI: NDArray[np.float64]
    """Expected marks a node."""
    mean_S: NDArray[np.float64]
    sd_S: NDArray[np.float64]

    def slope_TQI(self) -> NDArray[np.float64]:
        """Return the derivative of the log-likelihood by the logit of each level at each node."""
        above, pull = self.tables.above_TQI, self.tables.pull_TI[:, None, :]
        lower, upper = self.count_LQI[:-1], self.count_LQI[1:]
        out = upper * (1.0 - above) - lower * (above + pull)
        out[:-1] += upper[:-1] * pull[1:]
        return out


class _Problem:
    """The penalised marginal likelihood as a function of one vector: log slopes, first intercepts, log gaps, centres."""

    def __init__(self, mark_LSI: NDArray[np.float64], slopes: Slopes) -> None:
        self.mark_LSI = mark_LSI
        self.node_Q = _nodes(mark_LSI)
        self.inner = len(mark_LSI) - 2
        items = mark_LSI.shape[2]
        self.size = {"slope": items if slopes == "free" else 1, "intercept": items, "gap": items * self.inner, "centre": 2}
        share = mark_LSI.sum(axis=(0, 1)) * 0.15
        curvature = {
            "slope": (share if slopes == "free" else share.sum(keepdims=True)) + _SLOPE_SD**-2,
            "intercept": share + _INTERCEPT_SD**-2,
            "gap": np.tile(share, self.inner) + _GAP_SD**-2,
            "centre": np.array([self.size["slope"] / _SLOPE_SD**2, items / _INTERCEPT_SD**2]) + 1.0,
        }
        # all parameters about equally curved, which saves L-BFGS a fifth of its steps (80 x 1,100: 64 for 78)
        self.scale: NDArray[np.float64] = np.sqrt(np.concatenate(list(curvature.values())))

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return limits that only keep trial steps from overflowing; the priors keep the optimum far inside."""
        low, high = (np.concatenate([np.full(n, _BOUNDS[name][side]) for name, n in self.size.items()]) for side in (0, 1))
        return low * self.scale, high * self.scale

    def start(self) -> NDArray[np.float64]:
        """Return slopes of 1 and the intercepts that give the items' shares."""
        count_LI = self.mark_LSI.sum(axis=1) + 0.5
        at_least = np.cumsum(count_LI[::-1], axis=0)[::-1]
        logit_TI = 1.2 * np.log(at_least[1:] / (at_least[0] - at_least[1:]))
        gap = np.log(np.maximum(-np.diff(logit_TI, axis=0), 0.01))
        start: NDArray[np.float64] = (
            np.concatenate([np.zeros(self.size["slope"]), logit_TI[0], gap.ravel(), [0.0, logit_TI.mean()]]) * self.scale
        )
        return start

    def parts(self, x: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the vector's parts by name."""
        return dict(zip(self.size, np.split(x, np.cumsum(list(self.size.values()))[:-1]), strict=True))

    def items(self, parts: dict[str, NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return slopes and intercepts."""
        first = parts["intercept"]
        steps = np.concatenate([first[None], -np.exp(parts["gap"]).reshape(self.inner, len(first))])
        return np.exp(np.broadcast_to(parts["slope"], first.shape)), np.cumsum(steps, axis=0)

    def state(self, slope_I: NDArray[np.float64], intercept_TI: NDArray[np.float64]) -> _State:
        """Return the E-step."""
        tables = _tables(self.node_Q, slope_I, intercept_TI)
        loglik, post = _posterior(self.mark_LSI, tables.log_LQI, self.node_Q)
        count = np.stack([post.T @ mark for mark in self.mark_LSI])
        mean = post @ self.node_Q
        sd = np.sqrt(np.sum(post * (self.node_Q - mean[:, None]) ** 2, axis=1))
        return _State(loglik, self.mark_LSI, self.node_Q, post, tables, count, mean, sd)

    def loss(self, z: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return minus the penalised log-likelihood, and its gradient."""
        parts = self.parts(z / self.scale)
        log_gap, centre = parts["gap"], parts["centre"]
        slope_I, intercept_TI = self.items(parts)
        state = self.state(slope_I, intercept_TI)
        by_logit = state.slope_TQI()
        off, off_TI = (parts["slope"] - centre[0]) / _SLOPE_SD**2, (intercept_TI - centre[1] * slope_I) / _INTERCEPT_SD**2
        by_slope = slope_I * (np.einsum("q,tqi->i", self.node_Q, by_logit) + centre[1] * off_TI.sum(axis=0))
        tail_TI = np.cumsum((by_logit.sum(axis=1) - off_TI)[::-1], axis=0)[::-1]
        by_gap = -np.exp(log_gap) * tail_TI[1:].ravel() - log_gap / _GAP_SD**2
        by_centre = np.array([off.sum(), np.sum(off_TI * slope_I)]) - centre / np.square(_CENTRE_SD)
        own = by_slope if self.size["slope"] == len(slope_I) else by_slope.sum(keepdims=True)
        gradient = np.concatenate([own - off, tail_TI[0], by_gap, by_centre])
        penalty = np.sum((off * _SLOPE_SD) ** 2) + np.sum((off_TI * _INTERCEPT_SD) ** 2)
        penalty += np.sum((log_gap / _GAP_SD) ** 2) + np.sum((centre / _CENTRE_SD) ** 2)
        return 0.5 * penalty - state.loglik, -gradient / self.scale


Solve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _errors(
    state: _State,
    slope_I: NDArray[np.float64],
    intercept_TI: NDArray[np.float64],
    centre: NDArray[np.float64],
    slopes: Slopes,
    all_of: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None] | None:
    """Return covariances of each item's (log slope, intercepts), and of the abilities if all are asked for; None where there are none."""
    complete_IKK = _complete(state, slope_I, intercept_TI)
    _add_centred(complete_IKK, slope_I, intercept_TI, centre[1])
    own = len(slope_I) if slopes == "free" else 1
    factor_IKC = np.concatenate([_unseen(state, slope_I), _centres(slope_I, intercept_TI, centre[1], own)], axis=2)
    try:
        cov_IKK, spread = (_free if slopes == "free" else _equal)(complete_IKK, factor_IKC)
    except np.linalg.LinAlgError:
        return None
    # by Fisher's identity the mean ability moves with the items as the first factor times its standard deviation
    return cov_IKK, np.diag(state.sd_S**2) + spread(factor_IKC[:, :, : len(state.sd_S)] * state.sd_S) if all_of else None


def _free(complete_IKK: NDArray[np.float64], factor_IKC: NDArray[np.float64]) -> tuple[NDArray[np.float64], Solve]:
    """Return the covariance of each item's parameters, and that of what moves with all of them."""
    complete_IKK[:, 0, 0] += _SLOPE_SD**-2
    cov_IKK, solve = _inverse(complete_IKK, factor_IKC)

    def spread(moved_IKS: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = moved_IKS.reshape(-1, moved_IKS.shape[2])
        out: NDArray[np.float64] = moved.T @ solve(moved)
        return out

    return cov_IKK, spread


def _equal(complete_IKK: NDArray[np.float64], factor_IKC: NDArray[np.float64]) -> tuple[NDArray[np.float64], Solve]:
    """Return the same for one slope: the intercepts' inverse, bordered by the slope."""
    common_C, factor_NC = factor_IKC[:, 0].sum(axis=0), factor_IKC[:, 1:].reshape(-1, factor_IKC.shape[2])
    inner_ITT, solve = _inverse(complete_IKK[:, 1:, 1:], factor_IKC[:, 1:])
    cross_N = complete_IKK[:, 0, 1:].ravel() - factor_NC @ common_C
    along_N = solve(cross_N[:, None])[:, 0]
    left = complete_IKK[:, 0, 0].sum() + _SLOPE_SD**-2 - common_C @ common_C - cross_N @ along_N
    if left <= 0:
        raise np.linalg.LinAlgError
    along_IT = along_N.reshape(inner_ITT.shape[:2])
    cov_IKK = np.empty_like(complete_IKK)
    cov_IKK[:, 0, 0] = 1.0 / left
    cov_IKK[:, 0, 1:] = cov_IKK[:, 1:, 0] = -along_IT / left
    cov_IKK[:, 1:, 1:] = inner_ITT + along_IT[:, :, None] * along_IT[:, None, :] / left

    def spread(moved_IKS: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = moved_IKS[:, 1:].reshape(-1, moved_IKS.shape[2])
        by_slope_S = moved.T @ along_N - moved_IKS[:, 0].sum(axis=0)
        out: NDArray[np.float64] = moved.T @ solve(moved) + np.outer(by_slope_S, by_slope_S) / left
        return out

    return cov_IKK, spread


def _add_centred(complete_IKK: NDArray[np.float64], slope_I: NDArray[np.float64], intercept_TI: NDArray[np.float64], centre: float) -> None:
    """Add the curvature of the intercepts' prior, whose centre moves with the slope."""
    shift_I = centre * slope_I
    t = np.arange(1, complete_IKK.shape[1])
    complete_IKK[:, t, t] += _INTERCEPT_SD**-2
    complete_IKK[:, 0, 1:] -= shift_I[:, None] / _INTERCEPT_SD**2
    complete_IKK[:, 1:, 0] -= shift_I[:, None] / _INTERCEPT_SD**2
    complete_IKK[:, 0, 0] += np.sum(shift_I * (2 * shift_I - intercept_TI), axis=0) / _INTERCEPT_SD**2


def _centres(slope_I: NDArray[np.float64], intercept_TI: NDArray[np.float64], centre: float, own: int) -> NDArray[np.float64]:
    """Return the two factors whose outer products are the information lost because the priors' centres are fitted."""
    thresholds, items = intercept_TI.shape
    out = np.zeros((items, 1 + thresholds, 2))
    out[:, 0, 0] = own / items / _SLOPE_SD**2 / np.sqrt(own / _SLOPE_SD**2 + _CENTRE_SD[0] ** -2)
    whole = np.sqrt(thresholds * np.sum(slope_I**2) / _INTERCEPT_SD**2 + _CENTRE_SD[1] ** -2)
    out[:, 0, 1] = slope_I * np.sum(intercept_TI - 2 * centre * slope_I, axis=0) / _INTERCEPT_SD**2 / whole
    out[:, 1:, 1] = slope_I[:, None] / _INTERCEPT_SD**2 / whole
    return out


def _complete(state: _State, slope_I: NDArray[np.float64], intercept_TI: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the information an item if abilities were seen, with the prior of gaps."""
    above, count, pull = state.tables.above_TQI, state.count_LQI, state.tables.pull_TI
    thresholds, items = intercept_TI.shape
    bend = pull[1:] * (1.0 + pull[1:])
    own_TQI = (count[:-1] + count[1:]) * above * (1.0 - above)
    shared_UQI = count[1:-1] * bend[:, None, :]
    own_TQI[:-1] += shared_UQI
    own_TQI[1:] += shared_UQI
    reach_QI = state.node_Q[:, None] * slope_I
    out = np.zeros((items, 1 + thresholds, 1 + thresholds))
    row_TQI = own_TQI.copy()
    row_TQI[:-1] -= shared_UQI
    row_TQI[1:] -= shared_UQI
    out[:, 0, 0] = np.einsum("qi,tqi->i", reach_QI**2, row_TQI) - np.einsum("qi,tqi->i", reach_QI, state.slope_TQI())
    out[:, 0, 1:] = out[:, 1:, 0] = np.einsum("qi,tqi->it", reach_QI, row_TQI)
    t = np.arange(1, 1 + thresholds)
    out[:, t, t] = own_TQI.sum(axis=1).T
    gap = -np.diff(intercept_TI, axis=0)
    between = (-shared_UQI.sum(axis=1) - (1.0 - np.log(gap)) / (gap * _GAP_SD) ** 2).T
    u = t[:-1]
    out[:, u, u + 1] = out[:, u + 1, u] = between
    out[:, u, u] += (1.0 - np.log(gap)).T / (gap.T * _GAP_SD) ** 2
    out[:, u + 1, u + 1] += (1.0 - np.log(gap)).T / (gap.T * _GAP_SD) ** 2
    return out


def _unseen(state: _State, slope_I: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return factors whose outer products are the information lost because abilities are not seen.

    A system's part is the covariance of its score over its posterior. The score is smooth in ability, so that its projections on
    polynomials orthogonal under the posterior carry it; a column a system and degree, degrees outermost.
    """
    mark_LSI, post, node = state.mark_LSI, state.post_SQ, state.node_Q
    systems, items = mark_LSI.shape[1:]
    thresholds = len(mark_LSI) - 1
    out = np.empty((items, 1 + thresholds, _DEGREES, systems))
    pull = state.tables.pull_TI
    for degree, basis_SQ in enumerate(_polynomials(post, node)):
        weight = post * basis_SQ
        by_slope_SI = np.zeros((systems, items))
        for t in range(thresholds):
            near = mark_LSI[t] + mark_LSI[t + 1]
            out[:, 1 + t, degree] = -(near * (weight @ state.tables.above_TQI[t])).T
            by_slope_SI -= near * ((weight * node) @ state.tables.above_TQI[t])
            if degree == 0:
                above_pull = pull[t + 1] if t + 1 < thresholds else 0.0
                by_slope_SI += (mark_LSI[t + 1] * (1.0 + above_pull) - mark_LSI[t] * pull[t]) * state.sd_S[:, None]
        out[:, 0, degree] = (slope_I * by_slope_SI).T
    return out.reshape(items, 1 + thresholds, _DEGREES * systems)


def _polynomials(post_SQ: NDArray[np.float64], node_Q: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return polynomials of degree 1, 2, ... that are orthonormal under each system's posterior."""
    found = [np.ones_like(post_SQ)]
    for _ in range(_DEGREES):
        new = found[-1] * (node_Q - np.sum(post_SQ * found[-1] ** 2 * node_Q, axis=1, keepdims=True))
        for old in found[-2:]:
            new = new - old * np.sum(post_SQ * old * new, axis=1, keepdims=True)
        size = np.sqrt(np.sum(post_SQ * new**2, axis=1, keepdims=True))
        found.append(np.divide(new, size, out=np.zeros_like(new), where=size > 1e-9))
    return found[1:]


def _inverse(block_IKK: NDArray[np.float64], factor_IKC: NDArray[np.float64]) -> tuple[NDArray[np.float64], Solve]:
    """Return the diagonal blocks of (blocks - factor factor')^-1, and its product with columns; in the smaller of the two spaces."""
    items, k, columns = factor_IKC.shape
    factor = factor_IKC.reshape(-1, columns)
    if len(factor) <= columns:
        dense = -factor @ factor.T
        view = dense.reshape(items, k, items, k)
        each = np.arange(items)
        view[each, :, each, :] += block_IKK
        inverse = cho_solve(cho_factor(dense), np.eye(len(dense)))
        return inverse.reshape(items, k, items, k)[each, :, each, :], lambda b: inverse @ b
    base = np.linalg.inv(block_IKK)
    scaled_IKC = base @ factor_IKC
    scaled = scaled_IKC.reshape(-1, columns)
    middle = cho_factor(np.eye(columns) - factor.T @ scaled)
    across = cho_solve(middle, scaled.T)
    cov = base + scaled_IKC @ across.reshape(columns, items, k).transpose(1, 0, 2)
    return cov, lambda b: (base @ b.reshape(items, k, -1)).reshape(len(b), -1) + scaled @ (across @ b)
