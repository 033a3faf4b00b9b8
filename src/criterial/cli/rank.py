"""`criterial rank`: systems in order, and which of them cannot be told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from criterial.cli.options import FormatOption, HtmlOption, JsonOption, PolicyOption, StoreOption, parse_choice, parse_policy
from criterial.cli.output import write_page
from criterial.compare.against import rankings_agree
from criterial.compare.stability import rank_stability
from criterial.report.abilities import ability_blocks
from criterial.report.ranking import ranking_json, ranking_page
from criterial.run.ranking import gather, rank_evidence

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("rank")
def _rank(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="RUN_OR_FILE...", help="Runs; files or folders of cases with verdicts; CSV files with a row a system."),
    ],
    method: Annotated[
        str, typer.Option("--method", help="NAME or NAME:OPTION=VALUE,...; else bradley_terry for pairs and mean for scores.")
    ] = "",
    judge: Annotated[
        list[str] | None,
        typer.Option("--judge", metavar="NAME", help="Only this judge's verdicts; * is any text; may be repeated."),
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", metavar="NAME", help="Rank by this judge too, and say how far the orders agree.")
    ] = None,
    stability: Annotated[bool, typer.Option("--stability", help="Say how often fewer tasks would have given the same order.")] = False,
    policy: PolicyOption = None,
    tie: Annotated[float, typer.Option("--tie", min=0, help="Scores no further apart count as a tie, where pairs are made of them.")] = 0.0,
    format: FormatOption = None,
    store: StoreOption = None,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Rank systems by scores, verdicts, pairs or many benchmarks, with intervals and tiers of those that cannot be told apart."""
    name, options = parse_choice(method)
    scoring = parse_policy(policy)
    evidence = gather(sources, judge or (), scoring, tie, store, format)
    found = rank_evidence(evidence, name, **options)
    others = {}
    for other in against or ():
        others[other] = rankings_agree(found, rank_evidence(gather(sources, [other], scoring, tie, store, format), name, **options))
    steady = rank_stability(evidence.contests if evidence.scored is None else evidence.marks) if stability else None
    page = ranking_page(found, others, steady)
    if html and name == "item_response":
        page = replace(page, blocks=(*page.blocks, *ability_blocks(evidence.marks)))
    write_page(page, ranking_json(found, others, steady), json, html)
