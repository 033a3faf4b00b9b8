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
from criterial.core.score import SEVERITIES, Finding
from criterial.core.task import Case
from criterial.errors import FormatError
from criterial.formats.load import read_cases, read_rubric
from criterial.formats.schema import json_schema
from criterial.formats.targets import TARGETS, target_of, write_target

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
    for (severity, code), number in sorted(counts.items(), key=lambda item: (SEVERITIES.index(item[0][0]), -item[1])):
        typer.echo(f"{number:6} {severity:8} {code}: {CODES[code]}", err=True)
    if not found:
        typer.echo("nothing found", err=True)


def _rubrics(file: Path, format: str | None) -> Iterator[tuple[str, Rubric]]:
    """Yield the distinct rubrics of a file of cases, or the one rubric that the file is."""
    given = _loaded(file, format)
    if isinstance(given, Rubric):
        yield "", given
        return
    seen: set[str] = set()
    for case in given:
        if case.rubric.digest not in seen:
            seen.add(case.rubric.digest)
            yield case.task.id, case.rubric


def _loaded(file: Path, format: str | None) -> Rubric | list[Case]:
    """Return the cases of a file, or the rubric that it is."""
    try:
        return read_cases(file, format)
    except FormatError as error:
        if format is not None or file.is_dir():
            raise
        try:
            return read_rubric(file)
        except FormatError as second:
            raise (error if "not a format" not in error.message else second) from None


@app.command("convert")
def _convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A rubric, or cases with rubrics, in any format that is read.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="What to write: .json, .jsonl, .yaml or .toml.")],
    to: Annotated[str | None, typer.Option("--to", metavar="NAME", help=f"Its format: {', '.join(TARGETS)}; else by OUT's name.")] = None,
    format: FormatOption = None,
) -> None:
    """Write a rubric or cases in another format. What that format cannot hold is listed on standard error.

    OUT's name tells the format where --to does not: x.verifiers.toml, x.autorubric.yaml, x.healthbench.jsonl, promptfooconfig.yaml;
    any other is this project's own.
    """
    target = target_of(out, to)
    given = _loaded(file, format)
    lost = write_target(given, out, target)
    for line in lost:
        typer.echo(f"lost: {line}", err=True)
    count = "1 rubric" if isinstance(given, Rubric) else "1 case" if len(given) == 1 else f"{len(given)} cases"
    typer.echo(f"{count} as {target.name}: {out}")


@app.command("schema")
def _schema(name: Annotated[str, typer.Argument(help="case, rubric, verdict or response.")] = "case") -> None:
    """Print the JSON schema of this project's own files."""
    typer.echo(json_module.dumps(json_schema(name), indent=2))
