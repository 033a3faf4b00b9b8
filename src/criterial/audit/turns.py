"""Degradation: how scores fall along a conversation, and how they fall when a question is asked in a harder way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from criterial.core.score import Estimate
from criterial.core.task import Case
from criterial.errors import ConfigError
from criterial.maths.association import mean
from criterial.maths.sums import Sums, divided
from criterial.score.estimates import bootstrap_estimates
from criterial.score.scoring import Scores

__all__ = ["Decay", "Drop", "Turn", "robustness_drop", "turn_decay"]

Floats = NDArray[np.float64]
_TURN = "turn:"
_BASE = "base:"
_LEVEL = "perturbation:"


@dataclass(frozen=True)
class Turn:
    """What a system's conversations score at one turn."""

    turn: int
    """Which turn, from 1."""
    mean: Estimate
    """Mean score of the turn; later turns are of longer conversations alone, so that the means of two turns are of other tasks."""


@dataclass(frozen=True)
class Decay:
    """How one system's scores go along conversations. Below 0 they fall."""

    system: str
    """The system."""
    conversations: int
    """Conversations of two turns or more."""
    incomplete: int
    """How many of these have a turn without a score; without one of the first or last, a conversation is left out of the decay."""
    slope: Estimate
    """Change of score from one turn to the next within a conversation."""
    decay: Estimate
    """Score of the first turn less that of the last: above 0 where scores fall."""
    turns: tuple[Turn, ...]
    """Mean score of each turn."""


@dataclass(frozen=True)
class Drop:
    """How much of its score a system loses when questions are asked in a harder way."""

    system: str
    """The system."""
    level: str
    """The way of asking."""
    clean: Estimate
    """Mean score of the same questions asked plainly."""
    drop: Estimate
    """That less the mean score when asked this way."""
    lost: Estimate
    """The drop as a share of the mean score when asked plainly."""
    unpaired: int
    """Questions that have a score of one of the two ways alone."""


def turn_decay(scores: Scores, resamples: int = 2000, seed: int = 0) -> tuple[Decay, ...]:
    """Return how scores go along conversations, by system.

    Parameters
    ----------
    scores : Scores
        With parts ``turn:N``: rubrics whose criteria of scope ``turn`` name their turn.
    resamples : int
        Bootstrap resamples of tasks.
    seed : int
        Their seed.

    Returns
    -------
    tuple of Decay
        In the order of the table.

    Raises
    ------
    ConfigError
        If no conversation has two turns.

    Notes
    -----
    The slope is that of a regression of score on turn with an effect of its own for each conversation: sums over conversations of
    (turn - its mean) (score - its mean) over those of (turn - its mean)^2. Without these effects a slope mixes in that long
    conversations may be harder, since late turns are of long conversations alone.

    References
    ----------
    Fan et al. (2026), Shopping Reasoning Bench, arXiv 2606.12608 (card shopping_reasoning_bench); the estimator is ours.
    """
    table = scores.table
    order = sorted((n for n in scores.rows.parts if n.startswith(_TURN)), key=lambda n: int(n.removeprefix(_TURN)))
    parts = [scores.rows.parts[n] for n in order]
    turn_T = np.array([int(n.removeprefix(_TURN)) for n in order], dtype=np.int64)
    there_RT, known_RT, value_RT = (
        np.array([getattr(p, f) for p in parts]).T.reshape(len(table.responses), len(parts)) for f in ("present_R", "known_R", "value_R")
    )
    long_R = there_RT.sum(axis=1) > 1
    if not long_R.any():
        raise ConfigError("no conversation has two turns: criteria of scope turn say which turn they are of")
    names = np.array(table.systems, dtype=object)
    out = []
    for system in dict.fromkeys(table.systems):
        rows = np.flatnonzero((names == system) & long_R)
        if len(rows):
            arrays = (there_RT[rows], known_RT[rows], value_RT[rows].astype(np.float64))
            out.append(_decay(system, turn_T, *arrays, table.task_R[rows], resamples, seed))
    return tuple(out)


def _decay(
    system: str,
    turn_T: NDArray[np.int64],
    there_ST: NDArray[np.bool_],
    known_ST: NDArray[np.bool_],
    value_ST: Floats,
    task_S: NDArray[np.int64],
    resamples: int,
    seed: int,
) -> Decay:
    at_S = np.arange(len(task_S))
    first_S, last_S = there_ST.argmax(axis=1), there_ST.shape[1] - 1 - there_ST[:, ::-1].argmax(axis=1)
    ends_S = known_ST[at_S, first_S] & known_ST[at_S, last_S]
    apart_S = np.where(ends_S, value_ST[at_S, first_S] - value_ST[at_S, last_S], 0.0)
    each = [mean(value_ST[:, t], known_ST[:, t]) for t in range(len(turn_T))]
    slope, decay, *by_turn = bootstrap_estimates(
        [_slope(turn_T, known_ST, value_ST), mean(apart_S, ends_S), *each], task_S, resamples, seed, "tasks"
    )
    turns = tuple(Turn(int(t), e) for t, e in zip(turn_T, by_turn, strict=True) if e.n)
    return Decay(system, len(task_S), int((there_ST & ~known_ST).any(axis=1).sum()), slope, decay, turns)


def _slope(turn_T: NDArray[np.int64], known_ST: NDArray[np.bool_], value_ST: Floats) -> Sums:
    """Return the slope of score on turn within conversations."""
    count_S1 = np.maximum(known_ST.sum(axis=1, keepdims=True), 1)
    turn_ST, value_ST = (np.where(known_ST, v, 0.0) for v in (np.broadcast_to(turn_T, known_ST.shape), value_ST))
    turn_ST, value_ST = (np.where(known_ST, v - v.sum(axis=1, keepdims=True) / count_S1, 0.0) for v in (turn_ST, value_ST))
    sums_S2 = np.column_stack([(turn_ST * value_ST).sum(axis=1), (turn_ST**2).sum(axis=1)])
    return Sums(sums_S2, lambda sums_B2: divided(sums_B2[:, 0], sums_B2[:, 1]), "no conversation has a score of two turns")


def robustness_drop(cases: Sequence[Case], scores: Scores, clean: str = "P0", resamples: int = 2000, seed: int = 0) -> tuple[Drop, ...]:
    """Return how much of its score each system loses when the same questions are asked in harder ways.

    Parameters
    ----------
    cases : sequence of Case
        Tasks with the tags ``base:ID``, the same for all ways of asking one question, and ``perturbation:LEVEL``, as ``perturbation:P3``.
    scores : Scores
        Of their responses; several of one system to one task are averaged.
    clean : str
        The level that stands for asking plainly.
    resamples : int
        Bootstrap resamples of questions.
    seed : int
        Their seed.

    Returns
    -------
    tuple of Drop
        System by system, levels in alphabetical order.

    Raises
    ------
    ConfigError
        If the scores are of other cases, no task has both tags, or none has the clean level beside another.

    References
    ----------
    Chen et al. (2025), GAPS, arXiv 2510.13734 (card gaps): score(P0) - score(Pk) paired by base question.
    """
    table = scores.table
    if [c.task.id for c in cases] != list(table.tasks):
        raise ConfigError("the scores are of other cases")
    tagged = [(_tag(c, _BASE), _tag(c, _LEVEL)) for c in cases]
    bases, levels = _paired(tagged, clean)
    systems = tuple(dict.fromkeys(table.systems))
    value_SLB, known_SLB = _asked(scores, tagged, levels, bases, systems)
    plain = levels.index(clean)
    pairs = [(s, k) for s in range(len(systems)) for k in range(len(levels)) if k != plain]
    return tuple(
        _drop(systems[s], levels[k], value_SLB[s, plain], value_SLB[s, k], known_SLB[s, plain], known_SLB[s, k], resamples, seed)
        for s, k in pairs
    )


def _paired(tagged: Sequence[tuple[str, str]], clean: str) -> tuple[dict[str, int], list[str]]:
    """Return the questions that are asked at some level, numbered, and the levels."""
    both = [(base, level) for base, level in tagged if base and level]
    levels = sorted({level for _, level in both})
    if clean not in levels or len(levels) < 2:
        there = ", ".join(levels) or "none"
        raise ConfigError(f"nothing to pair: tag tasks base:ID and perturbation:LEVEL, {clean} and others; the levels are {there}")
    return {base: i for i, base in enumerate(dict.fromkeys(base for base, _ in both))}, levels


def _asked(
    scores: Scores, tagged: Sequence[tuple[str, str]], levels: Sequence[str], bases: Mapping[str, int], systems: Sequence[str]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the mean score of each system at each level on each question, (S, L, B), and where there is one."""
    shape = (len(systems), len(levels), len(bases))
    total_SLB, count_SLB = np.zeros(shape), np.zeros(shape)
    for row in np.flatnonzero(scores.rows.known_R).tolist():
        base, level = tagged[scores.table.task_R[row]]
        if base and level:
            at = systems.index(scores.table.systems[row]), levels.index(level), bases[base]
            total_SLB[at] += scores.rows.value_R[row]
            count_SLB[at] += 1
    return total_SLB / np.maximum(count_SLB, 1), count_SLB > 0


def _tag(case: Case, prefix: str) -> str:
    return next((t.removeprefix(prefix) for t in case.task.tags if t.startswith(prefix)), "")


def _drop(
    system: str,
    level: str,
    clean_B: Floats,
    hard_B: Floats,
    has_clean_B: NDArray[np.bool_],
    has_hard_B: NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> Drop:
    both_B = has_clean_B & has_hard_B
    # the last column is for questions that score nothing either way: they count too
    sums_B3 = np.column_stack([clean_B - hard_B, clean_B, both_B]) * both_B[:, None]
    lost = Sums(sums_B3, lambda s: divided(s[:, 0], s[:, 1]), "nothing is scored where asked plainly")
    figures = [mean(clean_B, both_B), mean(clean_B - hard_B, both_B), lost]
    plain, drop, share = bootstrap_estimates(figures, np.arange(len(both_B)), resamples, seed, "questions")
    return Drop(system, level, plain, drop, share, int((has_clean_B ^ has_hard_B).sum()))
