"""Arguments for functions of arrays, drawn by the names and types that their signatures give them: mostly what nobody would give."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from criterial.maths import association, calibration, ceiling, item_response, preference_weights
from criterial.maths.sums import Sums, estimate

__all__ = ["arguments", "floats", "outcomes"]

LENGTHS = (0, 1, 2, 3, 8, 20)
USUAL = (0.05, 0.1, 0.3, 0.5, 0.8, 1.0, 2.0)
SCALARS = (0.0, 1.0, 0.5, -1.0, 2.0, 1e-9, 100.0, 5e-324, 1e300, np.nan, np.inf, -np.inf)
WHOLES = (0, 1, 2, 2, 3, 3, 10, -1)
FEW = {
    "resamples": 5,
    "draws": 20,
    "shuffles": 5,
    "chunk": 4,
    "seed": 0,
    "folds": 3,
    "level": 0.95,
    "systems": 5,
    "grid": preference_weights.GRID[:3],
}
"""What costs time, or what other arguments must agree with."""


def floats(shape: tuple[int, ...], rng: np.random.Generator, kind: str = "") -> NDArray[np.float64]:
    """Return an array of numbers of some kind."""
    return np.asarray(KINDS[kind or str(rng.choice(list(KINDS)))](shape, rng), dtype=np.float64)


def _probabilities(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return shares, which sum to one over the last axis of several."""
    if len(shape) < 2:
        return rng.choice([0.0, 1.0, 0.5, float(rng.random())], size=shape)
    return rng.dirichlet(np.full(max(shape[-1], 1), 0.5), size=shape[:-1])[..., : shape[-1]]


def _counts(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a single one in each row."""
    return np.eye(max(shape[-1], 1))[rng.integers(max(shape[-1], 1), size=shape[:-1])][..., : shape[-1]]


def _separable(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return zeros, and behind some place ones."""
    return (np.arange(np.prod(shape)) >= rng.random() * np.prod(shape)).reshape(shape)


KINDS: dict[str, Callable[[tuple[int, ...], np.random.Generator], NDArray[Any]]] = {
    "probabilities": _probabilities,
    "counts": _counts,
    "separable": _separable,
    "levels": lambda shape, rng: rng.integers(0, 3, size=shape),
    "ascending": lambda shape, rng: np.cumsum(rng.random(shape) + 0.1, axis=-1),
    "normal": lambda shape, rng: rng.normal(size=shape),
    "constant": lambda shape, rng: np.full(shape, float(rng.choice([0.0, 0.1, 1.0, 1e9]))),
    "huge": lambda shape, rng: rng.normal(size=shape) * 10.0 ** rng.integers(60, 308),
    "tiny": lambda shape, rng: rng.normal(size=shape) * 10.0 ** -float(rng.integers(100, 320)),
    "spread": lambda shape, rng: rng.normal(size=shape) * 10.0 ** rng.integers(-300, 300, size=shape).astype(np.float64),
    "nan": lambda shape, rng: np.where(rng.random(shape) < 0.3, np.nan, rng.normal(size=shape)),
    "inf": lambda shape, rng: np.where(rng.random(shape) < 0.3, np.inf * rng.choice([-1.0, 1.0], shape), rng.normal(size=shape)),
}
"""By name, arrays of what nobody would give, and some of what everybody does."""


class Drawn:
    """Arguments of one call, which agree on the lengths of their axes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.lengths: dict[str, int] = {}

    def shape(self, axes: str) -> tuple[int, ...]:
        return tuple(int(a) if a.isdecimal() else self.lengths.setdefault(a, int(self.rng.choice(LENGTHS[a == "M" :]))) for a in axes)

    def argument(self, name: str, hint: Any) -> Any:
        """Return an argument of that name and type."""
        if name in FEW:
            return FEW[name]
        if type(None) in get_args(hint):
            return None if self.rng.random() < 0.5 or name == "clean" else self.argument(name, get_args(hint)[0])
        if hint in MADE:
            return MADE[hint](self)
        if name in CALLABLES:
            return CALLABLES[name]
        choices = get_args(hint)
        if choices and isinstance(choices[0], (str, int)):
            return choices[int(self.rng.integers(len(choices)))]
        axes = re.search(r"_([A-Z0-9]+)$", name)
        if axes is None:
            return self.scalar(hint)
        shape = self.shape(axes.group(1))
        if "bool" in str(hint):
            return self.rng.random(shape) < self.rng.choice([0.0, 0.5, 0.8, 1.0])
        if "int64" in str(hint):
            return self.rng.integers(0, int(self.rng.choice([1, 2, 5])), size=shape)
        return floats(shape, self.rng, "" if self.rng.random() < 0.5 else LIKELY.get(name.partition("_")[0], ""))

    def scalar(self, hint: Any) -> Any:
        if hint is bool:
            return bool(self.rng.random() < 0.5)
        if hint is int:
            return int(self.rng.choice(WHOLES))
        return float(self.rng.choice(USUAL if self.rng.random() < 0.6 else SCALARS))


LIKELY = {
    **dict.fromkeys(["p", "probs", "chosen", "rejected", "one", "other"], "probabilities"),
    "counts": "counts",
    "label": "separable",
    "level": "ascending",
    **dict.fromkeys(["value", "mark", "decision", "people", "metric"], "levels"),
}
"""By the first word of a name, what such an array mostly holds."""


def _matrix(drawn: Drawn) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    shape = (int(drawn.rng.choice([2, 6, 15])), int(drawn.rng.choice([3, 4, 8])))
    return floats(shape, drawn.rng, str(drawn.rng.choice(["levels", "probabilities", "separable", "constant"]))), drawn.rng.random(
        shape
    ) < 0.9


def _fit(drawn: Drawn) -> item_response.ItemFit:
    value_SI, known_SI = _matrix(drawn)
    drawn.lengths["I"] = value_SI.shape[1]
    return item_response.fit_items(np.clip(value_SI, 0.0, 1.0), known_SI, "2pl" if drawn.rng.random() < 0.5 else "rasch")


def _pairs(drawn: Drawn) -> preference_weights.Pairs:
    shape = drawn.shape("PD")
    first_P, cluster_P = floats(shape[:1], drawn.rng, "separable"), drawn.rng.integers(0, 5, size=shape[0])
    return preference_weights.Pairs(
        floats(shape, drawn.rng), first_P, cluster_P, drawn.rng.integers(0, 3, size=shape[0]).astype(np.float64)
    )


def _ceiling(drawn: Drawn) -> ceiling.Ceiling:
    return ceiling.ceiling_of_variance(*(abs(drawn.scalar(float)) for _ in range(3)))


def _figure(drawn: Drawn) -> Sums:
    shape = drawn.shape("I")
    return association.mean(floats(shape, drawn.rng), np.ones(shape, dtype=np.bool_))


MADE: dict[Any, Callable[[Drawn], Any]] = {
    item_response.ItemFit: _fit,
    preference_weights.Pairs: _pairs,
    preference_weights.Penalty: lambda d: preference_weights.Penalty(float(d.rng.choice([0.001, 1.0])), float(d.rng.choice([0.0, 0.5]))),
    ceiling.Votes: lambda d: ceiling.votes_of(floats(d.shape("JI"), d.rng), d.rng.random(d.shape("JI")) < 0.9),
    ceiling.VoteScale: lambda d: ceiling.VoteScale(*sorted(d.rng.choice([0.0, 1.0, 5.0, 1e9], 2).tolist()), int(d.rng.choice([0, 2, 5]))),
    ceiling.Ceiling: _ceiling,
    np.random.Generator: lambda d: d.rng,
    Sequence[Sums]: lambda d: [_figure(d), _figure(d)],
    Sums: _figure,
}
"""By type, how an argument that is no array is made; what its maker refuses is refused."""
CALLABLES: dict[str, Any] = {
    "statistic": lambda sums_BM: sums_BM.sum(axis=1),
    "fit": calibration.fit_platt,
    "measure": association.pearson,
}


def arguments(function: Callable[..., Any], rng: np.random.Generator, resamples: int = 5) -> dict[str, Any]:
    """Return arguments for a function; a parameter that has a default is mostly left at it."""
    hints, drawn = get_type_hints(function), Drawn(rng)
    parameters = inspect.signature(function).parameters.values()
    taken = [p for p in parameters if p.default is p.empty or p.name in FEW or (p.name not in CALLABLES and rng.random() < 0.3)]
    return {p.name: resamples if p.name == "resamples" else drawn.argument(p.name, hints[p.name]) for p in taken}


def outcomes(found: Any) -> Iterator[Any]:
    """Yield what a result holds that may hold numbers: of a figure that is sums, its estimate."""
    if isinstance(found, Sums):
        yield estimate(found, np.arange(len(found.sums_IM)) // 2, 5)
    elif isinstance(found, Iterator):
        yield from found
    else:
        yield found
