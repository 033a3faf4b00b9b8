"""`criterial rubric`: looking after rubrics."""

from __future__ import annotations

import json as json_module
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from criterial.audit.lint import CODES, lint
from criterial.cli.options import FormatOption, JsonOption
from criterial.core.rubric import Rubric
from criterial.core.score import Finding
from criterial.errors import FormatError
from criterial.formats.load import read_cases, read_rubric
from criterial.formats.schema import json_schema

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def _rubric() -> None:
    """Look after rubrics."""


@app.command("lint")
def _lint(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A rubric, or cases with rubrics.")],
    format: FormatOption = None,
    json: JsonOption = False,
    notes: Annotated[bool, typer.Option("--notes", help="Show notes too, not only errors and warnings.")] = False,
) -> None:
    """Find what is wrong with rubrics: signs, duplicates, checks that cannot run. Leaves with 1 where there is an error or a warning."""
    found = [(name, f) for name, r in _rubrics(file, format) for f in lint(r)]
    serious = [(n, f) for n, f in found if f.severity != "note"]
    if json:
        typer.echo(json_module.dumps([{"rubric": n, **f.__dict__} for n, f in found], ensure_ascii=False, indent=2))
    else:
        _print(found if notes else serious, found)
    raise typer.Exit(1 if serious else 0)


def _print(shown: list[tuple[str, Finding]], found: list[tuple[str, Finding]]) -> None:
    for name, finding in shown:
        typer.echo(f"{finding.severity} {finding.code}: {name + ' ' if name else ''}{finding.where}: {finding.message}")
        if finding.hint:
            typer.echo(f"  hint: {finding.hint}")
    counts = Counter((f.severity, f.code) for _, f in found)
    for (severity, code), number in sorted(counts.items(), key=lambda item: (("error", "warning", "note").index(item[0][0]), -item[1])):
        typer.echo(f"{number:6} {severity:8} {code}: {CODES[code]}", err=True)
    if not found:
        typer.echo("nothing found", err=True)


def _rubrics(file: Path, format: str | None) -> Iterator[tuple[str, Rubric]]:
    """Yield the distinct rubrics of a file of cases, or the one rubric that the file is."""
    try:
        cases = read_cases(file, format)
    except FormatError as error:
        if format is not None or file.is_dir():
            raise
        try:
            yield "", read_rubric(file)
            return
        except FormatError as second:
            raise (error if "not a format" not in error.message else second) from None
    seen: set[str] = set()
    for case in cases:
        if case.rubric.digest not in seen:
            seen.add(case.rubric.digest)
            yield case.task.id, case.rubric


@app.command("schema")
def _schema(name: Annotated[str, typer.Argument(help="case, rubric, verdict or response.")] = "case") -> None:
    """Print the JSON schema of this project's own files."""
    typer.echo(json_module.dumps(json_schema(name), indent=2))
