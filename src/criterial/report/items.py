"""An audit of items for people and programs: what is wrong with each, what each tells, and which few will do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from criterial.audit.items import ItemAudit, ItemFigures, Subset
from criterial.core.score import SEVERITIES, Estimate
from criterial.maths.item_response import information
from criterial.report.json import as_json
from criterial.report.page import Block, Curve, Curves, Grid, Intervals, Page, Points, Row, Words

__all__ = ["items_json", "items_page"]

_MOST_LINES, _MOST_CURVES = 60, 7
_GRID = np.linspace(-4.0, 4.0, 81)


def items_json(audit: ItemAudit, subset: Subset | None = None) -> str:
    """Return an audit as one JSON object.

    Parameters
    ----------
    audit : ItemAudit
        Any.
    subset : Subset, optional
        A subset that was asked for.

    Returns
    -------
    str
    """
    plain = ("unit", "model", "ratio", "enough")
    out: dict[str, Any] = {name: getattr(audit, name) for name in plain}
    out["rows"] = len(audit.abilities)
    out |= {name: asdict(getattr(audit, name)) for name in ("reliability", "alpha")}
    out |= {name: [asdict(part) for part in getattr(audit, name)] for name in ("items", "pairs", "findings", "notes")}
    out["abilities"] = [{"row": name, "ability": asdict(figure)} for name, figure in audit.abilities]
    out["curve"] = [{"items": k, "tau": asdict(figure)} for k, figure in audit.curve]
    out["subset"] = None if subset is None else asdict(subset)
    return as_json(out)


def items_page(audit: ItemAudit, subset: Subset | None = None) -> Page:
    """Return an audit as a page.

    Parameters
    ----------
    audit : ItemAudit
        Any.
    subset : Subset, optional
        A subset that was asked for.

    Returns
    -------
    Page
    """
    blocks: list[Block] = [Words(_summary(audit)), _items(audit), *_findings(audit), *_pairs(audit), _whole(audit)]
    if subset is not None:
        rows = [(i + 1, name) for i, name in enumerate(subset.items)]
        caption = f"Kendall's tau of scores on these with scores on all: {subset.agreement.text(2)}; {subset.agreement.method}."
        blocks.append(Grid(f"The {len(subset.items)} items that tell most", ("", "item"), rows, caption))
    blocks += [*_difficulties(audit), *_information(audit), *_agreement(audit)]
    return Page("Audit of items", tuple(blocks), audit.notes)


def _summary(audit: ItemAudit) -> str:
    flagged = len({f.where for f in audit.findings if f.severity != "note"})
    kinds = Counter(f.code for f in audit.findings if f.severity != "note")
    listed = ", ".join(f"{n} {code}" for code, n in kinds.most_common())
    enough = f" {audit.enough} of them keep the order of all." if audit.enough else ""
    return (
        f"{len(audit.items)} items over {len(audit.abilities)} {audit.unit}: {flagged} need work{f' ({listed})' if listed else ''}.{enough}"
    )


def _need(audit: ItemAudit) -> list[ItemFigures]:
    """Return items, those that need work most first."""
    worst = {f.where: f.gravity for f in reversed(audit.findings)}
    place = {item.item: i for i, item in enumerate(audit.items)}
    return sorted(audit.items, key=lambda item: (worst.get(item.item, len(SEVERITIES)), -len(item.codes), place[item.item]))


def _items(audit: ItemAudit) -> Grid:
    flips = any(item.flips for item in audit.items)
    columns = ("item", "n", "mean mark [95 %]", "goes with the rest", "slope", "difficulty", "information", "repeats differ", "finding")
    keep = [c for c in range(len(columns)) if flips or c != 7]
    rows = []
    for item in _need(audit):
        name = f"{item.item} (turned)" if item.turned else item.item
        cells = (name, item.n, item.rate, item.total, item.slope, item.difficulty, item.information, item.flips, ", ".join(item.codes))
        rows.append([cells[c] for c in keep])
    caption = (
        "Goes with the rest: correlation with the mean of a row's other items. Slope and difficulty are those of a "
        f"{'2PL' if audit.model == '2pl' else 'Rasch'} model, difficulty and information in standard deviations of the {audit.unit}' "
        "abilities. Turned: meeting it is bad, so that not meeting it counts as the better mark."
    )
    return Grid("Items, those that need work first", tuple(columns[c] for c in keep), rows, caption, digits=2)


def _findings(audit: ItemAudit) -> Iterator[Grid]:
    if audit.findings:
        rows = [(f.severity, f.where, f.code, f.message, f.hint) for f in audit.findings]
        yield Grid("Findings", ("", "item", "finding", "why", "what to do"), rows)


def _pairs(audit: ItemAudit) -> Iterator[Grid]:
    if audit.pairs:
        rows = [(p.first, p.second, p.code, p.n, p.kappa, p.q3) for p in audit.pairs]
        caption = "Kappa: agreement beyond chance. Q3: correlation of what ability leaves unexplained."
        yield Grid("Pairs that ask the same", ("item", "and", "are", "n", "kappa [95 %]", "Q3"), rows, caption, digits=2)


def _whole(audit: ItemAudit) -> Grid:
    one = "-" if audit.ratio is None else f"{audit.ratio:.1f}"
    rows: list[tuple[str, str | Estimate, str]] = [
        ("reliability of abilities", audit.reliability, audit.reliability.method),
        ("Cronbach's alpha", audit.alpha, audit.alpha.method),
        ("first to second eigenvalue", one, "the more, the more like one ability"),
        *((f"tau of the best {k}", tau, tau.method) for k, tau in audit.curve),
    ]
    caption = "Tau: Kendall's, of scores on the items that tell most with scores on all."
    return Grid("The whole", ("", "figure [95 %]", "by"), rows, caption, digits=2)


def _difficulties(audit: ItemAudit) -> Iterator[Block]:
    told = [item for item in audit.items if item.difficulty.value is not None]
    abilities = [figure.value or 0.0 for _, figure in audit.abilities]
    unit = f"standard deviations of the {audit.unit}' abilities"
    if len(told) <= _MOST_LINES:
        lines = tuple(Row(i.item, i.difficulty, int(bool(i.codes))) for i in sorted(told, key=lambda i: i.difficulty.value or 0.0))
        ends = zip(("worst tenth", "middle", "best tenth"), np.quantile(abilities, [0.1, 0.5, 0.9]).tolist(), strict=True)
        yield Intervals(f"Difficulties, and where the {audit.unit} are", unit, lines, tuple(ends))
    points = tuple((i.difficulty.value or 0.0, i.total.value or 0.0, i.item) for i in told if i.total.value is not None)
    yield Points("Difficulty, and how far an item goes with the rest", unit, "correlation with the rest", points)


def _information(audit: ItemAudit) -> Iterator[Curves]:
    told_GI = information(audit.fit, _GRID)
    most = sorted((i for i, item in enumerate(audit.items) if item.information > 0), key=lambda i: -audit.items[i].information)
    if most:
        curves = [Curve(audit.items[i].item, _line(told_GI[:, i])) for i in most[:_MOST_CURVES]]
        curves.append(Curve("mean of all", _line(told_GI.mean(axis=1)), dashed=True))
        title = "What the items that tell most tell about an ability"
        yield Curves(title, f"standard deviations of the {audit.unit}' abilities", "information", tuple(curves))


def _line(up_G: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[tuple[float, float], ...]:
    return tuple(zip(_GRID.tolist(), up_G.tolist(), strict=True))


def _agreement(audit: ItemAudit) -> Iterator[Curves]:
    if len(audit.curve) > 1:
        lines = {"tau": [t.value for _, t in audit.curve], "low": [t.low for _, t in audit.curve], "high": [t.high for _, t in audit.curve]}
        sizes = [float(k) for k, _ in audit.curve]
        known = {name: tuple((k, v) for k, v in zip(sizes, of, strict=True) if v is not None) for name, of in lines.items()}
        curves = tuple(Curve(name, points, name != "tau") for name, points in known.items() if points)
        yield Curves("How few items keep the order", "items", "Kendall's tau with all", curves)
