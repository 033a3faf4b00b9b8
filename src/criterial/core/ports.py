"""The ports: what a method may ask of the world, and the questions and answers that cross them.

A judge's native act is to answer typed questions about one input with probabilities. Whoever answers (a decision model, a chat
model, the embedded model, a script) stands behind `Decider`, and nothing above the port knows which it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, Protocol

from criterial.core.digest import digest
from criterial.core.fence import Block, render
from criterial.core.scale import Level
from criterial.core.task import Media

__all__ = [
    "Admission",
    "Answer",
    "Block",
    "Decider",
    "DeciderInFront",
    "DecisionReply",
    "DecisionRequest",
    "Embedder",
    "Ended",
    "Index",
    "Input",
    "Limits",
    "Outcome",
    "Question",
    "Sandbox",
    "Usage",
    "Writer",
]

_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Question:
    """One typed question about the input."""

    name: str
    """The criterion's id; it does not reach the model."""
    kind: Literal["predicate", "score", "choice", "number", "text", "program"]
    """Binary; ordered levels, worst first; unordered values; a number in [low, high]; words, which are asked for alone and become the
    answer's reason; the share of a program's tests that the code passes, which no model is asked."""
    text: str
    """The statement or question; of a program its options as JSON."""
    levels: tuple[Level, ...] = ()
    """The levels or values, in the order of the probabilities."""
    base: int = 0
    """Value of the first level: 1 on a Likert scale, else 0."""
    low: float = 0.0
    """Least number."""
    high: float = 1.0
    """Greatest number."""
    integer: bool = False
    """Whether only whole numbers count."""
    condition: str = ""
    """When the question applies; elsewhere the answer is `not applicable`."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the judge is asked: everything but the name."""
        span = (self.low, self.high, self.integer)
        return _question_digest(self.kind, self.text, _levels_digest(self.levels), self.base, span, self.condition)


@lru_cache(maxsize=4096)
def _question_digest(*asked: Any) -> str:
    """Return the digest of a question, which every response of a task is asked anew."""
    return digest("question", *asked)


@lru_cache(maxsize=4096)
def _levels_digest(levels: tuple[Level, ...]) -> str:
    return digest(levels)


@dataclass(frozen=True)
class Input:
    """What is judged, with what the judge is told: all that the questions of one response share."""

    instructions: str
    """What the judge is told; trusted text."""
    blocks: tuple[Block, ...]
    """What is judged, in the order in which it is shown."""
    repeat: int = 0
    """Which repeat, from 0; repeats are asked anew."""
    label: tuple[str, str] = ("", "")
    """Ids of task and response, for logs and scripted judges; they do not reach the model and are in no hash."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything but the label."""
        blocks = [[b.label, b.text, [m.digest for m in b.media]] for b in self.blocks]
        return digest("input", self.instructions, blocks, self.repeat)

    @cached_property
    def text(self) -> str:
        """The blocks, fenced."""
        return render(self.blocks)

    @cached_property
    def media(self) -> tuple[Media, ...]:
        """The images of all blocks."""
        return tuple(m for b in self.blocks for m in b.media)


@dataclass(frozen=True)
class DecisionRequest:
    """One input and the questions about it."""

    input: Input
    """What is judged."""
    questions: tuple[Question, ...]
    """What is asked: programs alone, or none."""

    @property
    def runs_code(self) -> bool:
        """Whether it is for a sandbox and not for a model."""
        return any(q.kind == "program" for q in self.questions)

    def fingerprint(self, judge: str, question: Question) -> str:
        """Return the key of one answer: it changes with anything that can change the answer.

        Parameters
        ----------
        judge : str
            The decider's `Decider.identity`.
        question : Question
            One of the questions.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return hashlib.sha256(f"{judge}\n{self.input.digest}\n{question.digest}".encode()).hexdigest()


Outcome = Literal["decided", "abstained", "not_applicable", "failed"]


@dataclass(frozen=True)
class Answer:
    """The answer to one question."""

    outcome: Outcome
    """Whether there is an answer, and if not, what kind of nothing it is."""
    probs: tuple[float, ...] = ()
    """Probability of each level; a judge that gives none puts 1 on the one it chose. Empty for numbers and for no answer."""
    number: float | None = None
    """The number, for a question of kind ``number`` or ``program``."""
    graded: bool = False
    """True where `probs` are the judge's own probabilities, false where they only mark its choice."""
    reason: str = ""
    """Why, in the judge's words."""
    cause: str = ""
    """Why there is no answer: one of `criterial.core.verdict.CAUSES`."""

    def __post_init__(self) -> None:
        """Put a mark in the place of what no store takes: NUL and halves of surrogate pairs in the reason."""
        if _UNKEEPABLE.search(self.reason):
            object.__setattr__(self, "reason", _UNKEEPABLE.sub("\ufffd", self.reason))


@dataclass(frozen=True)
class Usage:
    """What calls cost. Tokens are the provider's own count."""

    calls: int = 0
    """Requests that reached the model's provider."""
    retries: int = 0
    """How many of them were repeats after a fault."""
    input_tokens: int = 0
    """Tokens read, cached ones included."""
    cached_tokens: int = 0
    """Tokens read from the provider's prefix cache."""
    output_tokens: int = 0
    """Tokens written."""
    money: float | None = 0.0
    """US dollars, or None where the price is not known."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; money is unknown where either is."""
        money = None if self.money is None or other.money is None else self.money + other.money
        return Usage(
            self.calls + other.calls,
            self.retries + other.retries,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            money,
        )

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class DecisionReply:
    """The answers to a request, in the order of its questions, and what they cost."""

    answers: tuple[Answer, ...]
    """One for each question."""
    usage: Usage = field(default_factory=Usage)
    """What was spent, faults and repeats included."""


class Admission(Protocol):
    """Says when a call may go out: it holds the slots, the budget and the stop sign."""

    async def enter(self, expected: Callable[[], Usage]) -> Any:
        """Wait for a slot and take it.

        Parameters
        ----------
        expected : callable
            Gives what the call is expected to cost, where that matters.

        Returns
        -------
        object
            A receipt, to be handed back to `leave`.

        Raises
        ------
        JudgeError
            With cause ``budget`` or ``stopped`` where the call must not go out. No slot is held then.
        """
        ...

    def leave(self, receipt: Any, reply: DecisionReply | None) -> None:
        """Give the slot back.

        Parameters
        ----------
        receipt : object
            What `enter` returned.
        reply : DecisionReply or None
            What came of the call; None where it was broken off.
        """
        ...


class Decider(Protocol):
    """Answers typed questions about one input."""

    @property
    def identity(self) -> str:
        """Everything about the judge that can change an answer: model, endpoint, parameters, prompt version. No secrets."""
        ...

    @property
    def name(self) -> str:
        """A short name for tables."""
        ...

    @property
    def calibrated(self) -> bool:
        """False where its threshold was never checked against people."""
        ...

    @property
    def questions_per_call(self) -> int:
        """How many questions one call may carry at most."""
        ...

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer every question of a request.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
            One answer a question; a fault is a failed answer with its cause, never an exception.
        """
        ...

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return what a call is expected to cost, without making it.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        Usage
        """
        ...

    async def close(self) -> None:
        """Let go of connections and threads; a decider that is asked after this opens them again."""
        ...


class DeciderInFront:
    """A decider in front of another: it passes for that one and hands on all that a subclass does not do itself.

    Parameters
    ----------
    inner : Decider
        Who stands behind it.
    """

    def __init__(self, inner: Decider) -> None:
        self._inner = inner
        self.identity = inner.identity
        self.name = inner.name
        self.calibrated = inner.calibrated
        self.questions_per_call = inner.questions_per_call

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Hand a request on, as `Decider.decide`."""
        return await self._inner.decide(request)

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return what the one behind expects, as `Decider.estimate`."""
        return self._inner.estimate(request)

    async def close(self) -> None:
        """Close the one behind."""
        await self._inner.close()


class Writer(Protocol):
    """Writes text to a JSON schema."""

    @property
    def identity(self) -> str:
        """Everything about the writer that can change what it writes."""
        ...

    async def write(self, instructions: str, blocks: Sequence[Block], schema: Mapping[str, Any], repeat: int = 0) -> tuple[Any, Usage]:
        """Write one object.

        Parameters
        ----------
        instructions : str
            What is wanted; trusted text.
        blocks : sequence of Block
            What it is about.
        schema : mapping
            JSON schema of the object.
        repeat : int
            Which repeat, from 0.

        Returns
        -------
        tuple of (object, Usage)

        Raises
        ------
        JudgeError
            If no object to the schema came.
        """
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> str:
        """Everything that can change a vector."""
        ...

    async def embed(self, texts: Sequence[str]) -> Any:
        """Return one unit vector a text, as an array (texts, D).

        Parameters
        ----------
        texts : sequence of str
            What to embed.

        Returns
        -------
        (texts, D) float32 array
        """
        ...


class Index(Protocol):
    """Finds stored texts that are near a query."""

    def search(self, query: str, k: int) -> Sequence[tuple[str, float]]:
        """Return the ids of the k nearest texts with their scores, best first.

        Parameters
        ----------
        query : str
            What to look for.
        k : int
            How many.

        Returns
        -------
        sequence of (str, float)
        """
        ...


@dataclass(frozen=True)
class Limits:
    """The most that an untrusted program may use."""

    seconds: float = 10.0
    """Time on the processor, of each process; by the clock it has three times as much."""
    megabytes: int = 512
    """Memory, of each process and of all together."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int
    """Exit status; 128 and the signal's number where a signal ended it."""
    stdout: bytes
    """Standard output."""
    stderr: bytes
    """Standard error."""
    broken_off: Literal["", "time", "memory", "output"] = ""
    """The limit at which the sandbox ended it, if it did."""


class Sandbox(Protocol):
    """Runs untrusted programs and says what it enforces."""

    @property
    def level(self) -> str:
        """What is enforced, in words."""
        ...

    @property
    def identity(self) -> str:
        """Everything about it that can change what a program does: its kind and the version of its interpreter."""
        ...

    async def run(
        self, files: Mapping[str, bytes], command: Sequence[str], stdin: bytes | int = b"", limits: Limits | None = None
    ) -> Ended:
        """Run a command over files that exist for it alone. When this returns, nothing of it is running; to cancel it ends it.

        Parameters
        ----------
        files : mapping of str to bytes
            Files that lie in its working folder, by name.
        command : sequence of str
            The program and its arguments.
        stdin : bytes or int
            What it reads on standard input: bytes, or an open descriptor that it is given as it is.
        limits : Limits, optional
            How much it may use.

        Returns
        -------
        Ended

        Raises
        ------
        SandboxUnavailable
            If the program could not be started.
        """
        ...
