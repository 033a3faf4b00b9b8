"""A run: what was judged, by whom, the table that came of it, its scores and its cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from criterial.core.method import load
from criterial.core.ports import Usage
from criterial.core.rubric import Panel, Policy
from criterial.core.score import Finding
from criterial.core.table import CAUSE_CODES, VerdictTable
from criterial.core.task import Case
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.score.scoring import Scores, score
from criterial.score.systems import PartMean, PassRate, SystemScore, part_means, pass_rates, state_counts, system_scores

__all__ = ["Run"]

_REPORTS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}


@dataclass(frozen=True)
class Run:
    """The outcome of grading or scoring a set of cases."""

    id: str
    """Its name in the store: the same cases and the same judge give the same one."""
    cases: Sequence[Case] = field(repr=False)
    """What was judged."""
    table: VerdictTable = field(repr=False)
    """The verdicts."""
    judge: str
    """The judge's name."""
    usage: Usage = field(default_factory=Usage)
    """What this sitting spent."""
    total: Usage = field(default_factory=Usage)
    """What all sittings of the run spent, those before an interruption included."""
    stopped: str = ""
    """Why it ended before it was complete: ``budget``, ``stopped`` or the fault that made going on pointless; empty at its end."""
    notes: Sequence[Finding] = ()
    """What a reader must know, such as a judge that was never calibrated."""
    policy: Policy | None = None
    """The policy that took the place of the rubrics' own."""
    panel: Panel | None = None
    """How judges and repeats were pooled, where it took the place of the policies' own panels."""
    lost_calls: Sequence[str] = ()
    """Calls that were in flight when an earlier sitting was killed: they may have been paid and were asked again."""

    @cached_property
    def scores(self) -> Scores:
        """The scores, one a response: a sequence of `Score`, with the arrays behind them."""
        return score(self.table, self.policy, panel=self.panel)

    @cached_property
    def systems(self) -> list[SystemScore]:
        """Systems, best mean first."""
        return system_scores(self.scores)

    @cached_property
    def parts(self) -> list[PartMean]:
        """Mean score of each part of the rubrics by system: required and optional criteria, categories, tiers, turns."""
        return part_means(self.scores)

    @cached_property
    def criteria(self) -> list[PassRate]:
        """Pass rate of every criterion."""
        return pass_rates(self.scores)

    @property
    def verdicts(self) -> dict[str, int]:
        """How many verdicts are decided, abstained, not applicable and failed."""
        return state_counts(self.scores)

    @property
    def causes(self) -> dict[str, int]:
        """Why cells are not decided: how many of each cause, over all layers."""
        open_LN = np.isin(self.table.state_LN, (State.ABSTAINED, State.FAILED))
        found = Counter(CAUSE_CODES[c] or "missing" for c in self.table.cause_LN[open_LN].tolist())
        absent = int((self.table.state_LN == State.ABSENT).all(axis=0).sum())
        if absent:
            found["missing"] += absent
        return dict(sorted(found.items()))

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON types: what ``--json`` prints.

        Returns
        -------
        dict
        """
        return {
            "run": self.id,
            "judge": self.judge,
            "responses": [
                {
                    "id": s.response,
                    "task": s.task,
                    "system": s.system,
                    "score": s.value,
                    "low": s.low,
                    "high": s.high,
                    "coverage": s.coverage,
                    "se": s.se,
                    "vetoed_by": list(s.vetoed_by),
                    "acted": list(s.acted),
                }
                for s in self.scores
            ],
            "systems": self.summary()["systems"],
            "parts": [
                {"system": p.system, "part": p.part, "mean": p.mean.value, "low": p.mean.low, "high": p.mean.high, "n": p.mean.n}
                for p in self.parts
            ],
            "verdicts": self.verdicts,
            "causes": self.causes,
            "calls": self.usage.calls,
            "tokens": self.usage.tokens,
            "cost": self.usage.money,
            "total": {"calls": self.total.calls, "tokens": self.total.tokens, "cost": self.total.money},
            "stopped": self.stopped,
            "notes": [n.message for n in self.notes],
        }

    def summary(self) -> dict[str, Any]:
        """Return what a list of runs shows of the run, as JSON types.

        Returns
        -------
        dict
        """
        return {"verdicts": self.verdicts, "systems": [_system(s) for s in self.systems], "stopped": self.stopped}

    def report(self, path: str | Path) -> Path:
        """Write a report, by the file's ending as one HTML page, Markdown or JSON.

        Parameters
        ----------
        path : str or Path
            ``.html``, ``.md`` or ``.json``.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ConfigError
            If the ending is none of these.
        """
        path = Path(path)
        kind = _REPORTS.get(path.suffix.lower())
        if kind is None:
            raise ConfigError(f"{path.name}: a report is .html, .md or .json")
        text: str = load("report", kind).call(self)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


def _system(system: SystemScore) -> Mapping[str, Any]:
    return {
        "system": system.system,
        "mean": system.mean.value,
        "low": system.mean.low,
        "high": system.mean.high,
        "n": system.mean.n,
        "interval": system.mean.method,
        "unscored": system.unscored,
        "bound_low": system.low,
        "bound_high": system.high,
        "coverage": system.coverage,
        "pooled": system.pooled.value,
        "pooled_low": system.pooled.low,
        "pooled_high": system.pooled.high,
    }
