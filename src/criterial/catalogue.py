"""The table of everything that can be chosen by name. Nothing in it is loaded before it is asked for.

Other packages add methods through the entry-point group `criterial.methods`, under names like ``score.mine``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from criterial.core.method import ENTRY_POINTS
from criterial.errors import DuplicateMethod, UnknownMethod
from criterial.formats.names import NAMES

__all__ = ["TABLE", "entries", "find"]

TABLE: Mapping[str, str] = {
    **{f"formats.{name}": f"criterial.formats.{name}:FORMAT" for name in sorted(NAMES)},
    "audit.corruption": "criterial.audit.corruption:METHOD",
    "audit.criterion_order": "criterial.audit.criterion_order:METHOD",
    "audit.format": "criterial.audit.format:METHOD",
    "audit.injection": "criterial.audit.injection:METHOD",
    "audit.master_keys": "criterial.audit.master_keys:METHOD",
    "audit.modality": "criterial.audit.modality:METHOD",
    "audit.one_by_one": "criterial.audit.one_by_one:METHOD",
    "audit.option_order": "criterial.audit.option_order:METHOD",
    "audit.turn_order": "criterial.audit.turn_order:METHOD",
    "audit.verbosity": "criterial.audit.verbosity:METHOD",
    "audit.withheld": "criterial.audit.withheld:METHOD",
    "compare.anchored": "criterial.compare.anchored:METHOD",
    "compare.bradley_terry": "criterial.compare.bradley_terry:METHOD",
    "compare.elo": "criterial.compare.elo:METHOD",
    "compare.item_response": "criterial.compare.item_response:METHOD",
    "compare.mean": "criterial.compare.mean:METHOD",
    "compare.plackett_luce": "criterial.compare.plackett_luce:METHOD",
    "compare.swiss": "criterial.compare.swiss:METHOD",
    "compare.win_rate": "criterial.compare.win_rate:METHOD",
    "judge.calibrated": "criterial.judge.calibrated:METHOD",
    "judge.consistent": "criterial.judge.consistent:METHOD",
    "judge.pointwise": "criterial.judge.pointwise:METHOD",
    "judge.prior_corrected": "criterial.judge.prior_corrected:METHOD",
    "judge.two_step": "criterial.judge.two_step:METHOD",
    "report.html": "criterial.report.html:METHOD",
    "report.json": "criterial.report.json:METHOD",
    "report.markdown": "criterial.report.markdown:METHOD",
    "score.axes": "criterial.score.axes:METHOD",
    "score.composed": "criterial.score.composed:METHOD",
    "score.criterionwise": "criterial.score.criterionwise:METHOD",
    "score.deduction": "criterial.score.deduction:METHOD",
    "score.geometric": "criterial.score.geometric:METHOD",
    "score.nuggets": "criterial.score.nuggets:METHOD",
    "score.saturating": "criterial.score.saturating:METHOD",
    "score.strict": "criterial.score.strict:METHOD",
    "score.tier_points": "criterial.score.tier_points:METHOD",
    "score.tiers": "criterial.score.tiers:METHOD",
    "score.tree": "criterial.score.tree:METHOD",
    "score.weighted": "criterial.score.weighted:METHOD",
}
"""Room and name, to where the card is."""


def entries() -> dict[str, str]:
    """Return every name with where its card is, those of other packages included.

    Returns
    -------
    dict of str to str

    Raises
    ------
    DuplicateMethod
        If two packages claim one name.
    """
    out = dict(TABLE)
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.name in out:
            raise DuplicateMethod(f"{entry.name} is claimed by {out[entry.name]} and by {entry.value}: uninstall or rename one")
        out[entry.name] = entry.value
    return out


def find(name: str) -> Any:
    """Return the card of a name, loading its module.

    Parameters
    ----------
    name : str
        As ``score.weighted``.

    Returns
    -------
    Method or Format

    Raises
    ------
    UnknownMethod
        If there is none.
    """
    known = entries()
    if name not in known:
        raise UnknownMethod(f"there is nothing called {name!r}: see `criterial methods`")
    module, _, attribute = known[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
