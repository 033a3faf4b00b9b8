"""The embedded judge's head: a logistic model over few features, with signs that cannot be learnt wrongly.

A logistic head was chosen by measurement. On the kind of labels that it was trained on, boosted trees were better by 0.006 AUROC; on
kinds that neither had seen they were worse by 0.04 to 0.2 (benchmarks/README.md has the table), and a user's criteria are such a kind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from criterial.errors import ConfigError
from criterial.model.floor_features import FEATURES

__all__ = ["Head", "default_head", "fit_head", "read_head"]

_SIGNS: Mapping[str, int] = {"number_missing": -1, "name_missing": -1, "negation_differs": -1, "log_criterion": 0, "log_response": 0}
_PRECISION = 10.0
_BIAS_PRECISION = 0.05


@dataclass(frozen=True)
class Head:
    """Weights over standardised features, F of them."""

    mean_F: NDArray[np.float64]
    """Mean of each feature where the head was trained."""
    scale_F: NDArray[np.float64]
    """Standard deviation of each feature there."""
    weight_F: NDArray[np.float64]
    """Weight of each standardised feature."""
    bias: float
    """Log-odds at the mean of all features."""
    band: tuple[float, float] = (0.4, 0.6)
    """Probabilities between which the judge abstains."""
    calibrated: bool = False
    """Whether labels of the user's own kind went into it."""
    note: str = ""
    """What it was trained on."""

    def probability(self, features_F: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that a criterion is covered.

        Parameters
        ----------
        features_F : (..., F) float
            Features, see `criterial.model.floor_features.FEATURES`.

        Returns
        -------
        (...) float
        """
        # A sum, since a product of matrices could differ in the last bit with how many rows it has.
        odds = ((features_F - self.mean_F) / self.scale_F * self.weight_F).sum(axis=-1) + self.bias
        probability: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0)))
        return probability

    def to_dict(self) -> dict[str, Any]:
        """Return the head as JSON types.

        Returns
        -------
        dict
        """
        columns = zip(FEATURES, self.mean_F, self.scale_F, self.weight_F, strict=True)
        return {
            "features": {
                n: {"mean": round(float(m), 6), "scale": round(float(s), 6), "weight": round(float(w), 6)} for n, m, s, w in columns
            },
            "bias": round(self.bias, 6),
            "band": list(self.band),
            "calibrated": self.calibrated,
            "note": self.note,
        }


def default_head() -> Head:
    """Return the head that the package brings along.

    Returns
    -------
    Head
    """
    return read_head(Path(__file__).with_name("floor_head.json"))


def read_head(path: Path) -> Head:
    """Return a head from a file.

    Parameters
    ----------
    path : Path
        What `Head.to_dict` wrote, as JSON.

    Returns
    -------
    Head

    Raises
    ------
    ConfigError
        If it is no such file, or one for other features.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        mean_F, scale_F, weight_F = (_column(data["features"], key) for key in ("mean", "scale", "weight"))
        low, high = data["band"]
        head = Head(mean_F, scale_F, weight_F, float(data["bias"]), (float(low), float(high)), bool(data["calibrated"]), str(data["note"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ConfigError(f"{path}: no head of the embedded judge: {error}; make one with `criterial judge calibrate`") from error
    if set(data["features"]) != set(FEATURES) or not np.isfinite([mean_F, scale_F, weight_F]).all() or not (scale_F > 0).all():
        raise ConfigError(f"{path}: made for another version of the embedded judge; run `criterial judge calibrate` again")
    if not math.isfinite(head.bias) or not 0.0 <= head.band[0] <= head.band[1] <= 1.0:
        raise ConfigError(
            f"{path}: bias {head.bias:g} and band {head.band[0]:g} to {head.band[1]:g} make no judge: the bias is finite, and the band "
            "lies between 0 and 1, its lower end first; run `criterial judge calibrate` again"
        )
    return head


def _column(features: Mapping[str, Mapping[str, float]], key: str) -> NDArray[np.float64]:
    return np.array([features[name][key] for name in FEATURES], dtype=np.float64)


def fit_head(
    features_IF: NDArray[np.float64], met_I: NDArray[np.float64], prior: Head | None = None, weight_I: NDArray[np.float64] | None = None
) -> Head:
    """Return the head that fits labels, near a prior one where there are few of them.

    Parameters
    ----------
    features_IF : (I, F) float
        Features of each label.
    met_I : (I,) float in {0, 1}
        The labels, of both kinds.
    prior : Head, optional
        Head to stay near; its standardisation is kept. None starts from nothing.
    weight_I : (I,) float, optional
        Weight of each label.

    Returns
    -------
    Head
        Calibrated where a prior was given.

    Raises
    ------
    ConfigError
        If all labels are of one kind.

    Notes
    -----
    Maximum a posteriori logistic regression: Gaussian priors of precision 10 about the prior's weights and 0.05 about its bias; weights of
    similarities are kept from being negative and those of mismatches from being positive.
    """
    from scipy.optimize import minimize  # slow to import, and needed for fitting alone

    if len(np.unique(met_I)) < 2:
        raise ConfigError("the labels are all of one kind: a threshold needs some that are met and some that are not")
    mean_F = prior.mean_F if prior else features_IF.mean(axis=0)
    scale_F = prior.scale_F if prior else np.maximum(features_IF.std(axis=0), 1e-6)
    start = np.concatenate([[prior.bias if prior else 0.0], prior.weight_F if prior else np.zeros(features_IF.shape[1])])
    standard_IF = (features_IF - mean_F) / scale_F
    weight_I = np.ones(len(met_I)) if weight_I is None else weight_I
    precision = np.concatenate([[_BIAS_PRECISION if prior else 1e-6], np.full(features_IF.shape[1], _PRECISION)])

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds_I = standard_IF @ theta[1:] + theta[0]
        residual_I = weight_I * (1.0 / (1.0 + np.exp(-np.clip(odds_I, -30, 30))) - met_I)
        away = theta - start
        value = float(weight_I @ (np.logaddexp(0.0, odds_I) - met_I * odds_I) + 0.5 * precision @ away**2)
        return value, np.concatenate([[residual_I.sum()], standard_IF.T @ residual_I]) + precision * away

    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=_bounds()).x
    note = f"fitted to {len(met_I)} labels, {int(met_I.sum())} of them met"
    band = prior.band if prior else Head.band
    return Head(mean_F, scale_F, fitted[1:], float(fitted[0]), band, calibrated=prior is not None, note=note)


def _bounds() -> Sequence[tuple[float | None, float | None]]:
    limits = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}
    return [(None, None), *(limits[_SIGNS.get(name, 1)] for name in FEATURES)]
