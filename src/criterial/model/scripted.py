"""The scripted double: a judge whose every answer, fault and bill is known beforehand, to test a set-up with.

`ScriptedDecider` stands in for a model inside the process. `ScriptedProvider` is a real HTTP server on the loopback interface that
speaks chat completions, decisions and System One, keeps its own bill and misbehaves by plan. Neither says anything about
how good a judge is: the truth is planted.

    python -m criterial.model.scripted --latency 0.05 --fault rate_limit=0.05 --fault half_json=0.02
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError

__all__ = ["FAULTS", "FaultPlan", "ScriptedDecider", "ScriptedProvider", "planted"]

Truth = Callable[[str, str, Sequence[str]], str]
"""Given a criterion's text, the whole input and the labels, the label that is right."""

FAULTS: dict[str, str] = {
    "rate_limit": "429 with Retry-After",
    "server_error": "500",
    "unavailable": "503 with Retry-After",
    "reset": "the connection breaks in the middle of the reply",
    "half_json": "the reply's content is cut in the middle",
    "empty": "200 with nothing in it",
    "html": "200 with a web page",
    "refusal": "the model declines",
    "wrong_schema": "an object of another shape",
    "extra": "an answer to a criterion that was not asked",
    "missing": "one criterion left out",
    "duplicate": "one criterion answered twice, differently",
    "nan": "NaN for an answer",
    "out_of_scale": "90 where yes or no was asked",
    "drip": "one byte a second",
    "silent": "no reply at all",
}
"""Every fault that a plan can hold, with what the provider does."""


def planted(criterion: str, shown: str, labels: Sequence[str]) -> str:
    """Return a label fixed by a hash of criterion and input: a truth that anybody can recompute.

    Parameters
    ----------
    criterion : str
        The criterion's text.
    shown : str
        The text of the blocks that are judged.
    labels : sequence of str
        The labels to choose from, worst first.

    Returns
    -------
    str
    """
    drawn = hashlib.sha256(f"{criterion}\n{shown}".encode()).digest()
    return labels[int.from_bytes(drawn[:4], "big") % len(labels)]


class ScriptedDecider:
    """Answers from verdicts that are known beforehand.

    Parameters
    ----------
    verdicts : sequence of Verdict
        What to answer, by task, response and criterion; a verdict without a task answers for the response id in any task.
        Where there is none, the answer is `missing`. Asked for words, it repeats what it is shown.
    name : str
        The judge's name.
    delay : float
        Seconds that each call takes.
    """

    calibrated = True
    questions_per_call = 1000

    def __init__(self, verdicts: Sequence[Verdict], name: str = "scripted", delay: float = 0.0) -> None:
        self._known = {(v.task, v.response, v.criterion, v.repeat): v for v in verdicts}
        self._delay = delay
        self.name = name
        content = sorted((*k, int(v.state), v.value, v.reason) for k, v in self._known.items())
        self.identity = f"scripted:{name} {hashlib.sha256(repr(content).encode()).hexdigest()[:16]}"
        self.calls = 0

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer every question of a request from the script.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions; its label says who is judged.

        Returns
        -------
        DecisionReply
        """
        self.calls += 1
        if self._delay:
            await asyncio.sleep(self._delay)
        return DecisionReply(tuple(self._answer(request, q) for q in request.questions), Usage(1))

    def _answer(self, request: DecisionRequest, question: Question) -> Answer:
        if question.kind == "text":
            return Answer("decided", reason=request.input.text)
        task, response = request.input.label
        places = [(t, response, question.name, r) for t in (task, "") for r in (request.input.repeat, 0)]
        verdict = next((self._known[p] for p in places if p in self._known), None)
        if verdict is None:
            return Answer("failed", cause="missing", reason="the script has no verdict for this cell")
        if verdict.value is None:
            return _undecided(verdict)
        if question.kind == "number":
            return Answer("decided", number=verdict.value, reason=verdict.reason)
        chosen = int(verdict.value) - question.base
        probs = verdict.probs or tuple(float(i == chosen) for i in range(len(question.levels)))
        return Answer("decided", probs, graded=bool(verdict.probs), reason=verdict.reason)

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return one call at no cost.

        Parameters
        ----------
        request : DecisionRequest
            Any.

        Returns
        -------
        Usage
        """
        return Usage(1)

    async def close(self) -> None:
        """Do nothing."""


def _undecided(verdict: Verdict) -> Answer:
    if verdict.state == State.ABSTAINED:
        return Answer("abstained", cause=verdict.cause or "cannot_assess", reason=verdict.reason)
    if verdict.state == State.NOT_APPLICABLE:
        return Answer("not_applicable", reason=verdict.reason)
    return Answer("failed", cause=verdict.cause or "missing", reason=verdict.reason)


@dataclass(frozen=True)
class FaultPlan:
    """Which share of requests goes wrong in which way; the same seed gives the same sequence."""

    rates: Mapping[str, float] = field(default_factory=dict)
    """Share of requests by fault, of `FAULTS`."""
    seed: int = 0
    """Seed of the sequence."""
    retry_after: float = 0.05
    """What Retry-After says, in seconds."""


class ScriptedProvider:
    """A provider on 127.0.0.1 that runs in its own thread. Use it as a context manager.

    Parameters
    ----------
    truth : callable
        The right label to a criterion; see `planted`.
    plan : FaultPlan
        What goes wrong.
    latency : float
        Seconds before a reply.
    logprobs : bool
        Whether chat replies carry token probabilities when asked.
    rungs : sequence of str
        Ways of structured output that the chat endpoint takes: ``schema``, ``tool``, ``plain``.
    port : int
        Port to listen on; 0 takes a free one.
    wording : callable, optional
        From what a chat reply would say and what is judged to what it says, for a judge that repeats or wraps.
    """

    def __init__(
        self,
        truth: Truth = planted,
        plan: FaultPlan | None = None,
        latency: float = 0.0,
        logprobs: bool = False,
        rungs: Sequence[str] = ("schema", "tool", "plain"),
        port: int = 0,
        wording: Callable[[str, str], str] = lambda written, shown: written,
    ) -> None:
        self._truth = truth
        self._plan = plan or FaultPlan()
        self._latency = latency
        self._logprobs = logprobs
        self._rungs = tuple(rungs)
        self._port = port
        self._wording = wording
        self._rng = random.Random(self._plan.seed)  # noqa: S311
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._done = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="scripted-provider", daemon=True)
        self.bill: Counter[str] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0

    def __enter__(self) -> ScriptedProvider:
        self._thread.start()
        if not self._ready.wait(30):
            raise ConfigError("the scripted provider did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(30)

    @property
    def url(self) -> str:
        """Base URL, with ``/v1``."""
        return f"http://127.0.0.1:{self._port}/v1"

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self.serve())

    async def serve(self) -> None:
        """Serve until `close` is called or the task is cancelled."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for path, answer in (("chat/completions", self._chat), ("decisions", self._decisions), ("systemone", self._system_one)):
            app.router.add_post(f"/v1/{path}", partial(self._handle, answer=answer))
        app.router.add_get("/stats", self._stats)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self._port = runner.addresses[0][1]
        self._ready.set()
        await self._done.wait()
        await runner.cleanup()

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response({**self.bill, "most_in_flight": self.most_in_flight})

    async def _handle(self, request: web.Request, answer: Callable[[Any, str], dict[str, Any]]) -> web.StreamResponse:
        body = await request.json()
        self.bill["requests"] += 1
        fault = self._draw()
        self.bill[fault or "served"] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self._latency:
                await asyncio.sleep(self._latency)
            refused = self._refused(fault)
            if refused is not None:
                return refused
            try:
                content = answer(body, fault)
            except _NotServedError as error:
                self.bill["rejected"] += 1
                return web.json_response({"error": {"message": str(error)}}, status=400)
            return await self._send(request, content, fault)
        finally:
            self.in_flight -= 1

    def _draw(self) -> str:
        drawn = self._rng.random()
        for fault, rate in self._plan.rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return ""

    def _refused(self, fault: str) -> web.Response | None:
        wait = {"Retry-After": str(self._plan.retry_after)}
        if fault == "rate_limit":
            return web.json_response({"error": {"message": "Rate limit reached"}}, status=429, headers=wait)
        if fault == "unavailable":
            return web.json_response({"error": {"message": "Overloaded"}}, status=503, headers=wait)
        if fault == "server_error":
            return web.json_response({"error": {"message": "The server had an error"}}, status=500)
        if fault == "empty":
            return web.Response(body=b"", content_type="application/json")
        if fault == "html":
            return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
        return None

    async def _send(self, request: web.Request, content: dict[str, Any], fault: str) -> web.StreamResponse:
        raw = json.dumps(content).encode()
        if fault in ("silent", "drip", "reset"):
            reply = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(raw))})
            if fault == "silent":
                await asyncio.sleep(3600)
            await reply.prepare(request)
            if fault == "drip":
                for i in range(len(raw)):
                    await reply.write(raw[i : i + 1])
                    await asyncio.sleep(1.0)
            await reply.write(raw[: len(raw) // 2])
            if request.transport is not None:
                request.transport.abort()
            return reply
        usage = content["usage"]
        self.bill["billed"] += 1
        self.bill["input_tokens"] += usage.get("prompt_tokens", usage.get("input_tokens", 0))
        self.bill["output_tokens"] += usage.get("completion_tokens", usage.get("output_tokens", 0))
        return web.Response(body=raw, content_type="application/json")

    def _chat(self, body: Any, fault: str) -> dict[str, Any]:
        way = "schema" if "response_format" in body else "tool" if "tools" in body else "plain"
        if way not in self._rungs:
            raise _NotServedError("response_format is not supported" if way == "schema" else "tools are not supported")
        text = _user_text(body["messages"][1]["content"])
        shown, asked = _read_prompt(text)
        items = [{"reason": "as planted", "criterion": a, "answer": self._truth(c, shown, labels)} for a, c, labels in asked]
        single = len(asked) == 1
        written = self._wording(json.dumps(_spoilt(items, fault, single)) if items else shown, shown)
        if fault == "half_json":
            written = written[: len(written) // 2]
        choice: dict[str, Any] = {
            "index": 0,
            "message": _message(written, way, fault),
            "finish_reason": "length" if fault == "half_json" else "stop",
        }
        if self._logprobs and body.get("logprobs") and single:
            choice["logprobs"] = {"content": _token_logprobs(written, asked[0][2])}
        size = sum(len(str(m["content"])) for m in body["messages"])
        return {
            "model": body.get("model"),
            "choices": [choice],
            "usage": {"prompt_tokens": size // 4, "completion_tokens": len(written) // 4},
        }

    def _decisions(self, body: Any, fault: str) -> dict[str, Any]:
        parts = body["input"][-1]["content"]
        shown = _shown("".join(p.get("text", "") for p in parts))
        answers = [self._decision(q, shown, fault) for q in body["questions"]]
        if fault == "refusal":
            answers = [{"type": "refusal", "name": None} for _ in answers]
        elif fault in ("missing", "half_json", "wrong_schema"):
            answers = answers[:-1]
        elif fault in ("extra", "duplicate"):
            answers.append(answers[-1])
        size = len(shown) + len(json.dumps(body["questions"]))
        return {"model": body.get("model"), "answers": answers, "usage": {"input_tokens": size // 4, "output_tokens": 0}}

    def _decision(self, question: Any, shown: str, fault: str) -> dict[str, Any]:
        spoil = {"nan": float("nan"), "out_of_scale": 90.0}.get(fault)
        kind = question["type"]
        if kind == "predicate":
            right = self._truth(question["instructions"], shown, ("no", "yes"))
            return {"type": kind, "name": None, "probability": spoil or (0.95 if right == "yes" else 0.05)}
        key = "value" if kind == "choice" else "label"
        labels = [v[key] for v in question["choices" if kind == "choice" else "levels"]]
        right = self._truth(question["instructions"], shown, labels)
        probs = [{key: v, "probability": spoil or p} for v, p in _spread(labels, right).items()]
        return {"type": kind, "name": None, "probabilities": probs, "confidence": 0.9}

    def _system_one(self, body: Any, fault: str) -> dict[str, Any]:
        shown = _shown(body["state"])
        answers: dict[str, Any] = {}
        for name, question in body["questions"].items():
            kind, criteria = question["type"], question.get("criteria")
            if kind == "noul":
                right = self._truth(question["instructions"], shown, ("no", "yes"))
                answers[name] = {"type": kind, "noul": 0.95 if right == "yes" else 0.05}
                continue
            labels = list(criteria) if kind == "choice" else [str(v).split(":")[0] for v in criteria]
            right = self._truth(question["instructions"], shown, labels)
            spread = _spread(labels, right)
            answers[name] = {"type": kind, "probabilities": spread if kind == "choice" else list(spread.values())}
        if fault in ("missing", "half_json", "wrong_schema", "refusal", "nan", "out_of_scale", "extra", "duplicate"):
            answers.popitem()
        size = len(shown) + len(json.dumps(body["questions"]))
        return {"model": body.get("model"), "answers": answers, "usage": {"input_tokens": size // 4, "output_tokens": 0}}


def _spread(labels: Sequence[str], right: str) -> dict[str, float]:
    return {v: 0.9 if v == right else 0.1 / (len(labels) - 1) for v in labels}


def _user_text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)


def _message(written: str, way: str, fault: str) -> dict[str, Any]:
    if fault == "refusal":
        return {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    if way == "tool":
        call = {"id": "call_1", "type": "function", "function": {"name": "give_answers", "arguments": written}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": "assistant", "content": written}


class _NotServedError(Exception):
    """The endpoint does not take this kind of request."""


_TAG = re.compile(r"<(\w+) ([0-9a-f]{16})>\n(.*?)\n</\1 \2>", re.S)


def _shown(text: str) -> str:
    """Return the text of the fenced blocks alone."""
    return "\n".join(m.group(3) for m in _TAG.finditer(text))


_CRITERION = re.compile(r"^\[([b-z]{6})\] (.*?)(?=^\[[b-z]{6}\] |\Z)", re.M | re.S)
_ONE = re.compile(r"Criterion to judge \(its code is ([b-z]{6})\):")
_OWN_LABELS = re.compile(r" \[labels: (.*)\]\s*$")


def _read_prompt(text: str) -> tuple[str, list[tuple[str, str, list[str]]]]:
    """Return what is judged, and each criterion's alias, text and labels, from a prompt that `chat_format` wrote."""
    blocks = list(_TAG.finditer(text))
    tail = text[blocks[-1].end() :] if blocks else text
    head, _, rest = tail.strip().partition("\n")
    if head == "What to write:":
        return _shown(text), []
    labels = [v.strip() for v in re.search(r"^Labels: (.*)$", tail, re.M).group(1).split(",")]  # type: ignore[union-attr]
    if one := _ONE.fullmatch(head):
        return _shown(text), [(one[1], rest[: rest.index("\nLabels: ")], _ordered(labels))]
    asked: list[tuple[str, str, list[str]]] = []
    for alias, line in _CRITERION.findall(rest):
        own = _OWN_LABELS.search(line)
        kept = line[: own.start()] if own else line.split("\nReply with")[0].strip()
        asked.append((alias, kept, _ordered(own.group(1).split(", ") if own else labels)))
    return _shown(text), asked


def _ordered(labels: Sequence[str]) -> list[str]:
    kept = [v for v in labels if v not in ("unsure", "n/a")]
    return ["no", "yes"] if set(kept) == {"yes", "no"} else kept


def _spoilt(items: list[dict[str, Any]], fault: str, single: bool) -> Any:
    """Return the reply's object with the fault in it."""
    if fault == "wrong_schema":
        return {"verdict": "fine"}
    if fault in ("nan", "out_of_scale"):
        items = [{**items[0], "answer": float("nan") if fault == "nan" else 90}, *items[1:]]
    if single:
        return {"missing": {}, "duplicate": [items[0], items[0]], "extra": {**items[0], "x": 1}}.get(fault, items[0])
    other = "no" if items[0]["answer"] == "yes" else "yes"
    more = {
        "extra": [{"reason": "not asked", "criterion": "another", "answer": "yes"}],
        "duplicate": [{**items[0], "answer": other}],
    }
    return {"answers": items[:-1] if fault == "missing" else items + more.get(fault, [])}


def _token_logprobs(written: str, labels: Sequence[str]) -> list[dict[str, Any]]:
    out = []
    for token in re.findall(r"\w+|\W", written):
        top = [{"token": token, "logprob": -0.105}]
        if token in labels:
            top += [{"token": v, "logprob": -2.3} for v in labels if v != token]
        out.append({"token": token, "logprob": -0.105, "top_logprobs": top})
    return out


def main(argv: Sequence[str] | None = None) -> None:
    """Serve from the command line until interrupted; prints the URL first.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments.
    """
    parser = argparse.ArgumentParser(
        description="A scripted provider on 127.0.0.1: planted answers, faults by plan, its own bill at /stats."
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=SHARE", help=", ".join(FAULTS))
    args = parser.parse_args(argv)
    rates = {name: float(share) for name, _, share in (f.partition("=") for f in args.fault)}
    with ScriptedProvider(plan=FaultPlan(rates, args.seed), latency=args.latency, port=args.port) as provider:
        print(provider.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
