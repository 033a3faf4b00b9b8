"""A cascade's threshold for people and programs."""

from __future__ import annotations

import json
from dataclasses import asdict

from criterial.audit.cascading import CascadeFit
from criterial.core.score import Finding
from criterial.report.page import Block, Curve, Curves, Grid, Page, Words

__all__ = ["cascade_json", "cascade_page"]


def cascade_json(fit: CascadeFit) -> str:
    """Return a fit as one JSON object.

    Parameters
    ----------
    fit : CascadeFit
        Any.

    Returns
    -------
    str
    """
    return json.dumps(asdict(fit), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def cascade_page(fit: CascadeFit, dear: str = "DEAR") -> Page:
    """Return a fit as a page.

    Parameters
    ----------
    fit : CascadeFit
        Any.
    dear : str
        The dear judge's name.

    Returns
    -------
    Page
    """
    promise = f"at most {fit.options.error:.1%} wrong, {fit.options.confidence:.0%} sure"
    chosen = fit.chosen
    if chosen is None or chosen.bound is None:
        says = f"No threshold keeps the promise ({promise}): pass everything on, allow a larger error, or label more."
    else:
        says = (
            f"Pass on below {chosen.below:.4f}: {chosen.kept:.1%} of verdicts stand, {chosen.error.value or 0.0:.1%} of them wrong against "
            f"{fit.truth}, and at most {chosen.bound:.1%} ({promise}). {fit.responses:.1%} of responses need no call of {dear} at all. "
            f"Use it: --judge 'cascade:CHEAP>DEAR' --pass-below {chosen.below:.4f}."
        )
    rows = [("passing on only what is not decided", fit.everything.below, fit.everything.error, fit.everything.bound, fit.everything.kept)]
    if chosen is not None:
        rows.append(("the threshold", chosen.below, chosen.error, chosen.bound, chosen.kept))
    blocks: list[Block] = [Words(says), Grid(f"{fit.cheap} against {fit.truth}", ("", "below", "wrong [95 %]", "at most", "stand"), rows)]
    tried = [("wrong among what stands", fit.tried), ("stand", fit.tried_kept)]
    blocks.append(Grid("On tasks that the threshold was not chosen on", ("", "[95 %]"), tried, "Five folds of whole tasks."))
    shown = [p for p in fit.curve if p.error.value is not None and p.bound is not None]
    if len(shown) > 1:
        curves = (
            Curve("wrong", tuple((p.kept, p.error.value or 0.0) for p in shown)),
            Curve("at most", tuple((p.kept, p.bound or 0.0) for p in shown), dashed=True),
            Curve("allowed", ((shown[0].kept, fit.options.error), (shown[-1].kept, fit.options.error)), dashed=True),
        )
        blocks.append(Curves("Error against what stands", "share of verdicts that stand", "share wrong among them", curves))
    lost = Finding("no_threshold", "warning", "cascade", says) if chosen is None else None
    return Page("Threshold of a cascade", tuple(blocks), (lost,) if lost else ())
