"""How fast item response theory is on one core, how well it finds planted truth, and how well it predicts hidden cells of real matrices."""

from __future__ import annotations

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import resource
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import spearmanr

from criterial.formats.load import read_cases
from criterial.maths.item_checks import dimensions, flaws_of, item_misfit, local_dependence
from criterial.maths.item_response import fit_items, predict, shrink

Marks = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def planted(systems: int, items: int, seed: int) -> Marks:
    """Return abilities, slopes, difficulties and marks drawn from them."""
    rng = np.random.default_rng(seed)
    theta, slope, difficulty = rng.normal(size=systems), np.exp(0.4 * rng.normal(size=items)), rng.normal(size=items)
    return theta, slope, difficulty, (rng.random((systems, items)) < expit(slope * (theta[:, None] - difficulty))).astype(np.float64)


def speed(systems: int, items: int, bar: str) -> None:
    _, _, _, value = planted(systems, items, 0)
    began = time.perf_counter()
    fit = fit_items(value, np.ones_like(value, dtype=np.bool_))
    spent = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{systems:4} x {items:5} {spent:8.2f} s (bar {bar})   log-likelihood {fit.loglik:15.4f}   gradient {fit.gradient:.1e}   "
        f"{fit.iterations} steps   peak {peak:.0f} MB"
    )


def recovery(systems: int, items: int, seeds: int) -> None:
    rows = []
    for seed in range(seeds):
        theta, slope, difficulty, value = planted(systems, items, 100 + seed)
        fit = fit_items(value, np.ones_like(value, dtype=np.bool_))
        off, within = np.abs(fit.ability_S - theta), np.abs(fit.ability_S - (theta - theta.mean()) / theta.std())
        ours, sums = spearmanr(fit.ability_S, theta)[0], spearmanr(value.sum(axis=1), theta)[0]
        rows.append(
            [
                np.corrcoef(fit.ability_S, theta)[0, 1],
                spearmanr(fit.difficulty_I, difficulty)[0],
                np.corrcoef(fit.slope_I, slope)[0, 1],
                np.mean(within < 1.96 * fit.ability_se_S),
                np.mean(off < 1.96 * np.sqrt(np.diag(fit.ability_cov_SS))),
                np.mean(np.abs(fit.slope_I - slope) < 1.96 * fit.slope_se_I),
                np.mean(np.abs(fit.difficulty_I - difficulty) < 1.96 * fit.difficulty_se_I),
                ours,
                sums,
                ours >= sums - 1e-12,
            ]
        )
    print(f"{systems:4} x {items:5}" + "".join(f"{v:8.3f}" for v in np.mean(rows, axis=0)))


def matrices(folder: Path) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Return each benchmark's marks, systems x items, and which are known."""
    cases: dict[str, list[tuple[str, dict[str, float]]]] = {}
    for case in read_cases(folder):
        system = {r.id: r.system for r in case.responses}
        marks = {system[v.response]: v.value for v in case.verdicts}
        cases.setdefault(case.task.id.split("/")[0], []).append((case.task.id, marks))
    out = {}
    for name, items in cases.items():
        systems = sorted({s for _, marks in items for s in marks})
        known = np.array([[s in marks for _, marks in items] for s in systems])
        value = np.array([[marks.get(s, 0.0) for _, marks in items] for s in systems], dtype=np.float64)
        out[name] = (value, known)
    return out


def hidden(name: str, value: NDArray[np.float64], known: NDArray[np.bool_]) -> None:
    """Print accuracy and Brier score on a fifth of the cells, hidden, beside the means of rows and of columns."""
    shown = known & (np.random.default_rng(0).random(known.shape) >= 0.2)
    test = known & ~shown
    row, column = (
        np.broadcast_to((value * shown).sum(axis=a, keepdims=True) / np.maximum(shown.sum(axis=a, keepdims=True), 1), value.shape)
        for a in (1, 0)
    )
    guesses = {"2pl": predict(fit_items(value, shown)), "rasch": predict(fit_items(value, shown, "rasch")), "row": row, "column": column}
    told = "".join(
        f"   {n} {np.mean((g[test] > 0.5) == (value[test] > 0.5)):.4f} {np.mean((g[test] - value[test]) ** 2):.4f}"
        for n, g in guesses.items()
    )
    print(f"{name:8} {value.shape[0]:3} x {value.shape[1]:4}{told}")


def checks(name: str, value: NDArray[np.float64], known: NDArray[np.bool_]) -> None:
    began = time.perf_counter()
    fit = fit_items(value, known)
    flaws, twins, misfit = flaws_of(fit), local_dependence(fit, 20), item_misfit(fit)
    few = shrink(fit, 50)
    print(
        f"{name:8} ceiling {flaws.ceiling_I.sum()}, floor {flaws.floor_I.sum()}, miskeyed {flaws.miskeyed_I.sum()}, "
        f"weak {flaws.weak_I.sum()}, misfit at 1 % {np.mean(misfit.p_I < 0.01):.3f}, "
        f"dependent pairs {len(twins.pair_P2)} (Q3 above {twins.threshold:.2f}), "
        f"first to second eigenvalue {dimensions(value, known).ratio:.1f}, 50 items agree {few.agreement:.3f} "
        f"({time.perf_counter() - began:.1f} s)"
    )


def main() -> None:
    """Print the tables."""
    speed(80, 1100, "2")
    speed(500, 5000, "60")
    print("correlations with the truth; shares of it in 95 % intervals (theta in the panel, of its law, a, b); Spearman beside sums")
    print("               theta       b       a   panel     law       a       b    ours    sums as good")
    for systems, items, seeds in ((80, 100, 50), (20, 100, 50), (80, 400, 20), (80, 1100, 10)):
        recovery(systems, items, seeds)
    if len(sys.argv) > 1:
        found = matrices(Path(sys.argv[1]) / "zeroeval_matrix")
        print("a fifth of the cells hidden: accuracy, Brier score")
        for name, (value, known) in found.items():
            hidden(name, value, known)
        for name, (value, known) in found.items():
            checks(name, value, known)


if __name__ == "__main__":
    main()
