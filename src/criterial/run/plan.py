"""The dry run: the same judging as a real one, with a decider that only counts what it would ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from criterial.core.ports import Answer, Decider, DeciderInFront, DecisionReply, DecisionRequest, Question, Usage
from criterial.core.verdict import State, Verdict
from criterial.store.database import Database
from criterial.store.journal import recorded
from criterial.store.journaled import split

__all__ = ["CountingDecider", "Plan", "plan_of"]

_EXPECTED_WORDS = 150


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    responses: int
    """Responses to judge."""
    verdicts: int
    """Cells to fill, over all repeats."""
    checked: int
    """Of these, decided by checks or conditions."""
    known: int
    """Answers on record already."""
    asked: int
    """Answers to ask for; a method may ask more than a question a verdict, or one for several."""
    programs: int
    """Of these, programs to run here."""
    calls: int
    """Calls to make, faults not counted."""
    input_tokens: int
    """Tokens to read, estimated at four characters a token."""
    output_tokens: int
    """Tokens to write, estimated."""
    money: float | None
    """US dollars, or None where the price is not known."""

    def __add__(self, other: Plan) -> Plan:
        money = None if self.money is None or other.money is None else self.money + other.money
        counts = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self) if f.name != "money"}
        return Plan(money=money, **counts)

    def to_json(self) -> str:
        """Return the plan as one JSON object.

        Returns
        -------
        str
        """
        return json.dumps(asdict(self), indent=2)

    def lines(self) -> list[str]:
        """Return the plan in words.

        Returns
        -------
        list of str
        """
        money = "price not known: pass --price IN,OUT" if self.money is None else f"about ${self.money:.4f}"
        return [
            f"{self.responses} responses, {self.verdicts} verdicts: {self.checked} by checks, {self.known} on record, "
            f"{self.asked} to ask for{f' ({self.programs} of them programs to run here)' if self.programs else ''}",
            f"{self.calls} calls, about {self.input_tokens:,} tokens in and {self.output_tokens:,} out; {money}",
        ]


class CountingDecider(DeciderInFront):
    """Counts what it is asked and answers nothing.

    Parameters
    ----------
    inner : Decider
        Whose calls are counted.
    database : Database or None
        The store whose record counts as known; None where there is no store yet.
    """

    def __init__(self, inner: Decider, database: Database | None) -> None:
        super().__init__(inner)
        self._database = database
        self.usage = Usage()
        self.on_record = 0
        self.asked = 0
        self._counted: set[str] = set()

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Count a request.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
            Without an answer, but for programs on record, and for words: those on record, or so many as may be expected, since
            later requests show them.
        """
        keys = [request.fingerprint(self.identity, q) for q in request.questions]
        known = self._known(keys)
        fresh = [i for i, k in enumerate(keys) if k not in self._counted]
        self._counted.update(keys)  # equal questions are paid once
        missing = [i for i in fresh if keys[i] not in known]
        self.on_record += len(fresh) - len(missing)
        self.asked += len(missing)
        for _, part in split(request, missing, self.questions_per_call):
            self.usage += self._inner.estimate(part)
        return DecisionReply(tuple(_words(q, k, known.get(k)) for q, k in zip(request.questions, keys, strict=True)))

    def _known(self, keys: Sequence[str]) -> dict[str, Answer]:
        if self._database is None:
            return {}
        with self._database.begin(write=False) as connection:
            return recorded(connection, keys)

    async def close(self) -> None:
        """Leave the inner decider open: nothing was asked of it."""


def _words(question: Question, key: str, known: Answer | None) -> Answer:
    if question.kind == "program" and known is not None:
        return known  # a gate that a program settles spares calls
    if question.kind != "text":
        return Answer("failed", cause="missing")
    return known or Answer("decided", reason="word " * _EXPECTED_WORDS + key)  # words of two responses are not equal


def plan_of(
    deciders: Sequence[CountingDecider], responses: int, verdicts: Sequence[Verdict], programs: CountingDecider | None = None
) -> Plan:
    """Return the plan that counts make.

    Parameters
    ----------
    deciders : sequence of CountingDecider
        The judges, with what they counted.
    responses : int
        Responses to judge.
    verdicts : sequence of Verdict
        What judging with them gave.
    programs : CountingDecider, optional
        Who runs programs.

    Returns
    -------
    Plan
    """
    checked = sum(v.state != State.FAILED or v.cause != "missing" for v in verdicts)
    u = sum((d.usage for d in deciders), Usage())
    run = programs.asked if programs is not None else 0
    known = sum(d.on_record for d in deciders) + (programs.on_record if programs is not None else 0)
    asked = sum(d.asked for d in deciders) + run
    return Plan(responses, len(verdicts), checked, known, asked, run, u.calls, u.input_tokens, u.output_tokens, u.money)
