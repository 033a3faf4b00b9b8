"""`criterial methods`: the catalogue."""

from __future__ import annotations

import json as json_module
from dataclasses import fields
from typing import Annotated, Any

import typer

from criterial.catalogue import entries, find
from criterial.cli.options import JsonOption
from criterial.errors import ConfigError
from criterial.judge.checks import CHECKS

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("methods")
def _methods(
    room: Annotated[str | None, typer.Option("--room", help="judge, score, compare, audit, report, formats or checks.")] = None,
    json: JsonOption = False,
) -> None:
    """List everything that can be chosen by name, with its options."""
    rows = [_row(name) for name in sorted(entries())]
    rows += [{"name": f"checks.{n}", "says": k.says, "options": [f.name for f in fields(k)], "cites": ""} for n, k in CHECKS.items()]
    rooms = sorted({r["name"].partition(".")[0] for r in rows})
    if room is not None and room not in rooms:
        raise ConfigError(f"there is no room {room!r}: choose {', '.join(rooms)}")
    rows = [r for r in rows if room is None or r["name"].startswith(f"{room}.")]
    if json:
        typer.echo(json_module.dumps(rows, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        typer.echo(f"{row['name']:{width}} {row['says']}")
        if row["options"]:
            typer.echo(f"{'':{width}}   options: {', '.join(row['options'])}")


def _row(name: str) -> dict[str, Any]:
    card = find(name)
    options = getattr(card, "options", None)
    return {"name": name, "says": card.says, "options": [f.name for f in fields(options)] if options else [], "cites": card.cites}
