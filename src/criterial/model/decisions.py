"""Decision models: typed questions answered with probabilities, by OpenAI's ``/v1/decisions`` or by ``/v1/systemone``.

Servers differ in small ways, so replies are read tolerantly (probabilities as a list or a map, a confidence left out) but
strictly in what counts: probabilities are finite, not negative and sum to 1 within 1e-3, or the answer is `malformed`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from criterial.core.digest import short
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.core.scale import Level
from criterial.model.endpoint import Endpoint, Fault
from criterial.model.exchange import Patience, Price, converse
from criterial.model.limiter import Limiter

__all__ = ["DecisionsDecider", "SystemOneDecider"]

_NOT_APPLICABLE = "not applicable"
_LEAST_MASS = 0.5
_TOLERANCE = 1e-3


class DecisionsDecider:
    """Answers typed questions through ``POST /v1/decisions``.

    Parameters
    ----------
    model : str
        Model name as the endpoint knows it.
    endpoint : Endpoint
        Where it is served.
    questions_per_call : int
        Questions in one request at most.
    patience : Patience
        Attempts and deadlines.
    price : Price, optional
        What its tokens cost.
    concurrency : int
        Requests in flight at most.
    """

    calibrated = True
    _kind = "decisions"

    def __init__(
        self,
        model: str,
        endpoint: Endpoint,
        questions_per_call: int = 400,
        patience: Patience | None = None,
        price: Price | None = None,
        concurrency: int = 64,
    ) -> None:
        self.model = model
        self.name = model
        self.questions_per_call = questions_per_call
        self.identity = f"{self._kind}:{model}@{endpoint.url}"
        self._endpoint = endpoint
        self._patience = patience or Patience()
        self._price = price
        self._limiter = Limiter(concurrency)

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer every question of a request in one call.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
        """
        exchange = self._exchange(request)
        if not exchange.asked:
            return DecisionReply(tuple(_unasked(q) or Answer("failed", cause="unsupported") for q in request.questions))
        usage, fault = await converse(self._endpoint, self._limiter, self._patience, self._price, exchange)
        missing = Answer("failed", cause=fault.cause if fault else "malformed", reason=fault.detail if fault else "")
        answers = tuple(exchange.answers.get(i) or _unasked(q) or missing for i, q in enumerate(request.questions))
        return DecisionReply(answers, usage)

    def _exchange(self, request: DecisionRequest) -> _Exchange:
        return _DecisionsExchange(self.model, request)

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return what one call is expected to cost, at four characters a token.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        Usage
        """
        size = len(request.input.instructions) + len(request.input.text)
        size += sum(len(q.text) + sum(len(v.label) + len(v.description) for v in q.levels) for q in request.questions)
        return Usage(1, 0, size // 4, 0, 0, self._price.money(size // 4, 0, 0) if self._price else None)

    async def close(self) -> None:
        """Close the endpoint's connections."""
        await self._endpoint.close()


class SystemOneDecider(DecisionsDecider):
    """Answers typed questions through ``POST /v1/systemone``; the parameters are those of `DecisionsDecider`."""

    _kind = "systemone"

    def _exchange(self, request: DecisionRequest) -> _Exchange:
        return _SystemOneExchange(self.model, request)


def _unasked(question: Question) -> Answer | None:
    """Return the answer to what these wire formats cannot ask."""
    if question.kind == "text":
        return Answer("abstained", cause="unsupported", reason="a decision model answers with levels, not with words")
    if question.kind == "program":
        return Answer("abstained", cause="unsupported", reason="a decision model runs no code")
    if question.kind == "number" and not _whole_range(question):
        return Answer("abstained", cause="unsupported", reason="a decision model answers with levels, not with a number of a wide range")
    return None


def _whole_range(question: Question) -> Sequence[Level]:
    """Return a narrow range of whole numbers as levels, or nothing where the range is wide."""
    low, high = int(question.low), int(question.high)
    return [Level(str(n)) for n in range(low, high + 1)] if 1 <= high - low <= 10 and question.low == low and question.high == high else []


@dataclass(frozen=True)
class _Asked:
    """A question in the form in which it goes out."""

    place: int
    question: Question
    levels: Sequence[Level]

    @property
    def kind(self) -> str:
        if self.question.condition:
            return "choice"
        return "score" if self.question.kind == "number" else self.question.kind

    @property
    def text(self) -> str:
        if not self.question.condition:
            return self.question.text
        return f"{self.question.text}\n(Only where this holds, otherwise {_NOT_APPLICABLE}: {self.question.condition})"

    @property
    def labels(self) -> list[str]:
        return [v.label for v in self.levels] + ([_NOT_APPLICABLE] if self.question.condition else [])

    def answer(self, probs: Sequence[float]) -> Answer:
        """Return the answer that probabilities over `labels` give."""
        _check(probs, len(self.labels))
        if self.question.condition:
            if probs[-1] == max(probs):
                return Answer("not_applicable", graded=True)
            applies = 1.0 - probs[-1]
            probs = [p / applies for p in probs[:-1]]
        if self.question.kind == "number":
            best = max(range(len(probs)), key=lambda i: probs[i])
            return Answer("decided", number=float(self.levels[best].label), graded=True)
        return Answer("decided", tuple(probs), graded=True)


class _Exchange:
    """What the two wire formats share: which questions go out, and what came back for each."""

    path = ""

    def __init__(self, model: str, request: DecisionRequest) -> None:
        self.model = model
        self.request = request
        self.answers: dict[int, Answer] = {}
        self.asked = [
            _Asked(i, q, q.levels if q.kind != "number" else _whole_range(q))
            for i, q in enumerate(request.questions)
            if _unasked(q) is None
        ]

    def payload(self) -> Mapping[str, Any]:
        """Return the next request's body, as `Exchange.payload` says."""
        raise NotImplementedError

    def read(self, reply: Mapping[str, Any]) -> Mapping[int, Any]:
        """Return the raw answer to each asked question, by its place among them."""
        raise NotImplementedError

    def one(self, asked: _Asked, raw: Mapping[str, Any]) -> Answer:
        """Return one raw answer as an answer."""
        raise NotImplementedError

    @property
    def open(self) -> list[_Asked]:
        """What has no answer yet."""
        return [a for a in self.asked if a.place not in self.answers]

    def take(self, reply: Mapping[str, Any]) -> None:
        """Take a reply, as `Exchange.take` says; raises Fault where something is still open."""
        raws = self.read(reply)
        wrong = ""
        for number, asked in enumerate(self.open):
            raw = raws.get(number)
            if not isinstance(raw, Mapping):
                wrong = wrong or f"question {number + 1} has no answer"
                continue
            try:
                self.answers[asked.place] = self.one(asked, raw)
            except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
                wrong = wrong or f"question {number + 1}: {error}"[:200]
        if wrong:
            raise Fault("malformed", wrong)

    def fault(self, fault: Fault) -> bool:
        """Hear of a fault: nothing about the next request changes."""
        return False


class _DecisionsExchange(_Exchange):
    path = "decisions"

    def payload(self) -> Mapping[str, Any]:
        """Return the request's body, as `Exchange.payload` says."""
        parts: list[dict[str, Any]] = [{"type": "input_text", "text": self.request.input.text}]
        parts += [{"type": "input_image", "image_url": m.url} for m in self.request.input.media]
        return {
            "model": self.model,
            "input": [{"role": "developer", "content": self.request.input.instructions}, {"role": "user", "content": parts}],
            "questions": [self._question(a) for a in self.open],
            "prompt_cache_key": short(self.request.input.digest),
        }

    def _question(self, asked: _Asked) -> dict[str, Any]:
        out: dict[str, Any] = {"type": asked.kind, "instructions": asked.text}
        if asked.kind == "choice":
            out["choices"] = [_described("value", v) for v in (*asked.levels, Level(_NOT_APPLICABLE))[: len(asked.labels)]]
        elif asked.kind == "score":
            out["levels"] = [_described("label", v) for v in asked.levels]
        return out

    def read(self, reply: Mapping[str, Any]) -> Mapping[int, Any]:
        """Return the raw answers in question order."""
        given = reply.get("answers")
        if not isinstance(given, list) or len(given) != len(self.open):
            raise Fault("malformed", "not one answer a question")
        return dict(enumerate(given))

    def one(self, asked: _Asked, raw: Mapping[str, Any]) -> Answer:
        """Return one raw answer as an answer; a refusal is the judge's own abstention."""
        if raw.get("type") == "refusal":
            return Answer("abstained", cause="refusal", graded=True)
        if raw.get("type") != asked.kind:
            raise ValueError(f"asked for {asked.kind}, answered {str(raw.get('type'))[:20]}")
        if asked.kind == "predicate":
            return asked.answer(_yes(raw["probability"]))
        return asked.answer(_spread(raw["probabilities"], asked.labels))


class _SystemOneExchange(_Exchange):
    path = "systemone"

    def payload(self) -> Mapping[str, Any]:
        """Return the request's body, as `Exchange.payload` says."""
        if self.request.input.media:
            raise Fault("unsupported", "System One takes no images", again=False)
        return {
            "model": self.model,
            "state": f"{self.request.input.instructions}\n{self.request.input.text}",
            "questions": {f"q{n}": self._question(a) for n, a in enumerate(self.open)},
        }

    def _question(self, asked: _Asked) -> dict[str, Any]:
        if asked.kind == "predicate":
            return {"type": "noul", "instructions": asked.text}
        if asked.kind == "choice":
            described = {v.label: v.description or None for v in asked.levels}
            return {"type": "choice", "instructions": asked.text, "criteria": {label: described.get(label) for label in asked.labels}}
        levels = [f"{v.label}: {v.description}" if v.description else v.label for v in asked.levels]
        return {"type": "score", "instructions": asked.text, "criteria": levels}

    def read(self, reply: Mapping[str, Any]) -> Mapping[int, Any]:
        """Return the raw answers by question, without those that the model did not really give."""
        given = reply.get("answers")
        if not isinstance(given, Mapping):
            raise Fault("malformed", "the reply has no answers")
        diagnostics = reply.get("diagnostics")
        notes = diagnostics if isinstance(diagnostics, Mapping) else {}
        out: dict[int, Any] = {}
        for n in range(len(self.open)):
            raw = given.get(f"q{n}")
            note = notes.get(f"q{n}")
            mass = note.get("label_mass") if isinstance(note, Mapping) else None
            out[n] = {**raw, "label_mass": mass} if isinstance(raw, Mapping) else raw
        return out

    def one(self, asked: _Asked, raw: Mapping[str, Any]) -> Answer:
        """Return one raw answer as an answer; with little mass on the labels the model did not answer."""
        mass = raw.get("label_mass")
        if isinstance(mass, (int, float)) and mass < _LEAST_MASS:
            return Answer("abstained", cause="cannot_assess", reason=f"only {mass:.2f} of the model's probability lay on the labels")
        if asked.kind == "predicate":
            return asked.answer(_yes(raw["noul"]))
        labels = asked.labels if asked.kind == "choice" else [str(i) for i in range(len(asked.labels))]
        return asked.answer(_spread(raw["probabilities"], labels))


def _described(key: str, level: Level) -> dict[str, str]:
    return {key: level.label, "description": level.description} if level.description else {key: level.label}


def _yes(probability: Any) -> list[float]:
    p = float(probability)
    return [1.0 - p, p]


def _spread(given: Any, labels: Sequence[str]) -> list[float]:
    """Return probabilities in the order of the labels from a map, a list of numbers or a list of objects."""
    if isinstance(given, Mapping):
        named = {str(label): float(p) for label, p in given.items()}
    elif given and isinstance(given[0], Mapping):
        named = {str(g.get("label", g.get("value"))): float(g["probability"]) for g in given}
    else:
        return [float(p) for p in given]
    if len(named) != len(given) or set(named) != set(labels):
        raise ValueError("the probabilities are not those of the labels asked for")
    return [named[label] for label in labels]


def _check(probs: Sequence[float], expected: int) -> None:
    if len(probs) != expected:
        raise ValueError(f"{len(probs)} probabilities for {expected} labels")
    if not all(math.isfinite(p) and p >= 0.0 for p in probs) or abs(sum(probs) - 1.0) > _TOLERANCE:
        raise ValueError("probabilities must be finite, not negative and sum to 1")
