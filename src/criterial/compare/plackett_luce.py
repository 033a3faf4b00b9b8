"""Plackett-Luce: the strengths that best explain in which order every task puts the systems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from criterial.compare.evidence import Evidence, Marks
from criterial.compare.links import strongly_linked
from criterial.compare.ranking import WEAK_SD, Scale, Strengths, on_scale, ranking_of
from criterial.core.method import Method
from criterial.core.score import Finding, Ranking
from criterial.errors import ConfigError

__all__ = ["METHOD", "PlackettLuce", "plackett_luce"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]
_STEPS = 100
_FARTHEST = 5.0
_GAIN = 1e-6  # in log-likelihood; the step that follows squares it
_SAME = 1e-12


@dataclass(frozen=True)
class PlackettLuce:
    """Options of `plackett_luce`."""

    scale: Scale = "elo"
    """Strengths as Elo points around 1500, or as log-odds around 0."""
    intervals: Literal["auto", "model", "clustered"] = "auto"
    """By the model alone; or allowing for any dependence within tasks. ``auto`` allows for it where there are at least twice as many
    tasks as systems."""
    prior_sd: float | None = None
    """Standard deviation of a normal prior of strengths, in log-odds; None is none unless it is needed."""
    margin: float = 0.05
    """Chance of a win beyond one half below which systems count as equal."""

    def __post_init__(self) -> None:
        if self.prior_sd is not None and not self.prior_sd > 0:
            raise ConfigError("prior_sd must be above 0")


class _Orders(NamedTuple):
    """The orders of S systems on I items with two systems or more. Places run from the best, those without a mark last."""

    group_IS: Places
    """Group of each system, equal for those tied; -1 where it has no mark."""
    won_IS: Array
    """How often each system is chosen."""
    system_IP: Places
    """System at each place."""
    begin_IP: Places
    """First place of the group there."""
    end_IP: Places
    """First place after it."""
    share_IP: Array
    """How much of the group is left to the choice that is made there."""
    chooses_IP: NDArray[np.bool_]
    """Whether there is a choice: not at the last place, nor without a mark."""
    ties: bool
    """Whether there are any."""

    @property
    def choices(self) -> int:
        """How many."""
        return int(self.chooses_IP.sum())


class _Sums(NamedTuple):
    """Sums over the choices that a system was left to, on each item: of d for its weight, and of products of two systems' weights."""

    one_IS: Array
    other_IS: Array
    tied_IS: Array


class _Fit(NamedTuple):
    """The most likely strengths."""

    value_S: Array
    cov_SS: Array
    steps: int


def plackett_luce(evidence: Evidence, options: PlackettLuce | None = None) -> Ranking:
    """Return systems by the strengths that make the orders on all tasks most likely.

    Parameters
    ----------
    evidence : Evidence
        With marks. Each item orders the systems that have a mark on it; marks no further than the evidence's tie below the best of a
        group are tied with it.
    options : PlackettLuce, optional
        See there.

    Returns
    -------
    Ranking
        Strengths are relative to the mean of all systems. On items with two systems each they are those of `bradley_terry` with ties
        as half a win each.

    Raises
    ------
    ConfigError
        If there are no marks, no item has two systems, or groups of systems never met.

    Notes
    -----
    An order is a row of choices: the first among all, the second among the rest, and so on, each with chances proportional to exp(s).
    Of g tied systems it is not known who was chosen first. After Efron they are chosen one by one, after l choices from the rest and
    1 - l / g of each of them. Where nobody comes after the tied, the last of them is no choice, as in an order without ties, and each
    counts as (g - 1) / g choices: so a tie of two alone is half a win each. The likelihood is concave; Newton steps find its maximum.

    References
    ----------
    Plackett (1975), JRSS C 24; Luce (1959); Efron (1977), JASA 72, for ties; Hunter (2004), Annals of Statistics 32, for when strengths
    are finite.
    """
    options = options or PlackettLuce()
    marks = evidence.marks
    orders = _orders(marks, evidence.tie)
    weak = not _strongly_linked(marks.systems, orders, options.prior_sd is not None) and options.prior_sd is None
    sd = WEAK_SD if weak else options.prior_sd
    fit = _fitted(orders, 0.0 if sd is None else sd**-2)
    items = len(orders.group_IS)
    clustered = options.intervals == "clustered" or (options.intervals == "auto" and items >= 2 * len(marks.systems))
    cov_SS = _clustered(fit, orders) if clustered and items > 1 else fit.cov_SS
    logit = Strengths(
        systems=marks.systems,
        value_S=fit.value_S,
        cov_SS=cov_SS,
        n_S=(orders.group_IS >= 0).sum(axis=0),
        units=items if clustered else orders.choices,
        unit="log-odds",
        margin=options.margin,
        method="plackett_luce",
        basis=f"{items} tasks" if clustered else f"{orders.choices} choices on {items} tasks, by the model",
        exact=not clustered,
        notes=tuple(_notes(marks.systems, orders, fit, weak, clustered)),
    )
    return ranking_of(on_scale(logit, options.scale))


def _orders(marks: Marks, tie: float) -> _Orders:
    several_I = marks.known_SI.sum(axis=0) > 1
    if not several_I.any():
        raise ConfigError("no two systems met: they have no task in common, so nothing compares them")
    known_IS = marks.known_SI.T[several_I]
    group_IS = _groups(marks.value_SI.T[several_I], known_IS, tie)
    system_IP = np.argsort(np.where(known_IS, group_IS, len(marks.systems)), axis=1, kind="stable")
    group_IP = np.take_along_axis(group_IS, system_IP, axis=1)
    place_P = np.arange(len(marks.systems))
    new_IP = np.diff(group_IP, axis=1, prepend=-2) != 0
    begin_IP = np.maximum.accumulate(np.where(new_IP, place_P, 0), axis=1)
    next_IP = np.where(np.roll(new_IP, -1, axis=1) | (place_P == place_P[-1]), place_P + 1, len(place_P))
    end_IP = np.minimum.accumulate(next_IP[:, ::-1], axis=1)[:, ::-1]
    count_IP, known_I = end_IP - begin_IP, known_IS.sum(axis=1, keepdims=True)
    won_IP = np.where(group_IP < 0, 0.0, np.where(end_IP == known_I, 1.0 - 1.0 / count_IP, 1.0))
    won_IS = np.empty_like(won_IP)
    np.put_along_axis(won_IS, system_IP, won_IP, axis=1)
    share_IP = 1.0 - (place_P - begin_IP) / count_IP
    ties = bool((count_IP > 1)[group_IP >= 0].any())
    return _Orders(group_IS, won_IS, system_IP, begin_IP, end_IP, share_IP, place_P < known_I - 1, ties)


def _groups(value_IS: Array, known_IS: NDArray[np.bool_], tie: float) -> Places:
    """Return the group of each system on each item, the best 0."""
    group_IS = np.full(value_IS.shape, -1, dtype=np.int64)
    open_IS = known_IS.copy()
    for group in range(value_IS.shape[1]):
        best_I = np.where(open_IS, value_IS, -np.inf).max(axis=1, keepdims=True)
        tied_IS = open_IS & (value_IS >= best_I - tie - _SAME)
        group_IS[tied_IS] = group
        open_IS &= ~tied_IS
    return group_IS


def _strongly_linked(systems: tuple[str, ...], orders: _Orders, prior: bool) -> bool:
    known_IS = orders.group_IS >= 0
    ahead_SS = np.stack([((own[:, None] <= orders.group_IS) & (own >= 0)[:, None] & known_IS).any(axis=0) for own in orders.group_IS.T])
    return strongly_linked(systems, sparse.csr_array(ahead_SS), prior)


def _left(orders: _Orders, value_S: Array) -> Array:
    """Return the weight that is left to the choice at each place, (I, P)."""
    weight_IP = np.where(np.take_along_axis(orders.group_IS, orders.system_IP, axis=1) >= 0, np.exp(value_S)[orders.system_IP], 0.0)
    from_IP = np.pad(np.cumsum(weight_IP[:, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))
    group_IP, after_IP = (np.take_along_axis(from_IP, place_IP, axis=1) for place_IP in (orders.begin_IP, orders.end_IP))
    left: Array = np.where(orders.chooses_IP, after_IP + orders.share_IP * (group_IP - after_IP), 1.0)
    return left


def _loglik(orders: _Orders, value_S: Array) -> float:
    return float(orders.won_IS.sum(axis=0) @ value_S - np.log(_left(orders, value_S)).sum())


def _sums(orders: _Orders, value_S: Array) -> _Sums:
    inverse_IP = orders.chooses_IP / _left(orders, value_S)
    share_IP = orders.share_IP
    powers = ((inverse_IP, 1), (inverse_IP**2, 1), (inverse_IP**2, 2))
    return _Sums(*(_to_systems(orders, _until(orders, of_IP, share_IP**power)) for of_IP, power in powers))


def _until(orders: _Orders, of_IP: Array, share_IP: Array) -> Array:
    """Return sums over the places before a place's group, and by shares over the group."""
    before_IP, within_IP = (np.pad(np.cumsum(a, axis=1), ((0, 0), (1, 0))) for a in (of_IP, of_IP * share_IP))
    at_begin, at_end = orders.begin_IP, orders.end_IP
    out: Array = np.take_along_axis(before_IP - within_IP, at_begin, axis=1) + np.take_along_axis(within_IP, at_end, axis=1)
    return out


def _to_systems(orders: _Orders, of_IP: Array) -> Array:
    out_IS = np.empty_like(of_IP)
    np.put_along_axis(out_IS, orders.system_IP, of_IP, axis=1)
    return np.where(orders.group_IS >= 0, out_IS, 0.0)


def _information(orders: _Orders, value_S: Array, sums: _Sums) -> Array:
    """Return minus the Hessian of the log-likelihood."""
    other_SI, tied_SI, group_SI = (np.ascontiguousarray(a.T) for a in (sums.other_IS, sums.tied_IS, orders.group_IS))
    both_SS = np.empty((len(value_S), len(value_S)))
    for system, own_I in enumerate(other_SI):
        # of two systems the better one is out of the choices first, and its sum is the smaller
        met_SI = np.minimum(own_I, other_SI)
        if orders.ties:
            met_SI = np.where(group_SI == group_SI[system], tied_SI, met_SI)
        both_SS[system] = met_SI.sum(axis=1)
        both_SS[system, system] = tied_SI[system].sum()
    weight_S = np.exp(value_S)
    information: Array = np.diag(weight_S * sums.one_IS.sum(axis=0)) - weight_S[:, None] * weight_S * both_SS
    return information


def _fitted(orders: _Orders, precision: float) -> _Fit:
    size = orders.group_IS.shape[1]
    # choices tell only differences: the level is pinned, and strengths sum to 0
    pin = orders.choices / size**2
    value_S = np.zeros(size)
    objective = _loglik(orders, value_S)
    for step in range(1, _STEPS + 1):
        sums = _sums(orders, value_S)
        gradient_S = (orders.won_IS - np.exp(value_S) * sums.one_IS).sum(axis=0) - precision * value_S
        information_SS = _information(orders, value_S, sums) + pin + precision * np.eye(size)
        move_S = linalg.solve(information_SS, gradient_S, assume_a="pos")
        gain = float(gradient_S @ move_S)
        if gain < _GAIN:
            cov_SS: Array = linalg.inv(information_SS)
            value_S = value_S + move_S
            return _Fit(value_S - value_S.mean(), cov_SS - (0.0 if precision else 1.0 / (size**2 * pin)), step)
        part = min(1.0, _FARTHEST / float(np.abs(move_S).max()))
        while True:
            moved_S = value_S + part * move_S
            reached = _loglik(orders, moved_S) - precision / 2 * float(moved_S @ moved_S)
            if reached >= objective + 1e-4 * part * gain or part < 1e-6:
                break
            part /= 2
        value_S, objective = moved_S, reached
    raise ConfigError(f"the fit of {size} systems did not settle in {_STEPS} steps")


def _clustered(fit: _Fit, orders: _Orders) -> Array:
    """Return the covariance that allows for any dependence within an item: the sandwich around the items' scores."""
    score_IS = orders.won_IS - np.exp(fit.value_S) * _sums(orders, fit.value_S).one_IS
    cov_SS: Array = fit.cov_SS @ (score_IS.T @ score_IS) @ fit.cov_SS * (len(score_IS) / (len(score_IS) - 1))
    return cov_SS


def _notes(systems: tuple[str, ...], orders: _Orders, fit: _Fit, weak: bool, clustered: bool) -> Iterator[Finding]:
    items = len(orders.group_IS)
    if weak:
        message = (
            "some systems came before, or after, all others on all tasks: how far they are ahead is bounded only by a weak prior (sd 3)"
        )
        yield Finding("unbounded", "warning", "", message, "tasks on which neighbours in the ranking change places settle it")
    if not clustered and items < 2 * len(systems):
        message = f"{items} tasks are too few to allow for dependence within tasks: the intervals take all choices for independent"
        yield Finding("few_tasks", "warning", "", message, "compare on more tasks")
    tied = int(((orders.group_IS >= 0).sum(axis=1) > orders.group_IS.max(axis=1) + 1).sum())
    if tied:
        yield Finding("ties", "note", "", f"{tied} of {items} tasks have ties, which count after Efron")
    yield Finding("optimum", "note", "", f"{fit.steps} Newton steps")


METHOD = Method(
    name="plackett_luce",
    room="compare",
    call=plackett_luce,
    options=PlackettLuce,
    says="ranks by the strengths that best explain the order of systems on every task",
    cites="Plackett 1975; Luce 1959; Efron 1977 for ties",
)
