"""A run as one HTML page that works anywhere offline: heat map, intervals, and every reason one click away.

Nothing is fetched and nothing of what a model wrote is markup: the page's data is JSON that its script puts into text nodes, and the
content security policy admits that one script and that one style sheet by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from criterial.core.method import Method
from criterial.report.view import run_view
from criterial.score.record import Run

__all__ = ["METHOD", "render"]

_POLICY = "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Run {{ run }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<div id="top"></div>
<div id="map"></div>
<noscript><p>This page needs its own script to show the verdicts; nothing is loaded from elsewhere.</p></noscript>
</main>
<aside id="panel" role="dialog" aria-label="Details" hidden></aside>
<script type="application/json" id="data">{{ data }}</script>
<script>{{ script }}</script>
</body>
</html>
"""


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
    style = (static / "report.css").read_text(encoding="utf-8")
    script = (static / "report.js").read_text(encoding="utf-8")
    # Both files are this package's own; only the run's data needs care, and it is JSON that cannot close its element.
    environment = ImmutableSandboxedEnvironment(autoescape=False)
    return environment.from_string(_PAGE).render(
        run="".join(c for c in run.id if c.isalnum()),
        style=style,
        script=script,
        policy=_POLICY.format(script=_hash(script), style=_hash(style)),
        data=_safe_json(run_view(run)),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _safe_json(value: Any) -> str:
    """Return JSON that is inert inside a script element: no character in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


METHOD = Method(name="html", room="report", call=render, says="one self-contained page: heat map, intervals, every reason one click away")
