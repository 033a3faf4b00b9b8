"""Metrics against people's preferences, for people and programs: agreement beside chance and beside that of people, then systems."""

from __future__ import annotations

from criterial.audit.meta import Meta, Metric, People, Stratum
from criterial.core.score import Estimate
from criterial.report.page import Block, Grid, Intervals, Page, Row, Words

__all__ = ["meta_page"]

_Cells = tuple[str | float | int | Estimate | None, ...]

_COLUMNS = (
    "metric",
    "against",
    "pairs",
    "lacking",
    "ties up to",
    "ties",
    "people tie",
    "agreement [95 %]",
    "by chance",
    "above chance",
    "tau",
)
_AGREES = {
    "threshold": "Agreement is the share of equal decisions",
    "partial": "Agreement is the share of equal decisions, with a half where exactly one side ties",
    "exclude": "Agreement is the share of equal decisions where people do not tie",
}


def meta_page(meta: Meta) -> Page:
    """Return a meta-evaluation as a page.

    Parameters
    ----------
    meta : Meta
        Any.

    Returns
    -------
    Page
    """
    blocks: list[Block] = []
    for stratum in meta.strata:
        blocks += _blocks(stratum, _AGREES[meta.strategy])
    return Page("Metrics against people's preferences", tuple(blocks), meta.notes)


def _blocks(stratum: Stratum, agrees: str) -> list[Block]:
    said = f"{stratum.name}: {stratum.pairs} pairs, {stratum.opinions} opinions by {', '.join(stratum.people)}"
    blocks: list[Block] = [Words(said) if stratum.among is None else _among(said, stratum.among)]
    crossed = "; where there are more than 100 pairs, what ties was found for each pair on other tasks"
    how = next((m.agreement.method for m in stratum.metrics), "")
    caption = f"{agrees}; by chance is what a metric that decides as often each way would get{crossed}. Intervals: {how}."
    blocks.append(Grid(f"{stratum.name}: metrics on single pairs", _COLUMNS, [_metric(m) for m in stratum.metrics], caption))
    blocks.append(_plot(stratum))
    if stratum.systems:
        blocks += [_orders(stratum), _rates(stratum)]
    return blocks


def _among(said: str, people: People) -> Grid:
    rows: list[_Cells] = [("by pair", people.strict, people.half, people.chance, people.tau)]
    caption = "Half credit is given where exactly one of two people ties."
    if people.released is not None:
        rows.append(("as released", *people.released, None, None))
        caption += " As released: of the pairs of a question the last alone counts, and half credit leaves opposite decisions out."
    columns = ("how far people agree with each other", "equal decisions [95 %]", "half credit", "by chance", "tau")
    return Grid(said, columns, rows, caption)


def _metric(m: Metric) -> _Cells:
    return m.name, m.against, m.pairs, m.lacking, m.tie, m.metric_ties, m.people_ties, m.agreement, m.chance.value, m.above, m.tau


def _plot(stratum: Stratum) -> Intervals:
    rows = tuple(Row(f"{m.name}, {m.against}", m.above, int(m.against == "rating")) for m in stratum.metrics)
    return Intervals(f"{stratum.name}: agreement above chance", "share of pairs", rows, (("chance", 0.0),))


def _orders(stratum: Stratum) -> Grid:
    names = list(dict.fromkeys(n for s in stratum.systems for n in s.systems))
    rows = [(s.name, s.tau, *(s.without.get(n) for n in names)) for s in stratum.systems]
    columns = ("metric", "tau [95 %]", *(f"without {n}" for n in names))
    caption = "Kendall's tau-b of systems' win rates by people and by the metric. Of few systems it takes few values."
    return Grid(f"{stratum.name}: metrics on systems", columns, rows, caption, digits=2)


def _rates(stratum: Stratum) -> Grid:
    by = [dict(zip(s.systems, s.metric, strict=True)) for s in stratum.systems]
    liked = stratum.systems[0]
    rows = [(n, rate, *(rates.get(n) for rates in by)) for n, rate in zip(liked.systems, liked.people, strict=True)]
    columns = ("system", "people", *(s.name for s in stratum.systems))
    caption = f"Ties count as half, and metrics tie where they are even. People's rates are over the pairs that {liked.name} has."
    return Grid(f"{stratum.name}: win rates of systems", columns, rows, caption, digits=2)
