"""What is read off a table: scores, estimates with intervals, rankings, findings and refined rubrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from criterial.core.rubric import Rubric

__all__ = ["SEVERITIES", "Comparison", "Edit", "Estimate", "Finding", "Part", "Ranking", "Refined", "Score"]

SEVERITIES = ("error", "warning", "note")
"""How grave a finding can be, the gravest first."""


@dataclass(frozen=True)
class Part:
    """The score of a part of a rubric: a category, a tier, a node, the required or the optional criteria."""

    value: float | None
    """The part's score, or None where nothing in it is decided."""
    low: float
    """The least it can be, whatever the missing verdicts are."""
    high: float
    """The most it can be."""
    coverage: float
    """Share of its weight that is decided."""


@dataclass(frozen=True)
class Score:
    """One response's score with what is known about it. A missing verdict widens the bounds; it is never a number."""

    response: str
    """The response's id."""
    task: str
    """The task's id."""
    system: str
    """The system's name."""
    value: float | None
    """The score over what is decided, or None where nothing is."""
    low: float
    """The least it can be, whatever the missing verdicts are."""
    high: float
    """The most it can be."""
    se: float | None
    """Standard error from the judge's probabilities or repeats; None where there are neither."""
    coverage: float
    """Share of the rubric's weight that is decided, in [0, 1]."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """Scores of parts, as ``required``, ``optional``, ``category:NAME``, ``tier:NAME``, ``turn:2``, ``node:ID``."""
    vetoed_by: tuple[str, ...] = ()
    """Ids of the gates that failed."""
    capped: tuple[str, ...] = ()
    """Ids of the deductions whose cap acted."""
    acted: tuple[str, ...] = ()
    """What the policy's operators changed, in order: ``truncate important: 1 -> 0``."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its uncertainty and what that was resampled over."""

    value: float | None
    """The estimate, or None where it is undefined."""
    low: float | None
    """Lower end of the 95 % interval, or None with the reason in `method`."""
    high: float | None
    """Upper end."""
    n: int
    """How many items it rests on."""
    method: str
    """How the interval was made, or why there is none."""
    se: float | None = None
    """Standard error where the method gives one."""

    def text(self, digits: int = 3) -> str:
        """Return the figure as words show it, with its interval where there is one.

        Parameters
        ----------
        digits : int
            Decimals.

        Returns
        -------
        str
        """
        if self.value is None:
            return "undefined"
        interval = "" if self.low is None or self.high is None else f" [{self.low:.{digits}f}, {self.high:.{digits}f}]"
        return f"{self.value:.{digits}f}{interval}"


@dataclass(frozen=True)
class Comparison:
    """Two systems side by side."""

    better: str
    """The one that is ahead."""
    worse: str
    """The other."""
    difference: Estimate
    """How far ahead, with an interval for this pair alone."""
    p: float
    """Chance of a difference so large or larger where there is none, corrected for the number of pairs that were looked at."""
    says: Literal["significant", "bounded null", "uninformative"]
    """Whether they differ; or no difference shows and a larger one than the margin is ruled out; or neither can be said."""


@dataclass(frozen=True)
class Ranking:
    """Systems in order, best first, with intervals and tiers of those that cannot be told apart."""

    systems: tuple[str, ...]
    """Best first."""
    strengths: tuple[Estimate, ...]
    """Each system's strength."""
    tiers: tuple[int, ...]
    """Tier of each system, from 0: systems of one tier cannot be told apart."""
    ranks: tuple[tuple[int, int], ...]
    """The best and the worst place that each may have, from 1: how many are significantly better, and how many worse."""
    method: str
    """The method and its settings."""
    unit: str
    """What a strength is measured in."""
    comparisons: tuple[Comparison, ...] = ()
    """Pairs of systems, in the order of the ranking."""
    notes: tuple[Finding, ...] = ()
    """What a reader must know."""


@dataclass(frozen=True)
class Finding:
    """Something a check or an audit found, addressed to whoever can mend it."""

    code: str
    """Stable name of the kind of finding."""
    severity: str
    """``error``, ``warning`` or ``note``."""
    where: str
    """What it is about: a criterion's id, a path in a file, a judge."""
    message: str
    """One sentence."""
    hint: str = ""
    """What to do about it."""

    @property
    def gravity(self) -> int:
        """Place of its severity, 0 for the gravest: what findings are sorted by."""
        return SEVERITIES.index(self.severity)


@dataclass(frozen=True)
class Edit:
    """One change to a rubric, with its reason."""

    action: str
    """``add``, ``remove``, ``replace``, ``split``, ``merge`` or ``reweigh``."""
    criterion: str
    """Id of the criterion concerned."""
    reason: str
    """Why."""
    before: str = ""
    """Text before, where there was one."""
    after: str = ""
    """Text after, where there is one."""


@dataclass(frozen=True)
class Refined:
    """What a refinement returns: a new rubric, every edit with its reason, and what it cost."""

    rubric: Rubric
    """The new rubric."""
    edits: tuple[Edit, ...]
    """In order; empty where nothing was changed."""
    calls: int = 0
    """Model calls made."""
    tokens: int = 0
    """Tokens used."""
