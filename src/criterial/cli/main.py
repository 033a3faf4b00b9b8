"""`criterial`: the entry point. Commands are loaded when they are called, so that ``--help`` is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from criterial import __version__
from criterial.errors import CriterialError

__all__ = ["main"]

_COMMANDS = {
    "grade": "Judge the responses of a cases file and score them.",
    "score": "Score verdicts that came from elsewhere.",
    "rank": "Rank systems, and say which cannot be told apart.",
    "audit": "Tell whether a judge, an edit of a rubric or its criteria can be believed.",
    "report": "Show a run, or write it as HTML, Markdown or JSON.",
    "runs": "List the runs of a store, or show one with its calls.",
    "export": "Write a run's verdicts as JSON lines, CSV or Parquet.",
    "rubric": "Look after rubrics: lint them, convert them, see their schema.",
    "judge": "Look after the embedded judge: what it is, calibrate it, check a judge against labels.",
    "methods": "List everything that can be chosen by name.",
}


class _Lazy(TyperGroup):
    """A group whose commands are modules of this folder."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        command = typer.main.get_command(importlib.import_module(f"criterial.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


_app = typer.Typer(
    cls=_Lazy,
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@_app.callback()
def _cli(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
    log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Add what happens to a file, as JSON lines.")] = None,
    log_level: Annotated[str, typer.Option("--log-level", metavar="LEVEL", help="warning, info, or debug for every call.")] = "info",
) -> None:
    """Rubrics as one verdict table: judge, score, report.

    Results go to standard output, progress and warnings to standard error. Each command has its own --help.
    """
    if version:
        typer.echo(f"criterial {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
    elif log is not None:
        from criterial.cli.log import log_to  # few want one

        context.with_resource(log_to(log, log_level))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; the process's own where they are left out.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 findings, 2 something was wrong with what was given, 3 not complete, 130 interrupted.
    """
    try:
        typer.main.get_command(_app).main(args=None if argv is None else list(argv), prog_name="criterial")
    except CriterialError as error:
        print(f"criterial: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None
