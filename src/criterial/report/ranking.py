"""A ranking for people and programs: intervals, tiers, and in words what can be said of each pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from criterial.compare.stability import Stability
from criterial.core.score import Comparison, Estimate, Ranking
from criterial.report.json import as_json
from criterial.report.page import Block, Grid, Intervals, Page, Row, Words
from criterial.report.stability import stability_blocks

__all__ = ["ranking_json", "ranking_page"]


def ranking_json(ranking: Ranking, against: Mapping[str, Estimate] | None = None, steady: Stability | None = None) -> str:
    """Return a ranking as one JSON object.

    Parameters
    ----------
    ranking : Ranking
        Any.
    against : mapping of str to Estimate, optional
        How far it agrees with other judges' rankings.
    steady : Stability, optional
        How often fewer tasks would have given the same order.

    Returns
    -------
    str
    """
    whole = asdict(ranking) | {"against": {name: asdict(figure) for name, figure in (against or {}).items()}}
    whole |= {"stability": None if steady is None else asdict(steady)}
    return as_json(whole)


def ranking_page(ranking: Ranking, against: Mapping[str, Estimate] | None = None, steady: Stability | None = None) -> Page:
    """Return a ranking as a page.

    Parameters
    ----------
    ranking : Ranking
        Any.
    against : mapping of str to Estimate, optional
        How far it agrees with other judges' rankings.
    steady : Stability, optional
        How often fewer tasks would have given the same order.

    Returns
    -------
    Page
    """
    lines, rows = [], []
    for i, (name, strength, tier, (best, worst)) in enumerate(
        zip(ranking.systems, ranking.strengths, ranking.tiers, ranking.ranks, strict=True)
    ):
        lines.append(Row(f"{i + 1}. {name}", strength, tier))
        rows.append((i + 1, name, f"{best} to {worst}" if best < worst else str(best), tier + 1, strength.n, strength))
    how = "; ".join(dict.fromkeys(s.method for s in ranking.strengths))
    digits = 0 if any(abs(s.value or 0.0) > 50 for s in ranking.strengths) else 3
    columns = ("place", "system", "can be", "tier", "n", "strength [95 %]")
    caption = f"{ranking.unit}; intervals {how}. Systems of one tier cannot be told apart; 'can be' counts those that differ significantly."
    blocks: list[Block] = [Grid(f"{len(rows)} systems, by {ranking.method}", columns, rows, caption, digits, bars=True)]
    blocks.append(Intervals("Strengths", ranking.unit, tuple(lines)))
    if against:
        blocks.append(Grid("Rankings by other judges", ("judge", "Kendall's tau with this one [95 %]"), list(against.items())))
    if steady is not None:
        blocks += stability_blocks(steady)
    blocks += _pairs(ranking, digits)
    return Page("Ranking", tuple(blocks), ranking.notes)


def _pairs(ranking: Ranking, digits: int) -> list[Block]:
    if not ranking.comparisons:
        return [Words("No two systems can be compared: there is no interval to compare them by.")]
    said = Counter(c.says for c in ranking.comparisons)
    summary = ", ".join(f"{said[k]} {k}" for k in ("significant", "bounded null", "uninformative") if said[k])
    caption = (
        "p is corrected by Holm for all pairs. Significant: they differ. Bounded null: no difference shows, and one beyond the margin is "
        "ruled out. Uninformative: there may be a difference that this much evidence cannot show."
    )
    rows = [(_sentence(c), c.difference, f"{c.p:.3f}" if c.p >= 0.001 else "< 0.001", c.says) for c in _telling(ranking)]
    return [Grid(f"Pairs: {summary}", ("", "difference [95 %]", "p", "says"), rows, caption, digits)]


def _telling(ranking: Ranking) -> list[Comparison]:
    """Return neighbours first, then the rest."""
    place = {name: i for i, name in enumerate(ranking.systems)}
    return sorted(ranking.comparisons, key=lambda c: (place[c.worse] - place[c.better], place[c.better]))


def _sentence(pair: Comparison) -> str:
    if pair.says == "significant":
        return f"{pair.better} is better than {pair.worse}"
    if pair.says == "bounded null":
        return f"{pair.better} and {pair.worse} are equal for practical purposes"
    return f"{pair.better} or {pair.worse}: cannot be said"
