"""Every method of the room `compare` keeps its contract: finite, no warning, inputs untouched, order of systems, ends of the range."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from criterial.catalogue import entries, find
from criterial.compare.evidence import Contest, Evidence, Mark, evidence_of
from criterial.core.method import Method
from criterial.core.score import Ranking
from criterial.errors import ConfigError
from tests.helpers_tables import numbers

METHODS = [find(name) for name in sorted(entries()) if name.startswith("compare.")]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
ABILITY = (2.0, 1.0, 1.0, 0.0, -1.5)
QUICK: dict[str, dict[str, Any]] = {"swiss": {"contests": 2000, "orders": 3}, "elo": {"orders": 40}}


def options(method: Method) -> Any:
    """The method's options, with fewer draws where draws take long."""
    known = {f.name for f in dataclasses.fields(method.options)} if method.options else set()
    return method.with_options({k: v for k, v in QUICK.get(method.name, {}).items() if k in known})


def binary(seed: int, items: int = 60, names: tuple[str, ...] = ("a", "b", "c", "d", "e"), missing: float = 0.0) -> list[Mark]:
    rng = np.random.default_rng(seed)
    difficulty, draws, there = rng.normal(size=items), rng.random((5, items)), rng.random((5, items)) >= missing
    chance = 1.0 / (1.0 + np.exp(difficulty - np.array(ABILITY)[:, None]))
    return [
        Mark(names[s], f"t{i}", float(draws[s, i] < chance[s, i]), f"suite {i % 4}") for s in range(5) for i in range(items) if there[s, i]
    ]


def by_suite(marks: list[Mark]) -> list[Mark]:
    """The order of benchmarks is a choice, the order of marks is none."""
    return sorted(marks, key=lambda m: m.suite)


def pairs(seed: int, number: int = 200) -> list[Contest]:
    rng = np.random.default_rng(seed)
    out = []
    for k in range(number):
        i, j = rng.choice(5, size=2, replace=False)
        ahead = ABILITY[i] - ABILITY[j] + rng.logistic()
        out.append(Contest("abcde"[i], "abcde"[j], 0.5 if abs(ahead) < 0.4 else float(ahead > 0), f"t{k % 50}"))
    return out


EVIDENCE: dict[str, Evidence] = {
    "marks": evidence_of(binary(0), []),
    "holes": evidence_of(binary(1, missing=0.3), []),
    "pairs": evidence_of([], pairs(0)),
    "both": evidence_of(binary(2), pairs(1)),
    "one item": evidence_of([Mark("a", "t", 1.0, "x"), Mark("b", "t", 0.0, "x")], []),
    "two items": evidence_of([Mark(s, t, float(s == t), t) for s in "ab" for t in "ab"], []),
    "all equal": evidence_of([Mark(s, f"t{i}", 1.0, f"k{i % 2}") for s in "abc" for i in range(10)], []),
    "one wins all": evidence_of([Mark(s, f"t{i}", float(s == "a"), f"k{i % 2}") for s in "abc" for i in range(10)], []),
    "huge": evidence_of([Mark(s, f"t{i}", (ord(s) + i) * 1e12, f"k{i % 2}") for s in "abc" for i in range(10)], []),
    "tiny": evidence_of([Mark(s, f"t{i}", (ord(s) + i % 3) * 1e-12, f"k{i % 2}") for s in "abc" for i in range(10)], []),
    "one without marks": evidence_of(binary(0), [Contest("a", "f", 1.0, "t0")]),
    "apart": evidence_of([Mark("a", "t1", 1.0, "x"), Mark("b", "t2", 0.0, "y")], []),
    "two islands": evidence_of([], [Contest("a", "b", 1.0, "t"), Contest("c", "d", 0.5, "u")]),
    "all ties": evidence_of([], [Contest("a", "b", 0.5, f"t{i}") for i in range(9)]),
    "one contest": evidence_of([], [Contest("a", "b", 1.0, "t")]),
    "one task": evidence_of([], [Contest("a", "b", float(i % 3 > 0), "t") for i in range(9)]),
}
each_evidence = pytest.mark.parametrize("evidence", EVIDENCE.values(), ids=list(EVIDENCE))


def ranked(method: Method, evidence: Evidence) -> Ranking | None:
    """The ranking, or None where the method says that it cannot rank this."""
    try:
        return method.call(evidence, options(method))
    except ConfigError:
        return None


@each_evidence
@each_method
def test_a_ranking_is_whole_and_finite_or_an_error_says_why_not(method: Method, evidence: Evidence) -> None:
    before = {name: getattr(evidence, name) for name in ("judged", "scored")}
    copies = {n: {f.name: np.copy(getattr(e, f.name)) for f in dataclasses.fields(e)} for n, e in before.items() if e is not None}
    found = ranked(method, evidence)
    for name, arrays in copies.items():
        for field, value in arrays.items():
            assert np.array_equal(getattr(before[name], field), value), f"{name}.{field} was changed"
    if found is None:
        return
    assert sorted(found.systems) == list(evidence.systems)
    assert len(found.strengths) == len(found.tiers) == len(found.ranks) == len(found.systems)
    assert all(np.isfinite(x) for x in numbers(found))
    values = [s.value for s in found.strengths]
    assert values == sorted(values, reverse=True)
    assert found.tiers[0] == 0 and all(0 <= b - a <= 1 for a, b in zip(found.tiers, found.tiers[1:], strict=False))
    for place, (best, worst) in enumerate(found.ranks, 1):
        assert 1 <= best <= place <= worst <= len(found.systems)
    for strength in found.strengths:
        assert (strength.low is None) == (strength.high is None)
        assert strength.method
        assert strength.low is None or strength.low <= strength.value <= strength.high
    for pair in found.comparisons:
        assert 0 < pair.p <= 1 and pair.difference.value >= 0


@pytest.mark.parametrize("name", ["marks", "holes", "pairs"])
@each_method
def test_the_order_and_names_of_systems_do_not_matter(method: Method, name: str) -> None:
    again = {
        "marks": lambda: evidence_of(by_suite(binary(0, names=("z", "b", "y", "d", "e"))[::-1]), []),
        "holes": lambda: evidence_of(by_suite(binary(1, names=("z", "b", "y", "d", "e"), missing=0.3)[::-1]), []),
        "pairs": lambda: evidence_of([], [Contest(*({"a": "z", "c": "y"}.get(s, s) for s in c[:2]), *c[2:]) for c in pairs(0)[::-1]]),
    }[name]()
    first, second = ranked(method, EVIDENCE[name]), ranked(method, again)
    if first is None or second is None:
        assert first is second
        return
    of = dict(zip(second.systems, second.strengths, strict=True))
    spread = max(s.value for s in first.strengths) - min(s.value for s in first.strengths)
    drawn = 0.15 if method.name in ("elo", "swiss") else 1e-6  # these draw by the order in which things come
    for system, strength in zip(first.systems, first.strengths, strict=True):
        assert of[{"a": "z", "c": "y"}.get(system, system)].value == pytest.approx(strength.value, abs=drawn * spread)


@each_method
def test_the_same_seed_gives_the_same_ranking(method: Method) -> None:
    for evidence in EVIDENCE.values():
        assert ranked(method, evidence) == ranked(method, evidence)


@each_method
def test_the_best_and_the_worst_are_told_apart_and_equals_are_not(method: Method) -> None:
    evidence = evidence_of(binary(3, items=400), pairs(3, 2000))
    found = method.call(evidence, options(method))
    assert found.systems[0] == "a" and found.systems[-1] == "e"
    if not found.comparisons:
        assert found.notes or any(s.low is None for s in found.strengths)
        return
    said = {frozenset((c.better, c.worse)): c.says for c in found.comparisons}
    assert said[frozenset("ae")] == "significant"
    assert said[frozenset("bc")] != "significant"


@each_method
def test_nothing_is_settled_by_one_task(method: Method) -> None:
    for name in ("one item", "one contest", "one task"):
        found = ranked(method, EVIDENCE[name])
        assert found is None or all(c.says == "uninformative" for c in found.comparisons)
