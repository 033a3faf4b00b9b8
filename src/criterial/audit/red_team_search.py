"""The search behind the red team: generations of edited rubrics, each scored on cases that all of its generation share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from criterial.audit.drift_items import items_of
from criterial.core.builder import table_of
from criterial.core.rubric import Rubric
from criterial.core.scale import Binary, label_of
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.errors import ConfigError

__all__ = ["AttackOptions", "Editor", "Judge", "Lesson", "OverBudgetError", "Search", "Split", "labels_of", "split_of"]

_FEWEST = 12


@dataclass(frozen=True)
class AttackOptions:
    """How the search goes; the defaults are the published ones."""

    generations: int = 5
    """Rounds."""
    sample: int = 200
    """Cases of each domain that a generation is scored on, drawn anew for each."""
    keep: int = 10
    """Rubrics that breed, and that are left at each step of the selection."""
    children: int = 4
    """Edits of each rubric that breeds."""
    first_children: int = 12
    """Edits of the rubric itself, in the first generation."""
    slack: float = 0.05
    """How far below the rubric's own accuracy on the benchmark an edit may fall during the search, and above which more earns nothing."""
    val_slack: float = 0.0
    """How far below the rubric's own accuracy on the benchmark an edit may fall in the selection. At the published 0 an edit is often
    passed over by chance, where a wording changes verdicts on the benchmark at all."""
    right_shown: int = 4
    """Target cases that the judge gets right which an editor is shown as mistakes."""
    wrong_shown: int = 2
    """Benchmark cases that the judge gets wrong which it is shown."""
    choose: Literal["min_target", "max_gap"] = "min_target"
    """Of the edits that keep the benchmark: the one of least accuracy on the target, or of the largest gap between the two."""
    split: tuple[float, float, float] = (0.5, 0.25, 0.25)
    """Shares of each domain's cases for the search, for the selection, and for what is reported."""
    tolerance: float = 0.02
    """Drop of accuracy from which the rubric counts as exposed."""
    budget: int = 100_000
    """Judgements (one case under one rubric) that are never passed; what the report needs is kept back from the search."""
    seed: int = 0
    """Seed of splits and samples."""
    export: bool = False
    """Whether the result holds the edited rubric. It is a rubric that misleads a judge: leave it out of what you pass on."""


class Lesson(NamedTuple):
    """A case that an editor is shown."""

    case: Case
    """What was judged."""
    said: str
    """What the judge says."""
    wanted: str
    """What it is to say."""


Judge = Callable[[Rubric, Sequence[Case]], Awaitable[VerdictTable]]
"""Fills a table for cases under a rubric."""
Editor = Callable[[Rubric, Sequence[Lesson], Sequence[Lesson], int], Awaitable[Sequence[Rubric]]]
"""Proposes edits of a rubric: (rubric, cases it gets wrong, cases it gets right that are to be shown as mistakes, how many)."""


class OverBudgetError(Exception):
    """The next judgements would pass the budget."""


@dataclass(frozen=True)
class Split:
    """The cases of one domain."""

    train: Sequence[Case]
    """For the search."""
    val: Sequence[Case]
    """For the selection."""
    test: Sequence[Case]
    """For what is reported."""


def split_of(cases: Sequence[Case], shares: tuple[float, float, float], seed: int, name: str) -> Split:
    """Return a domain's cases in three parts.

    Parameters
    ----------
    cases : sequence of Case
        All of them.
    shares : tuple of float
        Of the parts.
    seed : int
        Seed of the shuffle.
    name : str
        What the domain is called, for messages.

    Returns
    -------
    Split

    Raises
    ------
    ConfigError
        If there are too few cases, or the shares are not three that sum to 1.
    """
    if min(shares) <= 0 or abs(sum(shares) - 1.0) > 1e-9:
        raise ConfigError(f"the shares of a split are more than 0 and sum to 1, not {shares}")
    if len(cases) < _FEWEST:
        raise ConfigError(
            f"the {name} has {len(cases)} labelled cases: a red team needs {_FEWEST} at the very least, and hundreds to tell much"
        )
    order = np.random.default_rng(seed).permutation(len(cases))
    first, second = round(shares[0] * len(cases)), round((shares[0] + shares[1]) * len(cases))
    parts = [[cases[i] for i in sorted(part.tolist())] for part in (order[:first], order[first:second], order[second:])]
    return Split(*parts)


def labels_of(cases: Sequence[Case]) -> VerdictTable:
    """Return the labels that stand in cases as a table.

    Parameters
    ----------
    cases : sequence of Case
        With verdicts.

    Returns
    -------
    VerdictTable
    """
    return table_of(cases, [v for c in cases for v in c.verdicts])


@dataclass
class _Candidate:
    """An edited rubric and what a generation found of it."""

    rubric: Rubric
    bench: float
    target: float
    fitness: float


class Search:
    """One search.

    Parameters
    ----------
    seed : Rubric
        The rubric that is attacked.
    judge : callable
        Fills tables.
    editor : callable
        Proposes edits.
    bench : Split
        Cases that edits are checked on.
    target : Split
        Cases that matter.
    options : AttackOptions
        How it goes.
    """

    def __init__(self, seed: Rubric, judge: Judge, editor: Editor, bench: Split, target: Split, options: AttackOptions) -> None:
        self._seed = seed
        self._judge = judge
        self._editor = editor
        self._bench = bench
        self._target = target
        self._options = options
        self._right: dict[str, dict[str, float]] = {}
        self._labels: dict[tuple[str, ...], VerdictTable] = {}
        self._rng = np.random.default_rng(options.seed)
        self.judgements = 0
        self.tried = 0
        self.generations = 0
        self.stopped = ""
        self._kept_back = (options.keep + 1) * (len(bench.val) + len(target.val)) + 2 * (len(bench.test) + len(target.test))
        least = self._kept_back + min(options.sample, len(bench.train)) + min(options.sample, len(target.train))
        if options.budget < least:
            raise ConfigError(f"a budget of {options.budget} judgements is too small for these cases: selection and report need {least}")

    async def table(self, rubric: Rubric, cases: Sequence[Case]) -> VerdictTable:
        """Return the judge's table of cases, within the budget.

        Parameters
        ----------
        rubric : Rubric
            Under which rubric.
        cases : sequence of Case
            What is judged.

        Returns
        -------
        VerdictTable

        Raises
        ------
        OverBudgetError
            If the budget, less what is kept back, would be passed.
        """
        if self.judgements + len(cases) > self._options.budget - self._kept_back:
            self.stopped = "budget"
            raise OverBudgetError
        self.judgements += len(cases)
        return await self._judge(rubric, cases)

    async def _accuracy(self, rubric: Rubric, cases: Sequence[Case]) -> float:
        """Return how right verdicts are, of the cases that have one."""
        right = self._right.setdefault(rubric.digest, {})
        fresh = [c for c in cases if c.task.id not in right]
        if fresh:
            table = await self.table(rubric, fresh)
            names = tuple(c.task.id for c in fresh)
            if names not in self._labels:  # most edits of a generation are new, and share its cases
                self._labels[names] = labels_of(fresh)
            items = items_of(table, table, self._labels[names])
            sums = np.bincount(items.task_I, items.before_I, minlength=len(fresh))
            counts = np.bincount(items.task_I, minlength=len(fresh))
            right.update({c.task.id: s / n if n else np.nan for c, s, n in zip(fresh, sums.tolist(), counts.tolist(), strict=True)})
        known = [v for c in cases if not np.isnan(v := right[c.task.id])]
        return float(np.mean(known)) if known else 0.0

    async def run(self) -> Rubric | None:
        """Search and select.

        Returns
        -------
        Rubric or None
            The edit to report on; None where none keeps the benchmark.
        """
        options = self._options
        found: dict[str, _Candidate] = {}
        parents = [self._seed]
        seen = {self._seed.digest}
        try:
            for generation in range(options.generations):
                survivors = await self._generation(parents, seen, options.children if generation else options.first_children)
                self.generations += 1
                for one in survivors[: options.keep]:
                    if one.rubric.digest != self._seed.digest:
                        found[one.rubric.digest] = one
                parents = [s.rubric for s in survivors[: options.keep]] or [self._seed]
        except OverBudgetError:
            pass
        return await self._select(sorted(found.values(), key=_fittest))

    async def _generation(self, parents: Sequence[Rubric], seen: set[str], number: int) -> list[_Candidate]:
        """Return the parents and their children that keep the benchmark, fittest first."""
        bench, target = (self._drawn(d.train) for d in (self._bench, self._target))
        standard = await self._accuracy(self._seed, bench)
        scored = [await self._scored(p, bench, target, standard) for p in parents]
        edits = await asyncio.gather(*(self._editor(p, *self._lessons(p, bench, target), number) for p in parents))
        children: list[Rubric] = []
        for child in (c for each in edits for c in each):
            if child.digest not in seen:
                seen.add(child.digest)
                children.append(child)
        self.tried += len(children)
        try:
            for child in children:
                scored.append(await self._scored(child, bench, target, standard))
        except OverBudgetError:
            pass  # those that were scored still compete; the next generation finds the budget used up
        return sorted((s for s in scored if s.bench >= standard - self._options.slack), key=_fittest)

    async def _scored(self, rubric: Rubric, bench: Sequence[Case], target: Sequence[Case], standard: float) -> _Candidate:
        on_bench, on_target = await self._accuracy(rubric, bench), await self._accuracy(rubric, target)
        # more than the cap earns nothing, so that nothing is gained by fitting the benchmark
        return _Candidate(rubric, on_bench, on_target, min(on_bench, standard + self._options.slack) - on_target)

    def _drawn(self, cases: Sequence[Case]) -> list[Case]:
        size = min(self._options.sample, len(cases))
        return [cases[i] for i in sorted(self._rng.choice(len(cases), size, replace=False).tolist())]

    def _lessons(self, rubric: Rubric, bench: Sequence[Case], target: Sequence[Case]) -> tuple[list[Lesson], list[Lesson]]:
        """Return what an editor is shown: errors on the benchmark, and cases of the target that are right, with the opposite as wanted."""
        right = self._right[rubric.digest]
        wrong = [c for c in bench if right[c.task.id] < 0.5]
        good = [c for c in target if right[c.task.id] > 0.5]
        chosen = []
        for cases, number in ((wrong, self._options.wrong_shown), (good, self._options.right_shown)):
            chosen.append([cases[i] for i in self._rng.permutation(len(cases))[:number].tolist()])
        mended = [Lesson(c, _words(c, opposite=True), _words(c)) for c in chosen[0]]
        return mended, [Lesson(c, _words(c), _words(c, opposite=True)) for c in chosen[1]]

    async def _select(self, found: Sequence[_Candidate]) -> Rubric | None:
        """Return the edit that keeps the benchmark on cases the search did not see, and does worst on the target."""
        options = self._options
        val = len(self._bench.val) + len(self._target.val)
        self._kept_back -= (options.keep + 1) * val
        standard = await self._accuracy(self._seed, self._bench.val)
        on_target: list[tuple[float, Rubric]] = []
        for one in found:
            room = options.budget - self._kept_back - self.judgements - min(len(on_target) + 1, options.keep) * len(self._bench.val)
            if room < len(self._target.val):
                self.stopped = "budget"
                break
            on_target.append((await self._accuracy(one.rubric, self._target.val), one.rubric))
        lowest = sorted(on_target, key=lambda pair: pair[0])[: options.keep]
        finals = [(await self._accuracy(rubric, self._bench.val), target, rubric) for target, rubric in lowest]
        fit = [f for f in finals if f[0] >= standard - options.val_slack]
        if not fit:
            return None
        return min(fit, key=lambda f: f[1] if options.choose == "min_target" else f[1] - f[0])[2]

    def release(self) -> None:
        """Give the report what was kept back for it."""
        self._kept_back = 0


def _fittest(one: _Candidate) -> tuple[float, float, str]:
    return -one.fitness, one.target, one.rubric.digest


def _words(case: Case, opposite: bool = False) -> str:
    """Return what a case's labels say, or the opposite, in words."""
    said = []
    done: set[str] = set()
    for verdict in case.verdicts:
        criterion = case.rubric.criteria[case.rubric.index[verdict.criterion]]
        if verdict.value is None or criterion.id in done or (criterion.scope == "pair" and verdict.response != case.responses[0].id):
            continue
        done.add(criterion.id)
        label = label_of(criterion.scale, verdict.value)
        if criterion.scope == "pair":
            low = label in ("lost", "no")
            place = "neither" if label == "tied" else "the second" if low != opposite else "the first"
            said.append(f"{criterion.id}: {place} is better")
        elif isinstance(criterion.scale, Binary):
            said.append(f"{criterion.id}: {('no' if verdict.value else 'yes') if opposite else label}")
        else:
            said.append(f"{criterion.id}: {'not ' if opposite else ''}{label}")
    return "; ".join(said)
