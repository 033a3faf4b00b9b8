"""Providers that answer nonsense of every kind: whatever a reply holds is an answer within its scale or a failure with its cause.

The provider is the scripted one; here and there in its replies a value is replaced by another, as JSON and within the JSON that a chat
model writes. `CRITERIAL_FUZZ=3000` makes as many replies for each wire format and way of asking.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import criterial as cr
from criterial.core.scale import credit_of
from criterial.core.verdict import State
from criterial.model.exchange import Patience
from criterial.model.scripted import ScriptedProvider
from criterial.run.existing import open_run

COUNT = int(os.environ.get("CRITERIAL_FUZZ", "400"))
HOSTILE = [
    *("null", "true", "false", "[]", "{}", '""', "-1", "0", "2", "0.5", "1e308", "1e999", "NaN", "-Infinity", str(2**63), str(10**30)),
    *(str(10**400), "9" * 5000, '"\\ud800"', '"a\\u0000b"', '"NaN"', '"yes"', '"1e999"', '"' + "x" * 5000 + '"', "[" * 900 + "]" * 900),
    *("[[]]", "[{}]", '[null, "x"]', '{"": null}', '{"cached_tokens": -5}', "not JSON", "["),
]
WAITS = ["", "0", "nan", "-1", "inf", "1e-9", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"]
RUBRIC = [
    {"id": "yes", "text": "Names Paris"},
    {"id": "level", "text": "Is clear", "scale": "likert:5"},
    {"id": "number", "text": "How many cities", "scale": "numeric:0-10"},
    {"id": "maybe", "text": "Says why", "applies_when": "it gives a reason"},
]


class Mangling(ScriptedProvider):
    """Replaces values of its replies."""

    def __init__(self) -> None:
        super().__init__(logprobs=True)
        self.draw = random.Random(6)

    async def _send(self, request: web.Request, content: dict[str, Any], fault: str) -> web.StreamResponse:
        status = self.draw.choice([200] * 12 + [429, 500, 400])
        wait = {"Retry-After": self.draw.choice(WAITS)} if status != 200 else {}
        return web.Response(body=mangled(content, self.draw), content_type="application/json", status=status, headers=wait)


def mangled(content: Any, draw: random.Random) -> bytes:
    """Return JSON text in which one or two values, or none, are others."""
    for number in range(draw.choice([0, 1, 1, 2])):
        content = replaced(content, draw, f"@{number}@")
    text = json.dumps(content)
    for number in range(2):
        for mark in (f'"@{number}@"', f"@{number}@"):
            text = text.replace(mark, draw.choice(HOSTILE) if mark[0] == '"' else json.dumps(draw.choice(HOSTILE))[1:-1])
    return text.encode()


def replaced(value: Any, draw: random.Random, mark: str) -> Any:
    """Return a value in which one part, at any depth, is a mark, is left out or stands twice."""
    if isinstance(value, str) and value.startswith(("{", "[")) and draw.random() < 0.8:
        inner = json.dumps(replaced(json.loads(value), draw, mark))
        return inner.replace(f'"{mark}"', mark)  # so that a value takes its place there, and not a text
    if not isinstance(value, (dict, list)) or not value or draw.random() < 0.1:
        return mark
    if isinstance(value, dict):
        key = draw.choice(sorted(value))
        if draw.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: replaced(value[key], draw, mark)}
    place = draw.randrange(len(value))
    part = [replaced(value[place], draw, mark)] if draw.random() < 0.8 else draw.choice([[], [value[place]] * 2])
    return [*value[:place], *part, *value[place + 1 :]]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("chat", {}),
        ("chat", {"criteria_per_call": 1, "logprobs": True}),
        ("decisions", {}),
        ("systemone", {}),
    ],
    ids=["chat", "chat, one by one", "decisions", "systemone"],
)
def test_whatever_a_reply_holds_is_an_answer_or_a_failure_with_its_cause(kind: str, settings: dict[str, Any], tmp_path: Path) -> None:
    texts = [{"id": f"r{n}", "text": f"{n} cities, and Paris."} for n in range(COUNT)]
    case = {"id": "t", "prompt": "Which cities?", "rubric": RUBRIC, "responses": texts}
    asked = cr.JudgeSettings(
        concurrency=16, timeout=20, patience=Patience(attempts=2, base=0.001, deadline=20), price=cr.Price(1, 1), **settings
    )
    store = f"sqlite:///{tmp_path}/s"
    with Mangling() as provider:
        run = cr.grade([case], f"{kind}:m@{provider.url}", store=store, settings=asked)
    assert run.usage.calls >= COUNT
    assert all(0 <= spent < 2**63 for spent in (run.usage.input_tokens, run.usage.cached_tokens, run.usage.output_tokens))
    states: Counter[State] = Counter()
    scales = {c.id: c.scale for c in run.table.criteria}
    for verdict in run.table.verdicts():
        states[verdict.state] += 1
        if verdict.value is None:
            assert verdict.cause or verdict.state == State.NOT_APPLICABLE
        else:
            assert 0.0 <= credit_of(scales[verdict.criterion], verdict.value) <= 1.0
            assert not verdict.probs or (min(verdict.probs) >= 0 and sum(verdict.probs) == pytest.approx(1, abs=2e-3))
    assert states[State.DECIDED] > COUNT
    assert states[State.FAILED] > COUNT / 50
    assert open_run("last", store).verdicts == run.verdicts
