"""A chat model as a judge: one structured reply for all the criteria of a call, by whichever way its endpoint can give one.

The ladder: a JSON schema, a tool call, plain text that is scanned for its last object. A reply that cannot be read is answered
once by naming the fault, then asked afresh; an endpoint that rejects a rung is not offered it again. What stays unread is
`failed` with its cause.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from criterial.core.digest import canonical
from criterial.core.fence import Block, render
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Question, Usage
from criterial.model.chat_format import PROMPT_VERSION, Sheet
from criterial.model.endpoint import Endpoint, Fault
from criterial.model.exchange import Patience, Price, converse
from criterial.model.limiter import Limiter
from criterial.model.loose_json import last_object, sole_object

__all__ = ["ChatDecider", "ChatOptions"]

_RUNGS = ("schema", "tool", "plain")
_TOOL = "give_answers"
_TOKENS_AN_ANSWER = 50
_TOKENS_A_TEXT = 250
_LEAST_MASS = 0.5


@dataclass(frozen=True)
class ChatOptions:
    """How a chat model is asked."""

    temperature: float | None = 0.0
    """Sampling temperature; None leaves it to the endpoint."""
    criteria_per_call: int = 50
    """Criteria in one call at most; 1 asks each alone."""
    logprobs: bool = False
    """Whether token probabilities are asked for, where a criterion is asked alone."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request body, such as ``max_tokens`` or ``reasoning_effort``."""


class ChatDecider:
    """Answers typed questions through an OpenAI-compatible chat endpoint.

    Parameters
    ----------
    model : str
        Model name as the endpoint knows it.
    endpoint : Endpoint
        Where it is served.
    options : ChatOptions
        How it is asked.
    patience : Patience
        Attempts and deadlines.
    price : Price, optional
        What its tokens cost.
    concurrency : int
        Requests in flight at most.
    """

    calibrated = True

    def __init__(
        self,
        model: str,
        endpoint: Endpoint,
        options: ChatOptions | None = None,
        patience: Patience | None = None,
        price: Price | None = None,
        concurrency: int = 64,
    ) -> None:
        self._model = model
        self._endpoint = endpoint
        self._options = options or ChatOptions()
        self._patience = patience or Patience()
        self._price = price
        self._limiter = Limiter(concurrency)
        self._learnt = _Learnt()
        self.name = model
        self.questions_per_call = max(1, self._options.criteria_per_call)
        settings = canonical({"options": self._options, "prompt": PROMPT_VERSION})
        self.identity = f"chat:{model}@{endpoint.url} {settings}"

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer every question of a request in one conversation.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
        """
        if request.runs_code:
            return DecisionReply(
                tuple(Answer("abstained", cause="unsupported", reason="a chat model runs no code") for _ in request.questions)
            )
        exchange = _ChatExchange(self._model, self.body, self._learnt, request)
        usage, fault = await converse(self._endpoint, self._limiter, self._patience, self._price, exchange)
        missing = _unanswered(fault)
        return DecisionReply(tuple(exchange.answers.get(i, missing) for i in range(len(request.questions))), usage)

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return what one call is expected to cost: four characters a token, about 50 tokens an answer, and 250 where words are asked for.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        Usage
        """
        sheet = Sheet.of(request)
        read = (len(sheet.system()) + len(sheet.user()) + len(canonical(sheet.schema()))) // 4
        written = sum(_TOKENS_A_TEXT if q.kind == "text" else _TOKENS_AN_ANSWER for q in request.questions)
        return Usage(1, 0, read, 0, written, self._price.money(read, 0, written) if self._price else None)

    async def close(self) -> None:
        """Close the endpoint's connections."""
        await self._endpoint.close()

    def body(self, sheet: Sheet, rung: int, complaint: Sequence[Mapping[str, str]]) -> dict[str, Any]:
        """Return the body of a request.

        Parameters
        ----------
        sheet : Sheet
            What is asked.
        rung : int
            Which way of the ladder: 0 schema, 1 tool, 2 plain text.
        complaint : sequence of mapping
            Messages that name the fault of the last reply; empty at first.

        Returns
        -------
        dict
        """
        way = _RUNGS[rung]
        content: Any = sheet.user(plain=way == "plain")
        images = [m.url for m in sheet.request.input.media]
        if images:
            content = [{"type": "text", "text": content}, *({"type": "image_url", "image_url": {"url": u}} for u in images)]
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "system", "content": sheet.system()}, {"role": "user", "content": content}, *complaint],
            **self._options.parameters,
        }
        if self._options.temperature is not None:
            body["temperature"] = self._options.temperature
        if sheet.text:
            return body
        if way == "schema":
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answers", "strict": True, "schema": sheet.schema()}}
        elif way == "tool":
            body["tools"] = [{"type": "function", "function": {"name": _TOOL, "parameters": sheet.schema()}}]
            body["tool_choice"] = {"type": "function", "function": {"name": _TOOL}}
        if self._options.logprobs and self._learnt.logprobs and sheet.single:
            body["logprobs"] = True
            body["top_logprobs"] = 5
        return body


@dataclass
class _Learnt:
    """What an endpoint has shown that it can do."""

    rung: int = 0
    logprobs: bool = True


class _ChatExchange:
    """One chat call: which questions are open, which rung is tried, what was wrong with the last reply."""

    path = "chat/completions"

    def __init__(
        self,
        model: str,
        body: Callable[[Sheet, int, Sequence[Mapping[str, str]]], dict[str, Any]],
        learnt: _Learnt,
        request: DecisionRequest,
    ) -> None:
        self.model = model
        self.request = request
        self._body = body
        self._learnt = learnt
        self._open = Sheet.of(request)
        self._rung = learnt.rung
        self._complaint: list[dict[str, str]] = []
        self._unreadable = 0
        self.answers: dict[int, Answer] = {}

    def payload(self) -> Mapping[str, Any]:
        """Return the next request's body, as `Exchange.payload` says."""
        return self._body(self._open, self._rung, self._complaint)

    def take(self, reply: Mapping[str, Any]) -> None:
        """Take a reply, as `Exchange.take` says; raises Fault where something is still open."""
        message, choice = _message(reply)
        text = _content(message)
        if self._open.text:
            self.answers = {self._open.order[0]: _words(message, choice, text)}
            return
        value = _own_object(self._open, text)
        if message.get("refusal") or (value is None and _sounds_like_refusal(text)):
            raise Fault("refusal", "the model declined")
        found, wrong = self._open.read(value) if value is not None else ({}, "it holds no JSON object of the shape asked for")
        self.answers.update(_with_probabilities(self._open, found, choice, text))
        still = [i for i in self._open.order if i not in self.answers]
        if still:
            self._complaint = [] if found else _complaint(text, wrong)
            self._open = self._open.only(still)
            raise Fault("malformed", wrong)

    def fault(self, fault: Fault) -> bool:
        """Hear of a fault, as `Exchange.fault` says."""
        if fault.status in (400, 415, 422, 501):
            return self._step_down(fault)
        if fault.cause == "malformed":
            self._unreadable += 1
            if self._unreadable % 2 == 0:  # naming the fault did not help: ask afresh, one way lower
                self._complaint = []
                self._rung = min(self._rung + 1, len(_RUNGS) - 1)
        return False

    def _step_down(self, fault: Fault) -> bool:
        """Try what the endpoint may take instead of what it rejected, and remember it for the calls to come."""
        self._complaint = []
        if self._learnt.logprobs and "logprob" in fault.detail.lower():
            self._learnt.logprobs = False
            return True
        if fault.cause != "bad_request" or self._rung + 1 >= len(_RUNGS):
            return False
        self._rung += 1
        self._learnt.rung = max(self._learnt.rung, self._rung)
        return True


def _own_object(sheet: Sheet, text: str) -> Mapping[str, Any] | None:
    """Return the object of a reply that is the judge's: it names what was asked, or is all of the reply where one criterion was."""
    found = last_object(text, "answer" if sheet.single else "answers", sheet.answers)
    if found is None and sheet.single:
        sole = sole_object(text, "answer", [b.text for b in sheet.request.input.blocks])
        return None if sole is None else {**sole, "criterion": sheet.aliases[sheet.order[0]]}
    return found


def _complaint(text: str, wrong: str) -> list[dict[str, str]]:
    """Return the messages that name a fault. A reply may repeat what was judged: it is fenced as that is, and given no turn of its own."""
    shown = render([Block("reply", text[:4000]), Block("fault", wrong)])
    again = "That reply cannot be used, for the fault named below it. Give the whole answer again, in the shape asked for and nothing else."
    return [{"role": "assistant", "content": "(a reply)"}, {"role": "user", "content": f"{shown}\n{again}"}]


def _unanswered(fault: Fault | None) -> Answer:
    if fault is None:
        return Answer("failed", cause="malformed")
    if fault.cause == "refusal":
        return Answer("abstained", cause="refusal", reason=fault.detail)
    return Answer("failed", cause=fault.cause, reason=fault.detail)


def _message(reply: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        raise Fault("malformed", "the reply has no message")
    return message, choice


def _content(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls and isinstance(calls[0], Mapping):
        function = calls[0].get("function")
        arguments = function.get("arguments") if isinstance(function, Mapping) else None
        if isinstance(arguments, str):
            return arguments
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(p.get("text", "")) for p in content if isinstance(p, Mapping))
    return content if isinstance(content, str) else ""


def _words(message: Mapping[str, Any], choice: Mapping[str, Any], text: str) -> Answer:
    """Return an answer in words; half of one would be judged as if it were the whole."""
    if message.get("refusal") or _sounds_like_refusal(text):
        raise Fault("refusal", "the model declined")
    if not text.strip() or choice.get("finish_reason") == "length":
        raise Fault("malformed", "the reply was cut off" if text.strip() else "the reply is empty")
    return Answer("decided", reason=text.strip())


def _sounds_like_refusal(text: str) -> bool:
    start = text.strip().lower()[:200]
    return any(
        start.startswith(p)
        for p in ("i'm sorry", "i am sorry", "i can't", "i cannot", "i can\u2019t", "i'm unable", "i am unable", "sorry,")
    )


def _with_probabilities(sheet: Sheet, found: dict[int, Answer], choice: Mapping[str, Any], text: str) -> dict[int, Answer]:
    """Return the answers; a single one with the probabilities of its labels where the endpoint gave those of its tokens."""
    if not (sheet.single and found):
        return found
    ((index, answer),) = found.items()
    question = sheet.request.questions[index]
    offset = _answer_offset(text, sheet.aliases[index])
    probs = _label_probs(question, choice.get("logprobs"), offset) if answer.outcome == "decided" else None
    if probs is None:
        return found
    return {index: replace(answer, probs=probs, graded=True)}


def _label_probs(question: Question, logprobs: object, offset: int) -> tuple[float, ...] | None:
    tokens = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(tokens, list) or len(question.levels) < 2:
        return None
    token = _token_at(tokens, offset)
    labels = [level.label.casefold() for level in question.levels]
    mass = [0.0] * len(labels)
    for piece, probability in _options(token):
        fits = [i for i, label in enumerate(labels) if label.startswith(piece)]
        if len(fits) == 1:
            mass[fits[0]] += probability
    total = sum(mass)
    return tuple(m / total for m in mass) if total >= _LEAST_MASS else None


def _options(token: Mapping[str, Any] | None) -> Iterator[tuple[str, float]]:
    """Yield the pieces that might have stood in a token's place, with their probabilities."""
    listed = token.get("top_logprobs") if token is not None else None
    for option in listed if isinstance(listed, list) else []:
        if isinstance(option, Mapping) and isinstance(option.get("logprob"), (int, float)):
            piece = str(option.get("token", "")).strip().strip('"').casefold()
            if piece:
                yield piece, math.exp(min(0.0, float(option["logprob"])))


def _answer_offset(text: str, alias: str) -> int:
    """Return where the answer begins: under its alias, or without it where a reply ends with it; -1 where neither is so."""
    found = list(re.finditer(rf'"criterion"\s*:\s*"{alias}"\s*,\s*"answer"\s*:\s*"?', text))
    found = found or list(re.finditer(r'"answer"\s*:\s*"?(?=[^"]*"?\s*\}\s*\Z)', text))
    return found[-1].end() if found else -1


def _token_at(tokens: Sequence[Any], offset: int) -> Mapping[str, Any] | None:
    position = 0
    for token in tokens:
        if not isinstance(token, Mapping):
            return None
        width = len(str(token.get("token", "")))
        if offset >= 0 and position <= offset < position + width:
            return token
        position += width
    return None
