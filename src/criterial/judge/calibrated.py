"""Calibrated judging: a judge's probabilities are made to come true by a curve that was fitted on labels.

`criterial audit` fits the curve and prints its options. What the judge said is on record as it was, so that another curve costs no call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from criterial.core.method import Method
from criterial.core.ports import Answer, Decider, DeciderInFront, DecisionReply, DecisionRequest, Question
from criterial.core.task import Case, Response
from criterial.core.verdict import Verdict
from criterial.errors import ConfigError
from criterial.judge.pointwise import Pointwise, pointwise
from criterial.maths.calibration import Calibrator, Isotonic, Platt

__all__ = ["METHOD", "Calibrated", "calibrated"]


@dataclass(frozen=True)
class Calibrated(Pointwise):
    """Options of `calibrated`."""

    slope: float = 1.0
    """What the log-odds of yes are multiplied by."""
    intercept: float = 0.0
    """What is added to them."""
    score: tuple[float, ...] = ()
    """Of a curve in steps: the judge's probabilities, ascending; takes the place of slope and intercept."""
    p: tuple[float, ...] = ()
    """And what each of them comes to."""

    def __post_init__(self) -> None:
        if len(self.score) != len(self.p) or list(self.score) != sorted(self.score) or list(self.p) != sorted(self.p):
            raise ConfigError("score and p are as many numbers, both ascending")
        if not all(0.0 <= p <= 1.0 for p in self.p):
            raise ConfigError("every p is a probability from 0 to 1")

    @property
    def curve(self) -> Calibrator:
        """The curve."""
        return Isotonic(self.score, self.p) if self.score else Platt(self.slope, self.intercept)


async def calibrated(case: Case, response: Response, decider: Decider, repeat: int = 0, options: Calibrated | None = None) -> list[Verdict]:
    """Return a verdict on every criterion of a case's rubric for one response, with probabilities that come true.

    Parameters
    ----------
    case : Case
        Task and rubric.
    response : Response
        The response to judge.
    decider : Decider
        Who judges.
    repeat : int
        Which repeat, from 0.
    options : Calibrated, optional
        The curve, and what the judge is shown.

    Returns
    -------
    list of Verdict
        In the rubric's order. Verdicts of two levels with probabilities are calibrated, and decided by what comes of it; all others stay
        as they are.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines; Zadrozny and Elkan (2002) for steps.
    """
    options = options or Calibrated()
    return await pointwise(case, response, _Calibrating(decider, options.curve), repeat, options)


class _Calibrating(DeciderInFront):
    """A decider whose probabilities of yes are those of another, put through a curve."""

    def __init__(self, inner: Decider, curve: Calibrator) -> None:
        super().__init__(inner)
        self._curve = curve
        self.calibrated = inner.calibrated or curve != Platt(1.0, 0.0)  # somebody fitted it on labels

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        reply = await self._inner.decide(request)
        return replace(reply, answers=tuple(self._put(q, a) for q, a in zip(request.questions, reply.answers, strict=True)))

    def _put(self, question: Question, answer: Answer) -> Answer:
        if answer.outcome != "decided" or not answer.graded or len(question.levels) != 2 or len(answer.probs) != 2:
            return answer
        yes = float(np.clip(self._curve.apply(np.array([answer.probs[1]]))[0], 0.0, 1.0))
        return replace(answer, probs=(1.0 - yes, yes))


METHOD = Method(
    name="calibrated",
    room="judge",
    call=calibrated,
    options=Calibrated,
    says="puts the judge's probabilities through a curve that was fitted on labels",
    needs=("decider",),
    cites="Platt 1999; Zadrozny and Elkan 2002",
)
