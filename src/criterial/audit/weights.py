"""Weights of criteria, learned from which of two responses people prefer, beside equal weights and those that were written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from criterial.core.score import Estimate, Finding
from criterial.core.table import VerdictTable
from criterial.core.task import Case
from criterial.errors import ConfigError
from criterial.maths import association
from criterial.maths import preference_weights as learning
from criterial.maths.bootstrap import percentile_interval
from criterial.maths.preference_weights import Pairs, Penalty
from criterial.score.board import group_names
from criterial.score.cells import cells_of
from criterial.score.estimates import bootstrap_estimates

__all__ = ["By", "Learned", "LearnedWeight", "Rule", "WeightOptions", "Without", "learn_weights"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
By = Literal["criterion", "category", "subcategory", "tier"]
"""What gets a weight: each criterion, or each group of criteria by the mean of their credits."""
_MOVES = 0.2
_FEW = 10


@dataclass(frozen=True)
class WeightOptions:
    """Options of `learn_weights`."""

    by: By = "criterion"
    """What gets a weight."""
    folds: int = 5
    """In how many parts the questions are cut, to choose the penalty and to tell how good weights are on questions left out."""
    resamples: int = 1000
    """Bootstrap resamples of questions; weights are learned anew in a fifth of them."""
    seed: int = 0
    """Seed of folds and resamples."""

    def __post_init__(self) -> None:
        if self.folds < 2 or self.resamples < 50:
            raise ConfigError(f"weights need 2 folds and 50 resamples or more, not {self.folds} and {self.resamples}")


@dataclass(frozen=True)
class LearnedWeight:
    """What one criterion, or one group, weighs."""

    name: str
    """Its id or name."""
    weight: Estimate
    """Its share of all weights."""
    kept: float
    """Share of resamples in which it weighs anything."""
    free: float
    """Its share where weights may be negative; below 0 where people prefer, all else equal, the response with less of it."""
    lacking: int
    """Opinions on pairs in which one of the two responses has no credit; they count as no difference."""
    fault: bool
    """Whether meeting it is bad, so that what weighs is avoiding it."""


@dataclass(frozen=True)
class Rule:
    """How well one way of weighing tells which response a person prefers, on questions that were left out."""

    name: str
    """``learned``, ``unconstrained``, ``equal`` or ``as written``."""
    right: Estimate
    """Share of opinions other than ties that it meets; an even score meets half."""
    over_equal: Estimate | None
    """That less the share of equal weights, in pairs; None for these themselves."""


@dataclass(frozen=True)
class Without:
    """What is learned from everybody but one person."""

    person: str
    """Who is left out."""
    opinions: int
    """How many opinions the person gave."""
    weights: Mapping[str, float]
    """Shares by the others."""
    moved: float
    """Share of all weight that moves."""
    right: Estimate
    """Share of the person's opinions that the others' weights meet."""


@dataclass(frozen=True)
class Learned:
    """Weights by people's preferences, with what they are worth."""

    by: By
    """What gets a weight."""
    people: tuple[str, ...]
    """Whose preferences they are."""
    pairs: int
    """How many pairs."""
    opinions: int
    """How many opinions on them."""
    ties: float
    """Share of ties among these."""
    penalty: Penalty
    """What was chosen on questions left out."""
    weights: tuple[LearnedWeight, ...]
    """The heaviest first."""
    rules: tuple[Rule, ...]
    """Ways of weighing, side by side."""
    without: tuple[Without, ...]
    """With each person left out; empty where there is one alone."""
    notes: tuple[Finding, ...]
    """What a reader must know."""

    @property
    def patch(self) -> dict[str, float]:
        """Weights by name, 1 in sum of their sizes, in the order of size; those of faults are negative."""
        return {w.name: (-1.0 if w.fault and w.weight.value else 1.0) * round(w.weight.value or 0.0, 4) for w in self.weights}


class _Opinions(NamedTuple):
    """What people said, an opinion after another: O of them."""

    person_O: Ints
    first_O: Floats
    rows_O2: Ints
    question_O: Ints

    def where(self, keep_O: Flags) -> _Opinions:
        """Return some of them."""
        return _Opinions(self.person_O[keep_O], self.first_O[keep_O], self.rows_O2[keep_O], self.question_O[keep_O])


class _Scores(NamedTuple):
    """Credits of responses, R, by what gets a weight, G."""

    names: tuple[str, ...]
    credit_RG: Floats
    known_RG: Flags
    written_RG: Floats
    fault_G: Flags

    def where(self, keep_G: Flags) -> _Scores:
        """Return some of what gets a weight."""
        names = tuple(n for n, kept in zip(self.names, keep_G.tolist(), strict=True) if kept)
        return _Scores(names, self.credit_RG[:, keep_G], self.known_RG[:, keep_G], self.written_RG[:, keep_G], self.fault_G[keep_G])


def learn_weights(
    cases: Sequence[Case],
    table: VerdictTable,
    people: Sequence[str],
    preferences: VerdictTable | None = None,
    options: WeightOptions | None = None,
) -> Learned:
    """Return the weights under which the scores of responses best tell which of two people prefer.

    Parameters
    ----------
    cases : sequence of Case
        What was judged.
    table : VerdictTable
        Verdicts on single responses; those of people are left out, and other judges are pooled.
    people : sequence of str
        Judges that are people; ``*`` in a name stands for anything.
    preferences : VerdictTable, optional
        Where people's verdicts on pairs are, if not in `table`: its tasks have two responses of `table`'s, by task and id, or by id
        where only one has it.
    options : WeightOptions, optional
        See there.

    Returns
    -------
    Learned

    Raises
    ------
    ConfigError
        If people judged no pair, nobody else judged its responses, or there are fewer than three questions.

    Notes
    -----
    Logistic regression without an intercept of who is preferred on the differences of credits, by weights of at least 0. A tie is half a
    win of each. Faults count by how far they are avoided. The penalty (ridge, elastic net or lasso) is that of the least log loss on
    questions left out. `Rule.right` is of weights learned, penalty and all, without the question they are tried on; its interval draws
    questions and keeps these weights.

    References
    ----------
    Inbasekar et al. (2026), WorldJen, arXiv 2605.03475 (card worldjen, part F).
    """
    options = options or WeightOptions()
    if [c.task.id for c in cases] != list(table.tasks):
        raise ConfigError("the verdicts are of other cases")
    labels = table if preferences is None else preferences
    who = _people(labels, people)
    said = _opinions(cases, table, labels, who)
    scores = _scores(_by_others(table, people), options.by)
    ahead_OG, both_OG = _ahead(scores, said.rows_O2)
    judged_O, told_G = (np.asarray(both_OG.any(axis=axis)) for axis in (1, 0))
    if not judged_O.any():
        raise ConfigError("nobody but people judged the responses of these pairs one by one: grade them first")
    kept = np.ix_(judged_O, told_G)
    found = _learned(said.where(judged_O), scores.where(told_G), ahead_OG[kept], both_OG[kept], who, options)
    untold = tuple(name for name, told in zip(scores.names, told_G.tolist(), strict=True) if not told)
    return replace(found, notes=tuple(_notes(found, untold)))


# ---------------------------------------------------------------------------------------------------------------- reading the table


def _people(labels: VerdictTable, patterns: Sequence[str]) -> tuple[str, ...]:
    judges = tuple(dict.fromkeys(layer.judge for layer in labels.layers))
    who = tuple(j for j in judges if any(fnmatchcase(j, p) for p in patterns))
    if not who:
        raise ConfigError(f"no judge is {' or '.join(patterns)}: the judges are {', '.join(judges[:8])}")
    return who


def _by_others(table: VerdictTable, people: Sequence[str]) -> VerdictTable:
    kept = [i for i, layer in enumerate(table.layers) if not any(fnmatchcase(layer.judge, p) for p in people)]
    if not kept:
        raise ConfigError("there are only people and no judge in it: weights are learned for a judge's verdicts")
    return table.layer(*kept)


def _opinions(cases: Sequence[Case], table: VerdictTable, labels: VerdictTable, who: Sequence[str]) -> _Opinions:
    """Return who is preferred in each pair, with the rows of its two responses in the judges' table."""
    asked: dict[object, int] = {}
    question_R = np.array([asked.setdefault(cases[t].task.messages, len(asked)) for t in table.task_R.tolist()], dtype=np.int64)
    pairs = list(_pairs(labels))
    rows_P2 = _rows(table, labels, [rows for rows, _ in pairs])
    cells_P2 = np.array([cells for _, cells in pairs], dtype=np.int64).reshape(-1, 2)
    sign_P = np.where(np.array([c.weight for c in labels.criteria])[labels.column_N[cells_P2[:, 0]]] < 0, -1.0, 1.0)
    parts = []
    for person, name in enumerate(who):
        cells = cells_of(labels.layer(*(i for i, layer in enumerate(labels.layers) if layer.judge == name)), settle=False)
        told_P = np.asarray((cells.known_N & cells.applies_N)[cells_P2].all(axis=1) & (rows_P2 >= 0).all(axis=1))
        first_P = (1.0 + np.sign((cells.credit_N[cells_P2] @ [1.0, -1.0]) * sign_P)) / 2
        rows_O2 = rows_P2[told_P]
        parts.append(_Opinions(np.full(len(rows_O2), person), first_P[told_P], rows_O2, question_R[rows_O2[:, 0]]))
    said = _Opinions(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    if not len(said.first_O):
        raise ConfigError("people judged no pair of these responses: a pair is a case of two responses with a criterion of scope pair")
    return said


def _pairs(labels: VerdictTable) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the rows of each pair, and its cells of the first criterion of scope ``pair``."""
    place_U = [next((i for i, c in enumerate(r.criteria) if c.scope == "pair"), None) for r in labels.rubrics]
    rows: dict[int, list[int]] = {}
    for row, task in enumerate(labels.task_R.tolist()):
        rows.setdefault(task, []).append(row)
    for two in rows.values():
        place = place_U[labels.rubric_R[two[0]]]
        if len(two) == 2 and place is not None:
            one, other = two
            yield (one, other), (int(labels.start_R[one]) + place, int(labels.start_R[other]) + place)


def _rows(table: VerdictTable, labels: VerdictTable, rows: Sequence[tuple[int, int]]) -> Ints:
    """Return where the responses of pairs stand in the judges' table; -1 where they do not."""
    place: dict[tuple[str, str], int] = {}
    alone: dict[str, int] = {}
    for row, (task, response) in enumerate(zip(table.task_R.tolist(), table.responses, strict=True)):
        place[table.tasks[task], response] = row
        alone[response] = -1 if response in alone else row

    def at(row: int) -> int:
        response = labels.responses[row]
        return place.get((labels.tasks[labels.task_R[row]], response), alone.get(response, -1))

    return np.array([[at(one), at(other)] for one, other in rows], dtype=np.int64).reshape(-1, 2)


def _scores(table: VerdictTable, by: By) -> _Scores:
    """Return every response's mean credit in each group, faults by how far they are avoided."""
    cells = cells_of(table)
    groups = [name for r in table.rubrics for name in group_names(r, by)]
    weighs_C = np.array([c.scope in ("response", "turn") and c.effect != "gate" for c in table.criteria], dtype=np.bool_)
    names = tuple(dict.fromkeys(name for name, kept in zip(groups, weighs_C.tolist(), strict=True) if kept))
    if not names:
        raise ConfigError("no criterion is about single responses")
    places = {name: i for i, name in enumerate(names)}
    place_C = np.array([places.get(name, 0) for name in groups], dtype=np.int64)
    fault_C, size_C = cells.columns.fault_C, np.abs(cells.columns.weight_C)
    column_N, counts_N = table.column_N, weighs_C[table.column_N]
    flat_N = table.row_N * len(names) + place_C[column_N]

    def total(values_N: NDArray[np.generic]) -> Floats:
        summed = np.bincount(flat_N, np.where(counts_N, values_N, 0.0), minlength=cells.rows * len(names))
        return summed.astype(np.float64).reshape(cells.rows, len(names))

    written_RG = total(size_C[column_N])
    # where nothing in a group weighs anything yet, its criteria count alike
    mass_N = np.where(written_RG.ravel()[flat_N] > 0, size_C[column_N], 1.0) * (cells.known_N & cells.applies_N)
    credit_N = np.where(fault_C[column_N], 1.0 - cells.credit_N, cells.credit_N)
    mass_RG, earned_RG = total(mass_N), total(mass_N * credit_N)
    credit_RG = np.divide(earned_RG, mass_RG, out=np.zeros_like(earned_RG), where=mass_RG > 0)
    faults_G = np.bincount(place_C[weighs_C], fault_C[weighs_C].astype(np.float64), minlength=len(names))
    return _Scores(names, credit_RG, mass_RG > 0, written_RG, (faults_G > 0) & (by == "criterion"))


def _ahead(scores: _Scores, rows_O2: Ints) -> tuple[Floats, Flags]:
    one_O, other_O = rows_O2.T
    both_OG = scores.known_RG[one_O] & scores.known_RG[other_O]
    return np.where(both_OG, scores.credit_RG[one_O] - scores.credit_RG[other_O], 0.0), both_OG


# ------------------------------------------------------------------------------------------------------------------------- figures


def _learned(said: _Opinions, scores: _Scores, ahead_OG: Floats, both_OG: Flags, who: Sequence[str], options: WeightOptions) -> Learned:
    pairs = Pairs(ahead_OG, said.first_O, said.question_O, np.ones(len(said.first_O)))
    if len(np.unique(pairs.cluster_P)) < 3:
        raise ConfigError("weights are learned from three questions or more: people judged pairs of fewer")
    penalty = learning.choose_penalty(pairs, folds=options.folds, seed=options.seed)
    share_G = learning.shares(learning.fit_weights(pairs, penalty))
    free = learning.choose_penalty(pairs, signed=True, folds=options.folds, seed=options.seed)
    free_G = learning.shares(learning.fit_weights(pairs, free, signed=True))
    drawn_BG = learning.resampled_shares(pairs, penalty, options.resamples // 5, options.seed)
    how = f"bootstrap of {len(np.unique(pairs.cluster_P))} questions, {len(drawn_BG)} resamples"
    weights = []
    for g in np.argsort(-share_G, kind="stable").tolist():
        low, high = percentile_interval(drawn_BG[:, g]) or (None, None)
        figure = Estimate(float(share_G[g]), low, high, len(said.first_O), how, float(drawn_BG[:, g].std()))
        kept, lacking = float((drawn_BG[:, g] > 0).mean()), int((~both_OG[:, g]).sum())
        weights.append(LearnedWeight(scores.names[g], figure, kept, float(free_G[g]), lacking, bool(scores.fault_G[g])))
    rules = _rules(pairs, scores, said.rows_O2, options)
    without = tuple(_without(pairs, said.person_O, who, penalty, share_G, scores.names, options))
    there = tuple(who[i] for i in np.unique(said.person_O))
    ties = float((said.first_O == 0.5).mean())
    return Learned(
        options.by,
        there,
        len({tuple(sorted(rows)) for rows in said.rows_O2.tolist()}),
        len(said.first_O),
        ties,
        penalty,
        tuple(weights),
        rules,
        without,
        (),
    )


def _rules(pairs: Pairs, scores: _Scores, rows_O2: Ints, options: WeightOptions) -> tuple[Rule, ...]:
    """Return how the ways of weighing compare on questions left out."""
    margins = {
        "learned": learning.held_out(pairs, folds=options.folds, seed=options.seed),
        "unconstrained": learning.held_out(pairs, signed=True, folds=options.folds, seed=options.seed),
        "equal": pairs.ahead_PD.sum(axis=1),
    }
    written_OG = scores.written_RG[rows_O2[:, 0]]
    if options.by == "criterion" and np.ptp(written_OG, axis=1).any():
        margins["as written"] = (pairs.ahead_PD * written_OG).sum(axis=1)
    decided_O = pairs.first_P != 0.5
    right = {name: learning.credit_of_margin(margin_P, pairs.first_P) for name, margin_P in margins.items()}
    others = [name for name in right if name != "equal"]
    figures = [association.mean(r, decided_O) for r in right.values()]
    figures += [association.mean(right[name] - right["equal"], decided_O) for name in others]
    told = bootstrap_estimates(figures, pairs.cluster_P, options.resamples, options.seed, "questions")
    over = dict(zip(others, told[len(right) :], strict=True))
    return tuple(Rule(name, figure, over.get(name)) for name, figure in zip(right, told, strict=False))


def _without(
    pairs: Pairs, person_O: Ints, who: Sequence[str], penalty: Penalty, share_G: Floats, names: Sequence[str], options: WeightOptions
) -> Iterator[Without]:
    """Yield what is learned from everybody but each person."""
    there = np.unique(person_O).tolist()
    for person in there if len(there) > 1 else ():
        own_O = person_O == person
        weight_G = learning.fit_weights(pairs.where(~own_O), penalty)
        theirs, decided_O = pairs.where(own_O), pairs.first_P[own_O] != 0.5
        right_O = learning.credit_of_margin(theirs.ahead_PD @ weight_G, theirs.first_P)
        right = association.mean(right_O, decided_O)
        (figure,) = bootstrap_estimates([right], theirs.cluster_P, options.resamples, options.seed, "questions")
        shares_G = learning.shares(weight_G)
        by_name = dict(zip(names, shares_G.tolist(), strict=True))
        yield Without(who[person], int(own_O.sum()), by_name, float(np.abs(shares_G - share_G).sum() / 2), figure)


# --------------------------------------------------------------------------------------------------------------------------- notes


def _notes(found: Learned, untold: Sequence[str]) -> Iterator[Finding]:
    """Yield what a reader must know."""
    message = "weights learned from which response people prefer make scores predict that, and say nothing of what each criterion measures"
    yield Finding("level", "note", "", message, "keep weights that stand for rules as they are")
    yield from _worth(found)
    if found.opinions < _FEW * len(found.weights):
        message = f"{found.opinions} opinions for {len(found.weights)} weights are few"
        yield Finding("few", "warning", "", message, "learn weights of categories, or gather more preferences")
    if untold:
        message = f"no judge but people gave both responses of any pair a credit on {', '.join(untold[:6])}: these get no weight"
        yield Finding("untold", "warning", "", message, "grade the responses on them, or leave them out")
    lacking = [f"{w.name} {w.lacking}" for w in found.weights if w.lacking]
    if lacking:
        message = f"credits are missing, and count as no difference, in opinions: {', '.join(lacking[:6])}"
        yield Finding("lacking", "warning", "", message, "weights of what is often missing are too small")
    for one in found.without:
        if one.moved > _MOVES:
            message = f"without {one.person} {one.moved:.0%} of the weight moves"
            yield Finding("one_person", "warning", one.person, message, "gather preferences of more people")


def _worth(found: Learned) -> Iterator[Finding]:
    """Yield whether the weights are worth having, and what free ones say."""
    learned, free = found.rules[0], found.rules[1]
    over = learned.over_equal
    if not any(w.weight.value for w in found.weights):
        message = "no criterion tells which response people prefer, so all weights are 0"
        yield Finding("nothing", "warning", "", message, "keep your weights")
    elif over is None or over.low is None or over.low <= 0:
        message = "on questions left out the learned weights are not shown to be better than equal ones"
        yield Finding("no_gain", "warning", "", message, "keep equal weights, or gather more preferences")
    below = [w.name for w in found.weights if w.free < 0]
    if below:
        message = f"left free, {len(below)} of {len(found.weights)} weights are negative: {', '.join(below[:6])}"
        better = (free.right.value or 0.0) > (learned.right.value or 0.0)
        hint = "look whether people really prefer less of it" if better else "on questions left out that is no better"
        yield Finding("negative", "note", "", message, hint)
