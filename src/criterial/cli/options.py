"""Options that several commands share, and reading their values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from criterial.core.rubric import Panel, Policy
from criterial.errors import ConfigError
from criterial.formats.reading import Document, parse_json
from criterial.formats.shorthand import full_policy
from criterial.formats.validation import build
from criterial.model.exchange import Price

__all__ = [
    "AttemptsOption",
    "BlocksOption",
    "BudgetOption",
    "CasesArgument",
    "ConcurrencyOption",
    "DryRunOption",
    "EngineOption",
    "FetchOption",
    "FormatOption",
    "HtmlOption",
    "JsonOption",
    "JudgeOption",
    "JudgesOption",
    "MethodOption",
    "LogprobsOption",
    "PanelOption",
    "ParameterOption",
    "PerCallOption",
    "PassBelowOption",
    "PolicyOption",
    "PriceOption",
    "PythonOption",
    "RepeatsOption",
    "ResponsesOption",
    "RubricOption",
    "SampleOption",
    "StoreOption",
    "TemperatureOption",
    "TimeoutOption",
    "WorkersOption",
    "parse_choice",
    "parse_fields",
    "parse_panel",
    "parse_policy",
    "parse_price",
    "parse_temperature",
]

CasesArgument = Annotated[Path, typer.Argument(help="File or folder of cases.", metavar="CASES")]
RubricOption = Annotated[Path | None, typer.Option("--rubric", help="One rubric for all cases, in place of their own.")]
FormatOption = Annotated[str | None, typer.Option("--format", help="Format of CASES, where it cannot be recognised.")]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="sqlite:///FILE or postgresql://...; else CRITERIAL_STORE, else .criterial/store.sqlite."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained HTML report.")]


_A_JUDGE = "embedded, chat:MODEL@URL, decisions:MODEL@URL, systemone:MODEL@URL, cascade:CHEAP>DEAR, scripted:FILE or gullible"
JudgeOption = Annotated[str, typer.Option("--judge", metavar="NAME", help=f"{_A_JUDGE}.")]
JudgesOption = Annotated[list[str] | None, typer.Option("--judge", metavar="NAME", help=f"{_A_JUDGE}; may be repeated.")]
ResponsesOption = Annotated[Path | None, typer.Option("--responses", metavar="FILE", help="Responses in place of those in CASES.")]
PassBelowOption = Annotated[
    float,
    typer.Option("--pass-below", help="In a cascade, pass on what the cheap judge decided with less than this probability.", min=0, max=1),
]
PanelOption = Annotated[
    str | None, typer.Option("--panel", help="How judges and repeats become one verdict: majority, mean, conservative, at_least:need=2 ...")
]
MethodOption = Annotated[
    str, typer.Option("--method", help="Judge by this method: NAME or NAME:OPTION=VALUE,... (see `criterial methods`).")
]
PolicyOption = Annotated[str | None, typer.Option("--policy", help="Score by this policy: NAME, NAME:OPTION=VALUE,..., JSON, or a file.")]
RepeatsOption = Annotated[int, typer.Option("--repeats", min=1, help="How often each response is judged.")]
EngineOption = Annotated[
    str,
    typer.Option("--engine", metavar="NAME", help="local, or ray: on the cluster that RAY_ADDRESS names, else on this machine's cores."),
]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Workers on Ray; else one a processor.")]
BlocksOption = Annotated[
    str | None, typer.Option("--blocks", metavar="FOLDER", help="Where workers on Ray write verdicts as Parquet; shared by all of them.")
]
BudgetOption = Annotated[str | None, typer.Option("--budget", help="Hard stop: 2.50usd, 1000calls, 200ktokens, with commas between.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print calls, tokens and money, and make no call.")]
SampleOption = Annotated[int | None, typer.Option("--sample", min=1, help="Grade a fixed sample of so many cases.")]
ConcurrencyOption = Annotated[int, typer.Option("--concurrency", min=1, help="Requests in flight at most.")]
PerCallOption = Annotated[
    int | None, typer.Option("--criteria-per-call", min=1, help="Criteria in one request at most; 1 asks each alone.")
]
TemperatureOption = Annotated[str, typer.Option("--temperature", help="Sampling temperature; none leaves it to the endpoint.")]
LogprobsOption = Annotated[
    bool, typer.Option("--logprobs", help="Ask a chat model for token probabilities, where each criterion is asked alone.")
]
ParameterOption = Annotated[
    list[str] | None, typer.Option("--parameter", metavar="NAME=VALUE", help="Further field of a chat request; may be repeated.")
]
PriceOption = Annotated[str | None, typer.Option("--price", metavar="IN,OUT", help="US dollars for a million tokens read and written.")]
AttemptsOption = Annotated[int, typer.Option("--attempts", min=1, help="Requests for one call, faults included.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Seconds for one attempt.")]
FetchOption = Annotated[
    list[str] | None,
    typer.Option("--fetch", metavar="HOST", help="Host from which images and references may be fetched by https; may be repeated."),
]
PythonOption = Annotated[list[str] | None, typer.Option("--allow-python", metavar="MODULE", help="Module whose functions checks may call.")]


def parse_price(text: str | None) -> Price | None:
    """Return a price from ``IN,OUT`` or ``IN,OUT,CACHED``.

    Parameters
    ----------
    text : str or None
        US dollars for a million tokens.

    Returns
    -------
    Price or None

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    if text is None:
        return None
    try:
        parts = [float(p) for p in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) not in (2, 3) or any(p < 0 for p in parts):
        raise ConfigError(f"{text!r} is no price: write IN,OUT or IN,OUT,CACHED in US dollars for a million tokens")
    return Price(*parts)


def parse_temperature(text: str) -> float | None:
    """Return a sampling temperature; ``none`` leaves it to the endpoint.

    Parameters
    ----------
    text : str
        As on the command line.

    Returns
    -------
    float or None

    Raises
    ------
    ConfigError
        If it is neither a number from 0 up nor ``none``.
    """
    if text == "none":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 10.0:
        raise ConfigError(f"{text!r} is no temperature: write a number from 0 up, or none")
    return value


def parse_fields(given: list[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` options as a dict; values are JSON where they can be read so, else texts.

    Parameters
    ----------
    given : list of str
        As on the command line.

    Returns
    -------
    dict

    Raises
    ------
    ConfigError
        If there is no ``=``.
    """
    out: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise ConfigError(f"{item!r}: write NAME=VALUE")
        try:
            out[name] = json.loads(value)
        except ValueError:
            out[name] = value
    return out


def parse_panel(text: str | None) -> Panel | None:
    """Return a panel from ``RULE``, ``RULE:OPTION=VALUE,...`` or a JSON object.

    Parameters
    ----------
    text : str or None
        As on the command line.

    Returns
    -------
    Panel or None

    Raises
    ------
    FormatError
        If there is no such rule or option.
    """
    if text is None:
        return None
    if text.lstrip().startswith("{"):
        return build(Panel, parse_json(text, "--panel"), "panel")
    rule, _, options = text.partition(":")
    return build(Panel, {"rule": rule, **(parse_fields(options.split(",")) if options else {})}, "panel")


def parse_choice(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a method and its options.

    Parameters
    ----------
    text : str
        As on the command line: ``NAME``, ``NAME:OPTION=VALUE,...`` or ``NAME:{"OPTION": VALUE}``.

    Returns
    -------
    tuple of (str, dict)

    Raises
    ------
    CriterialError
        If the options cannot be read.
    """
    name, _, options = text.partition(":")
    if options.startswith("{"):
        return name, dict(parse_json(options, "--method"))
    return name, parse_fields(options.split(",")) if options else {}


def parse_policy(text: str | None) -> Policy | None:
    """Return a policy from a word, from JSON, or from a file.

    Parameters
    ----------
    text : str or None
        As on the command line: ``NAME``, ``NAME:OPTION=VALUE,...``, a JSON object or list of steps, or a file that holds one.

    Returns
    -------
    Policy or None

    Raises
    ------
    FormatError
        If the JSON or the file is no policy.
    """
    if text is None:
        return None
    if text.lstrip()[:1] in ("{", "["):
        return build(Policy, full_policy(parse_json(text, "--policy")), "policy")
    if Path(text).suffix in (".json", ".toml", ".yaml", ".yml"):
        return build(Policy, full_policy(Document(text).whole()), "policy")
    name, _, options = text.partition(":")
    return Policy(name, parse_fields(options.split(",")) if options else {})
