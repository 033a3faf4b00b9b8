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

__all__ = ["TABLE", "entries", "find"]

TABLE: Mapping[str, str] = {
    "formats.autorubric": "criterial.formats.autorubric:FORMAT",
    "formats.deepresearch_bench": "criterial.formats.deepresearch_bench:FORMAT",
    "formats.frank": "criterial.formats.frank:FORMAT",
    "formats.gherkin": "criterial.formats.gherkin:FORMAT",
    "formats.healthbench": "criterial.formats.healthbench:FORMAT",
    "formats.ifeval": "criterial.formats.ifeval:FORMAT",
    "formats.infobench": "criterial.formats.infobench:FORMAT",
    "formats.llmbar": "criterial.formats.llmbar:FORMAT",
    "formats.native": "criterial.formats.native:FORMAT",
    "formats.openrubrics": "criterial.formats.openrubrics:FORMAT",
    "formats.pandalm": "criterial.formats.pandalm:FORMAT",
    "formats.paperbench": "criterial.formats.paperbench:FORMAT",
    "formats.profbench": "criterial.formats.profbench:FORMAT",
    "formats.prometheus": "criterial.formats.prometheus:FORMAT",
    "formats.qworld": "criterial.formats.qworld:FORMAT",
    "formats.rar": "criterial.formats.rar:FORMAT",
    "formats.realsumm": "criterial.formats.realsumm:FORMAT",
    "formats.roscoe": "criterial.formats.roscoe:FORMAT",
    "formats.rubric_spec": "criterial.formats.rubric_spec:FORMAT",
    "formats.rusca": "criterial.formats.rusca:FORMAT",
    "formats.saf": "criterial.formats.saf:FORMAT",
    "formats.table": "criterial.formats.table:FORMAT",
    "formats.tinker": "criterial.formats.tinker:FORMAT",
    "formats.verifiers": "criterial.formats.verifiers:FORMAT",
    "formats.wildbench": "criterial.formats.wildbench:FORMAT",
    "formats.writingbench": "criterial.formats.writingbench:FORMAT",
    "judge.pointwise": "criterial.judge.pointwise:METHOD",
    "report.html": "criterial.report.html:METHOD",
    "report.json": "criterial.report.json:METHOD",
    "report.markdown": "criterial.report.markdown:METHOD",
    "score.axes": "criterial.score.axes:METHOD",
    "score.composed": "criterial.score.composed:METHOD",
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
