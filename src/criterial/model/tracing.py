"""Spans by OpenTelemetry's conventions for generative AI, where a tracer provider is set up; elsewhere nothing, at no cost.

A span says which model was asked, for how long, at what cost and with what outcome. What was asked and answered is in none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from criterial.core.ports import Usage

__all__ = ["RUN", "CallSpan", "call_span", "grade_span", "in_run"]

RUN: ContextVar[str] = ContextVar("criterial.run", default="")
"""Name of the run that the current task works for, or nothing: it stands in spans and log records."""


@contextmanager
def in_run(run: str) -> Iterator[None]:
    """Work for a run.

    Parameters
    ----------
    run : str
        Its name.

    Yields
    ------
    None
    """
    token = RUN.set(run)
    try:
        yield
    finally:
        RUN.reset(token)


@contextmanager
def grade_span(run: str, judges: Sequence[str]) -> Iterator[Callable[[Mapping[str, int], str], None]]:
    """Open the span of one sitting of a run: the parent of its calls.

    Parameters
    ----------
    run : str
        Name of the run.
    judges : sequence of str
        Names of its judges.

    Yields
    ------
    callable
        Takes the run's verdicts by state, and why it ended early or nothing.
    """
    tracer = _tracer()
    if tracer is None:
        yield lambda verdicts, stopped: None
        return
    with _current(tracer, "criterial.grade", "INTERNAL", {"criterial.run.id": run, "criterial.judges": tuple(judges)}) as span:

        def ended(verdicts: Mapping[str, int], stopped: str) -> None:
            span.set_attributes({f"criterial.verdicts.{state}": number for state, number in verdicts.items()})
            # A fault in words is the provider's text, which may hold content.
            span.set_attribute("criterial.stopped", stopped if stopped in ("", "budget", "stopped") else "fault")

        yield ended


@contextmanager
def call_span(url: str, operation: str, model: str, questions: int, spent: Callable[[], Usage]) -> Iterator[CallSpan]:
    """Open the span of one call to a model, repeats after faults included.

    Parameters
    ----------
    url : str
        Base URL of the endpoint, as it may be shown.
    operation : str
        What is called: ``chat`` or the endpoint's own word.
    model : str
        Model that is asked.
    questions : int
        Questions in the call.
    spent : callable
        Gives what was spent, in the end.

    Yields
    ------
    CallSpan
    """
    tracer = _tracer()
    if tracer is None:
        yield CallSpan(None)
        return
    where = urlsplit(url)
    known = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "systemone" if operation == "systemone" else "openai",  # whose wire format it is, not who serves it
        "gen_ai.request.model": model,
        "server.address": where.hostname or "",
        "server.port": where.port or (443 if where.scheme == "https" else 80),
        "criterial.run.id": RUN.get(),
        "criterial.questions": questions,
    }
    with _current(tracer, f"{operation} {model}", "CLIENT", known) as span:
        call = CallSpan(span)
        try:
            yield call
        finally:
            call.spent(spent())


class CallSpan:
    """What is told of one call to a model.

    Parameters
    ----------
    span : Span of OpenTelemetry, or None
        None hears nothing.
    """

    def __init__(self, span: Any) -> None:
        self._span = span if span is not None and span.is_recording() else None

    def sent(self, body: Mapping[str, Any]) -> None:
        """Note what was asked for.

        Parameters
        ----------
        body : mapping
            The request; of it the sampling temperature alone is kept.
        """
        if self._span is not None and "temperature" in body:
            self._span.set_attribute("gen_ai.request.temperature", body["temperature"])

    def replied(self, reply: Mapping[str, Any]) -> None:
        """Note who replied, and why the reply ended.

        Parameters
        ----------
        reply : mapping
            The provider's object.
        """
        if self._span is None:
            return
        if isinstance(reply.get("model"), str):
            self._span.set_attribute("gen_ai.response.model", reply["model"])
        choices = reply.get("choices")
        ends = [c.get("finish_reason") for c in choices if isinstance(c, Mapping)] if isinstance(choices, list) else []
        if ends:
            self._span.set_attribute("gen_ai.response.finish_reasons", [str(end) for end in ends])

    def attempt_failed(self, attempt: int, cause: str, status: int, wait: float) -> None:
        """Note an attempt that gave no usable answer.

        Parameters
        ----------
        attempt : int
            Which one, from 1.
        cause : str
            One of `criterial.core.verdict.CAUSES`.
        status : int
            HTTP status, 0 where there was none.
        wait : float
            Seconds until the next attempt.
        """
        if self._span is not None:
            told = {"error.type": cause, "criterial.attempt": attempt, "criterial.wait": wait}
            self._span.add_event("attempt failed", {**told, "http.response.status_code": status} if status else told)

    def failed(self, cause: str) -> None:
        """Note that the call was left without a whole answer.

        Parameters
        ----------
        cause : str
            One of `criterial.core.verdict.CAUSES`.
        """
        if self._span is not None:
            _fail(self._span, cause)

    def spent(self, usage: Usage) -> None:
        """Note what the call cost.

        Parameters
        ----------
        usage : Usage
            Of all its attempts.
        """
        if self._span is None:
            return
        self._span.set_attributes(
            {
                "gen_ai.usage.input_tokens": usage.input_tokens,
                "gen_ai.usage.output_tokens": usage.output_tokens,
                "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
                "criterial.requests": usage.calls,
                "criterial.retries": usage.retries,
            }
        )


def _tracer() -> Any:
    """Return a tracer, or None where no provider is set up: whoever does that has imported the interface, so it is not imported here."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    provider = trace.get_tracer_provider() if trace is not None else None
    return None if provider is None or isinstance(provider, trace.ProxyTracerProvider) else provider.get_tracer("criterial")


@contextmanager
def _current(tracer: Any, name: str, kind: str, attributes: Mapping[str, Any]) -> Iterator[Any]:
    """Open a span and make it the current one. Of an exception its class alone is kept, for its text may hold content."""
    kinds: Any = sys.modules["opentelemetry.trace"].SpanKind
    options = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(name, kind=kinds[kind], attributes=attributes, **options) as span:
        try:
            yield span
        except BaseException as error:
            _fail(span, type(error).__name__)
            raise


def _fail(span: Any, cause: str) -> None:
    span.set_attribute("error.type", cause)
    span.set_status(sys.modules["opentelemetry.trace"].StatusCode.ERROR)
