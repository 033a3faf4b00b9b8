"""Judges by name: `embedded`, `chat:MODEL@URL`, `decisions:MODEL@URL`, `systemone:MODEL@URL`, `cascade:CHEAP>DEAR`.

For tests there are doubles, `scripted:FILE` and `gullible`. A URL that is left out comes from
`CRITERIAL_BASE_URL` or `OPENAI_BASE_URL`, a key from `CRITERIAL_API_KEY` or `OPENAI_API_KEY`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from criterial.core.ports import Decider
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError
from criterial.model.cascade import Cascade, CascadeDecider
from criterial.model.chat import ChatDecider, ChatOptions
from criterial.model.decisions import DecisionsDecider, SystemOneDecider
from criterial.model.endpoint import Endpoint
from criterial.model.exchange import Patience, Price
from criterial.model.gullible import GullibleDecider
from criterial.model.scripted import ScriptedDecider

__all__ = ["JudgeSettings", "make_decider"]

_KINDS = ("embedded", "chat", "decisions", "systemone", "cascade", "scripted", "gullible")


@dataclass(frozen=True)
class JudgeSettings:
    """How a judge is asked; what a kind of judge has no use for is left alone by it."""

    concurrency: int = 64
    """Requests in flight at most."""
    criteria_per_call: int | None = None
    """Criteria in one request at most; None is as many as the judge takes."""
    temperature: float | None = 0.0
    """Sampling temperature of a chat model; None leaves it to the endpoint."""
    logprobs: bool = False
    """Whether token probabilities are asked for, where a chat model is asked one criterion at a time."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of a chat request."""
    timeout: float = 120.0
    """Seconds for one attempt."""
    patience: Patience = field(default_factory=Patience)
    """Attempts and deadline of a call."""
    price: Price | None = None
    """What the model's tokens cost."""
    pass_below: float = 0.0
    """In a cascade, the probability below which the cheap judge's verdict is passed on too."""


def make_decider(spec: str, settings: JudgeSettings | None = None, script: Sequence[Verdict] = ()) -> Decider:
    """Return the judge of a name.

    Parameters
    ----------
    spec : str
        The name; see this module.
    settings : JudgeSettings, optional
        How it is asked.
    script : sequence of Verdict
        What ``scripted`` answers.

    Returns
    -------
    Decider

    Raises
    ------
    ConfigError
        If there is no such judge, or something that it needs is not said.
    MissingExtra
        If the embedded judge is asked for and not installed.
    """
    settings = settings or JudgeSettings()
    kind, _, rest = spec.partition(":")
    if kind not in _KINDS:
        raise ConfigError(
            f"there is no judge {spec[:60]!r}: write embedded, chat:MODEL@URL, decisions:MODEL@URL, systemone:MODEL@URL, "
            "cascade:CHEAP>DEAR, scripted:FILE or gullible"
        )
    if kind == "cascade":
        return _cascade(rest, settings)
    if kind == "embedded":
        from criterial.model.floor_judge import FloorJudge  # needs the extra `embedded`

        return FloorJudge(Path(rest) if rest else None)
    if kind == "scripted":
        return ScriptedDecider(script)
    if kind == "gullible":
        return GullibleDecider()
    return _remote(kind, rest, settings)


def _cascade(spec: str, settings: JudgeSettings) -> Decider:
    cheap, arrow, dear = spec.partition(">")
    judges = [part.strip() for part in (cheap, dear)]
    if not arrow or not all(judges) or ">" in dear:
        raise ConfigError("a cascade is written cascade:CHEAP>DEAR, as cascade:embedded>chat:MODEL@URL")
    for judge in judges:
        if judge.startswith("scripted"):
            raise ConfigError("a scripted judge cannot stand in a cascade that is named; make a CascadeDecider in Python")
    first, second = (make_decider(judge, settings) for judge in judges)
    return CascadeDecider(first, second, Cascade(below=settings.pass_below))


def _remote(kind: str, rest: str, settings: JudgeSettings) -> Decider:
    model, _, url = rest.partition("@")
    url = url or _environment("BASE_URL")
    if not model or not url:
        raise ConfigError(f"{kind}: say the model and where it is served, as {kind}:MODEL@http://HOST:PORT/v1, or set CRITERIAL_BASE_URL")
    endpoint = Endpoint(url, _environment("API_KEY"), settings.concurrency, settings.timeout)
    patience, price, concurrency = settings.patience, settings.price, settings.concurrency
    if kind == "chat":
        most = settings.criteria_per_call or ChatOptions.criteria_per_call
        options = ChatOptions(settings.temperature, most, settings.logprobs, settings.parameters)
        return ChatDecider(model, endpoint, options, patience, price, concurrency)
    maker, most = (DecisionsDecider, 400) if kind == "decisions" else (SystemOneDecider, 64)
    return maker(model, endpoint, min(settings.criteria_per_call or most, most), patience, price, concurrency)


def _environment(name: str) -> str:
    return os.environ.get(f"CRITERIAL_{name}") or os.environ.get(f"OPENAI_{name}") or ""
