"""A cascade of two judges: the cheap one answers what it is sure of, the dear one is asked for the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

from criterial.core.digest import digest, short
from criterial.core.ports import Answer, Decider, DecisionReply, DecisionRequest, Usage
from criterial.errors import ConfigError

__all__ = ["Cascade", "CascadeDecider"]


@dataclass(frozen=True)
class Cascade:
    """What is passed on to the dear judge."""

    abstained: bool = True
    """What the cheap judge abstained from."""
    failed: bool = True
    """What it failed on."""
    below: float = 0.0
    """What it decided with a probability below this."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.below <= 1.0:
            raise ConfigError(f"a cascade passes on below a probability from 0 to 1, not {self.below:g}")

    def cause(self, answer: Answer) -> str:
        """Return why an answer is passed on.

        Parameters
        ----------
        answer : Answer
            The cheap judge's.

        Returns
        -------
        str
            Empty where it stands.
        """
        if answer.outcome == "abstained" and self.abstained:
            return answer.cause or "abstained"
        if answer.outcome == "failed" and self.failed:
            return answer.cause or "failed"
        if answer.outcome == "decided" and answer.graded and answer.probs and max(answer.probs) < self.below:
            return f"probability {max(answer.probs):.2f}"
        return ""


class CascadeDecider:
    """Asks a cheap decider first, and a dear one for what its rule passes on.

    Parameters
    ----------
    cheap : Decider
        Asked for everything.
    dear : Decider
        Asked for the rest, in one request.
    rule : Cascade, optional
        What is passed on: by default whatever the cheap judge did not decide.
    """

    def __init__(self, cheap: Decider, dear: Decider, rule: Cascade | None = None) -> None:
        self._cheap, self._dear = cheap, dear
        self._rule = rule or Cascade()
        self.identity = f"cascade/{short(digest(cheap.identity, dear.identity, self._rule))}"
        self.name = f"{cheap.name}>{dear.name}"
        self.calibrated = cheap.calibrated and dear.calibrated
        self.questions_per_call = min(cheap.questions_per_call, dear.questions_per_call)

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        """Answer every question of a request.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        DecisionReply
            Reasons say who answered, and why what was passed on was.
        """
        first = await self._cheap.decide(request)
        causes = [self._rule.cause(a) for a in first.answers]
        answers = [replace(a, reason=f"[{self._cheap.name}] {a.reason}".rstrip()) for a in first.answers]
        passed = [i for i, cause in enumerate(causes) if cause]
        if not passed:
            return DecisionReply(tuple(answers), first.usage)
        second = await self._dear.decide(replace(request, questions=tuple(request.questions[i] for i in passed)))
        for i, answer in zip(passed, second.answers, strict=True):
            who = f"[{self._dear.name}, passed on by {self._cheap.name}: {causes[i]}]"
            answers[i] = replace(answer, reason=f"{who} {answer.reason}".rstrip())
        return DecisionReply(tuple(answers), first.usage + second.usage)

    def estimate(self, request: DecisionRequest) -> Usage:
        """Return what a call is expected to cost at most: as if everything were passed on.

        Parameters
        ----------
        request : DecisionRequest
            Input and questions.

        Returns
        -------
        Usage
        """
        return self._cheap.estimate(request) + self._dear.estimate(request)

    async def close(self) -> None:
        """Close both."""
        await self._cheap.close()
        await self._dear.close()
