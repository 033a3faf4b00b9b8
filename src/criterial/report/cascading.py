"""A cascade's threshold for people and programs."""

from __future__ import annotations

from criterial.audit.cascading import CascadeFit
from criterial.core.score import Finding
from criterial.report.page import Block, Curve, Curves, Grid, Page, Words

__all__ = ["cascade_page"]


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
    rows = [("passing on only what is not decided", fit.everything), *([("the threshold", fit.chosen)] if fit.chosen else [])]
    listed = [(name, p.below, p.error, p.bound, p.kept) for name, p in rows]
    tried = [("wrong among what stands", fit.tried), ("stand", fit.tried_kept)]
    says = _says(fit, dear)
    blocks: list[Block] = [
        Words(says),
        Grid(f"{fit.cheap} against {fit.truth}", ("", "below", "wrong [95 %]", "at most", "stand"), listed),
        Grid("On tasks that the threshold was not chosen on", ("", "[95 %]"), tried, "Five folds of whole tasks."),
        *_curves(fit),
    ]
    return Page("Threshold of a cascade", tuple(blocks), () if fit.chosen else (Finding("no_threshold", "warning", "cascade", says),))


def _says(fit: CascadeFit, dear: str) -> str:
    promise = f"at most {fit.options.error:.1%} wrong, {fit.options.confidence:.0%} sure"
    chosen = fit.chosen
    if chosen is None or chosen.bound is None:
        return f"No threshold keeps the promise ({promise}): pass everything on, allow a larger error, or label more."
    return (
        f"Pass on below {chosen.below:.4f}: {chosen.kept:.1%} of verdicts stand, {chosen.error.value or 0.0:.1%} of them wrong against "
        f"{fit.truth}, and at most {chosen.bound:.1%} ({promise}). {fit.responses:.1%} of responses need no call of {dear} at all. "
        f"Use it: --judge 'cascade:CHEAP>DEAR' --pass-below {chosen.below:.4f}."
    )


def _curves(fit: CascadeFit) -> list[Block]:
    shown = [(p.kept, p.error.value, p.bound) for p in fit.curve if p.error.value is not None and p.bound is not None]
    if len(shown) < 2:
        return []
    wrong, bound = (tuple((point[0], point[i] or 0.0) for point in shown) for i in (1, 2))
    allowed = ((shown[0][0], fit.options.error), (shown[-1][0], fit.options.error))
    curves = (Curve("wrong", wrong), Curve("at most", bound, dashed=True), Curve("allowed", allowed, dashed=True))
    return [Curves("Error against what stands", "share of verdicts that stand", "share wrong among them", curves)]
