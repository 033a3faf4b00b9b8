"""A run as one HTML page that works anywhere offline: figures, a heat map, and every reason one click away.

Nothing is fetched and nothing of what a model wrote is markup. The figures are escaped text and need no script; the verdicts are
compressed data, which the page's script unpacks and puts into text nodes, some rows at a time. The content security policy admits that
one script and the one style sheet by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from importlib import resources
from itertools import pairwise
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from criterial.core.method import Method
from criterial.core.score import Estimate
from criterial.core.verdict import CAUSES
from criterial.report.plots import bar_svg
from criterial.report.view import estimate_text, run_view, shown_tasks
from criterial.score.record import Run

__all__ = ["METHOD", "render"]

_LIMIT = 9_500_000
_LONGEST = (20_000, 4_000, 2_000, 1_000, 500, 200, 100)


def render(run: Run) -> str:
    """Return a run as an HTML page.

    Parameters
    ----------
    run : Run
        Any.

    Returns
    -------
    str
        The whole page, with nothing outside it.
    """
    static = resources.files("criterial.report") / "static"
    page, style, script = ((static / f"report.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    # All scores of a run share one axis: 0 to 1, and as much more as their bounds need.
    ends = (min([0.0, *(s.low for s in run.scores)]), max([1.0, *(s.high for s in run.scores)]))
    view = {**run_view(run), "scale": ends}
    data, longest = _fitted(view)
    parts: dict[str, dict[str, Estimate]] = {}
    for part in run.parts:
        parts.setdefault(part.part, {})[part.system] = part.mean

    def bar(figure: Estimate, low: float, high: float) -> Markup:
        return Markup(bar_svg(figure, low, high, ends))  # noqa: S704

    environment = ImmutableSandboxedEnvironment(autoescape=True)
    # The style sheet and the script are this package's own, and a bar is made of numbers; everything else is escaped.
    return environment.from_string(page).render(
        run=run,
        name="".join(c for c in run.id if c.isalnum()),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        hash=_hash,
        parts=parts,
        causes=CAUSES,
        bar=bar,
        fixed=lambda value: "\u2013" if value is None else f"{value:.3f}",
        text=estimate_text,
        shown=len(shown_tasks(run)),
        longest=longest,
        cut=sum(len(text) > longest for text in view["texts"]),
        data=data,
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _fitted(view: Mapping[str, Any]) -> tuple[str, int]:
    """Return the data, its texts cut as short as the page's size asks for, and the length at which they are cut."""
    most = max(map(len, view["texts"]))
    for longest, lower in pairwise((*_LONGEST, 0)):
        if lower > most:
            continue  # the next cuts no text either
        data = _packed({**view, "texts": [_clip(text, longest) for text in view["texts"]]})
        if len(data) <= _LIMIT:
            break
    return data, longest


def _packed(value: Any) -> str:
    """Return JSON, compressed (a browser calls it "deflate"), in base64: no character of that can end its element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode())).decode()


def _clip(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}\n[{len(text) - longest} more characters]"


METHOD = Method(name="html", room="report", call=render, says="one self-contained page: heat map, intervals, every reason one click away")
