"""Whatever functions of arrays are given, they give finite numbers or a documented error, and never warn.

Their arguments are drawn by name and type: NaN, infinite, empty, of one, constant, parted, huge and tiny. Every value of a method of the
rooms `score`, `compare` and `audit` comes through these functions, and through tables and evidence, which are drawn here too.
`CRITERIAL_FUZZ=10000` draws as many a function as the promise is about.
"""

from __future__ import annotations

import inspect
import os
import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import criterial.maths
from criterial.catalogue import entries, find
from criterial.compare.evidence import Contest, Evidence, Mark, evidence_of
from criterial.core.scale import Binary, Numeric, Scale, levels_of
from criterial.core.table import VerdictTable
from criterial.errors import ConfigError, TableError
from criterial.score.cells import cells_of
from tests.contracts.test_audits import AUDITS, MIXED
from tests.contracts.test_compare_methods import QUICK
from tests.helpers_numbers import arguments, floats, outcomes
from tests.helpers_tables import ABSTAINED, COUNT, FAILED, NA, THREE, Cell, cases_of, crit, numbers, rubric, table, values_of

DRAWS = int(os.environ.get("CRITERIAL_FUZZ", "24"))
SLOW = {"item_checks.simulated", "item_checks.item_misfit", "item_checks.local_dependence"}
"""Each draw fits dozens of models, so that there is a draw for ten of others."""
NOT_DRAWN = {
    "finite": "they are the checks themselves",
    "marginal.marginal_fit": "its marks come from `checked` through fit_items and fit_graded, which are drawn",
    "marginal.posterior": "as for marginal_fit, and through ability_of",
    "sums.divided": "a ratio of sums that were checked",
}
"""What arguments of its own cannot be drawn for, and why."""


def functions() -> dict[str, Callable[..., Any]]:
    """Every public function of the package `criterial.maths`."""
    found = {}
    for module in pkgutil.iter_modules(criterial.maths.__path__):
        loaded = import_module(f"criterial.maths.{module.name}")
        public = {f"{module.name}.{name}": getattr(loaded, name) for name in loaded.__all__}
        found |= {name: thing for name, thing in public.items() if inspect.isfunction(thing)}
    return {name: thing for name, thing in found.items() if not {name, name.split(".")[0]} & NOT_DRAWN.keys()}


FUNCTIONS = functions()


def is_told(number: float, function: Callable[..., Any]) -> bool:
    """Whether a number is finite, or the function's documentation says that it may not be."""
    says = (function.__doc__ or "").lower()
    return bool(np.isfinite(number)) or ("not a number" in says if np.isnan(number) else "infinite" in says)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whatever_is_given_the_answer_is_finite_or_a_documented_error(name: str) -> None:
    function = FUNCTIONS[name]
    answered = 0
    for number in range(DRAWS // 10 if name in SLOW else DRAWS):
        rng = np.random.default_rng([number, *name.encode()])
        try:
            given = arguments(function, rng, resamples=20 if name == "item_checks.local_dependence" else 5)
            found = [thing for outcome in outcomes(function(**given)) for thing in numbers(outcome)]
        except ConfigError:
            continue
        except Exception as error:
            error.add_note(f"draw {number} of {name}")
            raise
        answered += 1
        assert all(is_told(value, function) for value in found), f"draw {number} of {name}: {given}"
    assert answered, "no draw was answered, so nothing was shown"


def test_what_is_not_drawn_is_there() -> None:
    for name in NOT_DRAWN:
        module, _, function = name.partition(".")
        assert hasattr(import_module(f"criterial.maths.{module}"), function or "__all__")


MADE_BY = {name: find(name) for name in sorted(entries()) if name.startswith(("compare.", "score."))}
SCALES: tuple[Scale, ...] = (Binary(), THREE, COUNT, Numeric(-1e9, 1e9))


def drawn_evidence(rng: np.random.Generator) -> Evidence:
    """Marks, contests or both, of two to five systems."""
    systems, items = int(rng.integers(2, 6)), int(rng.choice([1, 2, 10]))
    value_SI = floats((systems, items), rng, "levels" if rng.random() < 0.3 else "separable" if rng.random() < 0.3 else "")
    marks = [Mark(f"s{s}", f"t{i}", float(v), f"k{i % 2}") for (s, i), v in np.ndenumerate(value_SI) if rng.random() < 0.9]
    draws = [
        (*rng.choice(systems, 2, replace=False).tolist(), float(rng.choice([0.0, 0.5, 1.0])), i) for i in range(int(rng.integers(0, 20)))
    ]
    if rng.random() < 0.1:
        draws = [(*draw[:2], float(rng.choice([np.nan, np.inf, 2.0, -1.0])), draw[3]) for draw in draws]
    contests = [Contest(f"s{a}", f"s{b}", result, f"t{i % 7}") for a, b, result, i in draws]
    return evidence_of(marks if rng.random() < 0.8 else [], contests if rng.random() < 0.6 else [])


def drawn_table(rng: np.random.Generator) -> VerdictTable:
    """Rows of one rubric whose weights are as far apart as they may be, with cells of every state, and values that are none."""
    weights = rng.choice([0.0, 1.0, -1.0, 1e-100, 1e100, -1e100, float(rng.normal())], size=int(rng.integers(1, 5)))
    made = rubric(*(crit(f"c{i}", float(w), scale=SCALES[int(rng.integers(len(SCALES)))]) for i, w in enumerate(weights)))
    hostile = rng.random() < 0.2

    rows = [[drawn_cell(c.scale, rng, hostile) for c in made.criteria] for _ in range(int(rng.choice([1, 2, 8])))]
    return table(made, *[rows] * int(rng.integers(1, 3)))


def drawn_cell(scale: Scale, rng: np.random.Generator, hostile: bool = False) -> Cell:
    """A value of a scale, sometimes no value, and sometimes one that is none."""
    if rng.random() < 0.3:
        return (FAILED, ABSTAINED, NA, None)[int(rng.integers(4))]
    if hostile and rng.random() < 0.2:
        return float(rng.choice([np.nan, np.inf, -np.inf, 1e300, 0.5]))
    value, levels = float(rng.choice(values_of(scale))), len(levels_of(scale))
    return {"value": value, "probs": tuple(rng.dirichlet(np.full(levels, 0.5)).tolist())} if levels and rng.random() < 0.5 else value


@pytest.mark.parametrize("name", MADE_BY)
def test_whatever_is_ranked_or_scored_the_figures_are_finite(name: str) -> None:
    method, answered = MADE_BY[name], 0
    options = method.with_options(QUICK.get(method.name, {}))
    for number in range(max(DRAWS // 2, 1)):
        rng = np.random.default_rng([number, *name.encode()])
        try:
            found = method.call(drawn_evidence(rng) if name.startswith("compare.") else cells_of(drawn_table(rng)), options)
        except (ConfigError, TableError):
            continue
        except Exception as error:
            error.add_note(f"draw {number} of {name}")
            raise
        answered += 1
        assert all(np.isfinite(value) for value in numbers(found)), f"draw {number} of {name}"
    assert answered, "no draw was answered, so nothing was shown"


@pytest.mark.parametrize("name", AUDITS)
def test_whatever_is_audited_the_figures_are_finite(name: str) -> None:
    answered = 0
    for number in range(max(DRAWS // 10, 1)):
        rng = np.random.default_rng([number, *name.encode()])
        rows = int(rng.choice([1, 2, 12, 30]))
        judged, labels = ([[drawn_cell(c.scale, rng) for c in MIXED.criteria] for _ in range(rows)] for _ in range(2))
        try:
            found = AUDITS[name](table(MIXED, judged), table(MIXED, labels, labels), cases_of(MIXED, rows))
        except (ConfigError, TableError):
            continue
        except Exception as error:
            error.add_note(f"draw {number} of {name}")
            raise
        answered += 1
        allowed = {float("-inf"), float("inf")} if name == "cascade" else set()  # a threshold that nothing or everything passes
        assert all(np.isfinite(value) or value in allowed for value in numbers(found)), f"draw {number} of {name}"
    assert answered or DRAWS < 100, "no draw was answered, so nothing was shown"


def test_the_contract_would_notice_what_is_not_told() -> None:
    """The control."""

    def silent(value_I: np.ndarray) -> float:
        """Return what nobody documented."""
        return float(np.sum(value_I))

    assert not is_told(np.nan, silent) and not is_told(np.inf, silent) and is_told(1.0, silent)
