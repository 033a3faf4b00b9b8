"""Intraclass correlations: how much of the variance of marks lies between items, after Shrout and Fleiss."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from criterial.errors import ConfigError
from criterial.maths.sums import Figure, Sums, divided, standardised

__all__ = ["Model", "icc", "icc_interval"]

Floats = NDArray[np.float64]
Model = Literal[1, 2, 3]
"""Their cases: every item has raters of its own; raters of all items, drawn from many; raters of all items, who alone are of interest."""


def icc(value_JI: Floats, known_JI: NDArray[np.bool_], model: Model = 2, mean: bool = False) -> Sums:
    """Return the intraclass correlation: the share of variance that lies between items, of one rater's marks or of the mean of all.

    Parameters
    ----------
    value_JI : (J, I) float
        Marks of J raters.
    known_JI : (J, I) bool
        Where there is one. Models 2 and 3 take the items that all raters rated; model 1 takes all.
    model : Model
        Whose errors count: ICC(1, .), ICC(2, .) or ICC(3, .).
    mean : bool
        Whether it is of the mean of the raters, ICC(., k).

    Returns
    -------
    Sums

    Raises
    ------
    ConfigError
        If a mark is not finite, or there is only one rater.

    References
    ----------
    Shrout and Fleiss (1979), Psychological Bulletin 86; for unequal numbers of raters, Donner (1986).
    """
    sums_IM = _icc_sums(value_JI, known_JI, model)

    def statistic(sums_BM: Floats) -> Floats:
        squares = _mean_squares(sums_BM, model)
        single_B = _single(squares, model)
        return _of_mean(single_B, squares.raters) if mean else single_B

    return Sums(sums_IM, statistic, "all marks are the same")


def icc_interval(value_JI: Floats, known_JI: NDArray[np.bool_], model: Model = 2, mean: bool = False, level: float = 0.95) -> Figure:
    """Return the intraclass correlation with the interval by F that holds for normal marks of independent items.

    Parameters
    ----------
    value_JI, known_JI, model, mean
        As for `icc`.
    level : float
        Level of the interval.

    Returns
    -------
    Figure

    Raises
    ------
    ConfigError
        As for `icc`.

    References
    ----------
    Shrout and Fleiss (1979).
    """
    figure = icc(value_JI, known_JI, model, mean)
    items = int(figure.sums_IM.any(axis=1).sum())
    value = figure.value
    if value is None:
        return Figure(None, None, None, None, items, items, figure.undefined if items else "there is nothing to take it of")
    squares = _mean_squares(figure.sums_IM.sum(axis=0, keepdims=True), model)
    rows, columns, error, count, raters, spare = (float(v[0]) for v in squares)
    if error <= 1e-12 * rows:
        return Figure(value, None, None, None, items, items, "no interval: no error is left to measure")
    tail = 0.5 + level / 2
    if model == 2:
        single = float(_single(squares, model)[0])
        share, ratio = raters * single, columns / error
        rest = count * (1 + (raters - 1) * single) - share
        spare = spare * (share * ratio + rest) ** 2 / max((count - 1) * (share * ratio) ** 2 + rest**2, 1e-300)
        wide = raters * columns + (raters * count - raters - count) * error
        narrow, broad = stats.f.ppf(tail, count - 1, spare), stats.f.ppf(tail, spare, count - 1)
        if not np.isfinite([narrow, broad]).all():
            return Figure(value, None, None, None, items, items, "no interval: too few ratings to measure the error by")
        ends = [
            count * (rows - narrow * error) / (narrow * wide + count * rows),
            count * (broad * rows - error) / (wide + count * broad * rows),
        ]
    else:
        ratio = rows / error
        both = (ratio / stats.f.ppf(tail, count - 1, spare), ratio * stats.f.ppf(tail, spare, count - 1))
        ends = [(f - 1) / (f + raters - 1) for f in both]
    low, high = (float(_of_mean(np.array([e]), squares.raters)[0]) if mean else float(e) for e in ends)
    if not np.isfinite([low, high]).all():
        return Figure(value, None, None, None, items, items, "no interval: that of the mean of raters has no lower end")
    return Figure(value, low, high, None, items, items)


class _MeanSquares(NamedTuple):
    """Mean squares of an analysis of variance, each (B,), with how many items, raters an item, and degrees of freedom of the error."""

    rows: Floats
    columns: Floats
    error: Floats
    items: Floats
    raters: Floats
    spare: Floats


def _icc_sums(value_JI: Floats, known_JI: NDArray[np.bool_], model: Model) -> Floats:
    known_JI = np.asarray(known_JI, dtype=np.bool_)
    if len(known_JI) < 2:
        raise ConfigError("the correlation of raters needs two of them")
    kept_JI = known_JI if model == 1 else known_JI & known_JI.all(axis=0)
    value_JI = standardised(value_JI, kept_JI)
    count_I, sum_I = kept_JI.sum(axis=0), value_JI.sum(axis=0)
    columns = value_JI if model != 1 else (count_I**2)[None]
    return np.column_stack([count_I > 0, count_I, sum_I, sum_I**2 / np.maximum(count_I, 1), (value_JI**2).sum(axis=0), *columns])


def _mean_squares(sums_BM: Floats, model: Model) -> _MeanSquares:
    items_B, marks_B, sum_B, between_B, square_B = sums_BM.T[:5]
    rows_B = divided(between_B - sum_B**2 / np.maximum(marks_B, 1), items_B - 1)
    within_B = square_B - between_B
    if model == 1:
        error_B = divided(within_B, marks_B - items_B)
        raters_B = divided(marks_B - sums_BM[:, 5] / np.maximum(marks_B, 1), items_B - 1)
        return _MeanSquares(rows_B, error_B, error_B, items_B, raters_B, marks_B - items_B)
    raters_B = np.full(len(items_B), sums_BM.shape[1] - 5.0)
    columns_B = ((sums_BM[:, 5:] ** 2).sum(axis=1) - sum_B**2 / raters_B) / np.maximum(items_B, 1)
    spare_B = (items_B - 1) * (raters_B - 1)
    return _MeanSquares(rows_B, columns_B / (raters_B - 1), divided(within_B - columns_B, spare_B), items_B, raters_B, spare_B)


def _single(squares: _MeanSquares, model: Model) -> Floats:
    rows_B, columns_B, error_B, items_B, raters_B, _ = squares
    biased_B = raters_B * (columns_B - error_B) / np.maximum(items_B, 1) if model == 2 else 0.0
    return divided(rows_B - error_B, rows_B + (raters_B - 1) * error_B + biased_B)


def _of_mean(single_B: Floats, raters_B: Floats) -> Floats:
    """Return the reliability of a mean of so many (Spearman and Brown)."""
    return divided(raters_B * single_B, 1.0 + (raters_B - 1) * single_B)
