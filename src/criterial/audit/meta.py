"""Metrics against people's preferences: whether a metric can be trusted to tell apart two responses, or two systems."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.score import Estimate, Finding
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.maths import preferences
from criterial.maths.preferences import Strategy, counted, decisions
from criterial.score.columns import columns_of, credit_of_values
from criterial.score.estimates import bootstrap_estimates

__all__ = ["Against", "Meta", "Metric", "People", "Stratum", "Systems", "meta_evaluation"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Against = Literal["preference", "rating"]
"""What a metric is held against: which of two responses people prefer, or how they rate both on that very metric."""
_CROSSFIT = 100  # pairs beyond which there are enough to fit a threshold on others
_OFF = 0.02
_MOVES = 0.2
_SET = "set:"


@dataclass(frozen=True)
class People:
    """How far people agree with each other, over every two of them on every pair that both judged."""

    strict: Estimate
    """Share of equal decisions."""
    half: Estimate
    """The same with half a credit where exactly one of them ties."""
    chance: Estimate
    """Strict agreement of people who decide as often each way, but on other pairs."""
    tau: Estimate
    """Equal decisions less opposite ones, over how often they decide."""
    released: tuple[float, float] | None = None
    """Strict and half credit as the released script counts them, where that was asked for."""


@dataclass(frozen=True)
class Metric:
    """How far a metric agrees with people on single pairs."""

    name: str
    """A criterion, or a judge of pairs."""
    against: Against
    """What it is held against."""
    pairs: int
    """Pairs that both decided."""
    lacking: int
    """Pairs that people decided and the metric did not."""
    tie: float
    """Up to which distance the metric ties."""
    crossfitted: bool
    """Whether each pair's own threshold was found on other tasks; `tie` is that of all."""
    people_ties: float
    """Share of ties by people."""
    metric_ties: float
    """Share of ties by the metric."""
    agreement: Estimate
    """Share of pairs on which both decide alike."""
    chance: Estimate
    """What a metric that decides as often each way, but on other pairs, would get."""
    above: Estimate
    """Agreement less chance."""
    tau: Estimate
    """Equal decisions less opposite ones, over how often each side decides."""


@dataclass(frozen=True)
class Systems:
    """Whether a metric puts systems in the order that people put them in."""

    name: str
    """The metric."""
    systems: tuple[str, ...]
    """The systems, the one that people like best first."""
    people: tuple[float, ...]
    """Win rate of each by people, ties as half."""
    metric: tuple[float, ...]
    """Win rate of each by the metric, whose ties are exact."""
    tau: Estimate
    """Kendall's tau-b of the two."""
    without: Mapping[str, float | None]
    """The same with one system left out, by its name."""


@dataclass(frozen=True)
class Stratum:
    """The pairs of one kind."""

    name: str
    """A tag of tasks, or ``all``."""
    pairs: int
    """Pairs that people judged."""
    opinions: int
    """What people said of them in all."""
    people: tuple[str, ...]
    """Who."""
    among: People | None
    """How far they agree with each other; None where no two judged one pair."""
    metrics: tuple[Metric, ...]
    """Every metric against the preference, then against ratings where people gave any."""
    systems: tuple[Systems, ...]
    """Every metric on systems."""


@dataclass(frozen=True)
class Meta:
    """What can be said of metrics by people's preferences."""

    strategy: Strategy
    """What counts as agreement."""
    strata: tuple[Stratum, ...]
    """Kinds of pairs."""
    notes: tuple[Finding, ...]
    """What a reader must know."""


_View = Mapping[str, tuple[Floats, Flags]]
"""By criterion, how far the first of each pair is ahead, and where that is known; the comparison of both has no name."""


class _Opinions(NamedTuple):
    """What people said of pairs, one after another; the metrics' view of the same pair stands beside it."""

    pair_O: NDArray[np.int64]
    person_O: NDArray[np.int64]
    task_O: NDArray[np.int64]
    question_O: NDArray[np.int64]
    first_O: NDArray[np.int64]
    second_O: NDArray[np.int64]
    decision_O: Floats
    ahead: _View
    """By metric."""
    rated: _View
    """By metric, how the same person rates the two on it."""
    verdicts: frozenset[str]
    """Metrics that are judges of pairs: they tie where they say so."""

    def of(self, keep_O: Flags) -> _Opinions:
        """Return some of them."""
        arrays = {name: getattr(self, name)[keep_O] for name in self._fields if name.endswith("_O")}
        ahead, rated = ({n: (a[keep_O], k[keep_O]) for n, (a, k) in view.items()} for view in (self.ahead, self.rated))
        return self._replace(**arrays, ahead=ahead, rated=rated)


class _Settings(NamedTuple):
    strategy: Strategy
    tie: float | Mapping[str, float] | None
    released: bool
    resamples: int
    seed: int


def meta_evaluation(
    cases: Sequence[Case],
    table: VerdictTable,
    people: Sequence[str],
    metrics: Sequence[str] = (),
    strategy: Strategy = "threshold",
    tie: float | Mapping[str, float] | None = None,
    strata: Sequence[str] = (),
    compat: str = "",
    resamples: int = 2000,
    seed: int = 0,
) -> Meta:
    """Return how far metrics agree with people's preferences, on single pairs and on systems.

    Parameters
    ----------
    cases : sequence of Case
        Pairs: cases of two responses whose rubric has a criterion of scope ``pair``; others are passed over.
    table : VerdictTable
        The verdicts on them.
    people : sequence of str
        Judges that are people; ``*`` in a name stands for anything.
    metrics : sequence of str
        Criteria that other judges scored, or other judges of pairs; all of them where none is named.
    strategy : Strategy
        What counts as agreement. With ``partial`` a metric ties only where it is even.
    tie : float, or mapping of str to float, optional
        Up to which distance of credits metrics tie, all or by name. Left out, each ties as often as the people it is held against:
        by a threshold found on other tasks where there are more than 100 pairs.
    strata : sequence of str
        Patterns; the pairs of tasks with a tag of a pattern are a stratum. Left out, every tag ``set:NAME`` is one, and all pairs are.
    compat : str
        ``released`` adds agreement among people as the script released with ScholarQA-CS2 counts it.
    resamples, seed : int
        Bootstrap resamples of questions (tasks that ask the same) and their seed, which is that of the folds of thresholds too.

    Returns
    -------
    Meta

    Raises
    ------
    ConfigError
        If a name or an option cannot be used, or people judged no pair.

    References
    ----------
    Hwang et al. (2026), Deep Research, Shallow Evaluation, arXiv 2603.06942 (card scholarqa_cs2).
    """
    if compat not in ("", "released"):
        raise ConfigError(f"no compat {compat!r}: only released")
    if [c.task.id for c in cases] != list(table.tasks):
        raise ConfigError("the verdicts are of other cases")
    who = _people(table, people)
    systems = tuple(dict.fromkeys(table.systems))
    said = _opinions(cases, table, who, systems)
    said = said._replace(ahead=_picked(said.ahead, metrics))
    settings = _Settings(strategy, tie, compat == "released", resamples, seed)
    found = tuple(_stratum(name, said.of(keep_O), who, systems, settings) for name, keep_O in _strata(cases, said, strata))
    return Meta(strategy, found, tuple(_notes(found, said.verdicts, tie is None and strategy != "partial")))


def _people(table: VerdictTable, patterns: Sequence[str]) -> tuple[str, ...]:
    judges = tuple(dict.fromkeys(layer.judge for layer in table.layers))
    kept = tuple(j for j in judges if any(fnmatchcase(j, p) for p in patterns))
    if not kept:
        raise ConfigError(f"no judge is {' or '.join(patterns)}: the judges are {', '.join(judges[:8])}")
    return kept


def _picked(ahead: Mapping[str, tuple[Floats, Flags]], named: Sequence[str]) -> dict[str, tuple[Floats, Flags]]:
    missing = [n for n in named if n not in ahead]
    if missing or not ahead:
        there = f"there are {', '.join(ahead)}" if ahead else "no judge but people scored or compared a pair"
        raise ConfigError(f"no metric {missing[0]!r}: {there}" if missing else there)
    return {n: ahead[n] for n in named or ahead}


# ---------------------------------------------------------------------------------------------------------------- reading the table


def _opinions(cases: Sequence[Case], table: VerdictTable, people: Sequence[str], systems: Sequence[str]) -> _Opinions:
    """Return what people said of pairs, with every metric's view of these."""
    asked: dict[object, int] = {}
    question_T = np.array([asked.setdefault(c.task.messages, len(asked)) for c in cases], dtype=np.int64)
    rows_P2, task_P = _pairs(table)
    layers = {judge: [i for i, layer in enumerate(table.layers) if layer.judge == judge] for judge, _, _ in table.layers}
    views = [_view(table, rows_P2, layers[who]) for who in people]
    told = [np.flatnonzero(view[""][1]) for view in views]
    pair_O = np.concatenate(told)
    if not len(pair_O):
        raise ConfigError("people judged no pair: a pair is a case of two responses with a criterion of scope pair")
    scores, judges = _metrics(table, rows_P2, layers, people)
    system_R = np.array([systems.index(s) for s in table.systems], dtype=np.int64)
    return _Opinions(
        pair_O,
        np.repeat(np.arange(len(people)), [len(t) for t in told]),
        task_P[pair_O],
        question_T[task_P[pair_O]],
        system_R[rows_P2[pair_O, 0]],
        system_R[rows_P2[pair_O, 1]],
        np.concatenate([decisions(view[""][0][at]) for view, at in zip(views, told, strict=True)]),
        {n: (a[pair_O], k[pair_O]) for n, (a, k) in {**scores, **judges}.items()},
        {n: _joined([view[n] for view in views], told) for n in scores if any(view[n][1].any() for view in views)},
        frozenset(judges),
    )


def _joined(views: Sequence[tuple[Floats, Flags]], told: Sequence[NDArray[np.int64]]) -> tuple[Floats, Flags]:
    ahead, known = (np.concatenate([view[i][at] for view, at in zip(views, told, strict=True)]) for i in (0, 1))
    return ahead.astype(np.float64), known.astype(np.bool_)


def _metrics(
    table: VerdictTable, rows_P2: NDArray[np.int64], layers: Mapping[str, list[int]], people: Sequence[str]
) -> tuple[dict[str, tuple[Floats, Flags]], dict[str, tuple[Floats, Flags]]]:
    """Return the criteria that somebody but people scored, and the judges of pairs that are no people."""
    machines = [name for name in layers if name not in people]
    together = _view(table, rows_P2, [i for name in machines for i in layers[name]])
    scores = {n: view for n, view in together.items() if n and view[1].any()}
    alone = {name: _view(table, rows_P2, layers[name])[""] for name in machines}
    return scores, {name: view for name, view in alone.items() if view[1].any() and name not in scores}


def _pairs(table: VerdictTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the two rows of each pair, and its task."""
    asks_U = [any(c.scope == "pair" for c in r.criteria) for r in table.rubrics]
    rows: dict[int, list[int]] = {}
    for row, (task, rubric) in enumerate(zip(table.task_R.tolist(), table.rubric_R.tolist(), strict=True)):
        if asks_U[rubric]:
            rows.setdefault(task, []).append(row)
    pairs = {task: two for task, two in rows.items() if len(two) == 2}
    return np.array(list(pairs.values()), dtype=np.int64).reshape(-1, 2), np.array(list(pairs), dtype=np.int64)


def _view(table: VerdictTable, rows_P2: NDArray[np.int64], layers: Sequence[int]) -> dict[str, tuple[Floats, Flags]]:
    """Return how some layers, on average, see each pair."""
    columns = columns_of(table.rubrics)
    known_LN = table.state_LN[list(layers)] == State.DECIDED
    credit_LN = np.array([credit_of_values(table.value_LN[i], columns, table.column_N) for i in layers]).reshape(known_LN.shape)
    count_N = known_LN.sum(axis=0)
    mean_N = np.where(known_LN, credit_LN, 0.0).sum(axis=0) / np.maximum(count_N, 1)
    rubric_P = table.rubric_R[rows_P2[:, 0]]
    nothing = (np.zeros(len(rows_P2)), np.zeros(len(rows_P2), dtype=np.bool_))
    out: dict[str, tuple[Floats, Flags]] = {"": nothing}
    for number, rubric in enumerate(table.rubrics):
        here = np.flatnonzero(rubric_P == number)
        whole = next((c.id for c in rubric.criteria if c.scope == "pair"), None)
        for place, criterion in enumerate(rubric.criteria):
            if criterion.scope == "pair" and criterion.id != whole:
                continue
            name = "" if criterion.id == whole else criterion.id
            ahead_P, known_P = out.setdefault(name, (nothing[0].copy(), nothing[1].copy()))
            cells_P2 = table.start_R[rows_P2[here]] + place
            ahead_P[here] = (mean_N[cells_P2] @ [1.0, -1.0]) * (-1.0 if criterion.weight < 0 else 1.0)
            known_P[here] = (count_N[cells_P2] > 0).all(axis=1)
    return out


def _strata(cases: Sequence[Case], said: _Opinions, patterns: Sequence[str]) -> Iterator[tuple[str, Flags]]:
    """Yield the strata that hold anything, with the opinions in each."""
    tags = [c.task.tags for c in cases]
    wanted = patterns or sorted({t for i in np.unique(said.task_O).tolist() for t in tags[i] if t.startswith(_SET)})
    for pattern in wanted:
        within_T = np.array([any(fnmatchcase(t, pattern) for t in own) for own in tags], dtype=np.bool_)
        keep_O = within_T[said.task_O]
        if keep_O.any():
            yield pattern, keep_O
        elif patterns:
            raise ConfigError(f"people judged no pair with a tag {pattern!r}")
    if not patterns and len(wanted) != 1:
        yield "all", np.ones(len(said.task_O), dtype=np.bool_)


# ------------------------------------------------------------------------------------------------------------------------- figures


def _stratum(name: str, said: _Opinions, people: Sequence[str], systems: Sequence[str], settings: _Settings) -> Stratum:
    metrics = [_metric(said, n, "preference", settings) for n, (_, known_O) in said.ahead.items() if known_O.any()]
    rated = [n for n, (_, known_O) in said.rated.items() if n in said.ahead and (known_O & said.ahead[n][1]).any()]
    return Stratum(
        name,
        len(np.unique(said.pair_O)),
        len(said.pair_O),
        tuple(people[i] for i in np.unique(said.person_O)),
        _among(said, settings),
        (*metrics, *(_metric(said, n, "rating", settings) for n in rated)),
        tuple(_systems(said, m.name, systems, settings) for m in metrics),
    )


def _metric(said: _Opinions, name: str, against: Against, settings: _Settings) -> Metric:
    ahead_O, known_O = said.ahead[name]
    given_O = np.ones(len(ahead_O), dtype=np.bool_)
    people_O = said.decision_O
    if against == "rating":
        rated_O, given_O = said.rated[name]
        people_O = decisions(rated_O)
    both_O = known_O & given_O
    people_I, ahead_I, question_I = people_O[both_O], ahead_O[both_O], said.question_O[both_O]
    pairs = len(np.unique(said.pair_O[both_O]))
    given = settings.tie.get(name) if isinstance(settings.tie, Mapping) else settings.tie
    given = 0.0 if settings.strategy == "partial" or name in said.verdicts else given
    tie, tie_I = (given, None) if given is not None else _tie(ahead_I, people_I == 0, question_I, pairs, settings.seed)
    metric_I = decisions(ahead_I, tie if tie_I is None else tie_I)
    counts_I9 = counted(people_I, metric_I)
    figures = [f(counts_I9, settings.strategy) for f in (preferences.agreement, preferences.chance, preferences.above_chance)]
    return Metric(
        name,
        against,
        pairs,
        len(np.unique(said.pair_O[given_O])) - pairs,
        tie,
        tie_I is not None,
        float((people_I == 0).mean()),
        float((metric_I == 0).mean()),
        *bootstrap_estimates([*figures, preferences.tau(counts_I9)], question_I, settings.resamples, settings.seed, "questions"),
    )


def _tie(ahead_I: Floats, tied_I: Flags, question_I: NDArray[np.int64], pairs: int, seed: int) -> tuple[float, Floats | None]:
    """Return the threshold of a metric, and each opinion's own where there is enough to find it on others."""
    overall = preferences.calibrated_tie(ahead_I, float(tied_I.mean()))
    if pairs <= _CROSSFIT or len(np.unique(question_I)) < 2:
        return overall, None
    return overall, preferences.crossfitted_tie(ahead_I, tied_I, question_I, seed=seed)


def _among(said: _Opinions, settings: _Settings) -> People | None:
    """Return how far people agree with each other."""
    of_pair: dict[int, list[int]] = {}
    for place, pair in enumerate(said.pair_O.tolist()):
        of_pair.setdefault(pair, []).append(place)
    twos = np.array([two for places in of_pair.values() for two in combinations(places, 2)], dtype=np.int64).reshape(-1, 2)
    if not len(twos):
        return None
    one_I, other_I = said.decision_O[twos].T
    # neither of two people is the one to be measured, so each counts as both
    counts_I9 = (counted(one_I, other_I) + counted(other_I, one_I)) / 2
    figures = [
        preferences.agreement(counts_I9),
        preferences.agreement(counts_I9, "partial"),
        preferences.chance(counts_I9),
        preferences.tau(counts_I9),
    ]
    question_I = said.question_O[twos[:, 0]]
    released = preferences.released_iaa(question_I, one_I, other_I) if settings.released else None
    strict, half, expected, order = bootstrap_estimates(figures, question_I, settings.resamples, settings.seed, "questions")
    return People(strict, half, expected, order, released)


def _systems(said: _Opinions, name: str, systems: Sequence[str], settings: _Settings) -> Systems:
    known_O = said.ahead[name][1] & (said.first_O != said.second_O)
    kept = said.of(known_O)
    sides = (kept.decision_O, decisions(kept.ahead[name][0]))
    games_S = np.bincount(np.concatenate([kept.first_O, kept.second_O]), minlength=len(systems))
    points_2S = [preferences.system_points(kept.first_O, kept.second_O, d, len(systems)).sum(axis=0) for d in sides]
    there = sorted(np.flatnonzero(games_S).tolist(), key=lambda s: (-points_2S[0][s] / games_S[s], systems[s]))
    figure = preferences.system_tau(kept.first_O, kept.second_O, *sides, len(systems))
    found = Estimate(None, None, None, len(kept.pair_O), "an order needs three systems")
    if len(there) > 2:
        (found,) = bootstrap_estimates([figure], kept.question_O, settings.resamples, settings.seed, "questions")
    without: dict[str, float | None] = {}
    for out in there if len(there) > 3 else ():
        stays_O = (kept.first_O != out) & (kept.second_O != out)
        without[systems[out]] = figure._replace(sums_IM=figure.sums_IM[stays_O]).value
    people, metric = (tuple(float(points_S[s] / games_S[s]) for s in there) for points_S in points_2S)
    return Systems(name, tuple(systems[s] for s in there), people, metric, found, without)


# --------------------------------------------------------------------------------------------------------------------------- notes


def _notes(strata: Sequence[Stratum], verdicts: Collection[str], calibrated: bool) -> Iterator[Finding]:
    """Yield what a reader must know."""
    message = "Preferences between whole responses can validate a metric for comparing systems; on single pairs tastes bound agreement"
    yield Finding("level", "note", "people", message, "say who the people are and what they know of the matter")
    for stratum in strata:
        yield _among_finding(stratum)
        yield from _metric_findings(stratum, verdicts, calibrated)
        yield from _system_finding(stratum)


def _among_finding(stratum: Stratum) -> Finding:
    if stratum.among is None:
        message = f"{stratum.name}: no two people judged one pair, so how far people agree with each other is not known"
        return Finding("no_iaa", "warning", stratum.name, message, "have some pairs judged twice")
    strict, expected = stratum.among.strict, stratum.among.chance
    message = f"{stratum.name}: two people agree on {strict.value or 0.0:.0%} of pairs (by chance {expected.value or 0.0:.0%})"
    return Finding("iaa", "note", stratum.name, message, "hold the agreement of metrics against that, not against 100%")


def _metric_findings(stratum: Stratum, verdicts: Collection[str], calibrated: bool) -> Iterator[Finding]:
    rated = {m.name for m in stratum.metrics if m.against == "rating"} | set(verdicts)
    unrated = [m for m in stratum.metrics if m.name not in rated]
    untied = [m for m in stratum.metrics if calibrated and m.name not in verdicts and abs(m.people_ties - m.metric_ties) > _OFF]
    lacking = [m for m in stratum.metrics if m.lacking]
    only = "preferences cannot show that a metric measures what it is named after"
    ties = "even at the best threshold people tie more or less often than"
    for code, severity, which, what, hint in (
        ("no_ratings", "warning", unrated, "no person rated", only),
        ("chance", "warning", [*filter(_unshown, stratum.metrics)], "not shown to agree with people more than by chance:", ""),
        ("ties", "note", untied, ties, "their scores are coarse, or few"),
        ("lacking", "note", lacking, "not all pairs that people decided have a score by", "the column 'lacking' counts them"),
    ):
        if which:
            yield Finding(code, severity, stratum.name, f"{stratum.name}: {what} {', '.join(map(_title, which))}", hint)


def _title(metric: Metric) -> str:
    return metric.name if metric.against == "preference" else f"{metric.name} (against ratings)"


def _unshown(metric: Metric) -> bool:
    above = metric.above
    return above.value is not None and (above.low is None or above.low <= 0)


def _system_finding(stratum: Stratum) -> Iterator[Finding]:
    """Yield the system that makes the most of an order's agreement."""
    moves = [
        (abs(left - s.tau.value), s, name, left)
        for s in stratum.systems
        for name, left in s.without.items()
        if left is not None and s.tau.value is not None
    ]
    most, systems, name, left = max(moves, key=lambda m: m[0], default=(0.0, None, "", 0.0))
    if systems is not None and most >= _MOVES:
        message = f"{stratum.name}: the order of systems by {systems.name} has a tau of {systems.tau.value:.2f}, without {name} {left:.2f}"
        yield Finding("outlier", "warning", systems.name, message, "look at the orders with each system left out")
