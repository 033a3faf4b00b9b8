"""Spans: one a call, its tokens those of the provider's bill, its errors typed, under the run's; nothing where nobody listens."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

import criterial as cr
from criterial.core.verdict import CAUSES
from criterial.model.exchange import Patience
from criterial.model.scripted import FaultPlan, ScriptedProvider
from criterial.store.database import Database
from criterial.store.runs import total_usage
from tests.helpers_runs import planted_cases

QUICK = cr.JudgeSettings(patience=Patience(attempts=3, base=0.001, longest=0.01), timeout=0.5)
FAULTS = FaultPlan({"rate_limit": 0.2, "server_error": 0.1, "half_json": 0.2, "reset": 0.1, "missing": 0.1}, seed=5, retry_after=0.001)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """A tracer provider for this test alone; OpenTelemetry itself lets a process have one for good."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def told(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def apart(exporter: InMemorySpanExporter) -> tuple[ReadableSpan, Sequence[ReadableSpan]]:
    """Return the run's span and those of its calls."""
    spans = exporter.get_finished_spans()
    (run,) = [s for s in spans if s.name == "criterial.grade"]
    return run, [s for s in spans if s is not run]


def total(calls: Sequence[ReadableSpan], name: str) -> int:
    return sum(int(str(told(s)[name])) for s in calls)


def test_every_call_is_a_span_under_its_run_and_the_tokens_are_those_of_the_bill(exported: InMemorySpanExporter, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    with ScriptedProvider(plan=FAULTS) as provider:
        made = cr.grade(planted_cases(tasks=20), f"chat:m@{provider.url}", store=store, settings=QUICK)
        bill, url = provider.bill, provider.url
    run, calls = apart(exported)
    assert told(run)["criterial.run.id"] == made.id and told(run)["criterial.judges"] == ("m",)
    assert {s: told(run)[f"criterial.verdicts.{s}"] for s in made.verdicts} == made.verdicts
    assert run.kind == SpanKind.INTERNAL and run.parent is None and run.status.status_code == StatusCode.UNSET

    assert len(calls) == 40
    for span in calls:
        known = told(span)
        assert span.name == "chat m" and span.kind == SpanKind.CLIENT
        assert span.parent is not None and run.context is not None and span.parent.span_id == run.context.span_id
        assert (known["gen_ai.operation.name"], known["gen_ai.provider.name"], known["gen_ai.request.model"]) == ("chat", "openai", "m")
        assert (known["gen_ai.request.temperature"], known["criterial.questions"], known["criterial.run.id"]) == (0.0, 4, made.id)
        assert (known["server.address"], known["server.port"]) == ("127.0.0.1", urlsplit(url).port)
    assert total(calls, "gen_ai.usage.input_tokens") == bill["input_tokens"] > 0
    assert total(calls, "gen_ai.usage.output_tokens") == bill["output_tokens"] > 0
    assert total(calls, "criterial.requests") == bill["requests"] == made.usage.calls > 60
    assert total(calls, "criterial.retries") == made.usage.retries == total_usage(Database(store), made.id).retries

    failed = [s for s in calls if s.status.status_code == StatusCode.ERROR]
    causes = {str(told(s)["error.type"]) for s in failed}
    assert failed and causes <= set(CAUSES) and causes <= set(made.causes)
    assert all(("error.type" in told(s)) == (s in failed) for s in calls)
    assert not any(s.status.description for s in calls)
    events = [e for s in calls for e in s.events]
    assert {e.name for e in events} == {"attempt failed"}
    assert len(events) == made.usage.retries + len(failed)
    codes = [int(str(dict(e.attributes or {}).get("http.response.status_code", 0))) for e in events]
    assert (codes.count(429), codes.count(500)) == (bill["rate_limit"], bill["server_error"])
    answered = [told(s) for s in calls if s not in failed]
    assert all(a["gen_ai.response.model"] == "m" and a["gen_ai.response.finish_reasons"] == ("stop",) for a in answered)


def test_a_judge_that_is_given_up_is_a_fault_without_the_providers_words(exported: InMemorySpanExporter) -> None:
    with ScriptedProvider(rungs=()) as provider:
        made = cr.grade(planted_cases(8), f"chat:m@{provider.url}", store="sqlite://", settings=QUICK)
    run, calls = apart(exported)
    assert "not supported" in made.stopped
    assert told(run)["criterial.stopped"] == "fault" and {told(s)["error.type"] for s in calls} == {"bad_request"}
    assert "not supported" not in "".join(s.to_json() for s in (run, *calls))


@pytest.mark.parametrize(("kind", "provider_name"), [("decisions", "openai"), ("systemone", "systemone")])
def test_decision_models_have_spans_of_their_own_operation(kind: str, provider_name: str, exported: InMemorySpanExporter) -> None:
    with ScriptedProvider() as provider:
        cr.grade(planted_cases(1), f"{kind}:m@{provider.url}", store="sqlite://")
        bill = provider.bill
    _, calls = apart(exported)
    assert {s.name for s in calls} == {f"{kind} m"} and len(calls) == bill["requests"] == 2
    assert {told(s)["gen_ai.provider.name"] for s in calls} == {provider_name}
    assert total(calls, "gen_ai.usage.input_tokens") == bill["input_tokens"]


def test_what_is_asked_and_answered_is_in_no_span(exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRITERIAL_API_KEY", "sk-canary-0123456789")
    case = {"id": "t", "prompt": "PROMPT-CANARY", "rubric": ["RUBRIC-CANARY"], "responses": ["RESPONSE-CANARY"]}
    plan = FaultPlan({"half_json": 0.5, "wrong_schema": 0.5})
    with ScriptedProvider(plan=plan) as provider:
        cr.grade([case], f"chat:m@{provider.url}?key=sk-canary-0123456789", store="sqlite://", settings=QUICK)
    run, calls = apart(exported)
    shown = "".join(s.to_json() for s in (run, *calls))
    assert "malformed" in shown and "canary" not in shown.lower() and "as planted" not in shown


def test_a_call_that_is_cut_off_ends_its_span_with_what_it_had_cost(
    exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("criterial.run.engine.GRACE", 0.1)

    async def body(url: str) -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.3, stop.set)
        await cr.agrade(planted_cases(2), f"chat:m@{url}", store="sqlite://", stop=stop)

    with ScriptedProvider(plan=FaultPlan({"silent": 1.0})) as provider:
        asyncio.run(body(provider.url))
    run, calls = apart(exported)
    assert told(run)["criterial.stopped"] == "stopped"
    assert len(calls) == 4 and total(calls, "criterial.requests") == 4
    assert {told(s)["error.type"] for s in calls} == {"CancelledError"}


def test_a_run_that_breaks_off_says_so_by_the_name_of_the_error_alone(exported: InMemorySpanExporter) -> None:
    with ScriptedProvider() as provider, pytest.raises(cr.CriterialError):
        cr.grade(planted_cases(1), f"chat:m@{provider.url}", store="sqlite://", engine="none")
    run, calls = apart(exported)
    assert (told(run)["error.type"], run.status.status_code, run.events) == ("ConfigError", StatusCode.ERROR, ())
    assert calls == []


def test_spans_stand_under_whatever_the_caller_is_tracing(exported: InMemorySpanExporter) -> None:
    with trace.get_tracer("mine").start_as_current_span("outer") as outer, ScriptedProvider() as provider:
        cr.grade(planted_cases(1), f"chat:m@{provider.url}", store="sqlite://")
    run, calls = apart(exported)
    assert run.parent is not None and run.parent.span_id == outer.get_span_context().span_id
    assert len({s.context.trace_id for s in calls if s.context is not None}) == 1 and len(calls) == 3


def test_what_is_sampled_out_is_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    with ScriptedProvider(plan=FAULTS) as judge:
        run = cr.grade(planted_cases(2), f"chat:m@{judge.url}", store="sqlite://", settings=QUICK)
    assert exporter.get_finished_spans() == () and run.usage.calls >= 4


WITHOUT = """
import json, sys
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import criterial as cr
from tests.helpers_runs import planted_cases
run = cr.grade(planted_cases(3), f"chat:m@{sys.argv[1]}", store="sqlite://")
print(json.dumps([run.verdicts, [m for m in sys.modules if m.startswith("opentelemetry")]]))
"""


def test_without_the_package_all_works_and_none_of_it_is_loaded() -> None:
    with ScriptedProvider(plan=FaultPlan({"half_json": 0.3})) as provider:
        done = subprocess.run([sys.executable, "-c", WITHOUT, provider.url], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    verdicts, loaded = json.loads(done.stdout)
    assert verdicts["decided"] == 24 and loaded == []
